//! A form's fields as text by name, so that a draft of any form can be kept and put back.
//!
//! The fields stay the browser's own: nothing follows each key, and what was typed before the page came
//! alive counts.

use web_sys::{
    FormData, HtmlFormElement, HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement, UrlSearchParams,
    wasm_bindgen::JsCast,
};

use super::storage;

/// What a form holds. A box that is not ticked holds nothing.
#[derive(Clone)]
pub struct Fields(UrlSearchParams);

impl Fields {
    pub fn of(form: &HtmlFormElement) -> Option<Self> {
        let data = FormData::new_with_form(form).ok()?;
        UrlSearchParams::new_with_str_sequence_sequence(&data).ok().map(Fields)
    }

    fn from_text(text: &str) -> Option<Self> {
        UrlSearchParams::new_with_str(text).ok().map(Fields)
    }

    pub fn get(&self, name: &str) -> String {
        self.0.get(name).unwrap_or_default()
    }

    fn to_text(&self) -> String {
        String::from(self.0.to_string())
    }
}

/// Puts a value into the field of that name.
pub fn set(form: &HtmlFormElement, name: &str, value: &str) {
    let Ok(Some(field)) = form.query_selector(&format!("[name=\"{name}\"]")) else { return };
    if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
        match input.type_().as_str() {
            "checkbox" => input.set_checked(!value.is_empty()),
            _ => input.set_value(value),
        }
    } else if let Some(area) = field.dyn_ref::<HtmlTextAreaElement>() {
        area.set_value(value);
    } else if let Some(select) = field.dyn_ref::<HtmlSelectElement>() {
        select.set_value(value);
    }
}

/// Keeps what the form holds under `key`.
pub fn keep(form: &HtmlFormElement, key: &str) {
    if let Some(fields) = Fields::of(form) {
        storage::write(key, &fields.to_text());
    }
}

/// Puts back what was kept under `key`, into the fields of these names; whether there was any.
pub fn put_back<'n>(form: &HtmlFormElement, key: &str, names: impl IntoIterator<Item = &'n str>) -> bool {
    let Some(kept) = storage::read(key).as_deref().and_then(Fields::from_text) else { return false };
    for name in names {
        set(form, name, &kept.get(name));
    }
    true
}
