//! Every project with what goes on in it.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};

use super::{
    LoadProblem,
    add::AddProjectDialog,
    load,
    tally::{Tally, tallies},
};
use crate::{
    live::Live,
    model::{Project, Stage},
    shell::OpeningProblem,
    ui::{
        badge::{Badge, Tone},
        icon::Icon,
        settled::settled,
    },
};

#[component]
pub(super) fn ProjectsPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let problem = RwSignal::new(expect_context::<OpeningProblem>().0);
    Effect::new(move |_| {
        if !live.has_cards().get_untracked() && problem.with_untracked(Option::is_none) {
            load(live, problem);
        }
    });
    let adding = adding();
    let tallies = tallies(live);
    settled(view! {
        <Title text="Projects" />
        <div class="projects-page">
            <header class="page-head">
                <h1>"Projects"</h1>
                <button type="button" class="button button-primary" on:click=move |_| adding.set(true)>
                    <Icon name="plus" />
                    "Add project"
                </button>
            </header>
            <noscript>
                <p class="hint">"Reading works without JavaScript; adding a project needs it."</p>
            </noscript>
            <Show when=move || problem.with(Option::is_none) fallback=move || view! { <LoadProblem problem /> }>
                <Show when=move || live.projects().with(Vec::is_empty)>
                    <section class="empty-page">
                        <h2>"No project yet"</h2>
                        <p>"A project is a git repository on this machine. Add one, and its cards go from Plan to a commit."</p>
                        <button type="button" class="button" on:click=move |_| adding.set(true)>"Add project"</button>
                    </section>
                </Show>
                <ul class="projects">
                    <For each=move || live.projects().get() key=|project| (project.id, project.version) let:project>
                        <li>
                            <ProjectTile tally=Signal::derive({
                                let id = project.id;
                                move || live.has_cards().get().then(|| {
                                    tallies.with(|tallies| tallies.get(&id).copied().unwrap_or_default())
                                })
                            }) project />
                        </li>
                    </For>
                </ul>
            </Show>
        </div>
        <AddProjectDialog open=adding />
    })
}

/// Whether the dialog is open: by the button, or because the address says `?add`.
fn adding() -> RwSignal<bool> {
    let adding = RwSignal::new(false);
    let query = use_query_map();
    let navigate = use_navigate();
    let asked = Memo::new(move |_| query.with(|query| query.get("add").is_some()));
    Effect::new(move |_| {
        if asked.get() {
            adding.set(true);
        }
    });
    Effect::new(move |was_open: Option<bool>| {
        let is_open = adding.get();
        if was_open == Some(true) && !is_open && asked.get_untracked() {
            navigate("/projects", NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() });
        }
        is_open
    });
    adding
}

/// One project. Its tally is `None` while the cards are not here yet.
#[component]
fn ProjectTile(project: Project, tally: Signal<Option<Tally>>) -> impl IntoView {
    let board = format!("/?project={}", project.id);
    let needs_you = format!("{board}&status=needs_you");
    let settings = format!("/projects/{}", project.id);
    let name = project.name.clone();
    let trust = match project.trusted {
        true => view! { <Badge icon="shield" tone=Tone::Done text="Trusted" /> },
        false => view! { <Badge icon="shield" tone=Tone::Attention text="Not trusted" /> },
    };
    let waits = move || tally.get().map_or(0, |tally| tally.needs_you);
    let works = move || tally.get().map_or(0, |tally| tally.working);
    settled(view! {
        <article class="project" aria-label=name.clone()>
            <header class="project-head">
                <h2><a href=board.clone() dir="auto">{name.clone()}</a></h2>
                {trust}
                <span class="project-state">
                    {move || (works() > 0).then(|| view! {
                        <Badge icon="working" tone=Tone::Active text=format!("{} at work", works()) />
                    })}
                    {move || (waits() > 0).then(|| view! {
                        <a class="project-needs" href=needs_you.clone()>{format!("Needs you ({})", waits())}</a>
                    })}
                </span>
            </header>
            <p class="project-place">
                <code title=project.path.clone()>{project.path.clone()}</code>
                <span>"lands on " <code>{project.base_branch.clone()}</code></span>
                <span>{match &project.check_command {
                    Some(command) => format!("checked by {command}"),
                    None => "no check command".to_owned(),
                }}</span>
            </p>
            <dl class="project-counts">
                {Stage::ALL.map(|stage| view! {
                    <div>
                        <dt>{stage.label()}</dt>
                        <dd>{move || tally.get().map_or("…".to_owned(), |tally| tally.stages[stage as usize].to_string())}</dd>
                    </div>
                }).collect_view()}
                <div>
                    <dt>"Shipped"</dt>
                    <dd>{move || tally.get().map_or("…".to_owned(), |tally| tally.shipped.to_string())}</dd>
                </div>
            </dl>
            <p class="project-links">
                <a class="button" href=board aria-label=format!("Board of {name}")>"Board"</a>
                <a class="button" href=settings aria-label=format!("Settings of {name}")>"Settings"</a>
            </p>
        </article>
    })
}
