//! A column: heading, live count, its cards, and what it is for while it has none.

use leptos::prelude::*;

use super::{Desk, card_tile::CardTile, moves::Verdict};
use crate::model::Stage;

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
    let ids = desk.shown(stage);
    let count = Memo::new(move |_| ids.with(Vec::len));
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
    let refusal = move || {
        desk.drag.with(|drag| {
            match drag.as_ref().filter(|drag| drag.over == Some(stage) && drag.from != stage)?.verdict(stage) {
                Verdict::Refused(refusal) => Some(refusal.words()),
                Verdict::NeedsOverride => {
                    Some("The gate is red: you will be asked why it should be overridden.".to_owned())
                }
                Verdict::Free => None,
            }
        })
    };
    view! {
        <section class="column" aria-label=stage.label() data-stage=stage.as_str() data-drop=drop_state>
            <header class="column-head">
                <h2>{stage.label()}</h2>
                <span class="count" aria-label=move || plural(count.get())>{move || count.get()}</span>
            </header>
            {move || refusal().map(|words| view! { <p class="column-refusal">{words}</p> })}
            <ul class="cards" role="list">
                <For each=move || ids.get() key=|id| *id let:id>
                    <li><CardTile id /></li>
                </For>
            </ul>
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
