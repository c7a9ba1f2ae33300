//! A progress bar with a name and a value.

use leptos::prelude::*;

#[component]
pub fn Progress(
    /// What progresses, for assistive technology.
    #[prop(into)]
    name: String,
    /// Percent, 0 to 100.
    percent: u8,
    /// The value in words: `step 3 of 5`.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! {
        <progress class="progress" aria-label=name aria-valuetext=text max="100" value=percent.min(100).to_string()></progress>
    }
}
