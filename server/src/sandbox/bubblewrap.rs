//! Confinement with bubblewrap: its own mount, process and network namespaces over a read-only root.
//! Only builds the arguments; the launcher starts it.

use std::path::{Path, PathBuf};

use super::{Confinement, paths};

/// Private `/tmp` and `/dev/shm` live in memory; this bounds them, in bytes.
const TMPFS_BYTES: u64 = 2 << 30;

/// What stands in for a hidden directory: only mount points are ever made in it.
const HIDDEN_BYTES: u64 = 1 << 20;

/// The first version with `--size`.
const SIZE_SINCE: (u32, u32) = (0, 7);

/// Sockets under `/run` (Docker, the user's D-Bus, systemd) would let a command act outside its sandbox, so
/// `/run` is empty but for these: name resolution, and where NixOS keeps its programs.
const RUN_KEPT: &[&str] = &[
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager/resolv.conf",
    "/run/current-system",
    "/run/opengl-driver",
    "/run/wrappers",
];

/// Where commands find their private temporary directory.
pub(super) const TEMPORARY: &str = "/tmp";

/// The `bwrap` of this machine.
#[derive(Clone, Debug)]
pub(super) struct Bubblewrap {
    pub program: PathBuf,
    pub version: String,
}

impl Bubblewrap {
    /// The first `bwrap` on the `PATH` that says its version.
    pub fn find() -> Option<Bubblewrap> {
        let program = std::env::split_paths(&std::env::var_os("PATH")?)
            .filter(|directory| directory.is_absolute())
            .map(|directory| directory.join("bwrap"))
            .find(|path| path.is_file())?;
        let said = std::process::Command::new(&program).arg("--version").output().ok()?;
        let version = String::from_utf8_lossy(&said.stdout).trim().trim_start_matches("bubblewrap ").to_owned();
        said.status.success().then_some(Bubblewrap { program, version })
    }

    fn can_size(&self) -> bool {
        let mut numbers = self.version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= SIZE_SINCE
    }
}

/// One mount. Parents are mounted before what lies in them, and of two on one path the later wins.
enum Mount {
    Hide,
    Dev,
    Writable,
    ReadOnly { source: PathBuf },
}

/// The arguments up to and with `--`. Paths in `confinement` are absolute, without symbolic links.
pub(super) fn arguments(bwrap: &Bubblewrap, confinement: &Confinement, secrets: &[PathBuf]) -> Vec<PathBuf> {
    let workspace = &confinement.workspace;
    let mut mounts: Vec<(PathBuf, Mount)> = vec![
        ("/dev".into(), Mount::Dev),
        (TEMPORARY.into(), Mount::Hide),
        ("/run".into(), Mount::Hide),
        // Usually a symbolic link to `/tmp`'s like; where it is not, other people's files are in it.
        ("/var/tmp".into(), Mount::Hide),
    ];
    mounts.extend(RUN_KEPT.iter().map(PathBuf::from).filter(|path| path.exists()).map(read_only));
    mounts.extend(secrets.iter().chain(&confinement.hidden).map(|path| (path.clone(), Mount::Hide)));
    mounts.push((workspace.clone(), Mount::Writable));
    mounts.extend(confinement.read_only.iter().cloned().map(read_only));
    mounts.extend(Some(workspace.join(".git")).filter(|git| git.exists()).map(read_only));
    let shares = confinement.shares.iter();
    mounts.extend(shares.map(|(source, target)| (target.clone(), Mount::ReadOnly { source: source.clone() })));
    mounts.sort_by_key(|(path, _)| path.components().count());

    let mut arguments = Arguments::default();
    arguments.flags(&["--die-with-parent", "--new-session", "--unshare-user-try", "--unshare-cgroup-try"]);
    arguments.flags(&["--unshare-pid", "--unshare-ipc", "--unshare-uts"]);
    if !confinement.network {
        arguments.flags(&["--unshare-net"]);
    }
    arguments.bind("--ro-bind", Path::new("/"), Path::new("/"));
    arguments.flags(&["--proc", "/proc"]);
    for (path, mount) in mounts {
        arguments.mount(bwrap, &path, mount);
    }
    arguments.bind_one("--chdir", workspace);
    arguments.flags(&["--"]);
    arguments.0
}

fn read_only(path: PathBuf) -> (PathBuf, Mount) {
    (path.clone(), Mount::ReadOnly { source: path })
}

#[derive(Default)]
struct Arguments(Vec<PathBuf>);

impl Arguments {
    fn flags(&mut self, flags: &[&str]) {
        self.0.extend(flags.iter().map(PathBuf::from));
    }

    fn bind_one(&mut self, flag: &str, path: &Path) {
        self.0.extend([PathBuf::from(flag), path.to_owned()]);
    }

    fn bind(&mut self, flag: &str, source: &Path, target: &Path) {
        self.0.extend([PathBuf::from(flag), source.to_owned(), target.to_owned()]);
    }

    fn mount(&mut self, bwrap: &Bubblewrap, path: &Path, mount: Mount) {
        match mount {
            Mount::Dev => self.bind_one("--dev", path),
            Mount::Writable => self.bind("--bind", path, path),
            Mount::ReadOnly { source } => self.bind("--ro-bind", &source, path),
            // Reads as empty; a device is the one empty file that is always there.
            Mount::Hide if path.is_file() => self.bind("--dev-bind", Path::new("/dev/null"), path),
            Mount::Hide if paths::is_real_directory(path) => {
                if bwrap.can_size() {
                    let scratch = path == Path::new(TEMPORARY) || path == Path::new("/var/tmp");
                    let bytes = if scratch { TMPFS_BYTES } else { HIDDEN_BYTES };
                    self.flags(&["--size", &bytes.to_string()]);
                }
                self.bind_one("--tmpfs", path);
            }
            Mount::Hide => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(confinement: &Confinement) -> String {
        let bwrap = Bubblewrap { program: "bwrap".into(), version: "0.8.0".into() };
        let arguments = arguments(&bwrap, confinement, &[]);
        arguments.iter().map(|part| part.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn mounts_parents_first() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let workspace = data.join("worktrees/1");
        std::fs::create_dir_all(&workspace).unwrap();
        std::fs::write(workspace.join(".git"), "gitdir: x").unwrap();
        let confinement = Confinement {
            workspace: workspace.clone(),
            hidden: vec![data.clone()],
            read_only: vec![directory.path().to_owned()],
            shares: vec![],
            network: false,
            marker: "m".into(),
        };
        let line = line(&confinement);
        let at = |needle: String| line.find(&needle).unwrap_or_else(|| panic!("{needle} not in {line}"));
        let order = [
            at("--tmpfs /tmp".into()),
            at(format!("--ro-bind {0} {0}", directory.path().display())),
            at(format!("--tmpfs {} ", data.display())),
            at(format!("--bind {0} {0}", workspace.display())),
            at(format!("--ro-bind {0}/.git {0}/.git", workspace.display())),
        ];
        assert!(order.is_sorted(), "{line}");
        assert!(line.contains("--unshare-net"));
        assert!(!self::line(&Confinement { network: true, ..confinement }).contains("--unshare-net"));
    }

    #[test]
    fn old_versions_get_no_size() {
        for (version, can) in [("0.6.2", false), ("0.7.0", true), ("0.11.0", true), ("1.0", true), ("?", false)] {
            assert_eq!(Bubblewrap { program: "bwrap".into(), version: version.into() }.can_size(), can, "{version}");
        }
    }
}
