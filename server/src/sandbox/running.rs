//! The server's side of one command: prepares the workspace, starts the launcher, puts it on record, lets
//! it go, collects output, keeps time, and takes everything away again, also when dropped in the middle.

use std::{
    io,
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    net::unix::pipe,
    process::{Child, ChildStdin, ChildStdout, Command},
    time::{Sleep, timeout},
};

#[cfg(target_os = "linux")]
use super::landlock;
use super::{
    CommandSpec, Confinement, Ended, How, Launcher, Limits, ProcessRecord, SandboxError, Way, bubblewrap, environment,
    launcher::{ASK_TO_END, Bounds, Errand, GO, KILL, REPORT_PREFIX, Report, Wrapper},
    output::Capture,
    paths::{self, Appear, Prepared},
    processes,
};

/// Time for our own launcher to start on a machine that is busy with other agents' builds.
const LAUNCH_PATIENCE: Duration = Duration::from_secs(30);

/// From SIGKILL until the launcher must have reported; after that it is ended from here.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// Everything that could write has ended by then; what is still in the pipe is read at once. Something that
/// escaped and holds it open does not hold us.
const DRAIN_PATIENCE: Duration = Duration::from_millis(500);

/// As much as a pipe holds on Linux.
const READ_BYTES: usize = 64 << 10;

pub(super) async fn run(
    launcher: &Launcher,
    way: &Way,
    spec: CommandSpec,
    record: &dyn ProcessRecord,
) -> Result<Ended, SandboxError> {
    let limits = spec.limits.clone();
    let marker = spec.confinement.marker.clone();
    let way = way.clone();
    // Declared before the process, so that a dropped future ends the process first and then tidies up.
    let prepared = tokio::task::spawn_blocking(move || Preparation::new(&way, spec)).await;
    let prepared = prepared.map_err(io::Error::other).flatten().map_err(SandboxError::Prepare)?;
    let mut running = Running::launch(launcher, &prepared, marker).map_err(SandboxError::Launch)?;
    running.send(&prepared.errand).await;
    match timeout(LAUNCH_PATIENCE, running.next_report()).await {
        Ok(Some(Report::Ready)) => {}
        Ok(Some(Report::Failed(why))) => {
            return Err(SandboxError::Start { why, output: String::new() });
        }
        Ok(_) => return Err(SandboxError::LauncherGone),
        Err(_) => return Err(SandboxError::Launch(io::ErrorKind::TimedOut.into())),
    }
    record.started(running.pgid, running.start_ticks).await.map_err(SandboxError::Record)?;
    running.send(GO).await;
    let ended = running.follow(&limits).await;
    running.finish().await;
    record.ended(running.pgid, running.start_ticks).await;
    drop(running);
    // A private temporary directory may hold a whole build. When nobody waits for this any more, it still
    // runs to its end.
    let _ = tokio::task::spawn_blocking(move || drop(prepared)).await;
    ended
}

/// What stands ready before anything is started.
struct Preparation {
    /// One line of JSON.
    errand: String,
    environment: Vec<(std::ffi::OsString, std::ffi::OsString)>,
    _workspace: Prepared,
    _temporary: TempDir,
}

impl Preparation {
    fn new(way: &Way, spec: CommandSpec) -> io::Result<Preparation> {
        let confinement = paths::resolve(&spec.confinement)?;
        let temporary = tempfile::Builder::new().prefix("slipway-").tempdir()?;
        let (appear, seen_temporary) = match way {
            Way::Bubblewrap(_) => (Appear::MountPoint, PathBuf::from(bubblewrap::TEMPORARY)),
            _ => (Appear::Link, temporary.path().canonicalize()?),
        };
        let workspace = Prepared::new(&confinement, appear)?;
        let errand = Errand {
            shell_line: spec.shell_line,
            workspace: confinement.workspace.clone(),
            temporary: temporary.path().to_owned(),
            wrapper: wrapper(way, &confinement, &seen_temporary)?,
            bounds: Bounds {
                file_bytes: spec.limits.file_bytes,
                open_files: spec.limits.open_files,
                more_threads: spec.limits.more_threads,
            },
        };
        let environment = environment::for_command(&confinement.marker, &seen_temporary);
        let errand = serde_json::to_string(&errand)?;
        Ok(Preparation { errand, environment, _workspace: workspace, _temporary: temporary })
    }
}

fn wrapper(way: &Way, confinement: &Confinement, _temporary: &std::path::Path) -> io::Result<Wrapper> {
    let secrets = paths::secrets();
    Ok(match way {
        Way::Bubblewrap(bwrap) => Wrapper::Bubblewrap {
            program: bwrap.program.clone(),
            arguments: bubblewrap::arguments(bwrap, confinement, &secrets),
        },
        #[cfg(target_os = "linux")]
        Way::Landlock if confinement.workspace.join(".git").is_dir() => {
            return Err(io::Error::other("Landlock cannot keep a .git directory inside the workspace read-only"));
        }
        #[cfg(target_os = "linux")]
        Way::Landlock => Wrapper::Landlock(landlock::rules(confinement, &secrets, _temporary)),
        Way::Nothing => Wrapper::Nothing,
    })
}

/// A launcher at work. Dropping it ends the launcher and everything below it.
struct Running {
    child: Child,
    orders: Option<ChildStdin>,
    reports: Lines<BufReader<ChildStdout>>,
    output: pipe::Receiver,
    pgid: i64,
    start_ticks: i64,
    marker: String,
    /// The launcher reported the end, after it had ended everything.
    reported: bool,
    gone: bool,
}

impl Running {
    fn launch(launcher: &Launcher, prepared: &Preparation, marker: String) -> io::Result<Running> {
        let (output, into_output) = io::pipe()?;
        let mut child = Command::new(&launcher.program)
            .args(&launcher.arguments)
            .env_clear()
            .envs(prepared.environment.iter().map(|(name, value)| (name, value)))
            .envs(launcher.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(into_output)
            .kill_on_drop(true)
            .spawn()?;
        let pgid = child.id().map(i64::from).ok_or(io::ErrorKind::NotFound)?;
        let orders = child.stdin.take();
        let reports = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Running {
            child,
            orders,
            reports: BufReader::new(reports).lines(),
            output: pipe::Receiver::from_owned_fd(output.into())?,
            pgid,
            start_ticks: processes::start_ticks(pgid).unwrap_or_default(),
            marker,
            reported: false,
            gone: false,
        })
    }

    /// A launcher that is gone takes no orders; its silence is noticed where reports are read.
    async fn send(&mut self, order: &str) {
        if let Some(orders) = &mut self.orders {
            let _ = orders.write_all(format!("{order}\n").as_bytes()).await;
        }
    }

    /// `None` when the launcher has gone without another word. Can be dropped and called again.
    async fn next_report(&mut self) -> Option<Report> {
        next_report(&mut self.reports).await
    }

    async fn follow(&mut self, limits: &Limits) -> Result<Ended, SandboxError> {
        let started = Instant::now();
        let mut capture = Capture::new(limits.output_bytes);
        let mut buffer = vec![0; READ_BYTES];
        let mut deadline = Deadline::new(limits);
        let mut open = true;
        let report = loop {
            tokio::select! {
                read = self.output.read(&mut buffer), if open => match read {
                    Ok(bytes) if bytes > 0 => capture.push(&buffer[..bytes]),
                    _ => open = false,
                },
                report = next_report(&mut self.reports) => break report,
                () = deadline.timer.as_mut() => match deadline.next() {
                    Some(order) => self.send(order).await,
                    None => break None,
                },
            }
        };
        self.reported = report.is_some();
        self.end_if_unreported();
        let drain = async {
            while let Ok(bytes @ 1..) = self.output.read(&mut buffer).await {
                capture.push(&buffer[..bytes]);
            }
        };
        let _ = timeout(DRAIN_PATIENCE, drain).await;
        let (elapsed, bytes_seen, output) = (started.elapsed(), capture.seen(), capture.into_text());
        let how = match report {
            _ if deadline.passed() => How::TimedOut(limits.wall),
            Some(Report::Exited(code)) => How::Exited(code),
            Some(Report::Signalled(signal)) => How::Signalled(signal),
            Some(Report::Failed(why)) => {
                return Err(SandboxError::Start { why, output: output.trim().to_owned() });
            }
            Some(Report::Ready) | None => return Err(SandboxError::LauncherGone),
        };
        Ok(Ended { how, output, bytes_seen, elapsed })
    }

    /// The launcher ends what is below it before it reports; when it could not, that is done here, also for
    /// what lost its tie to it.
    fn end_if_unreported(&mut self) {
        if !self.reported && !self.gone {
            self.gone = true;
            processes::end_group(self.pgid, self.start_ticks);
            processes::sweep(&self.marker);
        }
    }

    /// Lets the launcher go and waits for it, so that no process is left of a run that is over.
    async fn finish(&mut self) {
        self.orders = None;
        if timeout(KILL_PATIENCE, self.child.wait()).await.is_err() {
            self.reported = false;
            self.end_if_unreported();
        }
        self.gone = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.gone {
            processes::end_group(self.pgid, self.start_ticks);
        }
    }
}

async fn next_report(reports: &mut Lines<BufReader<ChildStdout>>) -> Option<Report> {
    loop {
        let line = reports.next_line().await.ok()??;
        if let Some(report) = line.strip_prefix(REPORT_PREFIX) {
            return serde_json::from_str(report).ok();
        }
    }
}

/// The wall limit and what follows it: asked to end, killed, given up on.
struct Deadline {
    timer: std::pin::Pin<Box<Sleep>>,
    grace: Duration,
    step: Step,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Working,
    AskedToEnd,
    Killed,
}

impl Deadline {
    fn new(limits: &Limits) -> Deadline {
        Deadline { timer: Box::pin(tokio::time::sleep(limits.wall)), grace: limits.grace, step: Step::Working }
    }

    fn passed(&self) -> bool {
        self.step != Step::Working
    }

    /// The order to give now; `None` when all have been given in vain.
    fn next(&mut self) -> Option<&'static str> {
        let (step, order, patience) = match self.step {
            Step::Working => (Step::AskedToEnd, ASK_TO_END, self.grace),
            Step::AskedToEnd => (Step::Killed, KILL, KILL_PATIENCE),
            Step::Killed => return None,
        };
        self.step = step;
        self.timer.as_mut().reset(tokio::time::Instant::now() + patience);
        Some(order)
    }
}
