//! The pages: `app` rendered to whole HTML, so that they can be read with JavaScript off, and the server
//! functions that the page calls once the browser has taken over, under `/ui/`.

use std::sync::Arc;

use any_spawner::Executor;
use axum::{
    Router,
    extract::{Request, State},
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
    error::Problem,
    opening::Opening,
    port::{Board, BoardSnapshot},
    shell,
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
    render(board, snapshot, true, request).await
}

async fn other_page(State(board): State<Arc<dyn Board>>, request: Request) -> Response {
    let heading = board.heading().await;
    render(board, heading, false, request).await
}

async fn render(
    board: Arc<dyn Board>,
    snapshot: Result<BoardSnapshot, Problem>,
    with_cards: bool,
    request: Request,
) -> Response {
    // The one that the response's Content-Security-Policy will name.
    let nonce = request.extensions().get::<CspNonce>().map(|nonce| Nonce::from_value(nonce.0.as_str()));
    let opening = Opening { icons: SITE.icons.to_string(), now: Utc::now(), with_cards, board: snapshot };
    let failed = opening.board.as_ref().err().map(|problem| problem.status);
    let provide = move || {
        provide_context(board.clone());
        provide_context(opening.clone());
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
        port::{ArtifactView, CardStory, Shelf},
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
        async fn artifact(&self, _: ArtifactId) -> Result<ArtifactView, Problem> {
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
