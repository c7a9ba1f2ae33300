//! The archive: cards that have left the board, found by text and project, and taken back from here. The
//! server draws the list; it reads and filters without JavaScript too.

#[cfg(feature = "ssr")]
pub mod list;

use std::time::Duration;

use leptos::{html, prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use web_sys::{Element, HtmlElement, wasm_bindgen::JsCast};

use crate::{
    api,
    draw::{Drawn, Part, draw},
    live::Live,
    model::CardId,
    shell::Hydrated,
    ui::{announcer::Announcer, fragment, settled::settled, toast::Toasts},
};

/// How long after the last key the list is asked for.
const PAUSE: Duration = Duration::from_millis(180);

crate::later! {
    /// The page's code is loaded when the archive is opened.
    pub fn archive_page() in shelf { ArchivePage() }
}

#[component]
fn ArchivePage() -> impl IntoView {
    let (live, announcer, toasts) =
        (expect_context::<Live>(), expect_context::<Announcer>(), expect_context::<Toasts>());
    let query = use_query_map();
    let asked = move |name: &str| query.with_untracked(|query| query.get(name).unwrap_or_default());
    let (text, project) = (RwSignal::new(asked("q")), RwSignal::new(asked("project")));
    let list = NodeRef::<html::Ul>::new();
    let turn = StoredValue::new(0_u32);
    let refresh = move || {
        turn.update_value(|turn| *turn += 1);
        let mine = turn.get_value();
        let part = Part::Archive { text: text.get_untracked(), project: project.get_untracked().parse().ok() };
        spawn_local(async move {
            let drawn = draw(part).await;
            if turn.try_get_value() != Some(mine) {
                return;
            }
            if let (Some(Some(list)), Ok(html)) = (list.try_get_untracked(), drawn) {
                fragment::merge(&list, &html);
            }
        });
    };
    // The address follows what is asked, so that it can be kept and shared.
    let changed = move || {
        turn.update_value(|turn| *turn += 1);
        let mine = turn.get_value();
        set_timeout(
            move || {
                if turn.try_get_value() == Some(mine) {
                    note_address(&text.get_untracked(), &project.get_untracked());
                    refresh();
                }
            },
            PAUSE,
        );
    };
    live.on_batch(move |batch| {
        if batch
            .events
            .iter()
            .any(|event| matches!(event.kind.as_str(), "card.archived" | "card.restored" | "card.edited"))
        {
            refresh();
        }
    });
    let hydrated = expect_context::<Hydrated>().0.get_untracked();
    // What the server sent with the page is up to date; on the way from another page nothing came.
    Effect::new(move |met: Option<bool>| {
        let is_here = list.get().is_some();
        if is_here && met != Some(true) && hydrated {
            refresh();
        }
        is_here
    });
    let restore = move |event: web_sys::MouseEvent| {
        let Some((button, id)) = fragment::around(event.target(), "data-restore") else { return };
        let (Ok(id), Some(item)) = (id.parse::<CardId>(), button.closest("[data-key]").ok().flatten()) else { return };
        let title = item.get_attribute("data-title").unwrap_or_default();
        spawn_local(async move {
            match api::restore_card(id).await {
                Ok(card) => {
                    announcer.say(format!("{title} is back in {}.", card.stage.label()));
                    let open = format!("/cards/{id}");
                    toasts.offer(format!("{title} is back in {}.", card.stage.label()), "Open", move || follow(&open));
                    live.accept(card);
                    focus_next(&item);
                    item.remove();
                }
                Err(problem) => toasts.problem(format!("{title} stays in the archive"), &problem),
            }
        });
    };
    let projects = move || live.projects().get();
    settled(view! {
        <Title text="Archive" />
        <div class="page archive-page">
            <header class="page-head">
                <h1 id="archive" tabindex="-1">"Archive"</h1>
                <p class="hint">"Cards that have left the board. Nothing is ever deleted."</p>
            </header>
            <form class="filter archive-filter" role="search" action="/archive" on:submit=|event| event.prevent_default()>
                <label class="search">
                    <span class="visually-hidden">"Search the archive"</span>
                    <crate::ui::icon::Icon name="search" />
                    <input
                        type="search" name="q" placeholder="Search the archive" autocomplete="off" value=text.get_untracked()
                        on:input=move |event| {
                            text.set(event_target_value(&event));
                            changed();
                        }
                    />
                </label>
                <label>
                    <span class="visually-hidden">"Project"</span>
                    <select name="project" on:change=move |event| {
                        project.set(event_target_value(&event));
                        changed();
                    }>
                        <option value="">"All projects"</option>
                        <For each=projects key=|project| project.id let:option>
                            <option value=option.id.to_string() selected=project.get_untracked() == option.id.to_string()>{option.name.clone()}</option>
                        </For>
                    </select>
                </label>
                <noscript>
                    <button class="button">"Filter"</button>
                </noscript>
            </form>
            <ul class="archived" role="list" aria-labelledby="archive" node_ref=list inner_html=Drawn::take() on:click=restore></ul>
        </div>
    })
}

/// Puts the question into the address bar without going anywhere.
fn note_address(text: &str, project: &str) {
    let mut query = leptos_router::params::ParamsMap::new();
    for (name, value) in [("q", text.trim()), ("project", project)] {
        if !value.is_empty() {
            query.insert(name, value.to_owned());
        }
    }
    let address = format!("/archive{}", query.to_query_string());
    if let Ok(history) = window().history() {
        // A refused address stays the old one; the list is right all the same.
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address));
    }
}

/// Goes to an address of this site as a click on a link would.
fn follow(address: &str) {
    let Ok(link) = document().create_element("a") else { return };
    let _ = link.set_attribute("href", address);
    let link: HtmlElement = link.unchecked_into();
    if let Some(body) = document().body() {
        let _ = body.append_child(&link);
        link.click();
        link.remove();
    }
}

fn focus_next(item: &Element) {
    let next = item.next_element_sibling().or_else(|| item.previous_element_sibling());
    let link = next.and_then(|next| next.query_selector("a").ok().flatten());
    let target = link.or_else(|| document().get_element_by_id("archive"));
    if let Some(target) = target {
        let _ = target.unchecked_into::<HtmlElement>().focus();
    }
}
