//! Icons from the sprite in `public/icons.svg`. They always stand beside a word or a name, so they are
//! hidden from assistive technology.

use leptos::prelude::*;

/// Address of the sprite. From context.
#[derive(Clone)]
pub struct Sprite(pub String);

#[component]
pub fn Icon(
    /// The symbol's id in the sprite.
    name: &'static str,
) -> impl IntoView {
    let href = use_context::<Sprite>().map(|Sprite(path)| format!("{path}#{name}"));
    view! { <svg class="icon" aria-hidden="true" focusable="false"><use href=href></use></svg> }
}
