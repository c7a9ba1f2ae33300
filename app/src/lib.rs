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
//! - [`board`] and [`card`]: the pages
//! - [`ui`]: controls without domain words
//!
//! Deliberately absent: SQL, git, tokio and reqwest. They never reach the browser.

// A page is one type, as deep as its markup.
#![recursion_limit = "256"]

pub mod api;
pub mod board;
pub mod card;
pub mod draw;
pub mod editor;
pub mod error;
pub mod live;
pub mod model;
pub mod opening;
pub mod port;
pub mod shell;
pub mod ui;

/// Takes over the page that the server rendered. Called by the script in the document's head.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(shell::App);
}
