//! A card on the board. One closure draws it all, in place, whenever the card changes: the focus inside it
//! and its place in the list stay.

use leptos::prelude::*;

use super::Desk;
use crate::{
    model::{AgentBrief, Card, CardId, CardStatus, Money},
    ui::{
        badge::{Badge, Tone},
        icon::Icon,
        progress::Progress,
        time::Elapsed,
    },
};

/// The icon and colour of a status.
pub fn look(status: CardStatus) -> (&'static str, Tone) {
    match status {
        CardStatus::Idle => ("idle", Tone::Neutral),
        CardStatus::Queued => ("queued", Tone::Neutral),
        CardStatus::Working => ("working", Tone::Active),
        CardStatus::Waiting => ("waiting", Tone::Attention),
        CardStatus::NeedsApproval => ("needs_approval", Tone::Attention),
        CardStatus::Failed => ("failed", Tone::Danger),
        CardStatus::Shipped => ("shipped", Tone::Done),
    }
}

/// The status in words: `Working 40 %`.
pub fn status_words(card: &Card) -> String {
    match (&card.agent, card.status) {
        (Some(agent), CardStatus::Working) if agent.progress > 0 => format!("Working {} %", agent.progress),
        _ => card.status.label().to_owned(),
    }
}

/// Why the card stands still: what a queued one waits for, what a failed one needs.
fn stands_still(card: &Card) -> Option<String> {
    let waits_for = || card.agent.as_ref().and_then(|agent| agent.waits_for.clone());
    match card.status {
        CardStatus::Queued => waits_for().or_else(|| card.reason.clone()),
        CardStatus::Waiting | CardStatus::Failed => card.reason.clone().or_else(waits_for),
        CardStatus::NeedsApproval => {
            let red = card.gate.as_ref()?.checks.iter().filter(|check| !check.passed).count();
            match red {
                0 => None,
                1 => Some("1 check is red".to_owned()),
                n => Some(format!("{n} checks are red")),
            }
        }
        _ => None,
    }
}

#[component]
pub(super) fn CardTile(id: CardId) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let reachable = expect_context::<Reachable>().0;
    desk.live.card(id).map(|card| {
        move || {
            // Before the browser has taken over, every link is in the tab order, as there is no other way.
            let reach = if desk.hydrated.get() { Some(reachable.selected(&Some(id))) } else { None };
            card.with(|card| tile(desk, card, reach))
        }
    })
}

/// Tells each tile whether it is the one that Tab reaches, without telling all the others. From context.
#[derive(Clone)]
pub(super) struct Reachable(pub(super) Selector<Option<CardId>>);

fn tile(desk: Desk, card: &Card, reach: Option<bool>) -> impl IntoView + use<> {
    let id = card.id;
    let address = format!("/cards/{id}");
    let (icon, tone) = look(card.status);
    let inner_tab = (reach == Some(false)).then_some("-1");
    let chips: Vec<_> = card
        .artifacts
        .iter()
        .map(|chip| {
            let kind = chip.kind;
            view! {
                <a class="chip" draggable="false" tabindex=inner_tab href=format!("{address}#artifact-{}", kind.as_str())>
                    <Icon name=kind.as_str() />
                    {kind.label()}
                </a>
            }
        })
        .collect();
    let cost =
        (card.cost_usd > Money::ZERO).then(|| view! { <span class="tile-cost">{card.cost_usd.to_cents()}</span> });
    let still = stands_still(card).map(|why| view! { <p class="tile-why" title=why.clone()>{why.clone()}</p> });
    let agent = card.agent.as_ref().filter(|agent| !agent.status.is_ended());
    view! {
        <article
            class="tile" data-card=card.id.to_string() data-status=card.status.as_str() aria-label=card.title.clone()
            tabindex=if reach == Some(true) { "0" } else { "-1" }
            data-lifted=move || desk.lifted.with(|lifted| lifted.contains(&id)).then_some("")
            data-selected=move || desk.selection.holds(id).then_some("")
        >
            <div class="tile-head">
                <span class="tile-number">{format!("#{}", card.number)}</span>
                {move || desk.selection.holds(id).then(|| view! { <span class="visually-hidden">"Selected"</span> })}
                <button
                    type="button" class="icon-button tile-actions" data-actions="" aria-haspopup="menu" tabindex=inner_tab
                    aria-label=format!("Actions for {}", card.title)
                >
                    <Icon name="more" />
                </button>
            </div>
            <a class="tile-title" dir="auto" draggable="false" tabindex=inner_tab href=address title=card.title.clone()>
                {card.title.clone()}
            </a>
            <div class="tile-state">
                <Badge icon tone text=status_words(card) />
                {agent.map(|agent| view! { <span class="tile-role">{agent.role.label()}</span> })}
                {agent.and_then(|agent| agent.started_at).map(|at| view! { <Elapsed at /> })}
                {cost}
            </div>
            {agent.filter(|_| card.status == CardStatus::Working).map(|agent| steps(&card.title, agent))}
            {still}
            {(!chips.is_empty()).then(|| view! { <div class="chips">{chips}</div> })}
        </article>
    }
}

fn steps(title: &str, agent: &AgentBrief) -> impl IntoView + use<> {
    let counted = (agent.steps > 0).then(|| format!("{}/{}", agent.step, agent.steps));
    let words = match &counted {
        Some(counted) => format!("{} %, step {counted}", agent.progress),
        None => format!("{} %", agent.progress),
    };
    view! {
        <div class="tile-progress">
            <Progress name=format!("Progress of {title}") percent=agent.progress text=words />
            {counted.map(|counted| view! { <span class="tile-steps">{counted}</span> })}
        </div>
    }
}
