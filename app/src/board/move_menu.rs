//! The menu of a card: every outcome that a drag can have, and the rest. One menu serves the whole board.

use leptos::{ev, html, prelude::*};
use web_sys::{Element, KeyboardEvent, MouseEvent, wasm_bindgen::JsCast};

use super::{
    Desk, card_at,
    moves::{self, Deed},
    tile_of,
};
use crate::{
    model::{Card, CardId},
    ui::settled::settled,
};

/// Width of the menu in pixels, as `board.css` has it: what must fit beside the button.
const WIDTH: f64 = 208.0;
/// Height of one item and of the menu's padding, in pixels.
const ITEM_HEIGHT: f64 = 32.0;
const PADDING: f64 = 12.0;

/// Where the menu is open: for which card, and its corner in the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct MenuPlace {
    card: CardId,
    left: f64,
    top: f64,
}

/// Opens the menu when the click was on a card's menu button; a second click closes it.
pub(super) fn open_by_click(desk: Desk, event: &MouseEvent) {
    let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
    if target.closest("[data-actions]").ok().flatten().is_none() {
        return;
    }
    let Some((card, _)) = card_at(event.target()) else { return };
    if desk.menu.with_untracked(|menu| menu.is_some_and(|menu| menu.card == card)) {
        desk.menu.set(None);
    } else {
        open(desk, card);
    }
}

/// Opens the menu of a card at its button, where it fits into the window.
pub(super) fn open(desk: Desk, card: CardId) {
    let Some(shown) = desk.live.peek(card) else { return };
    let Some(button) = tile_of(card).and_then(|tile| tile.query_selector("[data-actions]").ok().flatten()) else {
        return;
    };
    let corner = button.get_bounding_client_rect();
    let size =
        |value: Result<web_sys::wasm_bindgen::JsValue, _>| value.ok().and_then(|value| value.as_f64()).unwrap_or(0.0);
    let (width, height) = (size(window().inner_width()), size(window().inner_height()));
    let menu_height = untrack(|| offered(desk, &shown)).len() as f64 * ITEM_HEIGHT + PADDING;
    desk.active.set(Some(card));
    desk.menu.set(Some(MenuPlace {
        card,
        left: (corner.right() - WIDTH).min(width - WIDTH - 4.0).max(4.0),
        top: (corner.bottom() + 4.0).min(height - menu_height - 4.0).max(4.0),
    }));
}

#[component]
pub(super) fn MoveMenu() -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        {move || desk.menu.get().map(|place| view! { <OpenMenu place /> })}
    }
}

#[component]
fn OpenMenu(place: MenuPlace) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let element = NodeRef::<html::Div>::new();
    let card = desk.live.card(place.card);
    let title = card.as_ref().map(|card| card.with_untracked(|card| card.title.clone())).unwrap_or_default();
    // The menu follows the card: what it offers is true while it is open.
    let deeds = Memo::new(move |_| card.as_ref().map(|card| card.with(|card| offered(desk, card))).unwrap_or_default());
    let close = move |with_focus: bool| {
        desk.menu.set(None);
        if with_focus {
            desk.focus_soon(place.card);
        }
    };
    Effect::new(move |_| {
        if let Some(menu) = element.get() {
            focus_item(&menu, |_, _| 0);
        }
    });
    let outside = window_event_listener(ev::pointerdown, move |event| {
        let inside = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .is_some_and(|target| target.closest(".menu, [data-actions]").ok().flatten().is_some());
        if !inside {
            desk.menu.set(None);
        }
    });
    // The menu stands still while the page moves beneath it.
    let wheel = window_event_listener(ev::wheel, move |_| desk.menu.set(None));
    let resize = window_event_listener(ev::resize, move |_| desk.menu.set(None));
    on_cleanup(move || [outside, wheel, resize].into_iter().for_each(WindowListenerHandle::remove));
    let keys = move |event: KeyboardEvent| {
        let Some(menu) = element.get_untracked() else { return };
        on_key(&menu, &event, move || close(true));
    };
    settled(view! {
        <div
            class="menu" role="menu" aria-label=format!("Actions for {title}") node_ref=element on:keydown=keys
            style:left=format!("{}px", place.left) style:top=format!("{}px", place.top)
        >
            <For each=move || deeds.get() key=|deed| deed.label() let:deed>
                <button
                    type="button" role="menuitem" class="menu-item" tabindex="-1"
                    data-danger=(deed == Deed::Archive).then_some("")
                    on:click=move |_| {
                        close(false);
                        desk.focus_soon(place.card);
                        desk.perform(place.card, deed);
                    }
                >
                    {if deed == Deed::Select && untrack(|| desk.selection.holds(place.card)) { "Deselect".to_owned() } else { deed.label() }}
                </button>
            </For>
        </div>
    })
}

/// What the menu of `card` offers: what the card's state allows, and its other places in the column.
fn offered(desk: Desk, card: &Card) -> Vec<Deed> {
    let (at, count) = desk.shown(card.stage).with(|ids| (ids.iter().position(|id| *id == card.id), ids.len()));
    let mut deeds = moves::deeds(card);
    let last = deeds.iter().position(|deed| *deed == Deed::Edit).unwrap_or(deeds.len());
    let places = at.map(|at| moves::places(at, count)).unwrap_or_default();
    deeds.splice(last..last, places.into_iter().chain([Deed::Select]));
    deeds
}

/// The keys of an open menu. It keeps them all to itself.
pub(super) fn on_key(menu: &Element, event: &KeyboardEvent, close: impl Fn()) {
    event.stop_propagation();
    match event.key().as_str() {
        "ArrowDown" => focus_item(menu, |at, count| (at + 1) % count),
        "ArrowUp" => focus_item(menu, |at, count| (at + count - 1) % count),
        "Home" => focus_item(menu, |_, _| 0),
        "End" => focus_item(menu, |_, count| count - 1),
        "Escape" | "Tab" => close(),
        _ => return,
    }
    event.prevent_default();
}

/// Moves the focus among the menu's items: `to` answers with an index from the focused one and the count.
pub(super) fn focus_item(menu: &Element, to: impl Fn(u32, u32) -> u32) {
    let Ok(items) = menu.query_selector_all("[role=menuitem]") else { return };
    if items.length() == 0 {
        return;
    }
    let focused = document().active_element();
    let at = (0..items.length())
        .find(|index| items.item(*index).map(JsCast::unchecked_into::<Element>) == focused)
        .unwrap_or(items.length() - 1);
    if let Some(item) = items.item(to(at, items.length())) {
        let _ = item.unchecked_into::<web_sys::HtmlElement>().focus();
    }
}
