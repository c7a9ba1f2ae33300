//! One card in the store: what is true, what is shown, and what a move under way pretends.

use leptos::prelude::*;

use crate::model::{Card, CardId, Stage};

/// A card shown as it is not yet.
struct Pretence {
    /// Tells it from an earlier one, whose answer may still come.
    nth: u32,
    card: Card,
    /// The true card's version when the pretence began; a later one ends a confirmed pretence.
    since: i64,
    confirmed: bool,
}

pub(super) struct Entry {
    pub(super) shown: ArcRwSignal<Card>,
    truth: Card,
    /// The event after which the card was as `truth` has it.
    seq: i64,
    pretence: Option<Pretence>,
    pretences: u32,
}

impl Entry {
    pub(super) fn new(card: Card, seq: i64) -> Self {
        Entry { shown: ArcRwSignal::new(card.clone()), truth: card, seq, pretence: None, pretences: 0 }
    }

    /// Whether it is known from a later event than `seq`.
    pub(super) fn is_newer_than(&self, seq: i64) -> bool {
        self.seq > seq
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

    /// Answers with the number by which the pretence is confirmed or taken back.
    pub(super) fn pretend(&mut self, change: impl FnOnce(&mut Card)) -> u32 {
        let mut card = self.visible().clone();
        change(&mut card);
        self.pretences += 1;
        self.pretence = Some(Pretence { nth: self.pretences, card, since: self.truth.version, confirmed: false });
        self.pretences
    }

    pub(super) fn confirm(&mut self, nth: u32) {
        if let Some(pretence) = self.pretence.as_mut().filter(|pretence| pretence.nth == nth) {
            pretence.confirmed = true;
        }
        self.end_if_overtaken();
    }

    pub(super) fn restore(&mut self, nth: u32) {
        self.pretence.take_if(|pretence| pretence.nth == nth);
    }

    /// Takes over the card as the server had it after event `seq`. What was so before what is known is late
    /// news, and so is an older version: an agent's progress makes no version, an answer to a request no event.
    pub(super) fn learn(&mut self, card: Card, seq: i64) {
        if seq >= self.seq && card.version >= self.truth.version {
            (self.truth, self.seq) = (card, seq);
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
        let mut entry = Entry::new(card(1, Stage::Backlog), 1);
        let pretence = entry.pretend(|card| card.stage = Stage::Plan);
        assert_eq!(entry.stage(), Stage::Plan);
        let mut edited = card(1, Stage::Backlog);
        edited.version += 1;
        edited.title = "Edited meanwhile".into();
        entry.learn(edited, 2);
        assert_eq!(entry.stage(), Stage::Plan, "a card under a move does not jump");
        entry.restore(pretence);
        assert_eq!((entry.stage(), entry.to_show().title.as_str()), (Stage::Backlog, "Edited meanwhile"));
    }

    #[test]
    fn a_confirmed_move_stays_until_the_stream_overtakes_it() {
        let mut entry = Entry::new(card(1, Stage::Backlog), 1);
        let pretence = entry.pretend(|card| card.stage = Stage::Plan);
        entry.confirm(pretence);
        assert_eq!(entry.stage(), Stage::Plan);
        entry.learn(card(1, Stage::Backlog), 2);
        assert_eq!(entry.stage(), Stage::Plan, "the stream is still behind the answer");
        let mut moved = card(1, Stage::Build);
        moved.version += 2;
        entry.learn(moved, 2);
        assert_eq!(entry.stage(), Stage::Build);
    }

    #[test]
    fn a_late_answer_does_not_end_the_next_pretence() {
        let mut entry = Entry::new(card(1, Stage::Backlog), 1);
        let first = entry.pretend(|card| card.position = 2.0);
        let second = entry.pretend(|card| card.position = 3.0);
        entry.restore(first);
        entry.confirm(first);
        assert_eq!(entry.place().1, 3.0);
        entry.restore(second);
        assert_eq!(entry.place().1, 1.0);
    }

    #[test]
    fn late_news_changes_nothing() {
        let mut entry = Entry::new(Card { version: 7, ..card(1, Stage::Plan) }, 1);
        entry.learn(Card { version: 6, ..card(1, Stage::Backlog) }, 2);
        assert_eq!(entry.stage(), Stage::Plan);
        let mut entry = Entry::new(card(1, Stage::Plan), 5);
        entry.learn(Card { title: "As an older snapshot has it".into(), ..card(1, Stage::Plan) }, 4);
        assert_eq!(entry.to_show().title, "Card 1");
    }
}
