//! A modal dialog on the platform's own `dialog` element, which traps focus, closes on Escape and gives the
//! focus back.

use leptos::{html, prelude::*};
use web_sys::wasm_bindgen::JsCast;

use super::{icon::Icon, settled::settled};

#[component]
pub fn Dialog(
    /// Its name and heading.
    #[prop(into)]
    title: Signal<String>,
    open: RwSignal<bool>,
    /// Drawn while it is open.
    children: ChildrenFn,
) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = element.get() else { return };
        match (open.get(), dialog.open()) {
            // Shown once its content is drawn, so that its first field can be focused. A refusal means
            // that the element is not in the document any more; then there is nothing to show.
            (true, false) => request_animation_frame(move || {
                let _ = dialog.show_modal();
                focus_first_field(&dialog);
            }),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    let children = StoredValue::new(children);
    settled(view! {
        <dialog class="dialog" node_ref=element aria-label=title on:close=move |_| open.set(false)>
            <Show when=move || open.get()>
                <header class="dialog-head">
                    <h2>{title}</h2>
                    <button type="button" class="icon-button" aria-label="Close" on:click=move |_| open.set(false)>
                        <Icon name="close" />
                    </button>
                </header>
                {children.with_value(|children| children())}
            </Show>
        </dialog>
    })
}

/// Focuses the field marked `data-autofocus`. The attribute `autofocus` would do so for the page's first
/// load only, and complain later.
fn focus_first_field(dialog: &web_sys::HtmlDialogElement) {
    if let Ok(Some(field)) = dialog.query_selector("[data-autofocus]") {
        let _ = field.unchecked_into::<web_sys::HtmlElement>().focus();
    }
}
