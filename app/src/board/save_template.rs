//! Keeps a card's text as a template of its project, from the card's menu.

use leptos::{prelude::*, task::spawn_local};

use super::{Ask, Desk, reason::Refusal};
use crate::{
    api,
    model::{TEMPLATE_NAME_LIMIT, TemplateChange},
    ui::{dialog::Dialog, settled::settled},
};

#[component]
pub(super) fn SaveTemplateDialog() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let open = super::asked(desk, |ask| matches!(ask, Ask::SaveTemplate(_)));
    view! {
        <Dialog title=Signal::stored("Save as template".to_owned()) open>
            <SaveTemplateForm />
        </Dialog>
    }
}

#[component]
fn SaveTemplateForm() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let Some(Ask::SaveTemplate(card)) = desk.ask.get_untracked() else { return None };
    let title = desk.live.peek(card).map(|card| card.title).unwrap_or_default();
    let name = RwSignal::new(title.chars().take(TEMPLATE_NAME_LIMIT).collect::<String>());
    let (busy, refusal) = (RwSignal::new(false), RwSignal::new(None));
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        busy.set(true);
        let name = name.get_untracked();
        spawn_local(async move {
            match api::change_template(TemplateChange::SaveCard { card, name: name.clone() }).await {
                Ok(()) => {
                    desk.announcer.say(format!("Template {name} is saved. New card offers it."));
                    desk.ask.try_set(None);
                    desk.focus_soon(card);
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
            <p>"New cards of this project can then start from the text of this card."</p>
            <label class="field">
                <span>"Name"</span>
                <input
                    type="text" required data-autofocus="" autocomplete="off" maxlength=TEMPLATE_NAME_LIMIT.to_string()
                    prop:value=name on:input=move |event| name.set(event_target_value(&event))
                />
            </label>
            <Refusal refusal />
            <footer class="dialog-foot">
                <button type="button" class="button" on:click=move |_| desk.ask.set(None)>"Cancel"</button>
                <button class="button button-primary" disabled=busy>"Save template"</button>
            </footer>
        </form>
    }))
}
