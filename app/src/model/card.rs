//! Cards.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    AgentBrief, ArtifactId, CardId, Gate, Money, ProjectId, Stage,
    agent::{AgentStatus, text_enum},
    artifact::ArtifactKind,
    gate::GateState,
};

/// Longest title, in characters: one line of a commit subject's neighbourhood, not an essay.
pub const TITLE_LIMIT: usize = 200;
/// Longest body, in bytes: a playbook with whole files in it fits; a dumped log does not.
pub const BODY_LIMIT: usize = 1024 * 1024;

text_enum! {
    /// What state a card is in. Total: every card is in exactly one, see [`CardStatus::of`].
    CardStatus {
        Idle = "idle",
        Queued = "queued",
        Working = "working",
        Waiting = "waiting",
        NeedsApproval = "needs_approval",
        Failed = "failed",
        Shipped = "shipped",
    }
}

impl CardStatus {
    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            CardStatus::Idle => "Idle",
            CardStatus::Queued => "Queued",
            CardStatus::Working => "Working",
            CardStatus::Waiting => "Waiting",
            CardStatus::NeedsApproval => "Needs approval",
            CardStatus::Failed => "Failed",
            CardStatus::Shipped => "Shipped",
        }
    }

    /// The one rule by which a card's status follows from what is on record.
    pub fn of(facts: StatusFacts) -> CardStatus {
        if facts.landed {
            return CardStatus::Shipped;
        }
        if facts.stage == Stage::Backlog {
            return CardStatus::Idle;
        }
        if facts.open_question {
            return CardStatus::Waiting;
        }
        let gate_decided = match facts.gate {
            Some(GateState::Open) => return CardStatus::NeedsApproval,
            Some(_) => true,
            None => false,
        };
        match facts.agent {
            // An approved Ship gate is a landing under way: the shipper is done, the card is not.
            Some(AgentStatus::Complete) if gate_decided => CardStatus::Working,
            Some(AgentStatus::Queued) => CardStatus::Queued,
            Some(AgentStatus::Creating | AgentStatus::Working | AgentStatus::Complete) => CardStatus::Working,
            Some(AgentStatus::Waiting) => CardStatus::Waiting,
            Some(AgentStatus::Failed | AgentStatus::Cancelled | AgentStatus::TimedOut | AgentStatus::OverBudget)
            | None => CardStatus::Failed,
        }
    }
}

/// What a card's status depends on.
#[derive(Clone, Copy, Debug)]
pub struct StatusFacts {
    pub stage: Stage,
    /// The status of the latest agent of this visit to the stage.
    pub agent: Option<AgentStatus>,
    /// The state of this visit's gate, once there is one.
    pub gate: Option<GateState>,
    pub open_question: bool,
    pub landed: bool,
}

/// An artifact as a chip on a card: the newest version of its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ArtifactChip {
    pub id: ArtifactId,
    pub kind: ArtifactKind,
    pub version: i32,
}

/// A card. Lists leave out `body`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Card {
    pub id: CardId,
    /// Counts from 1 within its project.
    pub number: i64,
    pub project_id: ProjectId,
    pub title: String,
    /// Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    pub stage: Stage,
    pub status: CardStatus,
    /// Why it failed or what it waits for, in words that say what to do; `null` while all is well.
    pub reason: Option<String>,
    /// Sorts cards within a column, ascending.
    pub position: f64,
    /// The live agent.
    pub agent: Option<AgentBrief>,
    /// The open gate.
    pub gate: Option<Gate>,
    /// Newest version of each kind.
    pub artifacts: Vec<ArtifactChip>,
    /// Input and output tokens of all its agents.
    pub tokens: i64,
    pub cost_usd: Money,
    /// Full hash of the card's own commit, once Ship has made it.
    pub commit: Option<String>,
    /// The card's branch, once it has a workspace.
    pub branch: Option<String>,
    pub archived_at: Option<DateTime<Utc>>,
    /// Grows with every edit of title or body and every move.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What `POST /cards` takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewCard {
    pub project_id: ProjectId,
    pub title: String,
    #[serde(default)]
    pub body: String,
}

/// What `PATCH /cards/{id}` takes; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CardEdit {
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub body: Option<String>,
    /// The version the edit was made against; without it the last write wins.
    #[serde(default)]
    pub version: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every combination of facts has one status, and the ones that matter have the right one.
    #[test]
    fn status_is_total() {
        let facts = |stage, agent, gate| StatusFacts { stage, agent, gate, open_question: false, landed: false };
        let check = |facts: StatusFacts, want| assert_eq!(CardStatus::of(facts), want, "{facts:?}");
        check(facts(Stage::Backlog, None, None), CardStatus::Idle);
        check(facts(Stage::Plan, Some(AgentStatus::Queued), None), CardStatus::Queued);
        check(facts(Stage::Plan, Some(AgentStatus::Creating), None), CardStatus::Working);
        check(facts(Stage::Plan, Some(AgentStatus::Complete), None), CardStatus::Working);
        check(facts(Stage::Plan, Some(AgentStatus::Complete), Some(GateState::Open)), CardStatus::NeedsApproval);
        check(facts(Stage::Ship, Some(AgentStatus::Complete), Some(GateState::Approved)), CardStatus::Working);
        for ended in [AgentStatus::Failed, AgentStatus::Cancelled, AgentStatus::TimedOut, AgentStatus::OverBudget] {
            check(facts(Stage::Build, Some(ended), None), CardStatus::Failed);
        }
        let asked = StatusFacts { open_question: true, ..facts(Stage::Ship, Some(AgentStatus::Complete), None) };
        check(asked, CardStatus::Waiting);
        let landed = StatusFacts { landed: true, ..facts(Stage::Ship, Some(AgentStatus::Complete), None) };
        check(landed, CardStatus::Shipped);
    }
}
