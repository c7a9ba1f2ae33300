//! The board's HTTP interface, blocking, with what a test wants to know of each answer.

use std::{
    fmt,
    time::{Duration, Instant},
};

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{PATIENCE, Stream};

/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// A client with the board's token.
pub struct Client {
    runtime: Runtime,
    http: reqwest::Client,
    url: String,
    token: String,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    asked: String,
}

impl fmt::Debug for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} answered {}: {}", self.asked, self.status, String::from_utf8_lossy(&self.body))
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{self:?}: {error}"))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The JSON of an answer that has to have this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// A refusal as RFC 9457 has it, with this status and code.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{self:?}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{self:?}");
        problem
    }
}

impl Client {
    pub fn new(url: &str, token: &str) -> Client {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let http = http.build().expect("an HTTP client");
        Client { runtime, http, url: url.to_owned(), token: token.to_owned() }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// A request with exactly these headers, at a path from the root.
    pub fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
        self.try_raw(method, path, headers, body.into()).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// As [`Client::raw`], for a server that may be dying.
    pub fn try_raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, reqwest::Error> {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let asked = format!("{method} {path}");
        let mut request = self.http.request(method, format!("{}{path}", self.url)).timeout(REQUEST_LIMIT).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.runtime.block_on(async {
            let response = request.send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Ok(Answer { status, headers, body: response.bytes().await?.to_vec(), asked })
        })
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// A request under `/api/v1` with the token.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.call_with(method, path, body, &[])
    }

    pub fn call_with(&self, method: &str, path: &str, body: Option<&Value>, more: &[(&str, &str)]) -> Answer {
        let bearer = self.bearer();
        let mut headers = vec![("authorization", bearer.as_str())];
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        headers.extend_from_slice(more);
        self.raw(method, &format!("/api/v1{path}"), &headers, body.map(Value::to_string).unwrap_or_default())
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.call("GET", path, None).expect(200)
    }

    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(&body))
    }

    pub fn patch(&self, path: &str, body: Value) -> Answer {
        self.call("PATCH", path, Some(&body))
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None)
    }

    /// Every entry of a list, page by page.
    pub fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let next = cursor.map(|cursor| format!("{joint}cursor={cursor}")).unwrap_or_default();
            let page = self.get(&format!("{path}{next}"));
            items.extend(page["items"].as_array().expect("a list has items").iter().cloned());
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return items;
            }
        }
    }

    /// Opens the event stream.
    pub fn stream(&self, query: &str, last_event_id: Option<i64>) -> Stream<'_> {
        let url = format!("{}/api/v1/events/stream{query}", self.url);
        let mut request = self.http.get(url).header("authorization", self.bearer());
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id.to_string());
        }
        let response = self.runtime.block_on(request.send()).expect("the stream opens");
        assert_eq!(response.status().as_u16(), 200);
        Stream::new(&self.runtime, response)
    }

    /// Registers a repository; `more` is merged into the request.
    #[track_caller]
    pub fn project(&self, path: &str, more: Value) -> String {
        let mut new = json!({ "path": path });
        for (name, value) in more.as_object().expect("an object") {
            new[name] = value.clone();
        }
        id_of(&self.post("/projects", new).expect(201))
    }

    #[track_caller]
    pub fn card(&self, project: &str, title: &str, body: &str) -> String {
        id_of(&self.post("/cards", json!({ "project_id": project, "title": title, "body": body })).expect(201))
    }

    #[track_caller]
    pub fn show(&self, card: &str) -> Value {
        self.get(&format!("/cards/{card}"))
    }

    #[track_caller]
    pub fn enter(&self, card: &str, stage: &str) -> Value {
        self.post(&format!("/cards/{card}/moves"), json!({ "to": stage })).expect(202)
    }

    /// Decides at the open gate.
    pub fn decide(&self, card: &str, decision: Value) -> Answer {
        self.post(&format!("/cards/{card}/gate"), decision)
    }

    /// Waits until the card has this status at this stage.
    ///
    /// # Panics
    /// After [`PATIENCE`], or as soon as the card has failed or asks when that was not waited for.
    #[track_caller]
    pub fn wait(&self, card: &str, stage: &str, status: &str) -> Value {
        let start = Instant::now();
        loop {
            let now = self.show(card);
            if now["stage"] == stage && now["status"] == status {
                return now;
            }
            let stuck = matches!(now["status"].as_str(), Some("failed" | "waiting" | "shipped"));
            assert!(!stuck, "waited for {stage}/{status}, but: {now:#}");
            assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for {stage}/{status}: {now:#}");
            std::thread::sleep(Duration::from_millis(15));
        }
    }

    /// Waits until the card has this status, at whatever stage; a card that asks or has failed is an end too.
    #[track_caller]
    pub fn wait_for_end(&self, card: &str, status: &str) -> Value {
        let end = crate::until("the card to come to an end", || {
            Some(self.show(card)).filter(|now| matches!(now["status"].as_str(), Some("failed" | "waiting" | "shipped")))
        });
        assert_eq!(end["status"], status, "{end:#}");
        end
    }

    /// Waits for the open gate of a stage and says whether all its checks are green.
    #[track_caller]
    pub fn gate(&self, card: &str, stage: &str) -> Value {
        self.wait(card, stage, "needs_approval")["gate"].clone()
    }

    /// Takes a card from where it is through every green gate until it has shipped.
    #[track_caller]
    pub fn ship(&self, card: &str) -> Value {
        const STAGES: [&str; 5] = ["backlog", "plan", "build", "review", "ship"];
        let now = self.show(card);
        let at = STAGES.iter().position(|stage| now["stage"] == *stage).expect("a known stage");
        if at == 0 {
            self.enter(card, "plan");
        }
        for stage in &STAGES[at.max(1)..] {
            let gate = self.gate(card, stage);
            assert!(is_green(&gate), "{gate:#}");
            self.decide(card, json!({ "decision": "approve", "gate_id": gate["id"] })).expect(200);
        }
        self.wait(card, "ship", "shipped")
    }

    /// Events of one card, oldest first.
    pub fn story(&self, card: &str) -> Vec<Value> {
        self.all(&format!("/events?card_id={card}&limit=1000"))
    }

    /// The newest artifact of a kind, as text.
    #[track_caller]
    pub fn artifact(&self, card: &str, kind: &str) -> String {
        let all = self.all(&format!("/cards/{card}/artifacts"));
        let of_kind = all.iter().filter(|artifact| artifact["kind"] == kind);
        let newest = of_kind.max_by_key(|artifact| artifact["version"].as_i64()).unwrap_or_else(|| panic!("no {kind}"));
        let id = newest["id"].as_str().expect("an id");
        self.call("GET", &format!("/artifacts/{id}/content"), None).text()
    }
}

#[track_caller]
fn id_of(made: &Value) -> String {
    made["id"].as_str().unwrap_or_else(|| panic!("no id in {made}")).to_owned()
}

fn is_green(gate: &Value) -> bool {
    gate["checks"].as_array().is_some_and(|checks| checks.iter().all(|check| check["passed"] == true))
}
