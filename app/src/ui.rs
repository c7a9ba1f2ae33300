//! Controls, without domain words.

pub mod announcer;
pub mod badge;
pub mod dialog;
pub mod form;
pub mod fragment;
pub mod icon;
pub mod json;
pub mod later;
pub mod progress;
pub mod settled;
pub mod storage;
pub mod ticked;
pub mod time;
pub mod toast;
