//! What a start does before anything else. It holds the data directory's lock, so whatever the database
//! says is under way was left behind by a server that is dead.

use sea_orm::EntityTrait;

use super::supervise::end_processes;
use crate::{
    agent, card, git, project,
    sandbox::processes,
    ship::trial::trial_name,
    store::{StoreError, entity},
    workshop::Workshop,
};

/// Removes throw-away checkouts of landings that a kill left behind; a landing that goes on makes its own.
async fn remove_trials(workshop: &Workshop) -> Result<(), StoreError> {
    let Ok(mut left) = tokio::fs::read_dir(workshop.layout.landings_dir()).await else { return Ok(()) };
    while let Ok(Some(entry)) = left.next_entry().await {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(card) = card::load(workshop.store.reader(), id).await else { continue };
        let Ok(project) = project::load_even_removed(workshop.store.reader(), card.project()).await else { continue };
        let at = workshop.layout.landing_dir(id);
        let removed =
            tokio::task::spawn_blocking(move || git::worktree::remove(project.path.as_ref(), &at, &trial_name(id)));
        if let Ok(Err(error)) = removed.await {
            tracing::warn!(card = %id, %error, "a throw-away checkout of a landing stays behind");
        }
    }
    Ok(())
}

/// Voids every lease, ends orphaned process groups, and gives their agents back to the queue.
pub async fn recover(workshop: &Workshop) -> Result<(), StoreError> {
    let left: Vec<agent::Row> = agent::undeleted(workshop.store.reader()).await?;
    let orphans = entity::process::Entity::find().all(workshop.store.reader()).await?;
    for row in &orphans {
        if processes::end_group(row.pgid, row.start_ticks) {
            tracing::info!(pgid = row.pgid, "ended a process group that an earlier run left behind");
        }
    }
    remove_trials(workshop).await?;
    let under_way: Vec<&agent::Row> = left.iter().filter(|row| row.lease_owner.is_some()).collect();
    if under_way.is_empty() && orphans.is_empty() {
        return Ok(());
    }
    for row in &under_way {
        end_processes(workshop, row.agent_id()).await?;
    }
    let mut tx = workshop.store.begin().await?;
    for row in under_way {
        agent::requeue(&mut tx, row, false).await?;
    }
    entity::process::Entity::delete_many().exec(&*tx).await?;
    tx.commit().await
}
