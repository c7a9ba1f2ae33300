//! Dialogs that ask for words before a card goes: the comment of a send-back, the reason of an override.

use leptos::{prelude::*, task::spawn_local};

use super::{Ask, Desk};
use crate::{
    model::{Card, Stage},
    ui::{dialog::Dialog, settled::settled, storage, ticked::ticked_html},
};

#[component]
pub(super) fn ReasonDialogs() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let sending_back = super::asked(desk, |ask| matches!(ask, Ask::SendBack(_)));
    let overriding = super::asked(desk, |ask| matches!(ask, Ask::Override { .. } | Ask::ApproveAnyway(_)));
    let title = Signal::derive(move || match asked_card(desk) {
        Some(card) => format!("Send back {}", card.title),
        None => "Send back".to_owned(),
    });
    view! {
        <Dialog title open=sending_back>
            <SendBackForm />
        </Dialog>
        <Dialog title=Signal::stored("The gate is red".to_owned()) open=overriding>
            <OverrideForm />
        </Dialog>
    }
}

/// The card that the open dialog is about.
fn asked_card(desk: Desk) -> Option<Card> {
    let id = match desk.ask.get()? {
        Ask::SendBack(id) | Ask::ApproveAnyway(id) | Ask::Override { card: id, .. } | Ask::Edit(id) => id,
        Ask::NewCard | Ask::Keys | Ask::SaveTemplate(_) => return None,
    };
    desk.live.peek(id)
}

#[component]
fn SendBackForm() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let card = untrack(|| asked_card(desk))?;
    let stage = card.stage;
    let draft_key = StoredValue::new(format!("slipway.draft.send-back.{}", card.id));
    let card = StoredValue::new(card);
    let comment = RwSignal::new(draft_key.with_value(|key| storage::read(key)).unwrap_or_default());
    let to = RwSignal::new(stage.send_back_target().unwrap_or(stage));
    let (busy, refusal) = (RwSignal::new(false), RwSignal::new(None));
    let targets: Vec<Stage> = Stage::ALL.into_iter().filter(|to| *to != Stage::Backlog && *to <= stage).collect();
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let card = card.get_value();
        let (id, words) = (card.id, comment.get_untracked());
        busy.set(true);
        spawn_local(async move {
            match desk.send_back(card, to.get_untracked(), words).await {
                Ok(()) => {
                    draft_key.try_with_value(|key| storage::forget(key));
                    desk.ask.try_set(None);
                    desk.focus_soon(id);
                }
                Err(problem) => {
                    busy.try_set(false);
                    refusal.try_set(Some(problem.detail));
                }
            }
        });
    };
    Some(settled(view! {
        <form class="dialog-body" on:submit=submit>
            <label class="field">
                <span>"Comment"</span>
                <textarea
                    rows="5" required data-autofocus="" placeholder="What should be different? The next agent reads this."
                    prop:value=comment
                    on:input=move |event| {
                        comment.set(event_target_value(&event));
                        draft_key.with_value(|key| storage::write(key, &comment.get_untracked()));
                    }
                ></textarea>
            </label>
            <label class="field">
                <span>"Back to"</span>
                <select prop:value=move || to.get().as_str() on:change=move |event| {
                    if let Some(stage) = Stage::parse(&event_target_value(&event)) {
                        to.set(stage);
                    }
                }>
                    {targets.into_iter().map(|stage| view! {
                        <option value=stage.as_str() selected=stage == to.get_untracked()>{stage.label()}</option>
                    }).collect_view()}
                </select>
            </label>
            <Refusal refusal />
            <footer class="dialog-foot">
                <button type="button" class="button" on:click=move |_| desk.ask.set(None)>"Cancel"</button>
                <button class="button button-primary" disabled=busy>"Send back"</button>
            </footer>
        </form>
    }))
}

#[component]
fn OverrideForm() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let card = untrack(|| asked_card(desk))?;
    let red: Vec<_> = card.gate.iter().flat_map(|gate| &gate.checks).filter(|check| !check.passed).cloned().collect();
    let title = card.title.clone();
    let card = StoredValue::new(card);
    let reason = RwSignal::new(String::new());
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let words = Some(reason.get_untracked());
        let ask = desk.ask.get_untracked();
        desk.ask.set(None);
        match ask {
            Some(Ask::Override { card, to, before }) => desk.move_to(card, to, before, words),
            Some(Ask::ApproveAnyway(_)) => desk.approve(card.get_value(), words),
            _ => {}
        }
    };
    Some(settled(view! {
        <form class="dialog-body" on:submit=submit>
            <p>{format!("{title} goes on only if you override what is red:")}</p>
            <ul class="red-checks">
                {red.into_iter().map(|check| view! { <li><strong>{check.name.replace('_', " ")}</strong> " " <span inner_html=ticked_html(&check.detail)></span></li> }).collect_view()}
            </ul>
            <label class="field">
                <span>"Reason"</span>
                <textarea
                    rows="3" required data-autofocus="" placeholder="Why it should go on all the same. Stays on record."
                    prop:value=reason on:input=move |event| reason.set(event_target_value(&event))
                ></textarea>
            </label>
            <footer class="dialog-foot">
                <button type="button" class="button" on:click=move |_| desk.ask.set(None)>"Cancel"</button>
                <button class="button button-primary">"Override"</button>
            </footer>
        </form>
    }))
}

/// Why the server refused what a dialog asked, inside that dialog.
#[component]
pub(super) fn Refusal(refusal: RwSignal<Option<String>>) -> impl IntoView {
    move || refusal.get().map(|detail| view! { <p class="field-error" role="alert">{detail}</p> })
}
