//! One project's settings. They are saved together and against the version they were read at: a conflict is
//! told, and what was typed stays, across a reload too.

use leptos::{html, prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use web_sys::SubmitEvent;

use super::{
    LoadProblem, Refusal, accept,
    api::look_at_repository,
    removal::RemoveProject,
    settings_fields::SettingsFields,
    settings_form::{edit, fields},
    verdict::sentences,
};
use crate::{
    api,
    error::{ErrorCode, Problem},
    live::Live,
    model::{Project, ProjectId, RepositoryLook},
    shell::{Hydrated, OpeningProblem},
    ui::{
        announcer::Announcer,
        form::{self, Fields},
        settled::settled,
        storage,
    },
};

#[component]
pub(super) fn ProjectPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<ProjectId>().ok()));
    let problem = RwSignal::new(expect_context::<OpeningProblem>().0);
    let known = Memo::new(move |_| {
        live.projects().with(|projects| id.get().filter(|id| projects.iter().any(|project| project.id == *id)))
    });
    settled(view! {
        <Show when=move || problem.with(Option::is_none) fallback=move || view! { <Title text="Project" /> <LoadProblem problem /> }>
            {move || match known.get().and_then(|id| live.project(id)) {
                Some(project) => settled(view! { <Settings project /> }),
                None => settled(view! { <NoProject /> }),
            }}
        </Show>
    })
}

#[component]
fn NoProject() -> impl IntoView {
    if let Some(crate::api::StatusSink(set)) = use_context() {
        set(404);
    }
    settled(view! {
        <Title text="Not found" />
        <section class="empty-page">
            <h1>"There is no such project"</h1>
            <p>"It may have been taken off the board. Its repository is where it was."</p>
            <a class="button" href="/projects">"All projects"</a>
        </section>
    })
}

/// The form and what it is about.
#[derive(Clone, Copy)]
pub(super) struct Editing {
    pub(super) form: NodeRef<html::Form>,
    live: Live,
    id: ProjectId,
    /// As the form was filled last.
    pub(super) saved: RwSignal<Project>,
    pub(super) dirty: RwSignal<bool>,
    /// Someone else has saved since.
    behind: RwSignal<bool>,
    busy: RwSignal<bool>,
    refusal: RwSignal<Option<String>>,
    announcer: Announcer,
}

impl Editing {
    fn draft_key(self) -> String {
        format!("slipway.draft.project.{}", self.id)
    }

    /// Shows the project as it is saved, and forgets what was typed.
    fn show(self, project: Project) {
        storage::forget(&self.draft_key());
        if let Some(form) = self.form.get_untracked() {
            for (name, value) in fields(&project) {
                form::set(&form, name, &value);
            }
        }
        self.saved.set(project);
        self.dirty.set(false);
        self.behind.set(false);
        self.refusal.set(None);
    }

    /// Puts a draft back, and says whether it is behind what is saved.
    fn restore(self) {
        let Some(form) = self.form.get_untracked() else { return };
        let names: Vec<&str> = self.saved.with_untracked(fields).into_iter().map(|(name, _)| name).collect();
        if form::put_back(&form, &self.draft_key(), names) {
            let based_on = Fields::of(&form).map(|fields| fields.get("version"));
            self.behind.set(based_on != Some(self.saved.with_untracked(|project| project.version.to_string())));
        }
        self.look();
    }

    /// Whether anything differs from what is saved; keeps it if so.
    pub(super) fn look(self) {
        let Some(form) = self.form.get_untracked() else { return };
        let Some(held) = Fields::of(&form) else { return };
        let differs = |(name, saved): (&str, String)| name != "version" && held.get(name) != saved;
        let dirty = self.saved.with_untracked(fields).into_iter().any(differs);
        self.dirty.set(dirty);
        if dirty {
            form::keep(&form, &self.draft_key());
        } else {
            storage::forget(&self.draft_key());
        }
    }

    /// The project has changed on the server.
    fn follow(self, project: Project) {
        if self.saved.with_untracked(|saved| saved.version >= project.version) {
            return;
        }
        if self.dirty.get_untracked() {
            self.behind.set(true);
        } else {
            self.show(project);
        }
    }

    /// Keeps what is typed, on top of what someone else has saved.
    fn keep_mine(self) {
        let Some(project) = self.live.project(self.id) else { return };
        if let Some(form) = self.form.get_untracked() {
            form::set(&form, "version", &project.version.to_string());
        }
        self.saved.set(project);
        self.behind.set(false);
        self.refusal.set(None);
        self.look();
    }

    fn take_theirs(self) {
        if let Some(project) = self.live.project(self.id) {
            self.show(project);
        }
    }

    fn save(self) {
        let Some(fields) = self.form.get_untracked().and_then(|form| Fields::of(&form)) else { return };
        let wanted = match self.saved.with_untracked(|project| edit(project, |name| fields.get(name))) {
            Ok(wanted) => wanted,
            Err(why) => return self.refusal.set(Some(why)),
        };
        self.busy.set(true);
        self.refusal.set(None);
        spawn_local(async move {
            match api::edit_project(self.id, wanted).await {
                Ok(project) => {
                    self.announcer.say(format!("The settings of {} are saved.", project.name));
                    accept(self.live, project.clone());
                    if self.saved.try_get_untracked().is_some() {
                        self.show(project);
                    }
                }
                Err(problem) if problem.code == ErrorCode::VersionConflict => self.catch_up().await,
                Err(problem) => drop(self.refusal.try_set(Some(problem.detail))),
            }
            self.busy.try_set(false);
        });
    }

    /// Learns what someone else has saved, in case the stream is down.
    async fn catch_up(self) {
        if let Ok(board) = api::load_board(None).await {
            self.live.load(board, true);
        }
        self.behind.try_set(true);
    }
}

#[component]
fn Settings(project: Project) -> impl IntoView {
    let live = expect_context::<Live>();
    let id = project.id;
    let editing = Editing {
        form: NodeRef::new(),
        live,
        id,
        saved: RwSignal::new(project.clone()),
        dirty: RwSignal::new(false),
        behind: RwSignal::new(false),
        busy: RwSignal::new(false),
        refusal: RwSignal::new(None),
        announcer: expect_context(),
    };
    let look = RwSignal::new(None::<Result<RepositoryLook, Problem>>);
    let hydrated = expect_context::<Hydrated>().0;
    Effect::new(move |_| {
        if editing.form.get().is_some() && hydrated.get() {
            editing.restore();
        }
    });
    Effect::new(move |_| {
        if let Some(project) =
            live.projects().with(|projects| projects.iter().find(|project| project.id == id).cloned())
        {
            editing.follow(project);
        }
    });
    let path = project.path.clone();
    Effect::new(move |_| {
        let path = path.clone();
        spawn_local(async move { drop(look.try_set(Some(look_at_repository(path).await))) });
    });
    let name = move || editing.saved.with(|project| project.name.clone());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        editing.save();
    };
    settled(view! {
        <Title text=move || format!("Settings of {}", name()) />
        <div class="projects-page settings-page">
            <header class="page-head">
                <h1 dir="auto">{name}</h1>
                <a class="button" href=format!("/?project={id}")>"Board"</a>
                <a class="button" href="/projects">"All projects"</a>
            </header>
            <Place path=project.path.clone() look />
            <noscript>
                <p class="hint">"Reading works without JavaScript; saving needs it."</p>
            </noscript>
            <form class="settings" aria-label="Settings" node_ref=editing.form on:submit=submit
                on:input=move |_| editing.look() on:change=move |_| editing.look()>
                <input type="hidden" name="version" value=project.version.to_string() />
                <SettingsFields project look editing />
                <footer class="settings-foot" data-dirty=move || editing.dirty.get().then_some("")>
                    <BehindNotice editing />
                    <Refusal refusal=editing.refusal />
                    <div class="settings-buttons">
                        <span class="hint" role="status">{move || if editing.dirty.get() { "Unsaved changes" } else { "" }}</span>
                        <button type="button" class="button" disabled=move || !editing.dirty.get() on:click=move |_| editing.take_theirs()>
                            "Discard changes"
                        </button>
                        <button class="button button-primary" disabled=move || editing.busy.get() || !editing.dirty.get()>"Save settings"</button>
                    </div>
                </footer>
            </form>
            <RemoveProject saved=editing.saved />
        </div>
    })
}

/// Where the repository is and how it stands now.
#[component]
fn Place(path: String, look: RwSignal<Option<Result<RepositoryLook, Problem>>>) -> impl IntoView {
    let lines = move || match look.get() {
        None => vec!["Looking at the repository…".to_owned()],
        Some(Err(problem)) => vec![problem.detail],
        // That it is registered is no news here.
        Some(Ok(look)) => {
            sentences(&RepositoryLook { registered: None, ..look }).into_iter().map(|(_, text)| text).collect()
        }
    };
    let away = move || look.with(|look| matches!(look, Some(Err(_))));
    settled(view! {
        <div class="project-place">
            <code>{path}</code>
            <span class=move || if away() { "field-error" } else { "hint" } role=move || away().then_some("alert")>
                {move || lines().join(" ")}
            </span>
        </div>
    })
}

#[component]
fn BehindNotice(editing: Editing) -> impl IntoView {
    settled(view! {
        <Show when=move || editing.behind.get()>
            <div class="settings-behind" role="alert">
                <p>"Someone else has saved these settings since you began. What you typed is still here and not saved."</p>
                <button type="button" class="button" on:click=move |_| editing.take_theirs()>"Take theirs"</button>
                <button type="button" class="button" on:click=move |_| editing.keep_mine()>"Keep mine"</button>
            </div>
        </Show>
    })
}
