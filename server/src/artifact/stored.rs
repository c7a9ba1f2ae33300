//! Artifacts on record: versioned per card and kind, their contents kept once by SHA-256.

use chrono::Utc;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;
use sha2::{Digest, Sha256};
use slipway_app::model::{AgentId, Artifact, ArtifactChip, ArtifactId, ArtifactKind, CardId, Stage};

use crate::{
    agent, card,
    events::EventKind,
    store::{StoreError, Tx, entity, from_json, known, to_json},
};

pub use entity::artifact::Model as Row;
use entity::artifact::{ActiveModel, Column, Entity};

/// Largest artifact, in bytes: four times the largest diff that is kept.
pub const CONTENT_LIMIT: usize = 32 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("there is no artifact {0}")]
    NoSuchArtifact(ArtifactId),
    #[error("the content of artifact {0} is missing from the database")]
    ContentMissing(ArtifactId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An artifact about to be attached.
pub struct NewArtifact {
    pub kind: ArtifactKind,
    pub name: String,
    pub media_type: &'static str,
    pub content: Vec<u8>,
}

impl NewArtifact {
    pub fn markdown(kind: ArtifactKind, name: &str, text: String) -> Self {
        NewArtifact {
            kind,
            name: name.to_owned(),
            media_type: "text/markdown; charset=utf-8",
            content: text.into_bytes(),
        }
    }

    pub fn diff(patch: Vec<u8>) -> Self {
        let name = "changes.diff".to_owned();
        NewArtifact { kind: ArtifactKind::Diff, name, media_type: "text/x-diff; charset=utf-8", content: patch }
    }
}

impl Row {
    pub fn into_artifact(self) -> Result<Artifact, StoreError> {
        Ok(Artifact {
            id: ArtifactId(self.id),
            card_id: CardId(self.card_id),
            agent_id: AgentId(self.agent_id),
            stage: known("artifact.stage", &self.stage, Stage::parse)?,
            kind: known("artifact.kind", &self.kind, ArtifactKind::parse)?,
            name: self.name,
            version: self.version,
            media_type: self.media_type,
            bytes: self.bytes,
            sha256: self.sha256,
            created_at: self.created_at,
        })
    }
}

/// Attaches what an agent made, and brings its card's chips up to date.
pub async fn attach(tx: &mut Tx<'_>, agent: &agent::Row, new: Vec<NewArtifact>) -> Result<(), StoreError> {
    let Some(card) = entity::card::Entity::find_by_id(agent.card_id).one(&**tx).await? else { return Ok(()) };
    let mut chips: Vec<ArtifactChip> = from_json("card.chips", &card.chips)?;
    for artifact in new {
        let row = store(tx, agent, artifact).await?;
        let chip = ArtifactChip {
            id: ArtifactId(row.id),
            kind: known("artifact.kind", &row.kind, ArtifactKind::parse)?,
            version: row.version,
        };
        if chip.kind != ArtifactKind::File {
            match chips.iter_mut().find(|known| known.kind == chip.kind) {
                Some(known) => *known = chip,
                None => chips.push(chip),
            }
        }
        let data = json!({
            "artifact_id": row.id, "kind": row.kind, "name": row.name, "version": row.version, "bytes": row.bytes,
            "sha256": row.sha256,
        });
        tx.append(agent.event(EventKind::ArtifactAttached, data)).await?;
    }
    let mut change = card::touched(&card);
    change.chips = Set(to_json(&chips));
    change.update(&**tx).await?;
    Ok(())
}

async fn store(tx: &mut Tx<'_>, agent: &agent::Row, new: NewArtifact) -> Result<Row, StoreError> {
    let sha256 = hex::encode(Sha256::digest(&new.content));
    let bytes = i64::try_from(new.content.len()).unwrap_or(i64::MAX);
    let blob = entity::blob::ActiveModel { sha256: Set(sha256.clone()), content: Set(new.content) };
    entity::blob::Entity::insert(blob)
        .on_conflict_do_nothing_on([entity::blob::Column::Sha256])
        .exec_without_returning(&**tx)
        .await?;
    let newest = of_kind(agent.card(), new.kind).one(&**tx).await?;
    let row = ActiveModel {
        id: Set(ArtifactId::generate().0),
        card_id: Set(agent.card_id),
        agent_id: Set(agent.id),
        stage: Set(agent.stage.clone()),
        kind: Set(new.kind.as_str().to_owned()),
        name: Set(new.name),
        version: Set(newest.map_or(1, |row| row.version + 1)),
        media_type: Set(new.media_type.to_owned()),
        bytes: Set(bytes),
        sha256: Set(sha256),
        created_at: Set(Utc::now()),
    };
    Ok(row.insert(&**tx).await?)
}

fn of_kind(card: CardId, kind: ArtifactKind) -> sea_orm::Select<Entity> {
    Entity::find()
        .filter(Column::CardId.eq(card.0))
        .filter(Column::Kind.eq(kind.as_str()))
        .order_by_desc(Column::Version)
}

/// The newest artifact of a kind: its id and its text (invalid UTF-8 is replaced).
pub async fn newest(
    connection: &impl ConnectionTrait,
    card: CardId,
    kind: ArtifactKind,
) -> Result<Option<(ArtifactId, String)>, ReadError> {
    let Some(row) = of_kind(card, kind).one(connection).await.map_err(StoreError::from)? else { return Ok(None) };
    let content = content_of(connection, &row).await?;
    Ok(Some((ArtifactId(row.id), String::from_utf8_lossy(&content).into_owned())))
}

/// An agent's own newest artifact of a kind.
async fn row_by_agent(
    connection: &impl ConnectionTrait,
    agent: AgentId,
    kind: ArtifactKind,
) -> Result<Option<Row>, StoreError> {
    let query = Entity::find().filter(Column::AgentId.eq(agent.0)).filter(Column::Kind.eq(kind.as_str()));
    Ok(query.order_by_desc(Column::Version).one(connection).await?)
}

/// The text of an agent's own artifact of that kind.
pub async fn text_by_agent(
    connection: &impl ConnectionTrait,
    agent: AgentId,
    kind: ArtifactKind,
) -> Result<Option<String>, ReadError> {
    let Some(row) = row_by_agent(connection, agent, kind).await? else { return Ok(None) };
    Ok(Some(String::from_utf8_lossy(&content_of(connection, &row).await?).into_owned()))
}

/// The bytes of an agent's own artifact of that kind; none where it has none.
pub async fn bytes_by_agent(
    connection: &impl ConnectionTrait,
    agent: AgentId,
    kind: ArtifactKind,
) -> Result<Vec<u8>, ReadError> {
    match row_by_agent(connection, agent, kind).await? {
        Some(row) => content_of(connection, &row).await,
        None => Ok(Vec::new()),
    }
}

pub async fn find(connection: &impl ConnectionTrait, id: ArtifactId) -> Result<Row, ReadError> {
    let row = Entity::find_by_id(id.0).one(connection).await.map_err(StoreError::from)?;
    row.ok_or(ReadError::NoSuchArtifact(id))
}

pub async fn content_of(connection: &impl ConnectionTrait, row: &Row) -> Result<Vec<u8>, ReadError> {
    let blob = entity::blob::Entity::find_by_id(row.sha256.clone()).one(connection).await.map_err(StoreError::from)?;
    blob.map(|blob| blob.content).ok_or(ReadError::ContentMissing(ArtifactId(row.id)))
}
