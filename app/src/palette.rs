//! The command palette: every card, project and action by a few letters. The server finds and draws what
//! matches; the page moves the choice and carries it out.

mod recent;

#[cfg(feature = "ssr")]
pub mod fuzzy;
#[cfg(feature = "ssr")]
pub mod list;

use leptos::{ev, html, prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use web_sys::{Element, HtmlElement, KeyboardEvent, wasm_bindgen::JsCast};

use crate::{
    draw::{PaletteQuery, Part, Place, draw},
    model::CardId,
    ui::{fragment::around, later, settled::settled, toast::Toasts},
};
pub use recent::note;

/// Something the palette asks of the page that is open. From context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    NewCard,
    Keys,
    /// A deed with a card, by its label in the card's menu.
    Deed(CardId, String),
}

/// The wish that no page has taken up yet. From context.
#[derive(Clone, Copy)]
pub struct Wishes(RwSignal<Option<Wish>>);

impl Wishes {
    /// Makes it and puts it into context.
    pub fn provide() {
        provide_context(Wishes(RwSignal::new(None)));
    }

    /// Calls `take` with each wish until the current owner is gone; it answers whether the wish is its own.
    pub fn follow(take: impl Fn(&Wish) -> bool + 'static) {
        let Some(Wishes(wish)) = use_context() else { return };
        Effect::new(move |_| {
            if wish.with(|wish| wish.as_ref().is_some_and(|wish| untrack(|| take(wish)))) {
                wish.set(None);
            }
        });
    }
}

/// Whether the palette is open, and what it is opened over. From context.
#[derive(Clone, Copy)]
struct Standing {
    open: RwSignal<bool>,
    at_hand: StoredValue<(Place, Option<CardId>)>,
}

/// The palette; once per page, inside the router. Its code is loaded when it is first asked for.
#[component]
pub fn Palette() -> impl IntoView {
    let standing = Standing { open: RwSignal::new(false), at_hand: StoredValue::new((Place::Elsewhere, None)) };
    provide_context(standing);
    Effect::new(move |_| {
        let handle = window_event_listener(ev::keydown, move |event: KeyboardEvent| {
            let asked = (event.ctrl_key() || event.meta_key()) && !event.alt_key() && !event.shift_key();
            if asked && event.key().eq_ignore_ascii_case("k") {
                event.prevent_default();
                standing.at_hand.set_value(look_around());
                standing.open.update(|open| *open = !*open);
            }
        });
        on_cleanup(move || handle.remove());
    });
    let toasts = expect_context::<Toasts>();
    let failed = move || {
        standing.open.set(false);
        toasts.missing_code();
    };
    later::on_demand(palette_dialog(), move || standing.open.get(), failed)
}

crate::later! {
    fn palette_dialog() in palette { PaletteDialog() }
}

#[component]
fn PaletteDialog() -> impl IntoView {
    let Standing { open, at_hand } = expect_context();
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => request_animation_frame(move || {
                let _ = dialog.show_modal();
                if let Ok(Some(field)) = dialog.query_selector("input") {
                    let _ = field.unchecked_into::<HtmlElement>().focus();
                }
            }),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    settled(view! {
        <dialog class="palette" node_ref=dialog aria-label="Command palette" on:close=move |_| open.set(false)>
            <Show when=move || open.get()>
                <OpenPalette open at_hand=at_hand.get_value() />
            </Show>
        </dialog>
    })
}

/// Which page this is, and the card that has the focus or is the page's own.
fn look_around() -> (Place, Option<CardId>) {
    let path = window().location().pathname().unwrap_or_default();
    if let Some(id) = path.strip_prefix("/cards/") {
        let card = id.parse().ok();
        // Its page may still be on its way here.
        card.into_iter().for_each(note);
        return (Place::Card, card);
    }
    let focused = document().active_element().map(Into::into);
    let card = around(focused, "data-card").and_then(|(_, id)| id.parse().ok());
    if path == "/" { (Place::Board, card) } else { (Place::Elsewhere, None) }
}

#[component]
fn OpenPalette(open: RwSignal<bool>, at_hand: (Place, Option<CardId>)) -> impl IntoView {
    let options = NodeRef::<html::Ul>::new();
    let (html, chosen) = (RwSignal::new(String::new()), RwSignal::new(0_u32));
    let turn = StoredValue::new(0_u32);
    let ask = move |text: String| {
        turn.update_value(|turn| *turn += 1);
        let mine = turn.get_value();
        let (place, card) = at_hand;
        let query = PaletteQuery { text, place, card, recent: recent::read() };
        spawn_local(async move {
            let drawn = draw(Part::Palette(query)).await;
            if turn.try_get_value() == Some(mine) {
                chosen.try_set(0);
                html.try_set(drawn.unwrap_or_else(|problem| {
                    let words = crate::ui::ticked::ticked_html(&problem.detail);
                    format!("<li class=\"palette-none\" role=\"presentation\">{words}</li>")
                }));
            }
        });
    };
    ask(String::new());
    // The choice is marked in the drawn options, and kept in sight.
    Effect::new(move |_| {
        html.track();
        let chosen = chosen.get();
        let Some(options) = options.get() else { return };
        for index in 0..count(&options) {
            if let Some(option) = nth(&options, index) {
                let _ = option.set_attribute("aria-selected", if index == chosen { "true" } else { "false" });
                if index == chosen {
                    let nearest = web_sys::ScrollIntoViewOptions::new();
                    nearest.set_block(web_sys::ScrollLogicalPosition::Nearest);
                    option.scroll_into_view_with_scroll_into_view_options(&nearest);
                }
            }
        }
    });
    let run = runner(open);
    let keys = {
        let run = run.clone();
        move |event: KeyboardEvent| {
            let Some(options) = options.get_untracked() else { return };
            let count = count(&options);
            match event.key().as_str() {
                "ArrowDown" if count > 0 => chosen.update(|chosen| *chosen = (*chosen + 1) % count),
                "ArrowUp" if count > 0 => chosen.update(|chosen| *chosen = (*chosen + count - 1) % count),
                "Enter" => {
                    if let Some(option) = nth(&options, chosen.get_untracked()) {
                        run(&option);
                    }
                }
                _ => return,
            }
            event.prevent_default();
        }
    };
    let press = move |event: web_sys::MouseEvent| {
        if let Some((option, _)) = around(event.target(), "aria-selected") {
            run(&option);
        }
    };
    settled(view! {
        <input
            class="palette-field" type="text" role="combobox" aria-label="Search cards, projects and actions"
            aria-expanded="true" aria-controls="palette-options" aria-autocomplete="list" autocomplete="off" spellcheck="false"
            aria-activedescendant=move || format!("palette-{}", chosen.get())
            placeholder="Search cards, projects and actions"
            on:input=move |event| ask(event_target_value(&event)) on:keydown=keys
        />
        <ul
            class="palette-options" id="palette-options" role="listbox" aria-label="Matches" node_ref=options
            inner_html=move || html.get() on:click=press
        ></ul>
        <p class="palette-foot hint" aria-hidden="true">
            <kbd>"↑"</kbd><kbd>"↓"</kbd>" choose "<kbd>"Enter"</kbd>" go "<kbd>"Esc"</kbd>" close"
        </p>
    })
}

fn count(options: &Element) -> u32 {
    options.query_selector_all("[role=option]").map_or(0, |options| options.length())
}

fn nth(options: &Element, index: u32) -> Option<Element> {
    options.query_selector(&format!("#palette-{index}")).ok().flatten()
}

/// Carries out what an option says. The palette closes first, so that the focus is back where it was.
fn runner(open: RwSignal<bool>) -> impl Fn(&Element) + Clone + 'static {
    let navigate = use_navigate();
    let wishes = use_context::<Wishes>();
    move |option: &Element| {
        let said = |name| option.get_attribute(name);
        let card = said("data-card").and_then(|id| id.parse::<CardId>().ok());
        let (go, act) = (said("data-go"), said("data-act"));
        open.set(false);
        if let Some(address) = go {
            return navigate(&address, Default::default());
        }
        let wish = match (act.as_deref(), card) {
            (Some(label), Some(card)) => Wish::Deed(card, label.to_owned()),
            (Some("new-card"), _) => Wish::NewCard,
            (Some("keys"), _) => Wish::Keys,
            (Some(theme), _) => return choose_theme(theme.trim_start_matches("theme-")),
            _ => return,
        };
        // These two belong to the board.
        let elsewhere = window().location().pathname().is_ok_and(|path| path != "/");
        if elsewhere && matches!(wish, Wish::NewCard | Wish::Keys) {
            navigate("/", Default::default());
        }
        if let Some(Wishes(pending)) = wishes {
            pending.set(Some(wish));
        }
    }
}

/// As if chosen in the header.
fn choose_theme(theme: &str) {
    let Ok(Some(field)) = document().query_selector(".theme-switch select") else { return };
    field.unchecked_ref::<web_sys::HtmlSelectElement>().set_value(theme);
    // Listeners may stand further up.
    let bubbles = web_sys::EventInit::new();
    bubbles.set_bubbles(true);
    if let Ok(event) = web_sys::Event::new_with_event_init_dict("change", &bubbles) {
        // Whether a listener has cancelled it is of no interest.
        let _ = field.dispatch_event(&event);
    }
}
