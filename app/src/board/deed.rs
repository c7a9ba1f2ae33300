//! What a person does with a card, whichever way they ask for it. A move shows at once; when the server
//! refuses, the card goes back and the refusal is said where everyone notices it.

use std::{future::Future, time::Duration};

use leptos::{prelude::*, task::spawn_local};
use web_sys::wasm_bindgen::JsCast;

use super::{
    Ask, Desk,
    moves::{self, Deed, Place, Verdict},
    tile_of,
};
use crate::{
    api,
    error::Problem,
    model::{Card, CardId, Decision, NewCard, NewDecision, NewMove, ProjectEdit, ProjectId, Stage, TITLE_LIMIT},
};

/// How long a confirmed move is marked.
const FLASH: Duration = Duration::from_millis(700);

impl Desk {
    /// Does it, or asks first for what it needs.
    pub(super) fn perform(self, id: CardId, deed: Deed) {
        let Some(card) = self.live.peek(id) else { return };
        match deed {
            Deed::Open => open(id),
            Deed::Approve { with_override: true } => self.ask.set(Some(Ask::ApproveAnyway(id))),
            Deed::Approve { with_override: false } => self.approve(card, None),
            Deed::MoveTo { stage, .. } => self.move_or_ask(id, stage, None),
            Deed::SendBack => self.ask.set(Some(Ask::SendBack(id))),
            Deed::Retry => self.tell(card.title.clone(), "was not retried", "runs again.", async move {
                api::retry_card(id).await.map(drop)
            }),
            Deed::StopAgent => {
                let Some(agent) = card.agent else { return };
                let stopped = format!("'s {} is stopped.", agent.role.label().to_lowercase());
                self.tell(card.title, "keeps its agent", stopped, api::stop_agent(agent.id));
            }
            Deed::Place(place) => self.place(card, place),
            Deed::Select => self.toggle_selected(id),
            Deed::Edit => self.ask.set(Some(Ask::Edit(id))),
            Deed::Duplicate => self.duplicate(card),
            Deed::Archive => self.archive(card),
        }
    }

    /// Makes a new card of the same text in the backlog.
    fn duplicate(self, card: Card) {
        spawn_local(async move {
            match copy_of(card.id).await {
                Ok(copy) => {
                    let id = copy.id;
                    self.announcer.say(format!("{} is in the backlog.", copy.title));
                    self.live.accept(copy);
                    self.focus_soon(id);
                }
                Err(problem) => self.toasts.problem(format!("{} was not duplicated", card.title), &problem),
            }
        });
    }

    /// Archives a card and offers to take it back.
    pub(super) fn archive(self, card: Card) {
        let (id, title) = (card.id, card.title);
        spawn_local(async move {
            match api::archive_card(id).await {
                Ok(()) => {
                    let archived = format!("{title} is archived.");
                    self.announcer.say(format!("{archived} Undo is offered at the end of the page."));
                    self.toasts.offer(archived, "Undo", move || self.unarchive(id, title.clone()));
                }
                Err(problem) => self.toasts.problem(format!("{title} was not archived"), &problem),
            }
        });
    }

    fn unarchive(self, id: CardId, title: String) {
        spawn_local(async move {
            match api::restore_card(id).await {
                Ok(card) => {
                    self.announcer.say(format!("{title} is back in {}.", card.stage.label()));
                    self.live.accept(card);
                    self.focus_soon(id);
                }
                Err(problem) => self.toasts.problem(format!("{title} stays in the archive"), &problem),
            }
        });
    }

    /// Moves a card as the rules have it: at once, after a question, or not at all and saying why.
    pub(super) fn move_or_ask(self, id: CardId, to: Stage, before: Option<CardId>) {
        let Some(card) = self.live.peek(id) else { return };
        match moves::verdict(&card, to) {
            Verdict::Free => self.move_to(id, to, before, None),
            Verdict::NeedsOverride => self.ask.set(Some(Ask::Override { card: id, to, before })),
            Verdict::Refused(refusal) => {
                let title = format!("{} cannot move to {}", card.title, to.label());
                self.toasts.alert(title, refusal.words());
            }
        }
    }

    pub(super) fn move_to(self, id: CardId, to: Stage, before: Option<CardId>, override_reason: Option<String>) {
        let Some(card) = self.live.peek(id) else { return };
        let (from, position) = (card.stage, self.position(id, to, before));
        let pretence = self.live.pretend(id, |card| moves::foresee(card, to, position));
        self.focus_soon(id);
        let new = NewMove { to, reason: None, override_reason, before, version: Some(card.version) };
        spawn_local(async move {
            match api::move_card(id, new).await {
                Ok(_) => {
                    self.live.confirm(id, pretence);
                    self.announcer.say(moves::announcement(&card.title, from, to));
                    flash(id);
                }
                Err(problem) => {
                    self.live.restore(id, pretence);
                    self.toasts.problem(format!("{} stays in {}", card.title, from.label()), &problem);
                    self.focus_soon_if_there(id);
                }
            }
        });
    }

    /// Places a card before another one of its column, or last.
    pub(super) fn reorder(self, id: CardId, before: Option<CardId>) {
        let Some(card) = self.live.peek(id) else { return };
        let position = self.position(id, card.stage, before);
        let pretence = self.live.pretend(id, |card| card.position = position);
        self.focus_soon(id);
        spawn_local(async move {
            match api::order_card(id, before).await {
                Ok(placed) => {
                    self.live.accept(placed);
                    self.live.restore(id, pretence);
                    self.say_place(id);
                    flash(id);
                }
                Err(problem) => {
                    self.live.restore(id, pretence);
                    self.toasts.problem(format!("{} keeps its place", card.title), &problem);
                }
            }
        });
    }

    /// Moves a card within its column, among the cards that are shown.
    fn place(self, card: Card, place: Place) {
        let next = self.shown(card.stage).with_untracked(|ids| {
            let at = ids.iter().position(|id| *id == card.id)?;
            let others = || ids.iter().copied().filter(|id| *id != card.id);
            match place {
                Place::Up => Some(others().nth(at.checked_sub(1)?)),
                Place::Down if at + 1 < ids.len() => Some(others().nth(at + 1)),
                Place::Top if at > 0 => Some(others().next()),
                Place::Bottom if at + 1 < ids.len() => Some(None),
                _ => None,
            }
        });
        match next {
            Some(before) => self.reorder(card.id, before),
            None => self.say_place(card.id),
        }
    }

    /// "Fix login is 2 of 5 in Plan."
    fn say_place(self, id: CardId) {
        let Some(card) = self.live.peek(id) else { return };
        let (at, count) = self.live.column(card.stage).with_untracked(|ids| {
            let at = ids.iter().position(|other| *other == id).map_or(0, |at| at + 1);
            (at, ids.len())
        });
        self.announcer.say(format!("{} is {at} of {count} in {}.", card.title, card.stage.label()));
    }

    pub(super) fn approve(self, card: Card, override_reason: Option<String>) {
        let (id, from) = (card.id, card.stage);
        let decision = NewDecision {
            decision: Decision::Approve,
            gate_id: card.gate.as_ref().map(|gate| gate.id),
            to: None,
            comment: None,
            override_reason,
        };
        // Approving Ship lands the commit, which takes as long as it takes: nothing is pretended.
        let pretence = from.next().map_or(0, |to| {
            let position = self.position(id, to, None);
            let pretence = self.live.pretend(id, |card| moves::foresee(card, to, position));
            self.focus_soon(id);
            pretence
        });
        spawn_local(async move {
            match api::decide_gate(id, decision).await {
                Ok(_) => {
                    self.live.confirm(id, pretence);
                    self.announcer.say(match from.next() {
                        Some(to) => moves::announcement(&card.title, from, to),
                        None => format!("{} is approved and lands.", card.title),
                    });
                    flash(id);
                }
                Err(problem) => {
                    self.live.restore(id, pretence);
                    self.toasts.problem(format!("{} was not approved", card.title), &problem);
                    self.focus_soon_if_there(id);
                }
            }
        });
    }

    /// Sends a card back with a comment. Answers with the refusal, so that the dialog can show it and keep
    /// what was typed.
    pub(super) async fn send_back(self, card: Card, to: Stage, comment: String) -> Result<(), Problem> {
        let decision = NewDecision {
            decision: Decision::SendBack,
            gate_id: card.gate.as_ref().map(|gate| gate.id),
            to: Some(to),
            comment: Some(comment),
            override_reason: None,
        };
        api::decide_gate(card.id, decision).await?;
        self.announcer.say(format!("{} is sent back to {}.", card.title, to.label()));
        Ok(())
    }

    pub(super) fn trust(self, project: ProjectId) {
        let name = self.live.project(project).map(|project| project.name).unwrap_or_default();
        let edit = ProjectEdit { trusted: Some(true), ..ProjectEdit::default() };
        spawn_local(async move {
            match api::edit_project(project, edit).await {
                Ok(trusted) => {
                    self.live.projects().update(|projects| {
                        if let Some(known) = projects.iter_mut().find(|known| known.id == project) {
                            *known = trusted;
                        }
                    });
                    self.announcer.say(format!("{name} is trusted. Its cards can be worked on."));
                }
                Err(problem) => self.toasts.problem(format!("{name} is not trusted"), &problem),
            }
        });
    }

    /// Runs a request and says how it ended.
    fn tell(
        self,
        title: String,
        failed: &'static str,
        done: impl Into<String>,
        request: impl Future<Output = Result<(), Problem>> + 'static,
    ) {
        let done = done.into();
        spawn_local(async move {
            match request.await {
                Ok(()) if done.starts_with('\'') => self.announcer.say(format!("{title}{done}")),
                Ok(()) => self.announcer.say(format!("{title} {done}")),
                Err(problem) => self.toasts.problem(format!("{title} {failed}"), &problem),
            }
        });
    }

    /// The position before `before` in a column, or at its end.
    pub(super) fn position(self, id: CardId, stage: Stage, before: Option<CardId>) -> f64 {
        self.live.column(stage).with_untracked(|ids| {
            let others: Vec<CardId> = ids.iter().copied().filter(|other| *other != id).collect();
            let at = before.and_then(|before| others.iter().position(|other| *other == before)).unwrap_or(others.len());
            let position_of =
                |index: usize| others.get(index).and_then(|id| self.live.peek(*id)).map(|card| card.position);
            moves::between(at.checked_sub(1).and_then(position_of), position_of(at))
        })
    }

    /// Gives a card the focus back unless the person has gone elsewhere meanwhile.
    fn focus_soon_if_there(self, id: CardId) {
        let elsewhere = document().active_element().is_some_and(|element| {
            element.tag_name() != "BODY" && super::card_at(Some(element.into())).is_none_or(|(other, _)| other != id)
        });
        if !elsewhere {
            self.focus_soon(id);
        }
    }
}

/// A new card with a card's text, as the server made it.
async fn copy_of(id: CardId) -> Result<Card, Problem> {
    let card = api::read_card(id).await?;
    let new =
        NewCard { project_id: card.project_id, title: copy_title(&card.title), body: card.body.unwrap_or_default() };
    api::create_card(new).await
}

/// `Fix login (copy)`, shortened where the mark would not fit.
fn copy_title(title: &str) -> String {
    const MARK: &str = " (copy)";
    let kept: String = title.chars().take(TITLE_LIMIT - MARK.len()).collect();
    format!("{}{MARK}", kept.trim_end())
}

/// Follows the card's own link, so that the router, the history and a held key all behave as for a click.
fn open(id: CardId) {
    let link = tile_of(id).and_then(|tile| tile.query_selector(".tile-title").ok().flatten());
    if let Some(link) = link {
        link.unchecked_into::<web_sys::HtmlElement>().click();
    }
}

/// Marks a card for a moment: the server has agreed.
pub(super) fn flash(id: CardId) {
    request_animation_frame(move || {
        let Some(tile) = tile_of(id) else { return };
        let _ = tile.set_attribute("data-flash", "");
        set_timeout(move || drop(tile.remove_attribute("data-flash")), FLASH);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_told_apart_and_fits() {
        assert_eq!(copy_title("Fix login"), "Fix login (copy)");
        let long = copy_title(&"ä".repeat(TITLE_LIMIT));
        assert_eq!(long.chars().count(), TITLE_LIMIT);
        assert!(long.ends_with("ä (copy)"));
    }
}
