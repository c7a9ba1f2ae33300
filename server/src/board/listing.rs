//! Lists in pages. A cursor is the position of the last entry seen (keyset paging), so that entries that come
//! and go meanwhile neither repeat nor hide others.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Func},
};
use slipway_app::{
    error::{ErrorCode, Problem},
    model::{
        Agent, AgentId, AgentStatus, Artifact, Batch, Card, CardId, Event, Fleet, Gate, Project, ProjectId, Question,
        QuestionState, Stage, Transition, Wait, WaitFor,
    },
    port::BoardSnapshot,
};
use uuid::Uuid;

use super::{refusal::Refuse, view};
use crate::{
    agent, card,
    events::EventFilter,
    gate,
    http::doors::{AgentState, CardQuery, EventQuery, Listed, Page},
    project, question,
    store::{Store, StoreError, entity},
    transition,
};

/// Cards that the board shows at most; beyond it, archive some.
const BOARD_LIMIT: u64 = 10_000;

/// What stands above every page, and no card: no row of theirs is read.
pub async fn heading(store: &Store) -> Result<BoardSnapshot, StoreError> {
    // Taken first: what commits meanwhile is in the stream after it, and applying it twice does no harm.
    let seq = store.feed().last_seq();
    let reader = store.reader();
    Ok(BoardSnapshot {
        seq,
        projects: project::all(reader).await?,
        cards: Vec::new(),
        pulse: store.pulse(|| view::pulse(reader)).await?,
        totals: None,
    })
}

/// Everything the board shows.
pub async fn snapshot(store: &Store, project: Option<ProjectId>) -> Result<BoardSnapshot, StoreError> {
    use entity::card::{Column, Entity};
    let heading = heading(store).await?;
    let reader = store.reader();
    let query = Entity::find().filter(on_board(project));
    let rows = query.order_by_asc(Column::Position).order_by_asc(Column::Id).limit(BOARD_LIMIT).all(reader).await?;
    Ok(BoardSnapshot { cards: view::cards(reader, rows).await?, ..heading })
}

/// What the board shows at first sight: no row is read for a card further down.
pub async fn first_cards(store: &Store, project: Option<ProjectId>, each: u64) -> Result<BoardSnapshot, StoreError> {
    use entity::card::{Column, Entity};
    let heading = heading(store).await?;
    let reader = store.reader();
    let mut rows = Vec::new();
    let mut totals = [0; Stage::ALL.len()];
    for stage in Stage::ALL {
        let column = || Entity::find().filter(on_board(project)).filter(Column::Stage.eq(stage.as_str()));
        let first = column().order_by_asc(Column::Position).order_by_asc(Column::Id).limit(each).all(reader).await?;
        totals[stage as usize] = if (first.len() as u64) < each {
            first.len()
        } else {
            usize::try_from(column().count(reader).await?).unwrap_or(usize::MAX)
        };
        rows.extend(first);
    }
    let cut = totals.iter().sum::<usize>() > rows.len();
    Ok(BoardSnapshot { cards: view::cards(reader, rows).await?, totals: cut.then_some(totals), ..heading })
}

/// Cards that are not archived, of one project or of all.
fn on_board(project: Option<ProjectId>) -> Condition {
    use entity::card::Column;
    let shown = Condition::all().add(Column::ArchivedAt.is_null());
    match project {
        Some(id) => shown.add(Column::ProjectId.eq(id.0)),
        None => shown,
    }
}

/// Events after `after`, with the cards they are about as they stand now.
pub async fn batch(store: &Store, after: i64, limit: u32) -> Result<Batch, StoreError> {
    use entity::card::{Column, Entity};
    let reader = store.reader();
    let events = store.feed().after(reader, after, EventFilter::default(), u64::from(limit)).await?;
    let mut ids: Vec<Uuid> = events.iter().filter_map(|event| event.card_id.map(|id| id.0)).collect();
    ids.sort_unstable();
    ids.dedup();
    let rows =
        if ids.is_empty() { Vec::new() } else { Entity::find().filter(Column::Id.is_in(ids)).all(reader).await? };
    Ok(Batch {
        seq: events.last().map_or(after, |event| event.seq),
        cards: view::cards(reader, rows).await?,
        pulse: store.pulse(|| view::pulse(reader)).await?,
        events,
    })
}

pub async fn events(store: &Store, query: EventQuery) -> Result<Vec<Event>, StoreError> {
    let filter = EventFilter { card_id: query.card_id, agent_id: query.agent_id };
    store.feed().after(store.reader(), query.after, filter, u64::from(query.limit)).await
}

fn bad_cursor() -> Problem {
    Problem::new(ErrorCode::InvalidRequest, "That cursor is none of ours. Start again without it.")
}

fn id_cursor(page: &Page) -> Result<Option<Uuid>, Problem> {
    page.cursor.as_deref().map(|cursor| Uuid::parse_str(cursor).map_err(|_| bad_cursor())).transpose()
}

/// Cuts one entry more than asked for off again: it only says that there is a next page.
fn paged<T>(mut rows: Vec<T>, page: &Page, key: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
    let limit = page.limit as usize;
    if rows.len() <= limit {
        return (rows, None);
    }
    rows.truncate(limit);
    let next = rows.last().map(key);
    (rows, next)
}

/// Lists the rows of an entity by id, oldest first: UUIDv7 ids sort by time.
macro_rules! list_by_id {
    ($store:expr, $entity:ident, $filter:expr, $page:expr) => {{
        use entity::$entity::{Column, Entity};
        let mut query = Entity::find().filter($filter).order_by_asc(Column::Id).limit(u64::from($page.limit) + 1);
        if let Some(after) = id_cursor($page)? {
            query = query.filter(Column::Id.gt(after));
        }
        let rows = query.all($store.reader()).await.map_err(|error| StoreError::from(error).refuse())?;
        paged(rows, $page, |row| row.id.to_string())
    }};
}

pub async fn projects(store: &Store, page: &Page) -> Result<Listed<Project>, Problem> {
    let (rows, next) = list_by_id!(store, project, Column::RemovedAt.is_null(), page);
    let items = rows.into_iter().map(project::Row::into_project).collect::<Result<_, _>>();
    Ok(Listed { items: items.map_err(Refuse::refuse)?, next })
}

/// By stage, then by position.
pub async fn cards(store: &Store, query: &CardQuery, page: &Page) -> Result<Listed<Card>, Problem> {
    use entity::card::{Column, Entity};
    let shown = if query.archived { Column::ArchivedAt.is_not_null() } else { Column::ArchivedAt.is_null() };
    let mut select = Entity::find().filter(shown);
    if let Some(id) = query.project_id {
        select = select.filter(Column::ProjectId.eq(id.0));
    }
    if let Some(stage) = query.stage {
        select = select.filter(Column::Stage.eq(stage.as_str()));
    }
    if let Some(text) = query.q.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        select = select.filter(matching(text));
    }
    if let Some(cursor) = &page.cursor {
        let (position, id) = cursor.split_once('/').ok_or_else(bad_cursor)?;
        let position: f64 = position.parse().map_err(|_| bad_cursor())?;
        let id = Uuid::parse_str(id).map_err(|_| bad_cursor())?;
        let after = Condition::any()
            .add(Column::Position.gt(position))
            .add(Condition::all().add(Column::Position.eq(position)).add(Column::Id.gt(id)));
        select = select.filter(after);
    }
    let select = select.order_by_asc(Column::Position).order_by_asc(Column::Id).limit(u64::from(page.limit) + 1);
    let rows = select.all(store.reader()).await.map_err(|error| StoreError::from(error).refuse())?;
    let (rows, next) = paged(rows, page, |row| format!("{}/{}", row.position, row.id));
    Ok(Listed { items: view::cards(store.reader(), rows).await.map_err(Refuse::refuse)?, next })
}

/// Text in the title, letter case aside, or a card's number.
fn matching(text: &str) -> Condition {
    use entity::card::Column;
    let pattern = format!("%{}%", text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
    let like = sea_orm::sea_query::LikeExpr::new(pattern).escape('\\');
    let mut either = Condition::any().add(Expr::expr(Func::lower(Expr::col(Column::Title))).like(like));
    if let Ok(number) = text.trim_start_matches('#').parse::<i64>() {
        either = either.add(Column::Number.eq(number));
    }
    either
}

pub async fn transitions(store: &Store, card: CardId, page: &Page) -> Result<Listed<Transition>, Problem> {
    card::load(store.reader(), card).await.map_err(Refuse::refuse)?;
    let (rows, next) = list_by_id!(store, transition, Column::CardId.eq(card.0), page);
    let items = rows.into_iter().map(transition::Row::into_transition).collect::<Result<_, _>>();
    Ok(Listed { items: items.map_err(Refuse::refuse)?, next })
}

pub async fn gates(store: &Store, card: CardId, page: &Page) -> Result<Listed<Gate>, Problem> {
    card::load(store.reader(), card).await.map_err(Refuse::refuse)?;
    let (rows, next) = list_by_id!(store, gate, Column::CardId.eq(card.0), page);
    let items = rows.into_iter().map(gate::Row::into_gate).collect::<Result<_, _>>();
    Ok(Listed { items: items.map_err(Refuse::refuse)?, next })
}

pub async fn card_agents(store: &Store, card: CardId, page: &Page) -> Result<Listed<Agent>, Problem> {
    card::load(store.reader(), card).await.map_err(Refuse::refuse)?;
    let (rows, next) = list_by_id!(store, agent, Column::CardId.eq(card.0), page);
    Ok(Listed { items: view::agents(store.reader(), rows).await.map_err(Refuse::refuse)?, next })
}

pub async fn card_artifacts(store: &Store, card: CardId, page: &Page) -> Result<Listed<Artifact>, Problem> {
    card::load(store.reader(), card).await.map_err(Refuse::refuse)?;
    let (rows, next) = list_by_id!(store, artifact, Column::CardId.eq(card.0), page);
    Ok(Listed { items: view::artifacts(rows).map_err(Refuse::refuse)?, next })
}

pub async fn agents(store: &Store, state: AgentState, page: &Page) -> Result<Listed<Agent>, Problem> {
    use entity::agent::Column as Of;
    let wanted = match state {
        AgentState::Live => Condition::all().add(Of::DeletedAt.is_null()),
        AgentState::Deleted => Condition::all().add(Of::DeletedAt.is_not_null()),
        AgentState::All => Condition::all(),
    };
    let (rows, next) = list_by_id!(store, agent, wanted, page);
    Ok(Listed { items: view::agents(store.reader(), rows).await.map_err(Refuse::refuse)?, next })
}

pub async fn questions(store: &Store, state: Option<QuestionState>, page: &Page) -> Result<Listed<Question>, Problem> {
    use entity::question::Column as Of;
    let wanted = match state {
        Some(state) => Condition::all().add(Of::State.eq(state.as_str())),
        None => Condition::all(),
    };
    let (rows, next) = list_by_id!(store, question, wanted, page);
    let items = rows.into_iter().map(question::Row::into_question).collect::<Result<_, _>>();
    Ok(Listed { items: items.map_err(Refuse::refuse)?, next })
}

/// Every live agent at once.
pub async fn fleet(store: &Store) -> Result<Fleet, StoreError> {
    let rows = agent::undeleted(store.reader()).await?;
    let agents = view::agents(store.reader(), rows).await?;
    let waits =
        agents.iter().filter(|agent| agent.status == AgentStatus::Queued).map(|agent| wait(agent, &agents)).collect();
    Ok(Fleet::of(agents, waits, chrono::Utc::now()))
}

/// What a queued agent waits for: the agent before it on its card, or a place.
fn wait(agent: &Agent, agents: &[Agent]) -> Wait {
    let before: Option<AgentId> =
        agents.iter().find(|other| other.card_id == agent.card_id && other.id < agent.id).map(|other| other.id);
    Wait {
        agent_id: agent.id,
        card_id: agent.card_id,
        waits_for: if before.is_some() { WaitFor::Agent } else { WaitFor::Capacity },
        on_agent_id: before,
        on_question_id: None,
        detail: agent.reason.clone().unwrap_or_else(|| "Starts in a moment".to_owned()),
    }
}

/// Whether the database answers.
pub async fn answers(store: &Store) -> Result<(), StoreError> {
    entity::project::Entity::find().count(store.reader()).await?;
    Ok(())
}
