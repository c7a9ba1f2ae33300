//! A path on the server's machine, completed as it is typed: a combobox with a list (ARIA Authoring Practices,
//! "combobox with list autocomplete").

use std::time::Duration;

use leptos::{html, prelude::*, task::spawn_local};
use web_sys::KeyboardEvent;

use super::api::list_folders;
use crate::{
    model::{Folder, FolderList},
    ui::settled::settled,
};

/// Typing pauses this long before the server is asked.
const PAUSE: Duration = Duration::from_millis(150);
const LIST: &str = "path-folders";

#[derive(Clone, Copy)]
struct PathBox {
    input: NodeRef<html::Input>,
    path: RwSignal<String>,
    found: RwSignal<FolderList>,
    open: RwSignal<bool>,
    active: RwSignal<Option<usize>>,
    /// The request whose answer counts; an older one's comes too late.
    asked: StoredValue<u32>,
    timer: StoredValue<Option<TimeoutHandle>>,
    settled_on: Callback<()>,
}

/// `on_settled` is called when a path has been chosen, or the field is left.
#[component]
pub(super) fn PathField(path: RwSignal<String>, on_settled: Callback<()>) -> impl IntoView {
    let field = PathBox {
        input: NodeRef::new(),
        path,
        found: RwSignal::new(FolderList::default()),
        open: RwSignal::new(false),
        active: RwSignal::new(None),
        asked: StoredValue::new(0),
        timer: StoredValue::new(None),
        settled_on: on_settled,
    };
    on_cleanup(move || field.stop_timer());
    let option_id = |index: usize| format!("{LIST}-{index}");
    settled(view! {
        <div class="field path-field">
            <label for="project-path">"Path"</label>
            <input
                id="project-path" name="path" type="text" required data-autofocus="" dir="ltr" autocomplete="off" spellcheck="false"
                placeholder="~/code/my-project" node_ref=field.input prop:value=path
                role="combobox" aria-autocomplete="list" aria-controls=LIST
                aria-expanded=move || field.is_open().to_string()
                aria-activedescendant=move || field.active.get().filter(|_| field.is_open()).map(option_id)
                aria-describedby="path-note"
                on:input=move |event| field.type_in(event_target_value(&event))
                on:focus=move |_| field.complete()
                on:blur=move |_| field.leave()
                on:keydown=move |event| field.on_key(&event)
            />
            <ul id=LIST class="path-folders" role="listbox" aria-label="Folders" hidden=move || !field.is_open()>
                {move || field.found.get().folders.into_iter().enumerate().map(|(index, folder)| view! {
                    <FolderOption field index folder id=option_id(index) />
                }).collect_view()}
            </ul>
            <p id="path-note" class="hint" aria-live="polite">
                {move || field.found.with(|found| found.note.clone()).unwrap_or_else(|| "A folder of a git repository on the machine that runs Slipway.".to_owned())}
            </p>
        </div>
    })
}

#[component]
fn FolderOption(field: PathBox, index: usize, folder: Folder, id: String) -> impl IntoView {
    let path = folder.path.clone();
    let picked = folder.clone();
    view! {
        <li
            id=id role="option" aria-selected=move || (field.active.get() == Some(index)).to_string()
            // Before the field loses the focus, which would close the list.
            on:mousedown=move |event| {
                event.prevent_default();
                field.pick(&picked);
            }
        >
            <span class="path-name" dir="ltr">{path}</span>
            {folder.repository.then(|| view! { <span class="path-kind">"git repository"</span> })}
        </li>
    }
}

impl PathBox {
    fn is_open(self) -> bool {
        self.open.get() && self.found.with(|found| !found.folders.is_empty())
    }

    fn type_in(self, typed: String) {
        self.path.set(typed);
        self.open.set(true);
        self.active.set(None);
        self.stop_timer();
        let timer = set_timeout_with_handle(move || self.complete(), PAUSE);
        self.timer.set_value(timer.ok());
    }

    fn complete(self) {
        let typed = self.path.get_untracked();
        self.asked.update_value(|asked| *asked += 1);
        let mine = self.asked.get_value();
        spawn_local(async move {
            let found = match list_folders(typed).await {
                Ok(found) => found,
                Err(problem) => FolderList { folders: Vec::new(), note: Some(problem.detail) },
            };
            // The same folders again leave the one that is chosen.
            if self.asked.try_get_value() == Some(mine) && self.found.with_untracked(|old| *old != found) {
                self.active.set(None);
                self.found.set(found);
            }
        });
    }

    /// A repository is what was looked for; any other folder is looked into.
    fn pick(self, folder: &Folder) {
        self.stop_timer();
        if folder.repository {
            self.path.set(folder.path.clone());
            self.open.set(false);
            self.settled_on.run(());
        } else {
            self.path.set(format!("{}/", folder.path));
            self.open.set(true);
        }
        self.complete();
    }

    fn leave(self) {
        self.stop_timer();
        self.open.set(false);
        self.settled_on.run(());
    }

    fn on_key(self, event: &KeyboardEvent) {
        let count = self.found.with_untracked(|found| found.folders.len());
        let open = self.open.get_untracked() && count > 0;
        let active = self.active.get_untracked();
        match event.key().as_str() {
            "ArrowDown" if !open => self.open.set(true),
            "ArrowDown" => self.active.set(Some(active.map_or(0, |index| (index + 1) % count))),
            "ArrowUp" if open => {
                self.active.set(Some(active.map_or(count - 1, |index| (index + count - 1) % count)));
            }
            "Enter" | "Tab" if open && active.is_some() => {
                let folder = self.found.with_untracked(|found| found.folders.get(active?).cloned());
                if let Some(folder) = folder {
                    self.pick(&folder);
                }
            }
            // Takes the path as it is typed; the next one adds the project.
            "Enter" if open => {
                self.open.set(false);
                self.settled_on.run(());
            }
            // Closes the list; the next one closes the dialog.
            "Escape" if open => self.open.set(false),
            _ => return,
        }
        event.prevent_default();
        self.show_active();
    }

    fn show_active(self) {
        let Some(index) = self.active.get_untracked() else { return };
        if let Some(option) = document().get_element_by_id(&format!("{LIST}-{index}")) {
            let options = web_sys::ScrollIntoViewOptions::new();
            options.set_block(web_sys::ScrollLogicalPosition::Nearest);
            option.scroll_into_view_with_scroll_into_view_options(&options);
        }
    }

    fn stop_timer(self) {
        if let Some(Some(timer)) = self.timer.try_update_value(Option::take) {
            timer.clear();
        }
    }
}
