//! Several cards at once: which are selected, how they come to be, and the bar that says what can be done
//! with them. Ctrl or Shift with a click, `X`, Shift with an arrow, or the card's menu; once something is
//! selected, a tap does it too.

use leptos::{ev, html, prelude::*};
use web_sys::{Element, KeyboardEvent, MouseEvent, PointerEvent, wasm_bindgen::JsCast};

use super::{
    Desk, card_at, move_menu,
    moves::{self, Verdict},
};
use crate::{
    model::{CardId, Stage},
    ui::settled::settled,
};

/// The selected cards, in the order in which they were selected.
#[derive(Clone, Copy)]
pub(super) struct Selection {
    cards: RwSignal<Vec<CardId>>,
    /// Where a selection with Shift begins.
    anchor: StoredValue<Option<CardId>>,
    /// Whether the bar shows where the cards can go.
    choosing: RwSignal<bool>,
}

impl Selection {
    pub(super) fn new() -> Self {
        Selection { cards: RwSignal::new(Vec::new()), anchor: StoredValue::new(None), choosing: RwSignal::new(false) }
    }

    /// Whether the card is selected; follows the answer.
    pub(super) fn holds(self, id: CardId) -> bool {
        self.cards.with(|cards| cards.contains(&id))
    }

    pub(super) fn is_empty(self) -> bool {
        self.cards.with_untracked(Vec::is_empty)
    }

    /// The other selected cards, where the card itself is one.
    pub(super) fn companions(self, id: CardId) -> Vec<CardId> {
        self.cards.with_untracked(|cards| {
            let others = cards.iter().copied().filter(|other| *other != id);
            if cards.contains(&id) { others.collect() } else { Vec::new() }
        })
    }

    /// Leaves only these selected.
    pub(super) fn keep(self, wanted: impl Fn(CardId) -> bool) {
        if self.cards.with_untracked(|cards| cards.iter().any(|id| !wanted(*id))) {
            self.cards.update(|cards| cards.retain(|id| wanted(*id)));
        }
        if self.is_empty() {
            self.choosing.set(false);
        }
    }

    /// Asks where the selected cards should go.
    pub(super) fn choose(self) {
        self.choosing.set(true);
    }

    fn add(self, id: CardId) {
        self.cards.update(|cards| {
            if !cards.contains(&id) {
                cards.push(id);
            }
        });
    }
}

impl Desk {
    pub(super) fn toggle_selected(self, id: CardId) {
        let Some(card) = self.live.peek(id) else { return };
        let selection = self.selection;
        let held = untrack(|| selection.holds(id));
        if held {
            selection.keep(|other| other != id);
        } else {
            selection.add(id);
        }
        selection.anchor.set_value(Some(id));
        self.say_selected(format!("{} is {}selected.", card.title, if held { "no longer " } else { "" }));
    }

    /// Selects everything between the card where the selection began and this one, where both are in one
    /// column; else this one too.
    pub(super) fn select_to(self, id: CardId) {
        let selection = self.selection;
        let from = selection.anchor.get_value().unwrap_or(id);
        let between = Stage::ALL.into_iter().find_map(|stage| {
            self.shown(stage).with_untracked(|ids| {
                let place = |id| ids.iter().position(|other| *other == id);
                let (from, to) = (place(from)?, place(id)?);
                Some(ids[from.min(to)..=from.max(to)].to_vec())
            })
        });
        for card in between.unwrap_or_else(|| vec![id]) {
            selection.add(card);
        }
        selection.anchor.set_value(Some(from));
        self.say_selected(String::new());
    }

    pub(super) fn clear_selection(self) {
        self.selection.keep(|_| false);
        self.selection.anchor.set_value(None);
        self.announcer.say("Nothing is selected.");
    }

    fn selected(self) -> Vec<CardId> {
        self.in_board_order(&self.selection.cards.get_untracked())
    }

    /// Those of `cards` that are shown, in the board's order.
    pub(super) fn in_board_order(self, cards: &[CardId]) -> Vec<CardId> {
        let shown = Stage::ALL.into_iter().flat_map(|stage| self.shown(stage).get_untracked());
        shown.filter(|id| cards.contains(id)).collect()
    }

    fn say_selected(self, what: String) {
        let count = self.selection.cards.with_untracked(Vec::len);
        self.announcer.say(format!("{what} {count} selected.").trim_start());
    }
}

/// A click that selects: with Ctrl, Meta or Shift, or a tap while something is selected. Answers whether it
/// was one.
pub(super) fn by_click(desk: Desk, event: &MouseEvent) -> bool {
    let on_control = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok())
        .is_some_and(|target| target.closest("button, .chip").ok().flatten().is_some());
    let Some((id, _)) = card_at(event.target()).filter(|_| !on_control) else { return false };
    let tapped = event.dyn_ref::<PointerEvent>().is_some_and(|event| event.pointer_type() == "touch");
    if event.shift_key() {
        desk.select_to(id);
    } else if event.ctrl_key() || event.meta_key() || (tapped && !desk.selection.is_empty()) {
        desk.toggle_selected(id);
    } else {
        return false;
    }
    event.prevent_default();
    desk.focus_soon(id);
    true
}

/// How many are selected and what can be done with them. Cards that leave the board or the filter are let go.
#[component]
pub(super) fn SelectionBar() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let selection = desk.selection;
    Effect::new(move |_| {
        for column in desk.shown {
            column.track();
        }
        let shown = |id| desk.shown.iter().any(|column| column.with_untracked(|ids| ids.contains(&id)));
        selection.keep(shown);
    });
    let count = Memo::new(move |_| selection.cards.with(Vec::len));
    settled(view! {
        <Show when=move || { count.get() > 0 }>
            <section class="selection-bar" aria-label="Selection">
                <strong>{move || format!("{} selected", count.get())}</strong>
                <button
                    type="button" class="button" data-choose="" aria-haspopup="menu"
                    aria-expanded=move || selection.choosing.get().to_string()
                    on:click=move |_| selection.choosing.update(|choosing| *choosing = !*choosing)
                >
                    "Move to…"
                </button>
                <button type="button" class="button" on:click=move |_| desk.archive_all(desk.selected())>"Archive"</button>
                <button type="button" class="button" aria-keyshortcuts="Escape" on:click=move |_| {
                    desk.clear_selection();
                    if let Some(id) = desk.active.get_untracked() {
                        desk.focus_soon(id);
                    }
                }>"Clear"</button>
                {move || selection.choosing.get().then(|| view! { <Choice /> })}
            </section>
        </Show>
    })
}

/// Where the selected cards can go, and how many of them may.
#[component]
fn Choice() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let selection = desk.selection;
    let element = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if let Some(menu) = element.get() {
            move_menu::focus_item(&menu, |_, _| 0);
        }
    });
    let outside = window_event_listener(ev::pointerdown, move |event| {
        let inside = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .is_some_and(|target| target.closest(".menu, [data-choose]").ok().flatten().is_some());
        if !inside {
            selection.choosing.set(false);
        }
    });
    on_cleanup(move || outside.remove());
    let close = move || {
        selection.choosing.set(false);
        if let Some(button) = document().query_selector("[data-choose]").ok().flatten() {
            let _ = button.unchecked_into::<web_sys::HtmlElement>().focus();
        }
    };
    let keys = move |event: KeyboardEvent| {
        if let Some(menu) = element.get_untracked() {
            move_menu::on_key(&menu, &event, close);
        }
    };
    let allowed = move |stage: Stage| {
        let cards = desk.selected();
        let may = |id: &CardId| desk.live.peek(*id).is_some_and(|card| moves::verdict(&card, stage) == Verdict::Free);
        (cards.iter().filter(|id| may(id)).count(), cards.len())
    };
    settled(view! {
        <div class="menu" role="menu" aria-label="Move to" node_ref=element on:keydown=keys>
            {Stage::ALL.map(|stage| {
                let (may, all) = allowed(stage);
                settled(view! {
                    <button
                        type="button" role="menuitem" class="menu-item" tabindex="-1"
                        on:click=move |_| {
                            selection.choosing.set(false);
                            desk.move_all(desk.selected(), stage);
                        }
                    >
                        {format!("Move to {}", stage.label())}
                        {(may < all).then(|| view! { <span class="menu-note">{format!("{may} of {all}")}</span> })}
                    </button>
                })
            }).collect_view()}
        </div>
    })
}
