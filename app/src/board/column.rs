//! A column: heading, live count, the cards of it that are in view, and what it is for while it has none.

use leptos::{ev, html, prelude::*};
use web_sys::{Element, wasm_bindgen::JsCast};

use super::{
    Desk,
    card_tile::CardTile,
    first_view::{self, FIRST_CARDS},
    moves::Verdict,
    window::{self, Heights, Piece, View},
};
use crate::{
    model::{CardId, Stage},
    ui::settled::settled,
};

/// What an empty column is for and what to do.
fn purpose(stage: Stage) -> &'static str {
    match stage {
        Stage::Backlog => "Work that nobody has started. Press C to write a card.",
        Stage::Plan => "Drop a card here and a planner works out what to change.",
        Stage::Build => "A builder carries out the approved plan in a worktree of its own.",
        Stage::Review => "A reviewer reads the diff against the plan and runs the checks again.",
        Stage::Ship => "A shipper writes the commit; approving it lands the work.",
    }
}

#[component]
pub(super) fn Column(stage: Stage) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let count = desk.count(stage);
    let drop_state = move || {
        desk.drag.with(|drag| {
            drag.as_ref().map(|drag| match (drag.verdict(stage), drag.over == Some(stage)) {
                _ if drag.from == stage => {
                    if drag.over == Some(stage) {
                        "over"
                    } else {
                        "open"
                    }
                }
                (Verdict::Refused(_), false) => "closed",
                (Verdict::Refused(_), true) => "refusing",
                (_, false) => "open",
                (_, true) => "over",
            })
        })
    };
    let refusal = Memo::new(move |_| {
        desk.drag.with(|drag| {
            match drag.as_ref().filter(|drag| drag.over == Some(stage) && drag.from != stage)?.verdict(stage) {
                Verdict::Refused(refusal) => Some(refusal.words()),
                Verdict::NeedsOverride => {
                    Some("The gate is red: you will be asked why it should be overridden.".to_owned())
                }
                Verdict::Free => None,
            }
        })
    });
    view! {
        <section class="column" aria-label=stage.label() data-stage=stage.as_str() data-drop=drop_state>
            <header class="column-head">
                <h2>{stage.label()}</h2>
                <span class="count" aria-label=move || plural(count.get())>{move || count.get()}</span>
            </header>
            {move || refusal.get().map(|words| view! { <p class="column-refusal">{words}</p> })}
            {settled(view! { <Cards stage /> })}
            <Show when=move || count.get() == 0 && desk.live.has_cards().get()>
                <p class="column-purpose">
                    {move || if desk.filter.with(|filter| filter.looks_inside()) { "No card here matches the filter." } else { purpose(stage) }}
                </p>
            </Show>
        </section>
    }
}

fn plural(count: usize) -> String {
    if count == 1 { "1 card".to_owned() } else { format!("{count} cards") }
}

/// The list of a column. It draws what is in view, and follows where it is scrolled to.
#[component]
fn Cards(stage: Stage) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let (ids, count) = (desk.shown(stage), desk.count(stage));
    let list = NodeRef::<html::Ul>::new();
    let heights = StoredValue::new(Heights::default());
    let seen = RwSignal::new(None::<View>);
    let whole = first_view::whole(&desk.query.get_untracked()) == Some(stage);
    let pieces = Memo::new(move |_| {
        let pinned = desk.active.get();
        ids.with(|ids| {
            let more = count.get().saturating_sub(ids.len());
            heights.with_value(|heights| window::pieces(ids, more, heights, seen.get(), pinned, whole))
        })
    });
    Effect::new(move |_| {
        pieces.track();
        desk.drawn.update(|drawn| *drawn += 1);
    });
    let look = move || {
        let Some(list) = list.get_untracked() else { return };
        heights.update_value(|heights| {
            measure(&list, heights);
            ids.with_untracked(|ids| heights.prune(ids));
        });
        seen.set(Some(View { top: f64::from(list.scroll_top()), height: f64::from(list.client_height()) }));
    };
    Effect::new(move |_| {
        look();
        let resized = window_event_listener(ev::resize, move |_| {
            heights.update_value(Heights::forget);
            look();
        });
        on_cleanup(move || resized.remove());
    });
    // A long column tells assistive technology how long it is, and where in it each card stands.
    let long = move || count.get() > FIRST_CARDS;
    let size = move || long().then(|| count.get().to_string());
    let place = move |id: CardId| {
        move || {
            ids.with(|ids| ids.iter().position(|other| *other == id).filter(|_| long()).map(|at| (at + 1).to_string()))
        }
    };
    let rest = (!whole && count.get_untracked() > FIRST_CARDS).then(|| {
        let address = first_view::whole_address(&desk.filter.get_untracked(), stage);
        let words = format!("Show all {} cards of {}", count.get_untracked(), stage.label());
        let link = format!("<a class=\"column-rest\" href=\"{}\">{words}</a>", address.replace('&', "&amp;"));
        view! { <noscript inner_html=link></noscript> }
    });
    view! {
        <ul class="cards" role="list" node_ref=list on:scroll=move |_| look()>
            <For each=move || pieces.get() key=|piece| *piece let:piece>
                {match piece {
                    Piece::Card(id) => settled(view! {
                        <li data-row="" aria-setsize=size aria-posinset=place(id)><CardTile id /></li>
                    }),
                    Piece::Gap(_, height) => settled(view! {
                        <li class="cards-gap" aria-hidden="true" style:height=format!("{height}px")></li>
                    }),
                }}
            </For>
        </ul>
        {rest}
    }
}

/// Learns how high the drawn cards are. After a scroll the page is laid out already, so asking costs little.
fn measure(list: &Element, heights: &mut Heights) {
    let Ok(rows) = list.query_selector_all("[data-row]") else { return };
    for row in (0..rows.length()).filter_map(|index| rows.item(index)) {
        let row: Element = row.unchecked_into();
        let card = row.first_element_child().and_then(|tile| tile.get_attribute("data-card"));
        if let Some(id) = card.and_then(|id| id.parse().ok()) {
            heights.learn(id, row.get_bounding_client_rect().height());
        }
    }
}
