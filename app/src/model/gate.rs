//! Gates: the exit of a stage. Automatic checks first, then a decision.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{AgentId, GateId, Stage, agent::text_enum};

text_enum! {
    /// Where a gate stands.
    GateState {
        Open = "open",
        Approved = "approved",
        SentBack = "sent_back",
        /// Approved although a check was red, with a reason.
        Overridden = "overridden",
        /// The card left the stage without a decision at this gate: moved back or archived.
        Withdrawn = "withdrawn",
    }
}

text_enum! {
    /// Who decides at a gate whose checks are green.
    GatePolicy {
        /// A person.
        Manual = "manual",
        /// The gate itself; a review that asks for changes sends back by itself.
        AutoWhenGreen = "auto_when_green",
    }
}

/// One automatic check: free of tokens, run after every agent whatever its engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Check {
    /// Stable, `snake_case`.
    pub name: String,
    pub passed: bool,
    /// What was seen, and when red what would turn it green.
    pub detail: String,
}

/// A stage's exit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Gate {
    pub id: GateId,
    pub stage: Stage,
    pub agent_id: Option<AgentId>,
    pub checks: Vec<Check>,
    pub state: GateState,
    /// `person`, `policy` or `null` while open.
    pub decided_by: Option<String>,
    /// The comment or override reason of the decision.
    pub reason: Option<String>,
    pub opened_at: DateTime<Utc>,
    pub decided_at: Option<DateTime<Utc>>,
}

impl Gate {
    pub fn is_green(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }
}

text_enum! {
    /// What a person can decide.
    Decision {
        Approve = "approve",
        SendBack = "send_back",
    }
}

/// What `POST /cards/{id}/gate` takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewDecision {
    pub decision: Decision,
    /// The gate that was looked at; a decision about another one is refused.
    #[serde(default)]
    pub gate_id: Option<GateId>,
    /// Where a send-back goes; plan→plan, build→build, review→build, ship→review unless said.
    #[serde(default)]
    pub to: Option<Stage>,
    /// Reaches the next agent.
    #[serde(default)]
    pub comment: Option<String>,
    /// Approves although a check is red, and stays on record.
    #[serde(default)]
    pub override_reason: Option<String>,
}
