//! Runs the check command on a merge that nobody has reviewed as such: the base has moved since the review,
//! so its tree must pass before it lands.

use std::{path::PathBuf, sync::Arc};

use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use slipway_app::model::{CardId, Project};

use super::{LandError, Obstacle};
use crate::{
    artifact::CheckReport,
    card,
    commands::Commands,
    git::{self, Oid},
    store::StoreError,
    workshop::Workshop,
    workspace,
};

/// Whether the merged tree passes; else what stands in the way.
pub async fn run(
    workshop: &Arc<Workshop>,
    card: &card::Row,
    project: &Project,
    tree: Oid,
    commit: Oid,
) -> Result<Result<(), Obstacle>, LandError> {
    Ok(match check(workshop, card, project, tree, commit).await? {
        Ok(report) if report.passed => Ok(()),
        Ok(report) => Err(Obstacle::ChecksFailed { ended: report.ended, output: report.output }),
        Err(obstacle) => Err(obstacle),
    })
}

/// Runs the check command on the merged tree in a throw-away checkout; when it passes, the card remembers
/// the tree, and it may land.
pub async fn check(
    workshop: &Arc<Workshop>,
    card: &card::Row,
    project: &Project,
    tree: Oid,
    commit: Oid,
) -> Result<Result<CheckReport, Obstacle>, LandError> {
    let id = card.card_id();
    let (at, name) = (workshop.layout.landing_dir(id), trial_name(id));
    let checked = async {
        let (path, shares) =
            workspace::throw_away(workshop, project, at.clone(), name.clone(), tree, commit).await.map_err(told)?;
        let commands = Commands::of_landing(workshop.clone(), id, project, path, shares);
        workspace::run_set_up(project, &commands).await.map_err(told)?;
        commands.check().await.map_err(told)
    }
    .await;
    let (repository, turn) = (PathBuf::from(&project.path), workshop.repository_turn(project.id).await);
    let removed = tokio::task::spawn_blocking(move || git::worktree::remove(&repository, &at, &name)).await?;
    drop(turn);
    if let Err(error) = removed {
        tracing::warn!(card = %id, %error, "the throw-away checkout of a landing could not be removed");
    }
    if let Ok(report) = &checked
        && report.passed
    {
        remember(workshop, card, tree).await?;
    }
    Ok(checked)
}

async fn remember(workshop: &Workshop, card: &card::Row, tree: Oid) -> Result<(), StoreError> {
    let tx = workshop.store.begin().await?;
    let mut change = card::touched(card);
    // The time stays: the merge commit's own is taken from it.
    change.updated_at = Set(card.updated_at);
    change.verified_tree = Set(Some(tree.to_string()));
    change.update(&*tx).await?;
    tx.commit().await
}

/// The name under which git administers the throw-away checkout of a card's landing.
pub fn trial_name(card: CardId) -> String {
    format!("slipway-landing-{card}")
}

fn told(error: impl std::fmt::Display) -> Obstacle {
    Obstacle::Git(error.to_string())
}
