//! The second half of the page's port: texts before they are cards, cards that have left the board, and
//! what waits for a person.

use async_trait::async_trait;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use slipway_app::{
    error::Problem,
    model::{Card, CardId, NewTemplate, Project, ProjectId, Stage, Template, TemplateEdit, TemplateId},
    port::shelf::{Archive, ArchiveQuery, CardName, Matter, Shelf, WrittenCard},
};

use super::{Slipway, committed, inbox, listing, refusal::Refuse, replayed, view};
use crate::{
    card, card_text, project,
    render::markdown::{self, Under},
    store::{StoreError, entity, known},
    template::{self, TemplateError},
};

/// Archived cards shown at once.
const ARCHIVE_SHOWN: u64 = 200;
/// Cards that a palette searches; the newest, when there are more.
const NAMES_LIMIT: u64 = 20_000;

#[async_trait]
impl Shelf for Slipway {
    async fn preview(&self, text: String) -> Result<String, Problem> {
        Ok(markdown::html(&text, Under::Overview))
    }

    async fn read_text(&self, text: String) -> Result<WrittenCard, Problem> {
        let card_text::CardText { title, body } = card_text::any_text(&text);
        Ok(WrittenCard { title, body })
    }

    async fn templates(&self, project: ProjectId) -> Result<Vec<Template>, Problem> {
        let rows = template::of_project(self.store().reader(), project).await.map_err(Refuse::refuse)?;
        Ok(rows.into_iter().map(|row| row.into_template(false)).collect())
    }

    async fn template(&self, id: TemplateId) -> Result<Template, Problem> {
        let row = template::load(self.store().reader(), id).await.map_err(Refuse::refuse)?;
        Ok(row.into_template(true))
    }

    async fn create_template(&self, project: ProjectId, new: NewTemplate) -> Result<Template, Problem> {
        let mut tx = self.begin().await?;
        if let Some(template) = replayed(&tx).await? {
            return Ok(template);
        }
        let row = template::create(&mut tx, project, new).await.map_err(Refuse::refuse)?;
        committed(tx, row.into_template(true)).await
    }

    async fn template_of_card(&self, id: CardId, name: String) -> Result<Template, Problem> {
        let reader = self.store().reader();
        let row = card::load(reader, id).await.map_err(Refuse::refuse)?;
        let body = card::body(reader, id).await.map_err(Refuse::refuse)?;
        let project = row.project();
        self.create_template(project, NewTemplate { name, title: row.title, body }).await
    }

    async fn edit_template(&self, id: TemplateId, edit: TemplateEdit) -> Result<Template, Problem> {
        let mut tx = self.begin().await?;
        let row = template::edit(&mut tx, id, edit).await.map_err(Refuse::refuse)?;
        committed(tx, row.into_template(true)).await
    }

    async fn delete_template(&self, id: TemplateId) -> Result<(), Problem> {
        let mut tx = self.begin().await?;
        template::delete(&mut tx, id).await.map_err(Refuse::refuse)?;
        committed(tx, ()).await
    }

    async fn inbox(&self) -> Result<Vec<Matter>, Problem> {
        inbox::matters(self.store()).await.map_err(Refuse::refuse)
    }

    async fn archive(&self, asked: ArchiveQuery) -> Result<Archive, Problem> {
        use entity::card::{Column, Entity};
        let reader = self.store().reader();
        let projects = project::all(reader).await.map_err(Refuse::refuse)?;
        let shown: Vec<uuid::Uuid> = match asked.project {
            Some(id) => vec![id.0],
            None => projects.iter().map(|project| project.id.0).collect(),
        };
        let mut select = Entity::find().filter(Column::ArchivedAt.is_not_null()).filter(Column::ProjectId.is_in(shown));
        if let Some(words) = listing::titled(&asked.text) {
            select = select.filter(words);
        }
        let query = select.order_by_desc(Column::ArchivedAt).order_by_desc(Column::Id).limit(ARCHIVE_SHOWN + 1);
        let mut rows = query.all(reader).await.map_err(|error| StoreError::from(error).refuse())?;
        let more = rows.len() as u64 > ARCHIVE_SHOWN;
        rows.truncate(ARCHIVE_SHOWN as usize);
        Ok(Archive { cards: view::cards(reader, rows).await.map_err(Refuse::refuse)?, more, projects })
    }

    async fn card_names(&self) -> Result<Vec<CardName>, Problem> {
        names(self).await.map_err(Refuse::refuse)
    }

    async fn card_now(&self, id: CardId) -> Result<Card, Problem> {
        let reader = self.store().reader();
        let row = card::load(reader, id).await.map_err(Refuse::refuse)?;
        view::one_card(reader, row).await.map_err(Refuse::refuse)
    }

    async fn projects(&self) -> Result<Vec<Project>, Problem> {
        project::all(self.store().reader()).await.map_err(Refuse::refuse)
    }
}

async fn names(slipway: &Slipway) -> Result<Vec<CardName>, StoreError> {
    use entity::card::{Column, Entity};
    type Name = (uuid::Uuid, uuid::Uuid, i64, String, String, Option<chrono::DateTime<chrono::Utc>>);
    let columns = [Column::Id, Column::ProjectId, Column::Number, Column::Title, Column::Stage, Column::ArchivedAt];
    let query = Entity::find().select_only().columns(columns).order_by_desc(Column::Id).limit(NAMES_LIMIT);
    let rows: Vec<Name> = query.into_tuple().all(slipway.store().reader()).await?;
    rows.into_iter()
        .map(|(id, project, number, title, stage, archived_at)| {
            Ok(CardName {
                id: CardId(id),
                project_id: ProjectId(project),
                number,
                title,
                stage: known("card.stage", &stage, Stage::parse)?,
                archived: archived_at.is_some(),
            })
        })
        .collect()
}

impl Refuse for TemplateError {
    fn refuse(self) -> Problem {
        use slipway_app::error::ErrorCode;
        match self {
            TemplateError::NoSuchTemplate(id) => {
                Problem::new(ErrorCode::NotFound, format!("There is no template {id} (any more)."))
            }
            TemplateError::Project(error) => error.refuse(),
            TemplateError::Invalid(detail) => Problem::new(ErrorCode::InvalidRequest, detail),
            TemplateError::Store(error) => error.refuse(),
        }
    }
}
