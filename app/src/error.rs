//! What goes wrong, as a person and a program read it: `application/problem+json` (RFC 9457) with a
//! stable code. Programs match codes, never words.

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

use crate::model::agent_text_enum as text_enum;

text_enum! {
    /// Every way a request can be refused.
    ErrorCode {
        InvalidRequest = "invalid_request",
        Unauthorized = "unauthorized",
        Forbidden = "forbidden",
        NotFound = "not_found",
        MethodNotAllowed = "method_not_allowed",
        UnsupportedMediaType = "unsupported_media_type",
        PayloadTooLarge = "payload_too_large",
        MisdirectedRequest = "misdirected_request",
        NotARepository = "not_a_repository",
        AlreadyRegistered = "already_registered",
        NotTrusted = "not_trusted",
        StageSkipped = "stage_skipped",
        SameStage = "same_stage",
        GateClosed = "gate_closed",
        AgentWorking = "agent_working",
        AlreadyShipped = "already_shipped",
        Archived = "archived",
        NothingToRetry = "nothing_to_retry",
        StaleGate = "stale_gate",
        NoOpenGate = "no_open_gate",
        AlreadyAnswered = "already_answered",
        AgentEnded = "agent_ended",
        VersionConflict = "version_conflict",
        IdempotencyKeyReused = "idempotency_key_reused",
        ProjectInUse = "project_in_use",
        EngineUnavailable = "engine_unavailable",
        TooManyStreams = "too_many_streams",
        Offline = "offline",
        Internal = "internal",
    }
}

impl ErrorCode {
    /// The HTTP status it goes with (RFC 9110).
    pub fn status(self) -> u16 {
        use ErrorCode::*;
        match self {
            InvalidRequest => 400,
            Unauthorized => 401,
            Forbidden => 403,
            NotFound => 404,
            MethodNotAllowed => 405,
            UnsupportedMediaType => 415,
            PayloadTooLarge => 413,
            MisdirectedRequest => 421,
            NotARepository | EngineUnavailable => 422,
            AlreadyRegistered | NotTrusted | StageSkipped | SameStage | GateClosed | AgentWorking | AlreadyShipped
            | Archived | NothingToRetry | StaleGate | NoOpenGate | AlreadyAnswered | AgentEnded | VersionConflict
            | IdempotencyKeyReused | ProjectInUse => 409,
            TooManyStreams | Offline => 503,
            Internal => 500,
        }
    }

    /// A short, unchanging title.
    pub fn title(self) -> &'static str {
        use ErrorCode::*;
        match self {
            InvalidRequest => "The request is not valid",
            Unauthorized => "The access token is missing or wrong",
            Forbidden => "This origin may not change anything here",
            NotFound => "There is nothing here",
            MethodNotAllowed => "This address does not take that method",
            UnsupportedMediaType => "Send JSON",
            PayloadTooLarge => "That is too much at once",
            MisdirectedRequest => "This server does not go by that name",
            NotARepository => "That path is not a git repository",
            AlreadyRegistered => "That repository is already registered",
            NotTrusted => "This repository is not trusted yet",
            StageSkipped => "A card moves one stage at a time",
            SameStage => "The card is already there",
            GateClosed => "The gate is closed",
            AgentWorking => "An agent is still at work",
            AlreadyShipped => "The card has shipped",
            Archived => "The card is archived",
            NothingToRetry => "There is nothing to retry",
            StaleGate => "That gate is no longer the open one",
            NoOpenGate => "There is no open gate",
            AlreadyAnswered => "The question has been answered",
            AgentEnded => "The agent has ended",
            VersionConflict => "Someone else changed it first",
            IdempotencyKeyReused => "That idempotency key belongs to another request",
            ProjectInUse => "The project has work under way",
            EngineUnavailable => "That engine is not available",
            TooManyStreams => "Too many event streams are open",
            Offline => "The server cannot be reached",
            Internal => "Something went wrong on the server",
        }
    }
}

/// One thing that blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Blocker {
    pub code: String,
    pub detail: String,
}

/// A refusal, as it leaves the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[error("{detail}")]
pub struct Problem {
    pub code: ErrorCode,
    /// HTTP status code.
    pub status: u16,
    pub title: String,
    /// What happened and what to do, in a sentence or two.
    pub detail: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked_by: Vec<Blocker>,
}

impl Problem {
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Problem {
            code,
            status: code.status(),
            title: code.title().to_owned(),
            detail: detail.into(),
            blocked_by: Vec::new(),
        }
    }

    pub fn blocked_by(mut self, blockers: impl IntoIterator<Item = Blocker>) -> Self {
        self.blocked_by.extend(blockers);
        self
    }
}

impl FromServerFnError for Problem {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(detail) => {
                Problem::new(ErrorCode::Offline, format!("The server did not answer ({detail}). Is it still running?"))
            }
            ServerFnErrorErr::Args(detail) | ServerFnErrorErr::MissingArg(detail) => {
                Problem::new(ErrorCode::InvalidRequest, detail)
            }
            other => Problem::new(ErrorCode::Internal, other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_a_status_and_words() {
        for code in ErrorCode::ALL {
            assert!((400..600).contains(&code.status()));
            assert!(!code.title().is_empty());
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
