//! Takes a project off the board and leaves its repository as it was.
//!
//! First its cards are archived, which stops their agents; the orchestrator then deletes the agents and
//! takes the worktrees away. Only when nothing of ours is left does the project go. A kill in between leaves a
//! project with an empty board, which can be removed again.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::Utc;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
};
use serde_json::json;
use slipway_app::model::{CardId, ProjectId, Removal};
use tokio::time::Instant;

use super::{ActiveModel, LoadError, load};
use crate::{
    card,
    events::{EventKind, NewEvent},
    git,
    store::{StoreError, Tx, entity},
    workshop::Workshop,
};

/// How long agents may take to stop before the person is asked to come back: ending a process group takes two
/// seconds at most, removing a large worktree a few more.
const CLEAR_WITHIN: Duration = Duration::from_secs(15);
/// Between two looks whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Card(#[from] card::WriteError),
    #[error("{0} agents are at work in the project")]
    InUse(u64),
    #[error("agents or worktrees of the project were still there after {CLEAR_WITHIN:?}")]
    StillStopping,
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub async fn remove(workshop: &Workshop, id: ProjectId, removal: Removal) -> Result<(), RemoveError> {
    let store = &workshop.store;
    let project = load(store.reader(), id).await?;
    let at_work = live_agents(store.reader(), id).await?;
    if at_work > 0 && !removal.stop_agents {
        return Err(RemoveError::InUse(at_work));
    }
    let deadline = Instant::now() + CLEAR_WITHIN;
    loop {
        // Again each time: a card may have been made or restored meanwhile.
        let mut tx = store.begin().await?;
        archive_cards(&mut tx, id).await?;
        tx.commit().await?;
        wait_until_clear(workshop, id, deadline).await?;
        if removal.discard_work {
            discard(workshop, id, project.path.clone().into()).await?;
        }
        let mut tx = store.begin().await?;
        if archive_cards(&mut tx, id).await? == 0 && is_clear(&*tx, id).await? {
            mark_removed(&mut tx, id).await?;
            return Ok(tx.commit().await?);
        }
        tx.commit().await?;
    }
}

/// Archives what is on the board, which stops agents; how many cards that were.
async fn archive_cards(tx: &mut Tx<'_>, id: ProjectId) -> Result<usize, RemoveError> {
    use entity::card::{Column, Entity};
    let on_board = Entity::find().filter(Column::ProjectId.eq(id.0)).filter(Column::ArchivedAt.is_null());
    let cards = on_board.all(&**tx).await.map_err(StoreError::from)?;
    for row in &cards {
        card::archive(tx, row.card_id()).await?;
    }
    Ok(cards.len())
}

async fn wait_until_clear(workshop: &Workshop, id: ProjectId, deadline: Instant) -> Result<(), RemoveError> {
    while !is_clear(workshop.store.reader(), id).await? {
        if Instant::now() >= deadline {
            return Err(RemoveError::StillStopping);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Whether no agent and no worktree of the project is left.
async fn is_clear(connection: &impl ConnectionTrait, id: ProjectId) -> Result<bool, StoreError> {
    use entity::card::{Column, Entity};
    let workspaces = Entity::find().filter(Column::ProjectId.eq(id.0)).filter(Column::HasWorkspace.eq(true));
    Ok(live_agents(connection, id).await? == 0 && workspaces.count(connection).await? == 0)
}

async fn live_agents(connection: &impl ConnectionTrait, id: ProjectId) -> Result<u64, StoreError> {
    use entity::agent::{Column, Entity};
    let live = Entity::find().filter(Column::DeletedAt.is_null()).filter(Column::ProjectId.eq(id.0));
    Ok(live.count(connection).await?)
}

/// Deletes what cards have left in the repository; a person has said so. A repository that is gone or cannot
/// be written has nothing to lose, and does not keep its project on the board.
async fn discard(workshop: &Workshop, id: ProjectId, repository: PathBuf) -> Result<(), StoreError> {
    use entity::card::{Column, Entity};
    let query = Entity::find().select_only().columns([Column::Id, Column::Branch]).filter(Column::ProjectId.eq(id.0));
    let cards: Vec<(uuid::Uuid, Option<String>)> = query.into_tuple().all(workshop.store.reader()).await?;
    let turn = workshop.repository_turn(id).await;
    let discarded = tokio::task::spawn_blocking(move || {
        for (card, branch) in cards {
            discard_card(&repository, CardId(card), branch.as_deref());
        }
    });
    if let Err(error) = discarded.await {
        tracing::error!(%error, "deleting a removed project's branches ended unexpectedly");
    }
    drop(turn);
    Ok(())
}

fn discard_card(repository: &Path, card: CardId, branch: Option<&str>) {
    if let Err(error) = git::refs::discard(repository, branch, &card.to_string()) {
        tracing::warn!(%card, %error, "a card's branch or snapshots stay in the repository");
    }
}

async fn mark_removed(tx: &mut Tx<'_>, id: ProjectId) -> Result<(), StoreError> {
    let change = ActiveModel { id: Unchanged(id.0), removed_at: Set(Some(Utc::now())), ..Default::default() };
    change.update(&**tx).await?;
    tx.append(NewEvent::new(EventKind::ProjectRemoved, json!({})).project(id)).await
}
