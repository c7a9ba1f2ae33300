//! What agents and people wrote, made fit to be read on a page: Markdown to sanitised HTML, unified diffs to
//! coloured lines with word-level marks, two versions of a text to the difference between them. Pure and
//! bounded: no input makes it slow, and nothing that is written here runs in a reader's browser.

pub mod content;
pub mod diff;
mod escape;
mod fence;
pub mod markdown;
mod syntax;
pub mod versions;
