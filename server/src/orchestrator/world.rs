//! What the database says, as [`super::reconcile`] wants it.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};
use slipway_app::model::{
    AgentId, AgentStatus, CardId, Check, GateId, GatePolicy, GateState, Project, ProjectId, QuestionState,
};

use super::reconcile::{AgentFact, CardFact, GateFact, Limits, World};
use crate::{
    agent, card, project,
    store::{StoreError, entity, from_json, known},
    workshop::Workshop,
};

pub async fn load(
    workshop: &Workshop,
    busy_agents: HashSet<AgentId>,
    busy_cards: HashSet<CardId>,
) -> Result<World, StoreError> {
    let reader = workshop.store.reader();
    let agents = agent::undeleted(reader).await?.iter().map(agent_fact).collect::<Result<Vec<_>, _>>()?;
    let projects: HashMap<ProjectId, Project> =
        project::all(reader).await?.into_iter().map(|project| (project.id, project)).collect();
    let cards = cards(workshop, &projects).await?;
    let per_project =
        projects.values().map(|project| (project.id, usize::try_from(project.wip).unwrap_or(1))).collect();
    Ok(World { agents, cards, limits: Limits { overall: workshop.max_agents, per_project }, busy_agents, busy_cards })
}

fn agent_fact(row: &agent::Row) -> Result<AgentFact, StoreError> {
    Ok(AgentFact {
        id: row.agent_id(),
        card: row.card(),
        project: ProjectId(row.project_id),
        status: row.status()?,
        queued_at: row.created_at,
        waits_for: row.reason.clone(),
    })
}

/// Cards in a column, and cards that have left the board but still have a workspace.
async fn cards(workshop: &Workshop, projects: &HashMap<ProjectId, Project>) -> Result<Vec<CardFact>, StoreError> {
    use entity::card::{Column, Entity};
    let reader = workshop.store.reader();
    let in_a_column = Condition::all()
        .add(Column::LandedAt.is_null())
        .add(Column::ArchivedAt.is_null())
        .add(Column::Stage.ne("backlog"));
    let leaving = Condition::all()
        .add(Column::HasWorkspace.eq(true))
        .add(Condition::any().add(Column::LandedAt.is_not_null()).add(Column::ArchivedAt.is_not_null()));
    let mut rows = Entity::find().filter(in_a_column).all(reader).await?;
    rows.extend(Entity::find().filter(leaving).all(reader).await?);

    let agents = agents_of(workshop, &rows).await?;
    let gates = gates_of(workshop, &rows).await?;
    let asked = asked(workshop).await?;
    rows.iter()
        .map(|row| {
            let stage = row.stage()?;
            Ok(CardFact {
                id: row.card_id(),
                stage,
                agent: row
                    .agent_id
                    .and_then(|id| agents.get(&AgentId(id)).map(|(status, gone)| (AgentId(id), *status, *gone))),
                gate: row.gate_id.and_then(|id| gates.get(&GateId(id)).copied()),
                policy: projects
                    .get(&row.project())
                    .map_or(GatePolicy::Manual, |project| project.gate_policy.at(stage)),
                auto_send_backs: row.auto_send_backs,
                question_open: asked.contains(&row.card_id()),
                landed: row.landed_at.is_some(),
                archived: row.archived_at.is_some(),
                has_workspace: row.has_workspace,
            })
        })
        .collect()
}

async fn agents_of(
    workshop: &Workshop,
    cards: &[card::Row],
) -> Result<HashMap<AgentId, (AgentStatus, bool)>, StoreError> {
    use entity::agent::{Column, Entity};
    let ids = cards.iter().filter_map(|card| card.agent_id);
    let rows = Entity::find().filter(Column::Id.is_in(ids)).all(workshop.store.reader()).await?;
    rows.iter().map(|row| Ok((row.agent_id(), (row.status()?, row.deleted_at.is_some())))).collect()
}

async fn gates_of(workshop: &Workshop, cards: &[card::Row]) -> Result<HashMap<GateId, GateFact>, StoreError> {
    use entity::gate::{Column, Entity};
    let ids = cards.iter().filter_map(|card| card.gate_id);
    let rows = Entity::find().filter(Column::Id.is_in(ids)).all(workshop.store.reader()).await?;
    rows.iter()
        .map(|row| {
            let checks: Vec<Check> = from_json("gate.checks", &row.checks)?;
            let id = GateId(row.id);
            let state = known("gate.state", &row.state, GateState::parse)?;
            Ok((id, GateFact { id, state, green: checks.iter().all(|check| check.passed) }))
        })
        .collect()
}

async fn asked(workshop: &Workshop) -> Result<HashSet<CardId>, StoreError> {
    use entity::question::{Column, Entity};
    let open =
        Entity::find().filter(Column::State.eq(QuestionState::Open.as_str())).all(workshop.store.reader()).await?;
    Ok(open.into_iter().map(|row| CardId(row.card_id)).collect())
}
