//! One card's whole story.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use slipway_app::{
    error::Problem,
    model::{Card, CardId},
    port::{ACTIVITY_LIMIT, CardStory},
};

use super::{refusal::Refuse, view};
use crate::{
    card, events, gate, project, question, render,
    store::{Store, StoreError, entity},
    transition,
};

pub async fn of(store: &Store, id: CardId) -> Result<CardStory, Problem> {
    let seq = store.feed().last_seq();
    let reader = store.reader();
    let row = card::load(reader, id).await.map_err(Refuse::refuse)?;
    let project = project::load_even_removed(reader, row.project()).await.map_err(Refuse::refuse)?;
    let body = card::body(reader, id).await.map_err(Refuse::refuse)?;
    let rest = rest_of(store, id).await.map_err(Refuse::refuse)?;
    let card = view::one_card(reader, row).await.map_err(Refuse::refuse)?;
    Ok(CardStory {
        seq,
        body_html: render::markdown::html(&body, render::markdown::Under::Overview),
        card: Card { body: Some(body), ..card },
        project,
        transitions: rest.0,
        gates: rest.1,
        agents: rest.2,
        artifacts: rest.3,
        questions: rest.4,
        activity: events::newest_of_card(reader, id, ACTIVITY_LIMIT).await.map_err(Refuse::refuse)?,
    })
}

type Rest = (
    Vec<slipway_app::model::Transition>,
    Vec<slipway_app::model::Gate>,
    Vec<slipway_app::model::Agent>,
    Vec<slipway_app::model::Artifact>,
    Vec<slipway_app::model::Question>,
);

async fn rest_of(store: &Store, id: CardId) -> Result<Rest, StoreError> {
    use entity::{agent as a, artifact as f, gate as g, question as q, transition as t};
    let reader = store.reader();
    let transitions =
        t::Entity::find().filter(t::Column::CardId.eq(id.0)).order_by_asc(t::Column::Id).all(reader).await?;
    let gates = g::Entity::find().filter(g::Column::CardId.eq(id.0)).order_by_asc(g::Column::Id).all(reader).await?;
    let agents = a::Entity::find().filter(a::Column::CardId.eq(id.0)).order_by_asc(a::Column::Id).all(reader).await?;
    let artifacts =
        f::Entity::find().filter(f::Column::CardId.eq(id.0)).order_by_desc(f::Column::Id).all(reader).await?;
    let questions =
        q::Entity::find().filter(q::Column::CardId.eq(id.0)).order_by_asc(q::Column::Id).all(reader).await?;
    Ok((
        transitions.into_iter().map(transition::Row::into_transition).collect::<Result<_, _>>()?,
        gates.into_iter().map(gate::Row::into_gate).collect::<Result<_, _>>()?,
        view::agents(reader, agents).await?,
        view::artifacts(artifacts)?,
        questions.into_iter().map(question::Row::into_question).collect::<Result<_, _>>()?,
    ))
}
