//! A diff to review: files to filter, lines in one column or side by side, files ticked off as viewed, and
//! comments on lines.
//!
//! The server draws it; this page adds what a reader does to it, by one listener for all its lines.

mod dom;
mod lines;
mod rows;
mod viewed;

use leptos::{ev, html, prelude::*};
use web_sys::{Element, wasm_bindgen::JsCast};

use super::{
    remarks::{Remark, Remarks, place, quote, subject},
    story::{ReadKey, Story},
    words::figures::artifact_name,
};
use crate::{
    model::Artifact,
    port::DiffLayout,
    ui::{announcer::Announcer, settled::settled, storage},
};
use dom::{all, closest, find};
use lines::Lines;

/// Under which a reader's choice of layout is kept.
const LAYOUT_KEY: &str = "slipway.diff";
const SPLIT: &str = "split";

/// A diff on the page.
#[derive(Clone, Copy)]
struct Diff {
    root: NodeRef<html::Div>,
    lines: Lines,
    remarks: Remarks,
    announcer: Announcer,
    /// The name that comments on it are kept under, and the one they are sent with.
    named: StoredValue<(String, String)>,
    viewed_key: StoredValue<String>,
    /// Files viewed, and all of them.
    tally: RwSignal<(usize, usize)>,
    /// Files that the filter leaves.
    matching: RwSignal<usize>,
}

#[component]
pub fn DiffView(html: String, artifact: Artifact, key: ReadKey) -> impl IntoView {
    let story = expect_context::<Story>();
    let since = key.1.and_then(|id| story.now(|story| story.artifacts.iter().find(|other| other.id == id).cloned()));
    let on = match since {
        Some(since) => format!("{} since v{}", artifact_name(&artifact), since.version),
        None => artifact_name(&artifact),
    };
    let root = NodeRef::<html::Div>::new();
    let diff = Diff {
        root,
        lines: Lines::new(key),
        remarks: expect_context(),
        announcer: expect_context(),
        named: StoredValue::new((subject(key), on)),
        viewed_key: StoredValue::new(viewed::key(artifact.card_id)),
        tally: RwSignal::new((0, 0)),
        matching: RwSignal::new(0),
    };
    let filter = RwSignal::new(String::new());
    let split = diff.lines.is_split();
    diff.come_alive(filter);
    let switch = move |_| {
        let to = !split.get_untracked();
        storage::write(LAYOUT_KEY, if to { SPLIT } else { "" });
        diff.lay_out(to);
    };
    let named = format!("Tools of {}", artifact_name(&artifact));
    let many = Memo::new(move |_| diff.tally.with(|(_, all)| *all > 1));
    settled(view! {
        <div class="diff-tools" role="group" aria-label=named>
            <Show when=move || many.get()>
                <input
                    type="search"
                    aria-label="Filter files"
                    placeholder="Filter files"
                    autocomplete="off"
                    prop:value=move || filter.get()
                    on:input=move |event| filter.set(event_target_value(&event))
                />
                <Show when=move || diff.matching.get() == 0><span class="hint">"No file matches."</span></Show>
            </Show>
            <button type="button" class="toggle" aria-pressed=move || split.get().to_string() on:click=switch>"Split view"</button>
            <Show when=move || diff.tally.with(|(_, all)| *all > 0)>
                <span class="hint diff-tally">
                    {move || diff.tally.with(|(viewed, all)| format!("{viewed} of {all} viewed"))}
                </span>
            </Show>
        </div>
        <div
            class="diff"
            node_ref=root
            inner_html=html
            on:click=move |event| diff.clicked(&event)
            on:input=move |event| diff.typed(&event)
            on:change=move |event| diff.ticked(&event)
            on:keydown=move |event| diff.pressed(&event)
            on:toggle:capture=move |event| diff.toggled(&event)
        ></div>
    })
}

impl Diff {
    /// Once the browser has the diff: what was viewed before, how it was laid out, what was said of it.
    fn come_alive(self, filter: RwSignal<String>) {
        Effect::new(move |_| {
            let Some(root) = self.root.get() else { return };
            // Controls that need this page show from here on.
            let _ = root.set_attribute("data-live", "");
            let count = viewed::restore(&root, &self.viewed_key.get_value());
            self.tally.set((count, all(&root, ".diff-file").count()));
            if storage::read(LAYOUT_KEY).as_deref() == Some(SPLIT) {
                self.lay_out(true);
            }
        });
        Effect::new(move |_| {
            let query = filter.get().to_lowercase();
            if let Some(root) = self.root.get() {
                self.matching.set(narrow(&root, &query));
            }
        });
        Effect::new(move |_| {
            let Some(root) = self.root.get() else { return };
            // Lines that come later are looked through again.
            self.lines.arrived().track();
            let subject = self.named.with_value(|(subject, _)| subject.clone());
            self.remarks.all().with(|all| rows::sync(&root, &subject, all));
        });
    }

    fn lay_out(self, split: bool) {
        if let Some(root) = self.root.get_untracked() {
            self.lines.lay_out(&root, if split { DiffLayout::Split } else { DiffLayout::Unified });
        }
    }

    fn toggled(self, event: &ev::Event) {
        let Some(file) = closest(event, ".diff-file") else { return };
        if let Some(root) = self.root.get_untracked() {
            self.lines.fetch_due(&root, Some(&file));
        }
    }

    fn clicked(self, event: &ev::MouseEvent) {
        let Some(button) = closest(event, "button, .diff-files a") else { return };
        if let Some(line) = button.get_attribute("data-line") {
            return self.comment_on(&button, &line);
        }
        match button.get_attribute("data-act").as_deref() {
            Some("unfold") => unfold(&button),
            Some("done") => self.leave(&button, false),
            Some("unsay") => self.leave(&button, true),
            // A file that is gone to is opened: its name alone is no answer.
            _ => open_target(&button),
        }
    }

    /// Opens the comment on a line, or goes to it.
    fn comment_on(self, button: &Element, line: &str) {
        let Some(path) = path_of(button) else { return };
        let (subject, on) = self.named.get_value();
        let text = button.closest("tr").ok().flatten().map(|row| rows::code_beside(&row, button)).unwrap_or_default();
        let remark =
            Remark { subject, on, path: path.clone(), line: line.to_owned(), quote: quote(&text), text: String::new() };
        if !self.remarks.begin(remark) {
            self.announcer.say("That is the most comments that are kept. Send these back first.");
            return;
        }
        let (file, line) = (button.closest(".diff-file").ok().flatten(), line.to_owned());
        request_animation_frame(move || {
            let field = file.and_then(|file| find(&file, &format!("textarea[data-remark=\"{line}\"]")));
            dom::focus(field);
        });
    }

    fn typed(self, event: &ev::Event) {
        let Some(field) = closest(event, "textarea[data-remark]") else { return };
        let (Some(path), Some(line)) = (path_of(&field), field.get_attribute("data-remark")) else { return };
        let subject = self.named.with_value(|(subject, _)| subject.clone());
        self.remarks.write(&subject, &path, &line, event_target_value(event));
    }

    /// Ends a comment: takes it away if it is empty or `unsaid`, and goes back to its line.
    fn leave(self, inside: &Element, unsaid: bool) {
        let Some(row) = inside.closest("tr").ok().flatten() else { return };
        let (Some(path), Some(field)) = (path_of(&row), find(&row, "textarea")) else { return };
        let Some(line) = field.get_attribute("data-remark") else { return };
        let file = row.closest(".diff-file").ok().flatten();
        let blank = field.unchecked_into::<web_sys::HtmlTextAreaElement>().value().trim().is_empty();
        if unsaid || blank {
            let subject = self.named.with_value(|(subject, _)| subject.clone());
            self.remarks.remove(&subject, &path, &line);
        }
        dom::focus(file.and_then(|file| find(&file, &format!("[data-line=\"{line}\"]"))));
    }

    fn ticked(self, event: &ev::Event) {
        let Some(tick) = closest(event, "input[data-act=viewed]") else { return };
        let (Some(file), Some(root)) = (tick.closest(".diff-file").ok().flatten(), self.root.get_untracked()) else {
            return;
        };
        let viewed = tick.unchecked_into::<web_sys::HtmlInputElement>().checked();
        self.viewed_key.with_value(|key| viewed::tick(&file, viewed, key));
        self.tally.set((all(&root, ".diff-file[data-viewed]").count(), all(&root, ".diff-file").count()));
    }

    /// Arrows go from line to line, Escape leaves a comment.
    fn pressed(self, event: &ev::KeyboardEvent) {
        let key = event.key();
        if key == "Escape" {
            if let Some(field) = closest(event, "textarea[data-remark]") {
                event.prevent_default();
                self.leave(&field, false);
            }
            return;
        }
        let step = match key.as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            _ => return,
        };
        if let Some(button) = closest(event, "[data-line]") {
            event.prevent_default();
            event.stop_propagation();
            rows::go(&button, step);
        }
    }
}

fn path_of(inside: &Element) -> Option<String> {
    inside.closest(".diff-file").ok().flatten()?.get_attribute("data-path")
}

fn unfold(button: &Element) {
    let Some(head) = button.closest("tbody").ok().flatten() else { return };
    if let Some(far) = head.next_element_sibling() {
        let _ = far.set_attribute("data-open", "");
        dom::focus(find(&far, "[data-line]"));
    }
    head.remove();
}

fn open_target(link: &Element) {
    let id = link.get_attribute("href").unwrap_or_default();
    let file = document().get_element_by_id(id.trim_start_matches('#'));
    if let Some(details) = file.and_then(|file| find(&file, "details")) {
        let _ = details.set_attribute("open", "");
    }
}

/// Leaves the files whose path holds `query`; answers how many.
fn narrow(root: &Element, query: &str) -> usize {
    let fits = |element: &Element, name: &str| {
        element.get_attribute(name).is_some_and(|path| path.to_lowercase().contains(query))
    };
    let mut matching = 0;
    for file in all(root, ".diff-file") {
        let fits = fits(&file, "data-path");
        dom::hide(&file, !fits);
        matching += usize::from(fits);
    }
    let mut folder: Option<Element> = None;
    for entry in all(root, ".diff-files > li") {
        if entry.has_attribute("data-folder") {
            dom::hide(&entry, true);
            folder = Some(entry);
            continue;
        }
        let fits = fits(&entry, "data-lists");
        dom::hide(&entry, !fits);
        if let Some(folder) = folder.as_ref().filter(|_| fits && entry.class_name() == "inside") {
            dom::hide(folder, false);
        }
    }
    matching
}

/// The title of a comment's field.
fn field_name(path: &str, line: &str) -> String {
    format!("Comment on {}", place(path, line))
}
