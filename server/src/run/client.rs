//! A thin client of `/api/v1`: bearer token, JSON, problems as errors, one idempotency key per change.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use slipway_app::error::Problem;

use super::{Page, Server};

/// Longest that one request may take; a move is acknowledged in milliseconds.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
/// How often a request is sent when the server does not answer: a restart of the server fits in between.
const TRIES: u32 = 6;
/// Pause before the second try; it doubles.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// Most pages of a list that are read: a hundred thousand entries at a thousand a page.
const MOST_PAGES: usize = 100;

/// Why a card could not be taken through.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The server said no, and why.
    #[error("{}{}", .0.detail, blockers(.0))]
    Refused(Problem),
    #[error("the server at {url} does not answer: {source}")]
    Unreachable { url: String, source: reqwest::Error },
    #[error("the server's answer to {path} is not understood: {detail}")]
    Answer { path: String, detail: String },
    #[error("the token holds a character that no header may hold")]
    Token,
    #[error("the account could not be written: {0}")]
    Write(#[source] serde_json::Error),
    #[error("the account could not be printed: {0}")]
    Print(#[source] std::io::Error),
}

fn blockers(problem: &Problem) -> String {
    problem.blocked_by.iter().map(|blocker| format!("\n  {}: {}", blocker.code, blocker.detail)).collect()
}

pub struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    pub fn new(server: &Server) -> Result<Client, RunError> {
        let mut bearer =
            reqwest::header::HeaderValue::try_from(format!("Bearer {}", server.token)).map_err(|_| RunError::Token)?;
        bearer.set_sensitive(true);
        let headers = [(reqwest::header::AUTHORIZATION, bearer)].into_iter().collect();
        let url = server.base_url.trim_end_matches('/').to_owned();
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .timeout(REQUEST_LIMIT)
            // The board is on this machine; a proxy would see the token.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|source| RunError::Unreachable { url: url.clone(), source })?;
        Ok(Client { http, base: format!("{url}/api/v1") })
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, RunError> {
        self.send(Method::GET, path, None::<&()>).await
    }

    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, RunError> {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn patch<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, RunError> {
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// A whole list, page by page.
    pub async fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, RunError> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mark = if path.contains('?') { '&' } else { '?' };
            let after = cursor.map(|cursor| format!("&cursor={}", encoded(&cursor))).unwrap_or_default();
            let page: Page<T> = self.get(&format!("{path}{mark}limit=1000{after}")).await?;
            items.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(items)
    }

    /// Sends until the server answers. Every try carries the same key, so a change is made once.
    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, RunError> {
        let key = uuid::Uuid::now_v7().to_string();
        let mut pause = RETRY_PAUSE;
        let mut tries = 1;
        loop {
            let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
            if let Some(body) = body {
                request = request.header("idempotency-key", &key).json(body);
            }
            let sent = match request.send().await {
                Ok(response) => {
                    let status = response.status();
                    response.bytes().await.map(|bytes| (status, bytes))
                }
                Err(error) => Err(error),
            };
            match sent {
                Ok((status, bytes)) => return read(path, status, &bytes),
                Err(source) if tries == TRIES => {
                    return Err(RunError::Unreachable { url: self.base.clone(), source: source.without_url() });
                }
                Err(_) => {
                    tries += 1;
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
            }
        }
    }
}

fn read<T: DeserializeOwned>(path: &str, status: StatusCode, bytes: &[u8]) -> Result<T, RunError> {
    let answer = |detail: String| RunError::Answer { path: path.to_owned(), detail };
    if status.is_success() {
        return serde_json::from_slice(bytes).map_err(|error| answer(error.to_string()));
    }
    match serde_json::from_slice::<Problem>(bytes) {
        Ok(problem) => Err(RunError::Refused(problem)),
        Err(_) => Err(answer(format!("status {status}"))),
    }
}

/// Everything but RFC 3986's unreserved characters as `%XX`.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
