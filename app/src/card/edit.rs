//! Changing a card's title and description. What is typed is kept as a draft, and a change that somebody
//! else made meanwhile is shown beside it: neither text is lost.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    ask::{Ask, Refusal},
    story::Story,
};
use crate::{
    api::{edit_card, read_card},
    error::{ErrorCode, Problem},
    model::{BODY_LIMIT, Card, CardEdit, CardId, TITLE_LIMIT},
    ui::{announcer::Announcer, dialog::Dialog, settled::settled, storage},
};

/// What is typed, and what it started from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Draft {
    title: String,
    body: String,
    base_title: String,
    base_body: String,
    /// The card's version that it started from.
    version: i64,
}

impl Draft {
    fn of(card: &Card) -> Self {
        let body = card.body.clone().unwrap_or_default();
        Draft {
            title: card.title.clone(),
            body: body.clone(),
            base_title: card.title.clone(),
            base_body: body,
            version: card.version,
        }
    }

    fn is_changed(&self) -> bool {
        self.title != self.base_title || self.body != self.base_body
    }

    /// The server's text is still what this draft started from: only the card has moved.
    fn only_moved(&self, theirs: &Card) -> bool {
        theirs.title == self.base_title && theirs.body.as_deref().unwrap_or_default() == self.base_body
    }

    /// Why it cannot be saved, if so.
    fn fault(&self) -> Option<Problem> {
        let refuse = |detail: String| Some(Problem::new(ErrorCode::InvalidRequest, detail));
        if self.title.trim().is_empty() {
            return refuse("Give the card a title.".to_owned());
        }
        if self.title.chars().count() > TITLE_LIMIT {
            return refuse(format!(
                "The title is longer than {TITLE_LIMIT} characters. Put the rest into the description."
            ));
        }
        if self.body.len() > BODY_LIMIT {
            return refuse("The description is longer than 1 MiB.".to_owned());
        }
        None
    }

    fn edit(&self) -> CardEdit {
        CardEdit {
            title: Some(self.title.trim().to_owned()),
            body: Some(self.body.clone()),
            version: Some(self.version),
        }
    }
}

fn draft_key(card: CardId) -> String {
    format!("slipway.edit.{card}")
}

/// A draft that was left behind, if it says something that the card does not.
fn left_behind(card: &Card) -> Option<Draft> {
    let draft: Draft = serde_json::from_slice(storage::read(&draft_key(card.id))?.as_bytes()).ok()?;
    let body = card.body.as_deref().unwrap_or_default();
    (draft.is_changed() && (draft.title != card.title || draft.body != body)).then_some(draft)
}

/// The dialog; [`EditForm`] lives while it is open.
#[component]
pub fn EditDialog(open: RwSignal<bool>) -> impl IntoView {
    settled(view! {
        <Dialog title="Edit card" open>
            <EditForm open />
        </Dialog>
    })
}

#[component]
fn EditForm(open: RwSignal<bool>) -> impl IntoView {
    let story = expect_context::<Story>();
    let announcer = expect_context::<Announcer>();
    let card = story.now(|story| story.card.clone());
    let id = card.id;
    let found = left_behind(&card);
    let restored = RwSignal::new(found.is_some());
    let draft = RwSignal::new(found.unwrap_or_else(|| Draft::of(&card)));
    let theirs = RwSignal::new(None::<Card>);
    let ask = Ask::new();
    let change = move |change: &dyn Fn(&mut Draft)| {
        draft.update(change);
        let json = draft.with_untracked(|draft| serde_json::to_string(draft).unwrap_or_default());
        storage::write(&draft_key(id), &json);
    };
    let start_over = move || {
        storage::forget(&draft_key(id));
        restored.set(false);
        theirs.set(None);
        ask.forgive();
        draft.set(story.now(|story| Draft::of(&story.card)));
    };
    let saved = move |_: Card| {
        storage::forget(&draft_key(id));
        announcer.say("Card saved.");
        story.reload();
        open.set(false);
    };
    let save = move || {
        let now = draft.get_untracked();
        match now.fault() {
            Some(fault) => ask.refuse(fault),
            None => ask.send(save_unless_changed(id, now, theirs), move |card| {
                if let Some(card) = card {
                    saved(card);
                }
            }),
        }
    };
    // Saying "mine" accepts the version that was shown, so a third change is told again.
    let keep_mine = move |_| {
        if let Some(card) = theirs.get_untracked() {
            change(&|draft| {
                draft.version = card.version;
                draft.base_title = card.title.clone();
                draft.base_body = card.body.clone().unwrap_or_default();
            });
            theirs.set(None);
            save();
        }
    };
    let take_theirs = move |_| {
        if let Some(card) = theirs.get_untracked() {
            storage::forget(&draft_key(id));
            restored.set(false);
            draft.set(Draft::of(&card));
            theirs.set(None);
            story.reload();
        }
    };
    settled(view! {
        <form
            class="dialog-body"
            on:submit=move |event| {
                event.prevent_default();
                save();
            }
        >
            <Show when=move || restored.get()>
                <p class="notice">
                    "This is your draft from before. "
                    <button type="button" class="link" on:click=move |_| start_over()>"Discard it"</button>
                </p>
            </Show>
            <label class="field">
                <span>"Title"</span>
                <input
                    type="text"
                    autocomplete="off"
                    data-autofocus=""
                    dir="auto"
                    prop:value=move || draft.with(|draft| draft.title.clone())
                    on:input=move |event| {
                        let title = event_target_value(&event);
                        change(&|draft| draft.title = title.clone());
                    }
                />
            </label>
            <label class="field">
                <span>"Description"</span>
                <textarea
                    class="edit-body"
                    rows="14"
                    dir="auto"
                    prop:value=move || draft.with(|draft| draft.body.clone())
                    on:input=move |event| {
                        let body = event_target_value(&event);
                        change(&|draft| draft.body = body.clone());
                    }
                ></textarea>
                <span class="hint">"Markdown. An agent that is at work keeps the text it started with."</span>
            </label>
            {move || theirs.get().map(|card| view! {
                <section class="conflict" role="alert" aria-labelledby="conflict">
                    <h3 id="conflict">"Someone else changed this card meanwhile"</h3>
                    <p>"Your text is above, theirs is here. Nothing is lost until you choose."</p>
                    <p dir="auto"><strong>{card.title.clone()}</strong></p>
                    <pre class="plain" dir="auto" tabindex="0">{card.body.clone().unwrap_or_default()}</pre>
                    <div class="conflict-choice">
                        <button type="button" class="button" on:click=keep_mine>"Save mine over it"</button>
                        <button type="button" class="button" on:click=take_theirs>"Take theirs"</button>
                    </div>
                </section>
            })}
            <Refusal ask />
            <div class="dialog-foot">
                <span class="hint">"Typed text is kept in this browser until it is saved."</span>
                <button type="button" class="button" on:click=move |_| open.set(false)>"Cancel"</button>
                <button type="submit" class="button button-primary" disabled=move || ask.busy() || theirs.with(Option::is_some)>"Save"</button>
            </div>
        </form>
    })
}

/// Saves a draft. `None` when somebody else changed the text: it is then in `theirs`, and nothing is saved.
/// A card that has only moved is saved all the same.
async fn save_unless_changed(
    id: CardId,
    draft: Draft,
    theirs: RwSignal<Option<Card>>,
) -> Result<Option<Card>, Problem> {
    match edit_card(id, draft.edit()).await {
        Err(problem) if problem.code == ErrorCode::VersionConflict => {
            let card = read_card(id).await?;
            if draft.only_moved(&card) {
                let edit = CardEdit { version: Some(card.version), ..draft.edit() };
                return edit_card(id, edit).await.map(Some);
            }
            theirs.try_set(Some(card));
            Ok(None)
        }
        other => other.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        card::fixture,
        model::{CardStatus, Stage},
    };

    #[test]
    fn a_move_is_no_conflict_and_another_text_is() {
        let card = fixture::story(Stage::Plan, CardStatus::Working).card;
        let draft = Draft { title: "Mine".to_owned(), ..Draft::of(&card) };
        assert!(draft.is_changed() && !Draft::of(&card).is_changed());
        assert!(draft.only_moved(&Card { version: 7, stage: Stage::Build, ..card.clone() }));
        assert!(!draft.only_moved(&Card { title: "Theirs".to_owned(), ..card.clone() }));
        assert!(!draft.only_moved(&Card { body: None, ..card }));
    }

    #[test]
    fn a_draft_that_cannot_be_saved_says_why() {
        let good = Draft::of(&fixture::story(Stage::Plan, CardStatus::Working).card);
        assert_eq!(good.fault(), None);
        for bad in [
            Draft { title: " ".to_owned(), ..good.clone() },
            Draft { title: "ä".repeat(TITLE_LIMIT + 1), ..good.clone() },
            Draft { body: "a".repeat(BODY_LIMIT + 1), ..good },
        ] {
            assert_eq!(bad.fault().map(|problem| problem.code), Some(ErrorCode::InvalidRequest));
        }
    }
}
