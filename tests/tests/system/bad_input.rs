//! What people and programs get wrong: a clear refusal, and nothing is lost.

use serde_json::json;
use slipway_tests::{Home, Server, marked_processes, run_to_end};

use crate::{GREET, board, card_at, greeting};

#[test]
fn unknown_ids_and_illegal_moves() {
    let home = Home::new();
    let (_repository, server, project) = board(&home, json!({}));
    let card = server.card(&project, "Greet", GREET);
    let nobody = "01900000-0000-7000-8000-000000000000";
    server.call("GET", &format!("/cards/{nobody}"), None).expect_problem(404, "not_found");
    server.call("GET", "/cards/seven", None).expect_problem(404, "not_found");
    let to = |stage: &str| server.post(&format!("/cards/{card}/moves"), json!({ "to": stage }));
    to("review").expect_problem(409, "stage_skipped");
    to("backlog").expect_problem(409, "same_stage");
    to("plan").expect(202);
    server.gate(&card, "plan");
    to("ship").expect_problem(409, "stage_skipped");
    server.ship(&card);
    to("plan").expect_problem(409, "already_shipped");
}

#[test]
fn bodies_that_are_none() {
    let home = Home::new();
    let (_repository, server, project) = board(&home, json!({}));
    let token = format!("Bearer {}", server.token());
    let post = |body: Vec<u8>, kind: &str| {
        server.raw("POST", "/api/v1/cards", &[("authorization", &token), ("content-type", kind)], body)
    };
    post(b"{\"title\": ".to_vec(), "application/json").expect_problem(400, "invalid_request");
    post(b"title=x".to_vec(), "application/x-www-form-urlencoded").expect_problem(415, "unsupported_media_type");
    let large = json!({ "project_id": project, "title": "Large", "body": "x".repeat(10 << 20) });
    post(large.to_string().into_bytes(), "application/json").expect_problem(413, "payload_too_large");
    let unknown = json!({ "project_id": project, "title": "T", "body": "", "colour": "red" });
    let problem = post(unknown.to_string().into_bytes(), "application/json").expect_problem(400, "invalid_request");
    assert!(problem["detail"].as_str().unwrap().contains("colour"), "{problem}");
    for title in ["", "   ", "two\nlines"] {
        let empty = json!({ "project_id": project, "title": title, "body": "" });
        post(empty.to_string().into_bytes(), "application/json").expect_problem(400, "invalid_request");
    }
    assert!(server.all(&format!("/cards?project_id={project}")).is_empty(), "nothing half-made stays");
    let title = "<script>alert(1)</script></title> & \"quotes\"";
    let card = server.card(&project, title, "<img src=x onerror=alert(1)>");
    assert_eq!(server.show(&card)["title"], title, "kept as it is");
    let page = server.raw("GET", &format!("/cards/{card}"), &[("authorization", &token)], Vec::new()).text();
    // In an attribute's value a `<` is only a character (HTML Standard, 13.1.2.3).
    assert!(!page.contains("><script>alert(1)") && !page.contains("><img src=x"), "shown escaped");
    let heading = page.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap();
    assert!(heading.contains("Slipway"), "the document's title is not ended by the card's: {heading}");
}

#[test]
fn repositories_that_are_none() {
    let home = Home::new();
    let repository = greeting(&home);
    let server = Server::start(&home);
    let nowhere = home.path().join("nowhere");
    let plain = home.path().join("plain");
    std::fs::create_dir(&plain).unwrap();
    for path in [&nowhere, &plain] {
        server.post("/projects", json!({ "path": path })).expect_problem(422, "not_a_repository");
    }
    server.project(repository.text(), json!({}));
    server.post("/projects", json!({ "path": repository.text() })).expect_problem(409, "already_registered");
    let engines = json!({ "path": repository.text(), "engines": { "plan": "anthropic" } });
    assert!(matches!(server.post("/projects", engines).status, 409 | 422));
}

#[test]
fn without_an_identity_the_card_says_what_to_run_and_goes_on_after() {
    let home = Home::without_identity();
    let named = Home::new();
    let repository = greeting(&named);
    let server = Server::start(&home);
    let project = server.project(repository.text(), json!({}));
    let card = server.card(&project, "Greet", GREET);
    server.enter(&card, "plan");
    for stage in ["plan", "build", "review"] {
        server.gate(&card, stage);
        server.decide(&card, json!({ "decision": "approve" })).expect(200);
    }
    let failed = server.wait_for_end(&card, "failed");
    assert!(failed["reason"].as_str().unwrap().contains("git config"), "{failed:#}");
    home.set_identity();
    server.post(&format!("/cards/{card}/retry"), json!({})).expect(202);
    server.gate(&card, "ship");
    server.decide(&card, json!({ "decision": "approve" })).expect(200);
    server.wait_for_end(&card, "shipped");
}

#[test]
fn a_taken_port_and_a_taken_directory() {
    let home = Home::new();
    let server = Server::start(&home);
    let second = run_to_end(&home, &["serve", "--port", "0", "--data-dir", home.data_dir().to_str().unwrap()]);
    assert_eq!(second.status.code(), Some(1));
    assert!(second.stderr.contains("another Slipway server"), "{second:?}");
    let port = server.url().rsplit(':').next().unwrap().to_owned();
    let elsewhere = home.path().join("elsewhere");
    let second = run_to_end(&home, &["serve", "--port", &port, "--data-dir", elsewhere.to_str().unwrap()]);
    assert_eq!(second.status.code(), Some(1));
    assert!(second.stderr.contains("--port"), "{second:?}");
    let remote = run_to_end(&home, &["--host", "0.0.0.0", "--data-dir", elsewhere.to_str().unwrap()]);
    assert_eq!(remote.status.code(), Some(2), "{remote:?}");
    assert!(remote.stderr.contains("--allow-remote"), "{remote:?}");
}

#[test]
fn a_check_command_that_never_ends_is_ended() {
    let home = Home::new();
    let repository = greeting(&home);
    let server = Server::start(&home);
    let project = json!({ "check_command": "(setsid sleep 600 &); sleep 600", "budget": { "wall_seconds": 1 } });
    let project = server.project(repository.text(), project);
    let card = card_at(&server, &project, GREET, "build");
    let gate = server.gate(&card, "build");
    let red = gate["checks"].as_array().unwrap().iter().find(|check| check["passed"] == false).unwrap();
    assert_eq!(red["name"], "check_command");
    assert_eq!(marked_processes(home.path().to_str().unwrap()), Vec::<String>::new());
}
