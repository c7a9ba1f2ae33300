//! What scripts rely on: keys, cursors, streams, the headless run.

use serde_json::json;
use slipway_tests::{Home, run_to_end};

use crate::{GREET, auto, board, greeting};

#[test]
fn a_request_sent_twice_takes_effect_once() {
    let home = Home::new();
    let (_repository, server, project) = board(&home, json!({}));
    let new = json!({ "project_id": project, "title": "Once", "body": "" });
    let key = [("idempotency-key", "k-1")];
    let first = server.call_with("POST", "/cards", Some(&new), &key).expect(201);
    let again = server.call_with("POST", "/cards", Some(&new), &key).expect(201);
    assert_eq!(first, again);
    assert_eq!(server.all(&format!("/cards?project_id={project}")).len(), 1);
    let other = json!({ "project_id": project, "title": "Another", "body": "" });
    server.call_with("POST", "/cards", Some(&other), &key).expect_problem(409, "idempotency_key_reused");
}

#[test]
fn cursors_reach_everything_once() {
    let home = Home::new();
    let (_repository, server, project) = board(&home, json!({}));
    for n in 0..7 {
        server.card(&project, &format!("Card {n}"), "");
    }
    let mut titles = Vec::new();
    let mut path = format!("/cards?project_id={project}&limit=3");
    loop {
        let page = server.get(&path);
        titles.extend(page["items"].as_array().unwrap().iter().map(|card| card["title"].as_str().unwrap().to_owned()));
        assert!(page["items"].as_array().unwrap().iter().all(|card| card.get("body").is_none()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/cards?project_id={project}&limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(titles, (0..7).map(|n| format!("Card {n}")).collect::<Vec<_>>());
    server.call("GET", "/cards?limit=0", None).expect_problem(400, "invalid_request");
    server.call("GET", "/cards?cursor=zz", None).expect_problem(400, "invalid_request");
    assert_eq!(server.get("/cards?q=card%203")["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_stream_goes_on_where_it_was_left() {
    let home = Home::new();
    let (_repository, server, project) = board(&home, auto());
    let card = server.card(&project, "Greet", GREET);
    server.enter(&card, "plan");
    server.wait_for_end(&card, "shipped");
    let all: Vec<i64> = server.all("/events?limit=1000").iter().map(|event| event["seq"].as_i64().unwrap()).collect();
    let mut stream = server.stream("", None);
    let mut seen: Vec<i64> = (0..5).map(|_| stream.next_event().id).collect();
    drop(stream);
    let mut stream = server.stream("", seen.last().copied());
    while seen.len() < all.len() {
        seen.push(stream.next_event().id);
    }
    assert_eq!(seen, all, "without gap or repeat");
}

#[test]
fn a_card_ships_without_a_browser() {
    let home = Home::new();
    let repository = greeting(&home);
    let card = home.path().join("card.md");
    std::fs::write(&card, format!("# Greet in the morning\n\n{GREET}")).unwrap();
    let data = home.data_dir();
    let run = |more: &[&str]| {
        let mut words = vec!["run", "--repo", repository.text(), "--data-dir", data.to_str().unwrap(), "--card"];
        words.push(card.to_str().unwrap());
        words.extend(more);
        run_to_end(&home, &words)
    };
    let waits = run(&[]);
    assert_eq!(waits.status.code(), Some(3), "{waits:?}");
    let shipped = run(&["--yes", "--json"]);
    assert_eq!(shipped.status.code(), Some(0), "{shipped:?}");
    let account: serde_json::Value = serde_json::from_str(&shipped.stdout).unwrap();
    assert_eq!(account["commit"], repository.head());
    // The text that it replaces is gone now.
    let again = run(&["--yes"]);
    assert_eq!(again.status.code(), Some(3), "a red plan gate waits for a person: {again:?}");
    let wrong = run_to_end(&home, &["run", "--repo", "/nowhere", "--title", "x", "--data-dir", data.to_str().unwrap()]);
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
}
