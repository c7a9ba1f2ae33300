//! What the card asks for, and its way through the stages so far.

use leptos::prelude::*;

use super::{
    questions::AnsweredQuestions,
    stepper::{actor, agent_of, gate_of, took, what},
    story::Story,
    words::{RETRY, figures::tokens_text},
};
use crate::{
    model::{Agent, Outcome, Transition, TransitionId},
    port::CardStory,
    ui::{settled::settled, ticked::ticked_html, time::Ago},
};

#[component]
pub fn Overview() -> impl IntoView {
    let story = expect_context::<Story>();
    let body = story.part(|story| story.body_html.clone());
    settled(view! {
        <section class="card-section" aria-labelledby="overview">
            <h2 id="overview">"Overview"</h2>
            {move || match body.with(|body| body.trim().is_empty()) {
                true => settled(view! { <p class="empty">"No description yet. Edit the card to say what should change."</p> }),
                false => settled(view! { <div class="prose" dir="auto" inner_html=body.get()></div> }),
            }}
            <Timeline />
            <AnsweredQuestions />
        </section>
    })
}

/// One move, with what became of it.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    visit: Transition,
    what: String,
    /// What the gate's decision said.
    decision: Option<String>,
    agent: Option<AgentLine>,
}

/// An agent's work in one line.
#[derive(Clone, Debug, PartialEq)]
struct AgentLine {
    text: String,
    /// Why it ended as it did.
    reason: Option<String>,
}

fn entries(story: &CardStory) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::with_capacity(story.transitions.len());
    for visit in &story.transitions {
        let mut entry = entry(story, visit);
        // The gate before it has said why already.
        let told = entries.last().and_then(|before| before.decision.clone());
        entry.visit.reason = entry.visit.reason.filter(|reason| reason != RETRY && Some(reason) != told.as_ref());
        entries.push(entry);
    }
    entries.reverse();
    entries
}

fn entry(story: &CardStory, visit: &Transition) -> Entry {
    let (agent, gate) = (agent_of(story, visit), gate_of(story, visit));
    Entry {
        visit: visit.clone(),
        what: what(visit, agent, gate),
        decision: gate.and_then(|gate| gate.reason.clone()).filter(|reason| !reason.trim().is_empty()),
        agent: agent.map(agent_line),
    }
}

fn agent_line(agent: &Agent) -> AgentLine {
    let mut facts = vec![match &agent.model {
        Some(model) => format!("{} on {model}", agent.role.label()),
        None => format!("{} on the {} engine", agent.role.label(), agent.engine.as_str()),
    }];
    facts.extend(took(agent));
    if agent.tool_calls > 0 {
        facts.push(if agent.tool_calls == 1 {
            "1 tool call".to_owned()
        } else {
            format!("{} tool calls", agent.tool_calls)
        });
    }
    if agent.tokens.total() > 0 {
        facts.push(format!("{} tokens", tokens_text(agent.tokens.total())));
    }
    if agent.cost_usd.nanos() > 0 {
        facts.push(agent.cost_usd.to_cents());
    }
    if agent.attempt > 1 {
        facts.push(format!("started {} times", agent.attempt));
    }
    AgentLine { text: facts.join(" · "), reason: agent.reason.clone().filter(|_| agent.status.is_ended()) }
}

#[component]
fn Timeline() -> impl IntoView {
    let story = expect_context::<Story>();
    let entries = story.part(entries);
    // A move whose words changed is drawn anew; the others stay as they are.
    let key = |entry: &Entry| -> (TransitionId, String) { (entry.visit.id, format!("{entry:?}")) };
    settled(view! {
        <h3>"Story"</h3>
        <Show
            when=move || entries.with(|entries| !entries.is_empty())
            fallback=|| view! { <p class="empty">"Nothing has happened yet. Move the card to Plan to start."</p> }
        >
            <ol class="timeline">
                <For each=move || entries.get() key=key let:entry>{entry_view(entry)}</For>
            </ol>
        </Show>
    })
}

fn entry_view(entry: Entry) -> impl IntoView {
    let visit = entry.visit;
    let lead = match visit.from == visit.to {
        true => format!("{} again", visit.to.label()),
        false => format!("{} → {}", visit.from.label(), visit.to.label()),
    };
    let tone = match visit.outcome {
        Outcome::Open => "open",
        Outcome::Approved | Outcome::Shipped => "good",
        Outcome::SentBack | Outcome::Cancelled => "back",
        Outcome::Failed => "bad",
    };
    let quote = |text: String| view! { <blockquote class="said" dir="auto">{text}</blockquote> };
    settled(view! {
        <li class="timeline-entry" data-tone=tone>
            <p class="timeline-head">
                <strong>{lead}</strong>
                <span class="timeline-outcome">{entry.what}</span>
                <span class="timeline-who">"moved by "{actor(visit.actor)}" · "<Ago at=visit.created_at /></span>
            </p>
            {visit.reason.filter(|reason| !reason.trim().is_empty()).map(quote)}
            {entry.agent.map(|agent| view! {
                <p class="timeline-agent">{agent.text}</p>
                {agent.reason.map(|reason| view! { <p class="timeline-reason" dir="auto" inner_html=ticked_html(&reason)></p> })}
            })}
            {entry.decision.map(quote)}
        </li>
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        card::fixture,
        model::{CardStatus, Money, Stage},
    };

    #[test]
    fn a_reason_is_told_once() {
        let mut story = fixture::story(Stage::Plan, CardStatus::Working);
        fixture::visit(&mut story, Stage::Backlog, Stage::Plan, Outcome::SentBack);
        fixture::visit(&mut story, Stage::Plan, Stage::Plan, Outcome::Failed);
        fixture::visit(&mut story, Stage::Plan, Stage::Plan, Outcome::Open);
        story.gates[0].reason = Some("shorter".to_owned());
        story.transitions[1].reason = Some("shorter".to_owned());
        story.transitions[2].reason = Some(RETRY.to_owned());
        let entries = entries(&story);
        assert_eq!(entries[2].decision.as_deref(), Some("shorter"));
        assert_eq!((&entries[1].visit.reason, &entries[0].visit.reason), (&None, &None));
    }

    #[test]
    fn the_newest_move_comes_first_with_its_agent() {
        let mut story = fixture::story(Stage::Build, CardStatus::Working);
        fixture::visit(&mut story, Stage::Backlog, Stage::Plan, Outcome::Approved);
        fixture::visit(&mut story, Stage::Plan, Stage::Build, Outcome::Open);
        story.agents[1].cost_usd = Money::from_nanos(65_000_000);
        story.agents[1].tool_calls = 3;
        let entries = entries(&story);
        assert_eq!(entries[0].visit.to, Stage::Build);
        let line = entries[0].agent.as_ref().map(|agent| agent.text.as_str());
        assert_eq!(line, Some("Builder on the playbook engine · 12 s · 3 tool calls · $0.07"));
        assert_eq!(entries[1].what, "Approved by a person");
    }
}
