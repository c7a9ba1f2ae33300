//! The dialog that edits a card, and the fields it shares with the one that makes a card.

use leptos::{prelude::*, task::spawn_local};

use super::{Ask, Desk, reason::Refusal};
use crate::{
    api,
    error::ErrorCode,
    model::{Card, CardEdit, CardId, TITLE_LIMIT},
    ui::{dialog::Dialog, settled::settled},
};

/// An example of each playbook block, as the format has it.
const PLAYBOOK_EXAMPLE: &str = "```edit src/greeting.rs
<<<<<<< SEARCH
hello
=======
good morning
>>>>>>> REPLACE
```

```replace src/**/*.rs
/old_name\\((\\w+)\\)/new_name($1)/
```

```move docs/old.md -> docs/new.md
```

```delete notes.txt
```

```sh
cargo fmt
```";

#[component]
pub(super) fn EditCardDialog() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let open = super::asked(desk, |ask| matches!(ask, Ask::Edit(_)));
    view! {
        <Dialog title=Signal::stored("Edit card".to_owned()) open>
            <LoadCard />
        </Dialog>
    }
}

/// The board's cards come without bodies: fetches the whole card first.
#[component]
fn LoadCard() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let loaded = RwSignal::new(None::<Card>);
    let refusal = RwSignal::new(None);
    if let Some(Ask::Edit(id)) = desk.ask.get_untracked() {
        spawn_local(async move {
            match api::read_card(id).await {
                Ok(card) => drop(loaded.try_set(Some(card))),
                Err(problem) => drop(refusal.try_set(Some(problem.detail))),
            }
        });
    }
    settled(view! {
        <Show when=move || loaded.with(Option::is_some) fallback=move || view! {
            <div class="dialog-body">
                <p class="hint">"Reading the card…"</p>
                <Refusal refusal />
            </div>
        }>
            {move || loaded.get().map(|card| view! { <EditForm card /> })}
        </Show>
    })
}

#[component]
fn EditForm(card: Card) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let (id, version) = (card.id, card.version);
    let (title, body) = (RwSignal::new(card.title), RwSignal::new(card.body.unwrap_or_default()));
    let (busy, refusal) = (RwSignal::new(false), RwSignal::new(None));
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        busy.set(true);
        spawn_local(async move {
            match save(id, title.get_untracked(), body.get_untracked(), version).await {
                Ok(card) => {
                    desk.announcer.say(format!("{} is saved.", card.title));
                    desk.live.accept(card);
                    desk.ask.try_set(None);
                    desk.focus_soon(id);
                }
                Err(detail) => {
                    busy.try_set(false);
                    refusal.try_set(Some(detail));
                }
            }
        });
    };
    settled(view! {
        <form class="dialog-body" on:submit=submit>
            <CardFields title body keep=|| () />
            <PlaybookHelp />
            <Refusal refusal />
            <footer class="dialog-foot">
                <button type="button" class="button" on:click=move |_| desk.ask.set(None)>"Cancel"</button>
                <button class="button button-primary" disabled=busy>"Save"</button>
            </footer>
        </form>
    })
}

async fn save(id: CardId, title: String, body: String, version: i64) -> Result<Card, String> {
    let edit = CardEdit { title: Some(title.trim().to_owned()), body: Some(body), version: Some(version) };
    api::edit_card(id, edit).await.map_err(|problem| match problem.code {
        ErrorCode::VersionConflict => {
            "Someone else changed this card while you were editing. Copy what you wrote, open it again and put both together.".to_owned()
        }
        _ => problem.detail,
    })
}

/// Title and Description. `keep` is called after every change.
#[component]
pub(super) fn CardFields(
    title: RwSignal<String>,
    body: RwSignal<String>,
    keep: impl Fn() + Copy + 'static,
) -> impl IntoView {
    settled(view! {
        <label class="field">
            <span>"Title"</span>
            <input
                type="text" required data-autofocus="" dir="auto" autocomplete="off" maxlength=TITLE_LIMIT.to_string()
                placeholder="What should be true when this is done" prop:value=title
                on:input=move |event| {
                    title.set(event_target_value(&event));
                    keep();
                }
            />
        </label>
        <label class="field">
            <span>"Description"</span>
            <textarea
                rows="9" dir="auto" class="mono" spellcheck="false" placeholder="Markdown. Say what you know: files, reasons, how to check."
                prop:value=body
                on:input=move |event| {
                    body.set(event_target_value(&event));
                    keep();
                }
            ></textarea>
        </label>
    })
}

/// The playbook format, in place.
#[component]
pub(super) fn PlaybookHelp() -> impl IntoView {
    view! {
        <details class="playbook-help">
            <summary>"Playbook blocks: changes that need no model"</summary>
            <p class="hint">
                "Fenced blocks in the description are carried out exactly. Plan says which apply, and where; a block that does not apply holds the gate. "
                <code>"edit"</code> " replaces text that occurs once (an empty search makes the file), "
                <code>"replace"</code> " is a regular expression over every file that the pattern names, "
                <code>"diff"</code> " applies a unified diff, " <code>"move"</code> " and " <code>"delete"</code>
                " do what they say, and " <code>"sh"</code> " runs in the sandbox at Build."
            </p>
            <pre>{PLAYBOOK_EXAMPLE}</pre>
        </details>
    }
}
