//! The open gate: its checks, and the decision of the person who looks at it.

use leptos::{html, prelude::*};

use super::{
    ask::{Ask, Refusal},
    focus_heading,
    story::Story,
    words::{plain_name, short_hash},
};
use crate::{
    api::decide_gate,
    error::{ErrorCode, Problem},
    model::{Card, Check, Decision, Gate, Land, NewDecision, Project, Stage},
    ui::{announcer::Announcer, icon::Icon, settled::settled, storage, ticked::ticked_html, time::Ago},
};

/// Where a comment waits that was typed and not yet sent.
fn draft_key(card: &Card) -> String {
    format!("slipway.comment.{}", card.id)
}

/// The gate, while one is open. What is typed outlives the gate: it may be about the next one too.
#[component]
pub fn GatePanel() -> impl IntoView {
    let story = expect_context::<Story>();
    let gate = story.part(|story| story.card.gate.clone());
    let key = StoredValue::new(story.now(|story| draft_key(&story.card)));
    let comment = RwSignal::new(String::new());
    let override_reason = RwSignal::new(String::new());
    // Drafts are read after hydration: the server's first view has none.
    Effect::new(move |_| {
        if let Some(draft) = storage::read(&key.get_value()) {
            comment.set(draft);
        }
    });
    // Made here and not in the panel: the stream may take the gate away before the server's answer comes.
    let keep = Callback::new(move |text: String| {
        storage::write(&key.get_value(), &text);
        comment.set(text);
    });
    let forget = Callback::new(move |()| {
        if let Some(key) = key.try_get_value() {
            storage::forget(&key);
        }
        comment.try_set(String::new());
        override_reason.try_set(String::new());
    });
    let panel = move || gate.get().map(|gate| view! { <OpenGate gate comment override_reason keep forget /> });
    settled(view! { {panel} })
}

#[component]
fn OpenGate(
    gate: Gate,
    comment: RwSignal<String>,
    override_reason: RwSignal<String>,
    keep: Callback<String>,
    forget: Callback<()>,
) -> impl IntoView {
    let story = expect_context::<Story>();
    let announcer = expect_context::<Announcer>();
    let ask = Ask::new();
    let overriding = RwSignal::new(!override_reason.get_untracked().is_empty());
    let reason_field = NodeRef::<html::Textarea>::new();
    let (id, stage, green) = (gate.id, gate.stage, gate.is_green());
    let target = RwSignal::new(stage.send_back_target().unwrap_or(stage));
    let decide = move |decision: Decision| {
        let approves = decision == Decision::Approve;
        let said =
            move |text: RwSignal<String>| Some(text.get_untracked().trim().to_owned()).filter(|text| !text.is_empty());
        let new = NewDecision {
            decision,
            gate_id: Some(id),
            to: (!approves).then(|| target.get_untracked()),
            comment: said(comment),
            override_reason: said(override_reason).filter(|_| approves && !green),
        };
        let (card, title) = story.now(|story| (story.card.id, story.card.title.clone()));
        let sentence = outcome_sentence(&title, stage, decision, target.get_untracked());
        ask.send_or(
            decide_gate(card, new),
            move |_| {
                forget.try_run(());
                announcer.say(sentence);
                story.reload();
                focus_heading();
            },
            move |problem| {
                if matches!(problem.code, ErrorCode::StaleGate | ErrorCode::NoOpenGate) {
                    story.reload();
                }
            },
        );
    };
    let approve = move |_| {
        if !green && override_reason.with_untracked(|reason| reason.trim().is_empty()) {
            if overriding.get_untracked() {
                ask.refuse(Problem::new(ErrorCode::GateClosed, "Say why it may pass: the reason stays on record."));
            }
            overriding.set(true);
            request_animation_frame(move || {
                if let Some(field) = reason_field.get_untracked() {
                    // A field that left the page in the meantime cannot take the focus.
                    let _ = field.focus();
                }
            });
            return;
        }
        decide(Decision::Approve);
    };
    let explains = story.part(move |story| approve_explanation(stage, green, &story.card, &story.project));
    settled(view! {
        <section class="panel gate" aria-labelledby="gate" data-green=green.to_string()>
            <header class="panel-head">
                <h2 id="gate" tabindex="-1">"Gate"</h2>
                <span class="panel-note">{stage.label()}" · opened "<Ago at=gate.opened_at /></span>
            </header>
            <p class="gate-sum">{summary(&gate.checks)}</p>
            <ul class="checks">{gate.checks.iter().map(check_view).collect_view()}</ul>
            <label class="field">
                <span>"Comment"</span>
                <textarea
                    rows="3"
                    prop:value=move || comment.get()
                    on:input=move |event| keep.run(event_target_value(&event))
                    placeholder="What the next agent should know"
                ></textarea>
            </label>
            <Show when=move || overriding.get()>
                <label class="field override">
                    <span>"Override reason"</span>
                    <textarea
                        rows="2"
                        node_ref=reason_field
                        prop:value=move || override_reason.get()
                        on:input=move |event| override_reason.set(event_target_value(&event))
                        placeholder="Why it may pass although a check is red"
                    ></textarea>
                </label>
            </Show>
            <div class="gate-decide">
                <button
                    type="button"
                    class=if green { "button button-primary" } else { "button" }
                    aria-describedby="gate-explains"
                    disabled=move || ask.busy()
                    on:click=approve
                >
                    "Approve"
                </button>
                <button type="button" class="button" disabled=move || ask.busy() on:click=move |_| decide(Decision::SendBack)>
                    "Send back"
                </button>
                <TargetChoice stage target />
            </div>
            <p id="gate-explains" class="hint">{move || explains.get()}</p>
            <Refusal ask />
        </section>
    })
}

/// Where a send-back goes, where there is a choice.
#[component]
fn TargetChoice(stage: Stage, target: RwSignal<Stage>) -> impl IntoView {
    let choices: Vec<Stage> = send_back_choices(stage);
    (choices.len() > 1).then(|| {
        let options = choices.into_iter().map(|choice| {
            let chosen = choice == target.get_untracked();
            view! { <option value=choice.as_str() selected=chosen>{format!("to {}", choice.label())}</option> }
        });
        view! {
            <select
                class="select"
                aria-label="Send back to"
                on:change=move |event| {
                    if let Some(stage) = Stage::parse(&event_target_value(&event)) {
                        target.set(stage);
                    }
                }
            >
                {options.collect_view()}
            </select>
        }
    })
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

/// What is announced when the server has agreed.
fn outcome_sentence(title: &str, stage: Stage, decision: Decision, target: Stage) -> String {
    match (decision, stage.next()) {
        (Decision::SendBack, _) => format!("{title} sent back to {}.", target.label()),
        (Decision::Approve, Some(next)) => format!("{title} moved from {} to {}.", stage.label(), next.label()),
        (Decision::Approve, None) => format!("{title} approved. Its commit lands now."),
    }
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
