//! What a person does with several cards at once. Each goes by its own rules, one after the other; what is
//! refused is said card by card, and stays selected.

use leptos::task::spawn_local;

use super::{
    Desk,
    moves::{self, Verdict},
};
use crate::{
    api,
    model::{Card, CardId, NewMove, Stage},
};

/// A card that stayed, and why.
type Refusal = (CardId, String);

impl Desk {
    /// Moves every card that may go, to the end of the column, in their order.
    pub(super) fn move_all(self, cards: Vec<CardId>, to: Stage) {
        let count = cards.len();
        let mut refusals: Vec<Refusal> = Vec::new();
        let mut going: Vec<(Card, u32)> = Vec::new();
        for card in cards.into_iter().filter_map(|id| self.live.peek(id)) {
            match moves::verdict(&card, to) {
                Verdict::Free => {
                    let position = self.position(card.id, to, None);
                    let pretence = self.live.pretend(card.id, |card| moves::foresee(card, to, position));
                    going.push((card, pretence));
                }
                Verdict::NeedsOverride => {
                    let why = "its gate is red. Move it by itself and say why.";
                    refusals.push((card.id, format!("{}: {why}", card.title)));
                }
                Verdict::Refused(refusal) => refusals.push((card.id, format!("{}: {}", card.title, refusal.words()))),
            }
        }
        if let Some((card, _)) = going.first() {
            self.focus_soon(card.id);
        }
        spawn_local(async move {
            for (card, pretence) in going {
                let new =
                    NewMove { to, reason: None, override_reason: None, before: None, version: Some(card.version) };
                match api::move_card(card.id, new).await {
                    Ok(_) => {
                        self.live.confirm(card.id, pretence);
                        super::deed::flash(card.id);
                    }
                    Err(problem) => {
                        self.live.restore(card.id, pretence);
                        refusals.push((card.id, format!("{}: {}", card.title, problem.detail)));
                    }
                }
            }
            self.report(
                count,
                &refusals,
                &format!("moved to {}", to.label()),
                &format!("did not move to {}", to.label()),
            );
        });
    }

    /// Places cards of one column before another one of it, or last, in their order.
    pub(super) fn place_all(self, cards: Vec<CardId>, before: Option<CardId>) {
        let count = cards.len();
        spawn_local(async move {
            let mut refusals: Vec<Refusal> = Vec::new();
            for id in cards {
                match api::order_card(id, before).await {
                    Ok(placed) => {
                        self.live.accept(placed);
                        super::deed::flash(id);
                    }
                    Err(problem) => refusals.push((id, problem.detail)),
                }
            }
            self.report(count, &refusals, "placed anew", "kept their place");
        });
    }

    pub(super) fn archive_all(self, cards: Vec<CardId>) {
        let count = cards.len();
        spawn_local(async move {
            let mut refusals: Vec<Refusal> = Vec::new();
            for card in cards.into_iter().filter_map(|id| self.live.peek(id)) {
                if let Err(problem) = api::archive_card(card.id).await {
                    refusals.push((card.id, format!("{}: {}", card.title, problem.detail)));
                }
            }
            self.report(count, &refusals, "archived", "were not archived");
        });
    }

    /// Says how it went, and leaves selected what stayed.
    fn report(self, count: usize, refusals: &[Refusal], done: &str, failed: &str) {
        let went = count - refusals.len();
        self.selection.keep(|id| refusals.iter().any(|(refused, _)| *refused == id));
        if went > 0 {
            self.announcer.say(format!("{} {done}.", cards(went)));
        }
        if !refusals.is_empty() {
            let title = format!("{} of {} {failed}", refusals.len(), cards(count));
            let why: Vec<&str> = refusals.iter().map(|(_, why)| why.as_str()).collect();
            self.toasts.alert(title, why.join("\n"));
        }
    }
}

fn cards(count: usize) -> String {
    if count == 1 { "1 card".to_owned() } else { format!("{count} cards") }
}
