//! The dialog that edits a card, from the board's menu and on the card's page alike.

use leptos::{prelude::*, task::spawn_local};

use super::{
    conflict::{Choice, Conflict},
    draft::{EditDraft, Theirs},
    fields::{CardFields, save_key},
};
use crate::{
    api,
    card::ask::{Ask, Refusal},
    error::{ErrorCode, Problem},
    live::Live,
    model::{Batch, Card, CardId},
    ui::{announcer::Announcer, dialog::Dialog, settled::settled},
};

/// A word about the text in the fields, where it is not what one expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Note {
    /// It was typed before, and never saved.
    Restored,
    /// Somebody else has just saved it.
    Renewed,
}

#[component]
pub fn EditDialog(
    open: RwSignal<bool>,
    /// Which card, asked when the dialog opens.
    card: Callback<(), Option<CardId>>,
    saved: Callback<Card>,
) -> impl IntoView {
    settled(view! {
        <Dialog title=Signal::stored("Edit card".to_owned()) open>
            <LoadCard open card saved />
        </Dialog>
    })
}

/// Asks for the card as it is now, with its body.
#[component]
fn LoadCard(open: RwSignal<bool>, card: Callback<(), Option<CardId>>, saved: Callback<Card>) -> impl IntoView {
    let loaded = RwSignal::new(None::<Card>);
    let ask = Ask::new();
    if let Some(id) = card.run(()) {
        ask.send(api::read_card(id), move |card| drop(loaded.try_set(Some(card))));
    }
    settled(view! {
        <Show when=move || loaded.with(Option::is_some) fallback=move || view! {
            <div class="dialog-body">
                <p class="hint">"Reading the card…"</p>
                <Refusal ask />
            </div>
        }>
            {move || loaded.get().map(|card| view! { <EditForm card open saved /> })}
        </Show>
    })
}

/// The form and everything that happens to it.
#[derive(Clone, Copy)]
struct Form {
    id: CardId,
    title: RwSignal<String>,
    body: RwSignal<String>,
    /// What the fields started from.
    base: RwSignal<EditDraft>,
    note: RwSignal<Option<Note>>,
    /// Somebody else's text that clashes with what is typed.
    theirs: RwSignal<Option<Card>>,
    merging: RwSignal<bool>,
    ask: Ask,
    open: RwSignal<bool>,
    saved: Callback<Card>,
    announcer: Announcer,
}

impl Form {
    fn new(card: &Card, open: RwSignal<bool>, saved: Callback<Card>) -> Self {
        let found = EditDraft::left_behind(card);
        let note = found.is_some().then_some(Note::Restored);
        let draft = found.unwrap_or_else(|| EditDraft::of(card));
        Form {
            id: card.id,
            title: RwSignal::new(draft.title.clone()),
            body: RwSignal::new(draft.body.clone()),
            base: RwSignal::new(draft),
            note: RwSignal::new(note),
            theirs: RwSignal::new(None),
            merging: RwSignal::new(false),
            ask: Ask::new(),
            open,
            saved,
            announcer: expect_context(),
        }
    }

    /// What is typed, and what it started from. `None` once the form has left the page.
    fn draft(self) -> Option<EditDraft> {
        let base = self.base.try_get_untracked()?;
        Some(EditDraft { title: self.title.try_get_untracked()?, body: self.body.try_get_untracked()?, ..base })
    }

    fn keep(self) {
        if let Some(draft) = self.draft() {
            draft.keep(self.id);
        }
    }

    /// Puts a card's text into the fields, in place of what is there.
    fn fill(self, card: &Card) {
        EditDraft::forget(self.id);
        let draft = EditDraft::of(card);
        self.title.set(draft.title.clone());
        self.body.set(draft.body.clone());
        self.base.set(draft);
        self.theirs.set(None);
        self.merging.set(false);
        self.ask.forgive();
    }

    /// Takes in the card as the server has it now.
    fn meet(self, card: Card) {
        let Some(draft) = self.draft().filter(|draft| draft.version <= card.version) else { return };
        // While a save is under way, its answer tells.
        if untrack(|| self.ask.busy()) {
            return;
        }
        match draft.compare(&card) {
            Theirs::Same => self.base.update(|base| base.version = card.version),
            Theirs::New => {
                let changed = draft.title != card.title || card.body.as_deref() != Some(draft.body.as_str());
                self.fill(&card);
                self.note.set(changed.then_some(Note::Renewed));
            }
            Theirs::Clash => {
                self.merging.set(false);
                self.theirs.set(Some(card));
            }
        }
    }

    fn save(self) {
        let Some(draft) = self.draft() else { return };
        match draft.fault() {
            Some(fault) => self.ask.refuse(fault),
            None => self.ask.send(save_unless_changed(self.id, draft), move |outcome| match outcome {
                Saved::Yes(card) => {
                    EditDraft::forget(self.id);
                    self.announcer.say(format!("{} is saved.", card.title));
                    self.open.try_set(false);
                    self.saved.run(card);
                }
                Saved::Clashes(card) => self.meet(card),
            }),
        }
    }

    fn choose(self, choice: Choice) {
        let Some(card) = self.theirs.get_untracked() else { return };
        match choice {
            Choice::TakeTheirs => {
                self.fill(&card);
                self.note.set(None);
            }
            // Either way the other text counts as read, so a third one is told again.
            Choice::KeepMine | Choice::Merge => {
                self.base.update(|base| base.rebase(&card));
                self.keep();
                if choice == Choice::Merge {
                    self.merging.set(true);
                } else {
                    self.theirs.set(None);
                    self.save();
                }
            }
        }
    }

    /// Looks again whenever the stream says that somebody has edited the card.
    fn follow(self, live: Live) {
        let edited = move |batch: &Batch| {
            batch.events.iter().any(|event| event.kind == "card.edited" && event.card_id == Some(self.id))
        };
        live.on_batch(move |batch| {
            if edited(batch) {
                spawn_local(async move {
                    // A card that cannot be read now is compared when it is saved.
                    if let Ok(card) = api::read_card(self.id).await {
                        self.meet(card);
                    }
                });
            }
        });
    }
}

#[component]
fn EditForm(card: Card, open: RwSignal<bool>, saved: Callback<Card>) -> impl IntoView {
    let form = Form::new(&card, open, saved);
    form.follow(expect_context());
    let original = StoredValue::new(card);
    let start_over = move |_| {
        form.fill(&original.get_value());
        form.note.set(None);
    };
    let undecided = move || form.theirs.with(Option::is_some) && !form.merging.get();
    settled(view! {
        <form
            class="dialog-body"
            on:keydown=save_key
            on:submit=move |event| {
                event.prevent_default();
                if !untrack(undecided) {
                    form.save();
                }
            }
        >
            {move || form.note.get().map(|note| match note {
                Note::Restored => settled(view! {
                    <p class="notice">
                        "This is your draft from before. "
                        <button type="button" class="link" on:click=start_over>"Discard it"</button>
                    </p>
                }),
                Note::Renewed => settled(view! {
                    <p class="notice" role="status">"Someone else has just saved this card. You see their text."</p>
                }),
            })}
            <CardFields title=form.title body=form.body keep=Callback::new(move |()| form.keep()) />
            {move || form.theirs.get().map(|card| view! {
                <Conflict card merging=form.merging.get() choose=Callback::new(move |choice| form.choose(choice)) />
            })}
            <Refusal ask=form.ask />
            <footer class="dialog-foot">
                <span class="hint">"Kept in this browser until you save. An agent at work keeps the text it started with."</span>
                <button type="button" class="button" on:click=move |_| open.set(false)>"Cancel"</button>
                <button
                    class="button button-primary" title="Save (Ctrl+Enter)" aria-keyshortcuts="Control+Enter"
                    disabled=move || form.ask.busy() || undecided()
                >
                    "Save"
                </button>
            </footer>
        </form>
    })
}

/// How an attempt to save ended.
enum Saved {
    Yes(Card),
    /// Nothing was saved: this is the card as somebody else has left it.
    Clashes(Card),
}

/// Saves a draft unless somebody else changed the text. A card that has only moved is saved all the same.
async fn save_unless_changed(id: CardId, draft: EditDraft) -> Result<Saved, Problem> {
    match api::edit_card(id, draft.edit()).await {
        Err(problem) if problem.code == ErrorCode::VersionConflict => {
            let card = api::read_card(id).await?;
            if draft.compare(&card) != Theirs::Same {
                return Ok(Saved::Clashes(card));
            }
            let edit = crate::model::CardEdit { version: Some(card.version), ..draft.edit() };
            api::edit_card(id, edit).await.map(Saved::Yes)
        }
        other => other.map(Saved::Yes),
    }
}
