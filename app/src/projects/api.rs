//! What only the projects' pages ask of the server.

use leptos::{prelude::*, server_fn::codec::Json};

use crate::{
    api::SessionClient,
    error::Problem,
    model::{FolderList, NewProject, Project, ProjectId, Removal, RepositoryLook},
};

#[server(prefix = "/ui", endpoint = "list_folders", input = Json, output = Json, client = SessionClient)]
pub async fn list_folders(typed: String) -> Result<FolderList, Problem> {
    crate::api::answer(crate::api::board()?.list_folders(typed).await)
}

#[server(prefix = "/ui", endpoint = "look_at_repository", input = Json, output = Json, client = SessionClient)]
pub async fn look_at_repository(path: String) -> Result<RepositoryLook, Problem> {
    crate::api::answer(crate::api::board()?.look_at_repository(path).await)
}

#[server(prefix = "/ui", endpoint = "register_project", input = Json, output = Json, client = SessionClient)]
pub async fn register_project(new: NewProject) -> Result<Project, Problem> {
    crate::api::answer(crate::api::board()?.register_project(new).await)
}

#[server(prefix = "/ui", endpoint = "remove_project", input = Json, output = Json, client = SessionClient)]
pub async fn remove_project(project: ProjectId, removal: Removal) -> Result<(), Problem> {
    crate::api::answer(crate::api::board()?.remove_project(project, removal).await)
}
