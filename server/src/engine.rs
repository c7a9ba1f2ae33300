//! What runs an agent. One trait; the playbook engine is built in, deterministic and offline.
//!
//! An engine is handed the Core Four (context, model, prompt, tools), reports what happens as it happens,
//! and ends in one typed report. It never touches the database, git's refs, gates or stages: the role that
//! called it freezes snapshots, runs check commands and stores artifacts, whatever the engine.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use slipway_app::model::{Role, Tokens};
use tokio::sync::mpsc;

use crate::artifact::{BuildNotes, CheckReport, CommitMessage, Plan, Review};

pub mod playbook;

/// Events an engine may have reported that nobody has stored yet. A full queue holds the engine back,
/// so a slow disk slows an agent down and loses nothing.
pub const EVENT_QUEUE: usize = 256;

/// What an agent gets to see: the card and what earlier agents left behind. Everything here that an agent
/// wrote is a stranger's text.
#[derive(Clone, Debug, Default)]
pub struct Context {
    pub card_number: i64,
    pub title: String,
    /// The card's Markdown.
    pub body: String,
    /// What people (or a review) said when they sent the card back, oldest first.
    pub comments: Vec<String>,
    pub plan: Option<Plan>,
    /// The unified diff from base to snapshot, as git writes it.
    pub diff: Option<String>,
    pub check_report: Option<CheckReport>,
    pub review: Option<Review>,
    /// The project's check command, for plans that say how to verify.
    pub check_command: Option<String>,
}

/// One run of one agent.
#[derive(Clone)]
#[allow(dead_code, reason = "the playbook engine heeds no model and no prompt")]
pub struct Job {
    pub role: Role,
    pub context: Context,
    /// `None` for the playbook engine.
    pub model: Option<String>,
    /// The rendered prompt, exactly as kept on record.
    pub prompt: String,
    /// The directory the agent works in: the card's worktree, or a throw-away checkout of the snapshot for
    /// the reviewer. Only a builder may write to it.
    pub workspace: PathBuf,
    /// Runs shell commands confined to the workspace.
    pub commands: Arc<dyn RunCommand>,
}

/// Runs a shell line in the sandbox, inside the job's workspace.
#[async_trait]
pub trait RunCommand: Send + Sync {
    /// `Err` only when the command could not be started at all, or the agent was cancelled.
    async fn run(&self, shell_line: &str) -> Result<CommandResult, EngineError>;
}

/// How a confined command ended.
#[derive(Clone, Debug)]
pub struct CommandResult {
    pub succeeded: bool,
    /// In words: "exit code 1", "killed after 600 s", …
    pub ended: String,
    /// Standard output and error as they came, capped, with a note of what was cut.
    pub output: String,
    pub millis: u64,
}

/// One thing that happened in an agent.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "the playbook engine has no model, so it says and spends nothing")]
pub enum EngineEvent {
    Message(String),
    Thought(String),
    ToolCall {
        tool: String,
        input: serde_json::Value,
    },
    ToolResult {
        tool: String,
        ok: bool,
        output: String,
    },
    /// What one turn used.
    Usage {
        tokens: Tokens,
        cost_nanos: i64,
        context_used: i64,
        context_size: i64,
    },
    Progress {
        percent: u8,
        step: u16,
        steps: u16,
        doing: String,
    },
}

/// Where an engine reports to.
#[derive(Clone)]
pub struct Reporter(mpsc::Sender<EngineEvent>);

impl Reporter {
    pub fn new() -> (Reporter, mpsc::Receiver<EngineEvent>) {
        let (sender, receiver) = mpsc::channel(EVENT_QUEUE);
        (Reporter(sender), receiver)
    }

    /// Waits while the queue is full. A receiver that is gone means the agent has been deleted; then there
    /// is nobody to tell.
    pub async fn report(&self, event: EngineEvent) {
        let _ = self.0.send(event).await;
    }
}

/// What a run ends in: the typed answer that its role owes.
#[derive(Clone, Debug)]
pub enum Report {
    Plan(Plan),
    /// The work itself is in the workspace.
    Build(BuildNotes),
    Review(Review),
    Commit(CommitMessage),
}

/// Why a run ended without its report.
#[derive(Debug, thiserror::Error)]
#[allow(dead_code, reason = "the playbook engine has no budget to exceed")]
pub enum EngineError {
    /// The card or the repository does not allow the work; the text says what to change.
    #[error("{0}")]
    Refused(String),
    #[error("cancelled")]
    Cancelled,
    #[error("{0}")]
    TimedOut(String),
    #[error("{0}")]
    OverBudget(String),
    /// Something outside the engine failed.
    #[error("{doing}: {source}")]
    Failed { doing: String, source: std::io::Error },
}

/// An engine. Dropping the future of [`Engine::run`] cancels it: it holds nothing that outlives the drop.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Runs one job to its report.
    async fn run(&self, job: Job, reporter: Reporter) -> Result<Report, EngineError>;
}
