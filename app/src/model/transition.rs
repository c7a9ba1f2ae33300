//! Transitions: a card's recorded moves. Every move is one.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{AgentId, CardId, Stage, TransitionId, agent::text_enum};

text_enum! {
    /// Who moved the card.
    Actor {
        Person = "person",
        /// A gate's policy, `auto_when_green`.
        Policy = "policy",
        Orchestrator = "orchestrator",
    }
}

text_enum! {
    /// How the visit that a transition began has ended, if it has.
    Outcome {
        /// The visit goes on.
        Open = "open",
        Approved = "approved",
        SentBack = "sent_back",
        Failed = "failed",
        Cancelled = "cancelled",
        Shipped = "shipped",
    }
}

/// A card's recorded move between stages. `from` equals `to` for a retry and for a send-back within a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Transition {
    pub id: TransitionId,
    pub card_id: CardId,
    pub from: Stage,
    pub to: Stage,
    pub actor: Actor,
    pub reason: Option<String>,
    pub outcome: Outcome,
    /// The agent that it spawned.
    pub agent_id: Option<AgentId>,
    pub created_at: DateTime<Utc>,
}

/// What `POST /cards/{id}/moves` takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewMove {
    pub to: Stage,
    /// Reaches the next agent when the card moves back.
    #[serde(default)]
    pub reason: Option<String>,
    /// Approves a red gate, and stays on record.
    #[serde(default)]
    pub override_reason: Option<String>,
    /// Places the card before this one in its new column; last when left out.
    #[serde(default)]
    pub before: Option<CardId>,
    /// The card's version that the person saw; a stale one is refused.
    #[serde(default)]
    pub version: Option<i64>,
}
