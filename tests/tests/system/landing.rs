//! Where commits land, and what stands in their way.

use serde_json::{Value, json};
use slipway_tests::{Client, Home, Repository, Server, eventually, until};

use crate::{GREET, answer, board, greeting, open_question};

/// All gates but Ship's decide by themselves.
fn up_to_ship(more: Value) -> Value {
    let mut project = json!({
        "gate_policy": { "plan": "auto_when_green", "build": "auto_when_green", "review": "auto_when_green" },
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        project[key] = value.clone();
    }
    project
}

fn to_ship_gate(server: &Client, project: &str) -> String {
    let card = server.card(project, "Greet", GREET);
    server.enter(&card, "plan");
    until("Ship's gate", || {
        Some(server.show(&card)).filter(|now| now["stage"] == "ship" && now["status"] == "needs_approval")
    });
    card
}

fn approve(server: &Client, card: &str) {
    server.decide(card, json!({ "decision": "approve" })).expect(200);
}

#[test]
fn a_branch_may_be_left_where_it_is() {
    let home = Home::new();
    let repository = greeting(&home);
    let before = repository.head();
    let server = Server::start(&home);
    let project = server.project(repository.text(), json!({ "land": "branch" }));
    let card = server.card(&project, "Greet", GREET);
    let shipped = server.ship(&card);
    assert_eq!(repository.head(), before, "the base has not moved");
    let branch = shipped["branch"].as_str().unwrap();
    assert_eq!(repository.git(&["rev-parse", branch]), shipped["commit"].as_str().unwrap());
    eventually("the worktree to go", || repository.git(&["worktree", "list"]).lines().count() == 1);
    assert_eq!(repository.git(&["rev-parse", branch]), shipped["commit"].as_str().unwrap(), "work is not tidied away");
}

#[test]
fn a_base_that_moved_is_merged_and_the_merge_is_checked() {
    let home = Home::new();
    let (repository, server, project) = board(&home, up_to_ship(json!({ "check_command": "test ! -e broken" })));
    let card = to_ship_gate(&server, &project);
    repository.write("other.txt", "meanwhile\n");
    repository.commit("Meanwhile");
    approve(&server, &card);
    let shipped = server.wait_for_end(&card, "shipped");
    let parents = repository.git(&["rev-list", "--parents", "-1", "HEAD"]);
    assert_eq!(parents.split(' ').count(), 3, "a merge commit");
    assert!(parents.ends_with(shipped["commit"].as_str().unwrap()));
    assert_eq!(repository.read("greeting.txt"), "good morning\n");
    assert_eq!(repository.read("other.txt"), "meanwhile\n");
    assert_eq!(repository.commits_of(&card).len(), 1, "the merge commit carries no trailers of its own");
    repository.assert_sound();

    // Now a merge that no check has seen breaks: the base brought the file that fails the check.
    repository.write("greeting.txt", "hello\n");
    repository.commit("Back to hello");
    let card = to_ship_gate(&server, &project);
    repository.write("broken", "x\n");
    repository.commit("Break it");
    let base = repository.head();
    approve(&server, &card);
    let asked = server.wait_for_end(&card, "waiting");
    assert!(asked["reason"].as_str().unwrap().contains("check command fails"), "{asked:#}");
    assert_eq!(repository.head(), base, "a red merge lands nowhere");
}

#[test]
fn uncommitted_work_is_never_touched() {
    let home = Home::new();
    let (repository, server, project) = board(&home, up_to_ship(json!({})));
    let card = to_ship_gate(&server, &project);
    let base = repository.head();
    repository.write("README.md", "# Half a thought\n");
    approve(&server, &card);
    let asked = server.wait_for_end(&card, "waiting");
    assert!(asked["reason"].as_str().unwrap().contains("README.md"), "{asked:#}");
    assert_eq!(repository.head(), base);
    assert_eq!(repository.read("README.md"), "# Half a thought\n");
    let bad = open_question(&server, &card);
    let id = bad["id"].as_str().unwrap();
    server
        .post(&format!("/questions/{id}/answer"), json!({ "option": "no_such" }))
        .expect_problem(400, "invalid_request");

    repository.git(&["checkout", "-q", "README.md"]);
    answer(&server, &card, "try_again");
    server.wait_for_end(&card, "shipped");
    assert_eq!(repository.read("greeting.txt"), "good morning\n");
    server
        .post(&format!("/questions/{id}/answer"), json!({ "option": "try_again" }))
        .expect_problem(409, "already_answered");
    repository.assert_sound();
}

#[test]
fn a_conflict_is_shown_with_its_files_and_asks_for_a_decision() {
    let home = Home::new();
    let (repository, server, project) = board(&home, up_to_ship(json!({})));
    let card = to_ship_gate(&server, &project);
    repository.write("greeting.txt", "hello\nand welcome\n");
    repository.commit("Welcome");
    approve(&server, &card);
    let asked = server.wait_for_end(&card, "waiting");
    assert!(asked["reason"].as_str().unwrap().contains("`greeting.txt`"), "{asked:#}");
    // The same work still applies to the base as it is now.
    answer(&server, &card, "build_again");
    until("Ship's gate again", || {
        Some(server.show(&card)).filter(|now| now["stage"] == "ship" && now["status"] == "needs_approval")
    });
    approve(&server, &card);
    server.wait_for_end(&card, "shipped");
    assert_eq!(repository.read("greeting.txt"), "good morning\nand welcome\n");
    assert_eq!(repository.commits_of(&card).len(), 1);
}

#[test]
fn the_base_is_pushed_with_the_users_own_git() {
    let home = Home::new();
    let repository = greeting(&home);
    let bare = home.path().join("remote.git");
    repository.git(&["init", "-q", "--bare", bare.to_str().unwrap()]);
    repository.git(&["remote", "add", "origin", bare.to_str().unwrap()]);
    repository.write(".git/hooks/pre-push", "#!/bin/sh\nexit 1\n");
    repository.git(&["config", "core.hooksPath", ".git/hooks"]);
    let server = Server::start(&home);
    let project = server.project(repository.text(), json!({ "push_remote": "origin" }));
    let card = server.card(&project, "Greet", GREET);
    let shipped = server.ship(&card);
    eventually("the push", || server.story(&card).iter().any(|event| event["kind"] == "ship.pushed"));
    assert_eq!(repository.git(&["ls-remote", "origin", "main"]).split('\t').next(), shipped["commit"].as_str());
}

#[test]
fn another_worktree_of_the_users_follows_too() {
    let home = Home::new();
    let repository = greeting(&home);
    repository.git(&["checkout", "-q", "-b", "elsewhere"]);
    let side = home.path().join("side");
    repository.git(&["worktree", "add", "-q", side.to_str().unwrap(), "main"]);
    let server = Server::start(&home);
    let project = server.project(repository.text(), json!({ "base_branch": "main" }));
    let card = server.card(&project, "Greet", GREET);
    server.ship(&card);
    assert_eq!(std::fs::read_to_string(side.join("greeting.txt")).unwrap(), "good morning\n");
    assert_eq!(repository.read("greeting.txt"), "hello\n", "another branch is checked out there");
}

#[test]
fn binary_and_renamed_files_go_through() {
    let home = Home::new();
    let repository = Repository::new(&home, "repo", &[("old name.txt", "a\nb\nc\nd\n"), ("keep", "x\n")]);
    repository.write("picture.bin", [0u8, 159, 146, 150, 0, 1]);
    repository.commit("A picture");
    let server = Server::start(&home);
    let project = server.project(repository.text(), json!({ "setup_command": "echo litter > litter.txt" }));
    let body = "```move old name.txt -> new name.txt\n```\n```sh\nprintf '\\000\\001\\002' > picture.bin; chmod +x keep\n```\n";
    let card = server.card(&project, "Rename", body);
    server.ship(&card);
    let changed = repository.git(&["show", "--summary", "--name-status", "-M", "--format=", "HEAD"]);
    assert!(changed.contains("old name.txt\tnew name.txt") && changed.contains("picture.bin"), "{changed}");
    assert!(!changed.contains("litter"), "what set-up leaves behind is no work: {changed}");
    assert_eq!(repository.git(&["ls-files", "-s", "keep"]).split(' ').next(), Some("100755"));
    repository.assert_sound();
}
