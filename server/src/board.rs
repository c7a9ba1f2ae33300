//! The board as its users ask for it: implements the page's port and what the doors need beyond it, thinly.
//! Each method opens a transaction or a reader, calls one named thing of the domain, and shows the result.

use std::sync::Arc;

use async_trait::async_trait;
use slipway_app::{
    error::{ErrorCode, Problem},
    model::{
        Actor, AgentId, ArtifactId, Card, CardEdit, CardId, Gate, NewAnswer, NewCard, NewDecision, NewMove, NewProject,
        Project, ProjectEdit, ProjectId, Question, QuestionId, Transition,
    },
    port::{ArtifactView, Board, BoardSnapshot, CardStory},
};

use crate::{
    agent, artifact, card, project, ship,
    store::{Store, Tx},
    transition,
    workshop::Workshop,
};

pub mod doors;
pub mod listing;
pub mod refusal;
pub mod sessions;
pub mod shelf;
pub mod story;
pub mod view;

use refusal::Refuse;

/// Implements the ports over the database.
pub struct Slipway {
    workshop: Arc<Workshop>,
}

impl Slipway {
    pub fn new(workshop: Arc<Workshop>) -> Self {
        Slipway { workshop }
    }

    fn store(&self) -> &Store {
        &self.workshop.store
    }

    async fn begin(&self) -> Result<Tx<'_>, Problem> {
        self.store().begin().await.map_err(Refuse::refuse)
    }

    async fn shown(&self, tx: &Tx<'_>, row: card::Row) -> Result<Card, Problem> {
        let body = card::body(&**tx, row.card_id()).await.map_err(Refuse::refuse)?;
        let card = view::one_card(&**tx, row).await.map_err(Refuse::refuse)?;
        Ok(Card { body: Some(body), ..card })
    }

    /// Registers a repository that somebody vouches for, or (untrusted) one that is only offered.
    pub async fn register(&self, new: NewProject, trusted: bool) -> Result<Project, Problem> {
        let (path, branch) = (new.path.clone(), new.base_branch.clone());
        let found = tokio::task::spawn_blocking(move || project::inspect(&path, branch.as_deref()))
            .await
            .map_err(|_| Problem::new(ErrorCode::Internal, "Looking at the repository ended unexpectedly."))?
            .map_err(Refuse::refuse)?;
        let mut tx = self.begin().await?;
        if let Some(project) = replayed(&tx).await? {
            return Ok(project);
        }
        let project = project::register(&mut tx, new, found, trusted).await.map_err(Refuse::refuse)?;
        committed(tx, project).await
    }

    /// Runs a failed or stopped stage again.
    pub async fn retry_on(
        &self,
        id: CardId,
        engine: Option<slipway_app::model::EngineName>,
    ) -> Result<Transition, Problem> {
        let mut tx = self.begin().await?;
        if let Some(transition) = replayed(&tx).await? {
            return Ok(transition);
        }
        let transition = transition::retry(&mut tx, id, engine).await.map_err(Refuse::refuse)?;
        committed(tx, transition).await
    }

    async fn cancel_agent(&self, id: AgentId) -> Result<(), Problem> {
        let mut tx = self.begin().await?;
        let row = agent::find(&*tx, id).await.map_err(Refuse::refuse)?;
        let row = row.ok_or_else(|| Problem::new(ErrorCode::NotFound, format!("There is no agent {id}.")))?;
        if row.status().map_err(Refuse::refuse)?.is_ended() {
            return Err(Problem::new(ErrorCode::AgentEnded, "The agent has ended already."));
        }
        agent::cancel(&mut tx, &row, "Stopped by a person. Retry runs the stage again.")
            .await
            .map_err(Refuse::refuse)?;
        tx.commit().await.map_err(Refuse::refuse)
    }
}

/// The answer that the request's idempotency key has had.
async fn replayed<T: serde::de::DeserializeOwned>(tx: &Tx<'_>) -> Result<Option<T>, Problem> {
    tx.replayed().await.map_err(Refuse::refuse)
}

/// Commits, remembering the answer under the request's idempotency key.
async fn committed<T: serde::Serialize>(tx: Tx<'_>, answer: T) -> Result<T, Problem> {
    tx.commit_with(&answer).await.map_err(Refuse::refuse)?;
    Ok(answer)
}

#[async_trait]
impl Board for Slipway {
    async fn snapshot(&self, project: Option<ProjectId>) -> Result<BoardSnapshot, Problem> {
        listing::snapshot(self.store(), project).await.map_err(Refuse::refuse)
    }

    async fn first_cards(&self, project: Option<ProjectId>, each: u64) -> Result<BoardSnapshot, Problem> {
        listing::first_cards(self.store(), project, each).await.map_err(Refuse::refuse)
    }

    async fn heading(&self) -> Result<BoardSnapshot, Problem> {
        listing::heading(self.store()).await.map_err(Refuse::refuse)
    }

    async fn story(&self, id: CardId) -> Result<CardStory, Problem> {
        story::of(self.store(), id).await
    }

    async fn artifact(&self, id: ArtifactId) -> Result<ArtifactView, Problem> {
        let reader = self.store().reader();
        let row = artifact::stored::find(reader, id).await.map_err(Refuse::refuse)?;
        let content = artifact::stored::content_of(reader, &row).await.map_err(Refuse::refuse)?;
        story::artifact_view(row, content).map_err(Refuse::refuse)
    }

    async fn create_card(&self, new: NewCard) -> Result<Card, Problem> {
        let mut tx = self.begin().await?;
        if let Some(card) = replayed(&tx).await? {
            return Ok(card);
        }
        let row = card::create(&mut tx, new).await.map_err(Refuse::refuse)?;
        let card = self.shown(&tx, row).await?;
        committed(tx, card).await
    }

    async fn edit_card(&self, id: CardId, edit: CardEdit) -> Result<Card, Problem> {
        let mut tx = self.begin().await?;
        let row = card::edit(&mut tx, id, edit).await.map_err(Refuse::refuse)?;
        let card = self.shown(&tx, row).await?;
        committed(tx, card).await
    }

    async fn archive_card(&self, id: CardId) -> Result<(), Problem> {
        let mut tx = self.begin().await?;
        card::archive(&mut tx, id).await.map_err(Refuse::refuse)?;
        committed(tx, ()).await
    }

    async fn restore_card(&self, id: CardId) -> Result<Card, Problem> {
        let mut tx = self.begin().await?;
        if let Some(card) = replayed(&tx).await? {
            return Ok(card);
        }
        let row = card::restore(&mut tx, id).await.map_err(Refuse::refuse)?;
        let card = self.shown(&tx, row).await?;
        committed(tx, card).await
    }

    async fn move_card(&self, id: CardId, new: NewMove) -> Result<Transition, Problem> {
        let mut tx = self.begin().await?;
        if let Some(transition) = replayed(&tx).await? {
            return Ok(transition);
        }
        let transition = transition::make(&mut tx, id, new).await.map_err(Refuse::refuse)?;
        committed(tx, transition).await
    }

    async fn order_card(&self, id: CardId, before: Option<CardId>) -> Result<Card, Problem> {
        let mut tx = self.begin().await?;
        if let Some(card) = replayed(&tx).await? {
            return Ok(card);
        }
        let row = card::order(&mut tx, id, before).await.map_err(Refuse::refuse)?;
        let card = self.shown(&tx, row).await?;
        committed(tx, card).await
    }

    async fn decide_gate(&self, id: CardId, decision: NewDecision) -> Result<Gate, Problem> {
        let mut tx = self.begin().await?;
        if let Some(gate) = replayed(&tx).await? {
            return Ok(gate);
        }
        let (gate, _moved) = transition::decide(&mut tx, id, decision, Actor::Person).await.map_err(Refuse::refuse)?;
        committed(tx, gate).await
    }

    async fn retry_card(&self, id: CardId) -> Result<Transition, Problem> {
        self.retry_on(id, None).await
    }

    async fn stop_agent(&self, id: AgentId) -> Result<(), Problem> {
        self.cancel_agent(id).await
    }

    async fn answer(&self, id: QuestionId, answer: NewAnswer) -> Result<Question, Problem> {
        let mut tx = self.begin().await?;
        if let Some(question) = replayed(&tx).await? {
            return Ok(question);
        }
        let question = ship::take_answer(&mut tx, id, answer).await.map_err(Refuse::refuse)?;
        committed(tx, question).await
    }

    async fn register_project(&self, new: NewProject) -> Result<Project, Problem> {
        self.register(new, true).await
    }

    async fn edit_project(&self, id: ProjectId, edit: ProjectEdit) -> Result<Project, Problem> {
        let mut tx = self.begin().await?;
        let project = project::edit(&mut tx, id, edit).await.map_err(Refuse::refuse)?;
        committed(tx, project).await
    }
}
