//! The dialog that makes a card. What is typed survives a closed dialog and a reload, for each project.

#[cfg(feature = "ssr")]
pub mod drawn;
mod templates;

use leptos::{prelude::*, task::spawn_local};

use super::{Ask, Desk, reason::Refusal};
use crate::{
    api,
    editor::{CardFields, draft::NewDraft, save_key},
    model::{Card, NewCard, ProjectId},
    ui::{dialog::Dialog, settled::settled},
};

#[component]
pub(super) fn NewCardDialog() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let open = super::asked(desk, |ask| ask == Ask::NewCard);
    view! {
        <Dialog title=Signal::stored("New card".to_owned()) open>
            <NewCardForm />
        </Dialog>
    }
}

/// The form and its draft.
#[derive(Clone, Copy)]
struct Form {
    desk: Desk,
    project: RwSignal<Option<ProjectId>>,
    title: RwSignal<String>,
    body: RwSignal<String>,
    /// Whether the fields hold a draft from before.
    restored: RwSignal<bool>,
    /// The template that fills the fields, until something else is typed.
    template: StoredValue<NewDraft>,
    busy: RwSignal<bool>,
    refusal: RwSignal<Option<String>>,
}

impl Form {
    fn new(desk: Desk) -> Self {
        let form = Form {
            desk,
            project: RwSignal::new(first_choice(desk)),
            title: RwSignal::new(String::new()),
            body: RwSignal::new(String::new()),
            restored: RwSignal::new(false),
            template: StoredValue::new(NewDraft::default()),
            busy: RwSignal::new(false),
            refusal: RwSignal::new(None),
        };
        if let Some(draft) = form.project.get_untracked().and_then(NewDraft::read) {
            form.fill(draft);
            form.restored.set(true);
        }
        form
    }

    fn draft(self) -> NewDraft {
        NewDraft { title: self.title.get_untracked(), body: self.body.get_untracked() }
    }

    fn fill(self, draft: NewDraft) {
        self.title.set(draft.title);
        self.body.set(draft.body);
    }

    fn keep(self) {
        if let Some(project) = self.project.get_untracked() {
            self.draft().keep(project);
        }
    }

    fn discard(self) {
        if let Some(project) = self.project.get_untracked() {
            NewDraft::forget(project);
        }
        self.restored.set(false);
        self.fill(NewDraft::default());
    }

    /// What is typed comes along to another project, unless a draft waits there: then each stays with its own.
    fn choose(self, chosen: Option<ProjectId>) {
        let waiting = chosen.and_then(NewDraft::read);
        if waiting.is_none()
            && let Some(left) = self.project.get_untracked()
        {
            NewDraft::forget(left);
        }
        self.project.set(chosen);
        self.restored.set(waiting.is_some());
        match waiting {
            Some(draft) => self.fill(draft),
            None => self.keep(),
        }
    }

    /// Fills the fields from a template; what was typed stays, with the template's text after it.
    fn start_from(self, template: NewDraft) {
        let Some(unchanged) = self.template.try_with_value(|last| *last == self.draft()) else { return };
        let filled = if unchanged { template } else { self.draft().and(template) };
        self.template.set_value(filled.clone());
        self.fill(filled);
        self.keep();
    }

    fn create(self) {
        let Some(project_id) = self.project.get_untracked() else {
            return self.refusal.set(Some("There is no project yet to put a card into. Add one first.".to_owned()));
        };
        if self.busy.get_untracked() {
            return;
        }
        let NewDraft { title, body } = self.draft();
        if title.trim().is_empty() {
            return self.refusal.set(Some("Give the card a title.".to_owned()));
        }
        self.busy.set(true);
        spawn_local(async move {
            match api::create_card(NewCard { project_id, title: title.trim().to_owned(), body }).await {
                Ok(card) => {
                    NewDraft::forget(project_id);
                    self.desk.ask.try_set(None);
                    self.desk.welcome(card);
                }
                Err(problem) => {
                    self.busy.try_set(false);
                    self.refusal.try_set(Some(problem.detail));
                }
            }
        });
    }
}

impl Desk {
    /// Shows a card that was just made, and says so.
    pub(super) fn welcome(self, card: Card) {
        let id = card.id;
        self.announcer.say(format!("{} is in the backlog.", card.title));
        self.live.accept(card);
        self.focus_soon(id);
    }
}

#[component]
fn NewCardForm() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let form = Form::new(desk);
    settled(view! {
        <form
            class="dialog-body"
            on:keydown=save_key
            on:submit=move |event| {
                event.prevent_default();
                form.create();
            }
        >
            <Show when=move || form.restored.get()>
                <p class="notice">
                    "This is your draft from before. "
                    <button type="button" class="link" on:click=move |_| form.discard()>"Discard it"</button>
                </p>
            </Show>
            <Show when=move || desk.live.projects().with(|projects| projects.len() > 1)>
                <ProjectField form />
            </Show>
            <templates::TemplateChoice form />
            <CardFields title=form.title body=form.body keep=Callback::new(move |()| form.keep()) />
            <Refusal refusal=form.refusal />
            <footer class="dialog-foot">
                <span class="hint">"The draft is kept in this browser until you create the card."</span>
                <button type="button" class="button" on:click=move |_| desk.ask.set(None)>"Cancel"</button>
                <button class="button button-primary" title="Create card (Ctrl+Enter)" aria-keyshortcuts="Control+Enter" disabled=form.busy>
                    "Create card"
                </button>
            </footer>
        </form>
    })
}

/// The project that is looked at, else the first trusted one, else the first.
pub(super) fn first_choice(desk: Desk) -> Option<ProjectId> {
    desk.filter.with_untracked(|filter| filter.project).or_else(|| {
        desk.live.projects().with_untracked(|projects| {
            projects.iter().find(|project| project.trusted).or(projects.first()).map(|project| project.id)
        })
    })
}

#[component]
fn ProjectField(form: Form) -> impl IntoView {
    settled(view! {
        <label class="field">
            <span>"Project"</span>
            <select on:change=move |event| form.choose(event_target_value(&event).parse().ok())>
                <For each=move || form.desk.live.projects().get() key=|project| project.id let:option>
                    <option value=option.id.to_string() selected=move || form.project.get() == Some(option.id)>{option.name.clone()}</option>
                </For>
            </select>
        </label>
    })
}
