//! Whole-system tests: the built binary on a fresh data directory, with real repositories.

mod api;
mod autonomy;
mod bad_input;
mod codebase;
mod confined;
mod crash;
mod landing;
mod looping;
mod projects;
mod templates;

use serde_json::{Value, json};
use slipway_tests::{Client, Home, Repository, Server};

/// A card that replaces the greeting.
const GREET: &str = "```edit greeting.txt\n<<<<<<< SEARCH\nhello\n=======\ngood morning\n>>>>>>> REPLACE\n```\n";

/// A repository whose greeting cards can change.
fn greeting(home: &Home) -> Repository<'_> {
    Repository::new(home, "repo", &[("greeting.txt", "hello\n"), ("README.md", "# Greeting\n")])
}

/// A started server with the greeting repository as a project of these settings.
fn board(home: &Home, settings: Value) -> (Repository<'_>, Server, String) {
    let repository = greeting(home);
    let server = Server::start(home);
    let project = server.project(repository.text(), settings);
    (repository, server, project)
}

/// A card that has been approved as far as the agent of `stage`.
fn card_at(client: &Client, project: &str, body: &str, stage: &str) -> String {
    let card = client.card(project, "Greet", body);
    for at in ["plan", "build", "review", "ship"] {
        client.enter(&card, at);
        if at == stage {
            break;
        }
        client.gate(&card, at);
    }
    card
}

fn auto() -> Value {
    json!({ "gate_policy": "auto_when_green" })
}

/// A card whose only work is a command at Build.
fn sh(line: &str) -> String {
    format!("```sh\n{line}\n```\n")
}

/// An answer to the one open question about a card.
#[track_caller]
fn open_question(client: &Client, card: &str) -> Value {
    let open = client.all("/questions?state=open");
    let mut own = open.into_iter().filter(|question| question["card_id"] == card);
    own.next().expect("the card asks something")
}

#[track_caller]
fn answer(client: &Client, card: &str, option: &str) {
    let question = open_question(client, card);
    let id = question["id"].as_str().expect("an id");
    client.post(&format!("/questions/{id}/answer"), json!({ "option": option })).expect(200);
}
