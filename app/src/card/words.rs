//! What happened, in a sentence: every kind of event as people read it in a card's activity.
//!
//! What `data` holds is read leniently, and a kind that this page does not know yet is shown by its name:
//! the log must not lose a line because the server is newer than an open page.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{AgentId, Artifact, ArtifactKind, Event, Money, Role, Stage, agent_text_enum as text_enum};

/// Characters of a text that is shown before one has to ask for the rest.
const EXCERPT: usize = 240;
/// Characters of a text that is shown at all; the transcript holds the whole.
const DETAIL: usize = 8_000;

text_enum! {
    /// What a reader can narrow the activity to.
    Topic {
        /// The card itself: moves, gates, questions, artifacts, landing.
        Card = "card",
        /// Agents coming, ending and going, and how far they are.
        Agents = "agents",
        Messages = "messages",
        Tools = "tools",
        Usage = "usage",
    }
}

impl Topic {
    pub fn of(kind: &str) -> Topic {
        match kind {
            "agent.message" | "agent.thought" => Topic::Messages,
            "agent.tool_call" | "agent.tool_result" | "agent.command" => Topic::Tools,
            "agent.usage" => Topic::Usage,
            _ if kind.starts_with("agent.") => Topic::Agents,
            _ => Topic::Card,
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Topic::Card => "Card",
            Topic::Agents => "Agents",
            Topic::Messages => "Messages",
            Topic::Tools => "Tools",
            Topic::Usage => "Usage",
        }
    }
}

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
        kind if kind.starts_with("agent.") => agent_sentence(kind, who, &data),
        kind if kind.starts_with("card.") => card_sentence(kind, &data),
        kind if kind.starts_with("gate.") => gate_sentence(kind, &data),
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
        "workspace.removed" => "Worktree removed: its work is in the repository.".into(),
        other => unknown(other, &data),
    }
}

fn agent_sentence(kind: &str, who: &str, data: &Data<'_>) -> Sentence {
    let because = |verb: &str| -> Sentence {
        match data.text("reason").or_else(|| data.text("error")) {
            Some(reason) => excerpt(&format!("{who} {verb}: "), reason),
            None => format!("{who} {verb}.").into(),
        }
    };
    match kind {
        "agent.queued" => {
            let engine = data.with(" on the ", "engine");
            let engine = if engine.is_empty() { engine } else { format!("{engine} engine") };
            format!("{who} queued{engine}.").into()
        }
        "agent.held" => format!("{who} held back{}.", data.with(": ", "waits_for")).into(),
        "agent.created" => match data.number("attempt") {
            Some(attempt) if attempt > 1 => format!("{who} created, attempt {attempt}.").into(),
            _ => format!("{who} created.").into(),
        },
        "agent.started" | "agent.working" => format!("{who} started.").into(),
        "agent.creating" => format!("{who} is being set up.").into(),
        "agent.progress" => progress(who, data).into(),
        "agent.message" => excerpt("", data.text("text").or_else(|| data.text("message")).unwrap_or("…")),
        "agent.thought" => excerpt("Thinks: ", data.text("text").or_else(|| data.text("thought")).unwrap_or("…")),
        "agent.tool_call" => tool_call(data),
        "agent.tool_result" => tool_result(data),
        "agent.usage" => usage(data).into(),
        "agent.waiting" => because("waits"),
        "agent.completed" => format!("{who} finished.").into(),
        "agent.failed" => because("failed"),
        "agent.cancelled" => because("was stopped"),
        "agent.timed_out" => because("ran out of time"),
        "agent.over_budget" => because("reached its budget"),
        "agent.deleted" => format!("{who} deleted: no process, session or file of it is left.").into(),
        other => unknown(other, data),
    }
}

fn card_sentence(kind: &str, data: &Data<'_>) -> Sentence {
    match kind {
        "card.created" => "Card created.".into(),
        "card.edited" | "card.updated" => "Card edited.".into(),
        "card.archived" => "Card archived.".into(),
        "card.restored" => "Card restored from the archive.".into(),
        "card.ordered" => "Card placed within its column.".into(),
        "card.moved" => moved(data),
        other => unknown(other, data),
    }
}

fn moved(data: &Data<'_>) -> Sentence {
    let by = match data.text("actor") {
        Some("person") => " by a person",
        Some("policy") => " by the gate's policy",
        Some("orchestrator") => " by the orchestrator",
        _ => "",
    };
    let lead = match (data.stage("from"), data.stage("to")) {
        (Some(from), Some(to)) if from == to => format!("{} started again{by}", to.label()),
        (Some(from), Some(to)) => format!("Moved from {} to {}{by}", from.label(), to.label()),
        (_, Some(to)) => format!("Moved to {}{by}", to.label()),
        _ => format!("Moved{by}"),
    };
    match data.text("reason") {
        Some(reason) => excerpt(&format!("{lead}: "), reason),
        None => format!("{lead}.").into(),
    }
}

fn gate_sentence(kind: &str, data: &Data<'_>) -> Sentence {
    let gate = match data.stage("stage") {
        Some(stage) => format!("{}'s gate", stage.label()),
        None => "The gate".to_owned(),
    };
    match kind {
        "gate.opened" => match data.red_checks() {
            Some(0) => format!("{gate} opened, every check green.").into(),
            Some(1) => format!("{gate} opened, one check red.").into(),
            Some(red) => format!("{gate} opened, {red} checks red.").into(),
            None => format!("{gate} opened.").into(),
        },
        "gate.decided" | "gate.withdrawn" => {
            let decided = match data.text("state").or_else(|| data.text("decision")).unwrap_or("withdrawn") {
                "approved" | "approve" => "approved",
                "sent_back" | "send_back" => "sent back",
                "overridden" => "approved over a red check",
                _ => "withdrawn",
            };
            let by = match data.text("decided_by") {
                Some("person") => " by a person",
                Some("policy") => " by its policy",
                _ => "",
            };
            match data.text("reason").or_else(|| data.text("comment")) {
                Some(reason) => excerpt(&format!("{gate} {decided}{by}: "), reason),
                None => format!("{gate} {decided}{by}.").into(),
            }
        }
        other => unknown(other, data),
    }
}

fn attached(who: &str, data: &Data<'_>) -> String {
    let kind = data.text("kind").and_then(ArtifactKind::parse).map_or("an artifact", ArtifactKind::label);
    match data.number("version") {
        Some(version) => format!("{who} attached {kind}, version {version}."),
        None => format!("{who} attached {kind}."),
    }
}

fn progress(who: &str, data: &Data<'_>) -> String {
    let percent = data.number("percent").or_else(|| data.number("progress"));
    let step = match (data.number("step"), data.number("steps")) {
        (Some(step), Some(steps)) if steps > 0 => format!(", step {step} of {steps}"),
        _ => String::new(),
    };
    let doing = data.with(": ", "doing");
    match percent {
        Some(percent) => format!("{who} at {percent} %{step}{doing}"),
        None => format!("{who} works{step}{doing}"),
    }
}

fn tool_call(data: &Data<'_>) -> Sentence {
    let tool = data.text("tool").or_else(|| data.text("name")).unwrap_or("a tool");
    let input = data.0.get("input").filter(|input| !input.is_null());
    let brief = input.and_then(|input| {
        // The one argument that says what it is about, if there is one.
        ["path", "command", "pattern", "query", "glob"].into_iter().find_map(|key| input.get(key)?.as_str())
    });
    let text = match brief {
        Some(brief) => format!("{tool} {}", one_line(brief)),
        None => tool.to_owned(),
    };
    Sentence { text, detail: input.map(|input| clip(&pretty(input), DETAIL)) }
}

fn tool_result(data: &Data<'_>) -> Sentence {
    let tool = data.text("tool").or_else(|| data.text("name")).unwrap_or("The tool");
    let ok = data.0.get("ok").and_then(Value::as_bool).unwrap_or(true);
    let text = format!("{tool} {}", if ok { "answered" } else { "failed" });
    Sentence {
        text,
        detail: data.text("output").filter(|output| !output.is_empty()).map(|output| clip(output, DETAIL)),
    }
}

fn usage(data: &Data<'_>) -> String {
    let tokens = data.0.get("tokens").unwrap_or(data.0);
    let count = |key: &str| tokens.get(key).and_then(Value::as_i64).unwrap_or_default();
    let cost = data.text("cost_usd").and_then(|cost| cost.parse::<Money>().ok());
    let cost = cost.or_else(|| data.number("cost_nanos").map(Money::from_nanos)).unwrap_or_default();
    let context = match (data.number("context_used"), data.number("context_size")) {
        (Some(used), Some(size)) if size > 0 => format!(", context {} %", used * 100 / size),
        _ => String::new(),
    };
    format!(
        "{} tokens in, {} out, {}{context}",
        tokens_text(count("input")),
        tokens_text(count("output")),
        cost.to_cents()
    )
}

fn unknown(kind: &str, data: &Data<'_>) -> Sentence {
    let detail = (!data.0.is_null() && data.0 != &Value::Object(Default::default())).then(|| pretty(data.0));
    Sentence { text: kind.replace(['.', '_'], " "), detail: detail.map(|detail| clip(&detail, DETAIL)) }
}

/// An event's data, read by field.
struct Data<'a>(&'a Value);

impl<'a> Data<'a> {
    fn text(&self, key: &str) -> Option<&'a str> {
        self.0.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.0.get(key)?.as_i64()
    }

    fn stage(&self, key: &str) -> Option<Stage> {
        Stage::parse(self.text(key)?)
    }

    fn role(&self) -> Option<Role> {
        Role::parse(self.text("role")?)
    }

    fn red_checks(&self) -> Option<usize> {
        let checks = self.0.get("checks")?.as_array()?;
        Some(checks.iter().filter(|check| check.get("passed") == Some(&Value::Bool(false))).count())
    }

    /// `lead` and the text, or nothing.
    fn with(&self, lead: &str, key: &str) -> String {
        self.text(key).map(|text| format!("{lead}{}", one_line(text))).unwrap_or_default()
    }
}

/// The first line of a text, and the rest for those who ask.
fn excerpt(lead: &str, text: &str) -> Sentence {
    let first = one_line(text);
    let whole = text.trim();
    let detail = (first != whole).then(|| clip(whole, DETAIL));
    Sentence { text: format!("{lead}{first}"), detail }
}

fn one_line(text: &str) -> String {
    clip(text.trim().lines().next().unwrap_or_default(), EXCERPT)
}

fn clip(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// A commit's hash as git abbreviates it.
pub fn short_hash(hash: &str) -> &str {
    hash.get(..9).unwrap_or(hash)
}

/// A count of tokens: `940`, `12.4k`, `3.1M`.
pub fn tokens_text(count: i64) -> String {
    match count {
        ..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{:.1}k", (count / 100) as f64 / 10.0),
        _ => format!("{:.1}M", (count / 100_000) as f64 / 10.0),
    }
}

/// A size in bytes, by thousands as file managers count.
pub fn bytes_text(count: i64) -> String {
    match count {
        ..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}

/// `check_command_passes` → `Check command passes`.
pub fn plain_name(name: &str) -> String {
    let name = name.replace('_', " ");
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The role of an event's agent.
pub fn role_of(agents: &[crate::model::Agent], id: Option<AgentId>) -> Option<Role> {
    let id = id?;
    agents.iter().find(|agent| agent.id == id).map(|agent| agent.role)
}

/// An artifact as one names it in a sentence: `Plan v2`.
pub fn artifact_name(artifact: &Artifact) -> String {
    format!("{} v{}", artifact.kind.label(), artifact.version)
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
        check("agent.created", json!({"role": "builder", "attempt": 1}), "Builder created.");
        check("agent.created", json!({"role": "builder", "attempt": 2}), "Builder created, attempt 2.");
        check("agent.held", json!({"waits_for": "Waits for a place"}), "Builder held back: Waits for a place.");
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
    fn long_texts_keep_their_rest() {
        let long = said("agent.message", json!({"text": "first\nsecond"}));
        assert_eq!((long.text.as_str(), long.detail.as_deref()), ("first", Some("first\nsecond")));
        assert_eq!(said("agent.message", json!({"text": "short"})).detail, None);
        let call = said("agent.tool_call", json!({"tool": "read_file", "input": {"path": "src/lib.rs"}}));
        assert_eq!(call.text, "read_file src/lib.rs");
        assert!(call.detail.is_some());
        let huge = said("agent.message", json!({"text": "ä".repeat(DETAIL * 2)}));
        assert!(huge.text.chars().count() <= EXCERPT + 1 && huge.detail.unwrap().chars().count() <= DETAIL + 1);
    }

    #[test]
    fn data_of_any_shape_is_read() {
        for kind in [
            "card.moved",
            "agent.created",
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

    #[test]
    fn figures_are_short() {
        for (count, want) in [(0, "0"), (999, "999"), (12_449, "12.4k"), (999_999, "999.9k"), (3_100_000, "3.1M")] {
            assert_eq!(tokens_text(count), want);
        }
        for (count, want) in [(12, "12 B"), (1_500, "1.5 kB"), (2_000_000, "2.0 MB")] {
            assert_eq!(bytes_text(count), want);
        }
        assert_eq!(plain_name("diff_not_empty"), "Diff not empty");
        assert_eq!(plain_name(""), "");
    }
}
