//! The dialog that adds a project: a path, what is there, what is guessed from it, and a person's trust.
//! What is typed survives a closed dialog and a reload.

use leptos::{html, prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use web_sys::SubmitEvent;

use super::{
    Refusal, accept,
    api::{look_at_repository, register_project},
    path_field::PathField,
    verdict::Verdict,
};
use crate::{
    error::Problem,
    live::Live,
    model::{Guess, NewProject, RepositoryLook},
    ui::{
        announcer::Announcer,
        dialog::Dialog,
        form::{self, Fields},
        settled::settled,
        storage,
    },
};

const DRAFT_KEY: &str = "slipway.draft.add-project";
/// The fields beside the path that a draft holds. Trust is given anew each time.
const KEPT: [&str; 5] = ["name", "base_branch", "setup_command", "check_command", "network"];

#[component]
pub(super) fn AddProjectDialog(open: RwSignal<bool>) -> impl IntoView {
    view! {
        <Dialog title=Signal::stored("Add project".to_owned()) open>
            <AddProjectForm open />
        </Dialog>
    }
}

/// What has been found out about the typed path.
#[derive(Clone, Copy)]
struct Finding {
    form: NodeRef<html::Form>,
    path: RwSignal<String>,
    /// The path that `look` is about.
    looked_at: StoredValue<String>,
    look: RwSignal<Option<Result<RepositoryLook, Problem>>>,
    /// What was put into fields as a guess: the person's own words are never overwritten.
    guessed: StoredValue<Vec<(&'static str, String)>>,
}

impl Finding {
    /// Looks at the path unless that has been done.
    fn look(self) {
        let path = self.path.get_untracked().trim().to_owned();
        if path.is_empty() || self.looked_at.get_value() == path {
            return;
        }
        self.looked_at.set_value(path.clone());
        spawn_local(async move {
            let seen = look_at_repository(path.clone()).await;
            if self.looked_at.try_get_value() != Some(path) {
                return;
            }
            if let Ok(seen) = &seen {
                self.fill(seen);
            }
            self.look.try_set(Some(seen));
        });
    }

    /// Puts guesses into fields that hold nothing, or an earlier guess.
    fn fill(self, seen: &RepositoryLook) {
        let Some(form) = self.form.get_untracked() else { return };
        let Some(held) = Fields::of(&form) else { return };
        let command = |guess: &Option<Guess>| guess.as_ref().map(|guess| guess.command.clone()).unwrap_or_default();
        let guesses = vec![
            ("name", seen.name.clone()),
            ("base_branch", seen.base_branch.clone().unwrap_or_default()),
            ("setup_command", command(&seen.setup)),
            ("check_command", command(&seen.check)),
        ];
        let before = self.guessed.get_value();
        for (name, guess) in &guesses {
            let value = held.get(name);
            let was_guess = before.iter().any(|(guessed, text)| guessed == name && *text == value);
            if value.is_empty() || was_guess {
                form::set(&form, name, guess);
            }
        }
        self.guessed.set_value(guesses);
    }

    fn found<T>(self, read: impl Fn(&RepositoryLook) -> T) -> Option<T> {
        self.look.with(|look| look.as_ref().and_then(|look| look.as_ref().ok()).map(read))
    }
}

#[component]
fn AddProjectForm(open: RwSignal<bool>) -> impl IntoView {
    let live = expect_context::<Live>();
    let announcer = expect_context::<Announcer>();
    let navigate = use_navigate();
    let finding = Finding {
        form: NodeRef::new(),
        path: RwSignal::new(String::new()),
        looked_at: StoredValue::new(String::new()),
        look: RwSignal::new(None),
        guessed: StoredValue::new(Vec::new()),
    };
    let (busy, refusal) = (RwSignal::new(false), RwSignal::new(None));
    Effect::new(move |_| {
        let Some(form) = finding.form.get() else { return };
        if form::put_back(&form, DRAFT_KEY, KEPT.into_iter().chain(["path"])) {
            finding.path.set(Fields::of(&form).map(|fields| fields.get("path")).unwrap_or_default());
            finding.look();
        }
    });
    let keep = move |_| {
        refusal.set(None);
        if let Some(form) = finding.form.get_untracked() {
            form::keep(&form, DRAFT_KEY);
        }
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(fields) = finding.form.get_untracked().and_then(|form| Fields::of(&form)) else { return };
        let new = match request(|name| fields.get(name)) {
            Ok(new) => new,
            Err(why) => return refusal.set(Some(why)),
        };
        busy.set(true);
        refusal.set(None);
        let navigate = navigate.clone();
        spawn_local(async move {
            match register_project(new).await {
                Ok(project) => {
                    storage::forget(DRAFT_KEY);
                    announcer.say(format!("{} is added. Its board is empty; press C to write a card.", project.name));
                    let address = format!("/?project={}", project.id);
                    accept(live, project);
                    // The dialog goes with its page. Closing it first would lead back to where it was opened.
                    navigate(&address, Default::default());
                }
                Err(problem) => {
                    busy.try_set(false);
                    refusal.try_set(Some(problem.detail));
                }
            }
        });
    };
    settled(view! {
        <form class="dialog-body" node_ref=finding.form on:submit=submit on:input=keep on:change=keep>
            <PathField path=finding.path on_settled=Callback::new(move |()| finding.look()) />
            <Verdict look=finding.look />
            <div class="field-pair">
                <label class="field">
                    <span>"Name"</span>
                    <input type="text" name="name" dir="auto" autocomplete="off" placeholder="The folder's name" />
                </label>
                <label class="field">
                    <span>"Base branch"</span>
                    <input type="text" name="base_branch" dir="ltr" autocomplete="off" spellcheck="false" list="add-branches" placeholder="The current branch" />
                </label>
            </div>
            <datalist id="add-branches">
                {move || finding.found(|look| look.branches.clone()).unwrap_or_default().into_iter().map(|branch| view! { <option value=branch></option> }).collect_view()}
            </datalist>
            <div class="field">
                <label for="add-check">"Check command"</label>
                <input id="add-check" type="text" class="mono" name="check_command" dir="ltr" autocomplete="off" spellcheck="false" placeholder="None: a card's checks are then only Slipway's own" aria-describedby="check-guess" />
                <small id="check-guess" class="hint">{move || guess_note(finding.found(|look| look.check.clone()).flatten(), "Runs after every Build and Review; when it fails, the gate holds.")}</small>
            </div>
            <div class="field">
                <label for="add-setup">"Set-up command"</label>
                <input id="add-setup" type="text" class="mono" name="setup_command" dir="ltr" autocomplete="off" spellcheck="false" placeholder="None" aria-describedby="setup-guess" />
                <small id="setup-guess" class="hint">{move || guess_note(finding.found(|look| look.setup.clone()).flatten(), "Runs once in each card's fresh worktree.")}</small>
            </div>
            <label class="tick">
                <input type="checkbox" name="network" />
                <span>"Let these commands reach the network, as installing packages does"</span>
            </label>
            <label class="tick tick-trust">
                <input type="checkbox" name="trust" />
                <span>
                    <strong>"I trust this repository"</strong>
                    <small class="hint">"Agents read its files, and the commands above run its code on this machine: in a sandbox where there is one, else with your rights. Its git hooks do not run."</small>
                </span>
            </label>
            <Refusal refusal />
            <footer class="dialog-foot">
                <button type="button" class="button" on:click=move |_| open.set(false)>"Cancel"</button>
                <button class="button button-primary" disabled=busy>"Add project"</button>
            </footer>
        </form>
    })
}

fn guess_note(guess: Option<Guess>, otherwise: &str) -> String {
    match guess {
        Some(guess) => format!("Guessed from {}: {}. Change it, or empty it.", guess.from, guess.command),
        None => otherwise.to_owned(),
    }
}

/// What the form asks for. Refuses in words for the person.
fn request(field: impl Fn(&str) -> String) -> Result<NewProject, String> {
    let path = field("path").trim().to_owned();
    if path.is_empty() {
        return Err("Say where the repository is: a path on the machine that runs Slipway.".to_owned());
    }
    if field("trust").is_empty() {
        return Err("Tick “I trust this repository” once you do. Nothing of it runs before.".to_owned());
    }
    let named = |name| Some(field(name).trim().to_owned()).filter(|value| !value.is_empty());
    Ok(NewProject {
        path,
        name: named("name"),
        base_branch: named("base_branch"),
        setup_command: named("setup_command"),
        check_command: named("check_command"),
        network: Some(!field("network").is_empty()),
        ..NewProject::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_added_without_a_path_and_trust() {
        let asked = |path: &str, trust: &str| {
            request(|name| match name {
                "path" => path.to_owned(),
                "trust" => trust.to_owned(),
                "check_command" => " make check ".to_owned(),
                _ => String::new(),
            })
        };
        assert!(asked(" ", "on").unwrap_err().contains("where the repository is"));
        assert!(asked("/srv/x", "").unwrap_err().contains("trust"));
        let new = asked(" /srv/x ", "on").unwrap();
        assert_eq!((new.path.as_str(), new.check_command.as_deref()), ("/srv/x", Some("make check")));
        assert_eq!((new.name, new.network), (None, Some(false)));
    }

    #[test]
    fn a_guess_is_shown_as_one() {
        let guess = Guess { command: "npm ci".into(), from: "package-lock.json".into() };
        assert!(guess_note(Some(guess), "x").starts_with("Guessed from package-lock.json: npm ci"));
        assert_eq!(guess_note(None, "Runs."), "Runs.");
    }
}
