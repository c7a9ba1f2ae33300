//! Runs an agent's shell lines in the sandbox, and keeps their process groups on record.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::Utc;
use sea_orm::{ActiveValue::Set, EntityTrait};
use slipway_app::model::{AgentId, CardId, Project};

use crate::{
    artifact::CheckReport,
    engine::{CommandResult, EngineError, RunCommand},
    git,
    sandbox::{CommandSpec, Confinement, Ended, Limits, ProcessRecord},
    store::entity,
    workshop::Workshop,
    workspace::Shares,
};

/// Wall time of one command unless the project's budget says otherwise: a long test suite fits, a hung one
/// does not keep its place for ever.
const WALL: Duration = Duration::from_secs(15 * 60);

/// A place to run commands in, for one agent or one landing.
pub struct Commands {
    workshop: Arc<Workshop>,
    /// What the processes are known by: the agent's id, or the card's while it is landed.
    owner: uuid::Uuid,
    project: Project,
    workspace: PathBuf,
    shares: Shares,
}

impl Commands {
    pub fn of_agent(
        workshop: Arc<Workshop>,
        agent: AgentId,
        project: &Project,
        workspace: PathBuf,
        shares: Shares,
    ) -> Self {
        Commands { workshop, owner: agent.0, project: project.clone(), workspace, shares }
    }

    pub fn of_landing(
        workshop: Arc<Workshop>,
        card: CardId,
        project: &Project,
        workspace: PathBuf,
        shares: Shares,
    ) -> Self {
        Commands { workshop, owner: card.0, project: project.clone(), workspace, shares }
    }

    /// Runs the project's check command and reports; without one the report says so and passes.
    pub async fn check(&self) -> Result<CheckReport, EngineError> {
        let sandbox = self.workshop.sandbox.mode().await.describe();
        let Some(command) = self.project.check_command.clone() else {
            let ended = "not run: the project sets no check command".to_owned();
            return Ok(CheckReport { passed: true, ended, sandbox, ..CheckReport::default() });
        };
        let result = self.run(&command).await?;
        Ok(CheckReport {
            command: Some(command),
            passed: result.succeeded,
            ended: result.ended,
            millis: result.millis,
            output: result.output,
            sandbox,
        })
    }

    async fn confined(&self, shell_line: &str) -> Result<Ended, EngineError> {
        let repository = PathBuf::from(&self.project.path);
        let git_dir = tokio::task::spawn_blocking(move || git::git_dir(&repository));
        let git_dir = match git_dir.await {
            Ok(Ok(dir)) => dir,
            Ok(Err(error)) => return Err(EngineError::Refused(error.to_string())),
            Err(panic) => return Err(failed("looking at the repository", io::Error::other(panic))),
        };
        let wall = match self.project.budget.wall_seconds {
            Some(seconds) => Duration::from_secs(u64::try_from(seconds).unwrap_or(1).max(1)),
            None => WALL,
        };
        let spec = CommandSpec {
            shell_line: shell_line.to_owned(),
            confinement: Confinement {
                workspace: self.workspace.clone(),
                read_only: vec![git_dir],
                hidden: vec![self.workshop.layout.data_dir.clone()],
                shares: self.shares.0.clone(),
                network: self.project.network,
                marker: self.owner.to_string(),
            },
            limits: Limits { wall, ..Limits::default() },
        };
        let record = Record { workshop: self.workshop.clone(), owner: self.owner };
        self.workshop
            .sandbox
            .run(spec, &record)
            .await
            .map_err(|error| failed("starting a command in the sandbox", io::Error::other(error)))
    }
}

fn failed(doing: &str, source: io::Error) -> EngineError {
    EngineError::Failed { doing: doing.to_owned(), source }
}

#[async_trait]
impl RunCommand for Commands {
    async fn run(&self, shell_line: &str) -> Result<CommandResult, EngineError> {
        let ended = self.confined(shell_line).await?;
        tracing::debug!(how = ended.how.describe(), bytes = ended.bytes_seen, "a command ended");
        Ok(CommandResult {
            succeeded: ended.how.succeeded(),
            ended: ended.how.describe(),
            output: ended.output,
            millis: u64::try_from(ended.elapsed.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// Keeps process groups on record while they may run.
struct Record {
    workshop: Arc<Workshop>,
    owner: uuid::Uuid,
}

#[async_trait]
impl ProcessRecord for Record {
    async fn started(&self, pgid: i64, start_ticks: i64) -> io::Result<()> {
        let row = entity::process::ActiveModel {
            pgid: Set(pgid),
            start_ticks: Set(start_ticks),
            agent_id: Set(self.owner),
            created_at: Set(Utc::now()),
        };
        let tx = self.workshop.store.begin().await.map_err(io::Error::other)?;
        entity::process::Entity::insert(row).exec_without_returning(&*tx).await.map_err(io::Error::other)?;
        tx.commit().await.map_err(io::Error::other)
    }

    async fn ended(&self, pgid: i64, start_ticks: i64) {
        let removed = async {
            let tx = self.workshop.store.begin().await?;
            entity::process::Entity::delete_by_id((pgid, start_ticks)).exec(&*tx).await?;
            tx.commit().await
        };
        if let Err(error) = removed.await {
            tracing::warn!(%error, pgid, "an ended process group stays on record until the agent is deleted");
        }
    }
}
