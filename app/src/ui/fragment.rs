//! HTML that the server draws, in a living page: what did not change keeps its place, its focus and what
//! is typed in it.

use chrono::{DateTime, Utc};
use leptos::prelude::*;
use web_sys::{Element, wasm_bindgen::JsCast};

use super::{storage, time};

/// The attribute that names an element among its siblings, and the one that changes when it does.
const KEY: &str = "data-key";
const PRINT: &str = "data-print";

/// Makes the children of `root` those of `html`. A child that is there already and has not changed stays
/// the element it is; every child of `html` names itself by `data-key` and its content by `data-print`.
pub fn merge(root: &Element, html: &str) {
    let Ok(fresh) = document().create_element("ul") else { return };
    fresh.set_inner_html(html);
    let mut place = root.first_element_child();
    let mut next = fresh.first_element_child();
    while let Some(child) = next {
        next = child.next_element_sibling();
        let kept = twin(root, &child);
        if kept.is_some() && kept == place {
            place = place.and_then(|element| element.next_element_sibling());
            continue;
        }
        // Nodes of one document: inserting them cannot be refused.
        let _ = root.insert_before(kept.as_ref().unwrap_or(&child), place.as_deref());
    }
    while let Some(old) = place {
        place = old.next_element_sibling();
        old.remove();
    }
}

/// The child of `root` that says the same as `child`.
fn twin(root: &Element, child: &Element) -> Option<Element> {
    let mut known = root.first_element_child();
    while let Some(element) = known {
        let same = |name| element.get_attribute(name) == child.get_attribute(name);
        if same(KEY) && same(PRINT) {
            return Some(element);
        }
        known = element.next_element_sibling();
    }
    None
}

/// The nearest element around an event's target that carries `name`, with the attribute's value.
pub fn around(target: Option<web_sys::EventTarget>, name: &str) -> Option<(Element, String)> {
    let element = target?.dyn_into::<Element>().ok()?.closest(&format!("[{name}]")).ok()??;
    let value = element.get_attribute(name)?;
    Some((element, value))
}

/// Fields that carry `data-draft` keep what is typed under that key.
pub fn keep_draft(target: Option<web_sys::EventTarget>) {
    let field = target.and_then(|target| target.dyn_into::<web_sys::HtmlTextAreaElement>().ok());
    if let Some(field) = field
        && let Some(key) = field.get_attribute("data-draft")
    {
        storage::write(&key, &field.value());
    }
}

/// Puts kept drafts back into empty fields.
pub fn restore_drafts(root: &Element) {
    each(root, "textarea[data-draft]", |element| {
        let field: web_sys::HtmlTextAreaElement = element.unchecked_into();
        let kept = field.get_attribute("data-draft").and_then(|key| storage::read(&key));
        if let Some(kept) = kept.filter(|_| field.value().is_empty()) {
            field.set_value(&kept);
        }
    });
}

/// Says anew how long ago the moments in `root` were.
pub fn renew_times(root: &Element, now: DateTime<Utc>) {
    each(root, "time[data-since]", |element| {
        let at = element.get_attribute("datetime").and_then(|text| text.parse::<DateTime<Utc>>().ok());
        if let Some(at) = at {
            element.set_text_content(Some(&time::duration(now - at)));
        }
    });
}

fn each(root: &Element, selector: &str, act: impl Fn(Element)) {
    let Ok(found) = root.query_selector_all(selector) else { return };
    for index in 0..found.length() {
        if let Some(node) = found.item(index) {
            act(node.unchecked_into());
        }
    }
}
