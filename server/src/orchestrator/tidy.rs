//! Takes away what a card no longer needs. Work that is nowhere else is never taken: a branch goes only when
//! the base has its tip, a snapshot only when the base has its tree.

use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use serde_json::json;
use slipway_app::model::CardId;

use crate::{
    card,
    events::EventKind,
    git, project,
    ship::LandError,
    store::StoreError,
    workshop::{Workshop, worktree_name},
};

/// Removes the worktree of a card that has shipped or was archived.
pub async fn remove_workspace(workshop: &Workshop, id: CardId) -> Result<(), LandError> {
    let card = card::load(workshop.store.reader(), id).await?;
    if !card.has_workspace || (card.landed_at.is_none() && card.archived_at.is_none()) {
        return Ok(());
    }
    let project = project::load_even_removed(workshop.store.reader(), card.project()).await?;
    let turn = workshop.repository_turn(project.id).await;
    let (at, branch) = (workshop.layout.worktree(id), card.branch.clone());
    let base = project.base_branch.clone();
    let tidied = tokio::task::spawn_blocking(move || -> Result<(), git::GitError> {
        let repository = std::path::Path::new(&project.path);
        git::worktree::remove(repository, &at, &worktree_name(id))?;
        let base = git::base_tip(repository, &base)?;
        if let Some(branch) = branch {
            git::refs::delete_branch_if_reachable(repository, &branch, base)?;
        }
        git::refs::delete_snapshots_if_in(repository, &id.to_string(), base)?;
        Ok(())
    });
    match tidied.await {
        Ok(Ok(())) => {}
        // The repository may be gone; then there is nothing left to tidy in it.
        Ok(Err(error)) => tracing::warn!(card = %id, %error, "a workspace could not be tidied away completely"),
        Err(panic) => return Err(LandError::Panicked(panic)),
    }
    drop(turn);
    let mut tx = workshop.store.begin().await?;
    let mut change = card::touched(&card);
    change.has_workspace = Set(false);
    change.update(&*tx).await.map_err(StoreError::from)?;
    tx.append(card.event(EventKind::WorkspaceRemoved, json!({}))).await?;
    tx.commit().await?;
    Ok(())
}
