//! A board made of a few fixed facts, for tests of the doors alone. It notes what it was asked.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use chrono::DateTime;
use slipway_app::{
    error::{Blocker, ErrorCode, Problem},
    model::*,
    port::{ArtifactView, Board, BoardSnapshot, CardStory, Shelf},
};
use tokio::sync::watch;
use uuid::Uuid;

use super::doors::{AgentState, CardQuery, Content, Doors, EventQuery, Listed, Page, SessionRecord};
use crate::idempotency;

/// The one id that is known, whatever the entity.
pub const KNOWN: Uuid = Uuid::from_u128(0x0197_c0de_0000_7000_8000_0000_0000_0001);

pub struct Stub {
    /// Method and arguments of every call that changes something or takes a query.
    pub calls: Mutex<Vec<String>>,
    pub keys: Mutex<Vec<Option<idempotency::IdempotencyKey>>>,
    pub events: Mutex<Vec<Event>>,
    pub committed: watch::Sender<i64>,
    pub sessions: Mutex<BTreeMap<[u8; 32], SessionRecord>>,
    pub is_ready: AtomicBool,
}

impl Default for Stub {
    fn default() -> Self {
        Stub {
            calls: Mutex::default(),
            keys: Mutex::default(),
            events: Mutex::default(),
            committed: watch::Sender::new(0),
            sessions: Mutex::default(),
            is_ready: AtomicBool::new(true),
        }
    }
}

impl Stub {
    fn note(&self, call: impl Into<String>) {
        self.calls.lock().unwrap().push(call.into());
        self.keys.lock().unwrap().push(idempotency::current());
    }

    pub fn last_call(&self) -> String {
        self.calls.lock().unwrap().last().cloned().unwrap_or_default()
    }

    /// Appends events, of the known card every second time, and wakes readers.
    pub fn commit(&self, count: usize, padding: usize) {
        let mut events = self.events.lock().unwrap();
        for _ in 0..count {
            let seq = events.len() as i64 + 1;
            events.push(Event {
                seq,
                at: DateTime::UNIX_EPOCH,
                kind: "agent.progress".to_owned(),
                project_id: None,
                card_id: (seq % 2 == 0).then_some(CardId(KNOWN)),
                agent_id: None,
                data: serde_json::json!({ "text": format!("line\nbreak {}", "x".repeat(padding)) }),
            });
        }
        self.committed.send_replace(events.len() as i64);
    }
}

fn known<T>(id: Uuid, value: T) -> Result<T, Problem> {
    if id == KNOWN { Ok(value) } else { Err(Problem::new(ErrorCode::NotFound, format!("There is no {id}."))) }
}

fn listed<T>(item: T) -> Listed<T> {
    Listed { items: vec![item], next: Some("7|x".to_owned()) }
}

pub fn card() -> Card {
    serde_json::from_value(serde_json::json!({
        "id": KNOWN, "number": 1, "project_id": KNOWN, "title": "Fix <b>login</b>", "stage": "backlog",
        "status": "idle", "reason": null, "position": 1.0, "agent": null, "gate": null, "artifacts": [],
        "tokens": 0, "cost_usd": "0", "commit": null, "branch": null, "archived_at": null, "version": 1,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    }))
    .unwrap()
}

fn project() -> Project {
    serde_json::from_value(serde_json::json!({
        "id": KNOWN, "name": "demo", "path": "/demo", "trusted": true, "base_branch": "main",
        "setup_command": null, "check_command": null, "gate_policy": "manual", "land": "merge", "wip": 4,
        "engines": {}, "budget": {}, "bring": [], "network": false, "push_remote": null, "version": 1,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    }))
    .unwrap()
}

fn agent() -> Agent {
    serde_json::from_value(serde_json::json!({
        "id": KNOWN, "project_id": KNOWN, "card_id": KNOWN, "card_number": 1, "card_title": "x",
        "stage": "plan", "role": "planner", "engine": "playbook", "model": null, "status": "working",
        "reason": null, "progress": 40, "step": 1, "steps": 3, "doing": "searching",
        "tokens": { "input": 1, "output": 2, "cached": 0 }, "context_used": 0, "context_size": 0,
        "cost_usd": "0.5", "tool_calls": 0, "tools": [], "attempt": 1, "comment": null, "consumed": [],
        "produced": [], "parent_id": null, "created_at": "2026-01-01T00:00:00Z", "started_at": null,
        "ended_at": null, "deleted_at": null,
    }))
    .unwrap()
}

fn gate() -> Gate {
    serde_json::from_value(serde_json::json!({
        "id": KNOWN, "stage": "plan", "agent_id": null, "checks": [], "state": "approved",
        "decided_by": "person", "reason": null, "opened_at": "2026-01-01T00:00:00Z", "decided_at": null,
    }))
    .unwrap()
}

fn transition() -> Transition {
    serde_json::from_value(serde_json::json!({
        "id": KNOWN, "card_id": KNOWN, "from": "backlog", "to": "plan", "actor": "person", "reason": null,
        "outcome": "open", "agent_id": null, "created_at": "2026-01-01T00:00:00Z",
    }))
    .unwrap()
}

fn artifact() -> Artifact {
    serde_json::from_value(serde_json::json!({
        "id": KNOWN, "card_id": KNOWN, "agent_id": KNOWN, "stage": "plan", "kind": "plan", "name": "plan.md",
        "version": 1, "media_type": "text/html", "bytes": 5, "sha256": "abc",
        "created_at": "2026-01-01T00:00:00Z",
    }))
    .unwrap()
}

fn question() -> Question {
    serde_json::from_value(serde_json::json!({
        "id": KNOWN, "card_id": KNOWN, "agent_id": null, "prompt": "Which?", "options": [],
        "default_option": null, "deadline": null, "state": "answered", "answer": "a",
        "asked_at": "2026-01-01T00:00:00Z", "answered_at": null,
    }))
    .unwrap()
}

#[async_trait]
impl Shelf for Stub {
    async fn preview(&self, _: String) -> Result<String, Problem> {
        panic!("a page's question")
    }
}

#[async_trait]
impl Board for Stub {
    async fn snapshot(&self, _: Option<ProjectId>) -> Result<BoardSnapshot, Problem> {
        panic!("a page's question")
    }
    async fn first_cards(&self, _: Option<ProjectId>, _: u64) -> Result<BoardSnapshot, Problem> {
        panic!("a page's question")
    }
    async fn heading(&self) -> Result<BoardSnapshot, Problem> {
        panic!("a page's question")
    }
    async fn story(&self, _: CardId) -> Result<CardStory, Problem> {
        panic!("a page's question")
    }
    async fn artifact(&self, _: ArtifactId) -> Result<ArtifactView, Problem> {
        panic!("a page's question")
    }
    async fn create_card(&self, new: NewCard) -> Result<Card, Problem> {
        self.note(format!("create_card {} {}", new.title, new.body.len()));
        known(new.project_id.0, card())
    }
    async fn edit_card(&self, id: CardId, edit: CardEdit) -> Result<Card, Problem> {
        self.note(format!("edit_card {:?} {:?}", edit.title, edit.version));
        known(id.0, card())
    }
    async fn archive_card(&self, id: CardId) -> Result<(), Problem> {
        self.note("archive_card");
        known(id.0, ())
    }
    async fn restore_card(&self, id: CardId) -> Result<Card, Problem> {
        self.note("restore_card");
        known(id.0, card())
    }
    async fn move_card(&self, id: CardId, new: NewMove) -> Result<Transition, Problem> {
        self.note(format!("move_card {}", new.to.as_str()));
        if new.to == Stage::Ship {
            let blocker = Blocker { code: "stage".to_owned(), detail: "Plan comes first.".to_owned() };
            return Err(Problem::new(ErrorCode::StageSkipped, "One at a time.").blocked_by([blocker]));
        }
        known(id.0, transition())
    }
    async fn order_card(&self, id: CardId, before: Option<CardId>) -> Result<Card, Problem> {
        self.note(format!("order_card {}", before.is_some()));
        known(id.0, card())
    }
    async fn decide_gate(&self, id: CardId, decision: NewDecision) -> Result<Gate, Problem> {
        self.note(format!("decide_gate {}", decision.decision.as_str()));
        known(id.0, gate())
    }
    async fn retry_card(&self, _: CardId) -> Result<Transition, Problem> {
        panic!("REST names an engine")
    }
    async fn stop_agent(&self, id: AgentId) -> Result<(), Problem> {
        self.note("stop_agent");
        known(id.0, ())
    }
    async fn answer(&self, id: QuestionId, answer: NewAnswer) -> Result<Question, Problem> {
        self.note(format!("answer {:?}", answer.option));
        known(id.0, question())
    }
    async fn register_project(&self, new: NewProject) -> Result<Project, Problem> {
        self.note(format!("register_project {}", new.path));
        Ok(project())
    }
    async fn edit_project(&self, id: ProjectId, edit: ProjectEdit) -> Result<Project, Problem> {
        self.note(format!("edit_project {:?}", edit.name));
        known(id.0, project())
    }
}

#[async_trait]
impl Doors for Stub {
    async fn list_projects(&self, page: Page) -> Result<Listed<Project>, Problem> {
        self.note(format!("list_projects {page:?}"));
        Ok(listed(project()))
    }
    async fn project(&self, id: ProjectId) -> Result<Project, Problem> {
        known(id.0, project())
    }
    async fn delete_project(&self, id: ProjectId) -> Result<(), Problem> {
        self.note("delete_project");
        known(id.0, ())
    }
    async fn list_cards(&self, query: CardQuery, page: Page) -> Result<Listed<Card>, Problem> {
        self.note(format!("list_cards {query:?} {page:?}"));
        Ok(listed(card()))
    }
    async fn card(&self, id: CardId) -> Result<Card, Problem> {
        known(id.0, card())
    }
    async fn transitions(&self, id: CardId, _: Page) -> Result<Listed<Transition>, Problem> {
        known(id.0, listed(transition()))
    }
    async fn gates(&self, id: CardId, _: Page) -> Result<Listed<Gate>, Problem> {
        known(id.0, listed(gate()))
    }
    async fn card_agents(&self, id: CardId, _: Page) -> Result<Listed<Agent>, Problem> {
        known(id.0, listed(agent()))
    }
    async fn card_artifacts(&self, id: CardId, _: Page) -> Result<Listed<Artifact>, Problem> {
        known(id.0, listed(artifact()))
    }
    async fn retry(&self, id: CardId, engine: Option<EngineName>) -> Result<Transition, Problem> {
        self.note(format!("retry {engine:?}"));
        known(id.0, transition())
    }
    async fn artifact_meta(&self, id: ArtifactId) -> Result<Artifact, Problem> {
        known(id.0, artifact())
    }
    async fn artifact_content(&self, id: ArtifactId) -> Result<Content, Problem> {
        let Artifact { media_type, name, sha256, .. } = artifact();
        known(id.0, Content { media_type, name, sha256, bytes: b"<script>alert(1)</script>".to_vec() })
    }
    async fn agents(&self, state: AgentState, _: Page) -> Result<Listed<Agent>, Problem> {
        self.note(format!("agents {state:?}"));
        Ok(listed(agent()))
    }
    async fn agent(&self, id: AgentId) -> Result<Agent, Problem> {
        known(id.0, agent())
    }
    async fn delete_agents(&self) -> Result<u64, Problem> {
        self.note("delete_agents");
        Ok(3)
    }
    async fn fleet(&self) -> Result<Fleet, Problem> {
        Ok(Fleet::of(vec![agent()], Vec::new(), DateTime::UNIX_EPOCH))
    }
    async fn questions(&self, state: Option<QuestionState>, _: Page) -> Result<Listed<Question>, Problem> {
        self.note(format!("questions {state:?}"));
        Ok(listed(question()))
    }
    async fn events(&self, query: EventQuery) -> Result<Vec<Event>, Problem> {
        let events = self.events.lock().unwrap();
        let matching = events.iter().filter(|event| event.seq > query.after);
        let matching = matching.filter(|event| query.card_id.is_none() || event.card_id == query.card_id);
        Ok(matching.take(query.limit as usize).cloned().collect())
    }
    fn subscribe(&self) -> watch::Receiver<i64> {
        self.committed.subscribe()
    }
    async fn batch(&self, after: i64, limit: u32) -> Result<Batch, Problem> {
        let events = self.events(EventQuery { after, limit, ..EventQuery::default() }).await?;
        let seq = events.last().map_or(after, |event| event.seq);
        Ok(Batch { seq, events, cards: vec![card()], pulse: Pulse::default() })
    }
    async fn put_session(&self, session: SessionRecord, keep: usize) -> Result<(), Problem> {
        assert!(keep > 0);
        self.sessions.lock().unwrap().insert(session.id_hash, session);
        Ok(())
    }
    async fn session(&self, id_hash: [u8; 32]) -> Result<Option<SessionRecord>, Problem> {
        Ok(self.sessions.lock().unwrap().get(&id_hash).cloned())
    }
    async fn revoke_session(&self, id_hash: [u8; 32]) -> Result<(), Problem> {
        self.sessions.lock().unwrap().remove(&id_hash);
        Ok(())
    }
    async fn revoke_sessions(&self) -> Result<u64, Problem> {
        let mut sessions = self.sessions.lock().unwrap();
        let count = sessions.len() as u64;
        sessions.clear();
        Ok(count)
    }
    async fn ready(&self) -> Result<(), Problem> {
        if self.is_ready.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(Problem::new(ErrorCode::Internal, "the database at a secret place does not answer"))
    }
}
