//! One card in the store: what is true, what is shown, and what a move under way pretends.

use leptos::prelude::*;

use crate::model::{Card, CardId, Stage};

/// A card shown as it is not yet.
struct Pretence {
    card: Card,
    /// The true card's version when the pretence began; a later one ends a confirmed pretence.
    since: i64,
    confirmed: bool,
}

pub(super) struct Entry {
    pub(super) shown: ArcRwSignal<Card>,
    truth: Card,
    pretence: Option<Pretence>,
}

impl Entry {
    pub(super) fn new(card: Card) -> Self {
        Entry { shown: ArcRwSignal::new(card.clone()), truth: card, pretence: None }
    }

    /// The card to show: the pretence while there is one.
    pub(super) fn to_show(&self) -> Card {
        self.visible().clone()
    }

    fn visible(&self) -> &Card {
        self.pretence.as_ref().map_or(&self.truth, |pretence| &pretence.card)
    }

    pub(super) fn stage(&self) -> Stage {
        self.visible().stage
    }

    /// Where the card shows: stage and position in it.
    pub(super) fn place(&self) -> (Stage, f64) {
        (self.visible().stage, self.visible().position)
    }

    pub(super) fn pretend(&mut self, change: impl FnOnce(&mut Card)) {
        let mut card = self.visible().clone();
        change(&mut card);
        self.pretence = Some(Pretence { card, since: self.truth.version, confirmed: false });
    }

    pub(super) fn confirm(&mut self) {
        if let Some(pretence) = &mut self.pretence {
            pretence.confirmed = true;
        }
        self.end_if_overtaken();
    }

    pub(super) fn restore(&mut self) {
        self.pretence = None;
    }

    /// Takes over the card as the server has it. An older version than the known one is late news.
    pub(super) fn learn(&mut self, card: Card) {
        if card.version >= self.truth.version {
            self.truth = card;
        }
        self.end_if_overtaken();
    }

    fn end_if_overtaken(&mut self) {
        if self.pretence.as_ref().is_some_and(|pretence| pretence.confirmed && self.truth.version > pretence.since) {
            self.pretence = None;
        }
    }
}

/// The ids of the cards that show in `stage`, by position; equal positions by age, so that the order is total.
pub(super) fn ordered<'a>(entries: impl Iterator<Item = &'a Entry>, stage: Stage) -> Vec<CardId> {
    let mut cards: Vec<&Card> = entries.map(Entry::visible).filter(|card| card.stage == stage).collect();
    cards.sort_by(|a, b| a.position.total_cmp(&b.position).then(a.id.cmp(&b.id)));
    cards.into_iter().map(|card| card.id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::moves::tests::card;

    #[test]
    fn a_refused_move_goes_back_to_what_is_true_by_then() {
        let mut entry = Entry::new(card(1, Stage::Backlog));
        entry.pretend(|card| card.stage = Stage::Plan);
        assert_eq!(entry.stage(), Stage::Plan);
        let mut edited = card(1, Stage::Backlog);
        edited.version += 1;
        edited.title = "Edited meanwhile".into();
        entry.learn(edited);
        assert_eq!(entry.stage(), Stage::Plan, "a card under a move does not jump");
        entry.restore();
        assert_eq!((entry.stage(), entry.to_show().title.as_str()), (Stage::Backlog, "Edited meanwhile"));
    }

    #[test]
    fn a_confirmed_move_stays_until_the_stream_overtakes_it() {
        let mut entry = Entry::new(card(1, Stage::Backlog));
        entry.pretend(|card| card.stage = Stage::Plan);
        entry.confirm();
        assert_eq!(entry.stage(), Stage::Plan);
        entry.learn(card(1, Stage::Backlog));
        assert_eq!(entry.stage(), Stage::Plan, "the stream is still behind the answer");
        let mut moved = card(1, Stage::Build);
        moved.version += 2;
        entry.learn(moved);
        assert_eq!(entry.stage(), Stage::Build);
    }

    #[test]
    fn late_news_changes_nothing() {
        let mut entry = Entry::new(Card { version: 7, ..card(1, Stage::Plan) });
        entry.learn(Card { version: 6, ..card(1, Stage::Backlog) });
        assert_eq!(entry.stage(), Stage::Plan);
    }
}
