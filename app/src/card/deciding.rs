//! A person's decision at the open gate: what has been typed for it, and sending it.
//!
//! It outlives the gate that was looked at. When somebody else decides first, or the card moves on, what was
//! typed stays, and so does the refusal that says so.

use leptos::prelude::*;

use super::{
    ask::Ask,
    focus_heading,
    remarks::{Remarks, message},
    story::Story,
};
use crate::{
    api::decide_gate,
    error::{ErrorCode, Problem},
    model::{Decision, Gate, NewDecision, Stage},
    ui::{announcer::Announcer, storage},
};

/// A text that is kept across reloads until it is sent.
#[derive(Clone, Copy)]
pub struct Draft {
    text: RwSignal<String>,
    key: StoredValue<String>,
}

impl Draft {
    fn new(key: String) -> Self {
        let draft = Draft { text: RwSignal::new(String::new()), key: StoredValue::new(key) };
        // Read after hydration: the server's first view has none.
        Effect::new(move |_| {
            if let Some(kept) = storage::read(&draft.key.get_value()) {
                draft.text.set(kept);
            }
        });
        draft
    }

    pub fn text(self) -> RwSignal<String> {
        self.text
    }

    pub fn write(self, text: String) {
        storage::write(&self.key.get_value(), &text);
        self.text.set(text);
    }

    /// Whether nothing is typed.
    pub fn is_blank(self) -> bool {
        self.text.with(|text| text.trim().is_empty())
    }

    fn said(self) -> Option<String> {
        Some(self.text.get_untracked().trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn forget(self) {
        // The page may be gone by now.
        if let Some(key) = self.key.try_get_value() {
            storage::forget(&key);
        }
        self.text.try_set(String::new());
    }
}

/// From context.
#[derive(Clone, Copy)]
pub struct Deciding {
    story: Story,
    announcer: Announcer,
    remarks: Remarks,
    pub comment: Draft,
    pub override_reason: Draft,
    /// Whether the override reason is asked for, where a check is red.
    pub overriding: RwSignal<bool>,
    /// Where a send-back goes, where a person has chosen.
    pub chosen: RwSignal<Option<Stage>>,
    pub ask: Ask,
}

impl Deciding {
    pub fn provide(story: Story, remarks: Remarks) -> Self {
        let card = story.now(|story| story.card.id);
        let deciding = Deciding {
            story,
            announcer: expect_context(),
            remarks,
            comment: Draft::new(format!("slipway.comment.{card}")),
            override_reason: Draft::new(format!("slipway.override.{card}")),
            overriding: RwSignal::new(false),
            chosen: RwSignal::new(None),
            ask: Ask::new(),
        };
        provide_context(deciding);
        deciding
    }

    /// Whether the field for an override reason shows.
    pub fn is_overriding(self) -> bool {
        self.overriding.get() || !self.override_reason.is_blank()
    }

    /// Approves; at a red gate only with a reason, which is asked for first.
    pub fn approve(self) {
        let Some(gate) = self.open_gate() else { return };
        let reason = self.override_reason.said().filter(|_| !gate.is_green());
        if !gate.is_green() && reason.is_none() {
            if self.overriding.get_untracked() {
                let detail = "A check is red. Say why the card may pass all the same: the reason stays on record.";
                self.ask.refuse(Problem::new(ErrorCode::GateClosed, detail));
            }
            self.overriding.set(true);
            return;
        }
        let new = NewDecision {
            decision: Decision::Approve,
            gate_id: Some(gate.id),
            to: None,
            comment: self.comment.said(),
            override_reason: reason,
        };
        self.send(&gate, new);
    }

    /// Sends back with the comment and every comment on a line.
    pub fn send_back(self) {
        let Some(gate) = self.open_gate() else { return };
        let comment = self.comment.said().unwrap_or_default();
        let comment = self.remarks.all().with_untracked(|all| message(&comment, all));
        let new = NewDecision {
            decision: Decision::SendBack,
            gate_id: Some(gate.id),
            to: Some(target(gate.stage, self.chosen.get_untracked())),
            comment: Some(comment).filter(|comment| !comment.is_empty()),
            override_reason: None,
        };
        self.send(&gate, new);
    }

    fn open_gate(self) -> Option<Gate> {
        self.story.now(|story| story.card.gate.clone())
    }

    fn send(self, gate: &Gate, new: NewDecision) {
        let (card, title) = self.story.now(|story| (story.card.id, story.card.title.clone()));
        let back = new.decision == Decision::SendBack;
        let sentence = outcome_sentence(&title, gate.stage, new.to);
        self.ask.send_or(
            decide_gate(card, new),
            move |_| {
                self.comment.forget();
                self.override_reason.forget();
                self.overriding.try_set(false);
                self.chosen.try_set(None);
                if back {
                    self.remarks.forget();
                }
                self.announcer.say(sentence);
                self.story.reload();
                focus_heading();
            },
            move |problem| {
                if matches!(problem.code, ErrorCode::StaleGate | ErrorCode::NoOpenGate) {
                    self.story.reload();
                }
            },
        );
    }
}

/// Where a send-back from a stage goes: where a person chose, if it can go there.
pub fn target(stage: Stage, chosen: Option<Stage>) -> Stage {
    let nearest = stage.send_back_target().unwrap_or(stage);
    chosen.filter(|chosen| *chosen > Stage::Backlog && *chosen <= nearest).unwrap_or(nearest)
}

/// What is announced when the server has agreed. `back` is where the card was sent back to.
fn outcome_sentence(title: &str, stage: Stage, back: Option<Stage>) -> String {
    match (back, stage.next()) {
        (Some(back), _) => format!("{title} sent back to {}.", back.label()),
        (None, Some(next)) => format!("{title} moved from {} to {}.", stage.label(), next.label()),
        (None, None) => format!("{title} approved. Its commit lands now."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_holds_where_it_can() {
        assert_eq!(target(Stage::Ship, Some(Stage::Plan)), Stage::Plan);
        assert_eq!(target(Stage::Plan, Some(Stage::Build)), Stage::Plan);
        assert_eq!(target(Stage::Review, None), Stage::Build);
    }

    #[test]
    fn outcomes_are_announced() {
        assert_eq!(outcome_sentence("Fix", Stage::Plan, None), "Fix moved from Plan to Build.");
        assert_eq!(outcome_sentence("Fix", Stage::Review, Some(Stage::Plan)), "Fix sent back to Plan.");
        assert_eq!(outcome_sentence("Fix", Stage::Ship, None), "Fix approved. Its commit lands now.");
    }
}
