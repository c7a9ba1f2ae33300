//! One agent's life: claimed, run, its artifacts attached, deleted. Whatever goes wrong on the way, the
//! agent ends on record and nothing of it stays.

use std::{io, sync::Arc, time::Duration};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use slipway_app::model::{AgentId, AgentStatus};
use tokio_util::sync::CancellationToken;

use crate::{
    agent::{
        self, Lease, LeaseError, record,
        role::{self, Produced, WorkError},
    },
    artifact::{self, stored::CONTENT_LIMIT},
    card,
    engine::{EngineEvent, Reporter},
    git,
    sandbox::processes,
    store::{StoreError, entity},
    workshop::Workshop,
};

/// Wall time of one agent in all. Each of its commands has a limit of its own, well below.
const WALL: Duration = Duration::from_secs(2 * 60 * 60);

/// A step of an agent's life that could not be put on record.
#[derive(Debug, thiserror::Error)]
pub enum SuperviseError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("an agent's files could not be removed")]
    RemoveFiles(#[source] io::Error),
}

/// How a run ended.
enum End {
    Done(Box<Produced>),
    Failed(AgentStatus, String),
    /// Somebody else has ended it on record.
    Superseded,
    /// The server stops; the next start goes on.
    Stopped,
}

/// Runs a queued agent to its end and deletes it.
pub async fn supervise(
    workshop: &Arc<Workshop>,
    id: AgentId,
    stop: CancellationToken,
    server_stops: CancellationToken,
) -> Result<(), SuperviseError> {
    let mut tx = workshop.store.begin().await?;
    let Some((row, lease)) = agent::claim(&mut tx, id, workshop.server).await? else { return Ok(()) };
    tx.commit().await?;

    let (reporter, events) = Reporter::new();
    let recorder = tokio::spawn(record::until_done(workshop.store.clone(), lease, events));
    let end = tokio::select! {
        biased;
        () = stop.cancelled() => if server_stops.is_cancelled() { End::Stopped } else { End::Superseded },
        worked = tokio::time::timeout(WALL, role::work(workshop, &row, lease, reporter)) => match worked {
            Ok(worked) => judge(worked),
            Err(_elapsed) => End::Failed(AgentStatus::TimedOut, format!("It was not done after {} minutes, the limit of one agent.", WALL.as_secs() / 60)),
        },
    };
    let last_lines = match recorder.await {
        Ok(Ok(lines)) => lines,
        Ok(Err(LeaseError::Store(error))) => return Err(error.into()),
        Ok(Err(LeaseError::Superseded)) | Err(_) => Vec::new(),
    };
    if matches!(end, End::Stopped) {
        end_processes(workshop, id).await?;
        remove_files(workshop, &row).await?;
        return requeue(workshop, id, true).await;
    }
    conclude(workshop, lease, end, last_lines).await?;
    delete(workshop, id).await
}

fn judge(worked: Result<Produced, WorkError>) -> End {
    match worked {
        Ok(produced) => match produced.artifacts.iter().find(|artifact| artifact.content.len() > CONTENT_LIMIT) {
            None => End::Done(Box::new(produced)),
            Some(large) => {
                let reason =
                    format!("{} has {} bytes; an artifact takes {CONTENT_LIMIT}.", large.name, large.content.len());
                End::Failed(AgentStatus::Failed, reason)
            }
        },
        Err(WorkError::Lease(LeaseError::Superseded)) => End::Superseded,
        Err(error) => {
            let status = error.status();
            tracing::info!(error = &error as &dyn std::error::Error, "an agent ended without its artifact");
            End::Failed(status, error.reason())
        }
    }
}

/// Puts the end on record: the last lines, the artifacts and the agent's status commit together or not at all.
async fn conclude(workshop: &Workshop, lease: Lease, end: End, last_lines: Vec<EngineEvent>) -> Result<(), StoreError> {
    let written = async {
        let mut tx = workshop.store.begin().await?;
        record::append(&mut tx, lease, last_lines).await?;
        match end {
            End::Done(produced) => {
                let row = agent::held(&*tx, lease).await?;
                artifact::stored::attach(&mut tx, &row, produced.artifacts).await?;
                if let Some(change) = produced.card {
                    card::produced(&mut tx, row.card(), change).await?;
                }
                agent::complete(&mut tx, lease).await?;
            }
            End::Failed(status, reason) => agent::fail(&mut tx, lease, status, &reason).await?,
            End::Superseded | End::Stopped => return Ok(()),
        }
        Ok(tx.commit().await?)
    };
    match written.await {
        Ok(()) | Err(LeaseError::Superseded) => Ok(()),
        Err(LeaseError::Store(error)) => Err(error),
    }
}

/// Deleted means gone: its process groups, its files, its lease; then the row says so.
pub async fn delete(workshop: &Workshop, id: AgentId) -> Result<(), SuperviseError> {
    let Some(row) = agent::find(workshop.store.reader(), id).await? else { return Ok(()) };
    end_processes(workshop, id).await?;
    remove_files(workshop, &row).await?;
    let mut tx = workshop.store.begin().await?;
    agent::delete(&mut tx, id).await?;
    Ok(tx.commit().await?)
}

/// An agent that is under way on record but that nobody runs: a task of this server ended without a word.
pub async fn requeue_abandoned(workshop: &Workshop, id: AgentId) -> Result<(), SuperviseError> {
    end_processes(workshop, id).await?;
    requeue(workshop, id, false).await
}

async fn requeue(workshop: &Workshop, id: AgentId, clean: bool) -> Result<(), SuperviseError> {
    let mut tx = workshop.store.begin().await?;
    if let Some(row) = agent::find(&*tx, id).await? {
        agent::requeue(&mut tx, &row, clean).await?;
    }
    Ok(tx.commit().await?)
}

/// Ends every process group on record for the agent, and whatever escaped them.
pub async fn end_processes(workshop: &Workshop, id: AgentId) -> Result<(), StoreError> {
    use entity::process::{Column, Entity};
    let groups = Entity::find().filter(Column::AgentId.eq(id.0)).all(workshop.store.reader()).await?;
    if groups.is_empty() {
        return Ok(());
    }
    for group in &groups {
        processes::end_group(group.pgid, group.start_ticks);
    }
    processes::sweep(&id.to_string());
    let tx = workshop.store.begin().await?;
    Entity::delete_many().filter(Column::AgentId.eq(id.0)).exec(&*tx).await?;
    tx.commit().await
}

/// Removes the agent's directory, and the throw-away worktree in it if it had one.
async fn remove_files(workshop: &Workshop, row: &agent::Row) -> Result<(), SuperviseError> {
    let dir = workshop.layout.agent_dir(row.agent_id());
    if !tokio::fs::try_exists(&dir).await.map_err(SuperviseError::RemoveFiles)? {
        return Ok(());
    }
    let project = crate::project::load_even_removed(workshop.store.reader(), row.project_id.into()).await;
    let name = role::checkout_name(row.agent_id());
    let removed = tokio::task::spawn_blocking(move || {
        if let Ok(project) = project
            && let Err(error) = git::worktree::forget(project.path.as_ref(), &name)
        {
            tracing::warn!(%error, "a throw-away checkout is still listed in the repository; `git worktree prune` removes it");
        }
        std::fs::remove_dir_all(&dir)
    });
    match removed.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(Err(error)) => Err(SuperviseError::RemoveFiles(error)),
        Err(panic) => Err(SuperviseError::RemoveFiles(io::Error::other(panic))),
    }
}
