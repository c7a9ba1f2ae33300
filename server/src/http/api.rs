//! REST under `/api/v1`. A handler loads what it was sent, calls one named method of the board, and
//! responds; the rules are behind [`Doors`](super::doors::Doors).

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::FromRef,
    routing::{any, get},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{doors::Doors, problem, stopping::Stopping, stream::Streams};

pub mod agents;
pub mod artifacts;
pub mod cards;
pub mod description;
pub mod events;
pub mod fleet;
pub mod gates;
pub mod projects;
pub mod questions;
pub mod sessions;
pub mod templates;

/// Where the API lives. A change that breaks callers gets another number.
pub const ROOT: &str = "/api/v1";

/// What handlers work with.
#[derive(Clone)]
pub struct Api {
    pub doors: Arc<dyn Doors>,
    pub streams: Streams,
    pub stopping: Stopping,
    pub port: u16,
}

impl FromRef<Api> for Arc<dyn Doors> {
    fn from_ref(api: &Api) -> Self {
        api.doors.clone()
    }
}

/// The doors, as handlers take them.
pub type Board = axum::extract::State<Arc<dyn Doors>>;

/// Every address of the API, its own description included.
pub fn router(api: Api) -> Router {
    // Described anew for each of the few who ask: the document is large, and idle memory is counted.
    let describe = get(async || Json(description::complete(operations().into_openapi())));
    let (router, _) = operations().split_for_parts();
    let operations = router
        .route("/openapi.json", describe)
        .fallback(problem::no_such_address)
        .method_not_allowed_fallback(problem::no_such_method)
        .with_state(api);
    // What lies beside the API's root is no page either: programs get a problem for it.
    Router::new().nest(ROOT, operations).route("/api/{*rest}", any(problem::no_such_address))
}

fn operations() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(projects::register, projects::list))
        .routes(routes!(projects::show, projects::edit, projects::delete))
        .routes(routes!(templates::create, templates::list))
        .routes(routes!(templates::show, templates::edit, templates::delete))
        .routes(routes!(cards::create, cards::list))
        .routes(routes!(cards::show, cards::edit, cards::archive))
        .routes(routes!(cards::move_card))
        .routes(routes!(cards::retry))
        .routes(routes!(cards::order))
        .routes(routes!(cards::restore))
        .routes(routes!(cards::transitions))
        .routes(routes!(gates::decide))
        .routes(routes!(gates::list))
        .routes(routes!(agents::of_card))
        .routes(routes!(artifacts::of_card))
        .routes(routes!(artifacts::show))
        .routes(routes!(artifacts::content))
        .routes(routes!(agents::list, agents::delete_all))
        .routes(routes!(agents::show, agents::delete))
        .routes(routes!(events::list))
        .routes(routes!(events::stream))
        .routes(routes!(events::socket))
        .routes(routes!(questions::list))
        .routes(routes!(questions::answer))
        .routes(routes!(fleet::show))
        .routes(routes!(sessions::revoke_all))
        .routes(routes!(sessions::revoke_current))
}
