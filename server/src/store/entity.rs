//! The tables as rows. Texts that stand for closed enums are parsed where a row becomes a domain value, so
//! that a row nobody understands is an error there and not a panic here.

pub mod agent;
pub mod artifact;
pub mod blob;
pub mod card;
pub mod card_text;
pub mod event;
pub mod gate;
pub mod idempotency;
pub mod landing;
pub mod process;
pub mod project;
pub mod question;
pub mod session;
pub mod template;
pub mod transition;
