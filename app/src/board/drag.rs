//! Dragging with mouse, pen and touch, on pointer events. A press becomes a drag once a mouse or pen has
//! moved a little, or a finger has rested for a moment; a finger that moves first scrolls.
//!
//! The card stays where it is, faded; a preview follows the pointer. What is under the pointer decides
//! the column and the place; the rules in [`super::moves`] decide whether it may go there.

mod place;
mod preview;
mod scroll;

use std::{cell::RefCell, rc::Rc, time::Duration};

use leptos::{ev, prelude::*};
use web_sys::{
    AddEventListenerOptions, Element, PointerEvent,
    wasm_bindgen::{JsCast, closure::Closure},
};

pub(super) use preview::Preview;

use super::{
    Desk, card_at,
    moves::{self, Refusal, Verdict},
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
    /// Selected cards that go along.
    others: Vec<CardId>,
    title: String,
    number: i64,
    /// Whether each stage takes the card, by [`Stage`] order.
    verdicts: [Verdict; Stage::ALL.len()],
    /// The column under the pointer.
    pub(super) over: Option<Stage>,
    /// The card in that column before which it would be placed; last when `None`.
    before: Option<CardId>,
    /// Where the line that marks the place is drawn: left, top and width in pixels of the window.
    line: Option<place::Line>,
    /// The preview's corner and width in pixels of the window.
    left: f64,
    top: f64,
    width: f64,
}

impl Drag {
    /// The card under the pointer and those that go along.
    pub(super) fn cards(&self) -> Vec<CardId> {
        std::iter::once(self.card).chain(self.others.iter().copied()).collect()
    }

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
                    swallow_click_of_release();
                    desk.announcer.say("Dragging cancelled.");
                }
            }),
            window_event_listener(ev::pointerover, move |event| hovers(desk, &event)),
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
    if let Ok(Some(selection)) = window().get_selection() {
        let _ = selection.remove_all_ranges();
    }
    desk.menu.set(None);
    desk.active.set(Some(id));
    desk.drag.set(Some(Drag {
        card: id,
        from: card.stage,
        others: desk.selection.companions(id),
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
            (Some(column), Some(stage)) if drag.takes(stage) => place::at(desk, &column, stage, &drag.cards(), at.1),
            _ => (None, None),
        };
    });
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
        Some(stage) if stage != drag.from && !drag.others.is_empty() => {
            desk.move_all(desk.in_board_order(&drag.cards()), stage);
        }
        Some(stage) if !drag.others.is_empty() => {
            let mut cards = desk.in_board_order(&drag.cards());
            cards.retain(|id| desk.live.peek(*id).is_some_and(|card| card.stage == stage));
            desk.place_all(cards, drag.before);
        }
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
    if desk.drag.try_with_untracked(Option::is_some).unwrap_or(false) {
        desk.drag.try_set(None);
    }
}

/// The pointer of a cancelled drag is still down; letting it go must not open the card either.
fn swallow_click_of_release() {
    let released = Closure::once_into_js(|_: web_sys::Event| swallow_click());
    let options = AddEventListenerOptions::new();
    options.set_once(true);
    let listener = released.unchecked_ref();
    let _ = window().add_event_listener_with_callback_and_add_event_listener_options("pointerup", listener, &options);
}

/// A pen hovers before it touches. Cards under it give up being scrolled by it, so that it can drag them.
fn hovers(desk: Desk, event: &PointerEvent) {
    let by_pen = event.pointer_type() == "pen";
    if desk.by_pen.get_untracked() != by_pen {
        desk.by_pen.set(by_pen);
    }
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
