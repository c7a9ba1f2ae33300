//! The cards that this browser looked at last.

use crate::{model::CardId, ui::storage};

const KEY: &str = "slipway.recent";
/// Cards remembered: more than the palette shows, since some of them go.
const KEPT: usize = 12;

/// The last looked at first.
pub(super) fn read() -> Vec<CardId> {
    parse(&storage::read(KEY).unwrap_or_default())
}

/// Notes that a card is looked at.
pub fn note(card: CardId) {
    let cards = with(read(), card);
    storage::write(KEY, &cards.iter().map(CardId::to_string).collect::<Vec<_>>().join(" "));
}

fn parse(text: &str) -> Vec<CardId> {
    text.split_whitespace().filter_map(|id| id.parse().ok()).take(KEPT).collect()
}

fn with(mut cards: Vec<CardId>, card: CardId) -> Vec<CardId> {
    cards.retain(|other| *other != card);
    cards.insert(0, card);
    cards.truncate(KEPT);
    cards
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_last_one_comes_first_and_only_once() {
        let id = |n| CardId(Uuid::from_u128(n));
        assert_eq!(with(vec![id(1), id(2)], id(2)), [id(2), id(1)]);
        let many = (0..30).fold(Vec::new(), |cards, n| with(cards, id(n)));
        assert_eq!((many.len(), many[0]), (KEPT, id(29)));
        assert_eq!(parse(&format!("{} nonsense {}", id(1), id(2))), [id(1), id(2)]);
    }
}
