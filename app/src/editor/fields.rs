//! Title and Description, wherever a card is written.

use leptos::{html, prelude::*};
use web_sys::{HtmlFormElement, KeyboardEvent, wasm_bindgen::JsCast};

use super::{
    blocks::Blocks,
    preview::{self, Preview},
};
use crate::{model::TITLE_LIMIT, ui::settled::settled};

/// Ctrl+Enter (Cmd+Enter) in any field of a form saves it, as its button does.
pub fn save_key(event: KeyboardEvent) {
    if event.key() != "Enter" || !(event.ctrl_key() || event.meta_key()) {
        return;
    }
    let form = event.current_target().and_then(|form| form.dyn_into::<HtmlFormElement>().ok());
    if let Some(form) = form {
        event.prevent_default();
        // A form that does not validate says so itself.
        let _ = form.request_submit();
    }
}

/// The two fields, with preview and block help. `keep` is called after every change.
#[component]
pub fn CardFields(title: RwSignal<String>, body: RwSignal<String>, keep: Callback<()>) -> impl IntoView {
    let previewing = RwSignal::new(preview::is_wanted());
    let field = NodeRef::<html::Textarea>::new();
    let toggle = move |_| {
        previewing.update(|on| *on = !*on);
        preview::want(previewing.get_untracked());
    };
    let inserted = Callback::new(move |()| {
        if let Some(field) = field.get_untracked() {
            body.set(field.value());
            keep.run(());
        }
    });
    settled(view! {
        <label class="field">
            <span>"Title"</span>
            <input
                type="text" required data-autofocus="" dir="auto" autocomplete="off" maxlength=TITLE_LIMIT.to_string()
                placeholder="What should be true when this is done" prop:value=title
                on:input=move |event| {
                    title.set(event_target_value(&event));
                    keep.run(());
                }
            />
        </label>
        <div class="editor-panes" data-previewing=move || previewing.get().then_some("")>
            <label class="field">
                <span>"Description"</span>
                <textarea
                    class="editor-body" rows="12" dir="auto" spellcheck="false" node_ref=field
                    placeholder="Markdown. Say what you know: files, reasons, how to check." prop:value=body
                    on:input=move |event| {
                        body.set(event_target_value(&event));
                        keep.run(());
                    }
                ></textarea>
            </label>
            <Show when=move || previewing.get()>
                <Preview body />
            </Show>
        </div>
        <div class="editor-tools">
            <button type="button" class="toggle" aria-pressed=move || previewing.get().to_string() on:click=toggle>"Preview"</button>
            <Blocks field changed=inserted />
        </div>
    })
}
