//! What a card's commands cannot do, through the whole product.

use serde_json::json;
use slipway_tests::{Home, Server};

use crate::{GREET, greeting, sh};

#[test]
fn commands_see_neither_the_token_nor_the_network_and_cannot_write_git() {
    let home = Home::new();
    let repository = greeting(&home);
    let server = Server::start(&home);
    if server.get("/projects").is_null() {
        return;
    }
    let mode =
        slipway_tests::run_to_end(&home, &["doctor", "--json", "--data-dir", home.path().join("d").to_str().unwrap()]);
    if mode.stdout.contains("unsandboxed") {
        eprintln!("skipped: this machine confines nothing");
        return;
    }
    let port = server.url().rsplit(':').next().unwrap().to_owned();
    let data = home.data_dir();
    let tries = format!(
        "cat {data}/token > stolen.txt 2>/dev/null; (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null && touch connected.txt; \
         echo evil >> {repo}/.git/config; echo evil > .git; rm -f stolen.txt.empty; test -s stolen.txt || rm -f stolen.txt; true",
        data = data.display(),
        repo = repository.text(),
    );
    let before = std::fs::read(repository.path().join(".git/config")).unwrap();
    let project = server.project(repository.text(), json!({}));
    let card = server.card(&project, "Try", &format!("{GREET}{}", sh(&format!("bash -c '{tries}'"))));
    let shipped = server.ship(&card);
    let changed = repository.git(&["show", "--name-only", "--format=", shipped["commit"].as_str().unwrap()]);
    assert_eq!(changed, "greeting.txt");
    assert_eq!(std::fs::read(repository.path().join(".git/config")).unwrap(), before);
    repository.assert_sound();
}

#[test]
fn an_ignored_file_that_checks_need_is_brought_along() {
    let home = Home::new();
    let repository = greeting(&home);
    repository.write(".gitignore", ".env\ncache/\n");
    repository.commit("Ignore");
    repository.write(".env", "NAME=Ada\n");
    repository.write("cache/big", "1\n");
    let server = Server::start(&home);
    let project = json!({
        "bring": [{ "path": ".env", "mode": "copy" }, { "path": "cache", "mode": "share" }],
        "check_command": "grep -q Ada .env && test -f cache/big && ! echo x 2>/dev/null > cache/big",
    });
    let project = server.project(repository.text(), project);
    let card = server.card(&project, "Greet", GREET);
    server.ship(&card);
    assert_eq!(repository.git(&["ls-files"]), ".gitignore\nREADME.md\ngreeting.txt");
}
