//! Cards: one piece of work each. Everything about a card but its stage, which only [`crate::transition`] changes.

use chrono::Utc;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::json;
use slipway_app::model::{Actor, BODY_LIMIT, CardEdit, CardId, NewCard, ProjectId, Stage, TITLE_LIMIT};

use crate::{
    agent,
    events::{EventKind, NewEvent},
    gate, project, question,
    store::{StoreError, Tx, entity, known},
};

pub use entity::card::Model as Row;
use entity::card::{ActiveModel, Column, Entity};

/// Distance between neighbours in a column when there is room.
const STEP: f64 = 1024.0;
/// Below this distance a column is numbered anew before a card is placed between two others.
const TIGHT: f64 = 1e-6;

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("there is no card {0}")]
    NoSuchCard(CardId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Project(#[from] project::LoadError),
    #[error("{0}")]
    Invalid(String),
    #[error("the card is at version {current}, the edit was made against {given}")]
    VersionConflict { given: i64, current: i64 },
    #[error("the card is archived")]
    Archived,
    #[error("the card's commit is being landed")]
    Landing,
    #[error("card {before} is not in the same column")]
    NotANeighbour { before: CardId },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Row {
    pub fn card_id(&self) -> CardId {
        CardId(self.id)
    }

    pub fn project(&self) -> ProjectId {
        ProjectId(self.project_id)
    }

    pub fn stage(&self) -> Result<Stage, StoreError> {
        known("card.stage", &self.stage, Stage::parse)
    }

    /// An event about this card.
    pub fn event(&self, kind: EventKind, data: serde_json::Value) -> NewEvent {
        NewEvent::new(kind, data).project(self.project()).card(self.card_id())
    }
}

pub async fn load(connection: &impl ConnectionTrait, id: CardId) -> Result<Row, LoadError> {
    let row = Entity::find_by_id(id.0).one(connection).await.map_err(StoreError::from)?;
    row.ok_or(LoadError::NoSuchCard(id))
}

/// The card's Markdown.
pub async fn body(connection: &impl ConnectionTrait, id: CardId) -> Result<String, StoreError> {
    Ok(entity::card_text::Entity::find_by_id(id.0).one(connection).await?.map_or_else(String::new, |row| row.body))
}

/// A title without surrounding blanks, or what is wrong with it.
fn checked_title(title: &str) -> Result<String, WriteError> {
    let title = title.trim();
    if title.is_empty() {
        return Err(WriteError::Invalid("The title is empty. Say in a few words what is to be done.".to_owned()));
    }
    let length = title.chars().count();
    if length > TITLE_LIMIT {
        return Err(WriteError::Invalid(format!(
            "The title has {length} characters; {TITLE_LIMIT} fit. Move the rest into the description."
        )));
    }
    if title.chars().any(char::is_control) {
        return Err(WriteError::Invalid(
            "The title holds a control character or line break. Keep it to one line.".to_owned(),
        ));
    }
    Ok(title.to_owned())
}

fn checked_body(body: &str) -> Result<(), WriteError> {
    if body.len() > BODY_LIMIT {
        return Err(WriteError::Invalid(format!(
            "The description has {} bytes; {BODY_LIMIT} fit. Put large files into the repository instead.",
            body.len()
        )));
    }
    Ok(())
}

/// Makes a card in the project's backlog, last.
pub async fn create(tx: &mut Tx<'_>, new: NewCard) -> Result<Row, WriteError> {
    let title = checked_title(&new.title)?;
    checked_body(&new.body)?;
    let number = project::take_card_number(tx, new.project_id).await?;
    let now = Utc::now();
    let row = ActiveModel {
        id: Set(CardId::generate().0),
        project_id: Set(new.project_id.0),
        number: Set(number),
        title: Set(title),
        stage: Set(Stage::Backlog.as_str().to_owned()),
        position: Set(last_position(tx, Stage::Backlog).await?),
        transition_id: Set(None),
        agent_id: Set(None),
        gate_id: Set(None),
        auto_send_backs: Set(0),
        land_override: Set(None),
        branch: Set(None),
        has_workspace: Set(false),
        base_oid: Set(None),
        snapshot_oid: Set(None),
        snapshots: Set(0),
        verified_tree: Set(None),
        commit_oid: Set(None),
        chips: Set("[]".to_owned()),
        notice: Set(None),
        tokens: Set(0),
        cost_nanos: Set(0),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        landed_at: Set(None),
        archived_at: Set(None),
    };
    let row = row.insert(&**tx).await.map_err(StoreError::from)?;
    let text = entity::card_text::ActiveModel { card_id: Set(row.id), body: Set(new.body) };
    text.insert(&**tx).await.map_err(StoreError::from)?;
    tx.append(row.event(EventKind::CardCreated, json!({ "number": row.number, "title": row.title }))).await?;
    Ok(row)
}

/// Changes title or body. Every edit is allowed at every time; the next agent reads the new text.
pub async fn edit(tx: &mut Tx<'_>, id: CardId, edit: CardEdit) -> Result<Row, WriteError> {
    let row = load(&**tx, id).await?;
    if let Some(given) = edit.version.filter(|given| *given != row.version) {
        return Err(WriteError::VersionConflict { given, current: row.version });
    }
    let title = edit.title.as_deref().map(checked_title).transpose()?;
    if let Some(body) = edit.body {
        checked_body(&body)?;
        let text = entity::card_text::ActiveModel { card_id: Unchanged(id.0), body: Set(body) };
        text.update(&**tx).await.map_err(StoreError::from)?;
    }
    let mut change = touched(&row);
    change.version = Set(row.version + 1);
    if let Some(title) = title {
        change.title = Set(title);
    }
    let row = change.update(&**tx).await.map_err(StoreError::from)?;
    tx.append(row.event(EventKind::CardEdited, json!({ "title": row.title, "version": row.version }))).await?;
    Ok(row)
}

/// Takes a card off the board: its agent is stopped, its open gate and questions are withdrawn, and its
/// workspace goes. Its branch and snapshots stay as invariant 6 says.
pub async fn archive(tx: &mut Tx<'_>, id: CardId) -> Result<Row, WriteError> {
    let row = load(&**tx, id).await?;
    if row.archived_at.is_some() {
        return Ok(row);
    }
    if crate::ship::landing_under_way(&**tx, id).await? {
        return Err(WriteError::Landing);
    }
    agent::cancel_live_of_card(tx, &row, "the card was archived").await?;
    question::withdraw_of_card(tx, &row).await?;
    gate::withdraw_open(tx, &row, Actor::Person).await?;
    let mut change = touched(&row);
    change.archived_at = Set(Some(Utc::now()));
    change.gate_id = Set(None);
    let row = change.update(&**tx).await.map_err(StoreError::from)?;
    tx.append(row.event(EventKind::CardArchived, json!({}))).await?;
    Ok(row)
}

/// Takes a card back from the archive, to the stage it had. What its stage had going was stopped; `retry`
/// runs it again.
pub async fn restore(tx: &mut Tx<'_>, id: CardId) -> Result<Row, WriteError> {
    let row = load(&**tx, id).await?;
    if row.archived_at.is_none() {
        return Ok(row);
    }
    let mut change = touched(&row);
    change.archived_at = Set(None);
    change.position = Set(last_position(tx, row.stage()?).await?);
    let row = change.update(&**tx).await.map_err(StoreError::from)?;
    tx.append(row.event(EventKind::CardRestored, json!({}))).await?;
    Ok(row)
}

/// Places a card before another of its column, or last.
pub async fn order(tx: &mut Tx<'_>, id: CardId, before: Option<CardId>) -> Result<Row, WriteError> {
    let row = load(&**tx, id).await?;
    if row.archived_at.is_some() {
        return Err(WriteError::Archived);
    }
    let mut change = touched(&row);
    change.position = Set(place(tx, row.stage()?, before).await?);
    let row = change.update(&**tx).await.map_err(StoreError::from)?;
    tx.append(row.event(EventKind::CardOrdered, json!({ "position": row.position }))).await?;
    Ok(row)
}

/// The position that comes before `before` in the column, or last.
pub async fn place(tx: &mut Tx<'_>, stage: Stage, before: Option<CardId>) -> Result<f64, WriteError> {
    let Some(before) = before else { return Ok(last_position(tx, stage).await?) };
    let not_there = WriteError::NotANeighbour { before };
    let Ok(neighbour) = load(&**tx, before).await else { return Err(not_there) };
    if neighbour.stage()? != stage || neighbour.archived_at.is_some() {
        return Err(not_there);
    }
    match gap_before(tx, stage, neighbour.position).await? {
        Some(position) => Ok(position),
        None => {
            spread(tx, stage).await?;
            let neighbour = load(&**tx, before).await?;
            Ok(gap_before(tx, stage, neighbour.position).await?.unwrap_or(neighbour.position - STEP / 2.0))
        }
    }
}

/// A position between `position` and its predecessor, unless the two are too close.
async fn gap_before(tx: &Tx<'_>, stage: Stage, position: f64) -> Result<Option<f64>, StoreError> {
    let previous =
        column(stage).filter(Column::Position.lt(position)).order_by_desc(Column::Position).one(&**tx).await?;
    Ok(match previous {
        None => Some(position - STEP),
        Some(previous) if position - previous.position > TIGHT => Some(f64::midpoint(previous.position, position)),
        Some(_) => None,
    })
}

/// Numbers a column anew, in its order. Each card says so, for those who have the old numbers.
async fn spread(tx: &mut Tx<'_>, stage: Stage) -> Result<(), StoreError> {
    let rows = column(stage).order_by_asc(Column::Position).order_by_asc(Column::Id).all(&**tx).await?;
    for (index, row) in rows.into_iter().enumerate() {
        let position = STEP * (index + 1) as f64;
        let change = ActiveModel { id: Unchanged(row.id), position: Set(position), ..Default::default() };
        Entity::update(change).exec(&**tx).await?;
        tx.append(row.event(EventKind::CardOrdered, json!({ "position": position }))).await?;
    }
    Ok(())
}

async fn last_position(tx: &Tx<'_>, stage: Stage) -> Result<f64, StoreError> {
    let last = column(stage).order_by_desc(Column::Position).one(&**tx).await?;
    Ok(last.map_or(0.0, |row| row.position) + STEP)
}

fn column(stage: Stage) -> sea_orm::Select<Entity> {
    Entity::find().filter(Column::Stage.eq(stage.as_str())).filter(Column::ArchivedAt.is_null())
}

/// A change to this card and nothing else yet.
pub fn touched(row: &Row) -> ActiveModel {
    ActiveModel { id: Unchanged(row.id), updated_at: Set(Utc::now()), ..Default::default() }
}

/// Says something on the card that no agent and no gate says.
pub async fn notice(tx: &mut Tx<'_>, row: &Row, text: Option<String>) -> Result<(), StoreError> {
    if row.notice == text {
        return Ok(());
    }
    let mut change = touched(row);
    change.notice = Set(text.clone());
    change.update(&**tx).await?;
    tx.append(row.event(EventKind::CardNotice, json!({ "text": text }))).await
}

/// What an agent changes about its card by handing in its work.
pub enum Produced {
    /// A frozen snapshot: hex ids of the base commit and of the tree.
    Snapshot { base: String, snapshot: String, number: i32 },
    /// The card's own commit, hex.
    Commit { oid: String },
}

/// Commits with the agent's artifacts.
pub async fn produced(tx: &mut Tx<'_>, id: CardId, produced: Produced) -> Result<(), StoreError> {
    let row = match load(&**tx, id).await {
        Ok(row) => row,
        Err(LoadError::Store(error)) => return Err(error),
        Err(LoadError::NoSuchCard(_)) => return Ok(()),
    };
    let mut change = touched(&row);
    match produced {
        Produced::Snapshot { base, snapshot, number } => {
            change.base_oid = Set(Some(base));
            change.snapshot_oid = Set(Some(snapshot));
            change.snapshots = Set(number);
            change.verified_tree = Set(None);
            change.commit_oid = Set(None);
            change.update(&**tx).await?;
        }
        Produced::Commit { oid } => {
            change.commit_oid = Set(Some(oid.clone()));
            let row = change.update(&**tx).await?;
            let data = json!({ "commit": oid, "branch": row.branch });
            tx.append(row.event(EventKind::ShipCommitted, data)).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
