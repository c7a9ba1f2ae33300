//! Somebody else's text of a card that is being edited, beside one's own: nothing is lost until the person
//! has chosen.

use leptos::prelude::*;

use crate::{model::Card, ui::settled::settled};

/// What a person does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    KeepMine,
    TakeTheirs,
    /// Theirs stays in sight while mine is changed, until it is saved.
    Merge,
}

#[component]
pub(super) fn Conflict(
    card: Card,
    /// Whether the person is merging: the choice is made, the text is still of use.
    merging: bool,
    choose: Callback<Choice>,
) -> impl IntoView {
    let choice = |choice: Choice, label: &'static str| {
        view! { <button type="button" class="button" on:click=move |_| choose.run(choice)>{label}</button> }
    };
    let body = card.body.unwrap_or_default();
    settled(view! {
        <section class="conflict" role="alert" aria-labelledby="conflict">
            <h3 id="conflict">{if merging { "Their text, to merge by hand" } else { "Someone else has saved this card" }}</h3>
            <p>
                {if merging {
                    "Take over what you want of it into the fields above, then save."
                } else {
                    "Your text is above, theirs is here. Nothing is lost until you choose."
                }}
            </p>
            <p dir="auto"><strong>{card.title}</strong></p>
            <pre class="plain" dir="auto" tabindex="0" aria-label="Their description">{body}</pre>
            {(!merging).then(|| view! {
                <div class="conflict-choice">
                    {choice(Choice::KeepMine, "Save mine over it")}
                    {choice(Choice::TakeTheirs, "Take theirs")}
                    {choice(Choice::Merge, "Merge by hand")}
                </div>
            })}
        </section>
    })
}
