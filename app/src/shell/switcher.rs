//! The project switcher: a menu of links, so that it works with JavaScript off too. Each leads to the board of
//! one project; which project is looked at is in the address and nowhere else.
//!
//! What a window looked at last is only remembered for the way back to the board from other pages.

use leptos::{ev, html, prelude::*};
use leptos_router::hooks::{use_location, use_query_map};

use crate::{
    live::Live,
    ui::{icon::Icon, settled::settled, storage},
};

/// Where the id of the project that was looked at last is kept; nothing when it was all of them.
const LAST_PROJECT: &str = "slipway.project";

/// The project whose board was looked at last, as an id. From context.
#[derive(Clone, Copy)]
pub struct LastProject(Memo<Option<String>>);

impl LastProject {
    /// Follows the address, and puts itself into context.
    pub fn provide() -> Self {
        let live = expect_context::<Live>();
        let (path, query) = (use_location().pathname, use_query_map());
        let remembered = RwSignal::new(None::<String>);
        // After the first view, which is the server's: it remembers nothing.
        Effect::new(move |_| {
            if path.get() != "/" {
                if remembered.with_untracked(Option::is_none) {
                    remembered.set(storage::read_here(LAST_PROJECT));
                }
                return;
            }
            let looked_at = query.with(|query| query.get("project"));
            match &looked_at {
                Some(id) => storage::write_here(LAST_PROJECT, id),
                None => storage::forget_here(LAST_PROJECT),
            }
            remembered.set(looked_at);
        });
        let known =
            move |id: &String| live.projects().with(|all| all.iter().any(|project| project.id.to_string() == *id));
        let last = LastProject(Memo::new(move |_| remembered.get().filter(known)));
        provide_context(last);
        last
    }

    /// The address of the board that was looked at last.
    pub fn board(self) -> String {
        self.0.get().map_or_else(|| "/".to_owned(), |id| format!("/?project={id}"))
    }
}

#[component]
pub(super) fn ProjectSwitcher() -> impl IntoView {
    let live = expect_context::<Live>();
    let last = expect_context::<LastProject>();
    let (path, query) = (use_location().pathname, use_query_map());
    let on_board = Memo::new(move |_| path.get() == "/");
    // The board's address says it; so does that of a project's settings; elsewhere it is the way back.
    let chosen = Memo::new(move |_| match path.get().as_str() {
        "/" => query.with(|query| query.get("project")),
        "/projects" => None,
        path => path.strip_prefix("/projects/").map(str::to_owned).or_else(|| last.0.get()),
    });
    let name = move || {
        live.projects().with(|projects| {
            projects
                .iter()
                .find(|project| chosen.get().is_some_and(|id| project.id.to_string() == id))
                .or_else(|| projects.first().filter(|_| projects.len() == 1))
                .map_or_else(|| "All projects".to_owned(), |project| project.name.clone())
        })
    };
    let menu = NodeRef::<html::Details>::new();
    let close = move || {
        menu.get_untracked().is_some_and(|menu| {
            let was_open = menu.open();
            menu.set_open(false);
            was_open
        })
    };
    close_elsewhere(menu, close);
    settled(view! {
        <details class="switcher" node_ref=menu on:keydown=move |event| {
            if event.key() == "Escape" && close() && let Some(menu) = menu.get_untracked() && let Ok(Some(summary)) = menu.query_selector("summary") {
                let _ = web_sys::wasm_bindgen::JsCast::unchecked_into::<web_sys::HtmlElement>(summary).focus();
            }
        }>
            <summary aria-label=move || format!("Project: {}", name())>
                <span class="switcher-name" dir="auto">{name}</span>
                <Icon name="chevron" />
            </summary>
            <ul class="switcher-list" on:click=move |_| {
                close();
            }>
                <li>
                    <a href="/" aria-current=move || (on_board.get() && chosen.get().is_none()).then_some("page")>"All projects"</a>
                </li>
                <For each=move || live.projects().get() key=|project| (project.id, project.version) let:project>
                    <li>
                        <a
                            href=format!("/?project={}", project.id)
                            title=project.path.clone()
                            dir="auto"
                            aria-current=move || (on_board.get() && chosen.get() == Some(project.id.to_string())).then_some("page")
                        >
                            {project.name.clone()}
                        </a>
                    </li>
                </For>
                <li class="switcher-more">
                    <a href="/projects" aria-current=move || (path.get() == "/projects").then_some("page")>"Manage projects"</a>
                </li>
                <li>
                    <a href="/projects?add=">"Add project…"</a>
                </li>
            </ul>
        </details>
    })
}

/// A menu that stays open covers what was clicked.
fn close_elsewhere(menu: NodeRef<html::Details>, close: impl Fn() -> bool + Copy + Send + Sync + 'static) {
    Effect::new(move |_| {
        let handle = window_event_listener(ev::pointerdown, move |event| {
            let inside = menu.get_untracked().is_some_and(|menu| menu.contains(Some(&event_target(&event))));
            if !inside {
                close();
            }
        });
        on_cleanup(move || handle.remove());
    });
}
