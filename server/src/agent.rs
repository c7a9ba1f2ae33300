//! Agents on record: their rows, from queued to deleted. Who runs them is [`crate::orchestrator`]'s business;
//! what each role does is in the files beside [`role`].
//!
//! Every write of a running agent carries its [`Lease`]: an agent that was cancelled or started anew
//! elsewhere finds its token stale, and writes nothing.

use chrono::Utc;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, TryIntoModel,
};
use serde_json::json;
use slipway_app::model::{AgentId, AgentStatus, ArtifactId, CardId, EngineName, ProjectId, Role, Stage};
use uuid::Uuid;

use crate::{
    card,
    events::{EventKind, NewEvent},
    store::{StoreError, Tx, entity, known, to_json},
};

pub mod prompt;
pub mod record;
pub mod role;

pub use entity::agent::Model as Row;
use entity::agent::{ActiveModel, Column, Entity};

/// How often one agent is started at most. A server that dies while an agent works does not fail the agent,
/// but an agent whose work kills the server must not do so for ever.
pub const ATTEMPT_LIMIT: i32 = 20;

#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The agent was cancelled, or belongs to another run by now.
    #[error("the agent is no longer this run's")]
    Superseded,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The right to write for an agent: its fencing token grows with every claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub agent: AgentId,
    pub token: i64,
}

/// An agent about to be queued.
pub struct NewAgent {
    pub stage: Stage,
    pub role: Role,
    pub engine: EngineName,
    /// What a send-back said.
    pub comment: Option<String>,
}

impl Row {
    pub fn agent_id(&self) -> AgentId {
        AgentId(self.id)
    }

    pub fn card(&self) -> CardId {
        CardId(self.card_id)
    }

    pub fn status(&self) -> Result<AgentStatus, StoreError> {
        known("agent.status", &self.status, AgentStatus::parse)
    }

    pub fn stage(&self) -> Result<Stage, StoreError> {
        known("agent.stage", &self.stage, Stage::parse)
    }

    pub fn role(&self) -> Result<Role, StoreError> {
        known("agent.role", &self.role, Role::parse)
    }

    pub fn engine(&self) -> Result<EngineName, StoreError> {
        known("agent.engine", &self.engine, EngineName::parse)
    }

    /// An event about this agent.
    pub fn event(&self, kind: EventKind, data: serde_json::Value) -> NewEvent {
        NewEvent::new(kind, data).project(ProjectId(self.project_id)).card(self.card()).agent(self.agent_id())
    }
}

pub async fn find(connection: &impl ConnectionTrait, id: AgentId) -> Result<Option<Row>, StoreError> {
    Ok(Entity::find_by_id(id.0).one(connection).await?)
}

/// Agents whose rows still stand for something alive: not deleted yet.
pub async fn undeleted(connection: &impl ConnectionTrait) -> Result<Vec<Row>, StoreError> {
    Ok(Entity::find().filter(Column::DeletedAt.is_null()).all(connection).await?)
}

/// Queues the one agent of a visit. Only a transition calls this.
pub async fn queue(tx: &mut Tx<'_>, card: &card::Row, new: NewAgent) -> Result<Row, StoreError> {
    let new_row = ActiveModel {
        id: Set(AgentId::generate().0),
        project_id: Set(card.project_id),
        card_id: Set(card.id),
        stage: Set(new.stage.as_str().to_owned()),
        role: Set(new.role.as_str().to_owned()),
        engine: Set(new.engine.as_str().to_owned()),
        model: Set(None),
        prompt: Set(None),
        tools: Set("[]".to_owned()),
        consumed: Set("[]".to_owned()),
        comment: Set(new.comment),
        status: Set(AgentStatus::Queued.as_str().to_owned()),
        reason: Set(None),
        progress: Set(0),
        step: Set(0),
        steps: Set(0),
        doing: Set(String::new()),
        tokens_input: Set(0),
        tokens_output: Set(0),
        tokens_cached: Set(0),
        context_used: Set(0),
        context_size: Set(0),
        cost_nanos: Set(0),
        tool_calls: Set(0),
        attempt: Set(0),
        lease_owner: Set(None),
        lease_token: Set(0),
        heartbeat_at: Set(None),
        parent_id: Set(None),
        created_at: Set(Utc::now()),
        started_at: Set(None),
        ended_at: Set(None),
        deleted_at: Set(None),
    };
    // All that the row holds is said here, so the database need not say it back.
    let row = new_row.clone().try_into_model()?;
    Entity::insert(new_row).exec_without_returning(&**tx).await?;
    let data = json!({ "role": new.role, "engine": new.engine, "stage": new.stage });
    tx.append(row.event(EventKind::AgentQueued, data)).await?;
    Ok(row)
}

/// Takes a queued agent: it is this server's to run from here on. `None` when it is queued no longer.
pub async fn claim(tx: &mut Tx<'_>, id: AgentId, owner: Uuid) -> Result<Option<(Row, Lease)>, StoreError> {
    let Some(row) = find(&**tx, id).await? else { return Ok(None) };
    if row.status()? != AgentStatus::Queued {
        return Ok(None);
    }
    let now = Utc::now();
    let change = ActiveModel {
        id: Unchanged(row.id),
        status: Set(AgentStatus::Creating.as_str().to_owned()),
        reason: Set(None),
        doing: Set("Preparing the workspace".to_owned()),
        progress: Set(0),
        attempt: Set(row.attempt + 1),
        lease_owner: Set(Some(owner)),
        lease_token: Set(row.lease_token + 1),
        heartbeat_at: Set(Some(now)),
        started_at: Set(Some(row.started_at.unwrap_or(now))),
        ..Default::default()
    };
    let row = change.update(&**tx).await?;
    tx.append(row.event(EventKind::AgentCreated, json!({ "role": row.role, "attempt": row.attempt }))).await?;
    let lease = Lease { agent: id, token: row.lease_token };
    Ok(Some((row, lease)))
}

/// The agent's row, if the lease still holds and the agent has not ended.
pub async fn held(connection: &impl ConnectionTrait, lease: Lease) -> Result<Row, LeaseError> {
    let row = find(connection, lease.agent).await?.ok_or(LeaseError::Superseded)?;
    if row.lease_token != lease.token || row.lease_owner.is_none() || row.status()?.is_ended() {
        return Err(LeaseError::Superseded);
    }
    Ok(row)
}

/// Puts the Core Four on record as the work begins.
pub async fn start(
    tx: &mut Tx<'_>,
    lease: Lease,
    prompt: String,
    tools: &[String],
    consumed: &[ArtifactId],
) -> Result<Row, LeaseError> {
    let row = held(&**tx, lease).await?;
    let change = ActiveModel {
        id: Unchanged(row.id),
        status: Set(AgentStatus::Working.as_str().to_owned()),
        prompt: Set(Some(prompt)),
        tools: Set(to_json(tools)),
        consumed: Set(to_json(consumed)),
        doing: Set("Starting".to_owned()),
        ..Default::default()
    };
    let row = change.update(&**tx).await.map_err(StoreError::from)?;
    let data =
        json!({ "role": row.role, "engine": row.engine, "model": row.model, "tools": tools, "consumed": consumed });
    tx.append(row.event(EventKind::AgentStarted, data)).await?;
    Ok(row)
}

/// Ends an agent with its work done; its artifacts are attached in the same transaction.
pub async fn complete(tx: &mut Tx<'_>, lease: Lease) -> Result<(), LeaseError> {
    let row = held(&**tx, lease).await?;
    let change =
        ActiveModel { progress: Set(100), doing: Set(String::new()), ..ended(&row, AgentStatus::Complete, None) };
    let row = change.update(&**tx).await.map_err(StoreError::from)?;
    tx.append(row.event(EventKind::AgentCompleted, json!({ "role": row.role }))).await?;
    Ok(())
}

/// Ends an agent without its artifact, saying why.
pub async fn fail(tx: &mut Tx<'_>, lease: Lease, status: AgentStatus, reason: &str) -> Result<(), LeaseError> {
    let row = held(&**tx, lease).await?;
    let row = ended(&row, status, Some(reason)).update(&**tx).await.map_err(StoreError::from)?;
    tx.append(row.event(EventKind::AgentFailed, json!({ "role": row.role, "status": status, "reason": reason })))
        .await?;
    Ok(())
}

/// Cancels an agent on record; whoever runs it finds its lease stale and stops.
pub async fn cancel(tx: &mut Tx<'_>, row: &Row, reason: &str) -> Result<(), StoreError> {
    if row.status()?.is_ended() {
        return Ok(());
    }
    let row = ended(row, AgentStatus::Cancelled, Some(reason)).update(&**tx).await?;
    tx.append(row.event(EventKind::AgentCancelled, json!({ "role": row.role, "reason": reason }))).await
}

/// Cancels the live agents of a card.
pub async fn cancel_live_of_card(tx: &mut Tx<'_>, card: &card::Row, reason: &str) -> Result<(), StoreError> {
    let live = Entity::find().filter(Column::CardId.eq(card.id)).filter(Column::DeletedAt.is_null()).all(&**tx).await?;
    for row in live {
        cancel(tx, &row, reason).await?;
    }
    Ok(())
}

/// Gives an agent back to the queue after the server that ran it stopped. A clean stop costs no attempt; an
/// agent that has been started [`ATTEMPT_LIMIT`] times fails instead.
pub async fn requeue(tx: &mut Tx<'_>, row: &Row, clean: bool) -> Result<(), StoreError> {
    if row.status()?.is_ended() {
        return Ok(());
    }
    if row.attempt >= ATTEMPT_LIMIT && !clean {
        let reason = format!(
            "The server stopped {ATTEMPT_LIMIT} times while this agent was at work, so it is not started again by \
             itself. See the server's log, then retry."
        );
        let row = ended(row, AgentStatus::Failed, Some(&reason)).update(&**tx).await?;
        return tx.append(row.event(EventKind::AgentFailed, json!({ "role": row.role, "reason": reason }))).await;
    }
    let change = ActiveModel {
        id: Unchanged(row.id),
        status: Set(AgentStatus::Queued.as_str().to_owned()),
        attempt: Set(if clean { row.attempt - 1 } else { row.attempt }),
        lease_owner: Set(None),
        heartbeat_at: Set(None),
        doing: Set(String::new()),
        progress: Set(0),
        step: Set(0),
        steps: Set(0),
        ..Default::default()
    };
    let row = change.update(&**tx).await?;
    tx.append(row.event(EventKind::AgentRequeued, json!({ "attempt": row.attempt, "clean": clean }))).await
}

/// The last word on an agent whose processes, session and files are gone.
pub async fn delete(tx: &mut Tx<'_>, id: AgentId) -> Result<(), StoreError> {
    let Some(row) = find(&**tx, id).await? else { return Ok(()) };
    if row.deleted_at.is_some() {
        return Ok(());
    }
    let change = ActiveModel {
        id: Unchanged(row.id),
        lease_owner: Set(None),
        heartbeat_at: Set(None),
        deleted_at: Set(Some(Utc::now())),
        ..Default::default()
    };
    let row = change.update(&**tx).await?;
    tx.append(row.event(EventKind::AgentDeleted, json!({ "role": row.role, "status": row.status }))).await
}

/// Says on a queued agent what it waits for.
pub async fn hold(tx: &mut Tx<'_>, id: AgentId, why: &str) -> Result<(), StoreError> {
    let Some(row) = find(&**tx, id).await? else { return Ok(()) };
    if row.status()? != AgentStatus::Queued || row.reason.as_deref() == Some(why) {
        return Ok(());
    }
    let change = ActiveModel { id: Unchanged(row.id), reason: Set(Some(why.to_owned())), ..Default::default() };
    let row = change.update(&**tx).await?;
    tx.append(row.event(EventKind::AgentHeld, json!({ "waits_for": why }))).await
}

fn ended(row: &Row, status: AgentStatus, reason: Option<&str>) -> ActiveModel {
    ActiveModel {
        id: Unchanged(row.id),
        status: Set(status.as_str().to_owned()),
        reason: Set(reason.map(str::to_owned)),
        ended_at: Set(Some(Utc::now())),
        ..Default::default()
    }
}
