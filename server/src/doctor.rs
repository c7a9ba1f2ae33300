//! What was found on this machine, and what to do about what is missing: `slipway doctor`.
//!
//! Looks at git, the engines on the `PATH` and the keys by itself; what only the caller can know (sandbox,
//! database, browser assets) comes in as [`Facts`]. Says whether a key is there, never what it is.

use std::{ffi::OsStr, fmt::Write as _, path::Path, process::ExitCode};

use futures::future::join_all;
use serde::Serialize;

use self::program::{Program, program};
use crate::{
    config::DoctorArgs,
    data_dir::{self, DATABASE},
    http::assets::site_bytes,
    sandbox::{Mode, Sandbox},
    store::Store,
};

mod program;

/// Programs that can run agents, with how to get them.
const ENGINES: &[(&str, &str)] = &[
    ("claude-agent-acp", "npm install -g @agentclientprotocol/claude-agent-acp"),
    ("claude", "npm install -g @anthropic-ai/claude-code"),
    ("codex-acp", "npm install -g @agentclientprotocol/codex-acp"),
    ("codex", "npm install -g @openai/codex"),
    ("opencode", "npm install -g opencode-ai"),
    ("gemini", "npm install -g @google/gemini-cli"),
];

/// Settings that make the model engines usable. Values may hold secrets, URLs too.
const KEYS: &[&str] = &["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL"];

/// What the caller found out. Each `Ok` says what there is, each `Err` what is wrong.
#[derive(Clone, Debug)]
pub struct Facts {
    pub sandbox: Mode,
    /// [`crate::sandbox::Sandbox::trouble`].
    pub sandbox_trouble: Option<String>,
    pub data_dir: Result<String, String>,
    pub database: Result<String, String>,
    pub assets: Result<String, String>,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Ok,
    /// The main job works without it.
    Missing,
    /// It works, but somebody should know.
    Warning,
    /// The main job cannot run.
    Broken,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Missing => "-",
            State::Warning => "warning",
            State::Broken => "BROKEN",
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub area: &'static str,
    pub name: String,
    pub state: State,
    pub found: String,
    /// What to do, when there is something to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    fn new(area: &'static str, name: &str, state: State, found: impl Into<String>) -> Finding {
        Finding { area, name: name.to_owned(), state, found: found.into(), advice: None }
    }

    fn advise(mut self, advice: impl Into<String>) -> Finding {
        self.advice = Some(advice.into());
        self
    }

    fn fact(area: &'static str, name: &str, fact: Result<String, String>, advice: &str) -> Finding {
        match fact {
            Ok(found) => Finding::new(area, name, State::Ok, found),
            Err(wrong) => Finding::new(area, name, State::Broken, wrong).advise(advice),
        }
    }
}

/// The subcommand: looks, prints, and exits 1 when the main job cannot run here.
pub async fn doctor(args: DoctorArgs) -> ExitCode {
    let findings = examine(facts(&args).await).await;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&findings).unwrap_or_default());
    } else {
        print!("{}", findings.text());
    }
    ExitCode::from(findings.exit_code())
}

/// What only this process can know.
async fn facts(args: &DoctorArgs) -> Facts {
    let launcher = std::env::current_exe().unwrap_or_else(|_| "slipway".into());
    let sandbox = Sandbox::new(launcher, std::env::var("SLIPWAY_SANDBOX").ok().as_deref());
    let directory = args.data.resolve().map_err(|error| error.to_string());
    let database = match &directory {
        Ok(directory) => database(directory).await,
        Err(error) => Err(error.clone()),
    };
    let assets = match site_bytes() {
        0 => Err("this binary was built without its pages (SLIPWAY_SITE=skip)".to_owned()),
        bytes => Ok(format!("embedded, {} KB compressed", bytes / 1024)),
    };
    Facts {
        sandbox: sandbox.mode().await,
        sandbox_trouble: sandbox.trouble().await,
        data_dir: directory.and_then(|directory| writable(&directory)),
        database,
        assets,
    }
}

/// Whether the directory can be written to, or made.
fn writable(directory: &Path) -> Result<String, String> {
    let there = directory.ancestors().find(|path| path.exists()).unwrap_or(directory);
    let free = rustix::fs::statvfs(there).map_or(0, |disk| disk.f_bavail * disk.f_frsize / (1 << 20));
    let access = rustix::fs::access(there, rustix::fs::Access::WRITE_OK);
    let shown = directory.display();
    match access {
        Err(error) => Err(format!("{shown} can't be written to: {error}")),
        Ok(()) if there == directory => Ok(format!("{shown}, {free} MB free")),
        Ok(()) => Ok(format!("{shown} (made at the first start), {free} MB free")),
    }
}

/// Whether the database opens; a server that runs on it is proof enough.
async fn database(directory: &Path) -> Result<String, String> {
    let file = directory.join(DATABASE);
    if let Some(server) = data_dir::running(directory) {
        return Ok(format!("in use by the server at {} (process {})", server.url, server.pid));
    }
    if !file.exists() {
        return Ok("SQLite, made at the first start".to_owned());
    }
    let store = Store::open(&file).await.map_err(|error| crate::serve::chain(&error))?;
    store.close().await;
    Ok(format!("SQLite, {} KB", file.metadata().map_or(0, |meta| meta.len() / 1024)))
}

/// Everything found, in the order in which it is read.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// Whether a card can go from Plan to Ship here.
    pub works: bool,
    pub findings: Vec<Finding>,
}

/// Looks around. Programs are asked in parallel, each within [`VERSION_PATIENCE`].
pub async fn examine(facts: Facts) -> Findings {
    let engines = join_all(ENGINES.iter().map(|(program, install)| engine(program, install)));
    let (git, engines) = tokio::join!(git(), engines);
    let identity = tokio::task::spawn_blocking(identity).await;
    let identity = identity.unwrap_or_else(|error| Finding::new("git", "identity", State::Warning, error.to_string()));
    let playbook = Finding::new("engines", "playbook", State::Ok, "built in");
    let mut findings = vec![git, identity, sandbox(facts.sandbox, facts.sandbox_trouble)];
    findings.extend([
        Finding::fact("storage", "data directory", facts.data_dir, "Name another one with --data-dir."),
        Finding::fact("storage", "database", facts.database, "See the message; the data directory must be writable."),
        Finding::fact("storage", "browser assets", facts.assets, "Build again with `cargo build --release`."),
        playbook,
    ]);
    findings.extend(engines);
    findings.extend(KEYS.iter().map(|name| key(name, std::env::var_os(name).as_deref())));
    let works = findings.iter().all(|finding| finding.state != State::Broken);
    Findings { works, findings }
}

impl Findings {
    /// 0, or 1 when the main job cannot run.
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.works)
    }

    /// For people: a line each in aligned columns, what to do below it.
    pub fn text(&self) -> String {
        let names = self.findings.iter().map(|finding| finding.name.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        let mut area = "";
        for finding in &self.findings {
            if finding.area != area {
                let gap = if area.is_empty() { "" } else { "\n" };
                area = finding.area;
                let _ = writeln!(text, "{gap}{area}");
            }
            let _ = writeln!(text, "  {:<7}  {:<names$}  {}", finding.state.word(), finding.name, finding.found);
            if let Some(advice) = &finding.advice {
                let _ = writeln!(text, "  {:<7}  {:<names$}  → {advice}", "", "");
            }
        }
        let verdict = if self.works {
            "Slipway can take a card from Plan to Ship on this machine."
        } else {
            "Slipway cannot do its job here until what is marked BROKEN is put right."
        };
        let _ = writeln!(text, "\n{verdict}");
        text
    }
}

async fn git() -> Finding {
    match program("git").await {
        Program::Says { version, path } => {
            let version = version.trim_start_matches("git version ");
            Finding::new("git", "git", State::Ok, format!("{version} ({})", path.display()))
        }
        Program::Silent { path } => {
            Finding::new("git", "git", State::Warning, format!("{} does not answer", path.display()))
        }
        Program::Absent => Finding::new("git", "git", State::Missing, "not on the PATH")
            .advise("Install git if cards are to be pushed; everything else works without it."),
    }
}

/// Who commits, unless a repository says otherwise.
fn identity() -> Finding {
    let config = git2::Config::open_default().and_then(|mut config| config.snapshot());
    let value = |name: &str, variable: &str| {
        let from_config = config.as_ref().ok().and_then(|config| config.get_str(name).ok().map(str::to_owned));
        std::env::var(variable).ok().or(from_config).filter(|value| !value.trim().is_empty())
    };
    match (value("user.name", "GIT_AUTHOR_NAME"), value("user.email", "GIT_AUTHOR_EMAIL")) {
        (Some(name), Some(email)) => Finding::new("git", "identity", State::Ok, format!("{name} <{email}>")),
        _ => Finding::new("git", "identity", State::Warning, "git does not know who you are; Ship needs to")
            .advise("git config --global user.name \"…\" && git config --global user.email \"…\""),
    }
}

fn sandbox(mode: Mode, trouble: Option<String>) -> Finding {
    if let Some(trouble) = trouble {
        return Finding::new("sandbox", "commands", State::Broken, trouble)
            .advise("Unset SLIPWAY_SANDBOX to let Slipway choose what works here.");
    }
    let words = mode.describe();
    match mode {
        Mode::Bubblewrap { .. } => Finding::new("sandbox", "commands", State::Ok, words),
        Mode::Landlock { .. } => Finding::new("sandbox", "commands", State::Warning, words)
            .advise("Install bubblewrap (package `bubblewrap`) for the full sandbox."),
        Mode::Unsandboxed { .. } => Finding::new("sandbox", "commands", State::Warning, words)
            .advise("Commands of agents run with your rights. On Linux, install bubblewrap (package `bubblewrap`)."),
    }
}

async fn engine(name: &str, install: &str) -> Finding {
    match program(name).await {
        Program::Says { version, path } => {
            Finding::new("engines", name, State::Ok, format!("{version} ({})", path.display()))
        }
        Program::Silent { path } => {
            Finding::new("engines", name, State::Warning, format!("{} does not say its version", path.display()))
        }
        Program::Absent => Finding::new("engines", name, State::Missing, "not on the PATH").advise(install),
    }
}

fn key(name: &str, value: Option<&OsStr>) -> Finding {
    match value {
        Some(value) if !value.is_empty() => Finding::new("keys", name, State::Ok, "set"),
        _ => Finding::new("keys", name, State::Missing, "not set"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            sandbox: Mode::Bubblewrap { version: "0.8.0".into() },
            sandbox_trouble: None,
            data_dir: Ok("/data".into()),
            database: Ok("SQLite".into()),
            assets: Ok("embedded".into()),
        }
    }

    #[tokio::test]
    async fn works_without_any_model_and_says_what_is_broken() {
        let findings = examine(facts()).await;
        assert!(findings.works, "{}", findings.text());
        let broken = examine(Facts { database: Err("no space left".into()), ..facts() }).await;
        assert_eq!((broken.works, broken.exit_code()), (false, 1));
        assert!(broken.text().contains("BROKEN") && broken.text().contains("no space left"));
        let trouble = examine(Facts { sandbox_trouble: Some("no bwrap".into()), ..facts() }).await;
        assert!(!trouble.works);
    }

    #[test]
    fn keys_are_never_shown() {
        let finding = key("OPENAI_API_KEY", Some(OsStr::new("sk-very-secret")));
        assert_eq!((finding.state, &*finding.found), (State::Ok, "set"));
        assert_eq!(key("OPENAI_API_KEY", Some(OsStr::new(""))).found, "not set");
    }

    #[test]
    fn columns_line_up() {
        let findings = Findings {
            works: true,
            findings: vec![
                Finding::new("git", "git", State::Ok, "2.39.5"),
                Finding::new("engines", "opencode", State::Missing, "not on the PATH").advise("npm install"),
            ],
        };
        let expected = "git\n  ok       git       2.39.5\n\nengines\n  -        opencode  not on the PATH\n                     → npm install\n\nSlipway can take a card from Plan to Ship on this machine.\n";
        assert_eq!(findings.text(), expected);
    }
}
