//! What is pressed in the inbox: approve, send back, answer, retry. A refusal is told in the matter it is
//! about, and nothing typed is lost.

use std::future::Future;

use leptos::{html, prelude::*, task::spawn_local};
use web_sys::{Element, EventTarget, HtmlElement, HtmlTextAreaElement, wasm_bindgen::JsCast};

use crate::{
    api,
    card::api::answer_question,
    error::Problem,
    model::{CardId, Decision, GateId, NewAnswer, NewDecision, QuestionId},
    ui::{announcer::Announcer, fragment::around, storage, ticked::ticked_html},
};

#[derive(Clone, Copy)]
pub(super) struct Desk {
    list: NodeRef<html::Ul>,
    announcer: Announcer,
    refresh: Callback<()>,
}

impl Desk {
    pub(super) fn new(list: NodeRef<html::Ul>, refresh: Callback<()>) -> Self {
        Desk { list, announcer: expect_context(), refresh }
    }

    /// Carries out what a pressed button says.
    pub(super) fn press(self, target: Option<EventTarget>) {
        let Some((button, act)) = around(target, "data-act") else { return };
        let Some(matter) = button.closest("[data-key]").ok().flatten() else { return };
        if matter.has_attribute("aria-busy") {
            return;
        }
        let title = matter.get_attribute("data-title").unwrap_or_default();
        let id = |name: &str| matter.get_attribute(name).unwrap_or_default();
        let words = typed(&matter);
        match (act.as_str(), id("data-card").parse::<CardId>()) {
            ("approve", Ok(card)) => {
                let decision = decision(Decision::Approve, &id("data-gate"), None);
                self.send(matter, format!("{title} is approved."), api::decide_gate(card, decision));
            }
            ("send-back", Ok(card)) => match words {
                None => tell(&matter, "Say what should be different: the next agent reads it."),
                words => {
                    let decision = decision(Decision::SendBack, &id("data-gate"), words);
                    self.send(matter, format!("{title} is sent back."), api::decide_gate(card, decision));
                }
            },
            ("retry", Ok(card)) => self.send(matter, format!("{title} is tried again."), api::retry_card(card)),
            ("answer", _) => {
                let Ok(question) = id("data-question").parse::<QuestionId>() else { return };
                let option = button.get_attribute("data-option");
                let answer = NewAnswer { text: if option.is_none() { words } else { None }, option };
                if answer == NewAnswer::default() {
                    return tell(&matter, "Write an answer first.");
                }
                self.send(matter, format!("{title}: answered."), answer_question(question, answer));
            }
            _ => {}
        }
    }

    fn send<T: 'static>(
        self,
        matter: Element,
        done: String,
        request: impl Future<Output = Result<T, Problem>> + 'static,
    ) {
        // An attribute of an element at hand cannot be refused.
        let _ = matter.set_attribute("aria-busy", "true");
        spawn_local(async move {
            let result = request.await;
            let _ = matter.remove_attribute("aria-busy");
            match result {
                Ok(_) => {
                    forget_draft(&matter);
                    self.announcer.say(done);
                    focus_next(&matter);
                    matter.remove();
                }
                Err(problem) => tell(&matter, &problem.detail),
            }
            if self.list.try_get_untracked().is_some() {
                self.refresh.run(());
            }
        });
    }
}

fn decision(decision: Decision, gate: &str, comment: Option<String>) -> NewDecision {
    NewDecision { decision, gate_id: gate.parse::<GateId>().ok(), to: None, comment, override_reason: None }
}

fn field(matter: &Element) -> Option<HtmlTextAreaElement> {
    Some(matter.query_selector("textarea").ok()??.unchecked_into())
}

fn typed(matter: &Element) -> Option<String> {
    Some(field(matter)?.value().trim().to_owned()).filter(|text| !text.is_empty())
}

fn forget_draft(matter: &Element) {
    if let Some(key) = field(matter).and_then(|field| field.get_attribute("data-draft")) {
        storage::forget(&key);
    }
}

/// Says in the matter what is wrong.
fn tell(matter: &Element, detail: &str) {
    if let Ok(Some(place)) = matter.query_selector("[data-refusal]") {
        place.set_inner_html(&format!("<p class=\"field-error\" role=\"alert\">{}</p>", ticked_html(detail)));
    }
}

/// The focus goes to the matter after the one that is settled, else to the heading.
fn focus_next(matter: &Element) {
    let next = matter.next_element_sibling().or_else(|| matter.previous_element_sibling());
    let link = next.and_then(|next| next.query_selector("a").ok().flatten());
    match link {
        Some(link) => drop(link.unchecked_into::<HtmlElement>().focus()),
        None => focus("#inbox"),
    }
}

pub(super) fn focus(selector: &str) {
    if let Ok(Some(element)) = document().query_selector(selector) {
        let _ = element.unchecked_into::<HtmlElement>().focus();
    }
}
