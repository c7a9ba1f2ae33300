//! What a person sees. Compiled twice: into the server (feature `ssr`), and to WebAssembly (feature `hydrate`).
//!
//! Reading order:
//! - [`model`]: plain types that both sides share
//! - [`error`]: refusals with stable codes
//! - [`port`]: what the page asks of the server
//! - [`api`]: the same, callable from the browser
//! - [`draw`]: parts of pages that the server draws on request
//! - [`opening`]: what a page knows before its first view
//! - [`live`]: every card as the board shows it, kept up to date by the event stream
//! - [`shell`]: document, header, routes
//! - [`editor`]: writing a card
//! - [`board`], [`card`], [`projects`], [`inbox`] and [`archive`]: the pages; [`palette`]: a way to all of them
//! - [`ui`]: controls without domain words
//!
//! The board's own code is in every page; the code of other pages and of dialogs is loaded when it is needed.
//! To keep it so, let each come later ([`ui::later`]): `later! { pub fn inbox_page() in pages { … } }`, then
//! `view=|| later::page(inbox_page())` at its route, and its path in [`shell::code_of`]. A dialog is drawn by
//! [`ui::later::on_demand`].
//!
//! Deliberately absent: SQL, git, tokio and reqwest. They never reach the browser.

// A page is one type, as deep as its markup.
#![recursion_limit = "256"]

pub mod api;
pub mod archive;
pub mod board;
pub mod card;
pub mod draw;
pub mod editor;
pub mod error;
pub mod inbox;
pub mod live;
pub mod model;
pub mod opening;
pub mod palette;
pub mod port;
pub mod projects;
pub mod shell;
pub mod ui;

/// Takes over the page that the server rendered. Called by the script in the document's head.
///
/// # Errors
/// When the code of this very page cannot be loaded.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub async fn hydrate() -> Result<(), wasm_bindgen::JsValue> {
    console_error_panic_hook::set_once();
    // The page is taken over in one go, so what it is made of has to be here first.
    let path = leptos::prelude::window().location().pathname()?;
    if let Some(part) = shell::code_of(&path) {
        (part.load)().await.map_err(|error| wasm_bindgen::JsValue::from_str(&error.to_string()))?;
    }
    leptos::mount::hydrate_body(shell::App);
    Ok(())
}
