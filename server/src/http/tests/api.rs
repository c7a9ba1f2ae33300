//! The table of CONTRACT.md: every call, what it asks of the board, and how it is described.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{super::stub::KNOWN, *};

/// The calls of CONTRACT.md.
const TABLE: [(&str, &[&str]); 26] = [
    ("/projects", &["get", "post"]),
    ("/projects/{id}", &["get", "patch", "delete"]),
    ("/projects/{id}/templates", &["get", "post"]),
    ("/templates/{id}", &["get", "patch", "delete"]),
    ("/cards", &["get", "post"]),
    ("/cards/{id}", &["get", "patch", "delete"]),
    ("/cards/{id}/moves", &["post"]),
    ("/cards/{id}/retry", &["post"]),
    ("/cards/{id}/order", &["post"]),
    ("/cards/{id}/restore", &["post"]),
    ("/cards/{id}/gate", &["post"]),
    ("/cards/{id}/transitions", &["get"]),
    ("/cards/{id}/gates", &["get"]),
    ("/cards/{id}/agents", &["get"]),
    ("/cards/{id}/artifacts", &["get"]),
    ("/artifacts/{id}", &["get"]),
    ("/artifacts/{id}/content", &["get"]),
    ("/agents", &["get", "delete"]),
    ("/agents/{id}", &["get", "delete"]),
    ("/events", &["get"]),
    ("/events/socket", &["get"]),
    ("/events/stream", &["get"]),
    ("/questions", &["get"]),
    ("/questions/{id}/answer", &["post"]),
    ("/fleet", &["get"]),
    ("/openapi.json", &["get"]),
];

async fn description(board: &Board) -> Value {
    let answer = board.call("GET", "/api/v1/openapi.json", None).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.json()
}

#[tokio::test]
async fn the_description_holds_the_whole_table() {
    let description = description(&Board::new()).await;
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"), "{}", description["openapi"]);
    assert_eq!(description["servers"][0]["url"], "/api/v1");
    for (path, methods) in TABLE {
        for method in methods {
            let operation = &description["paths"][path][method];
            assert!(operation.is_object(), "{method} {path}");
            assert!(operation["summary"].is_string(), "{method} {path} has no words");
            assert!(operation["tags"][0].is_string(), "{method} {path} has no tag");
            let unauthorized = &operation["responses"]["401"]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(unauthorized, "#/components/schemas/Problem", "{method} {path}");
            let names_id = operation["parameters"].as_array().is_some_and(|all| all.iter().any(|p| p["name"] == "id"));
            assert_eq!(names_id, path.contains("{id}"), "{method} {path}");
            let takes_key = operation["parameters"]
                .as_array()
                .is_some_and(|all| all.iter().any(|parameter| parameter["name"] == "Idempotency-Key"));
            assert_eq!(takes_key, *method == "post", "{method} {path}");
        }
    }
    let schemes = &description["components"]["securitySchemes"];
    assert_eq!(schemes["token"]["scheme"], "bearer");
    assert_eq!(schemes["session"]["in"], "cookie");
    assert_eq!(schemes["session_secret"]["name"], "x-slipway-session");
}

/// A client generator follows every reference; none may lead nowhere.
#[tokio::test]
async fn every_reference_in_the_description_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let description = description(&Board::new()).await;
    let mut found = Vec::new();
    references(&description, &mut found);
    assert!(found.len() > 100);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(description.pointer(pointer).is_some(), "{reference}");
    }
    let operations = description["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap());
    let mut names: Vec<_> = operations.filter_map(|(_, operation)| operation["operationId"].as_str()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "operation ids are unique");
}

#[tokio::test]
async fn every_call_reaches_its_method() {
    let board = Board::new();
    let check = async |method: &str, path: &str, body: Option<Value>, status: u16, call: &str| {
        let path = format!("/api/v1{}", path.replace("ID", &KNOWN.to_string()));
        let answer = board.call(method, &path, body).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}: {}", answer.body);
        let last = board.stub.last_call();
        assert!(last.starts_with(call), "{method} {path} called {last:?}, not {call:?}");
    };
    let empty = Some(json!({}));
    check("POST", "/projects", Some(json!({ "path": "/x" })), 201, "register_project /x").await;
    check("GET", "/projects?limit=7", None, 200, "list_projects Page { limit: 7, cursor: None }").await;
    check("PATCH", "/projects/ID", Some(json!({ "name": "n" })), 200, "edit_project Some(\"n\")").await;
    check("DELETE", "/projects/ID", None, 204, "remove_project false false").await;
    check("DELETE", "/projects/ID?stop_agents=true&discard_work=true", None, 204, "remove_project true true").await;
    check("POST", "/projects/ID/templates", Some(json!({ "name": "n", "body": "ab" })), 201, "create_template n 2")
        .await;
    check("PATCH", "/templates/ID", Some(json!({ "name": "m" })), 200, "edit_template Some(\"m\")").await;
    check("DELETE", "/templates/ID", None, 204, "delete_template").await;
    check("POST", "/cards", Some(json!({ "project_id": KNOWN, "title": "t", "body": "ab" })), 201, "create_card t 2")
        .await;
    check("PATCH", "/cards/ID", Some(json!({ "title": "u", "version": 2 })), 200, "edit_card Some(\"u\") Some(2)")
        .await;
    check("DELETE", "/cards/ID", None, 204, "archive_card").await;
    check("POST", "/cards/ID/moves", Some(json!({ "to": "plan" })), 202, "move_card plan").await;
    check("POST", "/cards/ID/retry", None, 202, "retry None").await;
    check("POST", "/cards/ID/retry", Some(json!({ "engine": "acp" })), 202, "retry Some(Acp)").await;
    check("POST", "/cards/ID/order", Some(json!({ "before": KNOWN })), 200, "order_card true").await;
    check("POST", "/cards/ID/order", Some(json!({ "before": null })), 200, "order_card false").await;
    check("POST", "/cards/ID/restore", empty, 200, "restore_card").await;
    check("POST", "/cards/ID/gate", Some(json!({ "decision": "send_back" })), 200, "decide_gate send_back").await;
    check("GET", "/agents", None, 200, "agents Live").await;
    check("GET", "/agents?state=all", None, 200, "agents All").await;
    check("DELETE", "/agents/ID", None, 204, "stop_agent").await;
    check("DELETE", "/agents", None, 200, "delete_agents").await;
    check("GET", "/questions?state=open", None, 200, "questions Some(Open)").await;
    check("POST", "/questions/ID/answer", Some(json!({ "option": "a" })), 200, "answer Some(\"a\")").await;
    for read in [
        "/projects/ID",
        "/projects/ID/templates",
        "/templates/ID",
        "/cards/ID",
        "/cards/ID/transitions",
        "/cards/ID/gates",
        "/cards/ID/agents",
        "/cards/ID/artifacts",
        "/artifacts/ID",
        "/agents/ID",
        "/fleet",
    ] {
        check("GET", read, None, 200, "").await;
    }
}

#[tokio::test]
async fn lists_are_pages() {
    let board = Board::new();
    let first = board.call("GET", "/api/v1/cards?stage=plan&q=%237&project_id=", None).await.json();
    assert_eq!(first["items"].as_array().unwrap().len(), 1);
    assert!(first["items"][0].get("body").is_none());
    let last = board.stub.last_call();
    assert!(last.contains("stage: Some(Plan), q: Some(\"#7\"), archived: false"), "{last}");
    let cursor = first["next_cursor"].as_str().unwrap();
    board.call("GET", &format!("/api/v1/cards?cursor={cursor}&limit=1000"), None).await;
    assert!(board.stub.last_call().contains("Page { limit: 1000, cursor: Some(\"7|x\") }"));
    for bad in ["limit=0", "limit=1001", "limit=x", "cursor=zz", "stage=done", "project_id=7", "colour=red"] {
        let answer = board.call("GET", &format!("/api/v1/cards?{bad}"), None).await;
        assert_eq!(answer.code(), "invalid_request", "{bad}");
        let name = bad.split('=').next().unwrap();
        assert!(answer.body.contains(name), "{bad}: {}", answer.body);
    }
}

#[tokio::test]
async fn bad_input_gets_words() {
    let board = Board::new();
    let unknown = KNOWN.to_string().replace('1', "2");
    for path in ["/cards/7", &format!("/cards/{unknown}"), "/agents/x", "/nowhere", "/cards/%ff", "/"] {
        let answer = board.call("GET", &format!("/api/v1{path}"), None).await;
        assert_eq!(answer.code(), "not_found", "{path}");
    }
    for path in ["/api/v1", "/api/v2/cards", "/api/"] {
        assert_eq!(board.call("GET", path, None).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let answer = board.call("PUT", "/api/v1/cards", Some(json!({}))).await;
    assert_eq!(answer.code(), "method_not_allowed");
    assert!(answer.headers["allow"].to_str().unwrap().contains("POST"));
    let answer = board.call("POST", "/api/v1/cards", Some(json!({ "titel": "x" }))).await;
    assert_eq!(answer.code(), "invalid_request");
    assert!(answer.body.contains("titel") && answer.body.contains("title"), "{}", answer.body);
    let answer = board.call("POST", &format!("/api/v1/cards/{KNOWN}/moves"), Some(json!({ "to": "done" }))).await;
    assert!(answer.body.contains("`to`") && answer.body.contains("review"), "{}", answer.body);
    let answer = board.call("POST", &format!("/api/v1/cards/{KNOWN}/moves"), Some(json!({ "to": "ship" }))).await;
    assert_eq!(answer.code(), "stage_skipped");
    assert_eq!(answer.json()["blocked_by"][0]["detail"], "Plan comes first.");
}

/// An artifact is a stranger's: it downloads, and can never run as a page of ours.
#[tokio::test]
async fn an_artifacts_content_is_inert() {
    let board = Board::new();
    let path = format!("/api/v1/artifacts/{KNOWN}/content");
    let answer = board.call("GET", &path, None).await;
    assert_eq!(answer.body, "<script>alert(1)</script>");
    assert_eq!(answer.headers["content-type"], "text/html");
    assert_eq!(answer.headers["etag"], "\"abc\"");
    assert!(answer.headers["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"plan.md\""));
    assert!(answer.headers["content-security-policy"].to_str().unwrap().starts_with("sandbox; default-src 'none'"));
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    let known = [("authorization", "Bearer the-token"), ("if-none-match", "\"abc\"")];
    let answer = board.send("GET", &path, &known, "").await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(answer.headers["etag"], "\"abc\"");
}

#[tokio::test]
async fn events_are_listed_in_order() {
    let board = Board::new();
    board.stub.commit(10, 0);
    let seqs = async |query: &str| {
        let page = board.call("GET", &format!("/api/v1/events?{query}"), None).await.json();
        let seqs: Vec<_> =
            page["items"].as_array().unwrap().iter().map(|event| event["seq"].as_i64().unwrap()).collect();
        (seqs, page["next_cursor"].as_str().map(str::to_owned))
    };
    assert_eq!(seqs("after=7").await, (vec![8, 9, 10], None));
    assert_eq!(seqs("limit=2").await, (vec![1, 2], Some("2".to_owned())));
    assert_eq!(seqs("limit=2&cursor=2").await, (vec![3, 4], Some("4".to_owned())));
    assert_eq!(seqs(&format!("card_id={KNOWN}&after=4")).await, (vec![6, 8, 10], None));
    for bad in ["after=-1", "cursor=x", "after=x", "card_id=7"] {
        assert_eq!(board.call("GET", &format!("/api/v1/events?{bad}"), None).await.code(), "invalid_request", "{bad}");
    }
}

/// The key reaches the board's methods, with a fingerprint of what was sent.
#[tokio::test]
async fn idempotency_keys_reach_the_board() {
    let board = Board::new();
    let post = async |key: &str, title: &str| {
        let headers =
            [("authorization", "Bearer the-token"), ("content-type", "application/json"), ("idempotency-key", key)];
        let body = json!({ "project_id": KNOWN, "title": title }).to_string();
        board.send("POST", "/api/v1/cards", &headers, body).await
    };
    for title in ["a", "a", "b"] {
        assert_eq!(post("key-1", title).await.status, StatusCode::CREATED);
    }
    board.call("POST", "/api/v1/cards", Some(json!({ "project_id": KNOWN, "title": "c" }))).await;
    let keys = board.stub.keys.lock().unwrap().clone();
    let [Some(first), Some(again), Some(other), None] = &keys[..] else { panic!("{keys:?}") };
    assert_eq!((first.key.as_str(), first), ("key-1", again));
    assert_ne!(first.fingerprint, other.fingerprint);
    for bad in ["", "two words", &"x".repeat(256)] {
        assert_eq!(post(bad, "a").await.code(), "invalid_request", "{bad:?}");
    }
}
