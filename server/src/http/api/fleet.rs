//! The fleet: every live agent at once.

use axum::{Json, extract::State};
use slipway_app::model::Fleet;

use super::Board;
use crate::http::problem::Refusal;

/// Shows the live agents, what they use together, who waits on whom, and the slowest.
#[utoipa::path(get, path = "/fleet", tag = "fleet",
    responses((status = 200, description = "The fleet", body = Fleet)))]
pub async fn show(State(doors): Board) -> Result<Json<Fleet>, Refusal> {
    Ok(Json(doors.fleet().await?))
}
