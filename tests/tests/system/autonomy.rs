//! Many cards at once, and gates that decide by themselves.

use std::collections::HashSet;

use serde_json::{Value, json};
use slipway_tests::{Home, Repository, Server, until};

use crate::{GREET, auto, board, greeting, sh};

#[test]
fn green_gates_carry_a_card_to_its_commit() {
    let home = Home::new();
    let (repository, server, project) = board(&home, auto());
    let card = server.card(&project, "Greet", GREET);
    server.enter(&card, "plan");
    let shipped = server.wait_for_end(&card, "shipped");
    assert_eq!(repository.head(), shipped["commit"]);
    for gate in server.all(&format!("/cards/{card}/gates")) {
        assert_eq!((&gate["state"], &gate["decided_by"]), (&json!("approved"), &json!("policy")));
    }
}

#[test]
fn a_policy_per_stage_leaves_the_others_to_a_person() {
    let home = Home::new();
    let repository = greeting(&home);
    let server = Server::start(&home);
    let policy = json!({ "gate_policy": { "plan": "auto_when_green", "build": "auto_when_green" } });
    let project = server.project(repository.text(), policy);
    let card = server.card(&project, "Greet", GREET);
    server.enter(&card, "plan");
    let gate = until("the gate of Review", || {
        Some(server.show(&card)).filter(|card| card["stage"] == "review" && card["status"] == "needs_approval")
    });
    assert_eq!(gate["gate"]["state"], "open");
}

/// The check is green for the builder and red for the reviewer, whose checkout lies elsewhere.
#[test]
fn automatic_send_backs_end() {
    let home = Home::new();
    let repository = greeting(&home);
    let server = Server::start(&home);
    let mut project = auto();
    // A builder's run leaves a mark that its snapshot does not have, so only a fresh checkout fails.
    project["check_command"] = json!("test -e built-here");
    let project = server.project(repository.text(), project);
    repository.write(".gitignore", "built-here\n");
    repository.commit("Ignore the mark");
    let card = server.card(&project, "Greet", &format!("{GREET}\n{}", sh("touch built-here")));
    server.enter(&card, "plan");
    let stuck = until("the card to ask a person", || {
        Some(server.show(&card)).filter(|card| {
            card["status"] == "needs_approval" && card["stage"] == "review" && {
                let backs = server.all(&format!("/cards/{}/transitions", card["id"].as_str().unwrap()));
                backs.iter().filter(|row| row["actor"] == "policy" && row["from"] == "review").count() >= 3
            }
        })
    });
    assert!(stuck["gate"]["checks"].as_array().unwrap().iter().any(|check| check["passed"] == false));
    std::thread::sleep(std::time::Duration::from_secs(1));
    let backs = server.all(&format!("/cards/{card}/transitions"));
    assert_eq!(backs.iter().filter(|row| row["from"] == "review" && row["actor"] == "policy").count(), 3);
}

#[test]
fn never_more_agents_than_the_cap() {
    let home = Home::new();
    let first = greeting(&home);
    let second = Repository::new(&home, "other", &[("greeting.txt", "hello\n")]);
    let server = Server::start(&home);
    let mut capped = auto();
    capped["wip"] = json!(1);
    let projects = [server.project(first.text(), capped), server.project(second.text(), auto())];
    let mut cards = Vec::new();
    for number in 0..8 {
        let body = sh(&format!("sleep 0.5; echo {number} > file-{number}.txt"));
        cards.push(server.card(&projects[number % 2], &format!("Card {number}"), &body));
    }
    for card in &cards {
        server.enter(card, "plan");
    }
    let waits = until("a queued card that says what it waits for", || {
        cards
            .iter()
            .map(|card| server.show(card))
            .find(|card| card["status"] == "queued" && card["agent"]["waits_for"].is_string())
    });
    assert!(waits["agent"]["waits_for"].as_str().unwrap().contains("place"), "{waits:#}");
    for card in &cards {
        server.wait_for_end(card, "shipped");
    }
    let events = server.all("/events?limit=1000");
    let (overall, in_first) = most_at_work(&events, &projects[0]);
    assert!((2..=4).contains(&overall), "{overall} agents were at work at once: {}", at_work(&events));
    assert_eq!(in_first, 1, "the project's own cap");
    for repository in [&first, &second] {
        repository.assert_sound();
    }
}

/// The most agents that had been created and not deleted at once: over all, and in one project.
fn most_at_work(events: &[Value], project: &str) -> (usize, usize) {
    let (mut live, mut own) = (HashSet::new(), HashSet::new());
    let (mut most, mut most_own) = (0, 0);
    for event in events {
        let Some(agent) = event["agent_id"].as_str() else { continue };
        match event["kind"].as_str().unwrap() {
            "agent.started" => {
                live.insert(agent.to_owned());
                if event["project_id"] == project {
                    own.insert(agent.to_owned());
                }
            }
            "agent.completed" | "agent.failed" | "agent.deleted" | "agent.cancelled" => {
                live.remove(agent);
                own.remove(agent);
            }
            _ => {}
        }
        most = most.max(live.len());
        most_own = most_own.max(own.len());
    }
    (most, most_own)
}

/// The agents' coming and going in one line, for a test that fails.
fn at_work(events: &[Value]) -> String {
    let words = events.iter().filter(|event| event["agent_id"].is_string()).map(|event| {
        let agent = event["agent_id"].as_str().unwrap();
        format!("{}:{}", &agent[agent.len() - 4..], event["kind"].as_str().unwrap())
    });
    words.filter(|word| !word.contains("progress") && !word.contains("usage")).collect::<Vec<_>>().join(" ")
}
