//! Rows as people and programs see them.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QuerySelect, sea_query::Expr};
use slipway_app::model::{
    Agent, AgentBrief, AgentId, AgentStatus, Artifact, ArtifactId, Card, CardId, CardStatus, Gate, GateState, Money,
    ProjectId, Pulse, QuestionState, Stage, StatusFacts, Tokens,
};
use uuid::Uuid;

use crate::{
    agent, card, gate,
    store::{StoreError, entity, from_json, known},
};

/// Cards asked for by id at a time: databases bound the parameters of one statement.
pub const CHUNK: usize = 500;

/// Cards without bodies, in the order of their rows.
pub async fn cards(connection: &impl ConnectionTrait, rows: Vec<card::Row>) -> Result<Vec<Card>, StoreError> {
    let shown = |row: &&card::Row| row.landed_at.is_none() && row.stage != "backlog";
    let agents = agents_by_id(connection, rows.iter().filter(shown).filter_map(|row| row.agent_id).collect()).await?;
    let gates = gates_by_id(connection, rows.iter().filter(shown).filter_map(|row| row.gate_id).collect()).await?;
    let asked = open_questions(connection).await?;
    rows.into_iter()
        .map(|row| {
            let agent = row.agent_id.and_then(|id| agents.get(&id));
            let gate = row.gate_id.and_then(|id| gates.get(&id));
            card(row, agent, gate, &asked)
        })
        .collect()
}

/// One card without its body.
pub async fn one_card(connection: &impl ConnectionTrait, row: card::Row) -> Result<Card, StoreError> {
    let mut cards = cards(connection, vec![row]).await?;
    cards.pop().ok_or_else(|| StoreError::Corrupt { column: "card", value: "nothing".to_owned() })
}

fn card(
    row: card::Row,
    agent: Option<&agent::Row>,
    gate: Option<&Gate>,
    asked: &HashMap<CardId, String>,
) -> Result<Card, StoreError> {
    let stage = row.stage()?;
    let agent_status = agent.map(agent::Row::status).transpose()?;
    let status = CardStatus::of(StatusFacts {
        stage,
        agent: agent_status,
        gate: gate.map(|gate| gate.state),
        open_question: asked.contains_key(&row.card_id()),
        landed: row.landed_at.is_some(),
    });
    let reason = match status {
        CardStatus::Failed => Some(failure(agent)),
        CardStatus::Queued => agent.and_then(|agent| agent.reason.clone()),
        CardStatus::Waiting => asked.get(&row.card_id()).cloned(),
        _ => row.notice.clone(),
    };
    let live = agent.filter(|agent| agent.deleted_at.is_none());
    Ok(Card {
        id: row.card_id(),
        number: row.number,
        project_id: row.project(),
        body: None,
        stage,
        status,
        reason,
        position: row.position,
        agent: live.map(brief).transpose()?,
        gate: gate.filter(|gate| gate.state == GateState::Open).cloned(),
        artifacts: from_json("card.chips", &row.chips)?,
        tokens: row.tokens,
        cost_usd: Money::from_nanos(row.cost_nanos),
        commit: row.commit_oid,
        branch: row.branch,
        archived_at: row.archived_at,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        title: row.title,
    })
}

fn failure(agent: Option<&agent::Row>) -> String {
    match agent {
        None => "This stage was stopped. Retry runs it again.".to_owned(),
        Some(agent) => agent
            .reason
            .clone()
            .unwrap_or_else(|| "The agent ended without saying why. Retry runs it again.".to_owned()),
    }
}

fn brief(row: &agent::Row) -> Result<AgentBrief, StoreError> {
    Ok(AgentBrief {
        id: row.agent_id(),
        role: row.role()?,
        engine: row.engine()?,
        status: row.status()?,
        progress: u8::try_from(row.progress).unwrap_or(0),
        step: u16::try_from(row.step).unwrap_or(0),
        steps: u16::try_from(row.steps).unwrap_or(0),
        doing: row.doing.clone(),
        waits_for: row.reason.clone().filter(|_| row.status == AgentStatus::Queued.as_str()),
        started_at: row.started_at,
    })
}

async fn agents_by_id(
    connection: &impl ConnectionTrait,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, agent::Row>, StoreError> {
    use entity::agent::{Column, Entity};
    let mut found = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let rows = Entity::find().filter(Column::Id.is_in(chunk.iter().copied())).all(connection).await?;
        found.extend(rows.into_iter().map(|row| (row.id, row)));
    }
    Ok(found)
}

async fn gates_by_id(connection: &impl ConnectionTrait, ids: Vec<Uuid>) -> Result<HashMap<Uuid, Gate>, StoreError> {
    use entity::gate::{Column, Entity};
    let mut found = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let rows = Entity::find().filter(Column::Id.is_in(chunk.iter().copied())).all(connection).await?;
        for row in rows {
            found.insert(row.id, gate::Row::into_gate(row)?);
        }
    }
    Ok(found)
}

/// What each card with an open question asks.
async fn open_questions(connection: &impl ConnectionTrait) -> Result<HashMap<CardId, String>, StoreError> {
    use entity::question::{Column, Entity};
    let rows = Entity::find().filter(Column::State.eq(QuestionState::Open.as_str())).all(connection).await?;
    Ok(rows.into_iter().map(|row| (CardId(row.card_id), row.prompt)).collect())
}

/// Agents in full, without prompts.
pub async fn agents(connection: &impl ConnectionTrait, rows: Vec<agent::Row>) -> Result<Vec<Agent>, StoreError> {
    let cards = card_names(connection, rows.iter().map(|row| row.card_id).collect()).await?;
    let produced = produced_by(connection, rows.iter().map(|row| row.id).collect()).await?;
    rows.into_iter()
        .map(|row| {
            let (number, title) = cards.get(&row.card_id).cloned().unwrap_or_default();
            let produced = produced.get(&row.id).cloned().unwrap_or_default();
            agent(row, number, title, produced)
        })
        .collect()
}

/// One agent in full, with its prompt.
pub async fn one_agent(connection: &impl ConnectionTrait, row: agent::Row) -> Result<Option<Agent>, StoreError> {
    let prompt = row.prompt.clone();
    let agent = agents(connection, vec![row]).await?.pop();
    Ok(agent.map(|agent| Agent { prompt, ..agent }))
}

fn agent(
    row: agent::Row,
    card_number: i64,
    card_title: String,
    produced: Vec<ArtifactId>,
) -> Result<Agent, StoreError> {
    Ok(Agent {
        id: row.agent_id(),
        project_id: ProjectId(row.project_id),
        card_id: row.card(),
        card_number,
        card_title,
        stage: row.stage()?,
        role: row.role()?,
        engine: row.engine()?,
        status: row.status()?,
        progress: u8::try_from(row.progress).unwrap_or(0),
        step: u16::try_from(row.step).unwrap_or(0),
        steps: u16::try_from(row.steps).unwrap_or(0),
        tokens: Tokens { input: row.tokens_input, output: row.tokens_output, cached: row.tokens_cached },
        context_used: row.context_used,
        context_size: row.context_size,
        cost_usd: Money::from_nanos(row.cost_nanos),
        tool_calls: row.tool_calls,
        tools: from_json("agent.tools", &row.tools)?,
        attempt: row.attempt,
        consumed: from_json("agent.consumed", &row.consumed)?,
        produced,
        parent_id: row.parent_id.map(AgentId),
        created_at: row.created_at,
        started_at: row.started_at,
        ended_at: row.ended_at,
        deleted_at: row.deleted_at,
        model: row.model,
        reason: row.reason,
        doing: row.doing,
        comment: row.comment,
        prompt: None,
    })
}

async fn card_names(
    connection: &impl ConnectionTrait,
    ids: HashSet<Uuid>,
) -> Result<HashMap<Uuid, (i64, String)>, StoreError> {
    use entity::card::{Column, Entity};
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let mut found = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let query = Entity::find().select_only().columns([Column::Id, Column::Number, Column::Title]);
        let rows: Vec<(Uuid, i64, String)> =
            query.filter(Column::Id.is_in(chunk.iter().copied())).into_tuple().all(connection).await?;
        found.extend(rows.into_iter().map(|(id, number, title)| (id, (number, title))));
    }
    Ok(found)
}

async fn produced_by(
    connection: &impl ConnectionTrait,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, Vec<ArtifactId>>, StoreError> {
    use entity::artifact::{Column, Entity};
    let mut found: HashMap<Uuid, Vec<ArtifactId>> = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let query = Entity::find().select_only().columns([Column::AgentId, Column::Id]);
        let rows: Vec<(Uuid, Uuid)> =
            query.filter(Column::AgentId.is_in(chunk.iter().copied())).into_tuple().all(connection).await?;
        for (agent, artifact) in rows {
            found.entry(agent).or_default().push(ArtifactId(artifact));
        }
    }
    Ok(found)
}

pub fn artifacts(rows: Vec<entity::artifact::Model>) -> Result<Vec<Artifact>, StoreError> {
    rows.into_iter().map(entity::artifact::Model::into_artifact).collect()
}

/// The header's figures.
pub async fn pulse(connection: &impl ConnectionTrait) -> Result<Pulse, StoreError> {
    let live = agent::undeleted(connection).await?;
    let at_work = live.iter().filter(|row| matches!(row.status.as_str(), "creating" | "working")).count();
    let (tokens, cost) = used_today(connection).await?;
    Ok(Pulse {
        agents_at_work: u32::try_from(at_work).unwrap_or(u32::MAX),
        tokens_today: tokens,
        cost_today_usd: Money::from_nanos(cost),
        needs_you: needs_you(connection).await?,
    })
}

/// Tokens and nano-dollars of the agents that began since midnight UTC.
async fn used_today(connection: &impl ConnectionTrait) -> Result<(i64, i64), StoreError> {
    use entity::agent::{Column, Entity};
    let midnight = chrono::Utc::now().date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    // Ids are UUIDv7, so the primary key finds today's agents without a scan.
    let sums: Option<(Option<i64>, Option<i64>)> = Entity::find()
        .select_only()
        .column_as(Expr::cust("CAST(SUM(tokens_input + tokens_output) AS BIGINT)"), "tokens")
        .column_as(Expr::cust("CAST(SUM(cost_nanos) AS BIGINT)"), "cost")
        .filter(Column::Id.gte(first_id_at(midnight)))
        .into_tuple()
        .one(connection)
        .await?;
    let (tokens, cost) = sums.unwrap_or_default();
    Ok((tokens.unwrap_or(0), cost.unwrap_or(0)))
}

/// The smallest UUIDv7 of that moment (RFC 9562, section 5.7: the first 48 bits are Unix milliseconds).
fn first_id_at(moment: chrono::DateTime<chrono::Utc>) -> Uuid {
    let millis = u128::try_from(moment.timestamp_millis()).unwrap_or(0);
    Uuid::from_u128((millis << 80) | (0x7 << 76))
}

/// Cards on their way: neither in the backlog nor landed nor archived.
pub async fn active_rows(connection: &impl ConnectionTrait) -> Result<Vec<card::Row>, StoreError> {
    use entity::card::{Column, Entity};
    let query = Entity::find()
        .filter(Column::LandedAt.is_null())
        .filter(Column::ArchivedAt.is_null())
        .filter(Column::Stage.ne("backlog"));
    Ok(query.all(connection).await?)
}

/// Cards that wait for a person: an open gate, an open question, or a stage that ended without a gate. Asked
/// after every commit that someone watches, so it reads what a status depends on and no more.
async fn needs_you(connection: &impl ConnectionTrait) -> Result<u32, StoreError> {
    use entity::{
        agent,
        card::{Column, Entity},
        gate,
    };
    let agents = Entity::belongs_to(agent::Entity).from(Column::AgentId).to(agent::Column::Id).into();
    let gates = Entity::belongs_to(gate::Entity).from(Column::GateId).to(gate::Column::Id).into();
    let rows: Vec<(Uuid, String, Option<String>, Option<String>)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::Stage])
        .column_as(agent::Column::Status, "agent_status")
        .column_as(gate::Column::State, "gate_state")
        .join(JoinType::LeftJoin, agents)
        .join(JoinType::LeftJoin, gates)
        .filter(Column::LandedAt.is_null())
        .filter(Column::ArchivedAt.is_null())
        .filter(Column::Stage.ne(Stage::Backlog.as_str()))
        .into_tuple()
        .all(connection)
        .await?;
    let asked = open_questions(connection).await?;
    let mut waiting = 0;
    for (id, stage, agent, gate) in rows {
        let status = CardStatus::of(StatusFacts {
            stage: known("card.stage", &stage, Stage::parse)?,
            agent: agent.map(|status| known("agent.status", &status, AgentStatus::parse)).transpose()?,
            gate: gate.map(|state| known("gate.state", &state, GateState::parse)).transpose()?,
            open_question: asked.contains_key(&CardId(id)),
            landed: false,
        });
        if matches!(status, CardStatus::NeedsApproval | CardStatus::Waiting | CardStatus::Failed) {
            waiting += 1;
        }
    }
    Ok(waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_id_of_a_moment_is_below_every_later_one() {
        let before = first_id_at(chrono::Utc::now());
        let id = AgentId::generate().0;
        assert!(before <= id);
        assert_eq!(before.get_version_num(), 7);
    }
}
