//! Dragging with mouse, pen and touch, on pointer events. A press becomes a drag once a mouse or pen has
//! moved a little, or a finger has rested for a moment; a finger that moves first scrolls.
//!
//! The card stays where it is, faded; a preview follows the pointer. What is under the pointer decides
//! the column and the place; the rules in [`super::moves`] decide whether it may go there.

mod scroll;

use std::{cell::RefCell, rc::Rc, time::Duration};

use leptos::{ev, prelude::*};
use web_sys::{
    AddEventListenerOptions, Element, PointerEvent,
    wasm_bindgen::{JsCast, closure::Closure},
};

use super::{
    Desk, card_at,
    moves::{self, Refusal, Verdict},
    tile_of,
};
use crate::model::{CardId, Stage};

/// How far a mouse or pen moves before a press is a drag, in pixels: more than a click trembles.
const THRESHOLD: f64 = 5.0;
/// How far a finger may stray while it rests, in pixels.
const TOUCH_SLOP: f64 = 10.0;
/// How long a finger rests before it holds the card: short, but longer than a swipe's start.
const TOUCH_REST: Duration = Duration::from_millis(220);

/// A drag under way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Drag {
    pub(super) card: CardId,
    pub(super) from: Stage,
    title: String,
    number: i64,
    /// Whether each stage takes the card, by [`Stage`] order.
    verdicts: [Verdict; Stage::ALL.len()],
    /// The column under the pointer.
    pub(super) over: Option<Stage>,
    /// The card in that column before which it would be placed; last when `None`.
    before: Option<CardId>,
    /// Where the line that marks the place is drawn: left, top and width in pixels of the window.
    line: Option<(f64, f64, f64)>,
    /// The preview's corner and width in pixels of the window.
    left: f64,
    top: f64,
    width: f64,
}

impl Drag {
    pub(super) fn verdict(&self, stage: Stage) -> Verdict {
        self.verdicts[stage as usize]
    }

    /// Whether letting go over `stage` does something: a move, or another place in the same column.
    fn takes(&self, stage: Stage) -> bool {
        matches!(self.verdict(stage), Verdict::Free | Verdict::NeedsOverride | Verdict::Refused(Refusal::AlreadyThere))
    }
}

/// A press that is not a drag yet, or the pointer of the drag under way.
struct Grip {
    card: CardId,
    pointer: i32,
    touch: bool,
    start: (f64, f64),
    /// From the card's corner to the pointer.
    offset: (f64, f64),
    width: f64,
    rest: Option<TimeoutHandle>,
}

thread_local! {
    // The page has one pointer that can drag; a second finger ends the first one's drag.
    static GRIP: RefCell<Option<Grip>> = const { RefCell::new(None) };
}

/// A pointer went down on the board.
pub(super) fn press(desk: Desk, event: &PointerEvent) {
    if !event.is_primary() || event.button() != 0 || event.ctrl_key() || event.meta_key() {
        return;
    }
    let on_control = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok())
        .is_some_and(|target| target.closest("button, .chip").ok().flatten().is_some());
    let Some((card, tile)) = card_at(event.target()).filter(|_| !on_control) else { return };
    let corner = tile.get_bounding_client_rect();
    let start = (event.client_x() as f64, event.client_y() as f64);
    let touch = event.pointer_type() == "touch";
    let pointer = event.pointer_id();
    let rest = touch.then(|| set_timeout_with_handle(move || lift(desk, start), TOUCH_REST).ok()).flatten();
    let offset = (start.0 - corner.left(), start.1 - corner.top());
    let grip = Grip { card, pointer, touch, start, offset, width: corner.width(), rest };
    GRIP.with_borrow_mut(|held| *held = Some(grip));
}

/// Follows the pointer for as long as the board is on the page.
pub(super) fn listen(desk: Desk) {
    Effect::new(move |_| {
        let handles = [
            window_event_listener(ev::pointermove, move |event| moved(desk, &event)),
            window_event_listener(ev::pointerup, move |event| released(desk, &event)),
            window_event_listener(ev::pointercancel, move |_| cancel(desk)),
            window_event_listener(ev::blur, move |_| cancel(desk)),
            window_event_listener(ev::keydown, move |event| {
                if event.key() == "Escape" && desk.drag.with_untracked(Option::is_some) {
                    cancel(desk);
                    desk.announcer.say("Dragging cancelled.");
                }
            }),
            window_event_listener(ev::contextmenu, move |event| {
                // A finger that rests on a card holds it; it asks for no menu.
                if GRIP.with_borrow(|grip| grip.as_ref().is_some_and(|grip| grip.touch)) {
                    event.prevent_default();
                }
            }),
        ];
        let hold_page = hold_page_still(desk);
        on_cleanup(move || {
            handles.into_iter().for_each(WindowListenerHandle::remove);
            hold_page();
            cancel(desk);
        });
    });
}

/// Keeps the page from scrolling under a finger that holds a card. The listener must not be passive.
fn hold_page_still(desk: Desk) -> impl FnOnce() + Send + Sync + 'static {
    let hold = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
        if desk.drag.try_with_untracked(Option::is_some).unwrap_or(false) {
            event.prevent_default();
        }
    });
    let options = AddEventListenerOptions::new();
    options.set_passive(false);
    let listener = hold.as_ref().unchecked_ref::<js_sys::Function>();
    let _ = document().add_event_listener_with_callback_and_add_event_listener_options("touchmove", listener, &options);
    let hold = leptos::__reexports::send_wrapper::SendWrapper::new(hold);
    move || {
        let listener = hold.as_ref().unchecked_ref::<js_sys::Function>();
        let _ = document().remove_event_listener_with_callback("touchmove", listener);
    }
}

fn moved(desk: Desk, event: &PointerEvent) {
    let at = (event.client_x() as f64, event.client_y() as f64);
    let Some((touch, distance)) = GRIP.with_borrow(|grip| {
        let grip = grip.as_ref().filter(|grip| grip.pointer == event.pointer_id())?;
        Some((grip.touch, (at.0 - grip.start.0).hypot(at.1 - grip.start.1)))
    }) else {
        return;
    };
    if desk.drag.with_untracked(Option::is_some) {
        event.prevent_default();
        return place(desk, at);
    }
    match touch {
        true if distance > TOUCH_SLOP => cancel(desk),
        false if distance > THRESHOLD => {
            lift(desk, at);
            place(desk, at);
        }
        _ => {}
    }
}

/// The press becomes a drag.
fn lift(desk: Desk, at: (f64, f64)) {
    let Some((id, offset, width)) =
        GRIP.with_borrow(|grip| grip.as_ref().map(|grip| (grip.card, grip.offset, grip.width)))
    else {
        return;
    };
    let Some(card) = desk.live.peek(id) else { return };
    if let Some(tile) = tile_of(id) {
        let _ = tile.set_attribute("data-lifted", "");
    }
    if let Ok(Some(selection)) = window().get_selection() {
        let _ = selection.remove_all_ranges();
    }
    desk.menu.set(None);
    desk.active.set(Some(id));
    desk.drag.set(Some(Drag {
        card: id,
        from: card.stage,
        verdicts: Stage::ALL.map(|stage| moves::verdict(&card, stage)),
        title: card.title,
        number: card.number,
        over: None,
        before: None,
        line: None,
        left: at.0 - offset.0,
        top: at.1 - offset.1,
        width,
    }));
    place(desk, at);
    scroll::at_edges(desk, Rc::new(move |at| place(desk, at)));
}

/// Puts the preview under the pointer and finds out what a drop there would do.
fn place(desk: Desk, at: (f64, f64)) {
    scroll::pointer_is_at(at);
    let Some(offset) = GRIP.with_borrow(|grip| grip.as_ref().map(|grip| grip.offset)) else { return };
    let column = document()
        .element_from_point(at.0 as f32, at.1 as f32)
        .and_then(|element| element.closest("[data-stage]").ok().flatten());
    let over = column.as_ref().and_then(|column| Stage::parse(&column.get_attribute("data-stage")?));
    desk.drag.update(|drag| {
        let Some(drag) = drag else { return };
        (drag.left, drag.top) = (at.0 - offset.0, at.1 - offset.1);
        drag.over = over;
        (drag.before, drag.line) = match (column, over) {
            (Some(column), Some(stage)) if drag.takes(stage) => place_in(&column, drag.card, at.1),
            _ => (None, None),
        };
    });
}

type Line = (f64, f64, f64);

/// The card before which a drop at this height would go, and the line that marks the place.
fn place_in(column: &Element, dragged: CardId, height: f64) -> (Option<CardId>, Option<Line>) {
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
    let id_at = |index: u32| tile(index).and_then(|tile| tile.get_attribute("data-card")?.parse::<CardId>().ok());
    let before = match id_at(low) {
        Some(id) if id == dragged => id_at(low + 1),
        before => before,
    };
    let line = match (tile(low), low.checked_sub(1).and_then(tile)) {
        (Some(below), _) => {
            let corner = below.get_bounding_client_rect();
            Some((corner.left(), corner.top() - 5.0, corner.width()))
        }
        (None, Some(above)) => {
            let corner = above.get_bounding_client_rect();
            Some((corner.left(), corner.bottom() + 3.0, corner.width()))
        }
        (None, None) => column.query_selector(".cards").ok().flatten().map(|list| {
            let corner = list.get_bounding_client_rect();
            (corner.left() + 8.0, corner.top() + 3.0, corner.width() - 16.0)
        }),
    };
    (before, line)
}

fn released(desk: Desk, event: &PointerEvent) {
    if GRIP.with_borrow(|grip| grip.as_ref().is_none_or(|grip| grip.pointer != event.pointer_id())) {
        return;
    }
    let drag = desk.drag.get_untracked();
    cancel(desk);
    let Some(drag) = drag else { return };
    swallow_click();
    match drag.over {
        Some(stage) if stage == drag.from && stays(desk, &drag) => {}
        Some(stage) if stage == drag.from => desk.reorder(drag.card, drag.before),
        Some(stage) => desk.move_or_ask(drag.card, stage, drag.before),
        None => {}
    }
}

/// Whether the place is the one that the card already has.
fn stays(desk: Desk, drag: &Drag) -> bool {
    desk.live.column(drag.from).with_untracked(|ids| {
        let at = ids.iter().position(|id| *id == drag.card);
        at.is_some_and(|at| ids.get(at + 1).copied() == drag.before)
    })
}

/// Ends the press or drag without a drop.
fn cancel(desk: Desk) {
    let grip = GRIP.with_borrow_mut(Option::take);
    let Some(grip) = grip else { return };
    if let Some(rest) = grip.rest {
        rest.clear();
    }
    if let Some(tile) = tile_of(grip.card) {
        let _ = tile.remove_attribute("data-lifted");
    }
    desk.drag.try_set(None);
}

/// The click that the browser makes of a drop's press and release must not open the card.
fn swallow_click() {
    let swallow = Closure::once_into_js(|event: web_sys::Event| {
        event.prevent_default();
        event.stop_immediate_propagation();
    });
    let listener: js_sys::Function = swallow.unchecked_into();
    let options = AddEventListenerOptions::new();
    options.set_capture(true);
    options.set_once(true);
    let _ = window().add_event_listener_with_callback_and_add_event_listener_options("click", &listener, &options);
    // It follows at once or never.
    set_timeout(
        move || drop(window().remove_event_listener_with_callback_and_bool("click", &listener, true)),
        Duration::ZERO,
    );
}

/// What follows the pointer, and the line that marks the place.
#[component]
pub(super) fn Preview() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let held = Memo::new(move |_| desk.drag.with(|drag| drag.as_ref().map(|drag| (drag.number, drag.title.clone()))));
    let of = move |read: fn(&Drag) -> f64| move || desk.drag.with(|drag| drag.as_ref().map_or(0.0, read));
    let px = |value: f64| format!("{value}px");
    let (left, top, width) = (of(|drag| drag.left), of(|drag| drag.top), of(|drag| drag.width));
    let line = Memo::new(move |_| desk.drag.with(|drag| drag.as_ref().and_then(|drag| drag.line)));
    view! {
        {move || held.get().map(|(number, title)| view! {
            <div
                class="tile drag-preview" aria-hidden="true"
                style:width=move || px(width())
                style:transform=move || format!("translate({}px, {}px)", left(), top())
            >
                <span class="tile-number">{format!("#{number}")}</span>
                <span class="tile-title">{title}</span>
            </div>
        })}
        {move || line.get().map(|(left, top, width)| view! {
            <div class="place-line" style:left=px(left) style:top=px(top) style:width=px(width)></div>
        })}
    }
}
