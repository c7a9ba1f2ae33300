//! What the page asks of the server. The server implements [`Board`] and hands it over by context; the
//! page knows nothing else about the server.

pub mod shelf;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    error::Problem,
    model::{
        Agent, AgentId, Artifact, ArtifactId, Card, CardEdit, CardId, Event, Gate, NewAnswer, NewCard, NewDecision,
        NewMove, NewProject, Project, ProjectEdit, ProjectId, Pulse, Question, QuestionId, Stage, Transition,
    },
};

pub use shelf::Shelf;

/// Everything the board shows, as of `seq`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoardSnapshot {
    /// The last event this snapshot includes; the stream goes on after it.
    pub seq: i64,
    pub projects: Vec<Project>,
    /// Cards that are not archived, of the asked project or of all, without bodies.
    pub cards: Vec<Card>,
    pub pulse: Pulse,
    /// How many cards each column has, where `cards` leaves some out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totals: Option<Totals>,
}

/// A number of cards for each stage, in the order of [`Stage::ALL`].
pub type Totals = [usize; Stage::ALL.len()];

/// One card's whole story, as of `seq`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CardStory {
    pub seq: i64,
    /// With its body.
    pub card: Card,
    /// The body as sanitised HTML.
    pub body_html: String,
    pub project: Project,
    /// Oldest first.
    pub transitions: Vec<Transition>,
    /// Oldest first; the open one, if any, is last.
    pub gates: Vec<Gate>,
    pub agents: Vec<Agent>,
    /// Newest first.
    pub artifacts: Vec<Artifact>,
    pub questions: Vec<Question>,
    /// The newest [`ACTIVITY_LIMIT`] events of this card, oldest first.
    pub activity: Vec<Event>,
}

/// Events of a card that its page shows at once; older ones are a request away.
pub const ACTIVITY_LIMIT: u64 = 200;

/// An artifact ready to be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArtifactView {
    pub artifact: Artifact,
    pub content: ArtifactContent,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "form", content = "value")]
pub enum ArtifactContent {
    /// Sanitised HTML of a Markdown artifact.
    Html(String),
    Diff(Vec<FileDiff>),
    Text(String),
    /// Too large or binary: download it.
    Opaque,
}

/// One file of a unified diff.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileDiff {
    /// `None` when the file is new.
    pub old_path: Option<String>,
    /// `None` when the file is gone.
    pub new_path: Option<String>,
    pub binary: bool,
    pub additions: u32,
    pub deletions: u32,
    pub hunks: Vec<Hunk>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hunk {
    /// The `@@ … @@` line.
    pub header: String,
    pub lines: Vec<DiffLine>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiffLine {
    pub kind: DiffLineKind,
    /// Line number in the old file.
    pub old: Option<u32>,
    /// Line number in the new file.
    pub new: Option<u32>,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffLineKind {
    Context,
    Added,
    Removed,
}

/// The port. Every method answers from committed facts or commits before it answers.
#[async_trait]
pub trait Board: Shelf {
    async fn snapshot(&self, project: Option<ProjectId>) -> Result<BoardSnapshot, Problem>;
    /// The same with at most the first `each` cards of a column, and `totals` where that leaves some out.
    async fn first_cards(&self, project: Option<ProjectId>, each: u64) -> Result<BoardSnapshot, Problem>;
    /// The same without cards, for pages that only show what stands above every page: projects and figures.
    async fn heading(&self) -> Result<BoardSnapshot, Problem>;
    async fn story(&self, card: CardId) -> Result<CardStory, Problem>;
    async fn artifact(&self, artifact: ArtifactId) -> Result<ArtifactView, Problem>;
    async fn create_card(&self, new: NewCard) -> Result<Card, Problem>;
    async fn edit_card(&self, card: CardId, edit: CardEdit) -> Result<Card, Problem>;
    async fn archive_card(&self, card: CardId) -> Result<(), Problem>;
    async fn restore_card(&self, card: CardId) -> Result<Card, Problem>;
    async fn move_card(&self, card: CardId, new: NewMove) -> Result<Transition, Problem>;
    /// Places a card before another one of its column, or last.
    async fn order_card(&self, card: CardId, before: Option<CardId>) -> Result<Card, Problem>;
    async fn decide_gate(&self, card: CardId, decision: NewDecision) -> Result<Gate, Problem>;
    async fn retry_card(&self, card: CardId) -> Result<Transition, Problem>;
    async fn stop_agent(&self, agent: AgentId) -> Result<(), Problem>;
    async fn answer(&self, question: QuestionId, answer: NewAnswer) -> Result<Question, Problem>;
    async fn register_project(&self, new: NewProject) -> Result<Project, Problem>;
    async fn edit_project(&self, project: ProjectId, edit: ProjectEdit) -> Result<Project, Problem>;
}
