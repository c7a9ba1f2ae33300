//! After landing, pushes the base branch with the user's own `git`, so that their credentials work. Hooks of
//! the repository do not run. A push that fails leaves the card shipped and says so on it.

use std::{process::Stdio, time::Duration};

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, EntityTrait, QueryFilter,
};
use serde_json::json;
use slipway_app::model::{CardId, Project};
use tokio::process::Command;

use crate::{
    card,
    events::EventKind,
    project,
    store::{StoreError, entity},
    workshop::Workshop,
};

/// A landing's detail until its push has been tried, so that a kill in between forgets none.
pub const PENDING: &str = "push pending";
/// How long a push may take.
const WITHIN: Duration = Duration::from_secs(120);
/// How much of git's words a card shows, in bytes from the end.
const WORDS: usize = 2 * 1024;

/// Pushes what has just landed, if the project wants that.
pub async fn after_landing(workshop: &Workshop, card: &card::Row, project: &Project) -> Result<(), StoreError> {
    use entity::landing::{ActiveModel, Column, Entity};
    let Some(remote) = &project.push_remote else { return Ok(()) };
    let pending = Entity::find().filter(Column::CardId.eq(card.id)).filter(Column::Detail.eq(PENDING));
    let Some(landing) = pending.one(workshop.store.reader()).await? else { return Ok(()) };
    let pushed = push(project, remote, &landing.base_branch).await;
    let mut tx = workshop.store.begin().await?;
    let row = entity::card::Entity::find_by_id(card.id).one(&*tx).await?;
    let change = ActiveModel { id: Unchanged(landing.id), detail: Set(None), ..Default::default() };
    change.update(&*tx).await?;
    let data = json!({ "remote": remote, "branch": landing.base_branch, "error": pushed.as_ref().err() });
    match pushed {
        Ok(()) => tx.append(card.event(EventKind::ShipPushed, data)).await?,
        Err(words) => {
            let text = format!(
                "The commit has landed, but `git push {remote}` failed: {words}\nPush by hand when that is put right."
            );
            if let Some(row) = row {
                card::notice(&mut tx, &row, Some(text)).await?;
            }
            tx.append(card.event(EventKind::ShipPushFailed, data)).await?;
        }
    }
    tx.commit().await
}

/// Tries the pushes that an earlier run of the server landed but did not get to.
pub async fn pending(workshop: &Workshop) -> Result<(), StoreError> {
    use entity::landing::{Column, Entity};
    for landing in Entity::find().filter(Column::Detail.eq(PENDING)).all(workshop.store.reader()).await? {
        let Ok(card) = card::load(workshop.store.reader(), CardId(landing.card_id)).await else { continue };
        let Ok(project) = project::load(workshop.store.reader(), card.project()).await else { continue };
        after_landing(workshop, &card, &project).await?;
    }
    Ok(())
}

/// `Err` holds git's own words.
async fn push(project: &Project, remote: &str, branch: &str) -> Result<(), String> {
    let child = Command::new("git")
        .arg("-C")
        .arg(&project.path)
        .args(["-c", "core.hooksPath=/dev/null", "push", "--porcelain", "--", remote])
        .arg(format!("refs/heads/{branch}"))
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(WITHIN, child).await {
        Err(_elapsed) => Err(format!("it did not end within {} s", WITHIN.as_secs())),
        Ok(Err(error)) => Err(format!("git could not be started: {error}")),
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => {
            let words = String::from_utf8_lossy(&output.stderr);
            let from = words.len().saturating_sub(WORDS);
            let from = (from..=words.len()).find(|at| words.is_char_boundary(*at)).unwrap_or(0);
            Err(words[from..].trim().to_owned())
        }
    }
}
