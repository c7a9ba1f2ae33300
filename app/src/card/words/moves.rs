//! What becomes of a card and its gates, in a sentence.

use super::{Sentence, data::Data, excerpt::excerpt, unknown};

/// The reason on record of a retry: "started again" says it already.
pub const RETRY: &str = "retry";

pub(super) fn card_sentence(kind: &str, data: &Data<'_>) -> Sentence {
    match kind {
        "card.created" => "Card created.".into(),
        "card.edited" | "card.updated" => "Card edited.".into(),
        "card.archived" => "Card archived.".into(),
        "card.restored" => "Card restored from the archive.".into(),
        "card.ordered" => "Card placed within its column.".into(),
        "card.moved" => moved(data),
        "card.notice" => excerpt("", data.text("text").unwrap_or("…")),
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
    match data.text("reason").filter(|reason| *reason != RETRY) {
        Some(reason) => excerpt(&format!("{lead}: "), reason),
        None => format!("{lead}.").into(),
    }
}

pub(super) fn gate_sentence(kind: &str, data: &Data<'_>) -> Sentence {
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
