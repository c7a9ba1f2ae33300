//! The built server, started on a directory of its own, as its callers see it: a command line, HTTP and git.
//!
//! A test makes a [`Home`] (a person's machine: home directory, data directory, git identity), a
//! [`Repository`] in it, and starts a [`Server`]. Whatever is started ends with the value that started it.
//! Nothing of the product is linked in: what is tested is the binary that ships.

mod client;
mod home;
mod processes;
mod repository;
mod server;
mod stream;
mod wait;

pub use client::{Answer, Client};
pub use home::Home;
pub use processes::marked_processes;
pub use repository::Repository;
pub use server::{Ended, Server, StartError, run_to_end};
pub use stream::{Sent, Stream};
pub use wait::{PATIENCE, eventually, until};
