//! A state as icon and word: never by colour alone.

use leptos::prelude::*;

use super::icon::Sprite;

/// How a badge is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Neutral,
    Active,
    Attention,
    Danger,
    Done,
}

impl Tone {
    pub fn as_str(self) -> &'static str {
        match self {
            Tone::Neutral => "neutral",
            Tone::Active => "active",
            Tone::Attention => "attention",
            Tone::Danger => "danger",
            Tone::Done => "done",
        }
    }
}

#[component]
pub fn Badge(
    /// The symbol's id in the sprite.
    icon: &'static str,
    tone: Tone,
    #[prop(into)] text: String,
) -> impl IntoView {
    let href = use_context::<Sprite>().map(|Sprite(path)| format!("{path}#{icon}"));
    view! {
        <span class="badge" data-tone=tone.as_str()>
            <svg class="icon" aria-hidden="true" focusable="false"><use href=href></use></svg>
            <span>{text}</span>
        </span>
    }
}
