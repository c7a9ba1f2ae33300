//! Which paths a command must not see, and how what it may see is prepared around a run.

use std::{
    io,
    path::{Path, PathBuf},
};

use cap_std::{ambient_authority, fs::Dir};

use super::Confinement;

/// What people keep secrets in, below their home directory. Toolchains beside them stay readable.
pub const SECRETS: &[&str] = &[
    ".ssh",
    ".gnupg",
    ".password-store",
    ".pki",
    ".netrc",
    ".git-credentials",
    ".config/git/credentials",
    ".config/gh",
    ".config/hub",
    ".config/glab-cli",
    ".aws",
    ".azure",
    ".config/gcloud",
    ".config/doctl",
    ".config/op",
    ".config/rclone",
    ".config/sops",
    ".oci",
    ".docker",
    ".config/containers",
    ".kube",
    ".terraform.d",
    ".vault-token",
    ".npmrc",
    ".yarnrc.yml",
    ".pypirc",
    ".config/pypoetry",
    ".gem/credentials",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".m2/settings.xml",
    ".m2/settings-security.xml",
    ".gradle/gradle.properties",
    ".pgpass",
    ".my.cnf",
    ".claude",
    ".claude.json",
    ".codex",
    ".gemini",
    ".config/github-copilot",
    ".config/opencode",
    ".local/share/opencode",
    ".local/share/keyrings",
    ".local/share/kwalletd",
    ".mozilla",
    ".thunderbird",
    ".config/google-chrome",
    ".config/chromium",
    ".config/BraveSoftware",
    ".config/microsoft-edge",
    ".bash_history",
    ".zsh_history",
    ".psql_history",
    ".mysql_history",
    ".python_history",
    ".node_repl_history",
    ".local/share/fish/fish_history",
];

/// The same below a `CARGO_HOME` that is elsewhere.
const CARGO_SECRETS: &[&str] = &["credentials", "credentials.toml"];

/// Those of [`SECRETS`] that this machine has, resolved.
pub(super) fn secrets() -> Vec<PathBuf> {
    let home = std::env::home_dir().filter(|home| home.is_absolute() && home.parent().is_some());
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from).filter(|cargo| cargo.is_absolute());
    let in_home = home.iter().flat_map(|home| SECRETS.iter().map(|secret| home.join(secret)));
    let in_cargo = cargo.iter().flat_map(|cargo| CARGO_SECRETS.iter().map(|secret| cargo.join(secret)));
    in_home.chain(in_cargo).filter_map(|path| path.canonicalize().ok()).collect()
}

/// A directory that is not a symbolic link.
pub(super) fn is_real_directory(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
}

/// Resolves symbolic links, so that every mode confines the same places. What does not exist needs neither
/// hiding nor protecting; a workspace or a share that does not exist is an error.
pub(super) fn resolve(confinement: &Confinement) -> io::Result<Confinement> {
    let workspace = confinement.workspace.canonicalize()?;
    let existing = |paths: &[PathBuf]| paths.iter().filter_map(|path| path.canonicalize().ok()).collect::<Vec<_>>();
    let mut shares = Vec::new();
    for (source, target) in &confinement.shares {
        let inside = target.strip_prefix(&confinement.workspace).or_else(|_| target.strip_prefix(&workspace));
        let inside = match inside {
            Ok(inside) if inside.components().all(|part| matches!(part, std::path::Component::Normal(_))) => inside,
            _ => {
                return Err(io::Error::other(format!("{} is not inside the workspace", target.display())));
            }
        };
        shares.push((source.canonicalize()?, workspace.join(inside)));
    }
    Ok(Confinement {
        read_only: existing(&confinement.read_only),
        hidden: existing(&confinement.hidden).into_iter().filter(|path| *path != workspace).collect(),
        workspace,
        shares,
        network: confinement.network,
        marker: confinement.marker.clone(),
    })
}

/// How shares appear inside the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Appear {
    /// An empty place that bubblewrap mounts over.
    MountPoint,
    /// A symbolic link to the source.
    Link,
}

/// What was made in the workspace for the time of one run. Dropping it takes all of that away again, and
/// puts the workspace's `.git` file back if a command changed it.
pub(super) struct Prepared {
    workspace: Dir,
    /// Relative to the workspace, parents first.
    made: Vec<PathBuf>,
    /// The `.git` file of a worktree, as it must be afterwards.
    git: Option<Vec<u8>>,
}

impl Prepared {
    /// Goes through a handle on the workspace: links that an agent left in it lead nowhere else.
    pub fn new(confinement: &Confinement, appear: Appear) -> io::Result<Prepared> {
        let workspace = Dir::open_ambient_dir(&confinement.workspace, ambient_authority())?;
        let git = workspace.symlink_metadata(".git").ok().filter(|metadata| metadata.is_file());
        let git = git.map(|_| workspace.read(".git")).transpose()?;
        let mut prepared = Prepared { workspace, made: Vec::new(), git };
        for (source, target) in &confinement.shares {
            let inside = target.strip_prefix(&confinement.workspace).map_err(io::Error::other)?.to_owned();
            prepared.place(source, &inside, appear)?;
        }
        Ok(prepared)
    }

    fn place(&mut self, source: &Path, inside: &Path, appear: Appear) -> io::Result<()> {
        let parents: Vec<&Path> = inside.ancestors().skip(1).filter(|path| !path.as_os_str().is_empty()).collect();
        for parent in parents.into_iter().rev() {
            self.directory(parent)?;
        }
        match appear {
            Appear::Link => {
                self.workspace.symlink_contents(source, inside)?;
                self.made.push(inside.to_owned());
                Ok(())
            }
            Appear::MountPoint if source.is_dir() => self.directory(inside),
            Appear::MountPoint => match self.workspace.symlink_metadata(inside) {
                Ok(there) if there.is_file() => Ok(()),
                Ok(_) => Err(in_the_way(inside)),
                Err(_) => {
                    self.workspace.write(inside, b"")?;
                    self.made.push(inside.to_owned());
                    Ok(())
                }
            },
        }
    }

    fn directory(&mut self, inside: &Path) -> io::Result<()> {
        match self.workspace.symlink_metadata(inside) {
            Ok(there) if there.is_dir() => Ok(()),
            Ok(_) => Err(in_the_way(inside)),
            Err(_) => {
                self.workspace.create_dir(inside)?;
                self.made.push(inside.to_owned());
                Ok(())
            }
        }
    }

    /// True when the command had changed the `.git` file.
    fn restore_git(&self) -> io::Result<bool> {
        let Some(before) = &self.git else {
            return Ok(false);
        };
        let metadata = self.workspace.symlink_metadata(".git").ok();
        if metadata.as_ref().is_some_and(|now| now.is_file()) && self.workspace.read(".git")? == *before {
            return Ok(false);
        }
        match metadata {
            Some(now) if now.is_dir() => self.workspace.remove_dir_all(".git")?,
            Some(_) => self.workspace.remove_file(".git")?,
            None => {}
        }
        self.workspace.write(".git", before)?;
        Ok(true)
    }
}

fn in_the_way(inside: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is in the way of a share", inside.display()))
}

impl Drop for Prepared {
    fn drop(&mut self) {
        match self.restore_git() {
            Ok(false) => {}
            Ok(true) => {
                tracing::warn!("a command changed its workspace's .git file; it was put back")
            }
            Err(error) => tracing::error!(%error, "a workspace's .git file could not be put back"),
        }
        // Only what is still ours goes: a link, an empty file, an empty directory.
        for inside in self.made.iter().rev() {
            let Ok(there) = self.workspace.symlink_metadata(inside) else {
                continue;
            };
            let removed = match there {
                there if there.is_dir() => self.workspace.remove_dir(inside),
                there if there.is_symlink() || there.len() == 0 => self.workspace.remove_file(inside),
                _ => Ok(()),
            };
            if let Err(error) = removed {
                tracing::debug!(%error, path = %inside.display(), "a share's place stays");
            }
        }
    }
}
