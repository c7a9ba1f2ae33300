//! Where a drop would put the card: before which other one, and the line that marks the place.

use leptos::prelude::*;
use web_sys::{Element, wasm_bindgen::JsCast};

use crate::{
    board::Desk,
    model::{CardId, Stage},
};

/// Left, top and width of the line, in pixels of the window.
pub(super) type Line = (f64, f64, f64);

/// How far the line stands off the card below it or above it, in pixels: between the two.
const ABOVE: f64 = 5.0;
const BELOW: f64 = 3.0;
/// How far the line stands in from the sides of an empty column, in pixels.
const INSET: f64 = 8.0;

/// The card before which a drop at this height would go (last when there is none), and the line.
pub(super) fn at(
    desk: Desk,
    column: &Element,
    stage: Stage,
    dragged: &[CardId],
    height: f64,
) -> (Option<CardId>, Option<Line>) {
    let Ok(tiles) = column.query_selector_all("[data-card]") else { return (None, None) };
    let tile = |index: u32| tiles.item(index).map(JsCast::unchecked_into::<Element>);
    let middle = |index: u32| {
        tile(index).map_or(f64::MAX, |tile| {
            let corner = tile.get_bounding_client_rect();
            corner.top() + corner.height() / 2.0
        })
    };
    // The tiles stand in order, so the first one below the pointer is found by halving.
    let (mut low, mut high) = (0, tiles.length());
    while low < high {
        let half = (low + high) / 2;
        if middle(half) > height { high = half } else { low = half + 1 }
    }
    let (above, below) = (low.checked_sub(1).and_then(tile), tile(low));
    let id_of = |tile: &Element| tile.get_attribute("data-card")?.parse::<CardId>().ok();
    // The card below may be far down and not drawn, or hidden by a filter: the column knows it.
    let before = match above.as_ref().and_then(id_of) {
        Some(above) => after(desk, stage, above, dragged),
        None => match below.as_ref().and_then(id_of) {
            Some(below) if dragged.contains(&below) => after(desk, stage, below, dragged),
            below => below,
        },
    };
    let line = match (below, above) {
        (Some(below), _) => {
            let corner = below.get_bounding_client_rect();
            Some((corner.left(), corner.top() - ABOVE, corner.width()))
        }
        (None, Some(above)) => {
            let corner = above.get_bounding_client_rect();
            Some((corner.left(), corner.bottom() + BELOW, corner.width()))
        }
        (None, None) => column.query_selector(".cards").ok().flatten().map(|list| {
            let corner = list.get_bounding_client_rect();
            (corner.left() + INSET, corner.top() + BELOW, corner.width() - 2.0 * INSET)
        }),
    };
    (before, line)
}

/// The card that comes after `card` in its column, the dragged ones left out.
fn after(desk: Desk, stage: Stage, card: CardId, dragged: &[CardId]) -> Option<CardId> {
    desk.live.column(stage).with_untracked(|ids| {
        let rest = ids.iter().skip_while(|id| **id != card).skip(1);
        rest.copied().find(|id| !dragged.contains(id))
    })
}
