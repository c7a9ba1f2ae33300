//! Putting things on the clipboard, with a word of how it went.

use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

use crate::ui::{announcer::Announcer, icon::Icon, settled::settled};

/// What is copied.
#[derive(Clone)]
pub enum Source {
    Text(String),
    /// The text that an address answers with.
    Address(String),
}

/// `name` says what is copied: `Plan v2`.
#[component]
pub fn CopyButton(
    source: Source,
    name: String,
    /// Only the icon shows; the name is for assistive technology and for hovering.
    #[prop(optional)]
    small: bool,
) -> impl IntoView {
    let announcer = expect_context::<Announcer>();
    let said = RwSignal::new("Copy");
    let label = format!("Copy {name}");
    let copy = move |_| {
        let (source, name) = (source.clone(), name.clone());
        spawn_local(async move {
            let copied = put(source).await.is_some();
            said.try_set(if copied { "Copied" } else { "Copy failed" });
            announcer.say(match copied {
                true => format!("{name} copied."),
                false => format!("{name} could not be copied: the browser keeps the clipboard to itself."),
            });
        });
    };
    let class = if small { "icon-button copy" } else { "button copy" };
    settled(view! {
        <button type="button" class=class aria-label=label.clone() title=label on:click=copy>
            <Icon name="copy" />
            {(!small).then_some(move || said.get())}
        </button>
    })
}

/// `None` when the content could not be had or the browser keeps the clipboard to itself.
async fn put(source: Source) -> Option<()> {
    let text = match source {
        Source::Text(text) => text,
        Source::Address(address) => {
            let response = JsFuture::from(window().fetch_with_str(&address)).await.ok()?;
            let response: web_sys::Response = response.dyn_into().ok()?;
            if !response.ok() {
                return None;
            }
            JsFuture::from(response.text().ok()?).await.ok()?.as_string()?
        }
    };
    JsFuture::from(window().navigator().clipboard().write_text(&text)).await.ok()?;
    Some(())
}
