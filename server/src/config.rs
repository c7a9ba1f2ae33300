//! The command line and the settings, parsed once into types: flags first, then the environment, then
//! `slipway.toml` in the data directory.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
};

use clap::{Args, Parser, Subcommand};
use serde::Deserialize;
use slipway_app::model::EngineName;

/// Where the board is unless somebody says otherwise.
pub const DEFAULT_PORT: u16 = 4747;
/// Agents at work at once over all projects: enough for two cores, few enough to follow.
pub const DEFAULT_MAX_AGENTS: usize = 4;
/// More agents at once than this would only fight over the machine.
const MAX_AGENTS_LIMIT: usize = 256;
/// The settings file in the data directory.
pub const FILE: &str = "slipway.toml";

/// A Kanban board where every column is an agent.
#[derive(Debug, Parser)]
#[command(name = "slipway", version, about, long_about = None, args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Examples:\n  slipway                         the board, on http://127.0.0.1:4747\n  slipway --repo ~/code/app       the board, with that repository as a project\n  slipway run --card fix.md --yes one card from Plan to a commit, without a browser"
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Task>,
    #[command(flatten)]
    pub serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
pub enum Task {
    /// Serve the board (what `slipway` alone does)
    Serve(ServeArgs),
    /// Take one card from Plan to Ship without a browser
    #[command(
        after_help = "Exit codes: 0 shipped (or landed), 1 failed, 2 wrong use, 3 a gate or question waits for a person.\n\nExample:\n  slipway run --repo . --card change.md --yes"
    )]
    Run(RunArgs),
    /// Say what was found on this machine, and what is missing
    Doctor(DoctorArgs),
    /// Print the access token
    Token(DataDirArgs),
    /// Become an agent's command; for the server alone
    #[command(hide = true)]
    Confine,
}

#[derive(Clone, Debug, Default, Args)]
pub struct DataDirArgs {
    /// Where the database, worktrees and the token are kept [default: the platform's data directory]
    #[arg(long, value_name = "DIR", env = "SLIPWAY_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Args)]
pub struct ServeArgs {
    /// Address to listen on [default: 127.0.0.1]
    #[arg(long, env = "SLIPWAY_HOST")]
    host: Option<IpAddr>,
    /// Port to listen on; 0 takes any free one [default: 4747]
    #[arg(long, env = "SLIPWAY_PORT")]
    port: Option<u16>,
    #[command(flatten)]
    pub data: DataDirArgs,
    /// A repository to register and trust
    #[arg(long, value_name = "PATH")]
    pub repo: Option<PathBuf>,
    /// Allow an address that other machines can reach
    #[arg(long)]
    allow_remote: bool,
    /// Open the board in a browser
    #[arg(long, overrides_with = "no_open")]
    open: bool,
    /// Do not open a browser (the default)
    #[arg(long, overrides_with = "open")]
    no_open: bool,
    /// How much to log, such as `info` or `slipway=debug` [default: warn]
    #[arg(long, env = "SLIPWAY_LOG", value_name = "LEVELS")]
    log: Option<String>,
    /// The access token, instead of the one in the data directory
    #[arg(long, env = "SLIPWAY_TOKEN", hide_env_values = true, hide = true)]
    token: Option<String>,
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, hide = true)]
    database_url: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub data: DataDirArgs,
    /// The repository to work in [default: the current directory's]
    #[arg(long, value_name = "PATH")]
    pub repo: Option<PathBuf>,
    /// A Markdown file: its first heading is the title, the rest the description
    #[arg(long, value_name = "FILE.md", conflicts_with_all = ["title", "body"])]
    pub card: Option<PathBuf>,
    #[arg(long, required_unless_present = "card")]
    pub title: Option<String>,
    /// Markdown, with playbook blocks
    #[arg(long, requires = "title")]
    pub body: Option<String>,
    /// Check command of a repository that is registered on the way
    #[arg(long, value_name = "SHELL LINE")]
    pub check_command: Option<String>,
    /// The engine of every stage
    #[arg(long, value_parser = engine)]
    pub engine: Option<EngineName>,
    /// Approve every gate whose checks are green
    #[arg(long)]
    pub yes: bool,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Debug, Default, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub data: DataDirArgs,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

fn engine(text: &str) -> Result<EngineName, String> {
    EngineName::parse(text).ok_or_else(|| {
        let names: Vec<&str> = EngineName::ALL.iter().map(|name| name.as_str()).collect();
        format!("there is no such engine; there are {}", names.join(", "))
    })
}

/// What `slipway.toml` may hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    host: Option<IpAddr>,
    port: Option<u16>,
    token: Option<String>,
    log: Option<String>,
    database_url: Option<String>,
    allow_remote: bool,
    open: bool,
    /// Agents at work at once over all projects.
    max_agents: Option<usize>,
}

/// Which project a start adds.
#[derive(Clone, Debug)]
pub enum First {
    /// `--repo`: registered and trusted.
    Named(PathBuf),
    /// The current directory's repository is offered; else a sample where there is no project yet.
    Offered,
    Nothing,
}

/// Everything the server needs to know, from wherever it came.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    pub host: IpAddr,
    pub port: u16,
    pub data_dir: PathBuf,
    pub first: First,
    pub open: bool,
    pub token: Option<String>,
    pub log: String,
    pub max_agents: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("no data directory: HOME is not set. Name one with --data-dir.")]
    NoDataDir,
    #[error("{} could not be read: {source}", .path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{} is not as it should be: {detail}", .path.display())]
    Malformed { path: PathBuf, detail: String },
    #[error(
        "--host {0} can be reached by other machines. If that is what you want, add --allow-remote; whoever has the token can run commands here."
    )]
    Remote(IpAddr),
    #[error(
        "DATABASE_URL names a database that this version does not speak. Unset it to use the SQLite database in the data directory."
    )]
    Database,
    #[error("max_agents is {0}; it takes 1 to {MAX_AGENTS_LIMIT}.")]
    MaxAgents(usize),
    #[error("the access token has {0} characters; it takes at least 16.")]
    ShortToken(usize),
}

impl ServeConfig {
    /// A server of its own for one errand: on any free port, with no project but the errand's.
    pub fn for_errand(data_dir: &Path) -> ServeConfig {
        ServeConfig {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            data_dir: data_dir.to_owned(),
            first: First::Nothing,
            open: false,
            token: None,
            log: "warn".to_owned(),
            max_agents: DEFAULT_MAX_AGENTS,
        }
    }
}

impl ServeArgs {
    /// Reads the settings file and puts everything together.
    pub fn resolve(self) -> Result<ServeConfig, ConfigError> {
        let data_dir = self.data.resolve()?;
        let settings = settings(&data_dir.join(FILE))?;
        let host = self.host.or(settings.host).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        if !host.is_loopback() && !self.allow_remote && !settings.allow_remote {
            return Err(ConfigError::Remote(host));
        }
        let database = self.database_url.or(settings.database_url);
        if database.is_some_and(|url| !url.is_empty()) {
            return Err(ConfigError::Database);
        }
        let max_agents = settings.max_agents.unwrap_or(DEFAULT_MAX_AGENTS);
        if !(1..=MAX_AGENTS_LIMIT).contains(&max_agents) {
            return Err(ConfigError::MaxAgents(max_agents));
        }
        let token = self.token.or(settings.token).filter(|token| !token.is_empty());
        if let Some(short) = token.as_deref().filter(|token| token.len() < 16) {
            return Err(ConfigError::ShortToken(short.len()));
        }
        Ok(ServeConfig {
            host,
            port: self.port.or(settings.port).unwrap_or(DEFAULT_PORT),
            data_dir,
            first: self.repo.map_or(First::Offered, First::Named),
            open: (self.open || settings.open) && !self.no_open,
            token,
            log: self.log.or(settings.log).unwrap_or_else(|| "warn".to_owned()),
            max_agents,
        })
    }
}

impl DataDirArgs {
    /// The data directory, absolute, whether or not it exists.
    pub fn resolve(&self) -> Result<PathBuf, ConfigError> {
        let named = self.data_dir.clone().filter(|dir| !dir.as_os_str().is_empty());
        let dir = named.or_else(platform_data_dir).ok_or(ConfigError::NoDataDir)?;
        std::path::absolute(&dir).map_err(|source| ConfigError::Unreadable { path: dir, source })
    }
}

/// XDG Base Directory Specification 0.8 on Linux; `~/Library/Application Support` on macOS.
fn platform_data_dir() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|dir| dir.is_absolute());
    let home = absolute("HOME");
    if cfg!(target_os = "macos") {
        return home.map(|home| home.join("Library/Application Support/slipway"));
    }
    absolute("XDG_DATA_HOME").or_else(|| home.map(|home| home.join(".local/share"))).map(|dir| dir.join("slipway"))
}

fn settings(path: &Path) -> Result<Settings, ConfigError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Settings::default()),
        Err(source) => return Err(ConfigError::Unreadable { path: path.to_owned(), source }),
    };
    toml::from_str(&text).map_err(|error| ConfigError::Malformed { path: path.to_owned(), detail: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<ServeConfig, ConfigError> {
        let cli = Cli::try_parse_from(std::iter::once("slipway").chain(words.iter().copied())).unwrap();
        match cli.command {
            Some(Task::Serve(args)) => args.resolve(),
            None => cli.serve.resolve(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn serving_is_the_default() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().to_str().unwrap();
        for words in [vec!["--port", "0", "--data-dir", data], vec!["serve", "--port", "0", "--data-dir", data]] {
            let config = parse(&words).unwrap();
            assert_eq!((config.port, config.max_agents), (0, DEFAULT_MAX_AGENTS));
            assert!(config.host.is_loopback());
        }
    }

    #[test]
    fn flags_win_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().to_str().unwrap();
        std::fs::write(dir.path().join(FILE), "port = 5000\nmax_agents = 9\n").unwrap();
        assert_eq!(parse(&["--data-dir", data]).unwrap().port, 5000);
        let config = parse(&["--data-dir", data, "--port", "6000"]).unwrap();
        assert_eq!((config.port, config.max_agents), (6000, 9));
        std::fs::write(dir.path().join(FILE), "prot = 5000\n").unwrap();
        let error = parse(&["--data-dir", data]).unwrap_err().to_string();
        assert!(error.contains("prot"), "{error}");
    }

    #[test]
    fn other_machines_only_when_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().to_str().unwrap();
        assert!(matches!(parse(&["--data-dir", data, "--host", "0.0.0.0"]), Err(ConfigError::Remote(_))));
        assert!(parse(&["--data-dir", data, "--host", "0.0.0.0", "--allow-remote"]).is_ok());
        assert!(parse(&["--data-dir", data, "--host", "::1"]).is_ok());
    }
}
