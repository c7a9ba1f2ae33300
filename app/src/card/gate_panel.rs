//! The gate: its checks, and the decision of the person who looks at it.

use leptos::{html, prelude::*};

use super::{
    ask::Refusal,
    deciding::{Deciding, target},
    remarks::{Remarks, counted},
    story::Story,
    words::figures::{plain_name, short_hash},
};
use crate::{
    model::{Card, Check, Gate, Land, Project, Stage},
    shell::Hydrated,
    ui::{icon::Icon, settled::settled, ticked::ticked_html, time::Ago},
};

/// The panel stands while a gate is open, and as long as something typed or refused is about one. Its fields
/// stay when the gate changes under them, so that whoever types goes on typing.
#[component]
pub fn GatePanel() -> impl IntoView {
    let story = expect_context::<Story>();
    let deciding = expect_context::<Deciding>();
    let gate = story.part(|story| story.card.gate.clone());
    let is_open = Memo::new(move |_| gate.with(Option::is_some));
    let shown = Memo::new(move |_| is_open.get() || !deciding.comment.is_blank() || deciding.ask.is_refused());
    settled(view! { <Show when=move || shown.get()><Panel gate is_open deciding /></Show> })
}

#[component]
fn Panel(gate: Memo<Option<Gate>>, is_open: Memo<bool>, deciding: Deciding) -> impl IntoView {
    let green = Memo::new(move |_| gate.with(|gate| gate.as_ref().map(Gate::is_green)));
    let reason_field = NodeRef::<html::Textarea>::new();
    let awaited = Hydrated::is_awaited();
    let approve = move |_| {
        let asked_before = deciding.overriding.get_untracked();
        deciding.approve();
        if !asked_before && deciding.overriding.get_untracked() {
            request_animation_frame(move || {
                if let Some(field) = reason_field.get_untracked() {
                    // A field that left the page in the meantime cannot take the focus.
                    let _ = field.focus();
                }
            });
        }
    };
    let asks_reason = move || green.get() == Some(false) && deciding.is_overriding();
    settled(view! {
        <section class="panel gate" aria-labelledby="gate" data-green=move || green.get().map(|green| green.to_string())>
            {move || gate.get().map(head)}
            {move || (!is_open.get()).then(|| view! {
                <h2 id="gate" tabindex="-1">"Your comment"</h2>
                <p class="hint">"No gate is open now. What you typed is kept for the next one."</p>
            })}
            <label class="field">
                <span>"Comment"</span>
                <textarea
                    rows="3"
                    dir="auto"
                    readonly=move || awaited.get()
                    prop:value=move || deciding.comment.text().get()
                    on:input=move |event| deciding.comment.write(event_target_value(&event))
                    placeholder="What the next agent should know"
                ></textarea>
            </label>
            <Show when=asks_reason>
                <label class="field override">
                    <span>"Override reason"</span>
                    <textarea
                        rows="2"
                        dir="auto"
                        node_ref=reason_field
                        prop:value=move || deciding.override_reason.text().get()
                        on:input=move |event| deciding.override_reason.write(event_target_value(&event))
                        placeholder="Why it may pass although a check is red"
                    ></textarea>
                </label>
            </Show>
            <Show when=move || is_open.get()>
                <div class="gate-decide">
                    <button
                        type="button"
                        class=move || if green.get() == Some(true) { "button button-primary" } else { "button" }
                        aria-describedby="gate-explains"
                        disabled=move || deciding.ask.busy()
                        on:click=approve
                    >
                        "Approve"
                    </button>
                    <button
                        type="button"
                        class="button"
                        disabled=move || deciding.ask.busy()
                        on:click=move |_| deciding.send_back()
                    >
                        "Send back"
                    </button>
                    <TargetChoice gate deciding />
                </div>
                <Explanation gate />
            </Show>
            <Refusal ask=deciding.ask />
            <Show when=move || !is_open.get() && deciding.ask.is_refused()>
                <button type="button" class="button" on:click=move |_| deciding.ask.forgive()>"Dismiss"</button>
            </Show>
        </section>
    })
}

/// What is decided about: the stage, and its checks.
fn head(gate: Gate) -> impl IntoView {
    settled(view! {
        <header class="panel-head">
            <h2 id="gate" tabindex="-1">"Gate"</h2>
            <span class="panel-note">{gate.stage.label()}" · opened "<Ago at=gate.opened_at /></span>
        </header>
        <p class="gate-sum">{summary(&gate.checks)}</p>
        <ul class="checks">{gate.checks.iter().map(check_view).collect_view()}</ul>
    })
}

/// What each button will do.
#[component]
fn Explanation(gate: Memo<Option<Gate>>) -> impl IntoView {
    let story = expect_context::<Story>();
    let remarks = expect_context::<Remarks>();
    let approve = story.part(|story| {
        let gate = story.card.gate.as_ref()?;
        Some(approve_explanation(gate.stage, gate.is_green(), &story.card, &story.project))
    });
    let lines = Memo::new(move |_| gate.with(Option::is_some).then(|| remarks.count()).filter(|count| *count > 0));
    settled(view! {
        <p id="gate-explains" class="hint">{move || approve.get()}</p>
        {move || lines.get().map(|count| view! {
            <p class="hint gate-remarks">{format!("Send back takes your {} along.", counted(count))}</p>
        })}
    })
}

/// Where a send-back goes, where there is a choice.
#[component]
fn TargetChoice(gate: Memo<Option<Gate>>, deciding: Deciding) -> impl IntoView {
    let stage = Memo::new(move |_| gate.with(|gate| gate.as_ref().map(|gate| gate.stage)));
    let choice = move || {
        let stage = stage.get()?;
        let choices = send_back_choices(stage);
        let current = target(stage, deciding.chosen.get_untracked());
        (choices.len() > 1).then(|| {
            let options = choices.into_iter().map(|choice| {
                view! { <option value=choice.as_str() selected=choice == current>{format!("to {}", choice.label())}</option> }
            });
            view! {
                <select
                    class="select"
                    aria-label="Send back to"
                    on:change=move |event| deciding.chosen.set(Stage::parse(&event_target_value(&event)))
                >
                    {options.collect_view()}
                </select>
            }
        })
    };
    settled(view! { {choice} })
}

fn check_view(check: &Check) -> impl IntoView + use<> {
    let (icon, word) = if check.passed { ("check", "Green") } else { ("failed", "Red") };
    let detail = Some(check.detail.clone()).filter(|detail| !detail.is_empty());
    settled(view! {
        <li class="check" data-passed=check.passed.to_string()>
            <Icon name=icon />
            <div>
                <span class="check-name">{plain_name(&check.name)}</span>
                " "
                <span class="check-word">{word}</span>
                {detail.map(|detail| view! { <p class="check-detail" inner_html=ticked_html(&detail)></p> })}
            </div>
        </li>
    })
}

/// The checks in one sentence.
fn summary(checks: &[Check]) -> String {
    let red = checks.iter().filter(|check| !check.passed).count();
    match (checks.len(), red) {
        (0, _) => "This gate has no checks.".to_owned(),
        (1, 0) => "Its check is green.".to_owned(),
        (all, 0) => format!("All {all} checks are green."),
        (all, red) => format!("{red} of {all} checks {} red.", if red == 1 { "is" } else { "are" }),
    }
}

/// Stages that a gate's card can be sent back to, nearest first.
fn send_back_choices(stage: Stage) -> Vec<Stage> {
    let Some(nearest) = stage.send_back_target() else { return Vec::new() };
    let mut choices: Vec<Stage> =
        Stage::ALL.into_iter().filter(|choice| *choice > Stage::Backlog && *choice <= nearest).collect();
    choices.reverse();
    choices
}

/// What the approve button will do.
fn approve_explanation(stage: Stage, green: bool, card: &Card, project: &Project) -> String {
    let does = match (stage.next(), stage == Stage::Ship) {
        (_, true) => {
            let commit = match &card.commit {
                Some(hash) => format!("commit {}", short_hash(hash)),
                None => "the commit".to_owned(),
            };
            match project.land {
                Land::Merge => format!("lands {commit} on {} of {}", project.base_branch, project.name),
                Land::Branch => format!("leaves {commit} on the card’s own branch"),
            }
        }
        (Some(next), _) => match next.role() {
            Some(role) => format!("moves the card to {} and starts its {}", next.label(), role.label().to_lowercase()),
            None => format!("moves the card to {}", next.label()),
        },
        (None, _) => "closes the gate".to_owned(),
    };
    if green { format!("Approve {does}.") } else { format!("Approve {does}. With a red check it asks for a reason.") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{card::fixture, model::CardStatus};

    #[test]
    fn approve_says_what_it_does() {
        let mut story = fixture::story(Stage::Ship, CardStatus::NeedsApproval);
        story.card.commit = Some("0123456789abcdef".to_owned());
        let check = |stage, green, land, want: &str| {
            let project = Project { land, ..story.project.clone() };
            assert_eq!(approve_explanation(stage, green, &story.card, &project), want);
        };
        check(Stage::Ship, true, Land::Merge, "Approve lands commit 012345678 on main of sample.");
        check(Stage::Ship, true, Land::Branch, "Approve leaves commit 012345678 on the card’s own branch.");
        check(
            Stage::Plan,
            false,
            Land::Merge,
            "Approve moves the card to Build and starts its builder. With a red check it asks for a reason.",
        );
    }

    #[test]
    fn checks_are_summed_up() {
        let check = |passed| Check { name: "x".to_owned(), passed, detail: String::new() };
        assert_eq!(summary(&[]), "This gate has no checks.");
        assert_eq!(summary(&[check(true)]), "Its check is green.");
        assert_eq!(summary(&[check(true), check(true)]), "All 2 checks are green.");
        assert_eq!(summary(&[check(true), check(false)]), "1 of 2 checks is red.");
    }

    #[test]
    fn send_backs_go_to_agents_only() {
        assert_eq!(send_back_choices(Stage::Plan), [Stage::Plan]);
        assert_eq!(send_back_choices(Stage::Review), [Stage::Build, Stage::Plan]);
        assert_eq!(send_back_choices(Stage::Ship), [Stage::Review, Stage::Build, Stage::Plan]);
    }
}
