//! The document, what every page shares, and the routes.

mod favicon;
mod header;
mod switcher;

use std::borrow::Cow;

use leptos::prelude::*;
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::{
    components::{Route, Router, Routes},
    path,
};

use crate::{
    archive::archive_page,
    board::BoardPage,
    card::card_page,
    error::{ErrorCode, Problem},
    inbox::inbox_page,
    live::{Connection, Live},
    opening::{OPENING_ELEMENT, Opening},
    palette::{Palette, Wishes},
    projects::{project_page, projects_page},
    ui::{
        announcer::{Announcer, StatusRegion},
        icon::Sprite,
        later::{self, Later},
        settled::settled,
        time::Clock,
        toast::{AlertRegion, Toasts},
    },
};
use header::Header;

/// What the page at `path` is made of, if its code is not in every page.
pub fn code_of(path: &str) -> Option<Later> {
    match path {
        "/inbox" => Some(inbox_page()),
        "/archive" => Some(archive_page()),
        "/projects" => Some(projects_page()),
        path if path.starts_with("/projects/") => Some(project_page()),
        path if path.starts_with("/cards/") => Some(card_page()),
        _ => None,
    }
}

/// Addresses of the site's files, as the server found them in its build. Empty when it was built without.
#[derive(Clone, Debug, Default)]
pub struct Site {
    pub js: Cow<'static, str>,
    /// The script that loads chunks.
    pub chunks_js: Cow<'static, str>,
    /// The files of each chunk, by its name.
    pub chunks: &'static [Chunk],
    pub wasm: Cow<'static, str>,
    pub css: Cow<'static, str>,
    pub icons: Cow<'static, str>,
    pub favicon: Cow<'static, str>,
    /// Shown while something waits for a person.
    pub favicon_alert: Cow<'static, str>,
}

/// Code that is loaded when it is needed.
#[derive(Debug)]
pub struct Chunk {
    pub name: &'static str,
    pub paths: &'static [&'static str],
}

/// The id of the notice that the page's code could not be started.
const START_PROBLEM: &str = "start-problem";

/// Applies the chosen theme before the first paint, so that nothing flashes.
const THEME_SCRIPT: &str = "try{const t=localStorage.getItem('slipway.theme');\
if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}catch{}";

/// The whole document, around [`App`]. Only the server draws it. Wants [`Opening`] in context.
pub fn document(site: &Site, path: &str) -> impl IntoView + use<> {
    let nonce = leptos::nonce::use_nonce();
    let opening = Opening::read().map(|opening| opening.to_script());
    let (js, wasm) = (&site.js, &site.wasm);
    // Imported by a call, so that a script that cannot be had is told like a module that cannot.
    let start = format!(
        "import('{js}').then(m=>m.default({{module_or_path:'{wasm}'}}).then(()=>m.hydrate()))\
         .catch(e=>{{console.error(e);document.getElementById('{START_PROBLEM}').hidden=false}})"
    );
    let hydrated = !site.js.is_empty();
    let chunk = code_of(path).and_then(|part| site.chunks.iter().find(|chunk| chunk.name == part.chunk));
    let code = std::iter::once(site.wasm.to_string())
        .chain(chunk.into_iter().flat_map(|chunk| chunk.paths).map(|path| path.to_string()));
    let preloads = code
        .map(|path| view! { <link rel="preload" href=path r#as="fetch" r#type="application/wasm" crossorigin="anonymous" /> })
        .collect_view();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <script nonce=nonce.clone() inner_html=THEME_SCRIPT></script>
                <link rel="stylesheet" href=site.css.to_string() />
                <link rel="icon" type="image/svg+xml" href=site.favicon.to_string() data-alert=site.favicon_alert.to_string() />
                <script type="application/json" id=OPENING_ELEMENT inner_html=opening></script>
                {hydrated.then(|| view! {
                    <link rel="modulepreload" href=site.js.to_string() />
                    <link rel="modulepreload" href=site.chunks_js.to_string() />
                    {preloads}
                    <script type="module" nonce=nonce inner_html=start></script>
                })}
                <MetaTags />
            </head>
            <body>
                <App />
                <p id=START_PROBLEM class="banner start-problem" data-tone="danger" role="alert" hidden>
                    "This page can be read, but not used: its code could not be loaded. The server may be gone or newer than this page. "
                    <a href="">"Load the page anew"</a>
                </p>
            </body>
        </html>
    }
}

/// Whether the browser has taken over. Controls that need it are idle before. From context.
#[derive(Clone, Copy)]
pub struct Hydrated(pub RwSignal<bool>);

impl Hydrated {
    /// Whether what is typed into a field would be lost: the browser has not taken over yet. The field is
    /// read-only until then.
    pub fn is_awaited() -> Signal<bool> {
        let hydrated = use_context::<Hydrated>();
        Signal::derive(move || hydrated.is_some_and(|hydrated| !hydrated.0.get()))
    }
}

/// Why the board could not be read, if it could not. From context.
#[derive(Clone)]
pub struct OpeningProblem(pub Option<Problem>);

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let opening = Opening::read();
    let live = Live::provide();
    Announcer::provide();
    Toasts::provide();
    Wishes::provide();
    let hydrated = Hydrated(RwSignal::new(false));
    provide_context(hydrated);
    let problem = match opening {
        Some(opening) => {
            provide_context(Sprite(opening.icons));
            Clock::provide(opening.now);
            match opening.board {
                Ok(snapshot) => {
                    live.load(snapshot, opening.with_cards);
                    None
                }
                Err(problem) => Some(problem),
            }
        }
        None => {
            Clock::provide(chrono::DateTime::UNIX_EPOCH);
            Some(Problem::new(ErrorCode::Internal, "The page came without its board. Load it again."))
        }
    };
    provide_context(OpeningProblem(problem));
    favicon::follow(live);
    Effect::new(move |_| {
        hydrated.0.set(true);
        #[cfg(feature = "hydrate")]
        live.follow();
    });
    view! {
        <Router>
            <a class="skip-link" href="#content">"Skip to content"</a>
            <Title formatter=page_title />
            <Header />
            <ConnectionBanner />
            <main id="content" tabindex="-1">
                <Routes fallback=NotFound>
                    <Route path=path!("/") view=BoardPage />
                    <Route path=path!("/cards/:id") view=|| later::page(card_page()) />
                    <Route path=path!("/inbox") view=|| later::page(inbox_page()) />
                    <Route path=path!("/archive") view=|| later::page(archive_page()) />
                    <Route path=path!("/projects") view=|| later::page(projects_page()) />
                    <Route path=path!("/projects/:id") view=|| later::page(project_page()) />
                </Routes>
            </main>
            <Palette />
            <StatusRegion />
            <AlertRegion />
        </Router>
    }
}

/// `(3) Fix login · Slipway`, where 3 things wait for a person.
fn page_title(page: String) -> String {
    let waiting = use_context::<Live>().map_or(0, |live| live.pulse().with(|pulse| pulse.needs_you));
    let count = if waiting > 0 { format!("({waiting}) ") } else { String::new() };
    let title = if page.is_empty() { format!("{count}Slipway") } else { format!("{count}{page} · Slipway") };
    if cfg!(feature = "hydrate") { title } else { escaped(&title) }
}

/// The server writes a title into the document as it is given: what a card is called must not end the element.
fn escaped(title: &str) -> String {
    title.replace('&', "&amp;").replace('<', "&lt;")
}

/// Says that the stream is down while it is.
#[component]
fn ConnectionBanner() -> impl IntoView {
    let live = expect_context::<Live>();
    let announcer = expect_context::<Announcer>();
    Effect::new(move |before: Option<Connection>| {
        let now = live.connection().get();
        match (before, now) {
            (Some(Connection::Live), Connection::Lost) => announcer.say("Connection lost."),
            (Some(Connection::Lost), Connection::Live) => announcer.say("Connected again."),
            _ => {}
        }
        now
    });
    view! {
        <Show when=move || live.connection().get() == Connection::Lost>
            <p class="banner" data-tone="attention">"Connection lost. What you see may be old; the board catches up by itself."</p>
        </Show>
    }
}

#[component]
fn NotFound() -> impl IntoView {
    if let Some(crate::api::StatusSink(set)) = use_context() {
        set(404);
    }
    settled(view! {
        <Title text="Not found" />
        <section class="empty-page">
            <h1>"There is no such page"</h1>
            <p>"The address may be wrong, or what was here is gone."</p>
            <a class="button" href="/">"Go to the board"</a>
        </section>
    })
}
