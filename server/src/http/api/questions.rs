//! Questions: what agents and landings ask a person.

use axum::{Json, extract::State};
use serde::Deserialize;
use slipway_app::{
    error::Problem,
    model::{NewAnswer, Question, QuestionId, QuestionState},
};
use utoipa::IntoParams;

use super::Board;
use crate::http::{
    extract::{Body, Id, Listing, Query, page},
    problem::Refusal,
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QuestionParameters {
    /// All of them unless said.
    #[param(inline)]
    state: Option<QuestionState>,
    /// Entries in the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists questions, oldest first.
#[utoipa::path(get, path = "/questions", tag = "questions", params(QuestionParameters),
    responses((status = 200, description = "One page", body = Listing<Question>)))]
pub async fn list(
    State(doors): Board,
    Query(asked): Query<QuestionParameters>,
) -> Result<Json<Listing<Question>>, Refusal> {
    let page = page(asked.limit, asked.cursor.as_deref())?;
    Ok(Json(doors.questions(asked.state, page).await?.into()))
}

/// Answers a question with one of its options or in words.
#[utoipa::path(post, path = "/questions/{id}/answer", tag = "questions", params(("id" = QuestionId, Path)),
    request_body(content = NewAnswer, example = json!({ "option": "retry" })),
    responses(
        (status = 200, description = "The question as answered", body = Question),
        (status = 409, description = "`already_answered`", body = Problem),
    ))]
pub async fn answer(
    State(doors): Board,
    Id(question): Id<QuestionId>,
    Body(answer): Body<NewAnswer>,
) -> Result<Json<Question>, Refusal> {
    Ok(Json(doors.answer(question, answer).await?))
}
