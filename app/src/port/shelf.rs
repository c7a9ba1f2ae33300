//! What the page asks beside the board itself: texts before they are cards, cards that have left the board,
//! and what waits for a person.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    error::Problem,
    model::{Card, CardId, Gate, NewTemplate, Project, ProjectId, Question, Stage, Template, TemplateEdit, TemplateId},
};

/// The second half of the port.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// Markdown as sanitised HTML, as a card's page shows it.
    async fn preview(&self, markdown: String) -> Result<String, Problem>;
    /// A card as a text from elsewhere has it: the first heading, else the first line, is the title.
    async fn read_text(&self, text: String) -> Result<WrittenCard, Problem>;

    /// A project's templates by name, without their bodies.
    async fn templates(&self, project: ProjectId) -> Result<Vec<Template>, Problem>;
    async fn template(&self, template: TemplateId) -> Result<Template, Problem>;
    async fn create_template(&self, project: ProjectId, new: NewTemplate) -> Result<Template, Problem>;
    /// Makes one of a card's text.
    async fn template_of_card(&self, card: CardId, name: String) -> Result<Template, Problem>;
    async fn edit_template(&self, template: TemplateId, edit: TemplateEdit) -> Result<Template, Problem>;
    async fn delete_template(&self, template: TemplateId) -> Result<(), Problem>;

    /// What needs a person, oldest first.
    async fn inbox(&self) -> Result<Vec<Matter>, Problem>;
    /// Archived cards, the last archived first.
    async fn archive(&self, asked: ArchiveQuery) -> Result<Archive, Problem>;
    /// Every card by its name alone, archived ones too, newest first: what a palette searches.
    async fn card_names(&self) -> Result<Vec<CardName>, Problem>;
    /// One card without its body.
    async fn card_now(&self, card: CardId) -> Result<Card, Problem>;
    async fn projects(&self) -> Result<Vec<Project>, Problem>;
}

/// A title and a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenCard {
    pub title: String,
    /// Markdown.
    pub body: String,
}

/// One thing that waits for a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Matter {
    pub card: Card,
    pub project: Project,
    pub since: DateTime<Utc>,
    pub what: What,
    pub cost: Waiting,
}

/// What a person is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Gate(Gate),
    Question(Question),
    /// A stage that ended without a gate, and why.
    Stopped(String),
}

/// What waiting costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Stages that come after this one.
    pub stages_to_go: u32,
    /// Cards of the same project and stage that wait for a person as well, and longer not.
    pub behind: u32,
    /// Cards of the same project that landed meanwhile: each can make a conflict.
    pub landed: u32,
}

/// Which part of the archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArchiveQuery {
    /// Words of the title, or a number.
    pub text: String,
    pub project: Option<ProjectId>,
}

/// A part of the archive.
#[derive(Clone, Debug, PartialEq)]
pub struct Archive {
    pub cards: Vec<Card>,
    /// Whether there are more than can be shown at once.
    pub more: bool,
    pub projects: Vec<Project>,
}

/// A card by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardName {
    pub id: CardId,
    pub project_id: ProjectId,
    pub number: i64,
    pub title: String,
    pub stage: Stage,
    pub archived: bool,
}
