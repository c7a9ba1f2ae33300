//! The inbox as HTML. Only the server draws it.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::{
    card::words::figures::{plain_name, short_hash},
    model::{Check, Gate, Land, Question, Stage},
    port::shelf::{Matter, Waiting, What},
    ui::{
        ticked::ticked_html,
        time::{duration, exact},
    },
};

/// The list's items, oldest first; or the one that says that there are none.
pub fn drawn(matters: &[Matter], sprite: &str, now: DateTime<Utc>) -> String {
    if matters.is_empty() {
        return view! {
            <li class="empty" data-key="none" data-print="">
                "Nothing needs you. What waits for an approval or an answer shows here as soon as it does. "
                <a href="/">"Go to the board"</a>
            </li>
        }
        .to_html();
    }
    matters.iter().map(|matter| item(matter, sprite, now).to_html()).collect()
}

fn item(matter: &Matter, sprite: &str, now: DateTime<Utc>) -> impl IntoView + use<> {
    let (card, project) = (&matter.card, &matter.project);
    let address = format!("/cards/{}", card.id);
    let heading = format!("matter-{}", card.id);
    let named_by = heading.clone();
    let (kind, tone, icon) = match &matter.what {
        What::Gate(gate) if gate.is_green() => ("Needs approval", "attention", "needs_approval"),
        What::Gate(_) => ("Gate is red", "danger", "failed"),
        What::Question(_) => ("Question", "attention", "waiting"),
        What::Stopped(_) => ("Stopped", "danger", "failed"),
    };
    let (gate, question) = match &matter.what {
        What::Gate(gate) => (Some(gate.id.to_string()), None),
        What::Question(question) => (None, Some(question.id.to_string())),
        What::Stopped(_) => (None, None),
    };
    let body = match &matter.what {
        What::Gate(gate) => gate_view(gate, matter, &address, sprite),
        What::Question(question) => question_view(question, &address),
        What::Stopped(reason) => stopped_view(reason, &address),
    };
    view! {
        <li
            data-key=card.id.to_string() data-print=print(matter) data-title=card.title.clone() data-card=card.id.to_string()
            data-gate=gate data-question=question
        >
            <article class="matter" aria-labelledby=named_by>
                <header class="matter-head">
                    <h2 id=heading dir="auto"><a href=address>{card.title.clone()}</a></h2>
                    <p class="matter-where">
                        <span class="badge" data-tone=tone>{icon_of(sprite, icon)}{kind}</span>
                        {format!("#{} in {} of {}", card.number, card.stage.label(), project.name)}
                        " · waits "
                        <time class="time" data-since="" datetime=exact(matter.since) title=format!("since {}", exact(matter.since))>
                            {duration(now - matter.since)}
                        </time>
                    </p>
                </header>
                {body}
                <p class="matter-cost hint">{cost(&matter.cost)}</p>
                <div data-refusal=""></div>
            </article>
        </li>
    }
}

/// Changes when the item says something else; time passing is no change.
fn print(matter: &Matter) -> String {
    let mut hasher = DefaultHasher::new();
    // Whether every part is told apart matters, not how it reads.
    format!("{:?}{:?}{}", matter.what, matter.cost, matter.card.title).hash(&mut hasher);
    matter.project.name.hash(&mut hasher);
    format!("{:x}", hasher.finish())
}

fn icon_of(sprite: &str, name: &str) -> impl IntoView + use<> {
    view! { <svg class="icon" aria-hidden="true" focusable="false"><use href=format!("{sprite}#{name}")></use></svg> }
}

fn gate_view(gate: &Gate, matter: &Matter, address: &str, sprite: &str) -> AnyView {
    let green = gate.is_green();
    let red = gate.checks.iter().filter(|check| !check.passed).count();
    let sum = match (gate.checks.len(), red) {
        (0, _) => "The gate has no checks.".to_owned(),
        (1, 0) => "Its one check is green.".to_owned(),
        (all, 0) => format!("All {all} checks are green."),
        (all, red) => format!("{red} of {all} checks {} red:", if red == 1 { "is" } else { "are" }),
    };
    let shown = gate.checks.iter().filter(|check| !check.passed).map(|check| check_view(check, sprite));
    let all_checks = gate.checks.iter().map(|check| check_view(check, sprite));
    let draft = format!("slipway.comment.{}", matter.card.id);
    let back = gate.stage.send_back_target().map_or("the stage", Stage::label);
    view! {
        <p class="matter-sum">{sum}</p>
        {if green {
            view! {
                <details class="matter-checks">
                    <summary>"Show the checks"</summary>
                    <ul class="checks">{all_checks.collect_view()}</ul>
                </details>
            }.into_any()
        } else {
            view! { <ul class="checks">{shown.collect_view()}</ul> }.into_any()
        }}
        <div class="matter-acts">
            {if green {
                view! { <button type="button" class="button button-primary" data-act="approve" title=explain(gate, matter)>"Approve"</button> }.into_any()
            } else {
                view! { <a class="button button-primary" href=format!("{address}#gate")>"Open the card"</a> }.into_any()
            }}
            <details class="matter-back">
                <summary class="button">"Send back…"</summary>
                <label class="field">
                    <span>"Comment"</span>
                    <textarea rows="2" data-draft=draft placeholder="What should be different? The next agent reads this."></textarea>
                </label>
                <button type="button" class="button" data-act="send-back">{format!("Send back to {back}")}</button>
            </details>
        </div>
        <p class="hint">{if green { explain(gate, matter) } else { "Passing a red gate takes a reason, which is given on the card.".to_owned() }}</p>
    }
    .into_any()
}

/// What approving does.
fn explain(gate: &Gate, matter: &Matter) -> String {
    match (gate.stage.next(), matter.project.land) {
        (Some(next), _) => match next.role() {
            Some(role) => {
                format!("Approving moves it to {} and starts its {}.", next.label(), role.label().to_lowercase())
            }
            None => format!("Approving moves it to {}.", next.label()),
        },
        (None, Land::Merge) => {
            let commit = matter
                .card
                .commit
                .as_deref()
                .map_or("the commit".to_owned(), |hash| format!("commit {}", short_hash(hash)));
            format!("Approving lands {commit} on {}.", matter.project.base_branch)
        }
        (None, Land::Branch) => "Approving leaves the commit on the card's own branch.".to_owned(),
    }
}

fn check_view(check: &Check, sprite: &str) -> impl IntoView + use<> {
    let (icon, word) = if check.passed { ("check", "Green") } else { ("failed", "Red") };
    view! {
        <li class="check" data-passed=check.passed.to_string()>
            {icon_of(sprite, icon)}
            <div>
                <span class="check-name">{plain_name(&check.name)}</span>
                " "
                <span class="check-word">{word}</span>
                <p class="check-detail" inner_html=ticked_html(&check.detail)></p>
            </div>
        </li>
    }
}

fn question_view(question: &Question, address: &str) -> AnyView {
    let default = question.default_option.as_ref();
    let options = question.options.iter().map(|option| {
        let is_default = default == Some(&option.id);
        view! {
            <button type="button" class=if is_default { "button button-primary" } else { "button" } data-act="answer" data-option=option.id.clone()>
                {option.label.clone()}
                {is_default.then(|| view! { <span class="default-mark">"default"</span> })}
            </button>
        }
    });
    let label = default
        .and_then(|id| question.options.iter().find(|option| &option.id == id))
        .map(|option| option.label.clone());
    let taken = match (label, question.deadline) {
        (Some(label), Some(deadline)) => format!("Without an answer, \"{label}\" is taken at {}.", exact(deadline)),
        (Some(label), None) => format!("\"{label}\" is the default. It waits until somebody answers."),
        (None, _) => "There is no default: it waits until somebody answers.".to_owned(),
    };
    let own = question.options.is_empty().then(|| {
        view! {
            <label class="field">
                <span>"Answer"</span>
                <textarea rows="2" data-draft=format!("slipway.answer.{}", question.id)></textarea>
            </label>
            <button type="button" class="button button-primary" data-act="answer">"Answer"</button>
        }
    });
    view! {
        <p class="matter-question" dir="auto" inner_html=ticked_html(&question.prompt)></p>
        <div class="matter-acts">
            {options.collect_view()}
            {own}
            <a class="button" href=address.to_owned()>"Open the card"</a>
        </div>
        <p class="hint">{taken}</p>
    }
    .into_any()
}

fn stopped_view(reason: &str, address: &str) -> AnyView {
    view! {
        <p class="matter-question" dir="auto" inner_html=ticked_html(reason)></p>
        <div class="matter-acts">
            <a class="button button-primary" href=address.to_owned()>"Open the card"</a>
            <button type="button" class="button" data-act="retry">"Retry"</button>
        </div>
        <p class="hint">"Retry runs the stage again as it is; to change what is asked for, edit the card first."</p>
    }
    .into_any()
}

/// What waiting costs, in words.
fn cost(waiting: &Waiting) -> String {
    let mut said = Vec::new();
    match waiting.stages_to_go {
        0 => said.push("It is the last decision before the work lands.".to_owned()),
        1 => said.push("1 stage comes after it.".to_owned()),
        n => said.push(format!("{n} stages come after it.")),
    }
    match waiting.behind {
        0 => {}
        1 => said.push("1 more card waits behind it in this stage.".to_owned()),
        n => said.push(format!("{n} more cards wait behind it in this stage.")),
    }
    match waiting.landed {
        0 => {}
        1 => said.push("1 card has landed meanwhile, which may conflict with it.".to_owned()),
        n => said.push(format!("{n} cards have landed meanwhile, which may conflict with it.")),
    }
    format!("What waiting costs: {}", said.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        card::fixture,
        model::{CardStatus, Outcome, QuestionId, QuestionOption, QuestionState},
    };

    fn matter(green: bool) -> Matter {
        let mut story = fixture::story(Stage::Plan, CardStatus::NeedsApproval);
        fixture::visit(&mut story, Stage::Backlog, Stage::Plan, Outcome::Open);
        fixture::open_gate(&mut story);
        let mut gate = story.card.gate.clone().unwrap();
        gate.checks[0].passed = green;
        let what = What::Gate(gate);
        Matter { card: story.card, project: story.project, since: DateTime::UNIX_EPOCH, what, cost: Waiting::default() }
    }

    #[test]
    fn a_green_gate_is_approved_in_place_and_a_red_one_on_its_card() {
        let green = drawn(&[matter(true)], "", DateTime::UNIX_EPOCH);
        assert!(green.contains("data-act=\"approve\"") && green.contains("data-gate="), "{green}");
        let red = drawn(&[matter(false)], "", DateTime::UNIX_EPOCH);
        assert!(!red.contains("data-act=\"approve\"") && red.contains("Open the card"), "{red}");
        assert!(red.contains("data-act=\"send-back\""));
        assert!(drawn(&[], "", DateTime::UNIX_EPOCH).contains("Nothing needs you"));
    }

    #[test]
    fn a_question_shows_its_options_and_default() {
        let option = |id: &str| QuestionOption { id: id.to_owned(), label: format!("Do {id}") };
        let question = Question {
            id: QuestionId(uuid::Uuid::from_u128(3)),
            card_id: matter(true).card.id,
            agent_id: None,
            prompt: "Which <way>?".to_owned(),
            options: vec![option("wait"), option("force")],
            default_option: Some("wait".to_owned()),
            deadline: None,
            state: QuestionState::Open,
            answer: None,
            asked_at: DateTime::UNIX_EPOCH,
            answered_at: None,
        };
        let html = drawn(&[Matter { what: What::Question(question), ..matter(true) }], "", DateTime::UNIX_EPOCH);
        assert!(html.contains("Which &lt;way&gt;?") && html.contains("data-option=\"force\""), "{html}");
        assert!(
            html.contains("&quot;Do wait&quot; is the default") || html.contains("\"Do wait\" is the default"),
            "{html}"
        );
        assert!(!html.contains("<textarea"), "options are the only answers");
    }

    #[test]
    fn time_passing_is_no_change() {
        let (first, again) = (matter(true), matter(true));
        assert_eq!(print(&first), print(&again));
        let late = drawn(&[first], "", DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(1));
        assert!(late.contains("1 h"), "{late}");
        assert_ne!(print(&again), print(&matter(false)));
    }

    #[test]
    fn costs_are_said_in_words() {
        let cost = |stages_to_go, behind, landed| super::cost(&Waiting { stages_to_go, behind, landed });
        assert_eq!(cost(0, 0, 0), "What waiting costs: It is the last decision before the work lands.");
        assert!(cost(2, 1, 3).contains("2 stages come after it. 1 more card waits behind it in this stage. 3 cards"));
    }
}
