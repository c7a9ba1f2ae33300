//! What happened, in a sentence: every kind of event as people read it in a card's activity.
//!
//! What `data` holds is read leniently, and a kind that this page does not know yet is shown by its name:
//! the log must not lose a line because the server is newer than an open page.
//!
//! - [`agents`], [`moves`]: sentences by what they are about
//! - [`figures`]: counts, sizes and names

mod agents;
mod data;
mod excerpt;
pub mod figures;
mod moves;

use serde_json::Value;

use crate::model::{Agent, AgentId, ArtifactKind, Event, Role};
use data::Data;
use excerpt::{excerpt, pretty};
use figures::short_hash;
pub use moves::RETRY;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    pub text: String,
    /// More of it, for those who ask.
    pub detail: Option<String>,
}

impl From<String> for Sentence {
    fn from(text: String) -> Self {
        Sentence { text, detail: None }
    }
}

impl From<&str> for Sentence {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// What an event says. `role` is its agent's, where it has one.
pub fn sentence(event: &Event, role: Option<Role>) -> Sentence {
    let data = Data(&event.data);
    let who = role.or_else(|| data.role()).map_or("Agent", Role::label);
    match event.kind.as_str() {
        kind if kind.starts_with("agent.") => agents::sentence(kind, who, &data),
        kind if kind.starts_with("card.") => moves::card_sentence(kind, &data),
        kind if kind.starts_with("gate.") => moves::gate_sentence(kind, &data),
        "artifact.attached" => attached(who, &data).into(),
        "question.asked" => excerpt("Question: ", data.text("prompt").unwrap_or("see above")),
        "question.answered" => excerpt("Answered: ", data.text("answer").unwrap_or("yes")),
        "question.withdrawn" => "The question is no longer of interest.".into(),
        "ship.committed" => match data.text("commit").or_else(|| data.text("hash")) {
            Some(hash) => format!("Committed {}{}.", short_hash(hash), data.with(" on ", "branch")).into(),
            None => "Committed.".into(),
        },
        "ship.landed" => {
            format!("Landed{}.", data.with(" on ", if data.text("base").is_some() { "base" } else { "base_branch" }))
                .into()
        }
        "ship.landing_intended" => "Landing begins; a stop in the middle is finished at the next start.".into(),
        "ship.landing_refused" => excerpt("Not landed: ", data.text("reason").unwrap_or("see the card's notice")),
        "ship.pushed" => format!("Pushed{}.", data.with(" to ", "remote")).into(),
        "ship.push_failed" => excerpt("Not pushed: ", data.text("error").unwrap_or("see the card's notice")),
        "workspace.removed" => "Worktree removed: its work is in the repository.".into(),
        other => unknown(other, &data),
    }
}

fn attached(who: &str, data: &Data<'_>) -> String {
    let kind = data.text("kind").and_then(ArtifactKind::parse).map_or("an artifact", ArtifactKind::label);
    match data.number("version") {
        Some(version) => format!("{who} attached {kind}, version {version}."),
        None => format!("{who} attached {kind}."),
    }
}

/// An event of a kind that this page does not know, by its name.
fn unknown(kind: &str, data: &Data<'_>) -> Sentence {
    let detail = (!data.0.is_null() && data.0 != &Value::Object(Default::default())).then(|| pretty(data.0));
    Sentence { text: kind.replace(['.', '_'], " "), detail }
}

/// The role of an event's agent.
pub fn role_of(agents: &[Agent], id: Option<AgentId>) -> Option<Role> {
    let id = id?;
    agents.iter().find(|agent| agent.id == id).map(|agent| agent.role)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(kind: &str, data: Value) -> Sentence {
        let event = Event {
            seq: 1,
            at: Default::default(),
            kind: kind.to_owned(),
            project_id: None,
            card_id: None,
            agent_id: None,
            data,
        };
        sentence(&event, Some(Role::Builder))
    }

    fn check(kind: &str, data: Value, want: &str) {
        assert_eq!(said(kind, data).text, want);
    }

    #[test]
    fn events_read_as_sentences() {
        check("card.created", json!({}), "Card created.");
        check(
            "card.moved",
            json!({"from": "plan", "to": "build", "actor": "person"}),
            "Moved from Plan to Build by a person.",
        );
        check(
            "card.moved",
            json!({"from": "build", "to": "build", "actor": "policy", "reason": "tests fail"}),
            "Build started again by the gate's policy: tests fail",
        );
        check("agent.queued", json!({"engine": "playbook"}), "Builder queued on the playbook engine.");
        check("agent.created", json!({"attempt": 1}), "Builder gets its workspace.");
        check("agent.created", json!({"attempt": 3}), "Builder gets its workspace, attempt 3.");
        check("agent.held", json!({"waits_for": "Waits for a place"}), "Builder held back: Waits for a place.");
        check("card.notice", json!({"text": "not landed"}), "not landed");
        check(
            "agent.progress",
            json!({"percent": 40, "step": 2, "steps": 5, "doing": "src/lib.rs"}),
            "Builder at 40 %, step 2 of 5: src/lib.rs",
        );
        check("agent.failed", json!({"reason": "no plan"}), "Builder failed: no plan");
        check("artifact.attached", json!({"kind": "diff", "version": 2}), "Builder attached Diff, version 2.");
        check(
            "gate.opened",
            json!({"stage": "build", "checks": [{"passed": true}, {"passed": false}]}),
            "Build's gate opened, one check red.",
        );
        check(
            "gate.decided",
            json!({"stage": "plan", "state": "approved", "decided_by": "person"}),
            "Plan's gate approved by a person.",
        );
        check(
            "agent.usage",
            json!({"tokens": {"input": 12_400, "output": 940}, "cost_usd": "0.065", "context_used": 50, "context_size": 200}),
            "12.4k tokens in, 940 out, $0.07, context 25 %",
        );
        check("ship.committed", json!({"commit": "0123456789abcdef"}), "Committed 012345678.");
        check("ship.landed", json!({"base_branch": "main"}), "Landed on main.");
        check("moon.rose", json!({}), "moon rose");
    }

    #[test]
    fn data_of_any_shape_is_read() {
        for kind in [
            "card.moved",
            "agent.created",
            "agent.queued",
            "agent.held",
            "agent.progress",
            "agent.message",
            "agent.tool_call",
            "agent.tool_result",
            "agent.usage",
            "agent.failed",
            "artifact.attached",
            "gate.opened",
            "gate.decided",
            "question.asked",
            "ship.committed",
            "ship.landed",
            "",
            ".",
        ] {
            for data in [json!(null), json!([]), json!({"checks": 3, "text": 4, "stage": "moon", "input": 7})] {
                said(kind, data);
            }
        }
    }
}
