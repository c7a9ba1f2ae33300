//! Projects come, change and go; the repository stays as it was.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::json;
use slipway_tests::{Home, Server, eventually, until};

use crate::{GREET, greeting, sh};

/// Every file below `at` with its bytes, git's objects aside: those only grow, and git itself collects them.
fn everything(at: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![at.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if path.ends_with(".git/objects") => {}
                true => left.push(path),
                false => drop(found.insert(path.display().to_string(), fs::read(&path).unwrap())),
            }
        }
    }
    found
}

#[test]
fn removing_a_project_leaves_the_repository_byte_for_byte() {
    let home = Home::new();
    let repository = greeting(&home);
    // What a person has open: a branch of their own, a staged change, one that is not, and a new file.
    repository.git(&["checkout", "--quiet", "-b", "topic"]);
    repository.write("README.md", "# Greeting, staged\n");
    repository.git(&["add", "README.md"]);
    repository.write("greeting.txt", "hello, unstaged\n");
    repository.write("notes.txt", "mine\n");
    repository.git(&["config", "user.name", "Grace"]);
    let before = everything(repository.path());

    let server = Server::start(&home);
    let project = server.project(repository.text(), json!({ "base_branch": "main" }));
    let built = server.card(&project, "Greet", GREET);
    server.enter(&built, "plan");
    server.wait(&built, "plan", "needs_approval");
    server.enter(&built, "build");
    server.wait(&built, "build", "needs_approval");
    let working = server.card(&project, "Sleep", &sh("sleep 600"));
    server.enter(&working, "plan");
    server.wait(&working, "plan", "needs_approval");
    server.enter(&working, "build");
    until("the builder to be at work", || Some(()).filter(|()| server.show(&working)["status"] == "working"));
    assert_ne!(everything(repository.path()), before, "worktrees, a branch and a snapshot are there");

    let path = format!("/projects/{project}");
    server.delete(&path).expect_problem(409, "project_in_use");
    assert_eq!(server.show(&working)["status"], "working", "a refusal changes nothing");
    server.delete(&format!("{path}?stop_agents=true&discard_work=true")).expect(204);

    assert_eq!(everything(repository.path()), before);
    assert!(server.all("/agents?state=live").is_empty());
    assert!(server.all("/projects").iter().all(|other| other["id"] != project.as_str()));
    assert!(server.all(&format!("/cards?project_id={project}")).is_empty());
    assert!(server.show(&built)["archived_at"].is_string(), "its history is kept");
    assert!(!server.story(&built).is_empty());
    server.post(&format!("/cards/{built}/restore"), json!({})).expect_problem(404, "not_found");
    repository.git(&["fsck", "--strict", "--no-dangling"]);
}

#[test]
fn work_that_has_not_landed_stays_unless_someone_says_otherwise() {
    let home = Home::new();
    let repository = greeting(&home);
    let server = Server::start(&home);
    let project = server.project(repository.text(), json!({ "land": "branch" }));
    let card = server.card(&project, "Greet", GREET);
    let shipped = server.ship(&card);
    let branch = shipped["branch"].as_str().unwrap();
    server.delete(&format!("/projects/{project}")).expect(204);
    assert_eq!(repository.git(&["rev-parse", branch]), shipped["commit"].as_str().unwrap());
    eventually("the worktree to go", || repository.git(&["worktree", "list"]).lines().count() == 1);

    // The same repository again: its cards must not take over the branch that is still there.
    let again = server.project(repository.text(), json!({}));
    assert_ne!(again, project);
    let card = server.card(&again, "Greet", GREET);
    assert_eq!(server.show(&card)["number"], 2);
}
