//! Scrolls what is under the pointer while a card is held near an edge.

use std::{cell::Cell, rc::Rc};

use leptos::prelude::*;
use web_sys::Element;

use crate::board::Desk;

/// How near to an edge scrolling begins, in pixels.
const EDGE: f64 = 56.0;
/// The fastest scrolling, at the very edge, in pixels a frame.
const FASTEST: f64 = 18.0;

thread_local! {
    static POINTER: Cell<(f64, f64)> = const { Cell::new((0.0, 0.0)) };
}

pub(super) fn pointer_is_at(at: (f64, f64)) {
    POINTER.set(at);
}

/// Scrolls for as long as the drag lasts. `scrolled` is told the pointer's place after the page has moved
/// beneath it.
pub(super) fn at_edges(desk: Desk, scrolled: Rc<dyn Fn((f64, f64))>) {
    request_animation_frame(move || {
        if desk.drag.try_with_untracked(Option::is_none).unwrap_or(true) {
            return;
        }
        if step(POINTER.get()) {
            scrolled(POINTER.get());
        }
        at_edges(desk, scrolled);
    });
}

/// Scrolls the list and the board by one frame's share; answers whether anything moved.
fn step((x, y): (f64, f64)) -> bool {
    let Some(under) = document().element_from_point(x as f32, y as f32) else { return false };
    let scroller = |selector| under.closest(selector).ok().flatten();
    let list = scroller("[data-stage]").and_then(|column| column.query_selector(".cards").ok().flatten());
    let down = list.is_some_and(|list| {
        let corner = list.get_bounding_client_rect();
        scroll_by(&list, 0.0, speed(y, corner.top(), corner.bottom()))
    });
    let across = scroller(".board").is_some_and(|board| {
        let corner = board.get_bounding_client_rect();
        scroll_by(&board, speed(x, corner.left(), corner.right()), 0.0)
    });
    down || across
}

fn scroll_by(element: &Element, x: f64, y: f64) -> bool {
    if x == 0.0 && y == 0.0 {
        return false;
    }
    let before = (element.scroll_left(), element.scroll_top());
    element.scroll_by_with_x_and_y(x, y);
    before != (element.scroll_left(), element.scroll_top())
}

/// Pixels to scroll in this frame: nothing in the middle, faster the nearer to an edge.
fn speed(at: f64, start: f64, end: f64) -> f64 {
    let share = |distance: f64| ((EDGE - distance) / EDGE).clamp(0.0, 1.0);
    (share(end - at) - share(at - start)) * FASTEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrolling_begins_near_the_edges() {
        let check = |at, want: f64| assert_eq!(speed(at, 0.0, 1_000.0).round(), want, "at {at}");
        check(500.0, 0.0);
        check(EDGE, 0.0);
        check(0.0, -FASTEST);
        check(1_000.0, FASTEST);
        check(1_000.0 - EDGE / 2.0, FASTEST / 2.0);
    }
}
