//! Questions: what an agent or a landing asks a person. They outlive a restart.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{AgentId, CardId, QuestionId, agent::text_enum};

text_enum! {
    QuestionState {
        Open = "open",
        Answered = "answered",
        /// No longer of interest: the card moved on or was archived.
        Withdrawn = "withdrawn",
    }
}

/// One way to answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct QuestionOption {
    /// Stable, `snake_case`: what an answer names.
    pub id: String,
    pub label: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Question {
    pub id: QuestionId,
    pub card_id: CardId,
    pub agent_id: Option<AgentId>,
    /// Markdown.
    pub prompt: String,
    pub options: Vec<QuestionOption>,
    /// The option that is taken when the deadline passes.
    pub default_option: Option<String>,
    pub deadline: Option<DateTime<Utc>>,
    pub state: QuestionState,
    /// The option's id or the text that was given.
    pub answer: Option<String>,
    pub asked_at: DateTime<Utc>,
    pub answered_at: Option<DateTime<Utc>>,
}

/// What `POST /questions/{id}/answer` takes: exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewAnswer {
    #[serde(default)]
    pub option: Option<String>,
    #[serde(default)]
    pub text: Option<String>,
}
