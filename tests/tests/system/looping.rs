//! A card's way from Plan to a commit, with a person at each gate.

use std::fs;

use serde_json::json;
use slipway_tests::{Home, Repository, Server, eventually, marked_processes};

use crate::{GREET, board, card_at, greeting, sh};

#[test]
fn a_card_goes_from_plan_to_a_landed_commit() {
    let home = Home::new();
    let repository = greeting(&home);
    let before = repository.head();
    let server = Server::start(&home);
    let project = server.project(repository.text(), json!({ "check_command": "grep -q morning greeting.txt" }));
    let card = server.card(&project, "Greet in the morning", GREET);
    assert_eq!(server.show(&card)["status"], "idle");
    let shipped = server.ship(&card);

    let commit = shipped["commit"].as_str().unwrap();
    assert_eq!(repository.head(), commit, "a base that has not moved is fast-forwarded");
    assert_eq!(repository.git(&["rev-parse", "HEAD^"]), before);
    assert_eq!(repository.read("greeting.txt"), "good morning\n", "the clean checkout follows");
    assert_eq!(repository.commits_of(&card), [commit]);
    assert_eq!(
        repository.git(&["log", "-1", "--format=%an <%ae> %cn <%ce>"]),
        "Ada Tester <ada@example.org> Ada Tester <ada@example.org>"
    );
    repository.assert_sound();

    for kind in ["plan", "diff", "check_report", "review", "commit"] {
        assert!(!server.artifact(&card, kind).is_empty(), "{kind}");
    }
    assert!(server.artifact(&card, "diff").contains("+good morning"));
    let moves: Vec<String> = server
        .all(&format!("/cards/{card}/transitions"))
        .iter()
        .map(|row| {
            format!(
                "{}>{} {}",
                row["from"].as_str().unwrap(),
                row["to"].as_str().unwrap(),
                row["outcome"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(moves, ["backlog>plan approved", "plan>build approved", "build>review approved", "review>ship shipped"]);
}

#[test]
fn agents_and_workspaces_are_gone_afterwards() {
    let home = Home::new();
    let (repository, server, project) = board(&home, json!({}));
    let card = card_at(&server, &project, GREET, "plan");
    server.gate(&card, "plan");
    assert!(repository.git(&["worktree", "list"]).lines().count() == 2, "the card has a worktree of its own");
    server.ship(&card);

    eventually("the worktree to be removed", || repository.git(&["worktree", "list"]).lines().count() == 1);
    eventually("the card's branch, now in the base, to be deleted", || {
        repository.git(&["branch", "--list", "slipway/*"]).is_empty()
    });
    assert_eq!(server.all("/agents"), Vec::<serde_json::Value>::new(), "none is live");
    let deleted = server.all("/agents?state=deleted");
    assert_eq!(deleted.len(), 4);
    for agent in deleted {
        assert_eq!(agent["status"], "complete");
        assert!(agent["deleted_at"].is_string());
    }
    assert_eq!(marked_processes(home.path().to_str().unwrap()), Vec::<String>::new());
    let agents = home.data_dir().join("agents");
    let left: Vec<_> =
        fs::read_dir(agents).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default();
    assert!(left.is_empty(), "agents left directories: {left:?}");
}

#[test]
fn a_comment_reaches_the_next_agent() {
    let home = Home::new();
    let (repository, server, project) = board(&home, json!({}));
    let card = card_at(&server, &project, GREET, "plan");
    let first = server.gate(&card, "plan");
    let back = json!({ "decision": "send_back", "comment": "Mind the late risers." });
    assert_eq!(server.decide(&card, back).expect(200)["state"], "sent_back");
    let second = server.gate(&card, "plan");
    assert_ne!(first["id"], second["id"]);
    let stale = json!({ "decision": "approve", "gate_id": first["id"] });
    server.decide(&card, stale).expect_problem(409, "stale_gate");
    let agents = server.all(&format!("/cards/{card}/agents"));
    assert_eq!(agents.len(), 2);
    assert_eq!(agents[1]["comment"], "Mind the late risers.");
    let agent = server.get(&format!("/agents/{}", agents[1]["id"].as_str().unwrap()));
    assert!(agent["prompt"].as_str().unwrap().contains("Mind the late risers."));
    server.ship(&card);
    assert_eq!(repository.read("greeting.txt"), "good morning\n");
}

#[test]
fn a_red_gate_takes_an_override_with_a_reason() {
    let home = Home::new();
    let (_repository, server, project) = board(&home, json!({ "check_command": "false" }));
    let card = card_at(&server, &project, GREET, "build");
    server.gate(&card, "build");
    let refused =
        server.post(&format!("/cards/{card}/moves"), json!({ "to": "review" })).expect_problem(409, "gate_closed");
    assert_eq!(refused["blocked_by"][0]["code"], "check_command", "{refused:#}");
    server.decide(&card, json!({ "decision": "approve" })).expect_problem(409, "gate_closed");
    let gate = server
        .decide(&card, json!({ "decision": "approve", "override_reason": "The check is known to be broken." }))
        .expect(200);
    assert_eq!((&gate["state"], &gate["reason"]), (&json!("overridden"), &json!("The check is known to be broken.")));
    server.gate(&card, "review");
}

#[test]
fn a_card_without_blocks_holds_at_its_plan() {
    let home = Home::new();
    let (repository, server, project) = board(&home, crate::auto());
    let empty = server.card(&project, "Do something", "Somehow.");
    let wrong = server.card(&project, "Edit what is not there", &GREET.replace("hello", "bonjour"));
    for card in [empty, wrong] {
        server.enter(&card, "plan");
        let gate = server.gate(&card, "plan");
        assert!(gate["checks"].as_array().unwrap().iter().any(|check| check["passed"] == false), "{gate:#}");
    }
    repository.assert_sound();
}

#[test]
fn a_stopped_stage_can_be_retried() {
    let home = Home::new();
    let (_repository, server, project) = board(&home, json!({}));
    // The first time it sleeps until it is stopped; a second run finds the mark outside its own worktree gone.
    let card = card_at(&server, &project, &sh("sleep 300"), "build");
    let working = server.wait(&card, "build", "working");
    server.post(&format!("/cards/{card}/moves"), json!({ "to": "review" })).expect_problem(409, "agent_working");
    let agent = working["agent"]["id"].as_str().unwrap().to_owned();
    assert!(server.delete(&format!("/agents/{agent}")).status < 300);
    let failed = slipway_tests::until("the stage to have failed", || {
        Some(server.show(&card)).filter(|card| card["status"] == "failed")
    });
    assert!(failed["reason"].is_string(), "{failed:#}");
    eventually("the agent's processes to be gone", || marked_processes(home.path().to_str().unwrap()).is_empty());
    assert_eq!(server.get(&format!("/agents/{agent}"))["status"], "cancelled");
    server.patch(&format!("/cards/{card}"), json!({ "body": sh("echo morning > greeting.txt") })).expect(200);
    server.post(&format!("/cards/{card}/retry"), json!({})).expect(202);
    server.gate(&card, "build");
    server.post(&format!("/cards/{card}/retry"), json!({})).expect_problem(409, "nothing_to_retry");
}

#[test]
fn moving_back_cancels_a_live_agent() {
    let home = Home::new();
    let (_repository, server, project) = board(&home, json!({}));
    let card = card_at(&server, &project, &sh("sleep 300"), "build");
    server.wait(&card, "build", "working");
    server.enter(&card, "backlog");
    assert_eq!(server.show(&card)["status"], "idle");
    eventually("no agent to be left", || server.all("/agents").is_empty());
    eventually("no process to be left", || marked_processes(home.path().to_str().unwrap()).is_empty());
}

#[test]
fn an_archived_card_comes_back() {
    let home = Home::new();
    let (repository, server, project) = board(&home, json!({}));
    let card = card_at(&server, &project, GREET, "plan");
    server.gate(&card, "plan");
    server.delete(&format!("/cards/{card}")).expect(204);
    let listed = |query: &str| server.all(&format!("/cards?project_id={project}{query}")).len();
    assert_eq!((listed(""), listed("&archived=true")), (0, 1));
    server.post(&format!("/cards/{card}/moves"), json!({ "to": "build" })).expect_problem(409, "archived");
    eventually("the worktree to be removed", || repository.git(&["worktree", "list"]).lines().count() == 1);
    assert!(server.post(&format!("/cards/{card}/restore"), json!({})).status < 300);
    assert_eq!((listed(""), listed("&archived=true")), (1, 0));
    let stage = server.show(&card)["stage"].as_str().unwrap().to_owned();
    if stage != "backlog" {
        server.enter(&card, "backlog");
    }
    server.ship(&card);
}

#[test]
fn every_kind_of_change_lands_as_it_was_planned() {
    let home = Home::new();
    let repository = Repository::new(
        &home,
        "repo",
        &[
            ("greeting.txt", "hello\r\nworld\r\n"),
            ("old name.txt", "moved along\nwith some lines\nto be found again\n"),
            ("gone.txt", "x\n"),
            ("src/a.rs", "let colour = 1;\n"),
            ("src/b.rs", "let colour = 2;\n"),
            ("p.txt", "one\ntwo\nthree\n"),
        ],
    );
    repository.write("logo.bin", [0u8, 159, 146, 150, 0, 255, 1]);
    repository.commit("Add a picture");
    let server = Server::start(&home);
    let project = server.project(repository.text(), json!({}));
    let body = format!(
        "{GREET}\n```move old name.txt -> new name.txt\n```\n```delete gone.txt\n```\n```replace src/**/*.rs\n/colour/color/\n```\n\
         ```edit made.txt\n<<<<<<< SEARCH\n=======\nfresh\n>>>>>>> REPLACE\n```\n\
         ```diff\n--- a/p.txt\n+++ b/p.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n```\n\
         ```sh\nprintf '\\000\\001\\377\\002' > logo.bin; printf '\\000new' > other.bin\n```\n"
    );
    let card = server.card(&project, "Everything", &body);
    server.ship(&card);
    assert_eq!(repository.read("greeting.txt"), "good morning\r\nworld\r\n", "line endings are kept");
    let changes = repository.git(&["show", "-M", "--name-status", "--format=", "HEAD"]);
    for line in [
        "R100\told name.txt\tnew name.txt",
        "D\tgone.txt",
        "A\tmade.txt",
        "M\tlogo.bin",
        "A\tother.bin",
        "M\tsrc/a.rs",
        "M\tsrc/b.rs",
        "M\tp.txt",
    ] {
        assert!(changes.lines().any(|change| change == line), "{line} is not in {changes}");
    }
    assert_eq!(fs::read(repository.path().join("logo.bin")).unwrap(), [0, 1, 255, 2]);
    assert_eq!(repository.read("src/b.rs"), "let color = 2;\n");
    repository.assert_sound();
}
