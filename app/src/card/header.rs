//! Which card this is, how it stands, and what a person can do with it as a whole.

use leptos::{html, prelude::*};
use web_sys::wasm_bindgen::JsCast;

use super::{
    HEADING,
    ask::{Ask, Refusal},
    focus_heading,
    story::Story,
};
use crate::{
    api::{archive_card, move_card, restore_card, retry_card, stop_agent},
    editor::EditDialog,
    error::{ErrorCode, Problem},
    model::{AgentId, Card, CardStatus, NewMove, Stage},
    palette::{Wish, Wishes},
    ui::{
        announcer::Announcer,
        badge::{Badge, Tone},
        icon::Icon,
        settled::settled,
    },
};

#[component]
pub fn CardHeader() -> impl IntoView {
    let story = expect_context::<Story>();
    let card = story.part(|story| story.card.clone());
    let project = story.part(|story| (story.project.id, story.project.name.clone()));
    let archived = Memo::new(move |_| card.with(|card| card.archived_at.is_some()));
    let editing = RwSignal::new(false);
    let id = Callback::new(move |()| Some(story.now(|story| story.card.id)));
    let saved = Callback::new(move |_| story.reload());
    settled(view! {
        <header class="card-head">
            <nav class="crumbs" aria-label="Breadcrumb">
                {move || {
                    let (id, name) = project.get();
                    view! { <a href=format!("/?project={id}")>{name}</a> }
                }}
                <span aria-hidden="true">"/"</span>
                <span>{move || card.with(|card| format!("#{}", card.number))}</span>
            </nav>
            <div class="card-head-row">
                <h1 id=HEADING tabindex="-1" dir="auto">{move || card.with(|card| card.title.clone())}</h1>
                {move || card.with(status_badge)}
                {move || archived.get().then(|| view! { <Badge icon="archive" tone=Tone::Neutral text="Archived" /> })}
            </div>
            <Actions card editing />
        </header>
        <EditDialog open=editing card=id saved />
    })
}

/// The status as icon and word, with how far a working card is.
fn status_badge(card: &Card) -> impl IntoView + use<> {
    let (icon, tone) = match card.status {
        CardStatus::Idle => ("idle", Tone::Neutral),
        CardStatus::Queued => ("queued", Tone::Neutral),
        CardStatus::Working => ("working", Tone::Active),
        CardStatus::Waiting => ("waiting", Tone::Attention),
        CardStatus::NeedsApproval => ("needs_approval", Tone::Attention),
        CardStatus::Failed => ("failed", Tone::Danger),
        CardStatus::Shipped => ("shipped", Tone::Done),
    };
    let text = match (&card.agent, card.status) {
        (Some(agent), CardStatus::Working) => format!("Working {} %", agent.progress),
        _ => card.status.label().to_owned(),
    };
    settled(view! { <Badge icon tone text /> })
}

/// What can be done with the card as a whole, the likely thing first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardAction {
    Move(Stage),
    /// A gate stands between the card and the next stage, and it is decided in its own panel.
    GoToGate,
    Retry,
    Stop(AgentId),
    Edit,
    Archive,
    Restore,
}

/// What the header offers, by the rules of `POST /cards/{id}/moves`; the server decides all the same.
pub fn actions(card: &Card) -> Vec<CardAction> {
    if card.archived_at.is_some() {
        return vec![CardAction::Restore];
    }
    let mut actions = Vec::new();
    match (card.status, card.stage.next()) {
        (CardStatus::Idle, Some(next)) => actions.push(CardAction::Move(next)),
        (CardStatus::NeedsApproval, next) => match (&card.gate, next) {
            (Some(gate), Some(next)) if gate.is_green() => actions.push(CardAction::Move(next)),
            _ => actions.push(CardAction::GoToGate),
        },
        (CardStatus::Failed, _) => actions.push(CardAction::Retry),
        _ => {}
    }
    if let Some(agent) = card.agent.as_ref().filter(|agent| !agent.status.is_ended()) {
        actions.push(CardAction::Stop(agent.id));
    }
    if card.status != CardStatus::Shipped {
        actions.push(CardAction::Edit);
    }
    actions.push(CardAction::Archive);
    actions
}

#[component]
fn Actions(card: Memo<Card>, editing: RwSignal<bool>) -> impl IntoView {
    let ask = Ask::new();
    let row = NodeRef::<html::Div>::new();
    // What the palette asks for is pressed here, where its refusal shows too.
    Wishes::follow(move |wish| {
        let Wish::Deed(id, label) = wish else { return false };
        let at = card.with_untracked(|card| {
            (card.id == *id).then(|| actions(card).into_iter().position(|action| action.label() == *label))
        });
        let buttons = row.get_untracked().map(|row| row.children());
        if let (Some(Some(at)), Some(buttons)) = (at, buttons)
            && let Some(button) = buttons.item(at as u32)
        {
            button.unchecked_into::<web_sys::HtmlElement>().click();
        }
        at.is_some()
    });
    let offered = Memo::new(move |_| card.with(actions));
    settled(view! {
        <div class="card-actions" node_ref=row>
            <For each=move || offered.get() key=|action| *action let:action>
                <ActionButton action ask editing />
            </For>
        </div>
        <Refusal ask />
    })
}

impl CardAction {
    pub fn label(self) -> String {
        match self {
            CardAction::Move(stage) => format!("Move to {}", stage.label()),
            CardAction::GoToGate => "Go to the gate".to_owned(),
            CardAction::Retry => "Retry".to_owned(),
            CardAction::Stop(_) => "Stop agent".to_owned(),
            CardAction::Edit => "Edit".to_owned(),
            CardAction::Archive => "Archive".to_owned(),
            CardAction::Restore => "Restore".to_owned(),
        }
    }
}

impl std::hash::Hash for CardAction {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.label().hash(state);
    }
}

#[component]
fn ActionButton(action: CardAction, ask: Ask, editing: RwSignal<bool>) -> impl IntoView {
    if action == CardAction::GoToGate {
        return settled(view! { <a class="button button-primary" href="#gate">{action.label()}</a> });
    }
    let story = expect_context::<Story>();
    let announcer = expect_context::<Announcer>();
    let class = match action {
        CardAction::Move(_) | CardAction::Retry | CardAction::Restore => "button button-primary",
        CardAction::Stop(_) => "button button-danger",
        _ => "button",
    };
    let icon = match action {
        CardAction::Move(_) | CardAction::GoToGate => "arrow",
        CardAction::Retry => "retry",
        CardAction::Stop(_) => "stop",
        CardAction::Edit => "edit",
        CardAction::Archive => "archive",
        CardAction::Restore => "restore",
    };
    let act = move |_| {
        let (id, title, version) = story.now(|story| (story.card.id, story.card.title.clone(), story.card.version));
        // The button that was pressed goes with what it did.
        let done = move |sentence: String| {
            announcer.say(sentence);
            story.reload();
            focus_heading();
        };
        let stale = move |problem: &Problem| {
            if problem.code == ErrorCode::VersionConflict {
                story.reload();
            }
        };
        match action {
            CardAction::GoToGate => {}
            CardAction::Edit => editing.set(true),
            CardAction::Move(to) => {
                let new = NewMove { to, reason: None, override_reason: None, before: None, version: Some(version) };
                let starts = to.role().map(|role| format!(" {} is starting.", role.label())).unwrap_or_default();
                let sentence = format!("{title} moved to {}.{starts}", to.label());
                ask.send_or(move_card(id, new), move |_| done(sentence), stale);
            }
            CardAction::Retry => ask.send(retry_card(id), move |_| done(format!("{title} is tried again."))),
            CardAction::Stop(agent) => ask.send(stop_agent(agent), move |()| done("Agent stopped.".to_owned())),
            CardAction::Archive => ask.send(archive_card(id), move |()| done(format!("{title} archived."))),
            CardAction::Restore => ask.send(restore_card(id), move |_| done(format!("{title} restored."))),
        }
    };
    settled(view! {
        <button type="button" class=class disabled=move || ask.busy() on:click=act>
            <Icon name=icon />
            {action.label()}
        </button>
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{card::fixture, model::Outcome};

    fn check(card: &Card, want: &[&str]) {
        let labels: Vec<String> = actions(card).into_iter().map(CardAction::label).collect();
        assert_eq!(labels, want);
    }

    #[test]
    fn the_likely_action_comes_first() {
        check(&fixture::story(Stage::Backlog, CardStatus::Idle).card, &["Move to Plan", "Edit", "Archive"]);
        check(&fixture::story(Stage::Plan, CardStatus::Failed).card, &["Retry", "Edit", "Archive"]);
        check(&fixture::story(Stage::Plan, CardStatus::Working).card, &["Edit", "Archive"]);
        check(&fixture::story(Stage::Ship, CardStatus::Shipped).card, &["Archive"]);
        let mut story = fixture::story(Stage::Plan, CardStatus::NeedsApproval);
        fixture::visit(&mut story, Stage::Backlog, Stage::Plan, Outcome::Open);
        fixture::open_gate(&mut story);
        check(&story.card, &["Move to Build", "Edit", "Archive"]);
        if let Some(gate) = &mut story.card.gate {
            gate.checks[0].passed = false;
        }
        check(&story.card, &["Go to the gate", "Edit", "Archive"]);
        story.card.archived_at = Some(fixture::at(1));
        check(&story.card, &["Restore"]);
    }
}
