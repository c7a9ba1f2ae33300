//! The process between the server and a command: body of the hidden subcommand `slipway confine`.
//!
//! It leads a session and process group of its own, runs nothing until the server says that it is on
//! record, adopts whatever its command orphans, and ends all of it: when the command ends, when told to,
//! and when the server dies (its standard input closes). So nothing outlives a run, whatever group or
//! session it moved to and however it cleared its environment.
//!
//! Standard input carries orders, a line each: the [`Errand`] as JSON, then [`GO`], later perhaps
//! [`ASK_TO_END`] and [`KILL`]. Standard output carries [`Report`]s behind [`REPORT_PREFIX`]. Standard
//! error is where the command writes, both its streams.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::{fd::AsFd, unix::process::ExitStatusExt},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use rustix::{
    io::{FdFlags, fcntl_setfd},
    process::{Resource, WaitOptions, getrlimit, setrlimit},
};
use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
use super::landlock;
use super::processes;

pub(super) const GO: &str = "go";
pub(super) const ASK_TO_END: &str = "ask to end";
pub(super) const KILL: &str = "kill";

/// Tells reports from anything else on standard output (the test harness writes there too).
pub(super) const REPORT_PREFIX: &str = "slipway-confine: ";

/// bubblewrap's two own processes stand above the command; asked to end, they would take it with them
/// before it could clean up.
const BUBBLEWRAP_LEVELS: u32 = 2;

/// What to run and how.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Errand {
    pub shell_line: String,
    pub workspace: PathBuf,
    /// Removed when everything has ended, should the server no longer be there to do it.
    pub temporary: PathBuf,
    pub wrapper: Wrapper,
    pub bounds: Bounds,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Wrapper {
    /// `arguments` end with `--`.
    Bubblewrap {
        program: PathBuf,
        arguments: Vec<PathBuf>,
    },
    #[cfg(target_os = "linux")]
    Landlock(landlock::Rules),
    Nothing,
}

/// Resource limits (getrlimit(2)); never more than the user already may.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Bounds {
    pub file_bytes: u64,
    pub open_files: u64,
    /// On top of what runs on the machine at the start, since the kernel counts per user.
    pub more_threads: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(super) enum Report {
    /// It leads its group and waits for [`GO`].
    Ready,
    Exited(i32),
    Signalled(i32),
    /// The command was not run; why, in a sentence.
    Failed(String),
}

/// Runs the launcher on this process's standard streams. Exits 0 once the outcome is reported, 2 when used
/// by hand.
pub fn launch_confined(_arguments: impl IntoIterator<Item = String>) -> ! {
    let code = match supervise() {
        Ok(()) => 0,
        Err(error) => {
            report(&Report::Failed(format!("the launcher: {error}")));
            2
        }
    };
    std::process::exit(code)
}

fn supervise() -> io::Result<()> {
    // Refused only when we lead a group already (started from a shell): then that is our own.
    let _ = rustix::process::setsid();
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let mut orders = BufReader::new(io::stdin());
    let mut line = String::new();
    orders.read_line(&mut line)?;
    let errand: Errand = serde_json::from_str(&line)?;
    report(&Report::Ready);
    line.clear();
    orders.read_line(&mut line)?;
    if line.trim_end() != GO {
        return Ok(());
    }
    bound(errand.bounds);
    let levels = if matches!(errand.wrapper, Wrapper::Bubblewrap { .. }) { BUBBLEWRAP_LEVELS } else { 0 };
    let gate = Arc::new(Mutex::new(Gate::Open));
    let obedient = Obedient { gate: gate.clone(), levels, temporary: errand.temporary.clone() };
    std::thread::Builder::new().name("orders".into()).spawn(move || obedient.obey(orders))?;
    // Landlock confines a thread and what it starts; this thread stays free to end all of that.
    let command = std::thread::Builder::new().name("command".into()).spawn(move || run(errand, &gate))?;
    let outcome = command.join().unwrap_or_else(|_| Report::Failed("the launcher panicked".into()));
    end_everything();
    report(&outcome);
    Ok(())
}

/// Whether the command may still be started. Closed under the lock, so that nothing starts behind the back
/// of whoever ends everything.
#[derive(PartialEq, Eq)]
enum Gate {
    Open,
    Closed,
}

/// Carries out what the server says while the command runs.
struct Obedient {
    gate: Arc<Mutex<Gate>>,
    levels: u32,
    temporary: PathBuf,
}

impl Obedient {
    fn obey(self, mut orders: BufReader<io::Stdin>) {
        let mut line = String::new();
        loop {
            line.clear();
            let read = orders.read_line(&mut line).unwrap_or(0);
            match line.trim_end() {
                ASK_TO_END => processes::ask_descendants_to_end(own_pid(), self.levels),
                KILL => self.close(),
                _ if read == 0 => break,
                _ => {}
            }
        }
        // The server is gone, or dropped the run.
        self.close();
        let _ = std::fs::remove_dir_all(&self.temporary);
        std::process::exit(0);
    }

    fn close(&self) {
        *self.gate.lock().unwrap_or_else(PoisonError::into_inner) = Gate::Closed;
        // Not reaped here: the other threads wait for their own.
        processes::end_descendants(own_pid(), || ());
    }
}

fn own_pid() -> i64 {
    i64::from(std::process::id())
}

/// Ends what the command left behind. All of it is below us: we adopt orphans.
fn end_everything() {
    processes::end_descendants(own_pid(), || while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {});
}

fn run(errand: Errand, gate: &Mutex<Gate>) -> Report {
    match errand.wrapper {
        Wrapper::Bubblewrap { ref program, ref arguments } => run_in_bubblewrap(&errand, program, arguments, gate),
        #[cfg(target_os = "linux")]
        Wrapper::Landlock(ref rules) => match landlock::restrict_thread(rules) {
            Ok(()) => run_plainly(&errand, gate),
            Err(why) => Report::Failed(why),
        },
        Wrapper::Nothing => run_plainly(&errand, gate),
    }
}

fn run_plainly(errand: &Errand, gate: &Mutex<Gate>) -> Report {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::set_no_new_privs(true) {
        return Report::Failed(format!("no_new_privs: {error}"));
    }
    let mut command = Command::new(SHELL);
    command.arg("-c").arg(&errand.shell_line).current_dir(&errand.workspace);
    match start(command, gate).and_then(|mut child| child.wait()) {
        Ok(status) => outcome(status),
        Err(error) => Report::Failed(format!("{SHELL}: {error}")),
    }
}

/// POSIX's shell, where POSIX systems have it.
const SHELL: &str = "/bin/sh";

/// bubblewrap's exit code alone does not tell its own failure from the command's, so it is asked to say
/// what the command did (`--json-status-fd`).
fn run_in_bubblewrap(errand: &Errand, program: &PathBuf, arguments: &[PathBuf], gate: &Mutex<Gate>) -> Report {
    let attempt = || -> io::Result<Report> {
        let (mut says, ear) = io::pipe()?;
        fcntl_setfd(&ear, FdFlags::empty())?;
        let number = std::os::fd::AsRawFd::as_raw_fd(&ear);
        let mut command = Command::new(program);
        command.arg("--json-status-fd").arg(number.to_string()).args(arguments);
        command.arg(SHELL).arg("-c").arg(&errand.shell_line);
        let mut child = start(command, gate)?;
        drop(ear);
        let mut said = String::new();
        says.read_to_string(&mut said)?;
        let status = child.wait()?;
        Ok(match exit_code_in(&said) {
            Some(code) => Report::Exited(code),
            None if status.signal().is_some() => outcome(status),
            None => Report::Failed("bubblewrap could not set up the sandbox".into()),
        })
    };
    attempt().unwrap_or_else(|error| Report::Failed(format!("{}: {error}", program.display())))
}

/// One JSON document a line; the last one has the command's exit code, if it was run at all.
fn exit_code_in(said: &str) -> Option<i32> {
    said.lines()
        .rev()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find_map(|document| document.get("exit-code")?.as_i64())?
        .try_into()
        .ok()
}

fn start(mut command: Command, gate: &Mutex<Gate>) -> io::Result<Child> {
    let output = || io::stderr().as_fd().try_clone_to_owned();
    command.stdin(Stdio::null()).stdout(output()?).stderr(output()?);
    let gate = gate.lock().unwrap_or_else(PoisonError::into_inner);
    if *gate == Gate::Closed {
        return Err(io::Error::from(io::ErrorKind::Interrupted));
    }
    command.spawn()
}

fn outcome(status: ExitStatus) -> Report {
    match (status.code(), status.signal()) {
        (Some(code), _) => Report::Exited(code),
        (None, Some(signal)) => Report::Signalled(signal),
        (None, None) => Report::Failed("ended neither by itself nor by a signal".into()),
    }
}

fn bound(bounds: Bounds) {
    limit(Resource::Core, 0);
    limit(Resource::Fsize, bounds.file_bytes);
    limit(Resource::Nofile, bounds.open_files);
    if let Some(running) = threads_on_this_machine() {
        limit(Resource::Nproc, running + bounds.more_threads);
    }
}

/// A limit that cannot be set leaves the stricter or equal one of the user in force.
fn limit(resource: Resource, bound: u64) {
    let mut limits = getrlimit(resource);
    let bound = limits.maximum.map_or(bound, |most| most.min(bound));
    (limits.current, limits.maximum) = (Some(bound), Some(bound));
    let _ = setrlimit(resource, limits);
}

/// The fourth field of proc_loadavg(5) is `running/all`.
fn threads_on_this_machine() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_ascii_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
}

fn report(report: &Report) {
    if let Ok(text) = serde_json::to_string(report) {
        let mut out = io::stdout();
        // Nobody listens any more when this fails.
        let _ = writeln!(out, "\n{REPORT_PREFIX}{text}").and_then(|()| out.flush());
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Set when the test binary is started as the launcher: see [`super::super::Launcher::of_tests`].
    pub const ENTRY: &str = "SLIPWAY_TEST_LAUNCHER";

    /// Not a test of its own: the body of the launcher, when a test starts one.
    #[test]
    fn entry() {
        if std::env::var_os(ENTRY).is_some() {
            launch_confined([]);
        }
    }

    #[test]
    fn reads_what_bubblewrap_says() {
        assert_eq!(exit_code_in("{ \"child-pid\": 5 }\n{ \"exit-code\": 3 }\n"), Some(3));
        assert_eq!(exit_code_in("{ \"child-pid\": 5 }\n"), None);
        assert_eq!(exit_code_in(""), None);
    }
}
