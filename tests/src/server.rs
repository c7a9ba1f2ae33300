//! The binary that ships, running.

use std::{
    io::{BufRead, BufReader, Read},
    ops::Deref,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Client, Home};

/// How long a server may take to say that it is ready: SQLite on a busy disk, in a debug build.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// How long a command may run.
const END_LIMIT: Duration = Duration::from_secs(60);
const READY: &str = "Slipway is ready at ";

/// A server that ends with this value. Its client's calls can be made on it directly.
pub struct Server {
    child: Child,
    client: Client,
}

impl Deref for Server {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// A server that did not come up.
pub type StartError = Ended;

/// The binary under test: `SLIPWAY_BIN`, or `slipway` beside the tests' own directory.
fn binary() -> PathBuf {
    let named = std::env::var_os("SLIPWAY_BIN").map(PathBuf::from);
    let path = named.unwrap_or_else(|| {
        // A test runs as target/debug/deps/system-<hash>.
        let own = std::env::current_exe().expect("a test knows its own path");
        own.parent().and_then(Path::parent).expect("tests lie in a target directory").join("slipway")
    });
    assert!(path.is_file(), "{} is not there: run `cargo build --workspace --all-targets` first", path.display());
    path
}

impl Server {
    /// Starts the server on the home's data directory and waits until it is ready.
    pub fn start(home: &Home) -> Server {
        Server::start_with(home, &[])
    }

    pub fn start_with(home: &Home, words: &[&str]) -> Server {
        Server::try_start(home, words).unwrap_or_else(|ended| panic!("the server did not start: {ended:?}"))
    }

    /// # Errors
    /// How the process ended when it ended before it was ready.
    pub fn try_start(home: &Home, words: &[&str]) -> Result<Server, StartError> {
        let mut command = home.command(binary());
        command.args(["serve", "--port", "0", "--no-open", "--data-dir"]).arg(home.data_dir()).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the server can be run");
        let (lines, errors) = (watch(child.stdout.take()), watch(child.stderr.take()));
        let start = Instant::now();
        loop {
            if let Ok(line) = lines.recv_timeout(Duration::from_millis(20))
                && let Some(link) = line.strip_prefix(READY)
            {
                let (url, token) = link.split_once("/?token=").expect("the ready line has the token");
                let client = Client::new(url, token);
                return Ok(Server { child, client });
            }
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                let stderr = errors.into_iter().collect::<Vec<_>>().join("\n");
                return Err(Ended { status, stdout: lines.into_iter().collect::<Vec<_>>().join("\n"), stderr });
            }
            if start.elapsed() > READY_LIMIT {
                let _ = child.kill();
                panic!("no ready line in {READY_LIMIT:?}");
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("the server is there");
    }

    /// SIGKILL: it has no time for anything.
    pub fn kill(mut self) {
        self.signal(Signal::KILL);
        self.child.wait().expect("the server has ended");
    }

    /// SIGTERM; how it ended and after how long.
    pub fn terminate(mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        self.signal(Signal::TERM);
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return (status, start.elapsed());
            }
            assert!(start.elapsed() < END_LIMIT, "the server does not stop");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked first, so that its agents end with it; a test that fails must not leave any behind.
        if self.child.try_wait().ok().flatten().is_none() {
            self.signal(Signal::TERM);
            let start = Instant::now();
            while start.elapsed() < Duration::from_secs(12) {
                if self.child.try_wait().ok().flatten().is_some() {
                    return;
                }
                thread::sleep(Duration::from_millis(10));
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Lines of an output as they come; also keeps the pipe from filling up.
fn watch(output: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(output) = output {
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if std::env::var_os("SLIPWAY_TEST_ECHO").is_some() {
                    eprintln!("server: {line}");
                }
                let _ = sender.send(line);
            }
        });
    }
    receiver
}

/// Runs `slipway` with these words to its end.
pub fn run_to_end(home: &Home, words: &[&str]) -> Ended {
    let mut command: Command = home.command(binary());
    let child = command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("the binary runs");
    let (lines, errors) = (watch(child.stdout.take()), watch(child.stderr.take()));
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        if start.elapsed() > END_LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            panic!("slipway {words:?} does not end");
        }
        thread::sleep(Duration::from_millis(10));
    };
    let text = |lines: mpsc::Receiver<String>| lines.into_iter().collect::<Vec<_>>().join("\n");
    Ended { status, stdout: text(lines), stderr: text(errors) }
}
