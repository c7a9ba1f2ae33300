//! The board: a tray and four columns of cards, everything a person does to them, and how it is said.
//!
//! Reading order: [`moves`] (the rules), [`filter`] (what is shown), [`column`] and [`card_tile`] (how it
//! looks), [`deed`] (what a person does), and the four ways to do it: [`drag`], [`move_menu`], [`hotkeys`]
//! and the dialogs.
//!
//! Tiles hold no listeners: events are caught once, at the board's root, so that a thousand cards cost a
//! thousand pieces of markup and nothing more.

mod card_tile;
mod column;
mod deed;
mod drag;
mod drop;
mod filter;
mod first_view;
mod hotkeys;
mod move_menu;
pub mod moves;
mod new_card;
mod reason;
mod save_template;
mod select;
mod several;
mod trust;
mod window;

#[cfg(feature = "ssr")]
pub use first_view::FirstView;

use leptos::{ev, prelude::*};
use leptos_meta::Title;
use leptos_router::{hooks::use_query_map, params::ParamsMap};
use web_sys::{Element, FocusOptions, wasm_bindgen::JsCast};

use crate::editor::EditDialog;
use crate::{
    live::Live,
    model::{CardId, Stage},
    palette::{Wish, Wishes},
    shell::{Hydrated, OpeningProblem},
    ui::{announcer::Announcer, icon::Icon, later, settled::settled, toast::Toasts},
};
pub use card_tile::look as status_look;
use column::Column;
use filter::{Filter, FilterBar};
use move_menu::MenuPlace;
#[cfg(feature = "ssr")]
pub use new_card::drawn as templates;
use select::Selection;

/// A question that the board puts to the person in a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    NewCard,
    Edit(CardId),
    /// Keeps its text as a template.
    SaveTemplate(CardId),
    SendBack(CardId),
    /// Forward through a red gate: to where, and before which card there.
    Override {
        card: CardId,
        to: Stage,
        before: Option<CardId>,
    },
    /// Approves a red gate.
    ApproveAnyway(CardId),
    Keys,
}

/// What is on the person's desk: the board and what they have open on it. From context.
#[derive(Clone, Copy)]
struct Desk {
    live: Live,
    announcer: Announcer,
    toasts: Toasts,
    query: Memo<ParamsMap>,
    filter: Memo<Filter>,
    /// The ids that each column shows: the store's, filtered.
    shown: [Memo<Vec<CardId>>; Stage::ALL.len()],
    /// How often a column has drawn other cards, or in another order.
    drawn: RwSignal<u32>,
    /// How many cards each column has, whether they are here already or not.
    counts: [Memo<usize>; Stage::ALL.len()],
    /// The card that Tab reaches; the arrows move it (roving tabindex).
    active: RwSignal<Option<CardId>>,
    menu: RwSignal<Option<MenuPlace>>,
    ask: RwSignal<Option<Ask>>,
    drag: RwSignal<Option<drag::Drag>>,
    /// The card that is being dragged, or one that goes along.
    lifted: Memo<Vec<CardId>>,
    /// Whether the pointer is a pen.
    by_pen: RwSignal<bool>,
    selection: Selection,
    hydrated: RwSignal<bool>,
}

impl Desk {
    fn provide() -> Self {
        let live = expect_context::<Live>();
        let query = use_query_map();
        let filter = Memo::new(move |_| query.with(Filter::from_query));
        let opened = filter.get_untracked();
        let shown = Stage::ALL.map(|stage| Memo::new(move |_| filter.with(|filter| filter.select(live, stage))));
        let counts = Stage::ALL.map(|stage| {
            let opened = opened.clone();
            Memo::new(move |_| {
                // The page came with the totals of the filter that it was opened with.
                let totals = live.totals().get().filter(|_| filter.with(|filter| *filter == opened));
                totals.map_or_else(|| shown[stage as usize].with(Vec::len), |totals| totals[stage as usize])
            })
        });
        let drag = RwSignal::new(None);
        let desk = Desk {
            live,
            query,
            announcer: expect_context(),
            toasts: expect_context(),
            filter,
            shown,
            drawn: RwSignal::new(0),
            counts,
            active: RwSignal::new(None),
            menu: RwSignal::new(None),
            ask: RwSignal::new(None),
            drag,
            lifted: Memo::new(move |_| drag.with(|drag| drag.as_ref().map(drag::Drag::cards).unwrap_or_default())),
            by_pen: RwSignal::new(false),
            selection: Selection::new(),
            hydrated: expect_context::<Hydrated>().0,
        };
        provide_context(desk);
        desk
    }

    fn shown(self, stage: Stage) -> Memo<Vec<CardId>> {
        self.shown[stage as usize]
    }

    fn count(self, stage: Stage) -> Memo<usize> {
        self.counts[stage as usize]
    }

    /// Does what the palette asks, if it is this page's business.
    fn take_up(self, wish: &Wish) -> bool {
        match wish {
            Wish::NewCard => self.ask.set(Some(Ask::NewCard)),
            Wish::Keys => self.ask.set(Some(Ask::Keys)),
            Wish::Deed(id, label) => {
                let deeds = self.live.peek(*id).map(|card| moves::deeds(&card)).unwrap_or_default();
                // What is no longer offered has been overtaken by what somebody else did.
                if let Some(deed) = deeds.into_iter().find(|deed| deed.label() == *label) {
                    self.perform(*id, deed);
                }
            }
        }
        true
    }

    /// The active card while it is shown, else the first card of the board.
    fn reachable(self) -> Option<CardId> {
        let active = self.active.get();
        let columns = || Stage::ALL.into_iter().map(|stage| self.shown(stage));
        active
            .filter(|id| columns().any(|column| column.with(|ids| ids.contains(id))))
            .or_else(|| columns().find_map(|column| column.with(|ids| ids.first().copied())))
    }

    /// Puts the focus on a card: at once, so that the next key finds it, and again when the page has drawn
    /// what changed, because a card that moves to another column is drawn anew there.
    fn focus_soon(self, id: CardId) {
        self.active.set(Some(id));
        let focus = move || {
            if let Some(tile) = tile_of(id) {
                let _ = tile.unchecked_into::<web_sys::HtmlElement>().focus();
            }
        };
        focus();
        request_animation_frame(move || {
            // Whoever has opened a menu or a dialog meanwhile is there now.
            let elsewhere = document()
                .active_element()
                .is_some_and(|element| element.closest("[role=menu], dialog").ok().flatten().is_some());
            if !elsewhere {
                focus();
                keep_in_sight(id, FRAMES_IN_SIGHT);
            }
        });
    }
}

/// Frames after which a long column has measured what it drew around a card that it jumped to.
const FRAMES_IN_SIGHT: u32 = 6;

/// Scrolls to the focused card for some frames: the cards above it, once drawn, may be higher than was thought.
fn keep_in_sight(id: CardId, frames: u32) {
    let Some(tile) = tile_of(id).filter(|tile| document().active_element().as_ref() == Some(tile)) else { return };
    let nearest = web_sys::ScrollIntoViewOptions::new();
    nearest.set_block(web_sys::ScrollLogicalPosition::Nearest);
    nearest.set_inline(web_sys::ScrollLogicalPosition::Nearest);
    tile.scroll_into_view_with_scroll_into_view_options(&nearest);
    if frames > 0 {
        request_animation_frame(move || keep_in_sight(id, frames - 1));
    }
}

/// The element that shows a card.
fn tile_of(id: CardId) -> Option<Element> {
    document().query_selector(&format!("[data-card=\"{id}\"]")).ok().flatten()
}

/// The card that an event happened in.
fn card_at(target: Option<web_sys::EventTarget>) -> Option<(CardId, Element)> {
    let tile = target?.dyn_into::<Element>().ok()?.closest("[data-card]").ok()??;
    Some((tile.get_attribute("data-card")?.parse().ok()?, tile))
}

/// Whether the board's open question is of this kind, for the dialog that shows it: closing the dialog
/// takes the question back.
fn asked(desk: Desk, kind: fn(Ask) -> bool) -> RwSignal<bool> {
    let open = RwSignal::new(desk.ask.with_untracked(|ask| ask.is_some_and(kind)));
    Effect::new(move |_| open.set(desk.ask.get().is_some_and(kind)));
    Effect::new(move |_| {
        if !open.get() && desk.ask.get_untracked().is_some_and(kind) {
            desk.ask.set(None);
        }
    });
    open
}

#[component]
pub fn BoardPage() -> impl IntoView {
    let desk = Desk::provide();
    provide_context(card_tile::Reachable(Selector::new(move || desk.reachable())));
    let problem = RwSignal::new(expect_context::<OpeningProblem>().0);
    load_when_missing(desk, problem);
    desk.live.complete();
    keep_focus(desk);
    hotkeys::listen(desk);
    drag::listen(desk);
    let drop::Hovering(hovering) = drop::listen(desk);
    Wishes::follow(move |wish| desk.take_up(wish));
    settled(view! {
        <Title text="Board" />
        <h1 class="visually-hidden">"Board"</h1>
        <trust::TrustBanner />
        <div class="toolbar">
            <FilterBar />
            <button type="button" class="icon-button keys-button" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)"
                on:click=move |_| desk.ask.set(Some(Ask::Keys))>
                <Icon name="keyboard" />
            </button>
            <a class="icon-button" href="/archive" aria-label="Archive" title="Archive">
                <Icon name="archive" />
            </a>
            <button type="button" class="button button-primary" aria-keyshortcuts="C" title="New card (C)"
                on:click=move |_| desk.ask.set(Some(Ask::NewCard))>
                <Icon name="plus" />
                "New card"
            </button>
        </div>
        <noscript>
            <p class="banner">"Reading works without JavaScript; moving cards needs it."</p>
        </noscript>
        <Show
            when=move || problem.with(Option::is_none)
            fallback=move || view! { <LoadProblem desk problem /> }
        >
            <div
                class="board"
                data-loading=move || (!desk.live.has_cards().get()).then_some("")
                data-dragging=move || desk.drag.with(Option::is_some).then_some("")
                data-pen=move || desk.by_pen.get().then_some("")
                on:click=move |event| {
                    if !select::by_click(desk, &event) {
                        move_menu::open_by_click(desk, &event);
                    }
                }
                // Where it scrolls and holds no card, the keyboard has nothing else in it to scroll with.
                tabindex=move || desk.reachable().is_none().then_some("0")
                on:focusin=move |event| {
                    if let Some((id, _)) = card_at(event.target()) {
                        desk.active.set(Some(id));
                    }
                }
                on:pointerdown=move |event| drag::press(desk, &event)
            >
                {Stage::ALL.map(|stage| settled(view! { <Column stage /> })).collect_view()}
            </div>
        </Show>
        <move_menu::MoveMenu />
        <select::SelectionBar />
        <drag::Preview />
        <Show when=move || hovering.get()>
            <p class="drop-hint">"Drop text or Markdown files to make cards"</p>
        </Show>
        {dialogs_on_demand(desk)}
    })
}

crate::later! {
    /// Every dialog of the board; their code is loaded with the first question.
    fn dialogs() in dialogs {
        view! {
            <new_card::NewCardDialog />
            <save_template::SaveTemplateDialog />
            <EditCard />
            <reason::ReasonDialogs />
            <hotkeys::KeysDialog />
        }
    }
}

fn dialogs_on_demand(desk: Desk) -> AnyView {
    let failed = move || {
        desk.ask.set(None);
        desk.toasts.missing_code();
    };
    later::on_demand(dialogs(), move || desk.ask.with(Option::is_some), failed)
}

#[component]
fn EditCard() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let open = asked(desk, |ask| matches!(ask, Ask::Edit(_)));
    let card = Callback::new(move |()| match desk.ask.get_untracked() {
        Some(Ask::Edit(id)) => Some(id),
        _ => None,
    });
    let saved = Callback::new(move |card: crate::model::Card| {
        let id = card.id;
        desk.live.accept(card);
        desk.focus_soon(id);
    });
    view! { <EditDialog open card saved /> }
}

/// A person who comes from another page has no cards yet: asks the server for them.
fn load_when_missing(desk: Desk, problem: RwSignal<Option<crate::error::Problem>>) {
    Effect::new(move |_| {
        if !desk.live.has_cards().get_untracked() && problem.with_untracked(Option::is_none) {
            load(desk, problem);
        }
    });
}

fn load(desk: Desk, problem: RwSignal<Option<crate::error::Problem>>) {
    leptos::task::spawn_local(async move {
        match crate::api::load_board(None).await {
            Ok(snapshot) => {
                desk.live.load(snapshot, true);
                problem.set(None);
            }
            Err(refusal) => problem.set(Some(refusal)),
        }
    });
}

#[component]
fn LoadProblem(desk: Desk, problem: RwSignal<Option<crate::error::Problem>>) -> impl IntoView {
    settled(view! {
        <section class="empty-page" role="alert">
            <h2>"The board could not be loaded"</h2>
            <p>{move || problem.with(|problem| problem.as_ref().map(|problem| problem.detail.clone()))}</p>
            <button type="button" class="button" on:click=move |_| load(desk, problem)>"Try again"</button>
        </section>
    })
}

/// A card that is moved in the document, because its column or its neighbours are others now, loses the focus
/// that it had; it gets it back.
fn keep_focus(desk: Desk) {
    let had_focus = StoredValue::new(None::<CardId>);
    Effect::new(move |_| {
        let note = move |target| had_focus.set_value(card_at(target).map(|(id, _)| id));
        let handles = [
            window_event_listener(ev::focusin, move |event| note(event.target())),
            // A click beside all cards takes the focus away and tells nobody.
            window_event_listener(ev::pointerdown, move |event| note(event.target())),
        ];
        on_cleanup(move || handles.into_iter().for_each(WindowListenerHandle::remove));
    });
    Effect::new(move |_| {
        desk.drawn.track();
        let Some(id) = had_focus.get_value() else { return };
        request_animation_frame(move || {
            let lost = document().active_element().is_none_or(|element| element.tag_name() == "BODY");
            if let Some(tile) = tile_of(id).filter(|_| lost) {
                // Nobody has asked to go there: what is in view stays.
                let still = FocusOptions::new();
                still.set_prevent_scroll(true);
                let _ = tile.unchecked_into::<web_sys::HtmlElement>().focus_with_options(&still);
            }
        });
    });
}
