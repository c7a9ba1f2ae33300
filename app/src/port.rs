//! What the page asks of the server. The server implements [`Board`] and hands it over by context; the
//! page knows nothing else about the server.

pub mod shelf;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    error::Problem,
    model::{
        Agent, AgentId, Artifact, ArtifactId, Card, CardEdit, CardId, Event, FolderList, Gate, NewAnswer, NewCard,
        NewDecision, NewMove, NewProject, Project, ProjectEdit, ProjectId, Pulse, Question, QuestionId, Removal,
        RepositoryLook, Stage, Transition,
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
    /// HTML of a unified diff: its files, and the lines of those that are not too long.
    Diff(String),
    Text(String),
    /// Too large or binary: download it.
    Opaque,
}

/// How the two sides of a diff stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffLayout {
    Unified,
    /// Side by side.
    Split,
}

/// Files of a diff whose lines a page wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiffLines {
    pub artifact: ArtifactId,
    /// The older version that it is compared with, where it is.
    pub since: Option<ArtifactId>,
    pub layout: DiffLayout,
    /// Places in the diff, counted from 0.
    pub files: Vec<u32>,
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
    /// The newest events of a card from before `seq`, at most [`ACTIVITY_LIMIT`], oldest first.
    async fn activity_before(&self, card: CardId, seq: i64) -> Result<Vec<Event>, Problem>;
    /// An artifact to be read, or what changed in it since an older version of its kind.
    async fn artifact(&self, artifact: ArtifactId, since: Option<ArtifactId>) -> Result<ArtifactView, Problem>;
    /// The lines of some files of a diff, as HTML, in the order asked for.
    async fn diff_lines(&self, asked: DiffLines) -> Result<Vec<String>, Problem>;
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
    /// Takes the project off the board: its cards are archived and their workspaces gone when it answers. Its
    /// repository stays as it is. `project_in_use` while it has work under way that was not to be stopped.
    async fn remove_project(&self, project: ProjectId, removal: Removal) -> Result<(), Problem>;
    /// Folders on the server's machine whose path begins as typed.
    async fn list_folders(&self, typed: String) -> Result<FolderList, Problem>;
    /// Looks at the repository that `path` is in, and changes nothing.
    async fn look_at_repository(&self, path: String) -> Result<RepositoryLook, Problem>;
}
