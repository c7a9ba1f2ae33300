//! The page's one polite status region: says what happened to whoever cannot see it happen.

use leptos::prelude::*;

/// Says sentences in the page's `status` region. From context.
#[derive(Clone, Copy)]
pub struct Announcer {
    said: RwSignal<(u32, String)>,
}

impl Announcer {
    /// Makes it and puts it into context.
    pub fn provide() -> Self {
        let announcer = Announcer { said: RwSignal::new((0, String::new())) };
        provide_context(announcer);
        announcer
    }

    pub fn say(self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        self.said.update(|(count, text)| {
            *count += 1;
            *text = sentence;
        });
    }
}

/// The region itself; once per page.
#[component]
pub fn StatusRegion() -> impl IntoView {
    let announcer = expect_context::<Announcer>();
    // A no-break space alternates at the end, because a region whose text stays the same says nothing.
    let text = move || {
        announcer.said.with(|(count, text)| if count % 2 == 0 { text.clone() } else { format!("{text}\u{a0}") })
    };
    view! { <div class="visually-hidden" role="status" aria-live="polite">{text}</div> }
}
