//! Against a server that plays its part by a script, over real HTTP.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path as UrlPath, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::Value;
use slipway_app::error::{ErrorCode, Problem};

use super::*;

const ID: &str = "01936a00-0000-7000-8000-000000000001";
const NOW: &str = "2026-11-21T00:00:00Z";

/// What the server answers and what it was asked.
#[derive(Default)]
struct Script {
    /// The card as seen by one look after the other; the last stays.
    looks: VecDeque<Value>,
    registered: bool,
    asked: Vec<String>,
}

type Shared = Arc<Mutex<Script>>;

fn card(stage: &str, status: &str, more: Value) -> Value {
    let mut card = json!({
        "id": ID, "number": 7, "project_id": ID, "title": "T", "body": "", "stage": stage, "status": status,
        "reason": null, "position": 1.0, "agent": null, "gate": null, "artifacts": [], "tokens": 0,
        "cost_usd": "0", "commit": null, "branch": null, "archived_at": null, "version": 1,
        "created_at": NOW, "updated_at": NOW,
    });
    card.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    card
}

fn gate(stage: &str, passed: bool) -> Value {
    json!({ "gate": {
        "id": ID, "stage": stage, "agent_id": ID, "state": "open", "decided_by": null, "reason": null,
        "checks": [{ "name": "blocks_apply", "passed": passed, "detail": "edit a.txt: no match\u{1b}[31m" }],
        "opened_at": NOW, "decided_at": null,
    }})
}

fn project(path: &str) -> Value {
    json!({
        "id": ID, "name": "demo", "path": path, "trusted": true, "base_branch": "main", "setup_command": null,
        "check_command": null, "gate_policy": "manual", "land": "merge", "wip": 4, "engines": {}, "budget": {},
        "bring": [], "network": false, "push_remote": null, "version": 1, "created_at": NOW, "updated_at": NOW,
    })
}

fn refuse(code: ErrorCode) -> Response {
    let problem = Problem::new(code, "said the script");
    (StatusCode::from_u16(problem.status).unwrap(), Json(problem)).into_response()
}

fn note(script: &Shared, headers: &HeaderMap, what: &str) -> Result<(), Box<Response>> {
    if headers.get("authorization").is_none_or(|value| value != "Bearer the-token") {
        return Err(Box::new(refuse(ErrorCode::Unauthorized)));
    }
    script.lock().unwrap().asked.push(what.to_owned());
    Ok(())
}

async fn register(State(script): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if let Err(refused) = note(&script, &headers, "register") {
        return *refused;
    }
    assert!(headers.contains_key("idempotency-key"));
    if script.lock().unwrap().registered {
        return refuse(ErrorCode::AlreadyRegistered);
    }
    (StatusCode::CREATED, Json(project(body["path"].as_str().unwrap()))).into_response()
}

async fn change(
    State(script): State<Shared>,
    UrlPath(what): UrlPath<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    match note(&script, &headers, &format!("{what} {body}")) {
        Err(refused) => *refused,
        Ok(()) if what.ends_with("gate") => {
            script.lock().unwrap().looks.pop_front();
            Json(json!({})).into_response()
        }
        Ok(()) => (StatusCode::ACCEPTED, Json(json!({}))).into_response(),
    }
}

async fn look(State(script): State<Shared>) -> Json<Value> {
    let looks = &mut script.lock().unwrap().looks;
    // A card at a gate stays there until somebody decides.
    if looks.len() > 1 && looks[0]["gate"].is_null() {
        Json(looks.pop_front().unwrap())
    } else {
        Json(looks[0].clone())
    }
}

async fn serve(script: Script) -> (Server, Shared) {
    let shared = Arc::new(Mutex::new(script));
    let empty = || async { Json(json!({ "items": [], "next_cursor": null })) };
    let projects = || async {
        let here = std::env::current_dir().unwrap().canonicalize().unwrap();
        Json(json!({ "items": [project("/elsewhere"), project(here.to_str().unwrap())], "next_cursor": null }))
    };
    let questions = || async {
        Json(json!({ "items": [{
            "id": ID, "card_id": ID, "agent_id": null, "prompt": "Merge or rebase?",
            "options": [{ "id": "merge", "label": "Merge it" }], "default_option": null, "deadline": null,
            "state": "open", "answer": null, "asked_at": NOW, "answered_at": null,
        }], "next_cursor": null }))
    };
    let router = Router::new()
        .route("/api/v1/projects", post(register).get(projects))
        .route("/api/v1/cards", post(|| async { (StatusCode::CREATED, Json(card("backlog", "idle", json!({})))) }))
        .route(&format!("/api/v1/cards/{ID}"), get(look))
        .route(&format!("/api/v1/cards/{ID}/{{what}}"), post(change).get(empty))
        .route("/api/v1/questions", get(questions))
        .with_state(shared.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (Server { base_url, token: "the-token".to_owned(), stays: true }, shared)
}

fn errand(yes: bool) -> Errand {
    Errand {
        repo: std::env::current_dir().unwrap(),
        card: CardText { title: "T".to_owned(), body: String::new() },
        engine: None,
        check_command: None,
        yes,
        json: true,
    }
}

/// Runs by a script; returns the exit code, the account and what the server was asked.
async fn check(yes: bool, script: Script) -> (u8, Value, Vec<String>) {
    let (server, shared) = serve(script).await;
    let mut out = Vec::new();
    let code = run(&errand(yes), &server, &mut out).await.unwrap();
    let asked = shared.lock().unwrap().asked.clone();
    (code, serde_json::from_slice(&out).unwrap(), asked)
}

#[tokio::test]
async fn yes_takes_a_green_card_to_ship() {
    let looks = VecDeque::from([
        card("plan", "queued", json!({})),
        card("plan", "needs_approval", gate("plan", true)),
        card("build", "working", json!({})),
        card("ship", "needs_approval", gate("ship", true)),
        card("ship", "shipped", json!({ "commit": "abc123" })),
    ]);
    let (code, account, asked) = check(true, Script { looks, ..Script::default() }).await;
    assert_eq!((code, &account["outcome"], &account["commit"]), (0, &json!("shipped"), &json!("abc123")));
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert_eq!(asked[1], "moves {\"to\":\"plan\"}");
    assert!(asked[2].starts_with("gate ") && asked[2].contains("approve") && asked[2].contains(ID));
}

#[tokio::test]
async fn a_registered_repository_is_found() {
    let looks = VecDeque::from([card("ship", "shipped", json!({}))]);
    let (code, _, _) = check(true, Script { looks, registered: true, ..Script::default() }).await;
    assert_eq!(code, 0);
}

#[tokio::test]
async fn what_needs_a_person_ends_with_three() {
    let at_gate = |passed| VecDeque::from([card("plan", "needs_approval", gate("plan", passed))]);
    let (code, account, _) = check(false, Script { looks: at_gate(true), ..Script::default() }).await;
    assert_eq!(code, 3);
    assert!(account["reason"].as_str().unwrap().contains("--yes"));
    let (code, account, asked) = check(true, Script { looks: at_gate(false), ..Script::default() }).await;
    assert_eq!((code, asked.len()), (3, 2), "a red gate is not approved");
    assert!(account["reason"].as_str().unwrap().contains("blocks_apply"));
    let looks = VecDeque::from([card("ship", "waiting", json!({}))]);
    let (code, account, _) = check(true, Script { looks, ..Script::default() }).await;
    assert_eq!(code, 3);
    assert!(account["reason"].as_str().unwrap().contains("merge: Merge it"));
}

#[tokio::test]
async fn failures_are_told() {
    let looks = VecDeque::from([card("build", "failed", json!({ "reason": "the check command failed" }))]);
    let (code, account, _) = check(true, Script { looks, ..Script::default() }).await;
    assert_eq!((code, &account["reason"]), (1, &json!("the check command failed")));

    let (mut server, _) = serve(Script::default()).await;
    server.token = "wrong".to_owned();
    let error = run(&errand(false), &server, &mut Vec::new()).await.unwrap_err();
    assert!(matches!(&error, RunError::Refused(problem) if problem.code == ErrorCode::Unauthorized), "{error}");
}

#[test]
fn strangers_words_cannot_steer_a_terminal() {
    assert_eq!(plain("a\x1b[2Jb\nc"), "a[2Jb c");
    assert_eq!(plain(&"x".repeat(500)).chars().count(), 161);
}
