//! What the doors ask of the board: [`Board`], which the pages use too, and what REST, streams and
//! sessions need beyond it. The doors hold no rules; every answer comes from committed facts.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use slipway_app::{
    error::Problem,
    model::{
        Agent, AgentId, Artifact, ArtifactId, Batch, Card, CardId, EngineName, Event, Fleet, Gate, Project, ProjectId,
        Question, QuestionState, Stage, Transition,
    },
    port::Board,
};
use tokio::sync::watch;

/// Most entries in one page of a list: bounds the memory and the time that one request can take.
pub const PAGE_LIMIT: u32 = 1000;
/// Entries in a page unless the caller says otherwise.
pub const PAGE_DEFAULT: u32 = 100;

/// Which part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// 1 to [`PAGE_LIMIT`].
    pub limit: u32,
    /// A position that [`Listed::next`] gave; `None` starts at the first entry. The caller holds it in
    /// an opaque form and may have made it up: a position that does not parse is `invalid_request`.
    pub cursor: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    pub items: Vec<T>,
    /// Where the next page starts: a keyset position in a form of the store's own choosing. `None`
    /// after the last entry.
    pub next: Option<String>,
}

/// Which cards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardQuery {
    pub project_id: Option<ProjectId>,
    pub stage: Option<Stage>,
    /// Text in the title, or a number such as `7` or `#7`; letter case does not matter.
    pub q: Option<String>,
    /// Archived cards only, or (`false`) the ones on the board.
    pub archived: bool,
}

/// Which agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AgentState {
    /// Not deleted yet.
    #[default]
    Live,
    Deleted,
    All,
}

/// Which events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Only those with a greater sequence number; 0 starts at the first.
    pub after: i64,
    pub card_id: Option<CardId>,
    pub agent_id: Option<AgentId>,
    /// At most this many.
    pub limit: u32,
}

/// An artifact's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub media_type: String,
    /// A file name to download it under, as an agent gave it.
    pub name: String,
    /// Lower-case hex SHA-256 of `bytes`.
    pub sha256: String,
    pub bytes: Vec<u8>,
}

/// A browser's session as it is kept: hashes only, so that reading the table lets nobody in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// SHA-256 of the id that the cookie holds.
    pub id_hash: [u8; 32],
    /// SHA-256 of the second secret that the page holds.
    pub secret_hash: [u8; 32],
    pub expires_at: DateTime<Utc>,
}

/// The board, as the doors see it. Every method answers from committed facts or commits before it
/// answers; an unknown id is `not_found`.
#[async_trait]
pub trait Doors: Board {
    /// Oldest first.
    async fn list_projects(&self, page: Page) -> Result<Listed<Project>, Problem>;
    async fn project(&self, project: ProjectId) -> Result<Project, Problem>;

    /// By stage, then by position; without bodies.
    async fn list_cards(&self, query: CardQuery, page: Page) -> Result<Listed<Card>, Problem>;
    /// With its body.
    async fn card(&self, card: CardId) -> Result<Card, Problem>;
    /// Oldest first, as are the three that follow.
    async fn transitions(&self, card: CardId, page: Page) -> Result<Listed<Transition>, Problem>;
    async fn gates(&self, card: CardId, page: Page) -> Result<Listed<Gate>, Problem>;
    async fn card_agents(&self, card: CardId, page: Page) -> Result<Listed<Agent>, Problem>;
    async fn card_artifacts(&self, card: CardId, page: Page) -> Result<Listed<Artifact>, Problem>;
    /// Runs a failed or stopped stage again, on another engine where one is named.
    async fn retry(&self, card: CardId, engine: Option<EngineName>) -> Result<Transition, Problem>;

    async fn artifact_meta(&self, artifact: ArtifactId) -> Result<Artifact, Problem>;
    async fn artifact_content(&self, artifact: ArtifactId) -> Result<Content, Problem>;

    /// Oldest first, without prompts.
    async fn agents(&self, state: AgentState, page: Page) -> Result<Listed<Agent>, Problem>;
    /// With its prompt.
    async fn agent(&self, agent: AgentId) -> Result<Agent, Problem>;
    /// Stops and deletes every live agent; how many there were.
    async fn delete_agents(&self) -> Result<u64, Problem>;
    async fn fleet(&self) -> Result<Fleet, Problem>;

    /// Oldest first; `None` is every state.
    async fn questions(&self, state: Option<QuestionState>, page: Page) -> Result<Listed<Question>, Problem>;

    /// In order of `seq`. Events become visible in that order too: once one is seen, no smaller one
    /// appears later.
    async fn events(&self, query: EventQuery) -> Result<Vec<Event>, Problem>;
    /// The sequence number of the last committed event. It wakes readers up and carries nothing else: a
    /// missed value is no missed event.
    fn subscribe(&self) -> watch::Receiver<i64>;
    /// At most `limit` events after `after`, with the cards they are about as they stand now. With none,
    /// `seq` equals `after`.
    async fn batch(&self, after: i64, limit: u32) -> Result<Batch, Problem>;

    /// Keeps a session, forgets the expired ones, and of the rest keeps the `keep` newest.
    async fn put_session(&self, session: SessionRecord, keep: usize) -> Result<(), Problem>;
    /// Expired ones may still be returned.
    async fn session(&self, id_hash: [u8; 32]) -> Result<Option<SessionRecord>, Problem>;
    /// An unknown one is no error: it is gone, as asked.
    async fn revoke_session(&self, id_hash: [u8; 32]) -> Result<(), Problem>;
    /// Signs every browser out; how many there were.
    async fn revoke_sessions(&self) -> Result<u64, Problem>;

    /// Whether the board can do its work: the database answers and the orchestrator runs.
    async fn ready(&self) -> Result<(), Problem>;
}
