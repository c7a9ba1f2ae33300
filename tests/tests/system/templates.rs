//! Templates: texts that a project's cards often start from.

use serde_json::json;
use slipway_tests::{Home, Repository, Server};

use crate::board;

#[test]
fn a_template_is_kept_changed_and_deleted() {
    let home = Home::new();
    let (_repository, server, project) = board(&home, json!({}));
    let of_project = format!("/projects/{project}/templates");
    let new = json!({ "name": " Bug report ", "title": "Fix ", "body": "What happens:\n" });
    let made = server.post(&of_project, new.clone()).expect(201);
    assert_eq!((made["name"].as_str(), made["body"].as_str()), (Some("Bug report"), Some("What happens:\n")));
    let same = json!({ "name": "BUG REPORT" });
    let problem = server.post(&of_project, same).expect_problem(400, "invalid_request");
    assert!(problem["detail"].as_str().unwrap().contains("Bug report"), "{problem}");
    server.post(&of_project, json!({ "name": " " })).expect_problem(400, "invalid_request");
    server.post(&of_project, json!({ "name": "Adopt", "title": "Adopt " })).expect(201);
    let names: Vec<String> =
        server.all(&of_project).iter().map(|template| template["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["Adopt", "Bug report"]);
    assert!(server.all(&of_project).iter().all(|template| template.get("body").is_none()));

    let id = made["id"].as_str().unwrap();
    let renamed = server.patch(&format!("/templates/{id}"), json!({ "name": "bug Report" })).expect(200);
    assert_eq!((renamed["name"].as_str(), renamed["title"].as_str()), (Some("bug Report"), Some("Fix")));
    server.patch(&format!("/templates/{id}"), json!({ "name": "adopt" })).expect_problem(400, "invalid_request");
    assert_eq!(server.get(&format!("/templates/{id}"))["body"], "What happens:\n");
    server.delete(&format!("/templates/{id}")).expect(204);
    server.call("GET", &format!("/templates/{id}"), None).expect_problem(404, "not_found");
    server.delete(&format!("/templates/{id}")).expect_problem(404, "not_found");
    let kinds: Vec<String> = server
        .all("/events?limit=1000")
        .iter()
        .filter_map(|event| event["kind"].as_str().filter(|kind| kind.starts_with("template.")).map(str::to_owned))
        .collect();
    assert_eq!(kinds, ["template.created", "template.created", "template.changed", "template.deleted"]);
}

#[test]
fn a_template_belongs_to_its_project() {
    let home = Home::new();
    let (_repository, server, project) = board(&home, json!({}));
    let other = Repository::new(&home, "other", &[("a.txt", "a\n")]);
    let elsewhere = server.project(other.text(), json!({}));
    server.post(&format!("/projects/{project}/templates"), json!({ "name": "Mine" })).expect(201);
    server.post(&format!("/projects/{elsewhere}/templates"), json!({ "name": "Mine" })).expect(201);
    assert_eq!(server.all(&format!("/projects/{elsewhere}/templates")).len(), 1);
    let nobody = "01900000-0000-7000-8000-000000000000";
    server.call("GET", &format!("/projects/{nobody}/templates"), None).expect_problem(404, "not_found");
}

#[test]
fn templates_outlive_a_kill() {
    let home = Home::new();
    let (_repository, server, project) = board(&home, json!({}));
    server.post(&format!("/projects/{project}/templates"), json!({ "name": "Kept" })).expect(201);
    server.kill();
    let server = Server::start(&home);
    assert_eq!(server.all(&format!("/projects/{project}/templates"))[0]["name"], "Kept");
}
