//! Facts on their way out: what kinds there are, and the feed of those that have been committed.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;
use slipway_app::model::{AgentId, CardId, Event, ProjectId};
use tokio::sync::{Notify, watch};

use crate::store::{StoreError, entity, from_json};

/// Recent events kept in memory, so that a stream that keeps up never asks the database. Two seconds of a
/// hundred busy agents.
const RECENT: usize = 4096;

macro_rules! event_kinds {
    ($($variant:ident = $text:literal, wakes: $wakes:literal;)+) => {
        /// Every kind of fact there is, `noun.verb`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum EventKind { $($variant),+ }

        impl EventKind {
            pub fn as_str(self) -> &'static str {
                match self { $(EventKind::$variant => $text),+ }
            }

            pub fn parse(text: &str) -> Option<EventKind> {
                match text { $($text => Some(EventKind::$variant),)+ _ => None }
            }

            /// Whether the orchestrator may have something to do after it.
            pub fn wakes_orchestrator(self) -> bool {
                match self { $(EventKind::$variant => $wakes),+ }
            }
        }
    };
}

event_kinds! {
    ProjectCreated = "project.created", wakes: false;
    ProjectChanged = "project.changed", wakes: true;
    ProjectRemoved = "project.removed", wakes: true;
    CardCreated = "card.created", wakes: false;
    CardEdited = "card.edited", wakes: false;
    CardOrdered = "card.ordered", wakes: false;
    CardMoved = "card.moved", wakes: true;
    CardArchived = "card.archived", wakes: true;
    CardRestored = "card.restored", wakes: false;
    CardNotice = "card.notice", wakes: false;
    AgentQueued = "agent.queued", wakes: true;
    AgentHeld = "agent.held", wakes: false;
    AgentCreated = "agent.created", wakes: false;
    AgentStarted = "agent.started", wakes: false;
    AgentProgress = "agent.progress", wakes: false;
    AgentMessage = "agent.message", wakes: false;
    AgentThought = "agent.thought", wakes: false;
    AgentToolCall = "agent.tool_call", wakes: false;
    AgentToolResult = "agent.tool_result", wakes: false;
    AgentUsage = "agent.usage", wakes: false;
    AgentRequeued = "agent.requeued", wakes: true;
    AgentCompleted = "agent.completed", wakes: true;
    AgentFailed = "agent.failed", wakes: true;
    AgentCancelled = "agent.cancelled", wakes: true;
    AgentDeleted = "agent.deleted", wakes: true;
    ArtifactAttached = "artifact.attached", wakes: false;
    GateOpened = "gate.opened", wakes: true;
    GateDecided = "gate.decided", wakes: true;
    QuestionAsked = "question.asked", wakes: false;
    QuestionAnswered = "question.answered", wakes: true;
    QuestionWithdrawn = "question.withdrawn", wakes: false;
    ShipCommitted = "ship.committed", wakes: false;
    ShipLandingIntended = "ship.landing_intended", wakes: false;
    ShipLandingRefused = "ship.landing_refused", wakes: false;
    ShipLanded = "ship.landed", wakes: true;
    ShipPushed = "ship.pushed", wakes: false;
    ShipPushFailed = "ship.push_failed", wakes: false;
    TemplateCreated = "template.created", wakes: false;
    TemplateChanged = "template.changed", wakes: false;
    TemplateDeleted = "template.deleted", wakes: false;
    WorkspaceRemoved = "workspace.removed", wakes: false;
}

/// A fact about to be appended.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub kind: EventKind,
    pub project_id: Option<ProjectId>,
    pub card_id: Option<CardId>,
    pub agent_id: Option<AgentId>,
    pub data: Value,
}

impl NewEvent {
    pub fn new(kind: EventKind, data: Value) -> Self {
        NewEvent { kind, project_id: None, card_id: None, agent_id: None, data }
    }

    pub fn project(mut self, id: ProjectId) -> Self {
        self.project_id = Some(id);
        self
    }

    pub fn card(mut self, id: CardId) -> Self {
        self.card_id = Some(id);
        self
    }

    pub fn agent(mut self, id: AgentId) -> Self {
        self.agent_id = Some(id);
        self
    }
}

/// Which events somebody wants.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventFilter {
    pub card_id: Option<CardId>,
    pub agent_id: Option<AgentId>,
}

impl EventFilter {
    fn admits(&self, event: &Event) -> bool {
        self.card_id.is_none_or(|id| event.card_id == Some(id))
            && self.agent_id.is_none_or(|id| event.agent_id == Some(id))
    }
}

/// Committed events, in order. Watchers wait for the sequence number to grow, then pull what they miss at
/// their own pace; nothing is buffered for them.
pub struct Feed {
    committed: watch::Sender<i64>,
    recent: RwLock<VecDeque<Arc<Event>>>,
    orchestrator: Notify,
}

impl Feed {
    pub async fn open(connection: &impl ConnectionTrait) -> Result<Feed, StoreError> {
        let last = entity::event::Entity::find().order_by_desc(entity::event::Column::Seq).one(connection).await?;
        Ok(Feed {
            committed: watch::Sender::new(last.map_or(0, |event| event.seq)),
            recent: RwLock::new(VecDeque::new()),
            orchestrator: Notify::new(),
        })
    }

    /// The last committed sequence number, and a way to wait for the next.
    pub fn subscribe(&self) -> watch::Receiver<i64> {
        self.committed.subscribe()
    }

    pub fn last_seq(&self) -> i64 {
        *self.committed.borrow()
    }

    /// Resolves when the orchestrator may have something to do. Carries no data, and may be lost: the
    /// orchestrator also looks by itself now and then.
    pub async fn orchestrator_woken(&self) {
        self.orchestrator.notified().await;
    }

    pub fn wake_orchestrator(&self) {
        self.orchestrator.notify_one();
    }

    /// Called by the store alone, after a commit and in its order.
    pub fn publish(&self, events: Vec<Event>) {
        let Some(last) = events.last().map(|event| event.seq) else { return };
        let wake = events.iter().filter_map(|event| EventKind::parse(&event.kind)).any(EventKind::wakes_orchestrator);
        {
            let mut recent = self.recent_mut();
            recent.extend(events.into_iter().map(Arc::new));
            while recent.len() > RECENT {
                recent.pop_front();
            }
        }
        self.committed.send_replace(last);
        if wake {
            self.wake_orchestrator();
        }
    }

    /// Up to `limit` events after `seq` that the filter admits, in order.
    pub async fn after(
        &self,
        connection: &impl ConnectionTrait,
        seq: i64,
        filter: EventFilter,
        limit: u64,
    ) -> Result<Vec<Event>, StoreError> {
        match self.recent_after(seq, filter, limit) {
            Some(events) => Ok(events),
            None => stored_after(connection, seq, filter, limit).await,
        }
    }

    /// From memory, if memory reaches back to `seq` without a gap.
    fn recent_after(&self, seq: i64, filter: EventFilter, limit: u64) -> Option<Vec<Event>> {
        if seq >= self.last_seq() {
            return Some(Vec::new());
        }
        let recent = self.recent();
        if recent.front()?.seq > seq + 1 {
            return None;
        }
        let start = recent.partition_point(|event| event.seq <= seq);
        let wanted = recent.range(start..).filter(|event| filter.admits(event)).take(limit as usize);
        Some(wanted.map(|event| Event::clone(event)).collect())
    }

    fn recent(&self) -> RwLockReadGuard<'_, VecDeque<Arc<Event>>> {
        self.recent.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn recent_mut(&self) -> RwLockWriteGuard<'_, VecDeque<Arc<Event>>> {
        self.recent.write().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn stored_after(
    connection: &impl ConnectionTrait,
    seq: i64,
    filter: EventFilter,
    limit: u64,
) -> Result<Vec<Event>, StoreError> {
    use entity::event::Column;
    let mut query = entity::event::Entity::find().filter(Column::Seq.gt(seq));
    if let Some(id) = filter.card_id {
        query = query.filter(Column::CardId.eq(id.0));
    }
    if let Some(id) = filter.agent_id {
        query = query.filter(Column::AgentId.eq(id.0));
    }
    let rows = query.order_by_asc(Column::Seq).limit(limit).all(connection).await?;
    rows.into_iter().map(event).collect()
}

/// The newest `limit` events of a card, oldest first.
pub async fn newest_of_card(
    connection: &impl ConnectionTrait,
    card: CardId,
    limit: u64,
) -> Result<Vec<Event>, StoreError> {
    of_card_before(connection, card, i64::MAX, limit).await
}

/// The newest `limit` events of a card from before `seq`, oldest first.
pub async fn of_card_before(
    connection: &impl ConnectionTrait,
    card: CardId,
    seq: i64,
    limit: u64,
) -> Result<Vec<Event>, StoreError> {
    use entity::event::Column;
    let query = entity::event::Entity::find().filter(Column::CardId.eq(card.0)).filter(Column::Seq.lt(seq));
    let rows = query.order_by_desc(Column::Seq).limit(limit).all(connection).await?;
    rows.into_iter().rev().map(event).collect()
}

fn event(row: entity::event::Model) -> Result<Event, StoreError> {
    Ok(Event {
        seq: row.seq,
        at: row.at,
        kind: row.kind,
        project_id: row.project_id.map(ProjectId),
        card_id: row.card_id.map(CardId),
        agent_id: row.agent_id.map(AgentId),
        data: from_json("event.data", &row.data)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(seq: i64, card: Option<CardId>) -> Event {
        Event {
            seq,
            at: chrono::Utc::now(),
            kind: EventKind::CardCreated.as_str().to_owned(),
            project_id: None,
            card_id: card,
            agent_id: None,
            data: Value::Null,
        }
    }

    fn feed() -> Feed {
        Feed { committed: watch::Sender::new(0), recent: RwLock::default(), orchestrator: Notify::new() }
    }

    #[test]
    fn memory_answers_only_without_a_gap() {
        let feed = feed();
        let all = EventFilter::default();
        feed.publish((1..=RECENT as i64 + 10).map(|seq| fact(seq, None)).collect());
        assert!(feed.recent_after(5, all, 10).is_none(), "event 6 has left memory");
        let seqs: Vec<i64> = feed.recent_after(10, all, 3).unwrap().iter().map(|event| event.seq).collect();
        assert_eq!(seqs, [11, 12, 13]);
        assert!(feed.recent_after(feed.last_seq(), all, 3).unwrap().is_empty());
    }

    #[test]
    fn a_filter_admits_its_own_card_alone() {
        let feed = feed();
        let mine = CardId::generate();
        feed.publish(vec![fact(1, None), fact(2, Some(mine)), fact(3, Some(CardId::generate()))]);
        let filter = EventFilter { card_id: Some(mine), ..EventFilter::default() };
        let seen = feed.recent_after(0, filter, 10).unwrap();
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].seq, 2);
    }
}
