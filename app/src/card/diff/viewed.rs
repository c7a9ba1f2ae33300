//! Files ticked off as viewed. Each goes by a mark that the server makes of its change, so that a file that
//! changes again is no longer viewed.

use web_sys::{Element, HtmlInputElement, wasm_bindgen::JsCast};

use super::dom::{all, find};
use crate::{model::CardId, ui::storage};

/// Marks that are kept for one card, the newest.
const LIMIT: usize = 2_000;

pub(super) fn key(card: CardId) -> String {
    format!("slipway.viewed.{card}")
}

/// Ticks what was viewed before, and closes it; answers how many.
pub(super) fn restore(root: &Element, key: &str) -> usize {
    let kept = storage::read(key).unwrap_or_default();
    let mut count = 0;
    for file in all(root, ".diff-file") {
        let viewed = file.get_attribute("data-mark").is_some_and(|mark| holds(&kept, &mark));
        if viewed {
            show(&file, true);
            count += 1;
        }
    }
    count
}

pub(super) fn tick(file: &Element, viewed: bool, key: &str) {
    show(file, viewed);
    if let Some(mark) = file.get_attribute("data-mark") {
        let kept = storage::read(key).unwrap_or_default();
        storage::write(key, &with(&kept, &mark, viewed));
    }
}

fn show(file: &Element, viewed: bool) {
    let _ = file.toggle_attribute_with_force("data-viewed", viewed);
    if let Some(tick) = find(file, "input[data-act=viewed]") {
        tick.unchecked_into::<HtmlInputElement>().set_checked(viewed);
    }
    if let Some(details) = find(file, "details") {
        let _ = details.toggle_attribute_with_force("open", !viewed);
    }
}

fn holds(kept: &str, mark: &str) -> bool {
    kept.split(' ').any(|other| other == mark)
}

fn with(kept: &str, mark: &str, viewed: bool) -> String {
    let mut marks: Vec<&str> = kept.split(' ').filter(|other| !other.is_empty() && *other != mark).collect();
    if viewed {
        marks.push(mark);
    }
    marks.drain(..marks.len().saturating_sub(LIMIT));
    marks.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_and_go() {
        let kept = with(&with("", "ab", true), "cd", true);
        assert!(holds(&kept, "ab") && holds(&kept, "cd") && !holds(&kept, "a"));
        assert_eq!(with(&kept, "ab", false), "cd");
        assert_eq!(with(&kept, "ab", true), "cd ab");
        let many = (0..LIMIT).fold(String::new(), |kept, nth| with(&kept, &format!("m{nth}"), true));
        let more = with(&many, "new", true);
        assert!(holds(&more, "new") && !holds(&more, "m0"));
    }
}
