//! Killed and started again: every card goes on, and no commit is made twice.

use std::{thread, time::Duration};

use serde_json::json;
use slipway_tests::{Home, Repository, Server, eventually, marked_processes, until};

use crate::{auto, greeting, sh};

const SLOW: &str = "```edit greeting.txt\n<<<<<<< SEARCH\nhello\n=======\ngood morning\n>>>>>>> REPLACE\n```\n";

/// Kills the server while an agent of `stage` is at work, and expects one commit after the restart.
fn killed_during(stage: &str) {
    let home = Home::new();
    let repository = greeting(&home);
    let server = Server::start(&home);
    let mut project = auto();
    project["check_command"] = json!("sleep 0.4; grep -q morning greeting.txt");
    let project = server.project(repository.text(), project);
    let card = server.card(&project, "Greet", &format!("{SLOW}{}", sh("sleep 0.4")));
    server.enter(&card, "plan");
    until(stage, || Some(server.show(&card)).filter(|now| now["stage"] == stage));
    server.kill();

    let server = Server::start(&home);
    let shipped = server.wait_for_end(&card, "shipped");
    assert_eq!(repository.commits_of(&card), [shipped["commit"].as_str().unwrap()]);
    assert_eq!(repository.read("greeting.txt"), "good morning\n");
    let moves = server.all(&format!("/cards/{card}/transitions"));
    assert_eq!(moves.len(), 4, "no move is lost or made twice");
    let seqs: Vec<i64> = server.all("/events?limit=1000").iter().map(|event| event["seq"].as_i64().unwrap()).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]));
    eventually("clean-up", || repository.git(&["worktree", "list"]).lines().count() == 1);
    assert_eq!(marked_processes(home.path().to_str().unwrap()), Vec::<String>::new());
    repository.assert_sound();
}

#[test]
fn killed_during_plan() {
    killed_during("plan");
}

#[test]
fn killed_during_build() {
    killed_during("build");
}

#[test]
fn killed_during_review() {
    killed_during("review");
}

#[test]
fn killed_during_ship() {
    killed_during("ship");
}

#[test]
fn killed_again_and_again() {
    let home = Home::new();
    let repository = Repository::new(&home, "repo", &[("keep", "x\n")]);
    let mut server = Server::start(&home);
    let project = server.project(repository.text(), auto());
    let cards: Vec<String> = (0..4)
        .map(|n| {
            let body =
                format!("```edit new{n}.txt\n<<<<<<< SEARCH\n=======\n{n}\n>>>>>>> REPLACE\n```\n{}", sh("sleep 0.1"));
            let card = server.card(&project, &format!("New {n}"), &body);
            server.enter(&card, "plan");
            card
        })
        .collect();
    for round in 0..8_u64 {
        thread::sleep(Duration::from_millis(60 + 97 * round % 400));
        server.kill();
        server = Server::start(&home);
    }
    for card in &cards {
        server.wait_for_end(card, "shipped");
        assert_eq!(repository.commits_of(card).len(), 1);
    }
    repository.assert_sound();
}

#[test]
fn asked_to_stop_it_stops_and_goes_on_at_the_next_start() {
    let home = Home::new();
    let repository = greeting(&home);
    let server = Server::start(&home);
    let mut project = auto();
    project["check_command"] = json!("sleep 3");
    let project = server.project(repository.text(), project);
    let card = server.card(&project, "Greet", SLOW);
    server.enter(&card, "plan");
    until("Build", || Some(server.show(&card)).filter(|now| now["stage"] == "build" && now["status"] == "working"));
    let (status, after) = server.terminate();
    assert!(status.success() && after < Duration::from_secs(10), "{status} after {after:?}");
    assert_eq!(marked_processes(home.path().to_str().unwrap()), Vec::<String>::new());

    let server = Server::start(&home);
    let agents = server.all(&format!("/cards/{card}/agents"));
    assert!(agents.iter().all(|agent| agent["attempt"].as_i64().unwrap() <= 1), "a clean stop costs no attempt");
    server.wait_for_end(&card, "shipped");
}
