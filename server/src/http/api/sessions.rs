//! Browser sessions: how to end them. They begin at `/?token=TOKEN`.

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use slipway_app::error::{ErrorCode, Problem};
use utoipa::ToSchema;

use super::{Api, Board};
use crate::http::{access::Caller, problem::Refusal, session::cookie_name};

/// What `DELETE /sessions` returns.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevokedSessions {
    /// How many browsers were signed out.
    revoked: u64,
}

/// Signs every browser out.
#[utoipa::path(delete, path = "/sessions", tag = "sessions",
    responses((status = 200, description = "How many there were", body = RevokedSessions)))]
pub async fn revoke_all(State(doors): Board) -> Result<Json<RevokedSessions>, Refusal> {
    Ok(Json(RevokedSessions { revoked: doors.revoke_sessions().await? }))
}

/// Signs this browser out.
#[utoipa::path(delete, path = "/sessions/current", tag = "sessions",
    responses(
        (status = 204, description = "Signed out; the cookie is gone"),
        (status = 404, description = "The caller has no session but the token", body = Problem),
    ))]
pub async fn revoke_current(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Result<Response, Refusal> {
    let Caller::Session(session) = caller else {
        return Err(Refusal::new(ErrorCode::NotFound, "A bearer token has no session to end."));
    };
    api.doors.revoke_session(session.id_hash).await?;
    let cookie = format!("{}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0", cookie_name(api.port));
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
