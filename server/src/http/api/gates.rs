//! Gates: the exit of a stage.

use axum::{Json, extract::State};
use slipway_app::{
    error::Problem,
    model::{CardId, Gate, NewDecision},
};

use super::{Board, projects::PageParameters};
use crate::http::{
    extract::{Body, Id, Listing, Query, page},
    problem::Refusal,
};

/// Decides at a card's open gate.
///
/// Approving moves the card on; approving Ship's gate lands the commit. Sending back carries the comment to
/// the next agent. Name the gate that was looked at, so that a decision never meets another one.
#[utoipa::path(post, path = "/cards/{id}/gate", tag = "gates", params(("id" = CardId, Path)),
    request_body(content = NewDecision, example = json!({ "decision": "approve" })),
    responses(
        (status = 200, description = "The gate as decided", body = Gate),
        (status = 409, description = "`stale_gate`, `no_open_gate`, `archived`, `already_shipped`, or \
            `gate_closed` when a check is red and no override reason is given; `blocked_by` lists the red checks",
            body = Problem),
    ))]
pub async fn decide(
    State(doors): Board,
    Id(card): Id<CardId>,
    Body(decision): Body<NewDecision>,
) -> Result<Json<Gate>, Refusal> {
    Ok(Json(doors.decide_gate(card, decision).await?))
}

/// Lists a card's gates, oldest first.
#[utoipa::path(get, path = "/cards/{id}/gates", tag = "gates", params(("id" = CardId, Path), PageParameters),
    responses((status = 200, description = "One page", body = Listing<Gate>)))]
pub async fn list(
    State(doors): Board,
    Id(card): Id<CardId>,
    Query(asked): Query<PageParameters>,
) -> Result<Json<Listing<Gate>>, Refusal> {
    let page = page(asked.limit, asked.cursor.as_deref())?;
    Ok(Json(doors.gates(card, page).await?.into()))
}
