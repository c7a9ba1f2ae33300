//! Finding one's way in HTML that the server drew.

use web_sys::{Element, Event, HtmlElement, NodeList, wasm_bindgen::JsCast};

/// The innermost element around an event's target that fits.
pub(super) fn closest(event: &Event, selector: &str) -> Option<Element> {
    event.target()?.dyn_into::<Element>().ok()?.closest(selector).ok()?
}

pub(super) fn find(root: &Element, selector: &str) -> Option<Element> {
    root.query_selector(selector).ok()?
}

pub(super) fn all(root: &Element, selector: &str) -> impl Iterator<Item = Element> + use<> {
    let found: Option<NodeList> = root.query_selector_all(selector).ok();
    let count = found.as_ref().map_or(0, NodeList::length);
    (0..count).filter_map(move |nth| found.as_ref()?.item(nth)?.dyn_into().ok())
}

pub(super) fn hide(element: &Element, hidden: bool) {
    // Attributes of elements that are on the page can be set; nothing is to be told otherwise.
    let _ = element.toggle_attribute_with_force("hidden", hidden);
}

/// Gives the focus to an element, if it is there.
pub(super) fn focus(element: Option<Element>) {
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}
