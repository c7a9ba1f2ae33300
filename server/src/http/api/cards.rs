//! Cards, and where they move.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use slipway_app::{
    error::Problem,
    model::{Card, CardEdit, CardId, EngineName, NewCard, NewMove, ProjectId, Stage, Transition},
};
use utoipa::{IntoParams, ToSchema};

use super::{Board, projects::PageParameters};
use crate::http::{
    doors::CardQuery,
    extract::{Body, Id, Listing, Query, page},
    problem::Refusal,
};

/// Which cards.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CardParameters {
    project_id: Option<ProjectId>,
    #[param(inline)]
    stage: Option<Stage>,
    /// Text in the title, or a number such as `7`.
    q: Option<String>,
    /// `true` lists the archive instead of the board.
    archived: Option<bool>,
    /// Entries in the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// What `POST /cards/{id}/retry` takes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRetry {
    /// Runs the stage on another engine this time.
    #[serde(default)]
    engine: Option<EngineName>,
}

/// What `POST /cards/{id}/order` takes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// The card of the same column that this one goes before; `null` puts it last.
    #[serde(default)]
    before: Option<CardId>,
}

/// Creates a card in the backlog.
#[utoipa::path(post, path = "/cards", tag = "cards",
    request_body(content = NewCard, example = json!({
        "project_id": "0197c0de-0000-7000-8000-000000000001",
        "title": "Rename colour to color",
        "body": "```replace src/**/*.rs\n/colour/color/\n```",
    })),
    responses((status = 201, description = "The card", body = Card)))]
pub async fn create(State(doors): Board, Body(new): Body<NewCard>) -> Result<(StatusCode, Json<Card>), Refusal> {
    Ok((StatusCode::CREATED, Json(doors.create_card(new).await?)))
}

/// Lists cards by stage and place, without their bodies.
#[utoipa::path(get, path = "/cards", tag = "cards", params(CardParameters),
    responses((status = 200, description = "One page", body = Listing<Card>)))]
pub async fn list(State(doors): Board, Query(asked): Query<CardParameters>) -> Result<Json<Listing<Card>>, Refusal> {
    let page = page(asked.limit, asked.cursor.as_deref())?;
    let query = CardQuery {
        project_id: asked.project_id,
        stage: asked.stage,
        q: asked.q,
        archived: asked.archived.unwrap_or(false),
    };
    Ok(Json(doors.list_cards(query, page).await?.into()))
}

/// Shows a card with its body.
#[utoipa::path(get, path = "/cards/{id}", tag = "cards", params(("id" = CardId, Path)),
    responses((status = 200, description = "The card", body = Card)))]
pub async fn show(State(doors): Board, Id(card): Id<CardId>) -> Result<Json<Card>, Refusal> {
    Ok(Json(doors.card(card).await?))
}

/// Changes a card's title or body.
///
/// What is left out stays. With `version`, the edit is refused when someone else was first.
#[utoipa::path(patch, path = "/cards/{id}", tag = "cards", params(("id" = CardId, Path)),
    request_body = CardEdit,
    responses(
        (status = 200, description = "The card as it is now", body = Card),
        (status = 409, description = "`version_conflict`, `already_shipped` or `archived`", body = Problem),
    ))]
pub async fn edit(
    State(doors): Board,
    Id(card): Id<CardId>,
    Body(edit): Body<CardEdit>,
) -> Result<Json<Card>, Refusal> {
    Ok(Json(doors.edit_card(card, edit).await?))
}

/// Archives a card and stops its agent.
#[utoipa::path(delete, path = "/cards/{id}", tag = "cards", params(("id" = CardId, Path)),
    responses((status = 204, description = "Done; `POST /cards/{id}/restore` takes it back")))]
pub async fn archive(State(doors): Board, Id(card): Id<CardId>) -> Result<StatusCode, Refusal> {
    doors.archive_card(card).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Moves a card.
///
/// One stage forward, which approves the open gate, or back any distance, which sends back and cancels a
/// live agent. Entering a stage spawns that stage's agent.
#[utoipa::path(post, path = "/cards/{id}/moves", tag = "cards", params(("id" = CardId, Path)),
    request_body(content = NewMove, example = json!({ "to": "plan" })),
    responses(
        (status = 202, description = "The transition; its agent is queued", body = Transition),
        (status = 409, description = "`stage_skipped`, `same_stage`, `gate_closed`, `agent_working`, \
            `already_shipped`, `archived`, `not_trusted` or `version_conflict`; `blocked_by` says what blocks",
            body = Problem),
    ))]
pub async fn move_card(
    State(doors): Board,
    Id(card): Id<CardId>,
    Body(new): Body<NewMove>,
) -> Result<(StatusCode, Json<Transition>), Refusal> {
    Ok((StatusCode::ACCEPTED, Json(doors.move_card(card, new).await?)))
}

/// Runs a failed or stopped stage again.
#[utoipa::path(post, path = "/cards/{id}/retry", tag = "cards", params(("id" = CardId, Path)),
    request_body = NewRetry,
    responses(
        (status = 202, description = "The transition; its agent is queued", body = Transition),
        (status = 409, description = "`nothing_to_retry`, `agent_working`, `already_shipped` or `archived`",
            body = Problem),
        (status = 422, description = "`engine_unavailable`", body = Problem),
    ))]
pub async fn retry(
    State(doors): Board,
    Id(card): Id<CardId>,
    Body(new): Body<NewRetry>,
) -> Result<(StatusCode, Json<Transition>), Refusal> {
    Ok((StatusCode::ACCEPTED, Json(doors.retry(card, new.engine).await?)))
}

/// Places a card within its column.
#[utoipa::path(post, path = "/cards/{id}/order", tag = "cards", params(("id" = CardId, Path)),
    request_body = NewOrder,
    responses(
        (status = 200, description = "The card in its new place", body = Card),
        (status = 409, description = "`archived`", body = Problem),
    ))]
pub async fn order(
    State(doors): Board,
    Id(card): Id<CardId>,
    Body(new): Body<NewOrder>,
) -> Result<Json<Card>, Refusal> {
    Ok(Json(doors.order_card(card, new.before).await?))
}

/// Takes a card back from the archive.
#[utoipa::path(post, path = "/cards/{id}/restore", tag = "cards", params(("id" = CardId, Path)),
    responses((status = 200, description = "The card, on the board again", body = Card)))]
pub async fn restore(State(doors): Board, Id(card): Id<CardId>) -> Result<Json<Card>, Refusal> {
    Ok(Json(doors.restore_card(card).await?))
}

/// Lists a card's moves, oldest first.
#[utoipa::path(get, path = "/cards/{id}/transitions", tag = "cards",
    params(("id" = CardId, Path), PageParameters),
    responses((status = 200, description = "One page", body = Listing<Transition>)))]
pub async fn transitions(
    State(doors): Board,
    Id(card): Id<CardId>,
    Query(asked): Query<PageParameters>,
) -> Result<Json<Listing<Transition>>, Refusal> {
    let page = page(asked.limit, asked.cursor.as_deref())?;
    Ok(Json(doors.transitions(card, page).await?.into()))
}
