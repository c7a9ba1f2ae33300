//! The board by keyboard alone. Keys are ignored in fields, in dialogs and with Ctrl, Alt or Meta held.

use leptos::{ev, prelude::*};
use web_sys::{Element, HtmlElement, KeyboardEvent, wasm_bindgen::JsCast};

use super::{
    Ask, Desk, move_menu,
    moves::{Deed, Place},
};
use crate::{
    model::{CardId, Stage},
    ui::dialog::Dialog,
};

/// What the keys do, as `?` lists them.
const KEYS: [(&str, &str); 13] = [
    ("↑ ↓", "Next or previous card"),
    ("← →", "Column to the left or right"),
    ("Home End", "First or last card of the column"),
    ("Enter", "Open the card"),
    ("M", "Move menu of the card"),
    ("A", "Approve the card's gate"),
    ("Alt ↑ ↓", "Card up or down; with Shift to the top or bottom"),
    ("X", "Select the card"),
    ("Shift ↑ ↓", "Select the next cards too"),
    ("Esc", "Let the selection go; cancel dragging"),
    ("/", "Search"),
    ("C", "New card"),
    ("?", "This list"),
];

pub(super) fn listen(desk: Desk) {
    // Listeners on the window exist in the browser only.
    Effect::new(move |_| {
        let handle = window_event_listener(ev::keydown, move |event| on_key(desk, &event));
        on_cleanup(move || handle.remove());
    });
}

fn on_key(desk: Desk, event: &KeyboardEvent) {
    if event.ctrl_key() || event.meta_key() || event.default_prevented() || is_busy(desk, event) {
        return;
    }
    let card = super::card_at(event.target()).map(|(id, _)| id);
    let handled = match (event.alt_key(), card) {
        (true, Some(card)) => place(desk, card, event),
        (true, None) => false,
        (false, _) => act(desk, card, event),
    };
    if handled {
        event.prevent_default();
    }
}

fn act(desk: Desk, card: Option<CardId>, event: &KeyboardEvent) -> bool {
    // Enter on a link or button is that control's own.
    let on_tile = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok())
        .is_some_and(|target| target.has_attribute("data-card"));
    match (event.key().as_str(), card) {
        ("/", _) => return focus_search(),
        ("c" | "C", _) => desk.ask.set(Some(Ask::NewCard)),
        ("?", _) => desk.ask.set(Some(Ask::Keys)),
        ("Enter", Some(card)) if on_tile => desk.perform(card, Deed::Open),
        ("m" | "M", _) if !desk.selection.is_empty() => desk.selection.choose(),
        ("m" | "M", Some(card)) => move_menu::open(desk, card),
        ("a" | "A", Some(card)) => return approve(desk, card),
        ("x" | "X", Some(card)) => desk.toggle_selected(card),
        ("Escape", _) if !desk.selection.is_empty() => desk.clear_selection(),
        ("ArrowDown" | "ArrowUp", Some(card)) if event.shift_key() => return select_on(desk, card, &event.key()),
        ("ArrowDown" | "ArrowUp" | "ArrowLeft" | "ArrowRight" | "Home" | "End", from) => {
            return step(desk, from, &event.key()).is_some();
        }
        _ => return false,
    }
    true
}

/// With Alt: to another place in the column.
fn place(desk: Desk, card: CardId, event: &KeyboardEvent) -> bool {
    let to = match (event.key().as_str(), event.shift_key()) {
        ("ArrowUp", false) => Place::Up,
        ("ArrowUp", true) => Place::Top,
        ("ArrowDown", false) => Place::Down,
        ("ArrowDown", true) => Place::Bottom,
        _ => return false,
    };
    desk.perform(card, Deed::Place(to));
    true
}

/// Selects the card and the next one, and goes there.
fn select_on(desk: Desk, from: CardId, key: &str) -> bool {
    if !untrack(|| desk.selection.holds(from)) {
        desk.toggle_selected(from);
    }
    if let Some(to) = step(desk, Some(from), key) {
        desk.select_to(to);
    }
    true
}

/// Whether the key belongs to a field, a dialog or an open menu.
fn is_busy(desk: Desk, event: &KeyboardEvent) -> bool {
    let in_field = event.target().and_then(|target| target.dyn_into::<Element>().ok()).is_some_and(|target| {
        target.closest("input, textarea, select, dialog, [contenteditable], [role=menu]").ok().flatten().is_some()
    });
    in_field || desk.ask.with_untracked(Option::is_some) || desk.drag.with_untracked(Option::is_some)
}

fn approve(desk: Desk, card: CardId) -> bool {
    match desk.live.peek(card).and_then(|card| card.gate) {
        Some(gate) => desk.perform(card, Deed::Approve { with_override: !gate.is_green() }),
        None => desk.announcer.say("There is no open gate to approve."),
    }
    true
}

fn focus_search() -> bool {
    let Some(field) = document().get_element_by_id("search") else { return false };
    let _ = field.unchecked_into::<HtmlElement>().focus();
    true
}

/// Moves the focus by one card or column. Without a focused card it goes to the one that Tab reaches.
fn step(desk: Desk, from: Option<CardId>, key: &str) -> Option<CardId> {
    let columns: Vec<Vec<CardId>> = Stage::ALL.iter().map(|stage| desk.shown(*stage).get_untracked()).collect();
    let to = match from {
        Some(from) => neighbour(&columns, from, key),
        None if key.starts_with("Arrow") => untrack(|| desk.reachable()),
        None => None,
    };
    if let Some(to) = to {
        desk.focus_soon(to);
    }
    to
}

/// The card that an arrow key leads to; empty columns are passed over.
fn neighbour(columns: &[Vec<CardId>], from: CardId, key: &str) -> Option<CardId> {
    let column = columns.iter().position(|ids| ids.contains(&from))?;
    let row = columns[column].iter().position(|id| *id == from)?;
    let beside = |ids: &Vec<CardId>| ids.get(row).or(ids.last()).copied();
    match key {
        "ArrowDown" => columns[column].get(row + 1).copied(),
        "ArrowUp" => columns[column].get(row.checked_sub(1)?).copied(),
        "Home" => columns[column].first().copied(),
        "End" => columns[column].last().copied(),
        "ArrowRight" => columns[column + 1..].iter().find_map(beside),
        "ArrowLeft" => columns[..column].iter().rev().find_map(beside),
        _ => None,
    }
}

#[component]
pub(super) fn KeysDialog() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let open = super::asked(desk, |ask| ask == Ask::Keys);
    view! {
        <Dialog title=Signal::stored("Keyboard shortcuts".to_owned()) open>
            <dl class="dialog-body keys">
                {KEYS.map(|(key, does)| view! {
                    <div>
                        <dt>{key.split(' ').map(|key| view! { <kbd>{key}</kbd> }).collect_view()}</dt>
                        <dd>{does}</dd>
                    </div>
                }).collect_view()}
            </dl>
        </Dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn arrows_walk_cards_and_pass_over_empty_columns() {
        let id = |n| CardId(Uuid::from_u128(n));
        let columns = vec![vec![id(1), id(2), id(3)], vec![], vec![id(4)], vec![id(5), id(6)]];
        let check = |from, key, want: Option<u128>| {
            assert_eq!(neighbour(&columns, id(from), key), want.map(id), "{from} {key}")
        };
        check(1, "ArrowDown", Some(2));
        check(3, "ArrowDown", None);
        check(1, "ArrowUp", None);
        check(3, "ArrowRight", Some(4));
        check(4, "ArrowRight", Some(5));
        check(6, "ArrowLeft", Some(4));
        check(4, "ArrowLeft", Some(1));
        check(1, "ArrowLeft", None);
        check(9, "ArrowLeft", None);
        check(2, "Home", Some(1));
        check(2, "End", Some(3));
    }
}
