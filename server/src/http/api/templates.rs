//! Templates: texts that a project's cards often start from.

use axum::{Json, extract::State, http::StatusCode};
use slipway_app::model::{NewTemplate, ProjectId, Template, TemplateEdit, TemplateId};

use super::Board;
use crate::http::{
    extract::{Body, Id, Listing},
    problem::Refusal,
};

/// Keeps a text as a template of the project.
#[utoipa::path(post, path = "/projects/{id}/templates", tag = "templates", params(("id" = ProjectId, Path)),
    request_body(content = NewTemplate, example = json!({
        "name": "Rename", "title": "Rename  to ", "body": "```replace src/**/*.rs\n/old/new/\n```",
    })),
    responses((status = 201, description = "The template", body = Template)))]
pub async fn create(
    State(doors): Board,
    Id(project): Id<ProjectId>,
    Body(new): Body<NewTemplate>,
) -> Result<(StatusCode, Json<Template>), Refusal> {
    Ok((StatusCode::CREATED, Json(doors.create_template(project, new).await?)))
}

/// Lists a project's templates by name, without their bodies.
///
/// A project has at most 100, so there is one page.
#[utoipa::path(get, path = "/projects/{id}/templates", tag = "templates", params(("id" = ProjectId, Path)),
    responses((status = 200, description = "All of them", body = Listing<Template>)))]
pub async fn list(State(doors): Board, Id(project): Id<ProjectId>) -> Result<Json<Listing<Template>>, Refusal> {
    Ok(Json(Listing { items: doors.templates(project).await?, next_cursor: None }))
}

/// Shows a template with its body.
#[utoipa::path(get, path = "/templates/{id}", tag = "templates", params(("id" = TemplateId, Path)),
    responses((status = 200, description = "The template", body = Template)))]
pub async fn show(State(doors): Board, Id(template): Id<TemplateId>) -> Result<Json<Template>, Refusal> {
    Ok(Json(doors.template(template).await?))
}

/// Changes a template's name or text.
///
/// What is left out stays.
#[utoipa::path(patch, path = "/templates/{id}", tag = "templates", params(("id" = TemplateId, Path)),
    request_body = TemplateEdit,
    responses((status = 200, description = "The template as it is now", body = Template)))]
pub async fn edit(
    State(doors): Board,
    Id(template): Id<TemplateId>,
    Body(edit): Body<TemplateEdit>,
) -> Result<Json<Template>, Refusal> {
    Ok(Json(doors.edit_template(template, edit).await?))
}

/// Deletes a template; cards that were made from it stay as they are.
#[utoipa::path(delete, path = "/templates/{id}", tag = "templates", params(("id" = TemplateId, Path)),
    responses((status = 204, description = "Done")))]
pub async fn delete(State(doors): Board, Id(template): Id<TemplateId>) -> Result<StatusCode, Refusal> {
    doors.delete_template(template).await?;
    Ok(StatusCode::NO_CONTENT)
}
