//! Agents: who works, who has worked, and how to stop them.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use slipway_app::model::{Agent, AgentId, CardId};
use utoipa::{IntoParams, ToSchema};

use super::{Board, projects::PageParameters};
use crate::http::{
    doors::AgentState,
    extract::{Id, Listing, Query, page},
    problem::Refusal,
};

/// Which agents: those not deleted yet, the deleted ones, or all.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateParameter {
    #[default]
    Live,
    Deleted,
    All,
}

impl From<StateParameter> for AgentState {
    fn from(state: StateParameter) -> Self {
        match state {
            StateParameter::Live => AgentState::Live,
            StateParameter::Deleted => AgentState::Deleted,
            StateParameter::All => AgentState::All,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AgentParameters {
    /// `live` unless said.
    #[param(inline)]
    state: Option<StateParameter>,
    /// Entries in the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// What `DELETE /agents` returns.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedAgents {
    /// How many were stopped and deleted.
    deleted: u64,
}

/// Lists agents, oldest first, without their prompts.
#[utoipa::path(get, path = "/agents", tag = "agents", params(AgentParameters),
    responses((status = 200, description = "One page", body = Listing<Agent>)))]
pub async fn list(State(doors): Board, Query(asked): Query<AgentParameters>) -> Result<Json<Listing<Agent>>, Refusal> {
    let page = page(asked.limit, asked.cursor.as_deref())?;
    Ok(Json(doors.agents(asked.state.unwrap_or_default().into(), page).await?.into()))
}

/// Shows an agent: the Core Four (context, model, prompt, tools), its state and its bill.
#[utoipa::path(get, path = "/agents/{id}", tag = "agents", params(("id" = AgentId, Path)),
    responses((status = 200, description = "The agent", body = Agent)))]
pub async fn show(State(doors): Board, Id(agent): Id<AgentId>) -> Result<Json<Agent>, Refusal> {
    Ok(Json(doors.agent(agent).await?))
}

/// Stops an agent and deletes it.
///
/// Its row, events and artifacts stay; its card is then `failed` and can be retried.
#[utoipa::path(delete, path = "/agents/{id}", tag = "agents", params(("id" = AgentId, Path)),
    responses(
        (status = 204, description = "Stopped"),
        (status = 409, description = "`agent_ended`", body = slipway_app::error::Problem),
    ))]
pub async fn delete(State(doors): Board, Id(agent): Id<AgentId>) -> Result<StatusCode, Refusal> {
    doors.stop_agent(agent).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stops and deletes every live agent.
#[utoipa::path(delete, path = "/agents", tag = "agents",
    responses((status = 200, description = "How many there were", body = DeletedAgents)))]
pub async fn delete_all(State(doors): Board) -> Result<Json<DeletedAgents>, Refusal> {
    Ok(Json(DeletedAgents { deleted: doors.delete_agents().await? }))
}

/// Lists the agents that a card has had, oldest first.
#[utoipa::path(get, path = "/cards/{id}/agents", tag = "agents", params(("id" = CardId, Path), PageParameters),
    responses((status = 200, description = "One page", body = Listing<Agent>)))]
pub async fn of_card(
    State(doors): Board,
    Id(card): Id<CardId>,
    Query(asked): Query<PageParameters>,
) -> Result<Json<Listing<Agent>>, Refusal> {
    let page = page(asked.limit, asked.cursor.as_deref())?;
    Ok(Json(doors.card_agents(card, page).await?.into()))
}
