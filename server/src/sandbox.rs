//! How an agent's commands are confined, so that the user's machine is safe from what an agent runs.
//!
//! On Linux with bubblewrap where that works, else with Landlock, else not at all, and then people are told
//! ([`Mode`]). Whatever the mode: an allow-listed environment, bounded output and time, nothing runs that is
//! not on record ([`ProcessRecord`]), and nothing that a command started outlives it.
//!
//! Reading order: [`Sandbox::run`], `running` (the server's side of one command), `launcher` (the process
//! between), `bubblewrap` and `landlock` (the two ways), `paths`, `environment`, `output`, `processes`.
//!
//! Deliberately absent: `unsafe`, a shell string built from anyone's words, and a way for a command to
//! widen its own confinement.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::OnceCell;

mod bubblewrap;
mod ended;
pub mod environment;
#[cfg(target_os = "linux")]
mod landlock;
mod launcher;
mod output;
mod paths;
pub mod processes;
mod running;
#[cfg(test)]
mod tests;

pub use ended::{Ended, How};
pub use launcher::launch_confined;
#[cfg(test)]
use paths::SECRETS;

/// The hidden subcommand whose body is [`launch_confined`].
pub const SUBCOMMAND: &str = "confine";

/// Time for the probe that decides the mode: far more than a slow machine needs to start one process.
const PROBE_WALL: Duration = Duration::from_secs(20);

/// Runs commands confined. Cheap to clone; all clones share what was found out about this machine.
#[derive(Clone)]
pub struct Sandbox {
    launcher: Arc<Launcher>,
    forced: Option<String>,
    found: Arc<OnceCell<Found>>,
}

/// How commands are confined on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    Bubblewrap { version: String },
    Landlock { abi: u32 },
    Unsandboxed { why: String },
}

impl Mode {
    /// In plain words, for people.
    pub fn describe(&self) -> String {
        match self {
            Mode::Bubblewrap { version } => format!("confined by bubblewrap {version}"),
            Mode::Landlock { abi } => {
                let network = if *abi >= 4 { "TCP is refused, UDP is not" } else { "the network is not restricted" };
                format!("confined by Landlock (ABI {abi}): {network}, and local sockets can be reached")
            }
            Mode::Unsandboxed { why } => format!("unsandboxed: {why}"),
        }
    }
}

/// One shell line and its bounds.
#[derive(Clone, Debug)]
pub struct CommandSpec {
    /// Given to `/bin/sh -c`.
    pub shell_line: String,
    pub confinement: Confinement,
    pub limits: Limits,
}

/// What a command may see and touch. Paths are absolute.
#[derive(Clone, Debug)]
pub struct Confinement {
    /// Writable, but for its own `.git`; the command starts in it.
    pub workspace: PathBuf,
    /// Readable and never writable, even below `workspace` or inside something hidden.
    pub read_only: Vec<PathBuf>,
    /// Not visible, but for a `workspace`, `read_only` path or share inside it.
    pub hidden: Vec<PathBuf>,
    /// `(source, target)`: the source is seen, read-only, at the target inside the workspace for the time of
    /// the run. Nothing may be at the target but an empty place for it.
    pub shares: Vec<(PathBuf, PathBuf)>,
    pub network: bool,
    /// The agent's id; every process of the command carries it in its environment.
    pub marker: String,
}

/// Bounds of one command.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Time from start to SIGTERM. Ten minutes: what a full check run of a large project takes.
    pub wall: Duration,
    /// From SIGTERM to SIGKILL. Enough to flush and remove a lock file.
    pub grace: Duration,
    /// Bytes of output kept, head and tail together. What a person or a prompt can still take in.
    pub output_bytes: usize,
    /// Largest file a command may write, in bytes, so that a runaway log does not fill the disk.
    pub file_bytes: u64,
    /// Open files per process: what large builds need and ordinary hard limits allow.
    pub open_files: u64,
    /// Threads beyond those already running on the machine: a fork bomb ends here, a parallel build does not.
    pub more_threads: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            wall: Duration::from_secs(600),
            grace: Duration::from_secs(5),
            output_bytes: 256 << 10,
            file_bytes: 16 << 30,
            open_files: 65_536,
            more_threads: 4_096,
        }
    }
}

/// Where the processes of commands are written down, so that a server that was killed finds them at its
/// next start (`processes::end_group`).
#[async_trait]
pub trait ProcessRecord: Send + Sync {
    /// Called before the command runs; it runs only after this returned `Ok`. `start_ticks` is the leader's
    /// start in clock ticks after boot.
    async fn started(&self, pgid: i64, start_ticks: i64) -> std::io::Result<()>;
    /// Called when nothing of it is left. Not called when the future of [`Sandbox::run`] is dropped.
    async fn ended(&self, pgid: i64, start_ticks: i64);
}

/// Why a command was not run, or how it ended is not known.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// `SLIPWAY_SANDBOX` asks for what this machine cannot do.
    #[error("commands cannot be confined as SLIPWAY_SANDBOX demands: {0}")]
    Unavailable(String),
    #[error("the workspace could not be prepared for a command: {0}")]
    Prepare(#[source] std::io::Error),
    #[error("the process that confines commands could not be started: {0}")]
    Launch(#[source] std::io::Error),
    #[error("a command was not run because its process could not be recorded: {0}")]
    Record(#[source] std::io::Error),
    /// With what was printed by then.
    #[error("the command could not be started: {why}{}{output}", if output.is_empty() { "" } else { ": " })]
    Start { why: String, output: String },
    #[error("the process that confines the command disappeared; everything it ran has been ended")]
    LauncherGone,
}

/// How to start our own binary as the launcher.
#[derive(Clone, Debug)]
struct Launcher {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

/// What the probe found.
#[derive(Clone, Debug)]
struct Found {
    mode: Mode,
    way: Way,
    /// Set when a mode was demanded that does not work: then nothing runs.
    broken: Option<String>,
}

#[derive(Clone, Debug)]
enum Way {
    Bubblewrap(bubblewrap::Bubblewrap),
    #[cfg(target_os = "linux")]
    Landlock,
    Nothing,
}

impl Sandbox {
    /// `launcher`: our own binary. `forced`: `bubblewrap`, `landlock` or `none`, from `SLIPWAY_SANDBOX`.
    pub fn new(launcher: PathBuf, forced: Option<&str>) -> Sandbox {
        let launcher = Launcher { program: launcher, arguments: vec![SUBCOMMAND.to_owned()], environment: vec![] };
        Sandbox::with_launcher(launcher, forced)
    }

    fn with_launcher(launcher: Launcher, forced: Option<&str>) -> Sandbox {
        let forced = forced.map(|forced| forced.trim().to_ascii_lowercase()).filter(|forced| !forced.is_empty());
        Sandbox { launcher: Arc::new(launcher), forced, found: Arc::default() }
    }

    /// How commands are confined here. The first call runs a probe command in each way until one works.
    pub async fn mode(&self) -> Mode {
        self.found().await.mode.clone()
    }

    /// Why nothing can run, when `SLIPWAY_SANDBOX` demands what this machine cannot do.
    pub async fn trouble(&self) -> Option<String> {
        self.found().await.broken.clone()
    }

    /// Runs one command to its end. Dropping the future ends the command and everything it started.
    ///
    /// A command that fails is not an error; an error means that it did not run, or that its end is unknown.
    pub async fn run(&self, spec: CommandSpec, record: &dyn ProcessRecord) -> Result<Ended, SandboxError> {
        let found = self.found().await;
        match &found.broken {
            Some(why) => Err(SandboxError::Unavailable(why.clone())),
            None => running::run(&self.launcher, &found.way, spec, record).await,
        }
    }

    async fn found(&self) -> &Found {
        self.found.get_or_init(|| self.find()).await
    }

    async fn find(&self) -> Found {
        match self.forced.as_deref() {
            None => {
                let bubblewrap = self.try_bubblewrap().await;
                let Err(no_bubblewrap) = bubblewrap else {
                    return working(bubblewrap);
                };
                let landlock = self.try_landlock().await;
                let Err(no_landlock) = landlock else {
                    return working(landlock);
                };
                unconfined(format!("bubblewrap: {no_bubblewrap}; Landlock: {no_landlock}"), None)
            }
            Some("bubblewrap") => working(self.try_bubblewrap().await),
            Some("landlock") => working(self.try_landlock().await),
            Some("none") => unconfined("SLIPWAY_SANDBOX is none".to_owned(), None),
            Some(other) => {
                let why = format!("SLIPWAY_SANDBOX is {other:?}; it takes bubblewrap, landlock or none");
                unconfined(why.clone(), Some(why))
            }
        }
    }

    async fn try_bubblewrap(&self) -> Result<Found, String> {
        let found = tokio::task::spawn_blocking(bubblewrap::Bubblewrap::find).await.ok().flatten();
        let bubblewrap = found.ok_or("no bwrap on the PATH")?;
        let mode = Mode::Bubblewrap { version: bubblewrap.version.clone() };
        let way = Way::Bubblewrap(bubblewrap);
        self.probe(&way).await?;
        Ok(Found { mode, way, broken: None })
    }

    #[cfg(target_os = "linux")]
    async fn try_landlock(&self) -> Result<Found, String> {
        let abi = tokio::task::spawn_blocking(landlock::abi).await.ok().flatten();
        let abi = abi.ok_or("this kernel does not have it enabled")?;
        self.probe(&Way::Landlock).await?;
        Ok(Found { mode: Mode::Landlock { abi }, way: Way::Landlock, broken: None })
    }

    #[cfg(not(target_os = "linux"))]
    async fn try_landlock(&self) -> Result<Found, String> {
        Err("only Linux has it".to_owned())
    }

    /// Runs one real command: containers and hardened kernels refuse namespaces in too many ways to ask.
    async fn probe(&self, way: &Way) -> Result<(), String> {
        let workspace = tempfile::tempdir().map_err(|error| error.to_string())?;
        let confinement = Confinement {
            workspace: workspace.path().to_owned(),
            read_only: vec![],
            hidden: vec![],
            shares: vec![],
            network: false,
            marker: "probe".to_owned(),
        };
        let limits = Limits { wall: PROBE_WALL, ..Limits::default() };
        let spec = CommandSpec { shell_line: "true".to_owned(), confinement, limits };
        match running::run(&self.launcher, way, spec, &Unrecorded).await {
            Ok(ended) if ended.how.succeeded() => Ok(()),
            Ok(ended) => Err(format!("a probe command ended with {}: {}", ended.how.describe(), ended.output.trim())),
            Err(error) => Err(error.to_string().trim().to_owned()),
        }
    }
}

fn working(tried: Result<Found, String>) -> Found {
    tried.unwrap_or_else(|why| unconfined(why.clone(), Some(why)))
}

fn unconfined(why: String, broken: Option<String>) -> Found {
    Found { mode: Mode::Unsandboxed { why }, way: Way::Nothing, broken }
}

/// The probe belongs to no agent and ends with its caller.
struct Unrecorded;

#[async_trait]
impl ProcessRecord for Unrecorded {
    async fn started(&self, _pgid: i64, _start_ticks: i64) -> std::io::Result<()> {
        Ok(())
    }

    async fn ended(&self, _pgid: i64, _start_ticks: i64) {}
}
