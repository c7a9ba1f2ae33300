//! Transitions: the only door through which a card changes its stage.
//!
//! A transition closes the visit that ends (its gate, questions and agent), opens the next one and queues
//! its agent, all in the caller's one transaction. [`permit`] is the rule book, free of any database.

use chrono::Utc;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, TryIntoModel,
};
use serde_json::json;
use slipway_app::model::{
    Actor, AgentId, CardId, Check, Decision, EngineName, Gate, GateId, GateState, NewDecision, NewMove, Outcome, Stage,
    Transition, TransitionId,
};

use crate::{
    agent, card,
    events::EventKind,
    gate, project, question, ship,
    store::{StoreError, Tx, entity, known},
};

pub use entity::transition::Model as Row;
use entity::transition::{ActiveModel, Column, Entity};

/// Longest comment or reason, in bytes: it goes into the next agent's prompt.
const COMMENT_LIMIT: usize = 64 * 1024;

/// The reason on record of a retry.
const RETRY: &str = "retry";

/// Why a card stays where it is.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error("{from:?} leads to {next:?}, not to {to:?}")]
    StageSkipped { from: Stage, to: Stage, next: Option<Stage> },
    #[error("the card is already in {0:?}")]
    SameStage(Stage),
    #[error("an agent is at work on the card")]
    AgentWorking,
    #[error("the gate has red checks")]
    GateRed(Vec<Check>),
    #[error("the stage has not come to a gate: {0}")]
    NoGate(String),
    #[error("the card has shipped")]
    AlreadyShipped,
    #[error("the card's commit is being landed")]
    Landing,
    #[error("the card is archived")]
    Archived,
    #[error("the project is not trusted")]
    NotTrusted,
    #[error("nothing has failed or stopped in this stage")]
    NothingToRetry,
    #[error("gate {given} is not the open one")]
    StaleGate { given: GateId, open: Option<GateId> },
    #[error("{0}")]
    Invalid(String),
    #[error("the engine {0:?} cannot run a stage here")]
    EngineUnavailable(EngineName),
    #[error("the card is at version {current}, the move was made against {given}")]
    VersionConflict { given: i64, current: i64 },
    #[error(transparent)]
    Card(#[from] card::WriteError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<card::LoadError> for MoveError {
    fn from(error: card::LoadError) -> Self {
        MoveError::Card(error.into())
    }
}

/// What is on record about a card when somebody wants to move it.
#[derive(Clone, Debug)]
pub struct Standing {
    pub stage: Stage,
    /// An agent of this visit has not ended, or is not deleted yet.
    pub agent_live: bool,
    /// Why the visit ended without a gate, if it did.
    pub failure: Option<String>,
    pub gate: Option<Gate>,
    pub landing: bool,
    pub landed: bool,
    pub archived: bool,
}

/// How a permitted move goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Out of the backlog; there is no gate.
    Enter,
    /// Onward through the open gate.
    Approve { overridden: bool },
    /// Back any distance.
    Back,
}

/// The rule book: one stage onward through an open gate that is green or overridden, or back any distance.
pub fn permit(standing: &Standing, to: Stage, override_reason: Option<&str>) -> Result<Passage, MoveError> {
    let from = standing.stage;
    refuse_ended(standing)?;
    if to == from {
        return Err(MoveError::SameStage(from));
    }
    if to < from {
        return if standing.landing { Err(MoveError::Landing) } else { Ok(Passage::Back) };
    }
    if from.next() != Some(to) {
        return Err(MoveError::StageSkipped { from, to, next: from.next() });
    }
    if from == Stage::Backlog {
        return Ok(Passage::Enter);
    }
    permit_approval(standing, override_reason).map(|overridden| Passage::Approve { overridden })
}

/// Whether the open gate may be approved, and whether that overrides a red check.
fn permit_approval(standing: &Standing, override_reason: Option<&str>) -> Result<bool, MoveError> {
    match &standing.gate {
        Some(gate) if gate.state == GateState::Open => {
            let red: Vec<Check> = gate.checks.iter().filter(|check| !check.passed).cloned().collect();
            if red.is_empty() {
                Ok(false)
            } else if override_reason.is_some_and(|reason| !reason.trim().is_empty()) {
                Ok(true)
            } else {
                Err(MoveError::GateRed(red))
            }
        }
        Some(_) => Err(MoveError::Landing),
        None if standing.agent_live => Err(MoveError::AgentWorking),
        None => Err(MoveError::NoGate(standing.failure.clone().unwrap_or_default())),
    }
}

fn refuse_ended(standing: &Standing) -> Result<(), MoveError> {
    if standing.landed {
        return Err(MoveError::AlreadyShipped);
    }
    if standing.archived {
        return Err(MoveError::Archived);
    }
    Ok(())
}

/// Moves a card as a person asked: onward through the gate, or back.
pub async fn make(tx: &mut Tx<'_>, id: CardId, new: NewMove) -> Result<Transition, MoveError> {
    let card = card::load(&**tx, id).await?;
    if let Some(given) = new.version.filter(|given| *given != card.version) {
        return Err(MoveError::VersionConflict { given, current: card.version });
    }
    check_comment(new.reason.as_deref())?;
    check_comment(new.override_reason.as_deref())?;
    let standing = standing(tx, &card).await?;
    let passage = permit(&standing, new.to, new.override_reason.as_deref())?;
    let mut entry = Entry::new(new.to, Actor::Person);
    entry.before = new.before;
    match passage {
        Passage::Enter => entry.reason = new.reason,
        Passage::Approve { overridden } => {
            approve_gate(tx, &card, &standing, overridden, Actor::Person, new.override_reason.clone()).await?;
            entry.reason = new.override_reason.or(new.reason);
        }
        Passage::Back => {
            entry.comment.clone_from(&new.reason);
            entry.reason = new.reason;
        }
    }
    record(tx, &card, entry).await
}

/// Decides at the open gate. Approving moves the card on; approving Ship's gate leaves it to the
/// orchestrator to land the commit.
pub async fn decide(
    tx: &mut Tx<'_>,
    id: CardId,
    decision: NewDecision,
    actor: Actor,
) -> Result<(Gate, Option<Transition>), MoveError> {
    let card = card::load(&**tx, id).await?;
    check_comment(decision.comment.as_deref())?;
    check_comment(decision.override_reason.as_deref())?;
    let standing = standing(tx, &card).await?;
    refuse_ended(&standing)?;
    let open = standing.gate.as_ref().filter(|gate| gate.state == GateState::Open);
    if let Some(given) = decision.gate_id.filter(|given| open.is_none_or(|gate| gate.id != *given)) {
        return Err(MoveError::StaleGate { given, open: open.map(|gate| gate.id) });
    }
    match decision.decision {
        Decision::Approve => {
            let overridden = permit_approval(&standing, decision.override_reason.as_deref())?;
            let reason = decision.override_reason.or(decision.comment);
            let gate = approve_gate(tx, &card, &standing, overridden, actor, reason.clone()).await?;
            let Some(to) = standing.stage.next() else { return Ok((gate, None)) };
            let entry = Entry { reason, ..Entry::new(to, actor) };
            Ok((gate, Some(record(tx, &card, entry).await?)))
        }
        Decision::SendBack => send_back(tx, &card, &standing, decision, actor).await,
    }
}

async fn send_back(
    tx: &mut Tx<'_>,
    card: &card::Row,
    standing: &Standing,
    decision: NewDecision,
    actor: Actor,
) -> Result<(Gate, Option<Transition>), MoveError> {
    let Some(gate) = standing.gate.as_ref().filter(|gate| gate.state == GateState::Open) else {
        return Err(permit_approval(standing, None).err().unwrap_or(MoveError::SameStage(standing.stage)));
    };
    let to = decision.to.or(standing.stage.send_back_target()).unwrap_or(standing.stage);
    if to > standing.stage {
        return Err(MoveError::Invalid(format!("{} lies ahead of the card; a send-back goes back.", to.label())));
    }
    let gate = gate::close(tx, card, gate, GateState::SentBack, actor, decision.comment.clone()).await?;
    close_visit(tx, card, Outcome::SentBack).await?;
    let entry = Entry { reason: decision.comment.clone(), comment: decision.comment, ..Entry::new(to, actor) };
    Ok((gate, Some(record(tx, card, entry).await?)))
}

/// Runs a failed or stopped stage again.
pub async fn retry(tx: &mut Tx<'_>, id: CardId, engine: Option<EngineName>) -> Result<Transition, MoveError> {
    let card = card::load(&**tx, id).await?;
    let standing = standing(tx, &card).await?;
    refuse_ended(&standing)?;
    if standing.stage == Stage::Backlog || standing.gate.is_some() {
        return Err(MoveError::NothingToRetry);
    }
    if standing.agent_live {
        return Err(MoveError::AgentWorking);
    }
    let entry = Entry { reason: Some(RETRY.to_owned()), engine, ..Entry::new(standing.stage, Actor::Person) };
    record(tx, &card, entry).await
}

/// Sends a card whose landing cannot go on back to Build.
pub async fn rebuild(tx: &mut Tx<'_>, card: &card::Row, comment: String) -> Result<Transition, MoveError> {
    let entry =
        Entry { reason: Some(comment.clone()), comment: Some(comment), ..Entry::new(Stage::Build, Actor::Person) };
    record(tx, card, entry).await
}

/// What is on record about the card.
pub async fn standing(tx: &Tx<'_>, card: &card::Row) -> Result<Standing, StoreError> {
    let agent = match card.agent_id {
        Some(id) => agent::find(&**tx, AgentId(id)).await?,
        None => None,
    };
    let ended = agent.as_ref().map(|row| row.status()).transpose()?.is_none_or(|status| status.is_ended());
    let complete = agent.as_ref().is_some_and(|row| row.status == "complete");
    let stage = card.stage()?;
    Ok(Standing {
        stage,
        agent_live: !ended || complete,
        failure: agent.and_then(|row| row.reason),
        gate: gate::of_visit(&**tx, card).await?,
        landing: stage == Stage::Ship && ship::landing_under_way(&**tx, card.card_id()).await?,
        landed: card.landed_at.is_some(),
        archived: card.archived_at.is_some(),
    })
}

async fn approve_gate(
    tx: &mut Tx<'_>,
    card: &card::Row,
    standing: &Standing,
    overridden: bool,
    actor: Actor,
    reason: Option<String>,
) -> Result<Gate, MoveError> {
    let Some(gate) = &standing.gate else { return Err(MoveError::NoGate(String::new())) };
    let state = if overridden { GateState::Overridden } else { GateState::Approved };
    let gate = gate::close(tx, card, gate, state, actor, reason).await?;
    if standing.stage != Stage::Ship {
        close_visit(tx, card, Outcome::Approved).await?;
    }
    Ok(gate)
}

/// Puts on record how the visit that the card's latest transition began has ended.
pub async fn close_visit(tx: &mut Tx<'_>, card: &card::Row, outcome: Outcome) -> Result<(), StoreError> {
    let Some(id) = card.transition_id else { return Ok(()) };
    let Some(row) = Entity::find_by_id(id).one(&**tx).await? else { return Ok(()) };
    if row.outcome != Outcome::Open.as_str() {
        return Ok(());
    }
    let change = ActiveModel { id: Unchanged(id), outcome: Set(outcome.as_str().to_owned()), ..Default::default() };
    change.update(&**tx).await?;
    Ok(())
}

/// A move that has been permitted.
struct Entry {
    to: Stage,
    actor: Actor,
    reason: Option<String>,
    /// Reaches the next agent.
    comment: Option<String>,
    before: Option<CardId>,
    engine: Option<EngineName>,
}

impl Entry {
    fn new(to: Stage, actor: Actor) -> Self {
        Entry { to, actor, reason: None, comment: None, before: None, engine: None }
    }
}

/// Ends the visit, records the move, places the card and queues the next agent.
async fn record(tx: &mut Tx<'_>, card: &card::Row, entry: Entry) -> Result<Transition, MoveError> {
    let from = card.stage()?;
    let project = project::load(&**tx, card.project()).await.map_err(card::WriteError::from)?;
    if entry.to != Stage::Backlog && !project.trusted {
        return Err(MoveError::NotTrusted);
    }
    // A card that has never moved has no visit to end.
    if card.transition_id.is_some() {
        agent::cancel_live_of_card(tx, card, &format!("the card moved to {}", entry.to.label())).await?;
        question::withdraw_of_card(tx, card).await?;
        gate::withdraw_open(tx, card, entry.actor).await?;
        close_visit(tx, card, Outcome::Cancelled).await?;
    }

    let id = TransitionId::generate();
    let agent = match entry.to.role() {
        None => None,
        Some(role) => {
            let engine = entry.engine.unwrap_or_else(|| project.engine_at(entry.to));
            if engine != EngineName::Playbook {
                return Err(MoveError::EngineUnavailable(engine));
            }
            let new = agent::NewAgent { stage: entry.to, role, engine, comment: entry.comment.clone() };
            Some(agent::queue(tx, card, new).await?)
        }
    };
    let new = ActiveModel {
        id: Set(id.0),
        card_id: Set(card.id),
        from_stage: Set(from.as_str().to_owned()),
        to_stage: Set(entry.to.as_str().to_owned()),
        actor: Set(entry.actor.as_str().to_owned()),
        reason: Set(entry.reason.clone()),
        outcome: Set(Outcome::Open.as_str().to_owned()),
        agent_id: Set(agent.as_ref().map(|agent| agent.id)),
        created_at: Set(Utc::now()),
    };
    // All that the row holds is said here, so the database need not say it back.
    let row = new.clone().try_into_model().map_err(StoreError::from)?;
    Entity::insert(new).exec_without_returning(&**tx).await.map_err(StoreError::from)?;
    arrive(tx, card, &entry, id, agent.as_ref().map(agent::Row::agent_id)).await?;
    let data = json!({
        "transition_id": id, "from": from, "to": entry.to, "actor": entry.actor, "reason": entry.reason,
        "title": card.title, "number": card.number,
    });
    tx.append(card.event(EventKind::CardMoved, data)).await?;
    Ok(row.into_transition()?)
}

/// Updates the card's row to its new visit.
async fn arrive(
    tx: &mut Tx<'_>,
    card: &card::Row,
    entry: &Entry,
    transition: TransitionId,
    agent: Option<AgentId>,
) -> Result<(), MoveError> {
    let mut change = card::touched(card);
    if card.stage()? != entry.to || entry.before.is_some() {
        change.position = Set(card::place(tx, entry.to, entry.before).await?);
    }
    change.stage = Set(entry.to.as_str().to_owned());
    change.transition_id = Set(Some(transition.0));
    change.agent_id = Set(agent.map(|id| id.0));
    change.gate_id = Set(None);
    change.notice = Set(None);
    change.land_override = Set(None);
    change.version = Set(card.version + 1);
    change.auto_send_backs = Set(match entry.actor {
        // A send-back by policy is a move to where the card has been: back, or again.
        Actor::Policy if entry.to <= card.stage()? => card.auto_send_backs + 1,
        Actor::Policy | Actor::Orchestrator => card.auto_send_backs,
        Actor::Person => 0,
    });
    change.update_without_returning(&**tx).await.map_err(StoreError::from)?;
    Ok(())
}

/// Comments of a card's send-backs, oldest first: what its next agent is to heed.
pub async fn comments(connection: &impl ConnectionTrait, card: CardId) -> Result<Vec<String>, StoreError> {
    let rows = Entity::find().filter(Column::CardId.eq(card.0)).order_by_asc(Column::Id).all(connection).await?;
    let mut comments = Vec::new();
    for row in rows {
        let transition = row.into_transition()?;
        if transition.to <= transition.from && transition.from != Stage::Backlog {
            comments.extend(transition.reason.filter(|reason| reason != RETRY));
        }
    }
    Ok(comments)
}

fn check_comment(text: Option<&str>) -> Result<(), MoveError> {
    match text {
        Some(text) if text.len() > COMMENT_LIMIT => {
            Err(MoveError::Invalid(format!("The comment has {} bytes; {COMMENT_LIMIT} fit.", text.len())))
        }
        _ => Ok(()),
    }
}

impl Row {
    pub fn into_transition(self) -> Result<Transition, StoreError> {
        Ok(Transition {
            id: TransitionId(self.id),
            card_id: CardId(self.card_id),
            from: known("transition.from_stage", &self.from_stage, Stage::parse)?,
            to: known("transition.to_stage", &self.to_stage, Stage::parse)?,
            actor: known("transition.actor", &self.actor, Actor::parse)?,
            reason: self.reason,
            outcome: known("transition.outcome", &self.outcome, Outcome::parse)?,
            agent_id: self.agent_id.map(AgentId),
            created_at: self.created_at,
        })
    }
}

#[cfg(test)]
mod tests;
