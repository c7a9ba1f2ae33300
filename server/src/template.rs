//! Templates: texts that a project's cards often start from. A card made from one keeps no tie to it.

use chrono::Utc;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, ConnectionTrait, EntityTrait, ModelTrait, QueryFilter, QueryOrder,
};
use serde_json::json;
use slipway_app::model::{
    BODY_LIMIT, NewTemplate, ProjectId, TEMPLATE_NAME_LIMIT, TITLE_LIMIT, Template, TemplateEdit, TemplateId,
};

use crate::{
    events::{EventKind, NewEvent},
    project,
    store::{StoreError, Tx, entity},
};

pub use entity::template::Model as Row;
use entity::template::{ActiveModel, Column, Entity};

/// Templates of one project: more than anybody finds their way in.
pub const TEMPLATES_LIMIT: usize = 100;

#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("there is no template {0}")]
    NoSuchTemplate(TemplateId),
    #[error(transparent)]
    Project(#[from] project::LoadError),
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Row {
    pub fn into_template(self, with_body: bool) -> Template {
        Template {
            id: TemplateId(self.id),
            project_id: ProjectId(self.project_id),
            name: self.name,
            title: self.title,
            body: with_body.then_some(self.body),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    fn event(&self, kind: EventKind) -> NewEvent {
        let data = json!({ "template_id": self.id, "name": self.name });
        NewEvent::new(kind, data).project(ProjectId(self.project_id))
    }
}

pub async fn load(connection: &impl ConnectionTrait, id: TemplateId) -> Result<Row, TemplateError> {
    let row = Entity::find_by_id(id.0).one(connection).await.map_err(StoreError::from)?;
    row.ok_or(TemplateError::NoSuchTemplate(id))
}

/// A project's templates, by name.
pub async fn of_project(connection: &impl ConnectionTrait, project: ProjectId) -> Result<Vec<Row>, TemplateError> {
    project::load(connection, project).await?;
    let query = Entity::find().filter(Column::ProjectId.eq(project.0));
    let mut rows = query.order_by_asc(Column::Id).all(connection).await.map_err(StoreError::from)?;
    rows.sort_by_key(|row| row.name.to_lowercase());
    Ok(rows)
}

pub async fn create(tx: &mut Tx<'_>, project: ProjectId, new: NewTemplate) -> Result<Row, TemplateError> {
    let name = checked_name(&new.name)?;
    checked_text(&new.title, &new.body)?;
    let known = of_project(&**tx, project).await?;
    if known.len() >= TEMPLATES_LIMIT {
        return Err(TemplateError::Invalid(format!(
            "The project has {TEMPLATES_LIMIT} templates, and no more fit. Delete one that nobody uses."
        )));
    }
    free_name(&known, &name, None)?;
    let now = Utc::now();
    let row = ActiveModel {
        id: Set(TemplateId::generate().0),
        project_id: Set(project.0),
        name: Set(name),
        title: Set(new.title.trim().to_owned()),
        body: Set(new.body),
        created_at: Set(now),
        updated_at: Set(now),
    };
    let row = row.insert(&**tx).await.map_err(StoreError::from)?;
    tx.append(row.event(EventKind::TemplateCreated)).await?;
    Ok(row)
}

pub async fn edit(tx: &mut Tx<'_>, id: TemplateId, edit: TemplateEdit) -> Result<Row, TemplateError> {
    let row = load(&**tx, id).await?;
    let mut change = ActiveModel { id: Unchanged(row.id), updated_at: Set(Utc::now()), ..Default::default() };
    if let Some(name) = edit.name {
        let name = checked_name(&name)?;
        free_name(&of_project(&**tx, ProjectId(row.project_id)).await?, &name, Some(row.id))?;
        change.name = Set(name);
    }
    checked_text(edit.title.as_deref().unwrap_or_default(), edit.body.as_deref().unwrap_or_default())?;
    if let Some(title) = edit.title {
        change.title = Set(title.trim().to_owned());
    }
    if let Some(body) = edit.body {
        change.body = Set(body);
    }
    let row = change.update(&**tx).await.map_err(StoreError::from)?;
    tx.append(row.event(EventKind::TemplateChanged)).await?;
    Ok(row)
}

pub async fn delete(tx: &mut Tx<'_>, id: TemplateId) -> Result<(), TemplateError> {
    let row = load(&**tx, id).await?;
    let event = row.event(EventKind::TemplateDeleted);
    row.delete(&**tx).await.map_err(StoreError::from)?;
    tx.append(event).await?;
    Ok(())
}

fn checked_name(name: &str) -> Result<String, TemplateError> {
    let name = name.trim();
    let refuse = |detail: &str| Err(TemplateError::Invalid(detail.to_owned()));
    if name.is_empty() {
        return refuse("The template has no name. Say in a word or two what it is for.");
    }
    if name.chars().count() > TEMPLATE_NAME_LIMIT || name.chars().any(char::is_control) {
        return refuse("A template's name is one line of at most 80 characters.");
    }
    Ok(name.to_owned())
}

fn checked_text(title: &str, body: &str) -> Result<(), TemplateError> {
    if title.chars().count() > TITLE_LIMIT || title.trim().chars().any(char::is_control) {
        return Err(TemplateError::Invalid(format!("A title is one line of at most {TITLE_LIMIT} characters.")));
    }
    if body.len() > BODY_LIMIT {
        return Err(TemplateError::Invalid(format!("The description has {} bytes; {BODY_LIMIT} fit.", body.len())));
    }
    Ok(())
}

fn free_name(known: &[Row], name: &str, but: Option<uuid::Uuid>) -> Result<(), TemplateError> {
    let taken = |row: &&Row| Some(row.id) != but && row.name.to_lowercase() == name.to_lowercase();
    match known.iter().find(taken) {
        None => Ok(()),
        Some(row) => Err(TemplateError::Invalid(format!(
            "The project has a template named \"{}\" already. Choose another name.",
            row.name
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u128, name: &str) -> Row {
        let now = Utc::now();
        Row {
            id: uuid::Uuid::from_u128(id),
            project_id: uuid::Uuid::nil(),
            name: name.to_owned(),
            title: String::new(),
            body: String::new(),
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn names_are_short_and_told_apart() {
        assert_eq!(checked_name("  Bug report ").unwrap(), "Bug report");
        for bad in ["", " ", "two\nlines", &"a".repeat(TEMPLATE_NAME_LIMIT + 1)] {
            assert!(checked_name(bad).is_err(), "{bad:?}");
        }
        let known = [row(1, "Bug report"), row(2, "Rename")];
        assert!(free_name(&known, "BUG REPORT", None).is_err());
        assert!(free_name(&known, "bug report", Some(known[0].id)).is_ok(), "its own name is free to it");
        assert!(free_name(&known, "Bug", None).is_ok());
    }

    #[test]
    fn texts_have_the_limits_of_cards() {
        assert!(checked_text("", "").is_ok());
        assert!(checked_text(&"a".repeat(TITLE_LIMIT + 1), "").is_err());
        assert!(checked_text("a\nb", "").is_err());
        assert!(checked_text("", &"a".repeat(BODY_LIMIT + 1)).is_err());
    }
}
