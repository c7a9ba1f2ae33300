//! What agents and people wrote, made fit to be read on a page: Markdown to sanitised HTML, git's unified
//! diffs to typed files and lines. Pure and bounded: no input makes it slow, and nothing that is written
//! here runs in a reader's browser.

pub mod content;
pub mod diff;
mod fence;
pub mod markdown;
