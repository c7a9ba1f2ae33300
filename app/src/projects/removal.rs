//! Takes a project off the board, once its name has been typed.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use web_sys::SubmitEvent;

use super::{Refusal, api::remove_project};
use crate::{
    live::Live,
    model::{Project, Removal},
    ui::{announcer::Announcer, dialog::Dialog, settled::settled},
};

#[component]
pub(super) fn RemoveProject(saved: RwSignal<Project>) -> impl IntoView {
    let open = RwSignal::new(false);
    let name = Signal::derive(move || saved.with(|project| project.name.clone()));
    settled(view! {
        <section class="settings-remove" aria-label="Remove project">
            <h2>"Remove project"</h2>
            <p class="hint">"Takes it off the board. Its repository stays as it is."</p>
            <button type="button" class="button button-danger" on:click=move |_| open.set(true)>"Remove project…"</button>
        </section>
        <Dialog title=Signal::derive(move || format!("Remove {}", name.get())) open>
            <RemoveForm open saved />
        </Dialog>
    })
}

#[component]
fn RemoveForm(open: RwSignal<bool>, saved: RwSignal<Project>) -> impl IntoView {
    let live = expect_context::<Live>();
    let announcer = expect_context::<Announcer>();
    let navigate = use_navigate();
    let project = saved.get_untracked();
    let (id, name) = (project.id, StoredValue::new(project.name));
    let (typed, discard) = (RwSignal::new(String::new()), RwSignal::new(false));
    let (busy, refusal) = (RwSignal::new(false), RwSignal::new(None));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let name = name.get_value();
        if typed.with_untracked(|typed| typed.trim() != name) {
            return refusal.set(Some(format!("Type the project's name to remove it: {name}")));
        }
        busy.set(true);
        refusal.set(None);
        let removal = Removal { stop_agents: true, discard_work: discard.get_untracked() };
        let navigate = navigate.clone();
        spawn_local(async move {
            match remove_project(id, removal).await {
                Ok(()) => {
                    announcer.say(format!("{name} is removed. Its repository is as it was."));
                    open.try_set(false);
                    navigate("/projects", Default::default());
                    live.projects().update(|projects| projects.retain(|project| project.id != id));
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
            <p>"Agents at work in it are stopped, its cards go to the archive with their history, and their worktrees are deleted."</p>
            <p>
                "Your files, branches, index and settings in " <code>{project.path}</code>
                " are not touched. Branches " <code>"slipway/…"</code> " with work that has not landed stay, unless you say otherwise:"
            </p>
            <label class="tick">
                <input type="checkbox" on:change=move |event| discard.set(event_target_checked(&event)) />
                <span>"Delete the work that has not landed, too: the cards' branches and snapshots"</span>
            </label>
            <label class="field">
                <span>"Type " <strong dir="auto">{name.get_value()}</strong> " to confirm"</span>
                <input type="text" data-autofocus="" autocomplete="off" spellcheck="false" dir="auto"
                    prop:value=typed on:input=move |event| typed.set(event_target_value(&event)) />
            </label>
            <Refusal refusal />
            <footer class="dialog-foot">
                <span class="hint" role="status">{move || busy.get().then_some("Stopping agents and clearing worktrees…")}</span>
                <button type="button" class="button" on:click=move |_| open.set(false)>"Cancel"</button>
                <button class="button button-danger" disabled=busy>"Remove project"</button>
            </footer>
        </form>
    })
}
