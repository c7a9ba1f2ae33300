//! Templates in the dialog that makes a card: start from one, keep what is written as one, rename and
//! delete. The server draws the choices.

use leptos::{html, prelude::*, task::spawn_local};
use web_sys::{HtmlInputElement, KeyboardEvent, wasm_bindgen::JsCast};

use super::Form;
use crate::{
    api,
    draw::{Part, draw},
    editor::draft::NewDraft,
    model::{NewTemplate, TEMPLATE_NAME_LIMIT, TemplateChange, TemplateId},
    ui::{fragment::around, settled::settled},
};

/// What stands open below the choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Panel {
    Nothing,
    Naming,
    Managing,
}

#[derive(Clone, Copy)]
struct Templates {
    form: Form,
    panel: RwSignal<Panel>,
    /// The choices as HTML options; empty when the project has no template.
    options: RwSignal<String>,
    /// The list to rename and delete in.
    list: RwSignal<String>,
}

impl Templates {
    /// Asks for the project's templates again.
    fn refresh(self) {
        let Some(project) = self.form.project.get_untracked() else { return };
        spawn_local(async move {
            if let Ok(drawn) = draw(Part::TemplateOptions(project)).await {
                self.options.try_set(drawn);
            }
            if self.panel.try_get_untracked() == Some(Panel::Managing)
                && let Ok(drawn) = draw(Part::TemplateList(project)).await
            {
                self.list.try_set(drawn);
            }
        });
    }

    fn toggle(self, panel: Panel) {
        let now = if self.panel.get_untracked() == panel { Panel::Nothing } else { panel };
        self.panel.set(now);
        if now == Panel::Managing {
            self.refresh();
        }
    }

    fn start_from(self, template: TemplateId) {
        spawn_local(async move {
            match draw(Part::TemplateText(template)).await {
                Ok(text) => self.form.start_from(NewDraft::from_text(&text)),
                Err(problem) => drop(self.form.refusal.try_set(Some(problem.detail))),
            }
        });
    }

    fn change(self, change: TemplateChange, said: String) {
        self.form.refusal.set(None);
        spawn_local(async move {
            match api::change_template(change).await {
                Ok(()) => {
                    self.form.desk.announcer.say(said);
                    if self.panel.try_get_untracked() == Some(Panel::Naming) {
                        self.panel.set(Panel::Nothing);
                    }
                    self.refresh();
                }
                Err(problem) => drop(self.form.refusal.try_set(Some(problem.detail))),
            }
        });
    }

    fn save(self, name: String) {
        let Some(project) = self.form.project.get_untracked() else { return };
        let NewDraft { title, body } = self.form.draft();
        let said = format!("Template {name} is saved.");
        self.change(TemplateChange::Save { project, template: NewTemplate { name, title, body } }, said);
    }

    /// Carries out what a button in the list says. Deleting takes a second press of the same button.
    fn press(self, event: &web_sys::MouseEvent) {
        let Some((item, id)) = around(event.target(), "data-template") else { return };
        let Ok(template) = id.parse::<TemplateId>() else { return };
        let name =
            item.query_selector("input").ok().flatten().map(|field| field.unchecked_into::<HtmlInputElement>().value());
        let name = name.unwrap_or_default();
        match around(event.target(), "data-act") {
            Some((_, act)) if act == "rename" => {
                let said = format!("The template is named {name} now.");
                self.change(TemplateChange::Rename { template, name }, said);
            }
            Some((button, act)) if act == "delete" => {
                // Attributes and text of an element at hand cannot be refused.
                let _ = button.set_attribute("data-act", "delete-now");
                button.set_text_content(Some("Delete for good"));
            }
            Some((_, act)) if act == "delete-now" => {
                self.change(TemplateChange::Delete(template), format!("Template {name} is deleted."));
            }
            _ => {}
        }
    }
}

/// Choice, and below it naming or the list.
#[component]
pub(super) fn TemplateChoice(form: Form) -> impl IntoView {
    let templates = Templates {
        form,
        panel: RwSignal::new(Panel::Nothing),
        options: RwSignal::new(String::new()),
        list: RwSignal::new(String::new()),
    };
    Effect::new(move |_| {
        form.project.track();
        templates.refresh();
    });
    let some = Memo::new(move |_| templates.options.with(|options| !options.is_empty()));
    let choose = move |event| {
        if let Ok(template) = event_target_value(&event).parse::<TemplateId>() {
            templates.start_from(template);
        }
    };
    settled(view! {
        <div class="new-card-from">
            <Show when=move || some.get()>
                <label class="field">
                    <span>"Template"</span>
                    <select inner_html=move || templates.options.get() on:change=choose></select>
                </label>
                <button
                    type="button" class="button" aria-expanded=move || (templates.panel.get() == Panel::Managing).to_string()
                    on:click=move |_| templates.toggle(Panel::Managing)
                >
                    "Manage templates"
                </button>
            </Show>
            <button
                type="button" class="link" aria-expanded=move || (templates.panel.get() == Panel::Naming).to_string()
                on:click=move |_| templates.toggle(Panel::Naming)
            >
                "Save as template"
            </button>
        </div>
        {move || match templates.panel.get() {
            Panel::Nothing => None,
            Panel::Naming => Some(settled(view! { <Naming templates /> })),
            Panel::Managing => Some(settled(view! {
                <ul
                    class="templates" role="list" aria-label="Templates" inner_html=move || templates.list.get()
                    on:keydown=stay on:click=move |event| templates.press(&event)
                ></ul>
            })),
        }}
    })
}

/// Enter in a name is not the form's.
fn stay(event: KeyboardEvent) {
    if event.key() == "Enter" && around(event.target(), "type").is_some_and(|(_, kind)| kind == "text") {
        event.prevent_default();
    }
}

#[component]
fn Naming(templates: Templates) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let save = move || {
        if let Some(field) = field.get_untracked() {
            templates.save(field.value());
        }
    };
    Effect::new(move |_| {
        if let Some(field) = field.get() {
            let _ = field.focus();
        }
    });
    settled(view! {
        <div class="template-save">
            <input
                type="text" aria-label="Name of the template" placeholder="Name of the template" autocomplete="off"
                maxlength=TEMPLATE_NAME_LIMIT.to_string() node_ref=field
                on:keydown=move |event| {
                    if event.key() == "Enter" && !event.ctrl_key() && !event.meta_key() {
                        event.prevent_default();
                        save();
                    }
                }
            />
            <button type="button" class="button" on:click=move |_| save()>"Save template"</button>
        </div>
    })
}
