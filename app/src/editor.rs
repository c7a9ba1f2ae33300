//! Writing a card: title and description with a preview, the playbook blocks explained where they are
//! needed, drafts that survive a reload, and two people at the same card.
//!
//! Reading order:
//! - [`fields`]: Title and Description, shared by the dialog that makes a card and the one that edits it
//! - [`preview`] and [`blocks`]: what the server draws beside them
//! - [`draft`]: what is kept in the browser until it is saved
//! - [`edit`] and [`conflict`]: the dialog that edits a card, and somebody else's text in it

pub mod blocks;
mod conflict;
pub mod draft;
mod edit;
mod fields;
mod preview;

pub use edit::EditDialog;
pub use fields::{CardFields, save_key};
