//! What each role does between being claimed and handing in: prepare its workspace, gather its context, run
//! its engine, and turn the engine's report into artifacts. The parts that must hold for every engine alike
//! (snapshots, check commands, the commit) are here and not in engines.

use std::{path::PathBuf, sync::Arc};

use slipway_app::model::{AgentId, AgentStatus, ArtifactId, ArtifactKind, Project, Role};

use super::{Lease, LeaseError, Row, prompt};
use crate::{
    artifact::{self, stored::NewArtifact},
    card,
    commands::Commands,
    engine::{Context, Engine, EngineError, EngineEvent, Job, Report, Reporter},
    git, project,
    store::StoreError,
    workshop::Workshop,
    workspace::{self, PrepareError},
};

mod builder;
mod planner;
mod reviewer;
mod shipper;

pub use builder::NOTES as BUILD_NOTES;

/// What an agent hands in.
pub struct Produced {
    pub artifacts: Vec<NewArtifact>,
    /// What it changes about its card, committed with the artifacts.
    pub card: Option<card::Produced>,
}

/// Why an agent has no artifact to show.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    #[error(transparent)]
    Git(#[from] git::GitError),
    #[error(transparent)]
    Commit(#[from] git::CommitError),
    #[error("the prompt could not be written")]
    Prompt(#[from] prompt::PromptError),
    #[error("the engine {0} is not available in this build")]
    NoEngine(String),
    /// The engine handed in something other than its role owes.
    #[error("the {role} handed in {got} instead of {owed}")]
    WrongReport { role: &'static str, got: &'static str, owed: &'static str },
    #[error("{0}")]
    Missing(String),
    #[error(transparent)]
    Card(#[from] card::LoadError),
    #[error(transparent)]
    Project(#[from] project::LoadError),
    #[error(transparent)]
    Artifact(#[from] artifact::stored::ReadError),
    #[error(transparent)]
    Lease(#[from] LeaseError),
    #[error("a step of the work ended unexpectedly")]
    Panicked(#[from] tokio::task::JoinError),
}

impl From<StoreError> for WorkError {
    fn from(error: StoreError) -> Self {
        WorkError::Lease(LeaseError::Store(error))
    }
}

impl WorkError {
    pub fn status(&self) -> AgentStatus {
        match self {
            WorkError::Engine(EngineError::TimedOut(_)) => AgentStatus::TimedOut,
            WorkError::Engine(EngineError::OverBudget(_)) => AgentStatus::OverBudget,
            WorkError::Engine(EngineError::Cancelled) => AgentStatus::Cancelled,
            _ => AgentStatus::Failed,
        }
    }

    /// The whole chain in one sentence, for the card.
    pub fn reason(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            let more = error.to_string();
            if !text.contains(&more) {
                text.push_str(": ");
                text.push_str(&more);
            }
            source = error.source();
        }
        text
    }
}

/// Everything a role has at hand.
pub(super) struct Bench<'w> {
    pub workshop: &'w Arc<Workshop>,
    pub row: &'w Row,
    pub lease: Lease,
    pub card: card::Row,
    pub project: Project,
    pub engine: Arc<dyn Engine>,
    pub reporter: Reporter,
}

/// Does the work of the agent's role.
pub async fn work(
    workshop: &Arc<Workshop>,
    row: &Row,
    lease: Lease,
    reporter: Reporter,
) -> Result<Produced, WorkError> {
    let reader = workshop.store.reader();
    let card = card::load(reader, row.card()).await?;
    let project = project::load(reader, card.project()).await?;
    let engine = workshop.engine(row.engine()?).ok_or_else(|| WorkError::NoEngine(row.engine.clone()))?;
    let bench = Bench { workshop, row, lease, card, project, engine, reporter };
    match row.role()? {
        Role::Planner => planner::work(bench).await,
        Role::Builder => builder::work(bench).await,
        Role::Reviewer => reviewer::work(bench).await,
        Role::Shipper => shipper::work(bench).await,
        Role::Scout | Role::Orchestrator => Err(WorkError::NoEngine(row.role.clone())),
    }
}

/// The name under which git administers an agent's throw-away checkout.
pub fn checkout_name(agent: AgentId) -> String {
    format!("slipway-agent-{agent}")
}

impl Bench<'_> {
    fn repository(&self) -> PathBuf {
        PathBuf::from(&self.project.path)
    }

    /// Tells the card what happens now.
    async fn say(&self, percent: u8, doing: &str) {
        let doing = doing.to_owned();
        self.reporter.report(EngineEvent::Progress { percent, step: 0, steps: 0, doing }).await;
    }

    /// The card's text and what people said, without any artifact yet.
    async fn context(&self) -> Result<Context, WorkError> {
        let reader = self.workshop.store.reader();
        Ok(Context {
            card_number: self.card.number,
            title: self.card.title.clone(),
            body: card::body(reader, self.card.card_id()).await?,
            comments: crate::transition::comments(reader, self.card.card_id()).await?,
            check_command: self.project.check_command.clone(),
            ..Context::default()
        })
    }

    /// The newest artifact of a kind that an earlier agent left on the card; it counts as consumed.
    async fn earlier(&self, kind: ArtifactKind, consumed: &mut Vec<ArtifactId>) -> Result<Option<String>, WorkError> {
        let found = artifact::stored::newest(self.workshop.store.reader(), self.card.card_id(), kind).await?;
        Ok(found.map(|(id, text)| {
            consumed.push(id);
            text
        }))
    }

    /// Puts the Core Four on record and runs the engine.
    async fn run_engine(
        &self,
        role: Role,
        context: Context,
        consumed: &[ArtifactId],
        workspace: PathBuf,
        commands: Arc<Commands>,
    ) -> Result<Report, WorkError> {
        let prompt = prompt::render(role, &context)?;
        let tools = prompt::head(role)?.tools;
        let mut tx = self.workshop.store.begin().await?;
        super::start(&mut tx, self.lease, prompt.clone(), &tools, consumed).await?;
        tx.commit().await.map_err(LeaseError::from)?;
        let job = Job { role, context, model: self.row.model.clone(), prompt, workspace, commands };
        Ok(self.engine.run(job, self.reporter.clone()).await?)
    }

    fn commands(&self, workspace: PathBuf, shares: workspace::Shares) -> Arc<Commands> {
        Arc::new(Commands::of_agent(self.workshop.clone(), self.row.agent_id(), &self.project, workspace, shares))
    }
}

/// What a report is called, for the error that says it is the wrong one.
fn report_name(report: &Report) -> &'static str {
    match report {
        Report::Plan(_) => "a plan",
        Report::Build(_) => "build notes",
        Report::Review(_) => "a review",
        Report::Commit(_) => "a commit message",
    }
}
