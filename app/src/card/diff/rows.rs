//! The rows in which comments are written, beneath the lines they are about.

use leptos::prelude::document;
use web_sys::{Element, HtmlTextAreaElement, wasm_bindgen::JsCast};

use super::{
    super::remarks::Remark,
    dom::{all, find, focus},
    field_name,
};

const ROW: &str = "<div class=\"remark-box\"><textarea rows=\"3\" dir=\"auto\"></textarea><div class=\"remark-tools\">\
    <button type=\"button\" class=\"button\" data-act=\"done\">Done</button>\
    <button type=\"button\" class=\"button\" data-act=\"unsay\">Remove</button>\
    <span class=\"hint\">Kept as you type; goes along with Send back.</span></div></div>";

/// Brings the rows on the page up to date with the comments: what is being typed is left alone.
pub(super) fn sync(root: &Element, subject: &str, remarks: &[Remark]) {
    let ours = || remarks.iter().filter(|remark| remark.subject == subject);
    for file in all(root, ".diff-file") {
        let path = file.get_attribute("data-path").unwrap_or_default();
        let here = || ours().filter(|remark| remark.path == path);
        for field in all(&file, "textarea[data-remark]") {
            let line = field.get_attribute("data-remark").unwrap_or_default();
            if !here().any(|remark| remark.line == line)
                && let Some(row) = field.closest("tr").ok().flatten()
            {
                row.remove();
            }
        }
        for remark in here() {
            if find(&file, &format!("textarea[data-remark=\"{}\"]", remark.line)).is_none() {
                insert(&file, remark);
            }
        }
    }
}

fn insert(file: &Element, remark: &Remark) -> Option<()> {
    // The line may not be on the page: its file is folded, or another version is shown.
    let line = find(file, &format!("[data-line=\"{}\"]", remark.line))?;
    let above = line.closest("tr").ok()??;
    if let Some(far) = above.closest("tbody.far").ok().flatten() {
        let _ = far.set_attribute("data-open", "");
    }
    let columns = if above.closest(".split").ok()?.is_some() { "4" } else { "3" };
    let row = document().create_element("tr").ok()?;
    row.set_class_name("remark");
    let cell = document().create_element("td").ok()?;
    cell.set_attribute("colspan", columns).ok()?;
    cell.set_inner_html(ROW);
    row.append_child(&cell).ok()?;
    let field = find(&row, "textarea")?;
    field.set_attribute("data-remark", &remark.line).ok()?;
    field.set_attribute("aria-label", &field_name(&remark.path, &remark.line)).ok()?;
    field.unchecked_into::<HtmlTextAreaElement>().set_value(&remark.text);
    above.insert_adjacent_element("afterend", &row).ok()?;
    Some(())
}

/// The code that a line's number stands beside, with its sign.
pub(super) fn code_beside(row: &Element, button: &Element) -> String {
    let cell = button.closest("td").ok().flatten().and_then(|cell| {
        let mut next = cell.next_element_sibling();
        while let Some(cell) = next {
            if cell.class_list().contains("code") {
                return Some(cell);
            }
            next = cell.next_element_sibling();
        }
        None
    });
    cell.or_else(|| find(row, "td.code")).and_then(|cell| cell.text_content()).unwrap_or_default()
}

/// Moves the focus by lines; the one that has it is the one that Tab reaches.
pub(super) fn go(button: &Element, step: i32) -> Option<()> {
    let file = button.closest(".diff-file").ok()??;
    let lines: Vec<Element> = all(&file, "[data-line]").collect();
    let at = lines.iter().position(|line| line == button)? as i32;
    let next = lines.get(usize::try_from(at + step).ok()?)?;
    let _ = button.set_attribute("tabindex", "-1");
    let _ = next.set_attribute("tabindex", "0");
    focus(Some(next.clone()));
    Some(())
}
