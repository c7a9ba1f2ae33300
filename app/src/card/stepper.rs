//! The five stages in a row: which the card has passed, where it stands, and who did what there.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

use super::words::RETRY;
use crate::{
    model::{Actor, Agent, CardStatus, Gate, GateState, Outcome, Stage, Transition},
    port::CardStory,
    ui::{
        icon::Icon,
        settled::settled,
        time::{Ago, Elapsed, duration},
    },
};

/// How a stage stands to the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    Ahead,
    Current(CardStatus),
    Done,
}

/// One stage of the row.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub stage: Stage,
    pub state: StepState,
    /// Who was here last: `Planner`.
    pub who: Option<String>,
    /// What became of it: `Approved by a person`.
    pub what: Option<String>,
    /// Why, where somebody said so.
    pub why: Option<String>,
    pub when: Option<DateTime<Utc>>,
    /// Whether it still goes on since `when`, and has not ended then.
    pub goes_on: bool,
    /// How long the last visit's agent took.
    pub took: Option<String>,
    /// Visits so far.
    pub attempts: usize,
    /// Visits that ended in a send-back.
    pub sent_back: usize,
}

/// The row for a story.
pub fn steps(story: &CardStory) -> Vec<Step> {
    Stage::ALL.into_iter().map(|stage| step(story, stage)).collect()
}

fn step(story: &CardStory, stage: Stage) -> Step {
    let card = &story.card;
    let state = match card.status {
        CardStatus::Shipped => StepState::Done,
        _ if stage < card.stage => StepState::Done,
        status if stage == card.stage => StepState::Current(status),
        _ => StepState::Ahead,
    };
    if stage == Stage::Backlog {
        return Step {
            stage,
            state,
            who: None,
            what: Some("Created".to_owned()),
            why: None,
            when: Some(card.created_at),
            goes_on: false,
            took: None,
            attempts: 0,
            sent_back: 0,
        };
    }
    let visits: Vec<&Transition> = story.transitions.iter().filter(|visit| visit.to == stage).collect();
    let last = visits.last().copied();
    let agent = last.and_then(|visit| agent_of(story, visit));
    let gate = last.and_then(|visit| gate_of(story, visit));
    Step {
        stage,
        state,
        who: agent.map(|agent| agent.role.label().to_owned()),
        what: last.map(|visit| what(visit, agent, gate)),
        why: gate
            .and_then(|gate| gate.reason.clone())
            .or_else(|| last.and_then(|visit| visit.reason.clone()).filter(|reason| reason != RETRY)),
        when: gate
            .map(|gate| gate.decided_at.unwrap_or(gate.opened_at))
            .or_else(|| agent.and_then(|agent| agent.ended_at.or(agent.started_at)))
            .or_else(|| last.map(|visit| visit.created_at)),
        goes_on: last.is_some_and(|visit| visit.outcome == Outcome::Open) && matches!(state, StepState::Current(_)),
        took: agent.and_then(took),
        attempts: visits.len(),
        sent_back: visits.iter().filter(|visit| visit.outcome == Outcome::SentBack).count(),
    }
}

/// The agent that a transition spawned.
pub fn agent_of<'a>(story: &'a CardStory, visit: &Transition) -> Option<&'a Agent> {
    let id = visit.agent_id?;
    story.agents.iter().find(|agent| agent.id == id)
}

/// The gate that a visit ended at.
pub fn gate_of<'a>(story: &'a CardStory, visit: &Transition) -> Option<&'a Gate> {
    let id = visit.agent_id?;
    story.gates.iter().rev().find(|gate| gate.agent_id == Some(id))
}

/// How long an agent worked, once it has ended.
pub fn took(agent: &Agent) -> Option<String> {
    Some(duration(agent.ended_at? - agent.started_at?))
}

/// Who decided, as people read it.
pub fn decider(decided_by: Option<&str>) -> &str {
    match decided_by {
        Some("person") => "a person",
        Some("policy") => "the gate’s policy",
        Some(other) => other,
        None => "nobody yet",
    }
}

/// Who moved a card, as people read it.
pub fn actor(actor: Actor) -> &'static str {
    match actor {
        Actor::Person => "a person",
        Actor::Policy => "the gate’s policy",
        Actor::Orchestrator => "the orchestrator",
    }
}

/// What became of a visit, in a few words.
pub fn what(visit: &Transition, agent: Option<&Agent>, gate: Option<&Gate>) -> String {
    let by = gate.map(|gate| format!(" by {}", decider(gate.decided_by.as_deref()))).unwrap_or_default();
    match (visit.outcome, gate.map(|gate| gate.state)) {
        (_, Some(GateState::Overridden)) => format!("Approved over a red check{by}"),
        (Outcome::Approved, _) => format!("Approved{by}"),
        (Outcome::SentBack, _) => format!("Sent back{by}"),
        (Outcome::Shipped, _) => "Shipped".to_owned(),
        (Outcome::Failed, _) => "Failed".to_owned(),
        (Outcome::Cancelled, _) => "Stopped".to_owned(),
        (Outcome::Open, Some(GateState::Open)) => "Waits at its gate".to_owned(),
        (Outcome::Open, Some(GateState::Approved)) => format!("Approved{by}"),
        (Outcome::Open, _) => match agent {
            Some(agent) if agent.started_at.is_none() => "Queued".to_owned(),
            Some(agent) if agent.ended_at.is_some() => "Ended".to_owned(),
            Some(_) => "At work".to_owned(),
            None => "Entered".to_owned(),
        },
    }
}

/// `2 attempts, sent back once`; nothing where a stage went through at once.
pub fn tries(step: &Step) -> Option<String> {
    let times = |count: usize| match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    };
    match (step.attempts, step.sent_back) {
        (0 | 1, 0) => None,
        (attempts, 0) => Some(format!("{attempts} attempts")),
        (0 | 1, sent_back) => Some(format!("sent back {}", times(sent_back))),
        (attempts, sent_back) => Some(format!("{attempts} attempts, sent back {}", times(sent_back))),
    }
}

/// Symbol and word of a step's state.
fn sign(state: StepState) -> (&'static str, &'static str, &'static str) {
    match state {
        StepState::Ahead => ("idle", "ahead", "Not yet"),
        StepState::Done => ("check", "done", "Done"),
        StepState::Current(CardStatus::Idle) => ("idle", "current", "Here"),
        StepState::Current(CardStatus::Queued) => ("queued", "current", "Queued"),
        StepState::Current(CardStatus::Working) => ("working", "current", "Working"),
        StepState::Current(CardStatus::Waiting) => ("waiting", "attention", "Waiting"),
        StepState::Current(CardStatus::NeedsApproval) => ("needs_approval", "attention", "Needs approval"),
        StepState::Current(CardStatus::Failed) => ("failed", "danger", "Failed"),
        StepState::Current(CardStatus::Shipped) => ("check", "done", "Shipped"),
    }
}

#[component]
pub fn Stepper(#[prop(into)] story: Signal<CardStory>) -> impl IntoView {
    let steps = Memo::new(move |_| story.with(steps));
    settled(view! {
        <ol class="stepper" aria-label="Stages">
            {move || steps.get().into_iter().map(step_view).collect_view()}
        </ol>
    })
}

fn time(at: DateTime<Utc>, goes_on: bool) -> AnyView {
    match goes_on {
        true => settled(view! { "for "<Elapsed at=at /> }),
        false => settled(view! { <Ago at=at /> }),
    }
}

fn step_view(step: Step) -> impl IntoView {
    let (icon, state, word) = sign(step.state);
    let current = matches!(step.state, StepState::Current(_)).then_some("step");
    let tries = tries(&step);
    let facts = match (step.who, step.took) {
        (Some(who), Some(took)) => Some(format!("{who}, {took}")),
        (who, took) => who.or(took),
    };
    let why = step.why.filter(|why| !why.trim().is_empty());
    settled(view! {
        <li class="step" data-state=state aria-current=current>
            <span class="step-mark" title=word><Icon name=icon /></span>
            <div class="step-text">
                <span class="step-stage">{step.stage.label()}<span class="visually-hidden">{format!(": {word}")}</span></span>
                {step.what.map(|what| view! { <span class="step-what">{what}" "{step.when.map(|at| time(at, step.goes_on))}</span> })}
                {facts.map(|facts| view! { <span class="step-fact">{facts}</span> })}
                {tries.map(|tries| view! { <span class="step-fact">{tries}</span> })}
                {why.map(|why| view! { <q class="step-why" title=why.clone()>{why.clone()}</q> })}
            </div>
        </li>
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::fixture::{self, at};

    #[test]
    fn a_card_in_the_backlog_has_everything_ahead() {
        let steps = steps(&fixture::story(Stage::Backlog, CardStatus::Idle));
        assert_eq!(steps[0].state, StepState::Current(CardStatus::Idle));
        assert!(steps[1..].iter().all(|step| step.state == StepState::Ahead && step.attempts == 0));
    }

    #[test]
    fn attempts_and_send_backs_are_counted() {
        let mut story = fixture::story(Stage::Build, CardStatus::Working);
        fixture::visit(&mut story, Stage::Backlog, Stage::Plan, Outcome::Approved);
        fixture::visit(&mut story, Stage::Plan, Stage::Build, Outcome::Approved);
        fixture::visit(&mut story, Stage::Build, Stage::Review, Outcome::SentBack);
        fixture::visit(&mut story, Stage::Review, Stage::Build, Outcome::Open);
        let steps = steps(&story);
        let states: Vec<StepState> = steps.iter().map(|step| step.state).collect();
        let working = StepState::Current(CardStatus::Working);
        assert_eq!(states, [StepState::Done, StepState::Done, working, StepState::Ahead, StepState::Ahead]);
        assert_eq!((steps[2].attempts, steps[2].sent_back), (2, 0));
        assert_eq!(tries(&steps[2]).as_deref(), Some("2 attempts"));
        assert_eq!(tries(&steps[3]).as_deref(), Some("sent back once"));
        assert_eq!(tries(&steps[1]), None);
        assert_eq!(steps[1].who.as_deref(), Some("Planner"));
        assert_eq!(steps[1].what.as_deref(), Some("Approved by a person"));
    }

    #[test]
    fn the_last_visits_gate_says_what_and_why() {
        let mut story = fixture::story(Stage::Plan, CardStatus::NeedsApproval);
        fixture::visit(&mut story, Stage::Backlog, Stage::Plan, Outcome::Open);
        fixture::open_gate(&mut story);
        assert_eq!(steps(&story)[1].what.as_deref(), Some("Waits at its gate"));
        let gate = story.gates.last_mut().unwrap();
        gate.state = GateState::Overridden;
        gate.decided_by = Some("person".to_owned());
        gate.reason = Some("known flake".to_owned());
        gate.decided_at = Some(at(900));
        let step = &steps(&story)[1];
        assert_eq!(step.what.as_deref(), Some("Approved over a red check by a person"));
        assert_eq!((step.why.as_deref(), step.when), (Some("known flake"), Some(at(900))));
    }

    #[test]
    fn a_shipped_card_is_done_everywhere() {
        let story = fixture::story(Stage::Ship, CardStatus::Shipped);
        assert!(steps(&story).iter().all(|step| step.state == StepState::Done));
    }
}
