//! What agents do, in a sentence.

use serde_json::Value;

use super::{
    Sentence,
    data::Data,
    excerpt::{detail, excerpt, one_line, pretty},
    figures::tokens_text,
    unknown,
};
use crate::model::Money;

pub(super) fn sentence(kind: &str, who: &str, data: &Data<'_>) -> Sentence {
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
        "agent.requeued" => format!("{who} queued again: the server was restarted.").into(),
        "agent.created" => match data.number("attempt") {
            Some(attempt @ 2..) => format!("{who} gets its workspace, attempt {attempt}.").into(),
            _ => format!("{who} gets its workspace.").into(),
        },
        "agent.started" | "agent.working" => format!("{who} started.").into(),
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
    Sentence { text, detail: input.map(pretty) }
}

fn tool_result(data: &Data<'_>) -> Sentence {
    let tool = data.text("tool").or_else(|| data.text("name")).unwrap_or("The tool");
    let ok = data.0.get("ok").and_then(Value::as_bool).unwrap_or(true);
    let text = format!("{tool} {}", if ok { "answered" } else { "failed" });
    Sentence { text, detail: data.text("output").filter(|output| !output.is_empty()).map(detail) }
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
