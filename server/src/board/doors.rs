//! What the doors need beyond the page's port.

use async_trait::async_trait;
use slipway_app::{
    error::{ErrorCode, Problem},
    model::{
        Agent, AgentId, Artifact, ArtifactId, Batch, Card, CardId, EngineName, Event, Fleet, Gate, Project, ProjectId,
        Question, QuestionState, Transition,
    },
};
use tokio::sync::watch;

use super::{Slipway, committed, listing, refusal::Refuse, sessions, view};
use crate::{
    agent, artifact, card,
    http::doors::{AgentState, CardQuery, Content, Doors, EventQuery, Listed, Page, SessionRecord},
    project,
};

#[async_trait]
impl Doors for Slipway {
    async fn list_projects(&self, page: Page) -> Result<Listed<Project>, Problem> {
        listing::projects(self.store(), &page).await
    }

    async fn project(&self, id: ProjectId) -> Result<Project, Problem> {
        project::load(self.store().reader(), id).await.map_err(Refuse::refuse)
    }

    async fn list_cards(&self, query: CardQuery, page: Page) -> Result<Listed<Card>, Problem> {
        listing::cards(self.store(), &query, &page).await
    }

    async fn card(&self, id: CardId) -> Result<Card, Problem> {
        let reader = self.store().reader();
        let row = card::load(reader, id).await.map_err(Refuse::refuse)?;
        let body = card::body(reader, id).await.map_err(Refuse::refuse)?;
        let card = view::one_card(reader, row).await.map_err(Refuse::refuse)?;
        Ok(Card { body: Some(body), ..card })
    }

    async fn transitions(&self, card: CardId, page: Page) -> Result<Listed<Transition>, Problem> {
        listing::transitions(self.store(), card, &page).await
    }

    async fn gates(&self, card: CardId, page: Page) -> Result<Listed<Gate>, Problem> {
        listing::gates(self.store(), card, &page).await
    }

    async fn card_agents(&self, card: CardId, page: Page) -> Result<Listed<Agent>, Problem> {
        listing::card_agents(self.store(), card, &page).await
    }

    async fn card_artifacts(&self, card: CardId, page: Page) -> Result<Listed<Artifact>, Problem> {
        listing::card_artifacts(self.store(), card, &page).await
    }

    async fn retry(&self, card: CardId, engine: Option<EngineName>) -> Result<Transition, Problem> {
        self.retry_on(card, engine).await
    }

    async fn artifact_meta(&self, id: ArtifactId) -> Result<Artifact, Problem> {
        let row = artifact::stored::find(self.store().reader(), id).await.map_err(Refuse::refuse)?;
        row.into_artifact().map_err(Refuse::refuse)
    }

    async fn artifact_content(&self, id: ArtifactId) -> Result<Content, Problem> {
        let reader = self.store().reader();
        let row = artifact::stored::find(reader, id).await.map_err(Refuse::refuse)?;
        let bytes = artifact::stored::content_of(reader, &row).await.map_err(Refuse::refuse)?;
        Ok(Content { media_type: row.media_type, name: row.name, sha256: row.sha256, bytes })
    }

    async fn agents(&self, state: AgentState, page: Page) -> Result<Listed<Agent>, Problem> {
        listing::agents(self.store(), state, &page).await
    }

    async fn agent(&self, id: AgentId) -> Result<Agent, Problem> {
        let reader = self.store().reader();
        let missing = || Problem::new(ErrorCode::NotFound, format!("There is no agent {id}."));
        let row = agent::find(reader, id).await.map_err(Refuse::refuse)?.ok_or_else(missing)?;
        view::one_agent(reader, row).await.map_err(Refuse::refuse)?.ok_or_else(missing)
    }

    async fn delete_agents(&self) -> Result<u64, Problem> {
        let mut tx = self.begin().await?;
        let mut stopped = 0;
        for row in agent::undeleted(&*tx).await.map_err(Refuse::refuse)? {
            if !row.status().map_err(Refuse::refuse)?.is_ended() {
                stopped += 1;
            }
            let why = "A person stopped it, with all others.";
            agent::cancel(&mut tx, &row, why).await.map_err(Refuse::refuse)?;
        }
        committed(tx, stopped).await
    }

    async fn fleet(&self) -> Result<Fleet, Problem> {
        listing::fleet(self.store()).await.map_err(Refuse::refuse)
    }

    async fn questions(&self, state: Option<QuestionState>, page: Page) -> Result<Listed<Question>, Problem> {
        listing::questions(self.store(), state, &page).await
    }

    async fn events(&self, query: EventQuery) -> Result<Vec<Event>, Problem> {
        listing::events(self.store(), query).await.map_err(Refuse::refuse)
    }

    fn subscribe(&self) -> watch::Receiver<i64> {
        self.store().feed().subscribe()
    }

    async fn batch(&self, after: i64, limit: u32) -> Result<Batch, Problem> {
        listing::batch(self.store(), after, limit).await.map_err(Refuse::refuse)
    }

    async fn put_session(&self, session: SessionRecord, keep: usize) -> Result<(), Problem> {
        sessions::put(self.store(), session, keep).await.map_err(Refuse::refuse)
    }

    async fn session(&self, id_hash: [u8; 32]) -> Result<Option<SessionRecord>, Problem> {
        sessions::find(self.store(), id_hash).await.map_err(Refuse::refuse)
    }

    async fn revoke_session(&self, id_hash: [u8; 32]) -> Result<(), Problem> {
        sessions::revoke(self.store(), id_hash).await.map_err(Refuse::refuse)
    }

    async fn revoke_sessions(&self) -> Result<u64, Problem> {
        sessions::revoke_all(self.store()).await.map_err(Refuse::refuse)
    }

    async fn ready(&self) -> Result<(), Problem> {
        listing::answers(self.store()).await.map_err(Refuse::refuse)
    }
}
