//! Landing: the one time the board touches what is the user's. It happens after a person (or the policy)
//! approved Ship's gate, under the repository's lock, as a fast-forward or a clean merge whose tree has
//! passed the check command, and never under uncommitted work.
//!
//! What is about to happen is on record before it happens; a kill in the middle is finished from there.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::Utc;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
};
use serde_json::json;
use slipway_app::model::{CardId, GateState, Land, NewAnswer, Outcome, Project, Question, Stage};
use uuid::Uuid;

use crate::{
    card,
    events::EventKind,
    gate, git,
    git::{Oid, land::Preview},
    project, question,
    store::{StoreError, Tx, entity},
    transition,
    workshop::Workshop,
};

pub mod obstacle;
pub mod push;
pub mod trial;

use obstacle::Obstacle;

/// The pair of trailers on a card's own commit is Ship's key: the same pair is never committed twice.
pub const CARD_TRAILER: &str = "Slipway-Card";
pub const AGENT_TRAILER: &str = "Slipway-Agent";

/// How often a landing starts over because the base moved under it, before it asks a person.
const ROUNDS: usize = 5;

#[derive(Debug, thiserror::Error)]
pub enum LandError {
    #[error(transparent)]
    Card(#[from] card::LoadError),
    #[error(transparent)]
    Project(#[from] project::LoadError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a step of the landing ended unexpectedly")]
    Panicked(#[from] tokio::task::JoinError),
}

/// A landing that has begun and is not on record as ended.
pub async fn landing_under_way(connection: &impl ConnectionTrait, card: CardId) -> Result<bool, StoreError> {
    Ok(intended(connection, card).await?.is_some())
}

async fn intended(
    connection: &impl ConnectionTrait,
    card: CardId,
) -> Result<Option<entity::landing::Model>, StoreError> {
    use entity::landing::{Column, Entity};
    let query = Entity::find().filter(Column::CardId.eq(card.0)).filter(Column::State.eq(INTENDED));
    Ok(query.one(connection).await?)
}

const INTENDED: &str = "intended";
const LANDED: &str = "landed";
const REFUSED: &str = "refused";

/// Lands the commit of a card whose Ship gate is approved, or asks what to do.
pub async fn land(workshop: &Arc<Workshop>, id: CardId) -> Result<(), LandError> {
    let reader = workshop.store.reader();
    let card = card::load(reader, id).await?;
    let approved = gate::of_visit(reader, &card).await?.is_some_and(|gate| {
        gate.stage == Stage::Ship && matches!(gate.state, GateState::Approved | GateState::Overridden)
    });
    if !approved || card.landed_at.is_some() || card.archived_at.is_some() {
        return Ok(());
    }
    let project = project::load(reader, card.project()).await?;
    let ended = match attempt(workshop, &card, &project).await? {
        Ok(landed) => {
            finish(workshop, &card, &project, landed).await?;
            push::after_landing(workshop, &card, &project).await
        }
        Err(obstacle) => obstacle::ask(workshop, &card, &project, obstacle).await,
    };
    Ok(ended?)
}

/// What a landing came to.
struct Landed {
    /// `None` when the commit stays on its branch.
    target: Option<Oid>,
    landing: Option<Uuid>,
    /// A checkout of the base that followed.
    checkout: Option<PathBuf>,
}

async fn attempt(
    workshop: &Arc<Workshop>,
    card: &card::Row,
    project: &Project,
) -> Result<Result<Landed, Obstacle>, LandError> {
    let Some(commit) = card.commit_oid.as_deref().and_then(|hex| Oid::from_str(hex).ok()) else {
        return Ok(Err(Obstacle::NoCommit));
    };
    if project.land == Land::Branch || card.land_override.as_deref() == Some(Land::Branch.as_str()) {
        return Ok(Ok(Landed { target: None, landing: None, checkout: None }));
    }
    for _ in 0..ROUNDS {
        let turn = workshop.repository_turn(project.id).await;
        let (row, resume) = match intended(workshop.store.reader(), card.card_id()).await? {
            Some(row) => (row, true),
            None => match target(workshop, card, project, commit).await? {
                Ok(Target::Already(tip)) => return Ok(Ok(Landed { target: Some(tip), landing: None, checkout: None })),
                Ok(Target::Move { from, to }) => (intend(workshop, card, project, from, to).await?, false),
                Ok(Target::Untried(tree)) => {
                    drop(turn);
                    match trial::run(workshop, card, project, tree, commit).await? {
                        Ok(()) => continue,
                        Err(obstacle) => return Ok(Err(obstacle)),
                    }
                }
                Err(obstacle) => return Ok(Err(obstacle)),
            },
        };
        match move_base(project, &row, resume).await? {
            Ok((target, checkout)) => return Ok(Ok(Landed { target: Some(target), landing: Some(row.id), checkout })),
            Err(refusal) => {
                refuse(workshop, card, &row, &refusal).await?;
                if !matches!(refusal, Obstacle::BaseMoved) {
                    return Ok(Err(refusal));
                }
            }
        }
    }
    Ok(Err(Obstacle::BaseMoved))
}

/// Where the base branch is to go.
enum Target {
    /// The base has the commit.
    Already(Oid),
    Move {
        from: Oid,
        to: Oid,
    },
    /// A clean merge whose tree has not passed the check command yet.
    Untried(Oid),
}

async fn target(
    workshop: &Workshop,
    card: &card::Row,
    project: &Project,
    commit: Oid,
) -> Result<Result<Target, Obstacle>, LandError> {
    let (repository, base) = (PathBuf::from(&project.path), project.base_branch.clone());
    let verified = card::load(workshop.store.reader(), card.card_id()).await?.verified_tree;
    let message = format!("Merge #{} {}\n", card.number, card.title);
    // The same seconds give the same commit however often this runs.
    let seconds = card.updated_at.timestamp();
    let found = tokio::task::spawn_blocking(move || -> Result<Target, Obstacle> {
        let tip = git::base_tip(&repository, &base)?;
        match git::land::preview(&repository, &base, commit)? {
            Preview::AlreadyLanded => Ok(Target::Already(tip)),
            Preview::FastForward => Ok(Target::Move { from: tip, to: commit }),
            Preview::Conflicts { paths } => Err(Obstacle::Conflicts(paths)),
            Preview::Merge { tree, parent_base } if verified.as_deref() == Some(&tree.to_string()) => {
                let merge = git::land::merge_commit(&repository, parent_base, commit, tree, &message, seconds)?;
                Ok(Target::Move { from: parent_base, to: merge })
            }
            Preview::Merge { tree, .. } => Ok(Target::Untried(tree)),
        }
    });
    Ok(found.await?)
}

/// Puts on record where the base is about to go.
async fn intend(
    workshop: &Workshop,
    card: &card::Row,
    project: &Project,
    from: Oid,
    to: Oid,
) -> Result<entity::landing::Model, StoreError> {
    let row = entity::landing::ActiveModel {
        id: Set(Uuid::now_v7()),
        card_id: Set(card.id),
        base_branch: Set(project.base_branch.clone()),
        base_before: Set(from.to_string()),
        target: Set(to.to_string()),
        state: Set(INTENDED.to_owned()),
        detail: Set(None),
        created_at: Set(Utc::now()),
        ended_at: Set(None),
    };
    let mut tx = workshop.store.begin().await?;
    let row = row.insert(&*tx).await?;
    let data = json!({ "base_branch": row.base_branch, "from": row.base_before, "to": row.target });
    tx.append(card.event(EventKind::ShipLandingIntended, data)).await?;
    tx.commit().await?;
    Ok(row)
}

/// Moves the base branch and the checkouts that follow it.
async fn move_base(
    project: &Project,
    row: &entity::landing::Model,
    resume: bool,
) -> Result<Result<(Oid, Option<PathBuf>), Obstacle>, LandError> {
    let read = |hex: &str| {
        Oid::from_str(hex).map_err(|_| StoreError::Corrupt { column: "landing.target", value: hex.to_owned() })
    };
    let intent = git::land::Intent {
        base_branch: row.base_branch.clone(),
        base_before: read(&row.base_before)?,
        target: read(&row.target)?,
    };
    let repository = PathBuf::from(&project.path);
    let moved = tokio::task::spawn_blocking(move || {
        git::land::land(&repository, &intent, resume).map(|landed| (intent.target, landed.checkout))
    });
    Ok(moved.await?.map_err(Obstacle::from))
}

async fn refuse(
    workshop: &Workshop,
    card: &card::Row,
    row: &entity::landing::Model,
    obstacle: &Obstacle,
) -> Result<(), StoreError> {
    let mut tx = workshop.store.begin().await?;
    end_landing(&tx, row.id, REFUSED, Some(obstacle.to_string())).await?;
    tx.append(card.event(EventKind::ShipLandingRefused, json!({ "reason": obstacle.to_string() }))).await?;
    tx.commit().await
}

async fn end_landing(tx: &Tx<'_>, id: Uuid, state: &str, detail: Option<String>) -> Result<(), StoreError> {
    let change = entity::landing::ActiveModel {
        id: Unchanged(id),
        state: Set(state.to_owned()),
        detail: Set(detail),
        ended_at: Set(Some(Utc::now())),
        ..Default::default()
    };
    change.update(&**tx).await?;
    Ok(())
}

/// The card has shipped.
async fn finish(workshop: &Workshop, card: &card::Row, project: &Project, landed: Landed) -> Result<(), LandError> {
    let mut tx = workshop.store.begin().await?;
    let card = card::load(&*tx, card.card_id()).await?;
    if let Some(id) = landed.landing {
        let pending = project.push_remote.as_ref().map(|_| push::PENDING.to_owned());
        end_landing(&tx, id, LANDED, pending).await?;
    }
    transition::close_visit(&mut tx, &card, Outcome::Shipped).await?;
    let mut change = card::touched(&card);
    change.landed_at = Set(Some(Utc::now()));
    change.notice = Set(None);
    change.version = Set(card.version + 1);
    change.update(&*tx).await.map_err(StoreError::from)?;
    let data = json!({
        "commit": card.commit_oid,
        "branch": card.branch,
        "base_branch": landed.target.map(|_| &project.base_branch),
        "target": landed.target.map(|target| target.to_string()),
        "checkout": landed.checkout.as_deref().map(Path::to_string_lossy),
        "title": card.title, "number": card.number,
    });
    tx.append(card.event(EventKind::ShipLanded, data)).await?;
    tx.commit().await?;
    Ok(())
}

/// What an answer to a landing's question does.
pub async fn answered(tx: &mut Tx<'_>, question: &Question) -> Result<(), transition::MoveError> {
    let card = card::load(&**tx, question.card_id).await?;
    match question.answer.as_deref().and_then(obstacle::Way::parse) {
        Some(obstacle::Way::KeepBranch) => {
            let mut change = card::touched(&card);
            change.land_override = Set(Some(Land::Branch.as_str().to_owned()));
            change.update(&**tx).await.map_err(StoreError::from)?;
        }
        Some(obstacle::Way::BuildAgain) => {
            let why = format!("The commit could not be landed.\n\n{}", question.prompt);
            transition::rebuild(tx, &card, why).await?;
        }
        Some(obstacle::Way::TryAgain) | None => {}
    }
    Ok(())
}

/// Takes an answer and does what it says, in one transaction.
pub async fn take_answer(
    tx: &mut Tx<'_>,
    id: slipway_app::model::QuestionId,
    answer: NewAnswer,
) -> Result<Question, question::AnswerError> {
    let (question, topic) = question::answer(tx, id, answer).await?;
    match topic {
        question::Topic::Landing => answered(tx, &question).await.map_err(|error| match error {
            transition::MoveError::Store(error) => question::AnswerError::Store(error),
            other => question::AnswerError::Invalid(other.to_string()),
        })?,
    }
    Ok(question)
}
