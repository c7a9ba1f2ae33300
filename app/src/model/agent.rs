//! Agents: disposable workers, one purpose each.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{AgentId, ArtifactId, CardId, Money, ProjectId, Stage};

macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// As written in the database and in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some($name::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use text_enum;

text_enum! {
    /// What an agent is for.
    Role {
        Planner = "planner",
        Builder = "builder",
        Reviewer = "reviewer",
        Shipper = "shipper",
        Scout = "scout",
        Orchestrator = "orchestrator",
    }
}

impl Role {
    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Role::Planner => "Planner",
            Role::Builder => "Builder",
            Role::Reviewer => "Reviewer",
            Role::Shipper => "Shipper",
            Role::Scout => "Scout",
            Role::Orchestrator => "Orchestrator",
        }
    }
}

text_enum! {
    /// What runs an agent.
    EngineName {
        /// Built in, deterministic, offline.
        Playbook = "playbook",
        Anthropic = "anthropic",
        /// Any server that speaks OpenAI's chat completions.
        Openai = "openai",
        /// Any agent that speaks the Agent Client Protocol.
        Acp = "acp",
    }
}

text_enum! {
    /// An agent's life: queued, creating, working (and waiting), then one of five ends.
    AgentStatus {
        Queued = "queued",
        Creating = "creating",
        Working = "working",
        /// For a question, a permission, or a person who has taken over.
        Waiting = "waiting",
        Complete = "complete",
        Failed = "failed",
        Cancelled = "cancelled",
        TimedOut = "timed_out",
        OverBudget = "over_budget",
    }
}

impl AgentStatus {
    pub fn is_ended(self) -> bool {
        matches!(
            self,
            AgentStatus::Complete
                | AgentStatus::Failed
                | AgentStatus::Cancelled
                | AgentStatus::TimedOut
                | AgentStatus::OverBudget
        )
    }
}

/// Tokens as the provider counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Tokens {
    pub input: i64,
    pub output: i64,
    /// The part of `input` that came from the provider's prompt cache.
    pub cached: i64,
}

impl Tokens {
    /// Input and output; cached tokens are already part of the input.
    pub fn total(self) -> i64 {
        self.input + self.output
    }
}

/// A live agent as a card shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AgentBrief {
    pub id: AgentId,
    pub role: Role,
    pub engine: EngineName,
    pub status: AgentStatus,
    /// Percent, 0 to 100.
    pub progress: u8,
    /// The step at work, counted from 1; 0 before the first.
    pub step: u16,
    pub steps: u16,
    /// What it does at the moment, in a few words.
    pub doing: String,
    /// What a queued agent waits for, in words.
    pub waits_for: Option<String>,
    pub started_at: Option<DateTime<Utc>>,
}

/// An agent as `GET /agents/{id}` returns it: the Core Four (context, model, prompt, tools), its state and its bill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Agent {
    pub id: AgentId,
    pub project_id: ProjectId,
    pub card_id: CardId,
    pub card_number: i64,
    pub card_title: String,
    pub stage: Stage,
    pub role: Role,
    pub engine: EngineName,
    /// `null` for the playbook engine, which has none.
    pub model: Option<String>,
    pub status: AgentStatus,
    /// Why it ended as it did, or what it waits for.
    pub reason: Option<String>,
    /// Percent, 0 to 100.
    pub progress: u8,
    pub step: u16,
    pub steps: u16,
    pub doing: String,
    pub tokens: Tokens,
    /// Tokens in the model's window now, and the window's size; 0 of 0 where there is no model.
    pub context_used: i64,
    pub context_size: i64,
    pub cost_usd: Money,
    pub tool_calls: i64,
    pub tools: Vec<String>,
    /// How often it was started; more than once after a crash of the server.
    pub attempt: i32,
    /// The comment that a send-back gave it.
    pub comment: Option<String>,
    pub consumed: Vec<ArtifactId>,
    pub produced: Vec<ArtifactId>,
    pub parent_id: Option<AgentId>,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub deleted_at: Option<DateTime<Utc>>,
    /// The exact prompt it ran on; only in `GET /agents/{id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_json_agree() {
        for status in AgentStatus::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert_eq!(AgentStatus::parse(status.as_str()), Some(*status));
        }
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
        for engine in EngineName::ALL {
            assert_eq!(serde_json::to_value(engine).unwrap(), engine.as_str());
        }
    }
}
