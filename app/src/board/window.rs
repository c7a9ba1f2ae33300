//! Which cards of a column are drawn: those in view and some on either side. What is not drawn is a gap as
//! high as it would be. The card that has the focus or is being dragged is drawn wherever it is.

use std::collections::HashMap;

use super::first_view::FIRST_CARDS;
use crate::model::CardId;

/// Height of a card that has not been seen yet, in pixels, while none has.
const UNSEEN: f64 = 104.0;
/// How far beyond what is seen cards are drawn, in pixels: one turn of a wheel finds them there.
const MARGIN: f64 = 600.0;
/// Cards come and go by so many at a time, so that most scrolling draws nothing.
const STEP: usize = 8;

/// The part of a column that is in view, in pixels from its top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct View {
    pub(super) top: f64,
    pub(super) height: f64,
}

/// How high the cards of a column were when they were last drawn.
#[derive(Default)]
pub(super) struct Heights {
    known: HashMap<CardId, f64>,
    sum: f64,
}

impl Heights {
    pub(super) fn learn(&mut self, id: CardId, height: f64) {
        self.sum += height - self.known.insert(id, height).unwrap_or(0.0);
    }

    pub(super) fn forget(&mut self) {
        *self = Heights::default();
    }

    /// Forgets cards that have gone, once they are the most of what is known.
    pub(super) fn prune(&mut self, ids: &[CardId]) {
        if self.known.len() > 2 * ids.len() + FIRST_CARDS {
            let ids: std::collections::HashSet<CardId> = ids.iter().copied().collect();
            self.known.retain(|id, _| ids.contains(id));
            self.sum = self.known.values().sum();
        }
    }

    fn usual(&self) -> f64 {
        if self.known.is_empty() { UNSEEN } else { self.sum / self.known.len() as f64 }
    }

    fn of(&self, id: CardId) -> f64 {
        self.known.get(&id).copied().unwrap_or_else(|| self.usual())
    }
}

/// What a column's list is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Piece {
    Card(CardId),
    /// Cards that are not drawn: the how-manieth gap, and its height in pixels.
    Gap(usize, u32),
}

/// What to draw of a column that holds `ids` and, beyond them, `more` cards that are not here yet. `pinned`
/// is drawn in any case. Before the browser has looked (`view` is `None`), the first cards.
pub(super) fn pieces(
    ids: &[CardId],
    more: usize,
    heights: &Heights,
    view: Option<View>,
    pinned: Option<CardId>,
    whole: bool,
) -> Vec<Piece> {
    let Some(view) = view else {
        let first = if whole { ids.len() } else { FIRST_CARDS };
        return ids.iter().take(first).map(|id| Piece::Card(*id)).collect();
    };
    let drawn = range(ids, heights, view);
    let mut pieces = Vec::new();
    let (mut gap, mut gaps) = (0.0, 0);
    let mut close = |gap: &mut f64, pieces: &mut Vec<Piece>| {
        if *gap > 0.0 {
            pieces.push(Piece::Gap(gaps, gap.round() as u32));
            (*gap, gaps) = (0.0, gaps + 1);
        }
    };
    for (index, id) in ids.iter().enumerate() {
        if drawn.contains(&index) || pinned == Some(*id) {
            close(&mut gap, &mut pieces);
            pieces.push(Piece::Card(*id));
        } else {
            gap += heights.of(*id);
        }
    }
    gap += more as f64 * heights.usual();
    close(&mut gap, &mut pieces);
    pieces
}

/// The cards in view and around it, in whole steps.
fn range(ids: &[CardId], heights: &Heights, view: View) -> std::ops::Range<usize> {
    let (from, to) = (view.top - MARGIN, view.top + view.height + MARGIN);
    let mut bottom = 0.0;
    let (mut first, mut end) = (ids.len(), ids.len());
    for (index, id) in ids.iter().enumerate() {
        if bottom >= to {
            end = index;
            break;
        }
        bottom += heights.of(*id);
        if bottom > from && first == ids.len() {
            first = index;
        }
    }
    let first = first.min(ids.len().saturating_sub(STEP)) / STEP * STEP;
    let end = end.next_multiple_of(STEP).min(ids.len());
    // At the top, what the page came with stays.
    first..if first == 0 { end.max(FIRST_CARDS.min(ids.len())) } else { end }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn ids(count: u128) -> Vec<CardId> {
        (0..count).map(|n| CardId(Uuid::from_u128(n))).collect()
    }

    /// Each piece as the index of its card, or the gap's height with a minus.
    fn shape(pieces: &[Piece]) -> Vec<i64> {
        pieces
            .iter()
            .map(|piece| match piece {
                Piece::Card(id) => id.0.as_u128() as i64,
                Piece::Gap(_, height) => -i64::from(*height),
            })
            .collect()
    }

    fn total(pieces: &[Piece], heights: &Heights) -> f64 {
        pieces
            .iter()
            .map(|piece| match piece {
                Piece::Card(id) => heights.of(*id),
                Piece::Gap(_, height) => f64::from(*height),
            })
            .sum()
    }

    #[test]
    fn before_the_browser_looks_the_first_cards_are_drawn() {
        let ids = ids(50);
        assert_eq!(shape(&pieces(&ids, 9, &Heights::default(), None, None, false)), (0..20).collect::<Vec<_>>());
        assert_eq!(pieces(&ids, 0, &Heights::default(), None, None, true).len(), 50);
        assert_eq!(pieces(&ids[..3], 0, &Heights::default(), None, None, false).len(), 3);
    }

    #[test]
    fn what_is_in_view_is_drawn_and_the_rest_is_as_high_as_it_would_be() {
        let ids = ids(1_000);
        let mut heights = Heights::default();
        for id in &ids[..100] {
            heights.learn(*id, 100.0);
        }
        for top in [0.0, 333.0, 5_000.0, 50_000.0, 99_200.0, 200_000.0] {
            let drawn = pieces(&ids, 0, &heights, Some(View { top, height: 800.0 }), None, false);
            assert_eq!(total(&drawn, &heights), 100_000.0, "at {top}");
            let cards = shape(&drawn).into_iter().filter(|n| *n >= 0).collect::<Vec<_>>();
            assert!(cards.len() <= 36, "{} at {top}", cards.len());
            let first_seen = (top / 100.0).min(999.0) as i64;
            for seen in [first_seen, (first_seen + 8).min(999)] {
                assert!(cards.contains(&seen), "{seen} at {top} of {cards:?}");
            }
        }
    }

    #[test]
    fn the_pinned_card_is_drawn_far_away_and_in_its_order() {
        let ids = ids(100);
        let view = Some(View { top: 0.0, height: 400.0 });
        let drawn = pieces(&ids, 0, &Heights::default(), view, Some(ids[80]), false);
        let shape = shape(&drawn);
        assert_eq!(shape[shape.len() - 3..], [-(56 * 104), 80, -(19 * 104)]);
    }

    #[test]
    fn cards_that_are_not_here_yet_have_their_room() {
        let ids = ids(20);
        let view = Some(View { top: 0.0, height: 400.0 });
        assert_eq!(shape(&pieces(&ids, 5, &Heights::default(), view, None, false)).last(), Some(&-520));
        assert_eq!(pieces(&[], 0, &Heights::default(), view, None, false), []);
    }

    #[test]
    fn heights_of_cards_that_have_gone_are_forgotten() {
        let ids = ids(200);
        let mut heights = Heights::default();
        for id in &ids {
            heights.learn(*id, 50.0);
            heights.learn(*id, 80.0);
        }
        heights.prune(&ids[..2]);
        assert_eq!((heights.known.len(), heights.usual()), (2, 80.0));
    }
}
