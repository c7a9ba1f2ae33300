//! A real code base: unpacked crates under git, over 500 files, with a crate's own tests as check command and
//! a change across many files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use slipway_tests::{Home, Repository, Server};

/// The crate whose own tests are the check: no dependencies of its own are needed for them.
const TESTED: &str = "heck-0.5";
/// Crates that fill the repository.
const OTHERS: [&str; 3] = ["syn-2", "regex-syntax-0.8", "tokio-1"];

fn sources() -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let registry = cargo.join("registry/src");
    let entries = fs::read_dir(&registry).unwrap_or_else(|error| panic!("{}: {error}", registry.display()));
    entries.flatten().map(|entry| entry.path()).find(|path| path.join(".").is_dir()).expect("crates are unpacked here")
}

fn unpacked(prefix: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir(sources())
        .expect("crates are unpacked here")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix)))
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| panic!("{prefix}… is among this workspace's dependencies, so cargo unpacks it"))
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-r").arg(from).arg(to).status().expect("cp runs").success());
}

#[test]
fn a_change_across_many_files_ships_with_the_crates_own_tests() {
    let home = Home::new();
    let repository = Repository::empty(&home, "crates");
    copy(&unpacked(TESTED), &repository.path().join("heck"));
    fs::create_dir(repository.path().join("more")).unwrap();
    for other in OTHERS {
        copy(&unpacked(other), &repository.path().join("more"));
    }
    // A crate of its own, whatever lies around it.
    let manifest = repository.path().join("heck/Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, format!("{text}\n[workspace]\n")).unwrap();
    fs::write(repository.path().join(".gitignore"), "target/\nCargo.lock\n").unwrap();
    repository.commit("Unpack some crates");
    let files = repository.git(&["ls-files"]).lines().count();
    assert!(files > 500, "{files} files");

    let server = Server::start(&home);
    let project =
        json!({ "gate_policy": "auto_when_green", "check_command": "cd heck && cargo test --offline --quiet --lib" });
    let project = server.project(repository.text(), project);
    let body = "Spell the import out.\n\n```replace more/**/*.rs\n/^use std::sync::Arc;$/use std::sync::{Arc};/m\n```\n\n```replace heck/src/lib.rs\n/#!\\[no_std\\]/#![no_std] \\/\\/ as it was/\n```\n";
    let card = server.card(&project, "Spell imports out", body);
    server.enter(&card, "plan");
    let shipped = server.wait_for_end(&card, "shipped");
    let changed = repository.git(&["show", "--name-only", "--format=", shipped["commit"].as_str().unwrap()]);
    assert!(changed.lines().count() > 40, "{} files changed", changed.lines().count());
    assert!(server.artifact(&card, "check_report").contains("test result: ok"));
    repository.assert_sound();
}
