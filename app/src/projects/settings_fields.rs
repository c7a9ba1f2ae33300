//! The fields of a project's settings. Their names are those of [`super::settings_form`].

use leptos::prelude::*;

use super::{
    settings::Editing,
    settings_form::{GATES, gate_field, value},
};
use crate::{
    error::Problem,
    model::{GatePolicy, Guess, Land, Project, RepositoryLook},
    ui::{form, settled::settled},
};

#[component]
pub(super) fn SettingsFields(
    project: Project,
    look: RwSignal<Option<Result<RepositoryLook, Problem>>>,
    editing: Editing,
) -> impl IntoView {
    let held = |name: &str| value(&project, name);
    let seen = move |read: fn(&RepositoryLook) -> Option<Guess>| {
        look.with(|look| look.as_ref().and_then(|look| read(look.as_ref().ok()?)))
    };
    let branches = move || {
        look.with(|look| match look {
            Some(Ok(look)) => look.branches.clone(),
            _ => Vec::new(),
        })
    };
    let engines = GATES.map(|stage| {
        view! { <div><dt>{stage.label()}</dt><dd>{project.engine_at(stage).as_str()}</dd></div> }
    });
    let gates = GATES.map(|stage| {
        let policy = project.gate_policy.at(stage);
        view! {
            <label class="field">
                <span>{format!("{} gate", stage.label())}</span>
                <select name=gate_field(stage)>
                    <option value=GatePolicy::Manual.as_str() selected=policy == GatePolicy::Manual>"Waits for a person"</option>
                    <option value=GatePolicy::AutoWhenGreen.as_str() selected=policy == GatePolicy::AutoWhenGreen>"Goes on by itself when green"</option>
                </select>
            </label>
        }
    });
    settled(view! {
        <fieldset>
            <legend>"Project"</legend>
            <div class="field-pair">
                <label class="field">
                    <span>"Name"</span>
                    <input type="text" name="name" required dir="auto" autocomplete="off" value=held("name") />
                </label>
                <label class="field">
                    <span>"Base branch"</span>
                    <input type="text" name="base_branch" required dir="ltr" autocomplete="off" spellcheck="false" list="branches" value=held("base_branch") />
                </label>
            </div>
            <datalist id="branches">
                {move || branches().into_iter().map(|branch| view! { <option value=branch></option> }).collect_view()}
            </datalist>
            <label class="tick">
                <input type="checkbox" name="trusted" checked=project.trusted />
                <span>
                    <strong>"Trusted"</strong>
                    <small class="hint">"Agents may read its files and run the commands below on this machine. Without it nothing starts."</small>
                </span>
            </label>
        </fieldset>
        <fieldset>
            <legend>"Commands"</legend>
            <CommandField name="check_command" label="Check command" about="Runs after every Build and Review, in the sandbox. When it fails, the gate holds."
                held=held("check_command") guess=Signal::derive(move || seen(|look| look.check.clone())) editing />
            <CommandField name="setup_command" label="Set-up command" about="Runs once in each card's fresh worktree, before anything else."
                held=held("setup_command") guess=Signal::derive(move || seen(|look| look.setup.clone())) editing />
            <label class="tick">
                <input type="checkbox" name="network" checked=project.network />
                <span>"Commands may reach the network"</span>
            </label>
            <div class="field-pair">
                <div class="field">
                    <label for="copied">"Ignored paths that each worktree gets a copy of"</label>
                    <textarea id="copied" name="copied" class="mono" rows="2" dir="ltr" spellcheck="false" placeholder=".env" aria-describedby="copied-about">{held("copied")}</textarea>
                    <small id="copied-about" class="hint">"One path a line, relative to the repository's root."</small>
                </div>
                <div class="field">
                    <label for="shared">"Ignored paths that all worktrees share, read-only"</label>
                    <textarea id="shared" name="shared" class="mono" rows="2" dir="ltr" spellcheck="false" placeholder="node_modules" aria-describedby="shared-about">{held("shared")}</textarea>
                    <small id="shared-about" class="hint">"One path a line, relative to the repository's root."</small>
                </div>
            </div>
        </fieldset>
        <fieldset>
            <legend>"Gates"</legend>
            <div class="field-pair">{gates.collect_view()}</div>
            <p class="hint">"A red gate always waits, except that a review which asks for changes sends the card back by itself, at most three times."</p>
        </fieldset>
        <fieldset>
            <legend>"Landing"</legend>
            <div class="field-pair">
                <label class="field">
                    <span>"Approving Ship"</span>
                    <select name="land">
                        <option value=Land::Merge.as_str() selected=project.land == Land::Merge>"Lands on the base branch"</option>
                        <option value=Land::Branch.as_str() selected=project.land == Land::Branch>"Leaves the commit on the card's branch"</option>
                    </select>
                </label>
                <div class="field">
                    <label for="push_remote">"Then push to remote"</label>
                    <input id="push_remote" type="text" name="push_remote" dir="ltr" autocomplete="off" spellcheck="false" placeholder="None" value=held("push_remote") aria-describedby="push-about" />
                    <small id="push-about" class="hint">"With your own git and your credentials."</small>
                </div>
            </div>
        </fieldset>
        <fieldset>
            <legend>"Limits"</legend>
            <div class="field-pair field-pair-small">
                <label class="field">
                    <span>"Agents at once"</span>
                    <input type="text" inputmode="numeric" name="wip" required autocomplete="off" value=held("wip") />
                </label>
                <label class="field">
                    <span>"Minutes for a command"</span>
                    <input type="text" inputmode="decimal" name="minutes" autocomplete="off" placeholder="The usual" value=held("minutes") />
                </label>
                <label class="field">
                    <span>"Dollars for a card"</span>
                    <input type="text" inputmode="decimal" name="cost_usd" autocomplete="off" placeholder="No limit" value=held("cost_usd") />
                </label>
                <label class="field">
                    <span>"Tokens for a card"</span>
                    <input type="text" inputmode="numeric" name="tokens" autocomplete="off" placeholder="No limit" value=held("tokens") />
                </label>
            </div>
            <p class="hint">"The playbook engine spends neither money nor tokens."</p>
        </fieldset>
        <section class="settings-engines" aria-label="Engines">
            <h2>"Engines"</h2>
            <dl class="project-counts">{engines.collect_view()}</dl>
        </section>
    })
}

/// A shell line, with what the repository's files suggest while it is empty.
#[component]
fn CommandField(
    name: &'static str,
    label: &'static str,
    about: &'static str,
    held: String,
    guess: Signal<Option<Guess>>,
    editing: Editing,
) -> impl IntoView {
    let is_empty = move || {
        // Follows the form through its dirty mark and what is saved.
        editing.dirty.track();
        editing.saved.with(|project| value(project, name)).is_empty() && !editing.dirty.get()
    };
    let use_guess = move |guess: Guess| {
        if let Some(form) = editing.form.get_untracked() {
            form::set(&form, name, &guess.command);
            editing.look();
        }
    };
    settled(view! {
        <div class="field">
            <label for=name>{label}</label>
            <input id=name type="text" class="mono" name=name dir="ltr" autocomplete="off" spellcheck="false" placeholder="None" value=held aria-describedby=format!("{name}-about") />
            <small id=format!("{name}-about") class="hint">{about}</small>
            {move || guess.get().filter(|_| is_empty()).map(|guess| {
                let used = guess.clone();
                view! {
                    <p class="hint">
                        {format!("{} suggests ", guess.from)} <code>{guess.command.clone()}</code> " "
                        <button type="button" class="button" on:click=move |_| use_guess(used.clone())>"Use it"</button>
                    </p>
                }
            })}
        </div>
    })
}
