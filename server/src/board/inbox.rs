//! What needs a person, oldest first, and what waiting costs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use slipway_app::{
    model::{Card, CardId, CardStatus, Project, ProjectId, Question, QuestionState, Stage},
    port::shelf::{Matter, Waiting, What},
};

use super::view;
use crate::{
    card, project, question,
    store::{Store, StoreError, entity},
};

/// Matters shown at once; who has more waiting works through the oldest first.
const MATTERS_SHOWN: usize = 200;

pub async fn matters(store: &Store) -> Result<Vec<Matter>, StoreError> {
    let reader = store.reader();
    let projects: HashMap<ProjectId, Project> =
        project::all(reader).await?.into_iter().map(|project| (project.id, project)).collect();
    let ended = ended_agents(reader, view::active_rows(reader).await?).await?;
    let mut waiting = Vec::new();
    for (card, since_end) in ended {
        let Some(project) = projects.get(&card.project_id).cloned() else { continue };
        let (since, what) = match card.status {
            CardStatus::NeedsApproval => match card.gate.clone() {
                Some(gate) => (gate.opened_at, What::Gate(gate)),
                None => continue,
            },
            CardStatus::Waiting => match open_question(reader, card.id).await? {
                Some(question) => (question.asked_at, What::Question(question)),
                None => (since_end, What::Stopped(card.reason.clone().unwrap_or_default())),
            },
            CardStatus::Failed => (since_end, What::Stopped(card.reason.clone().unwrap_or_default())),
            _ => continue,
        };
        waiting.push(Matter { card, project, since, what, cost: Waiting::default() });
    }
    waiting.sort_by_key(|matter| (matter.since, matter.card.id));
    let landings = landings(reader, waiting.first().map(|matter| matter.since)).await?;
    let places: Vec<(ProjectId, Stage)> =
        waiting.iter().map(|matter| (matter.card.project_id, matter.card.stage)).collect();
    for (index, matter) in waiting.iter_mut().enumerate() {
        matter.cost = cost(matter, &places[index + 1..], &landings);
    }
    waiting.truncate(MATTERS_SHOWN);
    Ok(waiting)
}

/// `later` is where the matters after this one stand.
fn cost(matter: &Matter, later: &[(ProjectId, Stage)], landings: &[(ProjectId, DateTime<Utc>)]) -> Waiting {
    let place = (matter.card.project_id, matter.card.stage);
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Waiting {
        stages_to_go: count(Stage::ALL.into_iter().filter(|stage| *stage > matter.card.stage).count()),
        behind: count(later.iter().filter(|other| **other == place).count()),
        landed: count(landings.iter().filter(|(project, at)| *project == place.0 && *at > matter.since).count()),
    }
}

/// The cards with the moment at which their last agent ended.
async fn ended_agents(
    connection: &impl ConnectionTrait,
    rows: Vec<card::Row>,
) -> Result<Vec<(Card, DateTime<Utc>)>, StoreError> {
    use entity::agent::{Column, Entity};
    let ids: Vec<uuid::Uuid> = rows.iter().filter_map(|row| row.agent_id).collect();
    let mut ends = HashMap::new();
    for chunk in ids.chunks(view::CHUNK) {
        let query = Entity::find().select_only().columns([Column::CardId, Column::EndedAt]);
        let found: Vec<(uuid::Uuid, Option<DateTime<Utc>>)> =
            query.filter(Column::Id.is_in(chunk.iter().copied())).into_tuple().all(connection).await?;
        ends.extend(found.into_iter().filter_map(|(card, at)| Some((CardId(card), at?))));
    }
    let cards = view::cards(connection, rows).await?;
    Ok(cards
        .into_iter()
        .map(|card| {
            let at = ends.get(&card.id).copied().unwrap_or(card.updated_at);
            (card, at)
        })
        .collect())
}

async fn open_question(connection: &impl ConnectionTrait, card: CardId) -> Result<Option<Question>, StoreError> {
    let rows = question::open_of_card(connection, card).await?;
    let open = rows.into_iter().map(question::Row::into_question).collect::<Result<Vec<_>, _>>()?;
    Ok(open.into_iter().find(|question| question.state == QuestionState::Open))
}

/// When cards landed, since a moment.
async fn landings(
    connection: &impl ConnectionTrait,
    since: Option<DateTime<Utc>>,
) -> Result<Vec<(ProjectId, DateTime<Utc>)>, StoreError> {
    use entity::card::{Column, Entity};
    let Some(since) = since else { return Ok(Vec::new()) };
    let query = Entity::find().select_only().columns([Column::ProjectId, Column::LandedAt]);
    let rows: Vec<(uuid::Uuid, Option<DateTime<Utc>>)> =
        query.filter(Column::LandedAt.gt(since)).order_by_asc(Column::Id).into_tuple().all(connection).await?;
    Ok(rows.into_iter().filter_map(|(project, at)| Some((ProjectId(project), at?))).collect())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn waiting_costs_what_stands_behind_it_and_what_landed_meanwhile() {
        let project: Project = serde_json::from_value(serde_json::json!({
            "id": Uuid::from_u128(1), "name": "demo", "path": "/demo", "trusted": true, "base_branch": "main",
            "setup_command": null, "check_command": null, "gate_policy": "manual", "land": "merge", "wip": 4,
            "engines": {}, "budget": {}, "bring": [], "network": false, "push_remote": null, "version": 1,
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        }))
        .unwrap();
        let card: Card = serde_json::from_value(serde_json::json!({
            "id": Uuid::from_u128(2), "number": 1, "project_id": project.id, "title": "x", "stage": "build",
            "status": "failed", "reason": null, "position": 1.0, "agent": null, "gate": null, "artifacts": [],
            "tokens": 0, "cost_usd": "0", "commit": null, "branch": null, "archived_at": null, "version": 1,
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        }))
        .unwrap();
        let (here, elsewhere, since) = (project.id, ProjectId(Uuid::from_u128(9)), Utc::now());
        let matter = Matter { card, project, since, what: What::Stopped(String::new()), cost: Waiting::default() };
        let later = [(here, Stage::Build), (here, Stage::Plan), (elsewhere, Stage::Build)];
        let landings = [
            (here, since + TimeDelta::seconds(1)),
            (here, since - TimeDelta::seconds(1)),
            (elsewhere, since + TimeDelta::days(1)),
        ];
        assert_eq!(cost(&matter, &later, &landings), Waiting { stages_to_go: 2, behind: 1, landed: 1 });
    }
}
