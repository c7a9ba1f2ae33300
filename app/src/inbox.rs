//! What needs a person, oldest first: the exact gate or question, what waiting costs, and the decision in
//! place where it is safe. The server draws the list; the page carries out what is pressed in it.

mod act;
#[cfg(feature = "ssr")]
pub mod list;

use std::time::Duration;

use leptos::{html, prelude::*, task::spawn_local};
use leptos_meta::Title;
use web_sys::Element;

use crate::{
    draw::{Drawn, Part, draw},
    live::Live,
    model::Batch,
    shell::Hydrated,
    ui::{fragment, settled::settled, time::Clock},
};

/// How long a burst of changes is waited for before the list is drawn anew.
const PAUSE: Duration = Duration::from_millis(120);
/// Kinds of event after which something may wait, or wait no more.
const MATTERS: [&str; 5] = ["gate.", "question.", "card.", "agent.", "ship."];
/// Those among them that come often and change nothing here.
const CHATTER: [&str; 6] =
    ["agent.progress", "agent.message", "agent.thought", "agent.usage", "agent.tool_call", "agent.tool_result"];

crate::later! {
    /// The page's code is loaded when the inbox is opened.
    pub fn inbox_page() in shelf { InboxPage() }
}

#[component]
fn InboxPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let list = NodeRef::<html::Ul>::new();
    let first = Drawn::take();
    let due = StoredValue::new(false);
    let refresh = move || {
        spawn_local(async move {
            let drawn = draw(Part::Inbox).await;
            if let (Some(Some(list)), Ok(html)) = (list.try_get_untracked(), drawn) {
                show(&list, &html);
            }
        });
    };
    let soon = move || {
        if !due.get_value() {
            due.set_value(true);
            set_timeout(
                move || {
                    if due.try_set_value(false).is_none() {
                        refresh();
                    }
                },
                PAUSE,
            );
        }
    };
    live.on_batch(move |batch| {
        if concerns(batch) {
            soon();
        }
    });
    let hydrated = expect_context::<Hydrated>().0.get_untracked();
    Effect::new(move |met: Option<bool>| {
        let Some(list) = list.get() else { return false };
        // What the server sent with the page is up to date; on the way from another page nothing came.
        if met != Some(true) && hydrated {
            refresh();
        }
        fragment::restore_drafts(&list);
        true
    });
    // After a lost stream, what happened meanwhile comes as events; a restarted server tells none of it twice.
    let clock = expect_context::<Clock>();
    let minute = Memo::new(move |_| clock.now().timestamp() / 15);
    Effect::new(move |_| {
        minute.track();
        if let Some(list) = list.get_untracked() {
            fragment::renew_times(&list, untrack(|| clock.now()));
        }
    });
    let desk = act::Desk::new(list, Callback::new(move |()| refresh()));
    settled(view! {
        <Title text="Inbox" />
        <div class="page inbox-page">
            <header class="page-head">
                <h1 id="inbox" tabindex="-1">"Inbox"</h1>
                <p class="hint">"What needs you, oldest first."</p>
            </header>
            <noscript>
                <p class="hint">"Reading works without JavaScript; deciding and answering need it."</p>
            </noscript>
            <ul
                class="matters" role="list" aria-labelledby="inbox" node_ref=list inner_html=first
                on:click=move |event| desk.press(event.target())
                on:input=move |event| fragment::keep_draft(event.target())
            ></ul>
        </div>
    })
}

fn show(list: &Element, html: &str) {
    let had_focus = document().active_element().is_some_and(|element| list.contains(Some(&element)));
    fragment::merge(list, html);
    fragment::restore_drafts(list);
    let lost = document().active_element().is_none_or(|element| element.tag_name() == "BODY");
    if had_focus && lost {
        act::focus("#inbox");
    }
}

fn concerns(batch: &Batch) -> bool {
    batch
        .events
        .iter()
        .any(|event| MATTERS.iter().any(|noun| event.kind.starts_with(noun)) && !CHATTER.contains(&event.kind.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Event, Pulse};

    #[test]
    fn chatter_does_not_draw_the_list_anew() {
        for (kind, want) in
            [("gate.opened", true), ("question.asked", true), ("card.moved", true), ("agent.failed", true)]
                .into_iter()
                .chain([("agent.progress", false), ("agent.usage", false), ("session.ended", false)])
        {
            let event = Event {
                seq: 1,
                at: Default::default(),
                kind: kind.to_owned(),
                project_id: None,
                card_id: None,
                agent_id: None,
                data: serde_json::Value::Null,
            };
            let batch = Batch { seq: 1, events: vec![event], cards: Vec::new(), pulse: Pulse::default() };
            assert_eq!(concerns(&batch), want, "{kind}");
        }
    }
}
