//! All projects, how one is added, and the settings of each.
//!
//! Reading order: [`list`] (the page of all, with [`tally`]), [`add`] (the dialog, with [`path_field`] and
//! [`verdict`]), [`settings`] (one project's page, with [`settings_fields`] and [`settings_form`]), [`removal`].

mod add;
mod api;
mod list;
mod path_field;
mod removal;
mod settings;
mod settings_fields;
mod settings_form;
mod tally;
mod verdict;

use leptos::{prelude::*, task::spawn_local};

use crate::{error::Problem, live::Live, model::Project, ui::settled::settled};

crate::later! {
    /// All projects.
    pub fn projects_page() in projects { list::ProjectsPage() }
}

crate::later! {
    /// One project's settings.
    pub fn project_page() in projects { settings::ProjectPage() }
}

/// Takes over a project that the server answered with.
fn accept(live: Live, project: Project) {
    live.projects().update(|projects| match projects.iter_mut().find(|known| known.id == project.id) {
        Some(known) => *known = project,
        None => projects.push(project),
    });
}

/// Asks the server for everything: a person who comes from another page has no cards yet.
fn load(live: Live, problem: RwSignal<Option<Problem>>) {
    spawn_local(async move {
        match crate::api::load_board(None).await {
            Ok(snapshot) => {
                live.load(snapshot, true);
                problem.try_set(None);
            }
            Err(refusal) => drop(problem.try_set(Some(refusal))),
        }
    });
}

/// Why nothing can be shown, with a way to try again.
#[component]
fn LoadProblem(problem: RwSignal<Option<Problem>>) -> impl IntoView {
    let live = expect_context::<Live>();
    settled(view! {
        <section class="empty-page" role="alert">
            <h2>"The projects could not be loaded"</h2>
            <p>{move || problem.with(|problem| problem.as_ref().map(|problem| problem.detail.clone()))}</p>
            <button type="button" class="button" on:click=move |_| load(live, problem)>"Try again"</button>
        </section>
    })
}

/// Why the server refused, where it was asked.
#[component]
fn Refusal(refusal: RwSignal<Option<String>>) -> impl IntoView {
    move || refusal.get().map(|detail| view! { <p class="field-error" role="alert">{detail}</p> })
}
