//! Projects: repositories registered with the board.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use slipway_app::{
    error::Problem,
    model::{NewProject, Project, ProjectEdit, ProjectId, Removal},
};
use utoipa::IntoParams;

use super::Board;
use crate::http::{
    extract::{Body, Id, Listing, Query, page},
    problem::Refusal,
};

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParameters {
    /// Entries in the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<i64>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Registers and trusts a repository.
///
/// Commands of the project run in the sandbox from now on, so a person has to know what they register.
#[utoipa::path(post, path = "/projects", tag = "projects", request_body = NewProject,
    responses(
        (status = 201, description = "The project", body = Project),
        (status = 409, description = "`already_registered`", body = Problem),
        (status = 422, description = "`not_a_repository`, or `engine_unavailable`", body = Problem),
    ))]
pub async fn register(
    State(doors): Board,
    Body(new): Body<NewProject>,
) -> Result<(StatusCode, Json<Project>), Refusal> {
    Ok((StatusCode::CREATED, Json(doors.register_project(new).await?)))
}

/// Lists the projects, oldest first.
#[utoipa::path(get, path = "/projects", tag = "projects", params(PageParameters),
    responses((status = 200, description = "One page", body = Listing<Project>)))]
pub async fn list(State(doors): Board, Query(asked): Query<PageParameters>) -> Result<Json<Listing<Project>>, Refusal> {
    let page = page(asked.limit, asked.cursor.as_deref())?;
    Ok(Json(doors.list_projects(page).await?.into()))
}

/// Shows a project.
#[utoipa::path(get, path = "/projects/{id}", tag = "projects", params(("id" = ProjectId, Path)),
    responses((status = 200, description = "The project", body = Project)))]
pub async fn show(State(doors): Board, Id(project): Id<ProjectId>) -> Result<Json<Project>, Refusal> {
    Ok(Json(doors.project(project).await?))
}

/// Changes a project's settings.
///
/// What is left out stays. With `version`, the edit is refused when someone else was first.
#[utoipa::path(patch, path = "/projects/{id}", tag = "projects", params(("id" = ProjectId, Path)),
    request_body = ProjectEdit,
    responses(
        (status = 200, description = "The project as it is now", body = Project),
        (status = 409, description = "`version_conflict`", body = Problem),
        (status = 422, description = "`engine_unavailable`", body = Problem),
    ))]
pub async fn edit(
    State(doors): Board,
    Id(project): Id<ProjectId>,
    Body(edit): Body<ProjectEdit>,
) -> Result<Json<Project>, Refusal> {
    Ok(Json(doors.edit_project(project, edit).await?))
}

/// How a project is taken off the board.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RemovalParameters {
    /// Stops agents that are at work; without it, they refuse the removal.
    pub stop_agents: Option<bool>,
    /// Deletes the branches and snapshots of cards even where they hold work that is nowhere else.
    pub discard_work: Option<bool>,
}

/// Takes a project off the board.
///
/// Its cards are archived and their worktrees go. Its repository stays as it is; branches of cards whose work
/// is nowhere else stay in it unless `discard_work` says otherwise.
#[utoipa::path(delete, path = "/projects/{id}", tag = "projects", params(("id" = ProjectId, Path), RemovalParameters),
    responses(
        (status = 204, description = "Done"),
        (status = 409, description = "`project_in_use`: it has work under way", body = Problem),
    ))]
pub async fn delete(
    State(doors): Board,
    Id(project): Id<ProjectId>,
    Query(asked): Query<RemovalParameters>,
) -> Result<StatusCode, Refusal> {
    let removal = Removal {
        stop_agents: asked.stop_agents.unwrap_or_default(),
        discard_work: asked.discard_work.unwrap_or_default(),
    };
    doors.remove_project(project, removal).await?;
    Ok(StatusCode::NO_CONTENT)
}
