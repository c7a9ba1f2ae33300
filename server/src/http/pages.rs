//! The pages: `app` rendered to whole HTML, so that they can be read with JavaScript off, and the server
//! functions that the page calls once the browser has taken over, under `/ui/`.

use std::sync::Arc;

use any_spawner::Executor;
use axum::{
    Router,
    extract::{Query, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::Utc;
use leptos::{
    nonce::Nonce,
    prelude::{provide_context, use_context},
};
use leptos_axum::{ResponseOptions, handle_server_fns_with_context, render_app_async_with_context};
use slipway_app::{
    api::StatusSink,
    board::FirstView,
    draw::{Drawn, Part, drawn},
    error::Problem,
    opening::Opening,
    port::{Board, BoardSnapshot},
    shell,
    ui::{icon::Sprite, ticked::ticked_html},
};
use tower_http::compression::{CompressionLayer, CompressionLevel, predicate::SizeAbove};

use super::{assets::SITE, headers::CspNonce};

/// Brotli's quality for pages made on the spot: most of the gain at a fraction of a millisecond.
const PAGE_QUALITY: i32 = 4;
/// Answers smaller than one network packet gain nothing from compression, in bytes.
const COMPRESS_ABOVE: u16 = 1_024;

/// Every page, and `POST /ui/{function}`. An address that no route takes gets the page that says so,
/// through the fallback; a router with a fallback of its own must not be merged with this one.
pub fn pages_router(board: Arc<dyn Board>) -> Router {
    // Rendering spawns on the runtime. A second call finds it set already, which is what is wanted.
    let _ = Executor::init_tokio();
    Router::new()
        .route("/", get(board_page))
        .route("/cards/{id}", get(other_page))
        .route("/inbox", get(inbox_page))
        .route("/archive", get(archive_page))
        .route("/projects", get(projects_page))
        .route("/projects/{id}", get(other_page))
        .route("/ui/{function}", post(server_function))
        .fallback(get(other_page))
        .layer(
            CompressionLayer::new()
                .br(true)
                .quality(CompressionLevel::Precise(PAGE_QUALITY))
                .compress_when(SizeAbove::new(COMPRESS_ABOVE)),
        )
        .with_state(board)
}

async fn board_page(State(board): State<Arc<dyn Board>>, request: Request) -> Response {
    let view = FirstView::of(request.uri().query().unwrap_or_default());
    let snapshot = view.read(board.as_ref()).await;
    render(board, snapshot, true, None, request).await
}

/// Tells how many cards each project has, of every kind.
async fn projects_page(State(board): State<Arc<dyn Board>>, request: Request) -> Response {
    let snapshot = board.snapshot(None).await;
    render(board, snapshot, true, None, request).await
}

async fn other_page(State(board): State<Arc<dyn Board>>, request: Request) -> Response {
    page_of(board, None, request).await
}

async fn inbox_page(State(board): State<Arc<dyn Board>>, request: Request) -> Response {
    page_of(board, Some(Part::Inbox), request).await
}

/// What the archive's form asks. What is not understood filters nothing.
#[derive(serde::Deserialize)]
struct ArchiveAsked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    project: String,
}

async fn archive_page(
    State(board): State<Arc<dyn Board>>,
    Query(asked): Query<ArchiveAsked>,
    request: Request,
) -> Response {
    let part = Part::Archive { text: asked.q, project: asked.project.parse().ok() };
    page_of(board, Some(part), request).await
}

/// A page without the board's cards. `part` is what it shows beside its frame, drawn before it.
async fn page_of(board: Arc<dyn Board>, part: Option<Part>, request: Request) -> Response {
    let part = match part {
        Some(part) => match drawn(board.as_ref(), &SITE.icons, part).await {
            Ok(html) => Some(Drawn(html)),
            Err(problem) => {
                Some(Drawn(format!("<li role=\"alert\">{} Load the page again.</li>", ticked_html(&problem.detail))))
            }
        },
        None => None,
    };
    let heading = board.heading().await;
    render(board, heading, false, part, request).await
}

async fn render(
    board: Arc<dyn Board>,
    snapshot: Result<BoardSnapshot, Problem>,
    with_cards: bool,
    part: Option<Drawn>,
    request: Request,
) -> Response {
    // The one that the response's Content-Security-Policy will name.
    let nonce = request.extensions().get::<CspNonce>().map(|nonce| Nonce::from_value(nonce.0.as_str()));
    let opening = Opening { icons: SITE.icons.to_string(), now: Utc::now(), with_cards, board: snapshot };
    let failed = opening.board.as_ref().err().map(|problem| problem.status);
    let provide = move || {
        provide_context(board.clone());
        provide_context(opening.clone());
        if let Some(part) = part.clone() {
            provide_context(part);
        }
        provide_status_sink();
        if let (Some(status), Some(StatusSink(set))) = (failed, use_context()) {
            set(status);
        }
        if let Some(nonce) = nonce.clone() {
            provide_context(nonce);
        }
    };
    let path = request.uri().path().to_owned();
    render_app_async_with_context(provide, move || shell::document(&SITE, &path))(request).await
}

async fn server_function(State(board): State<Arc<dyn Board>>, request: Request) -> impl IntoResponse {
    let provide = move || {
        provide_context(board.clone());
        provide_context(Sprite(SITE.icons.to_string()));
        provide_status_sink();
    };
    handle_server_fns_with_context(provide, request).await
}

fn provide_status_sink() {
    let Some(response) = use_context::<ResponseOptions>() else {
        return;
    };
    provide_context(StatusSink(Arc::new(move |status| {
        if let Ok(status) = StatusCode::from_u16(status) {
            response.set_status(status);
        }
    })));
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use axum::{
        body::Body,
        http::{Method, header},
        middleware,
    };
    use slipway_app::{
        error::ErrorCode,
        model::*,
        port::{
            ArtifactView, CardStory, DiffLines, Shelf,
            shelf::{Archive, ArchiveQuery, CardName, Matter, WrittenCard},
        },
    };
    use tower::ServiceExt;

    use super::*;

    /// A board without cards that refuses every change.
    struct EmptyBoard;

    fn refuse<T>() -> Result<T, Problem> {
        Err(Problem::new(ErrorCode::AgentWorking, "The planner is at work."))
    }

    #[async_trait]
    impl Shelf for EmptyBoard {
        async fn preview(&self, _: String) -> Result<String, Problem> {
            refuse()
        }
        async fn read_text(&self, _: String) -> Result<WrittenCard, Problem> {
            refuse()
        }
        async fn templates(&self, _: ProjectId) -> Result<Vec<Template>, Problem> {
            refuse()
        }
        async fn template(&self, _: TemplateId) -> Result<Template, Problem> {
            refuse()
        }
        async fn create_template(&self, _: ProjectId, _: NewTemplate) -> Result<Template, Problem> {
            refuse()
        }
        async fn template_of_card(&self, _: CardId, _: String) -> Result<Template, Problem> {
            refuse()
        }
        async fn edit_template(&self, _: TemplateId, _: TemplateEdit) -> Result<Template, Problem> {
            refuse()
        }
        async fn delete_template(&self, _: TemplateId) -> Result<(), Problem> {
            refuse()
        }
        async fn inbox(&self) -> Result<Vec<Matter>, Problem> {
            Ok(Vec::new())
        }
        async fn archive(&self, _: ArchiveQuery) -> Result<Archive, Problem> {
            Ok(Archive { cards: Vec::new(), more: false, projects: Vec::new() })
        }
        async fn card_names(&self) -> Result<Vec<CardName>, Problem> {
            refuse()
        }
        async fn card_now(&self, _: CardId) -> Result<Card, Problem> {
            refuse()
        }
        async fn projects(&self) -> Result<Vec<Project>, Problem> {
            refuse()
        }
    }

    #[async_trait]
    impl Board for EmptyBoard {
        async fn snapshot(&self, _: Option<ProjectId>) -> Result<BoardSnapshot, Problem> {
            Ok(BoardSnapshot { seq: 7, projects: vec![], cards: vec![], pulse: Pulse::default(), totals: None })
        }
        async fn first_cards(&self, _: Option<ProjectId>, _: u64) -> Result<BoardSnapshot, Problem> {
            self.snapshot(None).await
        }
        async fn heading(&self) -> Result<BoardSnapshot, Problem> {
            self.snapshot(None).await
        }
        async fn story(&self, _: CardId) -> Result<CardStory, Problem> {
            Err(Problem::new(ErrorCode::NotFound, "No such card."))
        }
        async fn activity_before(&self, _: CardId, _: i64) -> Result<Vec<Event>, Problem> {
            refuse()
        }
        async fn artifact(&self, _: ArtifactId, _: Option<ArtifactId>) -> Result<ArtifactView, Problem> {
            refuse()
        }
        async fn diff_lines(&self, _: DiffLines) -> Result<Vec<String>, Problem> {
            refuse()
        }
        async fn create_card(&self, _: NewCard) -> Result<Card, Problem> {
            refuse()
        }
        async fn edit_card(&self, _: CardId, _: CardEdit) -> Result<Card, Problem> {
            refuse()
        }
        async fn archive_card(&self, _: CardId) -> Result<(), Problem> {
            refuse()
        }
        async fn restore_card(&self, _: CardId) -> Result<Card, Problem> {
            refuse()
        }
        async fn move_card(&self, _: CardId, _: NewMove) -> Result<Transition, Problem> {
            refuse()
        }
        async fn order_card(&self, _: CardId, _: Option<CardId>) -> Result<Card, Problem> {
            refuse()
        }
        async fn decide_gate(&self, _: CardId, _: NewDecision) -> Result<Gate, Problem> {
            refuse()
        }
        async fn retry_card(&self, _: CardId) -> Result<Transition, Problem> {
            refuse()
        }
        async fn stop_agent(&self, _: AgentId) -> Result<(), Problem> {
            refuse()
        }
        async fn answer(&self, _: QuestionId, _: NewAnswer) -> Result<Question, Problem> {
            refuse()
        }
        async fn register_project(&self, _: NewProject) -> Result<Project, Problem> {
            refuse()
        }
        async fn edit_project(&self, _: ProjectId, _: ProjectEdit) -> Result<Project, Problem> {
            refuse()
        }
        async fn remove_project(&self, _: ProjectId, _: Removal) -> Result<(), Problem> {
            refuse()
        }
        async fn list_folders(&self, _: String) -> Result<FolderList, Problem> {
            refuse()
        }
        async fn look_at_repository(&self, _: String) -> Result<RepositoryLook, Problem> {
            refuse()
        }
    }

    async fn ask(request: axum::http::request::Builder, body: &str) -> (Response, String) {
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let secured = middleware::from_fn(crate::http::headers::secure);
        let response = pages_router(Arc::new(EmptyBoard)).layer(secured).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (Response::from_parts(parts, Body::empty()), String::from_utf8_lossy(&bytes).into_owned())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_page_is_whole_html_under_its_own_nonce() {
        let (response, html) = ask(Request::builder().uri("/"), "").await;
        assert_eq!(response.status(), StatusCode::OK);
        for stage in Stage::ALL {
            assert!(html.contains(&format!("aria-label=\"{}\"", stage.label())), "{stage:?}");
        }
        assert!(html.contains("Press C to write a card") && html.contains("</html>"), "{html}");
        let policies: Vec<_> = response.headers().get_all(header::CONTENT_SECURITY_POLICY).iter().collect();
        assert_eq!(policies.len(), 1, "two policies would allow only what both do");
        let policy = policies[0].to_str().unwrap();
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
        let scripts = html.matches("<script").count() - html.matches("<script type=\"application/json\"").count();
        assert_eq!(html.matches(&format!("nonce=\"{nonce}\"")).count(), scripts, "{policy}\n{html}");
        let (other, _) = ask(Request::builder().uri("/"), "").await;
        assert_ne!(other.headers()[header::CONTENT_SECURITY_POLICY], policy, "a nonce is used once");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn inbox_and_archive_are_drawn_with_the_page() {
        for (address, words) in [
            ("/inbox", "Nothing needs you"),
            ("/archive", "The archive is empty"),
            ("/archive?q=lamp&project=x", "No archived card matches"),
        ] {
            let (response, html) = ask(Request::builder().uri(address), "").await;
            assert_eq!(response.status(), StatusCode::OK);
            assert!(html.contains(words), "{address}: {html}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_unknown_address_is_a_page_that_says_so() {
        let (response, html) = ask(Request::builder().uri("/nowhere"), "").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(html.contains("There is no such page"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn pages_are_compressed_for_clients_that_take_it() {
        let (response, _) = ask(Request::builder().uri("/").header(header::ACCEPT_ENCODING, "br"), "").await;
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "br");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_refusal_keeps_its_status_and_its_code() {
        let call = Request::builder().method(Method::POST).uri("/ui/move_card");
        let call = call.header(header::CONTENT_TYPE, "application/json");
        let body = r#"{"card":"01900000-0000-7000-8000-000000000001","new":{"to":"plan"}}"#;
        let (response, text) = ask(call, body).await;
        assert_eq!(response.status(), StatusCode::CONFLICT);
        let problem: Problem = serde_json::from_str(&text).unwrap();
        assert_eq!(problem.code, ErrorCode::AgentWorking);
    }
}
