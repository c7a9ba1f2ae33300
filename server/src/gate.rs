//! Gates: a stage's exit. This file keeps the records; [`checks`] are the rules, and [`crate::transition`]
//! moves the card once a decision is made.

use chrono::Utc;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ConnectionTrait, EntityTrait,
};
use serde_json::json;
use slipway_app::model::{Actor, AgentId, Check, Gate, GateId, GateState, Stage};

use crate::{
    card,
    events::EventKind,
    store::{StoreError, Tx, entity, from_json, known, to_json},
};

pub mod checks;

pub use entity::gate::Model as Row;
use entity::gate::{ActiveModel, Entity};

impl Row {
    pub fn into_gate(self) -> Result<Gate, StoreError> {
        Ok(Gate {
            id: GateId(self.id),
            stage: known("gate.stage", &self.stage, Stage::parse)?,
            agent_id: self.agent_id.map(AgentId),
            checks: from_json("gate.checks", &self.checks)?,
            state: known("gate.state", &self.state, GateState::parse)?,
            decided_by: self.decided_by,
            reason: self.reason,
            opened_at: self.opened_at,
            decided_at: self.decided_at,
        })
    }
}

/// The gate of this visit to the stage, once there is one.
pub async fn of_visit(connection: &impl ConnectionTrait, card: &card::Row) -> Result<Option<Gate>, StoreError> {
    let Some(id) = card.gate_id else { return Ok(None) };
    Entity::find_by_id(id).one(connection).await?.map(Row::into_gate).transpose()
}

/// Puts the gate of this visit on record, open.
pub async fn open(
    tx: &mut Tx<'_>,
    card: &card::Row,
    stage: Stage,
    agent: AgentId,
    checks: Vec<Check>,
) -> Result<Gate, StoreError> {
    let row = ActiveModel {
        id: Set(GateId::generate().0),
        card_id: Set(card.id),
        agent_id: Set(Some(agent.0)),
        stage: Set(stage.as_str().to_owned()),
        checks: Set(to_json(&checks)),
        state: Set(GateState::Open.as_str().to_owned()),
        decided_by: Set(None),
        reason: Set(None),
        opened_at: Set(Utc::now()),
        decided_at: Set(None),
    };
    let gate = row.insert(&**tx).await?.into_gate()?;
    let mut change = card::touched(card);
    change.gate_id = Set(Some(gate.id.0));
    change.update(&**tx).await?;
    let data = json!({ "gate_id": gate.id, "stage": stage, "green": gate.is_green(), "checks": gate.checks });
    tx.append(card.event(EventKind::GateOpened, data).agent(agent)).await?;
    Ok(gate)
}

/// Puts a decision on record. The card's move is the transition's business.
pub async fn close(
    tx: &mut Tx<'_>,
    card: &card::Row,
    gate: &Gate,
    state: GateState,
    actor: Actor,
    reason: Option<String>,
) -> Result<Gate, StoreError> {
    let change = ActiveModel {
        id: Unchanged(gate.id.0),
        state: Set(state.as_str().to_owned()),
        decided_by: Set(Some(actor.as_str().to_owned())),
        reason: Set(reason),
        decided_at: Set(Some(Utc::now())),
        ..Default::default()
    };
    let gate = change.update(&**tx).await?.into_gate()?;
    let data =
        json!({ "gate_id": gate.id, "stage": gate.stage, "state": state, "decided_by": actor, "reason": gate.reason });
    tx.append(card.event(EventKind::GateDecided, data)).await?;
    Ok(gate)
}

/// Withdraws the open gate, if any, of a card that leaves the stage without a decision.
pub async fn withdraw_open(tx: &mut Tx<'_>, card: &card::Row, actor: Actor) -> Result<(), StoreError> {
    match of_visit(&**tx, card).await? {
        Some(gate) if gate.state == GateState::Open => {
            close(tx, card, &gate, GateState::Withdrawn, actor, None).await.map(drop)
        }
        _ => Ok(()),
    }
}
