//! Events: appended facts with a sequence number that never goes back.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{AgentId, Card, CardId, ProjectId};

/// One appended fact. `kind` is `noun.verb`; what `data` holds depends on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Event {
    pub seq: i64,
    pub at: DateTime<Utc>,
    pub kind: String,
    pub project_id: Option<ProjectId>,
    pub card_id: Option<CardId>,
    pub agent_id: Option<AgentId>,
    #[cfg_attr(feature = "ssr", schema(value_type = Object))]
    pub data: serde_json::Value,
}

/// One frame of the pages' WebSocket (`/events/socket?view=board`): the new facts, and the cards they
/// are about as they stand after the last of them, so that a page never has to ask again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Batch {
    /// The last sequence number this frame brings the page up to.
    pub seq: i64,
    pub events: Vec<Event>,
    pub cards: Vec<Card>,
    pub pulse: Pulse,
}

/// The header's figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Pulse {
    pub agents_at_work: u32,
    /// Since midnight UTC.
    pub tokens_today: i64,
    pub cost_today_usd: super::Money,
    /// Open gates, open questions and failed stages.
    pub needs_you: u32,
}
