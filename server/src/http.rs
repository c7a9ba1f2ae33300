//! The doors of the product: pages, REST, event streams, and who may come in.
//!
//! A request passes, from the outside in: response headers ([`headers`]), the host check ([`host`]), the
//! guard ([`access`]), the body ([`mod@body`]), the idempotency key ([`crate::idempotency`]), and then a
//! handler of [`api`] or a page. Refusals of every layer are problems ([`problem`]).
//!
//! Deliberately absent: rules about cards, gates and agents (they are behind [`doors`]), CORS, TLS.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc};

use axum::{
    Json, Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use futures::FutureExt;
use serde_json::json;
use slipway_app::error::ErrorCode;

use self::{
    access::{AccessConfig, Guard},
    api::Api,
    doors::Doors,
    problem::Refusal,
    stopping::Stopping,
    stream::Streams,
};

pub mod access;
pub mod api;
pub mod assets;
pub mod body;
pub mod door;
pub mod doors;
pub mod extract;
pub mod headers;
pub mod host;
pub mod pages;
pub mod problem;
pub mod serve;
pub mod session;
pub mod stopping;
pub mod stream;

#[cfg(test)]
mod stub;
#[cfg(test)]
mod tests;

/// Everything that the server answers, with every layer in place.
///
/// `pages` holds the pages, their server functions under `/ui/` and the assets under `/pkg/`; a fallback in it
/// answers whatever no address matches.
pub fn router(doors: Arc<dyn Doors>, access: AccessConfig, pages: Option<Router>, stopping: Stopping) -> Router {
    with_streams(doors, access, pages, stopping, Streams::default())
}

fn with_streams(
    doors: Arc<dyn Doors>,
    access: AccessConfig,
    pages: Option<Router>,
    stopping: Stopping,
    streams: Streams,
) -> Router {
    let api = api::router(Api { doors: doors.clone(), streams, stopping, port: access.port() });
    let pages = pages.unwrap_or_else(|| Router::new().fallback(problem::no_such_address));
    let guarded = pages
        .merge(api)
        .layer(middleware::from_fn(crate::idempotency::carry_key))
        .layer(middleware::from_fn(body::read_json_body))
        .layer(middleware::from_fn_with_state(Guard { access: access.clone(), doors: doors.clone() }, access::guard));
    Router::new()
        .route("/healthz", get(healthy))
        .route("/readyz", get(ready))
        .with_state(doors)
        .fallback_service(guarded)
        .layer(middleware::from_fn_with_state(access.hosts().clone(), host::check_host))
        .layer(middleware::from_fn(catch_panic))
        .layer(middleware::from_fn(headers::secure))
}

/// Whether the process answers at all.
async fn healthy() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok" }))
}

/// Whether the board can do its work. Says no more than that, for it answers anyone on this machine.
async fn ready(State(doors): State<Arc<dyn Doors>>) -> Result<Json<serde_json::Value>, Refusal> {
    match doors.ready().await {
        Ok(()) => Ok(Json(json!({ "status": "ready" }))),
        Err(problem) => {
            tracing::warn!(%problem, "not ready");
            Err(Refusal::new(ErrorCode::Offline, "The board is not ready; the server's log says why."))
        }
    }
}

/// A panic in a handler is our fault and one request's loss, not the connection's.
async fn catch_panic(request: Request, next: Next) -> Response {
    let target = format!("{} {}", request.method(), request.uri().path());
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            tracing::error!(target, reason = panic_text(panic.as_ref()), "a handler panicked");
            Refusal::new(ErrorCode::Internal, "This is a bug in Slipway; the server's log has its trace.")
                .into_response()
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}
