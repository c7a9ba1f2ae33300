//! Domain errors become refusals here, at the last step: a stable code, a sentence that says what to do, and
//! nothing of the inside. What is our fault is logged in full and shown as such.

use std::error::Error;

use slipway_app::{
    error::{Blocker, ErrorCode, Problem},
    model::Stage,
};

use crate::{artifact::stored::ReadError, card, project, question, store::StoreError, transition::MoveError};

/// What the doors answer to a domain error.
pub trait Refuse {
    fn refuse(self) -> Problem;
}

fn internal(error: &(dyn Error + 'static)) -> Problem {
    tracing::error!(error, "a request failed");
    Problem::new(
        ErrorCode::Internal,
        "Something went wrong on the server, and nothing was changed. Its log says what; try again, and if it stays, report it.",
    )
}

impl Refuse for StoreError {
    fn refuse(self) -> Problem {
        match self {
            StoreError::KeyReused => Problem::new(
                ErrorCode::IdempotencyKeyReused,
                "This Idempotency-Key has been used for another request. Use a new key for a new request.",
            ),
            error => internal(&error),
        }
    }
}

impl Refuse for card::LoadError {
    fn refuse(self) -> Problem {
        match self {
            card::LoadError::NoSuchCard(id) => Problem::new(ErrorCode::NotFound, format!("There is no card {id}.")),
            card::LoadError::Store(error) => error.refuse(),
        }
    }
}

impl Refuse for card::WriteError {
    fn refuse(self) -> Problem {
        use card::WriteError;
        match self {
            WriteError::Load(error) => error.refuse(),
            WriteError::Project(error) => error.refuse(),
            WriteError::Invalid(detail) => Problem::new(ErrorCode::InvalidRequest, detail),
            WriteError::VersionConflict { given, current } => version_conflict("card", given, current),
            WriteError::Archived => archived(),
            WriteError::Landing => landing(),
            WriteError::NotANeighbour { before } => Problem::new(
                ErrorCode::InvalidRequest,
                format!("Card {before} is not in that column (any more). Leave `before` out to put the card last."),
            ),
            WriteError::Store(error) => error.refuse(),
        }
    }
}

impl Refuse for project::LoadError {
    fn refuse(self) -> Problem {
        match self {
            project::LoadError::NoSuchProject(id) => Problem::new(
                ErrorCode::NotFound,
                format!("There is no project {id}. `GET /api/v1/projects` lists them."),
            ),
            project::LoadError::Store(error) => error.refuse(),
        }
    }
}

impl Refuse for project::RegisterError {
    fn refuse(self) -> Problem {
        use project::RegisterError;
        match self {
            RegisterError::Load(error) => error.refuse(),
            RegisterError::NotARepository(detail) => Problem::new(ErrorCode::NotARepository, detail),
            RegisterError::AlreadyRegistered(id) => Problem::new(
                ErrorCode::AlreadyRegistered,
                format!("This repository is registered already, as project {id}."),
            )
            .blocked_by([Blocker { code: "project".to_owned(), detail: id.to_string() }]),
            RegisterError::Invalid(detail) => Problem::new(ErrorCode::InvalidRequest, detail),
            RegisterError::EngineUnavailable(engine) => engine_unavailable(engine.as_str()),
            RegisterError::VersionConflict { given, current } => version_conflict("project", given, current),
            RegisterError::Store(error) => error.refuse(),
        }
    }
}

impl Refuse for project::removal::RemoveError {
    fn refuse(self) -> Problem {
        use project::removal::RemoveError;
        match self {
            RemoveError::Load(error) => error.refuse(),
            RemoveError::Card(card::WriteError::Landing) => Problem::new(
                ErrorCode::ProjectInUse,
                "A card's commit is being landed at this moment. Wait for it to end, then remove the project.",
            ),
            RemoveError::Card(error) => error.refuse(),
            RemoveError::InUse(agents) => Problem::new(
                ErrorCode::ProjectInUse,
                format!(
                    "{agents} of its agents are still there. Stop them first, or have them stopped with the removal (`stop_agents=true`)."
                ),
            ),
            RemoveError::StillStopping => Problem::new(
                ErrorCode::ProjectInUse,
                "Its agents are still being stopped. Its cards are archived; remove the project again in a moment.",
            ),
            RemoveError::Store(error) => error.refuse(),
        }
    }
}

impl Refuse for ReadError {
    fn refuse(self) -> Problem {
        match self {
            ReadError::NoSuchArtifact(id) => Problem::new(ErrorCode::NotFound, format!("There is no artifact {id}.")),
            ReadError::Store(error) => error.refuse(),
            error @ ReadError::ContentMissing(_) => internal(&error),
        }
    }
}

impl Refuse for question::AnswerError {
    fn refuse(self) -> Problem {
        use question::AnswerError;
        match self {
            AnswerError::NoSuchQuestion(id) => Problem::new(ErrorCode::NotFound, format!("There is no question {id}.")),
            AnswerError::NotOpen => Problem::new(
                ErrorCode::AlreadyAnswered,
                "The question is no longer open: it has been answered, or the card has moved on.",
            ),
            AnswerError::Invalid(detail) => Problem::new(ErrorCode::InvalidRequest, detail),
            AnswerError::Store(error) => error.refuse(),
        }
    }
}

impl Refuse for MoveError {
    fn refuse(self) -> Problem {
        match self {
            MoveError::StageSkipped { from, to, next } => {
                Problem::new(ErrorCode::StageSkipped, skipped(from, to, next))
            }
            MoveError::SameStage(stage) => Problem::new(
                ErrorCode::SameStage,
                format!(
                    "The card is in {} already. `POST /cards/{{id}}/order` places it within the column.",
                    stage.label()
                ),
            ),
            MoveError::AgentWorking => Problem::new(
                ErrorCode::AgentWorking,
                "Its agent is not done. Wait for the gate, or stop the agent first.",
            ),
            MoveError::GateRed(checks) => Problem::new(
                ErrorCode::GateClosed,
                "The gate has red checks. Send the card back, or go on with an override reason, which stays on record.",
            )
            .blocked_by(checks.into_iter().map(|check| Blocker { code: check.name, detail: check.detail })),
            MoveError::NoGate(why) if why.is_empty() => {
                Problem::new(ErrorCode::GateClosed, "The stage has not come to its gate. Retry runs it again.")
            }
            MoveError::NoGate(why) => Problem::new(
                ErrorCode::GateClosed,
                "The stage ended without coming to its gate. Put right what it says, then retry.",
            )
            .blocked_by([Blocker { code: "stage_failed".to_owned(), detail: why }]),
            MoveError::AlreadyShipped => Problem::new(
                ErrorCode::AlreadyShipped,
                "The card has shipped; its commit is made. Make a new card for further work.",
            ),
            MoveError::Landing => landing(),
            MoveError::Archived => archived(),
            MoveError::NotTrusted => Problem::new(
                ErrorCode::NotTrusted,
                "Nobody has said yet that this repository may be worked in. Trust the project first: its commands will run on this machine.",
            ),
            MoveError::NothingToRetry => Problem::new(
                ErrorCode::NothingToRetry,
                "Nothing has failed or stopped in this stage. Send the card back to run a stage again that came to its gate.",
            ),
            MoveError::StaleGate { open, .. } => Problem::new(
                ErrorCode::StaleGate,
                match open {
                    Some(id) => format!(
                        "That gate has been decided; {id} is the open one now. Look at the card again before deciding."
                    ),
                    None => "That gate has been decided, and none is open now. Look at the card again.".to_owned(),
                },
            ),
            MoveError::Invalid(detail) => Problem::new(ErrorCode::InvalidRequest, detail),
            MoveError::EngineUnavailable(engine) => engine_unavailable(engine.as_str()),
            MoveError::VersionConflict { given, current } => version_conflict("card", given, current),
            MoveError::Card(error) => error.refuse(),
            MoveError::Store(error) => error.refuse(),
        }
    }
}

fn skipped(from: Stage, to: Stage, next: Option<Stage>) -> String {
    match next {
        Some(next) => format!(
            "From {} a card goes on to {}, not to {}. Moving back goes any distance.",
            from.label(),
            next.label(),
            to.label()
        ),
        None => format!("{} is the last stage; approve its gate to land the commit.", from.label()),
    }
}

fn version_conflict(what: &str, given: i64, current: i64) -> Problem {
    Problem::new(
        ErrorCode::VersionConflict,
        format!(
            "The {what} is at version {current} by now; yours was made against {given}. Load it again and repeat what you want changed."
        ),
    )
}

fn archived() -> Problem {
    Problem::new(ErrorCode::Archived, "The card is archived. Restore it first.")
}

fn landing() -> Problem {
    Problem::new(ErrorCode::AgentWorking, "Its commit is being landed at this moment. Wait for it to end.")
}

fn engine_unavailable(engine: &str) -> Problem {
    Problem::new(
        ErrorCode::EngineUnavailable,
        format!(
            "The engine `{engine}` is not available here. `slipway doctor` lists the engines that are; `playbook` always is."
        ),
    )
}
