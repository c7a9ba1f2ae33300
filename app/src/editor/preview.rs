//! The description as its card's page will show it. The server renders it, a moment after the last key.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};

use crate::{
    draw::{Part, draw},
    ui::{settled::settled, storage},
};

/// How long after the last key the preview is drawn: shorter than one notices, longer than between two keys.
const PAUSE: Duration = Duration::from_millis(250);
/// Whether a person wants to see previews is remembered in their browser.
const WANTED_KEY: &str = "slipway.preview";

pub(super) fn is_wanted() -> bool {
    storage::read(WANTED_KEY).is_some()
}

pub(super) fn want(wanted: bool) {
    if wanted {
        storage::write(WANTED_KEY, "1");
    } else {
        storage::forget(WANTED_KEY);
    }
}

#[component]
pub(super) fn Preview(body: RwSignal<String>) -> impl IntoView {
    let html = RwSignal::new(String::new());
    let asked = StoredValue::new(0_u32);
    Effect::new(move |before: Option<()>| {
        let text = body.get();
        asked.update_value(|asked| *asked += 1);
        let turn = asked.get_value();
        let is_last = move || asked.try_get_value() == Some(turn);
        let fetch = move || {
            if !is_last() {
                return;
            }
            spawn_local(async move {
                let drawn = draw(Part::Preview(text)).await;
                if is_last() {
                    html.try_set(drawn.unwrap_or_else(|_| {
                        "<p class=\"empty\">The preview comes back with the server.</p>".to_owned()
                    }));
                }
            });
        };
        match before {
            None => fetch(),
            Some(()) => set_timeout(fetch, PAUSE),
        }
    });
    settled(view! {
        <section class="editor-preview" aria-label="Preview" tabindex="0">
            {move || match html.with(|html| html.trim().is_empty()) {
                true => settled(view! { <p class="empty">"What you write shows here as it will be read."</p> }),
                false => settled(view! { <div class="prose" dir="auto" inner_html=move || html.get()></div> }),
            }}
        </section>
    })
}
