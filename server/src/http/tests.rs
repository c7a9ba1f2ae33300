//! Tests of the doors as a whole, against a stub of the board: what CONTRACT.md and THREATS.md promise.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::Html,
    routing::{get, post},
};
use serde_json::Value;
use tower::ServiceExt;

use super::{
    access::AccessConfig,
    host::Hosts,
    stopping::{Stop, stopping},
    stub::Stub,
};

mod access;
mod api;
mod streams;

pub const TOKEN: &str = "the-token";
pub const HOST: &str = "localhost:4747";
pub const ORIGIN: &str = "http://localhost:4747";

/// The router with its board, for requests in memory.
pub struct Board {
    pub stub: Arc<Stub>,
    pub router: Router,
    _stop: Stop,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The code of a refusal, once its form has been checked.
    #[track_caller]
    pub fn code(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{} {}", self.status, self.body);
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{problem}");
        problem["code"].as_str().unwrap().to_owned()
    }
}

impl Board {
    pub fn new() -> Self {
        let stub = Arc::new(Stub::default());
        let (stop, stopping) = stopping();
        let access = AccessConfig::new(Hosts::loopback(4747), TOKEN);
        let pages = Router::new()
            .route("/", get(|| async { Html("the board") }))
            .route("/cards/{id}", get(|| async { Html("a card") }))
            .route("/pkg/app.js", get(|| async { "js" }))
            .route("/ui/{name}", post(|body: String| async move { body }))
            .route(
                "/panic",
                get(|| async {
                    if true {
                        panic!("a bug")
                    }
                }),
            );
        let router = super::router(stub.clone(), access, Some(pages), stopping);
        Board { stub, router, _stop: stop }
    }

    /// Sends a request; `Host` is ours unless named.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", HOST);
        }
        for (name, value) in headers.iter().filter(|(_, value)| *value != "(none)") {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 24).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a request as a program with the token does.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let bearer = format!("Bearer {TOKEN}");
        let mut headers = vec![("authorization", bearer.as_str())];
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.send(method, path, &headers, body.map_or(String::new(), |body| body.to_string())).await
    }
}
