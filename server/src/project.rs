//! Projects: registered repositories and their defaults.
//!
//! Before one is registered, [`folders`] helps to type its path, and [`look`] says what is there, with a
//! [`guess`] at its commands. [`settings`] are what a person decides about it; [`removal`] takes it off.

use std::path::Path;

use chrono::Utc;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::json;
use slipway_app::model::{
    Budget, DEFAULT_PROJECT_WIP, EngineName, GatePolicies, Land, NewProject, Project, ProjectEdit, ProjectId,
};

use crate::{
    events::{EventKind, NewEvent},
    git,
    store::{StoreError, Tx, entity, from_json, known, to_json},
};

pub mod folders;
pub mod guess;
pub mod look;
pub mod removal;
mod settings;

pub use entity::project::Model as Row;
use entity::project::{ActiveModel, Column, Entity};

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("there is no project {0}")]
    NoSuchProject(ProjectId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("{0}")]
    NotARepository(String),
    #[error("the repository is registered as project {0}")]
    AlreadyRegistered(ProjectId),
    #[error("{0}")]
    Invalid(String),
    #[error("the engine {0:?} is not available")]
    EngineUnavailable(EngineName),
    #[error("the project is at version {current}, the edit was made against {given}")]
    VersionConflict { given: i64, current: i64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RegisterError {
    fn path_not_unicode() -> Self {
        let why = "The repository's path is not valid Unicode; rename a folder on the way to it.";
        RegisterError::Invalid(why.to_owned())
    }
}

/// A repository that was looked at before it is registered.
#[derive(Clone, Debug)]
pub struct Found {
    /// Absolute and without symlinks.
    pub path: String,
    pub base_branch: String,
}

/// Looks at the repository a new project names. Touches the file system, so it stands outside of any
/// transaction; blocks.
pub fn inspect(path: &Path, base_branch: Option<&str>) -> Result<Found, RegisterError> {
    let seen = git::inspect(path).map_err(|error| RegisterError::NotARepository(error.to_string()))?;
    let Some(root) = seen.root.to_str() else { return Err(RegisterError::path_not_unicode()) };
    let base_branch = match base_branch.map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None => seen.base_branch.clone().ok_or_else(|| {
            RegisterError::Invalid(
                "The repository has no current branch (detached HEAD). Say which branch cards land on: `base_branch`."
                    .to_owned(),
            )
        })?,
    };
    git::base_tip(&seen.root, &base_branch).map_err(|error| RegisterError::Invalid(error.to_string()))?;
    Ok(Found { path: root.to_owned(), base_branch })
}

pub async fn load(connection: &impl ConnectionTrait, id: ProjectId) -> Result<Project, LoadError> {
    let row = Entity::find_by_id(id.0).one(connection).await.map_err(StoreError::from)?;
    let row = row.filter(|row| row.removed_at.is_none()).ok_or(LoadError::NoSuchProject(id))?;
    Ok(row.into_project()?)
}

/// A project by its id even when it has been removed: its cards' clean-up still needs its path.
pub async fn load_even_removed(connection: &impl ConnectionTrait, id: ProjectId) -> Result<Project, LoadError> {
    let row = Entity::find_by_id(id.0).one(connection).await.map_err(StoreError::from)?;
    Ok(row.ok_or(LoadError::NoSuchProject(id))?.into_project()?)
}

/// All registered projects, oldest first.
pub async fn all(connection: &impl ConnectionTrait) -> Result<Vec<Project>, StoreError> {
    let rows = Entity::find().filter(Column::RemovedAt.is_null()).order_by_asc(Column::Id).all(connection).await?;
    rows.into_iter().map(Row::into_project).collect()
}

pub async fn by_path(connection: &impl ConnectionTrait, path: &str) -> Result<Option<Project>, StoreError> {
    let query = Entity::find().filter(Column::Path.eq(path)).filter(Column::RemovedAt.is_null());
    query.one(connection).await?.map(Row::into_project).transpose()
}

/// Registers a repository. `trusted` is false for one that is only offered: nothing runs in it yet.
pub async fn register(tx: &mut Tx<'_>, new: NewProject, found: Found, trusted: bool) -> Result<Project, RegisterError> {
    if let Some(existing) = by_path(&**tx, &found.path).await? {
        return Err(RegisterError::AlreadyRegistered(existing.id));
    }
    let now = Utc::now();
    let mut row = ActiveModel {
        id: Set(ProjectId::generate().0),
        name: Set(name_of(&found.path)),
        next_card_number: Set(first_card_number(tx, &found.path).await?),
        path: Set(found.path),
        trusted: Set(trusted),
        setup_command: Set(None),
        check_command: Set(None),
        gate_policy: Set(to_json(&GatePolicies::default())),
        land: Set(Land::Merge.as_str().to_owned()),
        wip: Set(DEFAULT_PROJECT_WIP),
        engines: Set("{}".to_owned()),
        budget: Set(to_json(&Budget::default())),
        bring: Set("[]".to_owned()),
        network: Set(false),
        push_remote: Set(None),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        removed_at: Set(None),
        ..Default::default()
    };
    settings::apply(new.settings(), &mut row)?;
    // As it was found, which is what the caller named unless they named none.
    row.base_branch = Set(found.base_branch);
    let project = row.insert(&**tx).await.map_err(StoreError::from)?.into_project()?;
    let data = json!({ "name": project.name, "path": project.path, "trusted": trusted });
    tx.append(NewEvent::new(EventKind::ProjectCreated, data).project(project.id)).await?;
    Ok(project)
}

/// What a project is called unless someone says otherwise: its folder.
fn name_of(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// 1, or for a repository that was a project before, a number that its branches from then do not have.
async fn first_card_number(tx: &Tx<'_>, path: &str) -> Result<i64, StoreError> {
    let query = Entity::find().select_only().column_as(Column::NextCardNumber.max(), "next");
    let used: Option<Option<i64>> = query.filter(Column::Path.eq(path)).into_tuple().one(&**tx).await?;
    Ok(used.flatten().unwrap_or(1))
}

/// Changes a project's defaults; what has begun under the old ones goes on under them.
pub async fn edit(tx: &mut Tx<'_>, id: ProjectId, edit: ProjectEdit) -> Result<Project, RegisterError> {
    let project = load(&**tx, id).await?;
    if let Some(given) = edit.version.filter(|given| *given != project.version) {
        return Err(RegisterError::VersionConflict { given, current: project.version });
    }
    if let Some(branch) = edit.base_branch.as_deref().filter(|branch| *branch != project.base_branch) {
        git::base_tip(Path::new(&project.path), branch).map_err(|error| RegisterError::Invalid(error.to_string()))?;
    }
    let mut change = ActiveModel {
        id: Unchanged(id.0),
        version: Set(project.version + 1),
        updated_at: Set(Utc::now()),
        ..Default::default()
    };
    if let Some(trusted) = edit.trusted {
        change.trusted = Set(trusted);
    }
    settings::apply(edit.settings(), &mut change)?;
    let project = change.update(&**tx).await.map_err(StoreError::from)?.into_project()?;
    let data = json!({ "version": project.version, "trusted": project.trusted });
    tx.append(NewEvent::new(EventKind::ProjectChanged, data).project(id)).await?;
    Ok(project)
}

/// The next number for a card of this project; numbers count from 1 and are never used twice.
pub async fn take_card_number(tx: &mut Tx<'_>, id: ProjectId) -> Result<i64, LoadError> {
    let row = Entity::find_by_id(id.0).one(&**tx).await.map_err(StoreError::from)?;
    let row = row.filter(|row| row.removed_at.is_none()).ok_or(LoadError::NoSuchProject(id))?;
    let change =
        ActiveModel { id: Unchanged(id.0), next_card_number: Set(row.next_card_number + 1), ..Default::default() };
    change.update(&**tx).await.map_err(StoreError::from)?;
    Ok(row.next_card_number)
}

impl Row {
    pub fn into_project(self) -> Result<Project, StoreError> {
        Ok(Project {
            id: ProjectId(self.id),
            name: self.name,
            path: self.path,
            trusted: self.trusted,
            base_branch: self.base_branch,
            setup_command: self.setup_command,
            check_command: self.check_command,
            gate_policy: from_json("project.gate_policy", &self.gate_policy)?,
            land: known("project.land", &self.land, Land::parse)?,
            wip: self.wip,
            engines: from_json("project.engines", &self.engines)?,
            budget: from_json("project.budget", &self.budget)?,
            bring: from_json("project.bring", &self.bring)?,
            network: self.network,
            push_remote: self.push_remote,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}
