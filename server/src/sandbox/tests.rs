//! Real commands, in every mode that works on this machine. A mode that does not is skipped with its
//! reason; the mode without confinement always works and shares all promises about processes and output.

use std::{
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use tempfile::TempDir;

use super::*;

impl Launcher {
    /// The test binary is not `slipway`; started so, it does what `slipway confine` does.
    fn of_tests() -> Launcher {
        Launcher {
            program: std::env::current_exe().unwrap(),
            arguments: ["sandbox::launcher::tests::entry", "--exact", "--nocapture"].map(String::from).to_vec(),
            environment: vec![(launcher::tests::ENTRY.into(), "1".into())],
        }
    }
}

async fn sandboxes(names: &[&str]) -> Vec<Sandbox> {
    let mut working = Vec::new();
    for name in names {
        let sandbox = Sandbox::with_launcher(Launcher::of_tests(), Some(name));
        match sandbox.trouble().await {
            None => working.push(sandbox),
            Some(why) => eprintln!("SKIPPED {name}: {why}"),
        }
    }
    working
}

const ALL: &[&str] = &["bubblewrap", "landlock", "none"];
const CONFINED: &[&str] = &["bubblewrap", "landlock"];

/// A data directory with a worktree in it, beside a repository.
struct Site {
    root: TempDir,
    confinement: Confinement,
    limits: Limits,
    record: Recorded,
}

impl Site {
    fn new() -> Site {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let root = tempfile::tempdir().unwrap();
        let path = root.path().canonicalize().unwrap();
        for directory in ["data/worktrees/1", "data/worktrees/2", "repo/.git/hooks", "cache/pkg"] {
            fs::create_dir_all(path.join(directory)).unwrap();
        }
        for (file, text) in [
            ("data/token", "SECRET-TOKEN"),
            ("data/worktrees/1/.git", "gitdir: elsewhere\n"),
            ("data/worktrees/1/file.txt", "contents"),
            ("data/worktrees/2/other.txt", "another agent's"),
            ("repo/.git/config", "[core]\n"),
            ("cache/pkg/index.js", "shared"),
        ] {
            fs::write(path.join(file), text).unwrap();
        }
        let marker = format!("test-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let confinement = Confinement {
            workspace: path.join("data/worktrees/1"),
            read_only: vec![path.join("repo/.git")],
            hidden: vec![path.join("data")],
            shares: vec![],
            network: false,
            marker,
        };
        Site { root, confinement, limits: Limits::default(), record: Recorded::default() }
    }

    fn path(&self, inside: &str) -> std::path::PathBuf {
        self.root.path().canonicalize().unwrap().join(inside)
    }

    fn spec(&self, line: &str) -> CommandSpec {
        // `$ROOT` stands for the site in the tests' lines.
        let line = line.replace("$ROOT", self.path("").to_str().unwrap().trim_end_matches('/'));
        CommandSpec { shell_line: line, confinement: self.confinement.clone(), limits: self.limits.clone() }
    }

    async fn run(&self, sandbox: &Sandbox, line: &str) -> Ended {
        sandbox.run(self.spec(line), &self.record).await.unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    fn marked(&self) -> usize {
        processes::count_marked(&self.confinement.marker)
    }
}

#[derive(Default)]
struct Recorded {
    started: Mutex<Vec<(i64, i64)>>,
    ended: Mutex<Vec<(i64, i64)>>,
    refuses: bool,
}

#[async_trait]
impl ProcessRecord for Recorded {
    async fn started(&self, pgid: i64, start_ticks: i64) -> std::io::Result<()> {
        assert_eq!(processes::start_ticks(pgid), Some(start_ticks));
        self.started.lock().unwrap().push((pgid, start_ticks));
        if self.refuses { Err(std::io::Error::other("disk full")) } else { Ok(()) }
    }

    async fn ended(&self, pgid: i64, start_ticks: i64) {
        assert_eq!(processes::start_ticks(pgid), None);
        self.ended.lock().unwrap().push((pgid, start_ticks));
    }
}

/// Runs one line in each mode of `modes` that works and checks its exit code and trimmed output.
async fn check(modes: &[&str], line: &str, how: How, output: &str) {
    for sandbox in sandboxes(modes).await {
        let site = Site::new();
        let ended = site.run(&sandbox, line).await;
        assert_eq!((ended.how, ended.output.trim()), (how, output), "{:?}: {line}", sandbox.mode().await);
        assert_eq!(site.marked(), 0, "{line}");
        let (started, gone) = (site.record.started.lock().unwrap().clone(), site.record.ended.lock().unwrap().clone());
        assert_eq!((started.len(), &started), (1, &gone));
    }
}

/// The line must fail and must not print `leak`.
async fn refused(modes: &[&str], line: &str, leak: &str) {
    for sandbox in sandboxes(modes).await {
        let ended = Site::new().run(&sandbox, line).await;
        let mode = sandbox.mode().await;
        assert!(!ended.how.succeeded(), "{mode:?}: {line}: {}", ended.output);
        assert!(leak.is_empty() || !ended.output.contains(leak), "{mode:?}: {line}: {}", ended.output);
    }
}

#[tokio::test]
async fn exit_codes_and_output() {
    check(ALL, "echo out; echo err >&2; exit 3", How::Exited(3), "out\nerr").await;
    check(ALL, "cat file.txt; basename \"$PWD\"", How::Exited(0), "contents1").await;
    check(ALL, "no-such-program-at-all 2>/dev/null", How::Exited(127), "").await;
    check(ALL, "printf 'a\\377b'", How::Exited(0), "a\u{fffd}b").await;
    check(ALL, "read line || echo no input", How::Exited(0), "no input").await;
    check(&["landlock", "none"], "kill -SEGV $$", How::Signalled(11), "").await;
    check(&["bubblewrap"], "sh -c 'kill -SEGV $$' 2>/dev/null", How::Exited(139), "").await;
}

#[tokio::test]
async fn the_workspace_is_writable_and_nothing_else() {
    check(ALL, "echo x > new.txt && mkdir -p a/b && mv new.txt a/b/ && cat a/b/new.txt", How::Exited(0), "x").await;
    check(ALL, "echo t > $TMPDIR/t && cat $TMPDIR/t && rm $TMPDIR/t", How::Exited(0), "t").await;
    for line in ["echo x >> .git", "rm .git", "mv .git g", "ln -sf /etc .git && false"] {
        for sandbox in sandboxes(CONFINED).await {
            let site = Site::new();
            site.run(&sandbox, line).await;
            assert_eq!(
                fs::read_to_string(site.path("data/worktrees/1/.git")).unwrap(),
                "gitdir: elsewhere\n",
                "{line}"
            );
        }
    }
    for line in [
        "echo x > $ROOT/repo/.git/hooks/pre-commit",
        "echo x >> $ROOT/repo/.git/config",
        "touch $HOME/x-slipway",
        "touch /etc/x",
    ] {
        refused(CONFINED, line, "").await;
    }
    refused(CONFINED, "touch ../2/x && cat $ROOT/data/worktrees/2/other.txt", "another").await;
    check(CONFINED, "cat $ROOT/repo/.git/config", How::Exited(0), "[core]").await;
}

#[tokio::test]
async fn what_is_hidden_cannot_be_read() {
    for line in ["cat $ROOT/data/token", "cat ../../token", "ls $ROOT/data/worktrees/2/other.txt && cat ../2/other.txt"]
    {
        refused(CONFINED, line, "TOKEN").await;
    }
    refused(&["bubblewrap"], "ls $ROOT/data | grep token", "token").await;
    // The server's own memory and environment.
    let own = std::process::id();
    refused(CONFINED, &format!("tr '\\0' '\\n' < /proc/{own}/environ"), "=").await;
    refused(
        CONFINED,
        "for p in /proc/[0-9]*; do tr '\\0' '\\n' < $p/environ; done 2>/dev/null | grep NEXTEST_RUN_ID",
        "=",
    )
    .await;
}

#[tokio::test]
async fn secrets_at_home_are_hidden() {
    let home = tempfile::tempdir_in(std::env::current_dir().unwrap()).unwrap();
    for (place, text) in [
        (".ssh/id_ed25519", "KEY-1"),
        (".aws/credentials", "KEY-2"),
        (".netrc", "KEY-3"),
        (".cargo/credentials.toml", "KEY-4"),
        (".cargo/config.toml", "readable"),
    ] {
        let path = home.path().join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let secrets: Vec<_> = SECRETS.iter().filter_map(|secret| home.path().join(secret).canonicalize().ok()).collect();
    assert_eq!(secrets.len(), 4);
    for sandbox in sandboxes(CONFINED).await {
        // As secrets are found by `HOME`, which is this process's, they are handed over as hidden here.
        let mut site = Site::new();
        site.confinement.hidden.extend(secrets.clone());
        let line = format!(
            "cd {}; cat .ssh/id_ed25519 .aws/credentials .netrc .cargo/credentials.toml .cargo/config.toml; echo x > .netrc; true",
            home.path().display()
        );
        let ended = site.run(&sandbox, &line).await;
        assert!(!ended.output.contains("KEY-"), "{}", ended.output);
        assert!(ended.output.contains("readable"), "{}", ended.output);
        assert_eq!(fs::read_to_string(home.path().join(".netrc")).unwrap(), "KEY-3");
    }
}

#[tokio::test]
async fn the_environment_is_scrubbed() {
    // Cargo and nextest set dozens of variables for a test; none is on the list.
    assert!(std::env::vars_os().any(|(name, _)| name == "CARGO_PKG_NAME"));
    check(ALL, "env | grep -E 'CARGO_PKG|NEXTEST|_KEY=|_TOKEN='", How::Exited(1), "").await;
    check(ALL, "echo $TERM $CI; test -n \"$PATH\" -a -n \"$SLIPWAY_AGENT\"", How::Exited(0), "dumb 1").await;
}

#[tokio::test]
async fn there_is_no_network() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect =
        format!("python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {port}), 5); print(\"through\")'");
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        return eprintln!("SKIPPED: no python3 to connect with");
    }
    for sandbox in sandboxes(CONFINED).await {
        if matches!(sandbox.mode().await, Mode::Landlock { abi: ..4 }) {
            eprintln!("SKIPPED landlock: this kernel's cannot refuse TCP");
            continue;
        }
        let mut site = Site::new();
        let ended = site.run(&sandbox, &connect).await;
        assert!(!ended.how.succeeded() && !ended.output.contains("through"), "{}", ended.output);
        site.confinement.network = true;
        let ended = site.run(&sandbox, &connect).await;
        assert!(ended.how.succeeded() && ended.output.contains("through"), "{}", ended.output);
    }
}

#[tokio::test]
async fn shares_are_seen_and_leave_no_trace() {
    for sandbox in sandboxes(ALL).await {
        let mut site = Site::new();
        let workspace = site.confinement.workspace.clone();
        site.confinement.hidden.push(site.path("cache"));
        site.confinement.shares = vec![
            (site.path("cache"), workspace.join("deep/node_modules")),
            (site.path("cache/pkg/index.js"), workspace.join("shared.js")),
        ];
        let ended = site.run(&sandbox, "cat deep/node_modules/pkg/index.js shared.js").await;
        assert_eq!((ended.how, &*ended.output), (How::Exited(0), "sharedshared"), "{:?}", sandbox.mode().await);
        assert!(!workspace.join("deep").exists() && !workspace.join("shared.js").exists());
        if !matches!(sandbox.mode().await, Mode::Unsandboxed { .. }) {
            site.run(&sandbox, "echo x > deep/node_modules/pkg/index.js; rm -rf deep/node_modules/pkg; true").await;
            assert_eq!(fs::read_to_string(site.path("cache/pkg/index.js")).unwrap(), "shared");
        }
        // A link that an agent left in the place of a share leads nowhere.
        std::os::unix::fs::symlink("/etc", workspace.join("deep")).unwrap();
        let error = sandbox.run(site.spec("true"), &site.record).await.unwrap_err();
        assert!(error.to_string().contains("in the way"), "{error}");
        site.confinement.shares = vec![(site.path("cache"), site.path("repo"))];
        assert!(matches!(sandbox.run(site.spec("true"), &site.record).await, Err(SandboxError::Prepare(_))));
    }
}

#[tokio::test]
async fn nothing_outlives_its_command() {
    for line in [
        "sleep 300 & echo done",
        "setsid sleep 300 & echo done",
        "(setsid sh -c 'trap \"\" TERM HUP INT; sleep 300 & sleep 300' >/dev/null 2>&1 &) ; echo done",
        "(env -i setsid sh -c 'echo $$ > orphan; exec sleep 300' &); while ! test -s orphan; do sleep 0.01; done; echo done",
    ] {
        for sandbox in sandboxes(ALL).await {
            let site = Site::new();
            let ended = site.run(&sandbox, line).await;
            assert_eq!((ended.how, ended.output.trim()), (How::Exited(0), "done"), "{line}");
            assert!(ended.elapsed < Duration::from_secs(10), "{line}: {:?}", ended.elapsed);
            assert_eq!(site.marked(), 0, "{line}");
            if let (Ok(pid), Mode::Landlock { .. } | Mode::Unsandboxed { .. }) =
                (fs::read_to_string(site.path("data/worktrees/1/orphan")), sandbox.mode().await)
            {
                assert_eq!(processes::start_ticks(pid.trim().parse().unwrap()), None, "its environment was empty");
            }
        }
    }
}

#[tokio::test]
async fn the_wall_limit_holds() {
    for sandbox in sandboxes(ALL).await {
        let mut site = Site::new();
        site.limits.wall = Duration::from_millis(800);
        site.limits.grace = Duration::from_millis(500);
        let ended = site.run(&sandbox, "trap '' TERM; echo begun; while true; do sleep 300; done").await;
        assert_eq!((ended.how, ended.output.trim()), (How::TimedOut(site.limits.wall), "begun"));
        assert!(ended.elapsed >= Duration::from_millis(1300) && ended.elapsed < Duration::from_secs(20));
        site.limits.grace = Duration::from_secs(30);
        let line = "trap 'echo tidied; exit 0' TERM; echo begun; while true; do sleep 0.05; done";
        let ended = site.run(&sandbox, line).await;
        assert_eq!(ended.how, How::TimedOut(site.limits.wall));
        assert!(ended.output.contains("tidied"), "{:?}: {}", sandbox.mode().await, ended.output);
        assert!(ended.elapsed < Duration::from_secs(20));
        assert_eq!(site.marked(), 0);
    }
}

#[tokio::test]
async fn output_is_bounded() {
    for sandbox in sandboxes(ALL).await {
        let mut site = Site::new();
        site.limits.output_bytes = 1000;
        let ended = site.run(&sandbox, "echo first; yes | head -c 200000000; echo last").await;
        assert_eq!((ended.how, ended.bytes_seen), (How::Exited(0), 200_000_011));
        assert!(ended.output.len() < 1100);
        assert!(ended.output.starts_with("first\n") && ended.output.ends_with("last\n"));
        assert!(ended.output.contains("199999011 bytes cut"), "{}", ended.output);
    }
}

#[tokio::test]
async fn dropping_the_run_ends_everything() {
    for sandbox in sandboxes(ALL).await {
        let site = Site::new();
        let begun = site.path("data/worktrees/1/begun");
        let line = "setsid sleep 300 & (env -i setsid sleep 300 &); trap '' TERM; touch begun; sleep 300";
        let run = sandbox.run(site.spec(line), &site.record);
        tokio::select! {
            ended = run => panic!("{ended:?}"),
            () = appears(&begun) => {}
        }
        let (pgid, _) = site.record.started.lock().unwrap()[0];
        assert_eq!((site.marked(), processes::start_ticks(pgid)), (0, None), "{:?}", sandbox.mode().await);
    }
}

async fn appears(path: &Path) {
    while !path.exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn nothing_runs_unrecorded() {
    for sandbox in sandboxes(ALL).await {
        let mut site = Site::new();
        site.record.refuses = true;
        let refused = sandbox.run(site.spec("touch ran"), &site.record).await;
        assert!(matches!(refused, Err(SandboxError::Record(_))), "{refused:?}");
        assert!(!site.path("data/worktrees/1/ran").exists());
        assert_eq!(site.marked(), 0);
    }
}

#[tokio::test]
async fn a_recorded_group_is_ended_after_the_server_died() {
    for sandbox in sandboxes(ALL).await {
        let site = Site::new();
        let begun = site.path("data/worktrees/1/begun");
        let ending = async {
            appears(&begun).await;
            let (pgid, ticks) = site.record.started.lock().unwrap()[0];
            tokio::task::spawn_blocking(move || assert!(processes::end_group(pgid, ticks))).await.unwrap();
        };
        let line = "setsid sleep 300 & touch begun; sleep 300";
        let (run, ()) = tokio::join!(sandbox.run(site.spec(line), &site.record), ending);
        // Whether its launcher still told of the end is a matter of which died first.
        assert!(!run.is_ok_and(|ended| ended.how.succeeded()));
        assert_eq!(site.marked(), 0);
    }
}

#[tokio::test]
async fn limits_of_resources_hold() {
    for sandbox in sandboxes(ALL).await {
        let mut site = Site::new();
        site.limits.file_bytes = 1 << 20;
        let ended = site.run(&sandbox, "head -c 3000000 /dev/zero > big; wc -c < big; ulimit -c").await;
        assert!(ended.output.trim_end().ends_with("1048576\n0"), "{}", ended.output);
    }
}

#[tokio::test]
async fn toolchains_at_home_work() {
    if std::process::Command::new("cargo").arg("--version").output().is_err() {
        return eprintln!("SKIPPED: no cargo");
    }
    for sandbox in sandboxes(ALL).await {
        let site = Site::new();
        for (file, text) in [
            ("Cargo.toml", "[package]\nname = \"tiny\"\nedition = \"2021\"\n[workspace]\n"),
            ("src/lib.rs", "#[test]\nfn adds() { assert_eq!(1 + 1, 2) }\n"),
        ] {
            let path = site.confinement.workspace.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let ended = site.run(&sandbox, "cargo test --offline").await;
        assert!(ended.how.succeeded() && ended.output.contains("1 passed"), "{}", ended.output);
    }
}

#[tokio::test]
async fn a_demand_that_cannot_be_met_runs_nothing() {
    let sandbox = Sandbox::with_launcher(Launcher::of_tests(), Some("podman"));
    let error = sandbox.run(Site::new().spec("true"), &Recorded::default()).await.unwrap_err();
    assert!(error.to_string().contains("bubblewrap, landlock or none"), "{error}");
    let no_launcher = Sandbox::new("/nonexistent/slipway".into(), Some("none"));
    let error = no_launcher.run(Site::new().spec("true"), &Recorded::default()).await.unwrap_err();
    assert!(matches!(error, SandboxError::Launch(_)), "{error}");
}

#[tokio::test]
async fn a_missing_workspace_is_an_error() {
    let sandbox = Sandbox::with_launcher(Launcher::of_tests(), Some("none"));
    let mut site = Site::new();
    site.confinement.workspace = site.path("data/worktrees/none");
    assert!(matches!(sandbox.run(site.spec("true"), &site.record).await, Err(SandboxError::Prepare(_))));
}
