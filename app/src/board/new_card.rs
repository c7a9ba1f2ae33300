//! The dialog that makes a card. What is typed survives a closed dialog and a reload.

use leptos::{prelude::*, task::spawn_local};

use super::{
    Ask, Desk,
    edit_card::{CardFields, PlaybookHelp},
    reason::Refusal,
};
use crate::{
    api,
    model::{NewCard, ProjectId},
    ui::{dialog::Dialog, settled::settled, storage},
};

/// Where the draft is kept: the title, a line break, the description.
const DRAFT_KEY: &str = "slipway.draft.new-card";

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

#[component]
fn NewCardForm() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let draft = storage::read(DRAFT_KEY).unwrap_or_default();
    let (title, body) = draft.split_once('\n').unwrap_or((&draft, ""));
    let (title, body) = (RwSignal::new(title.to_owned()), RwSignal::new(body.to_owned()));
    let project = RwSignal::new(first_choice(desk));
    let (busy, refusal) = (RwSignal::new(false), RwSignal::new(None));
    let keep = move || storage::write(DRAFT_KEY, &format!("{}\n{}", title.get_untracked(), body.get_untracked()));
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let Some(project_id) = project.get_untracked() else {
            return refusal.set(Some("There is no project yet to put a card into.".to_owned()));
        };
        let new = NewCard { project_id, title: title.get_untracked().trim().to_owned(), body: body.get_untracked() };
        busy.set(true);
        spawn_local(async move {
            match api::create_card(new).await {
                Ok(card) => {
                    storage::forget(DRAFT_KEY);
                    desk.announcer.say(format!("{} is in the backlog.", card.title));
                    let id = card.id;
                    desk.live.accept(card);
                    desk.ask.try_set(None);
                    desk.focus_soon(id);
                }
                Err(problem) => {
                    busy.try_set(false);
                    refusal.try_set(Some(problem.detail));
                }
            }
        });
    };
    settled(view! {
        <form class="dialog-body" on:submit=submit>
            <Show when=move || desk.live.projects().with(|projects| projects.len() > 1)>
                <ProjectField project />
            </Show>
            <CardFields title body keep />
            <PlaybookHelp />
            <Refusal refusal />
            <footer class="dialog-foot">
                <span class="hint">"The draft is kept until you create the card."</span>
                <button type="button" class="button" on:click=move |_| desk.ask.set(None)>"Cancel"</button>
                <button class="button button-primary" disabled=busy>"Create card"</button>
            </footer>
        </form>
    })
}

/// The project that is looked at, else the first trusted one, else the first.
fn first_choice(desk: Desk) -> Option<ProjectId> {
    desk.filter.with_untracked(|filter| filter.project).or_else(|| {
        desk.live.projects().with_untracked(|projects| {
            projects.iter().find(|project| project.trusted).or(projects.first()).map(|project| project.id)
        })
    })
}

#[component]
fn ProjectField(project: RwSignal<Option<ProjectId>>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    settled(view! {
        <label class="field">
            <span>"Project"</span>
            <select on:change=move |event| project.set(event_target_value(&event).parse().ok())>
                <For each=move || desk.live.projects().get() key=|project| project.id let:option>
                    <option value=option.id.to_string() selected=move || project.get() == Some(option.id)>{option.name.clone()}</option>
                </For>
            </select>
        </label>
    })
}
