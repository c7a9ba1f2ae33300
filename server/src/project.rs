//! Projects: registered repositories and their defaults.

use std::{collections::BTreeMap, path::Path};

use chrono::Utc;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
};
use serde_json::json;
use slipway_app::model::{
    Bring, DEFAULT_PROJECT_WIP, EngineName, Land, NewProject, Project, ProjectEdit, ProjectId, StageName,
};

use crate::{
    events::{EventKind, NewEvent},
    git,
    store::{StoreError, Tx, entity, from_json, known, to_json},
};

pub use entity::project::Model as Row;
use entity::project::{ActiveModel, Column, Entity};

/// Agents at once that one project may be set to; more would only fight over the machine.
const WIP_LIMIT: i32 = 64;
/// Longest shell line of a project, in bytes.
const COMMAND_LIMIT: usize = 8 * 1024;
/// Ignored paths that a project may bring into its worktrees.
const BRING_LIMIT: usize = 64;

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
    #[error("{0} agents are at work in the project")]
    InUse(u64),
    #[error(transparent)]
    Store(#[from] StoreError),
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
pub fn inspect(path: &str, base_branch: Option<&str>) -> Result<Found, RegisterError> {
    let seen = git::inspect(Path::new(path)).map_err(|error| RegisterError::NotARepository(error.to_string()))?;
    let Some(root) = seen.root.to_str() else {
        return Err(RegisterError::Invalid(
            "The repository's path is not valid Unicode; rename a folder on the way to it.".to_owned(),
        ));
    };
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
    let name = match new.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None => Path::new(&found.path)
            .file_name()
            .map_or_else(|| found.path.clone(), |name| name.to_string_lossy().into_owned()),
    };
    let now = Utc::now();
    let row = ActiveModel {
        id: Set(ProjectId::generate().0),
        name: Set(name),
        path: Set(found.path),
        trusted: Set(trusted),
        base_branch: Set(found.base_branch),
        setup_command: Set(checked_command(new.setup_command)?),
        check_command: Set(checked_command(new.check_command)?),
        gate_policy: Set(to_json(&new.gate_policy.unwrap_or_default())),
        land: Set(new.land.unwrap_or(Land::Merge).as_str().to_owned()),
        wip: Set(checked_wip(new.wip.unwrap_or(DEFAULT_PROJECT_WIP))?),
        engines: Set(to_json(&checked_engines(new.engines.unwrap_or_default())?)),
        budget: Set(to_json(&new.budget.unwrap_or_default())),
        bring: Set(to_json(&checked_bring(new.bring.unwrap_or_default())?)),
        network: Set(new.network.unwrap_or(false)),
        push_remote: Set(new.push_remote.filter(|remote| !remote.trim().is_empty())),
        next_card_number: Set(1),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        removed_at: Set(None),
    };
    let project = row.insert(&**tx).await.map_err(StoreError::from)?.into_project()?;
    let data = json!({ "name": project.name, "path": project.path, "trusted": trusted });
    tx.append(NewEvent::new(EventKind::ProjectCreated, data).project(project.id)).await?;
    Ok(project)
}

/// Changes a project's defaults; what has begun under the old ones goes on under them.
pub async fn edit(tx: &mut Tx<'_>, id: ProjectId, edit: ProjectEdit) -> Result<Project, RegisterError> {
    let project = load(&**tx, id).await?;
    if let Some(given) = edit.version.filter(|given| *given != project.version) {
        return Err(RegisterError::VersionConflict { given, current: project.version });
    }
    let mut change = ActiveModel {
        id: Unchanged(id.0),
        version: Set(project.version + 1),
        updated_at: Set(Utc::now()),
        ..Default::default()
    };
    if let Some(name) = edit.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()) {
        change.name = Set(name);
    }
    if let Some(branch) = edit.base_branch {
        git::base_tip(Path::new(&project.path), &branch).map_err(|error| RegisterError::Invalid(error.to_string()))?;
        change.base_branch = Set(branch);
    }
    if let Some(command) = edit.setup_command {
        change.setup_command = Set(checked_command(Some(command))?);
    }
    if let Some(command) = edit.check_command {
        change.check_command = Set(checked_command(Some(command))?);
    }
    if let Some(policy) = edit.gate_policy {
        change.gate_policy = Set(to_json(&policy));
    }
    if let Some(land) = edit.land {
        change.land = Set(land.as_str().to_owned());
    }
    if let Some(wip) = edit.wip {
        change.wip = Set(checked_wip(wip)?);
    }
    if let Some(engines) = edit.engines {
        change.engines = Set(to_json(&checked_engines(engines)?));
    }
    if let Some(budget) = edit.budget {
        change.budget = Set(to_json(&budget));
    }
    if let Some(bring) = edit.bring {
        change.bring = Set(to_json(&checked_bring(bring)?));
    }
    if let Some(network) = edit.network {
        change.network = Set(network);
    }
    if let Some(remote) = edit.push_remote {
        change.push_remote = Set(Some(remote).filter(|remote| !remote.trim().is_empty()));
    }
    if let Some(trusted) = edit.trusted {
        change.trusted = Set(trusted);
    }
    let project = change.update(&**tx).await.map_err(StoreError::from)?.into_project()?;
    let data = json!({ "version": project.version, "trusted": project.trusted });
    tx.append(NewEvent::new(EventKind::ProjectChanged, data).project(id)).await?;
    Ok(project)
}

/// Takes a project off the board. Its cards are archived, so their workspaces go; the repository, its
/// branches and snapshots stay as they are.
pub async fn remove(tx: &mut Tx<'_>, id: ProjectId) -> Result<(), RegisterError> {
    load(&**tx, id).await?;
    let at_work = live_agents(&**tx, id).await?;
    if at_work > 0 {
        return Err(RegisterError::InUse(at_work));
    }
    let now = Utc::now();
    let change = ActiveModel { id: Unchanged(id.0), removed_at: Set(Some(now)), ..Default::default() };
    change.update(&**tx).await.map_err(StoreError::from)?;
    use entity::card;
    card::Entity::update_many()
        .col_expr(card::Column::ArchivedAt, sea_orm::sea_query::Expr::value(now))
        .filter(card::Column::ProjectId.eq(id.0))
        .filter(card::Column::ArchivedAt.is_null())
        .exec(&**tx)
        .await
        .map_err(StoreError::from)?;
    tx.append(NewEvent::new(EventKind::ProjectRemoved, json!({})).project(id)).await?;
    Ok(())
}

async fn live_agents(connection: &impl ConnectionTrait, id: ProjectId) -> Result<u64, StoreError> {
    let live = entity::agent::Entity::find()
        .filter(entity::agent::Column::DeletedAt.is_null())
        .filter(entity::agent::Column::ProjectId.eq(id.0));
    Ok(live.count(connection).await?)
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

fn checked_command(command: Option<String>) -> Result<Option<String>, RegisterError> {
    match command {
        Some(line) if line.len() > COMMAND_LIMIT => Err(RegisterError::Invalid(format!(
            "The command has {} bytes; {COMMAND_LIMIT} fit. Put it into a script in the repository.",
            line.len()
        ))),
        Some(line) if line.contains('\0') => {
            Err(RegisterError::Invalid("The command holds a NUL character.".to_owned()))
        }
        Some(line) if line.trim().is_empty() => Ok(None),
        other => Ok(other),
    }
}

fn checked_wip(wip: i32) -> Result<i32, RegisterError> {
    if (1..=WIP_LIMIT).contains(&wip) {
        Ok(wip)
    } else {
        Err(RegisterError::Invalid(format!("`wip` is {wip}; it takes 1 to {WIP_LIMIT} agents at once.")))
    }
}

fn checked_engines(engines: BTreeMap<StageName, EngineName>) -> Result<BTreeMap<StageName, EngineName>, RegisterError> {
    match engines.values().find(|engine| **engine != EngineName::Playbook) {
        Some(engine) => Err(RegisterError::EngineUnavailable(*engine)),
        None => Ok(engines),
    }
}

fn checked_bring(bring: Vec<Bring>) -> Result<Vec<Bring>, RegisterError> {
    if bring.len() > BRING_LIMIT {
        return Err(RegisterError::Invalid(format!("`bring` names {} paths; {BRING_LIMIT} fit.", bring.len())));
    }
    for Bring { path, .. } in &bring {
        let relative = Path::new(path);
        let plain = relative.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if path.is_empty() || !plain || path.split('/').any(|part| part == ".git") {
            return Err(RegisterError::Invalid(format!(
                "`bring` takes paths inside the repository, relative to its root; {path:?} is not one."
            )));
        }
    }
    Ok(bring)
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

#[cfg(test)]
mod tests {
    use slipway_app::model::BringMode;

    use super::*;

    #[test]
    fn brought_paths_stay_inside() {
        let check = |path: &str| checked_bring(vec![Bring { path: path.to_owned(), mode: BringMode::Copy }]).is_ok();
        for path in [".env", "node_modules", "a/b c/d"] {
            assert!(check(path), "{path}");
        }
        for path in ["", "/etc", "../x", "a/../../b", ".git", "sub/.git/config", "./x"] {
            assert!(!check(path), "{path}");
        }
    }

    #[test]
    fn an_empty_command_is_none() {
        assert_eq!(checked_command(Some("  ".to_owned())).unwrap(), None);
        assert_eq!(checked_command(Some("make".to_owned())).unwrap().as_deref(), Some("make"));
        assert!(checked_command(Some("x".repeat(COMMAND_LIMIT + 1))).is_err());
    }
}
