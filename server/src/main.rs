//! Slipway: a Kanban board where every column is an agent.
//!
//! One way round: a card's move is a [`transition`]; committed, it wakes the [`orchestrator`], which runs the
//! stage's one [`agent`] on an [`engine`]; what the agent hands in is an [`artifact`]; the [`gate`] judges it;
//! and [`ship`] lands the commit. Beside that way: [`events`] (out), [`git`] (the only user of git2) and
//! [`store`] (the only user of SQL).
//!
//! Deliberately absent: state in memory that the database does not have, shell strings made of input, and a
//! second way to change a card's stage.

#![recursion_limit = "512"]

mod card_text;
mod config;
mod data_dir;
mod doctor;
mod run;
mod sample;
mod serve;

mod agent;
mod artifact;
mod card;
mod commands;
mod engine;
mod gate;
mod orchestrator;
mod project;
mod question;
mod ship;
mod template;
mod transition;
mod workshop;
mod workspace;

mod events;
mod git;
mod sandbox;
mod store;

mod board;
mod front_matter;
mod http;
mod idempotency;
mod render;

use std::process::ExitCode;

use clap::Parser;
use config::{Cli, Task};

/// Threads that run async tasks. Work that blocks has threads of its own, which end when idle.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(Task::Confine) = cli.command {
        sandbox::launch_confined([]);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match cli.command {
        None => serve(&runtime, cli.serve),
        Some(Task::Serve(args)) => serve(&runtime, args),
        Some(Task::Run(args)) => runtime.block_on(run::command(args)),
        Some(Task::Doctor(args)) => runtime.block_on(doctor::doctor(args)),
        Some(Task::Token(args)) => token(&args),
        Some(Task::Confine) => ExitCode::FAILURE,
    }
}

fn serve(runtime: &tokio::runtime::Runtime, args: config::ServeArgs) -> ExitCode {
    let config = match args.resolve() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("slipway: {error}");
            return ExitCode::from(2);
        }
    };
    log_to_stderr(&config.log);
    match runtime.block_on(serve::serve(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn token(args: &config::DataDirArgs) -> ExitCode {
    let path = match args.resolve() {
        Ok(path) => path,
        Err(error) => return failed(&error),
    };
    match data_dir::read_token(&path) {
        Ok(Some(token)) => {
            println!("{token}");
            ExitCode::SUCCESS
        }
        Ok(None) => {
            eprintln!("slipway: {} has no token yet; it is made when `slipway` first starts there.", path.display());
            ExitCode::FAILURE
        }
        Err(error) => failed(&error),
    }
}

fn log_to_stderr(levels: &str) {
    use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};
    let filter: Targets = levels.parse().unwrap_or_else(|error| {
        eprintln!("slipway: the log levels {levels:?} are not understood ({error}); logging warnings");
        Targets::new().with_default(tracing::Level::WARN)
    });
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(filter).with(layer).init();
}

fn failed(error: &(dyn std::error::Error + 'static)) -> ExitCode {
    eprintln!("slipway: {}", serve::chain(error));
    ExitCode::FAILURE
}
