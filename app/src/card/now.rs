//! What goes on at this moment: the agent at work, why a card stands still, or where its commit is; and
//! what it has cost.

use leptos::prelude::*;

use super::{
    copy::{CopyButton, Source},
    story::Story,
    words::figures::{short_hash, tokens_text},
};
use crate::{
    model::{AgentBrief, AgentStatus, Card, CardStatus, Land, Project},
    ui::{
        icon::Icon,
        progress::Progress,
        settled::settled,
        ticked::ticked_html,
        time::{Ago, Elapsed},
    },
};

#[component]
pub fn Now() -> impl IntoView {
    let story = expect_context::<Story>();
    let agent = story.part(|story| story.card.agent.clone().filter(|agent| !agent.status.is_ended()));
    let stopped = story.part(|story| stopped(&story.card));
    let landed = story.part(|story| landed(&story.card, &story.project));
    settled(view! {
        {move || stopped.get().map(|reason| view! {
            <section class="panel stopped" aria-labelledby="stopped">
                <h2 id="stopped"><Icon name="failed" />"Stopped"</h2>
                <p class="long-text" dir="auto" inner_html=ticked_html(&reason)></p>
                <p class="hint">{way_on(&reason)}</p>
            </section>
        })}
        {move || agent.get().map(agent_panel)}
        {move || landed.get().map(|text| view! {
            <section class="panel landed" aria-labelledby="landed">
                <h2 id="landed"><Icon name="shipped" />"Shipped"</h2>
                <p>{text}</p>
            </section>
        })}
        <Facts />
    })
}

/// Why a failed or waiting card stands still, where nothing else on the page says so.
fn stopped(card: &Card) -> Option<String> {
    match card.status {
        CardStatus::Failed => {
            Some(card.reason.clone().unwrap_or_else(|| "The stage ended without its artifact.".to_owned()))
        }
        _ => None,
    }
}

/// What can be done about it, without saying again what the reason says.
fn way_on(reason: &str) -> &'static str {
    match reason.contains("Retry") {
        true => "Edit changes what the agent is asked for.",
        false => "Retry runs this stage again; Edit changes what the agent is asked for.",
    }
}

fn landed(card: &Card, project: &Project) -> Option<String> {
    if card.status != CardStatus::Shipped {
        return None;
    }
    let commit = card.commit.as_deref().map_or("The commit".to_owned(), |hash| format!("Commit {}", short_hash(hash)));
    Some(match (project.land, &card.branch) {
        (Land::Branch, Some(branch)) => format!("{commit} is on {branch}."),
        _ => format!("{commit} is on {}.", project.base_branch),
    })
}

fn agent_panel(agent: AgentBrief) -> impl IntoView {
    let heading = match agent.status {
        AgentStatus::Queued => format!("{} queued", agent.role.label()),
        AgentStatus::Waiting => format!("{} waits", agent.role.label()),
        _ => format!("{} at work", agent.role.label()),
    };
    let steps = if agent.steps > 0 { format!("step {} of {}", agent.step, agent.steps) } else { String::new() };
    let engine = agent.engine.as_str();
    settled(view! {
        <section class="panel agent" aria-labelledby="agent">
            <header class="panel-head">
                <h2 id="agent">{heading}</h2>
                <span class="panel-note">{engine}{agent.started_at.map(|at| view! { " · "<Elapsed at=at /> })}</span>
            </header>
            {(agent.status != AgentStatus::Queued).then(|| view! {
                <Progress name=format!("{} progress", agent.role.label()) percent=agent.progress text=format!("{} %, {steps}", agent.progress) />
                <p class="agent-step">{format!("{} %", agent.progress)}{(!steps.is_empty()).then(|| format!(" · {steps}"))}</p>
            })}
            {(!agent.doing.is_empty()).then(|| view! { <p class="agent-doing">{agent.doing.clone()}</p> })}
            {agent.waits_for.map(|waits| view! { <p class="hint">"Waits for "{waits}"."</p> })}
        </section>
    })
}

/// Where the work is and what it has cost, summed over the card's agents.
#[component]
fn Facts() -> impl IntoView {
    let story = expect_context::<Story>();
    let card = story.part(|story| story.card.clone());
    let project = story.part(|story| story.project.clone());
    let facts = move || {
        let (card, project) = (card.get(), project.get());
        let commit = card.commit.clone().map(|hash| {
            let short = short_hash(&hash).to_owned();
            view! {
                <dt>"Commit"</dt>
                <dd><code title=hash.clone()>{short}</code><CopyButton source=Source::Text(hash) name="commit hash".to_owned() small=true /></dd>
            }
        });
        let branch = card.branch.clone().map(|branch| view! {
            <dt>"Branch"</dt>
            <dd><code>{branch.clone()}</code><CopyButton source=Source::Text(branch) name="branch".to_owned() small=true /></dd>
        });
        let tokens = (card.tokens > 0).then(|| {
            view! { <dt>"Tokens"</dt><dd title=card.tokens.to_string()>{tokens_text(card.tokens)}</dd> }
        });
        let cost = (card.cost_usd.nanos() > 0).then(|| {
            view! { <dt>"Cost"</dt><dd title=format!("${}", card.cost_usd)>{card.cost_usd.to_cents()}</dd> }
        });
        view! {
            <dl class="facts">
                <dt>"Base"</dt><dd><code>{project.base_branch}</code></dd>
                {branch}{commit}{tokens}{cost}
                <dt>"Created"</dt><dd><Ago at=card.created_at /></dd>
                <dt>"Changed"</dt><dd><Ago at=card.updated_at /></dd>
            </dl>
        }
    };
    settled(view! { <section class="panel" aria-labelledby="facts"><h2 id="facts">"Facts"</h2>{facts}</section> })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_on_is_told_once() {
        assert!(way_on("The plan is empty.").contains("Retry"));
        assert!(!way_on("This stage was stopped. Retry runs it again.").contains("Retry"));
    }
}
