//! Lines that are not on the page yet: of files that were sent folded, and of the other layout.

use leptos::{prelude::*, task::spawn_local};
use web_sys::Element;

use super::{
    super::{api::load_diff_lines, story::ReadKey},
    dom::{all, find},
};
use crate::port::{DiffLayout, DiffLines};

/// Files asked for in one request.
const AT_ONCE: usize = 100;

#[derive(Clone, Copy)]
pub(super) struct Lines {
    key: ReadKey,
    split: RwSignal<bool>,
    /// How often lines have come.
    arrived: RwSignal<u32>,
}

impl Lines {
    pub(super) fn new(key: ReadKey) -> Self {
        Lines { key, split: RwSignal::new(false), arrived: RwSignal::new(0) }
    }

    pub(super) fn is_split(self) -> RwSignal<bool> {
        self.split
    }

    pub(super) fn arrived(self) -> RwSignal<u32> {
        self.arrived
    }

    /// Lays out all lines anew: those in sight now, the others when their file is opened.
    pub(super) fn lay_out(self, root: &Element, layout: DiffLayout) {
        self.split.set(layout == DiffLayout::Split);
        for body in all(root, ".diff-body") {
            if find(&body, "table").is_some() {
                let _ = body.set_attribute("data-due", "");
            }
        }
        self.fetch_due(root, None);
    }

    /// Fetches what is due in open files, or in the one that was opened. What is there stays until then.
    pub(super) fn fetch_due(self, root: &Element, file: Option<&Element>) {
        let due = |file: &Element| find(file, "details[open] > .diff-body[data-due]").is_some();
        let files: Vec<Element> = match file {
            Some(file) => vec![file.clone()],
            None => all(root, ".diff-file").collect(),
        };
        let files: Vec<Element> = files.into_iter().filter(due).collect();
        for files in files.chunks(AT_ONCE) {
            self.fetch(files.to_vec());
        }
    }

    fn fetch(self, files: Vec<Element>) {
        let number =
            |file: &Element| file.get_attribute("data-file").and_then(|file| file.parse().ok()).unwrap_or(u32::MAX);
        let layout = if self.split.get_untracked() { DiffLayout::Split } else { DiffLayout::Unified };
        let (artifact, since) = self.key;
        let asked = DiffLines { artifact, since, layout, files: files.iter().map(number).collect() };
        for body in files.iter().filter_map(|file| find(file, ".diff-body")) {
            let _ = body.set_attribute("aria-busy", "true");
        }
        spawn_local(async move {
            let answer = load_diff_lines(asked).await;
            // Another layout was chosen meanwhile: its own lines are on their way.
            if self.split.try_get_untracked() != Some(layout == DiffLayout::Split) {
                return;
            }
            for (nth, file) in files.iter().enumerate() {
                let Some(body) = find(file, ".diff-body") else { continue };
                let _ = body.remove_attribute("aria-busy");
                match &answer {
                    Ok(lines) => {
                        body.set_inner_html(lines.get(nth).map_or("", String::as_str));
                        let _ = body.remove_attribute("data-due");
                    }
                    // It stays due: opening the file again asks again.
                    Err(problem) => {
                        body.set_inner_html("<p class=\"diff-empty\" role=\"alert\"></p>");
                        if let Some(place) = find(&body, "p") {
                            place.set_text_content(Some(&format!(
                                "{} Open the file again to try again.",
                                problem.detail
                            )));
                        }
                    }
                }
            }
            self.arrived.try_update(|arrived| *arrived += 1);
        });
    }
}
