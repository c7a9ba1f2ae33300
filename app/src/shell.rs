//! The document, what every page shares, and the routes.

mod favicon;
mod header;

use std::borrow::Cow;

use leptos::prelude::*;
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::{
    components::{Route, Router, Routes},
    path,
};

use crate::{
    board::BoardPage,
    card::CardPage,
    error::{ErrorCode, Problem},
    live::{Connection, Live},
    opening::{OPENING_ELEMENT, Opening},
    ui::{
        announcer::{Announcer, StatusRegion},
        icon::Sprite,
        settled::settled,
        time::Clock,
        toast::{AlertRegion, Toasts},
    },
};
use header::Header;

/// Addresses of the site's files, as the server found them in its build. Empty when it was built without.
#[derive(Clone, Debug, Default)]
pub struct Site {
    pub js: Cow<'static, str>,
    pub wasm: Cow<'static, str>,
    pub css: Cow<'static, str>,
    pub icons: Cow<'static, str>,
    pub favicon: Cow<'static, str>,
    /// Shown while something waits for a person.
    pub favicon_alert: Cow<'static, str>,
}

/// Applies the chosen theme before the first paint, so that nothing flashes.
const THEME_SCRIPT: &str = "try{const t=localStorage.getItem('slipway.theme');\
if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}catch{}";

/// The whole document, around [`App`]. Only the server draws it. Wants [`Opening`] in context.
pub fn document(site: &Site) -> impl IntoView + use<> {
    let nonce = leptos::nonce::use_nonce();
    let opening = Opening::read().map(|opening| opening.to_script());
    let start =
        format!("import init,{{hydrate}} from '{}';init({{module_or_path:'{}'}}).then(hydrate)", site.js, site.wasm);
    let hydrated = !site.js.is_empty();
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
                    <link rel="preload" href=site.wasm.to_string() r#as="fetch" r#type="application/wasm" crossorigin="anonymous" />
                    <script type="module" nonce=nonce inner_html=start></script>
                })}
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// Whether the browser has taken over. Controls that need it are idle before. From context.
#[derive(Clone, Copy)]
pub struct Hydrated(pub RwSignal<bool>);

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
                    <Route path=path!("/cards/:id") view=CardPage />
                </Routes>
            </main>
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
