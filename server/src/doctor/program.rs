//! A program on the `PATH`, and the version that it says.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{io::AsyncReadExt, process::Command, time::timeout};

use crate::sandbox::{environment, processes};

/// Time for a program to say its version. Node programs take a second or two on a busy machine.
const VERSION_PATIENCE: Duration = Duration::from_secs(5);

/// More than any version takes; a program that prints for ever costs no more.
const VERSION_BYTES: u64 = 4 << 10;

/// Characters of a version line that are shown.
const VERSION_SHOWN: usize = 60;

/// What a program on the `PATH` says of itself.
pub enum Program {
    Says { version: String, path: PathBuf },
    Silent { path: PathBuf },
    Absent,
}

/// Looks for a program and asks its version.
pub async fn program(name: &str) -> Program {
    let Some(path) = on_path(name) else { return Program::Absent };
    match timeout(VERSION_PATIENCE, version(&path)).await {
        Ok(Ok(Some(version))) => Program::Says { version, path },
        _ => Program::Silent { path },
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// The first line that `--version` prints. The program gets no keys, and is gone when this is dropped.
async fn version(path: &Path) -> std::io::Result<Option<String>> {
    let mut child = Command::new(path)
        .arg("--version")
        .env_clear()
        .envs(environment::for_command("doctor", &std::env::temp_dir()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let _group = child.id().map(Group::of);
    let mut said = Vec::new();
    if let Some(output) = child.stdout.take() {
        output.take(VERSION_BYTES).read_to_end(&mut said).await?;
    }
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().map(str::trim).find(|line| !line.is_empty());
    Ok(line.map(|line| line.chars().filter(|character| !character.is_control()).take(VERSION_SHOWN).collect()))
}

/// A process group that is ended when nobody asks for it any more.
struct Group {
    pgid: i64,
    start_ticks: Option<i64>,
}

impl Group {
    fn of(pid: u32) -> Group {
        let pgid = i64::from(pid);
        Group { pgid, start_ticks: processes::start_ticks(pgid) }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(start_ticks) = self.start_ticks {
            processes::end_group(self.pgid, start_ticks);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn script(directory: &Path, body: &str) -> PathBuf {
        let path = directory.join("program");
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[tokio::test]
    async fn a_version_is_one_bounded_line() {
        let directory = tempfile::tempdir().unwrap();
        let say = async |body: &str| version(&script(directory.path(), body)).await.unwrap();
        assert_eq!(say("echo; printf '\\033[1m1.2.3\\n'; echo more").await.as_deref(), Some("[1m1.2.3"));
        assert_eq!(say("exit 1").await, None);
        assert_eq!(say("yes x | tr -d '\\n'").await.map(|line| line.len()), Some(VERSION_SHOWN));
        assert_eq!(say("echo ${CARGO_PKG_NAME:-unset}").await.as_deref(), Some("unset"));
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended() {
        let directory = tempfile::tempdir().unwrap();
        let path = script(directory.path(), "echo $$ > \"${0%/*}/pid\"; sleep 300");
        let waited = timeout(Duration::from_secs(2), version(&path)).await;
        assert!(waited.is_err());
        let pid = fs::read_to_string(directory.path().join("pid")).unwrap().trim().parse().unwrap();
        assert_eq!(processes::start_ticks(pid), None);
    }
}
