//! The port, callable from the browser: one server function for each thing the page asks.
//!
//! They live under `/ui/`, speak JSON both ways, answer a [`Problem`] with its own HTTP status when they
//! refuse, and carry the session's second secret, without which the server changes nothing.

use std::{future::Future, sync::Arc};

use futures::{Sink, Stream};
use leptos::{
    prelude::*,
    server_fn::{
        Bytes,
        client::{Client, browser::BrowserClient},
        codec::Json,
        error::FromServerFnError,
        request::browser::BrowserRequest,
        response::browser::BrowserResponse,
    },
};

use crate::{
    error::Problem,
    model::{
        AgentId, Card, CardEdit, CardId, Gate, NewCard, NewDecision, NewMove, Project, ProjectEdit, ProjectId,
        TemplateChange, Transition,
    },
    port::{Board, BoardSnapshot},
};

/// Where the page that sets the session's cookie leaves the session's second secret. Storage is scoped to
/// the origin, and so to the port; cookies are not.
pub const SESSION_STORAGE_KEY: &str = "slipway.session";
/// The header that carries it.
pub const SESSION_HEADER: &str = "X-Slipway-Session";

/// The browser's client, with [`SESSION_HEADER`] on every call.
pub struct SessionClient;

impl<E, I, O> Client<E, I, O> for SessionClient
where
    E: FromServerFnError,
    I: FromServerFnError,
    O: FromServerFnError,
{
    type Request = BrowserRequest;
    type Response = BrowserResponse;

    fn send(request: BrowserRequest) -> impl Future<Output = Result<BrowserResponse, E>> + Send {
        if let Some(secret) = crate::ui::storage::read(SESSION_STORAGE_KEY) {
            request.headers().set(SESSION_HEADER, &secret);
        }
        <BrowserClient as Client<E, I, O>>::send(request)
    }

    #[allow(clippy::type_complexity)] // The trait's own signature.
    fn open_websocket(
        path: &str,
    ) -> impl Future<
        Output = Result<
            (impl Stream<Item = Result<Bytes, Bytes>> + Send + 'static, impl Sink<Bytes> + Send + 'static),
            E,
        >,
    > + Send {
        <BrowserClient as Client<E, I, O>>::open_websocket(path)
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        <BrowserClient as Client<E, I, O>>::spawn(future);
    }
}

/// Sets the HTTP status of the answer under way; the server provides it by context.
#[derive(Clone)]
pub struct StatusSink(pub Arc<dyn Fn(u16) + Send + Sync>);

/// The port, from context.
///
/// # Errors
/// `internal` when the server did not provide it, which is a fault of the server's routes.
pub fn board() -> Result<Arc<dyn Board>, Problem> {
    use_context::<Arc<dyn Board>>()
        .ok_or_else(|| Problem::new(crate::error::ErrorCode::Internal, "The board is not connected to this page."))
}

/// Gives a refusal its own HTTP status on the way out.
pub fn answer<T>(result: Result<T, Problem>) -> Result<T, Problem> {
    if let Err(problem) = &result
        && let Some(StatusSink(set)) = use_context()
    {
        set(problem.status);
    }
    result
}

#[server(prefix = "/ui", endpoint = "load_board", input = Json, output = Json, client = SessionClient)]
pub async fn load_board(project: Option<ProjectId>) -> Result<BoardSnapshot, Problem> {
    answer(board()?.snapshot(project).await)
}

#[server(prefix = "/ui", endpoint = "create_card", input = Json, output = Json, client = SessionClient)]
pub async fn create_card(new: NewCard) -> Result<Card, Problem> {
    answer(board()?.create_card(new).await)
}

#[server(prefix = "/ui", endpoint = "edit_card", input = Json, output = Json, client = SessionClient)]
pub async fn edit_card(card: CardId, edit: CardEdit) -> Result<Card, Problem> {
    answer(board()?.edit_card(card, edit).await)
}

/// The card with its body, which the board's cards leave out.
#[server(prefix = "/ui", endpoint = "read_card", input = Json, output = Json, client = SessionClient)]
pub async fn read_card(card: CardId) -> Result<Card, Problem> {
    answer(board()?.story(card).await.map(|story| story.card))
}

#[server(prefix = "/ui", endpoint = "archive_card", input = Json, output = Json, client = SessionClient)]
pub async fn archive_card(card: CardId) -> Result<(), Problem> {
    answer(board()?.archive_card(card).await)
}

#[server(prefix = "/ui", endpoint = "restore_card", input = Json, output = Json, client = SessionClient)]
pub async fn restore_card(card: CardId) -> Result<Card, Problem> {
    answer(board()?.restore_card(card).await)
}

#[server(prefix = "/ui", endpoint = "move_card", input = Json, output = Json, client = SessionClient)]
pub async fn move_card(card: CardId, new: NewMove) -> Result<Transition, Problem> {
    answer(board()?.move_card(card, new).await)
}

#[server(prefix = "/ui", endpoint = "order_card", input = Json, output = Json, client = SessionClient)]
pub async fn order_card(card: CardId, before: Option<CardId>) -> Result<Card, Problem> {
    answer(board()?.order_card(card, before).await)
}

#[server(prefix = "/ui", endpoint = "decide_gate", input = Json, output = Json, client = SessionClient)]
pub async fn decide_gate(card: CardId, decision: NewDecision) -> Result<Gate, Problem> {
    answer(board()?.decide_gate(card, decision).await)
}

#[server(prefix = "/ui", endpoint = "retry_card", input = Json, output = Json, client = SessionClient)]
pub async fn retry_card(card: CardId) -> Result<Transition, Problem> {
    answer(board()?.retry_card(card).await)
}

#[server(prefix = "/ui", endpoint = "stop_agent", input = Json, output = Json, client = SessionClient)]
pub async fn stop_agent(agent: AgentId) -> Result<(), Problem> {
    answer(board()?.stop_agent(agent).await)
}

#[server(prefix = "/ui", endpoint = "edit_project", input = Json, output = Json, client = SessionClient)]
pub async fn edit_project(project: ProjectId, edit: ProjectEdit) -> Result<Project, Problem> {
    answer(board()?.edit_project(project, edit).await)
}

#[server(prefix = "/ui", endpoint = "change_template", input = Json, output = Json, client = SessionClient)]
pub async fn change_template(change: TemplateChange) -> Result<(), Problem> {
    use crate::model::TemplateEdit;
    let board = board()?;
    answer(match change {
        TemplateChange::Save { project, template } => board.create_template(project, template).await.map(drop),
        TemplateChange::SaveCard { card, name } => board.template_of_card(card, name).await.map(drop),
        TemplateChange::Rename { template, name } => {
            let edit = TemplateEdit { name: Some(name), ..TemplateEdit::default() };
            board.edit_template(template, edit).await.map(drop)
        }
        TemplateChange::Delete(template) => board.delete_template(template).await,
    })
}
