//! A person's machine as far as the product sees it, in a temporary directory.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A home directory with a git identity, and a place for the board's data.
pub struct Home {
    dir: TempDir,
}

impl Default for Home {
    fn default() -> Self {
        Home::new()
    }
}

impl Home {
    pub fn new() -> Home {
        let home = Home::without_identity();
        home.set_identity();
        home
    }

    /// A machine whose git does not know whose it is.
    pub fn without_identity() -> Home {
        let dir = tempfile::Builder::new().prefix("slipway-test-").tempdir().expect("a temporary directory");
        let home = Home { dir };
        fs::create_dir_all(home.home_dir()).expect("a home directory");
        home
    }

    pub fn set_identity(&self) {
        let config = "[user]\n\tname = Ada Tester\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n[protocol \"file\"]\n\tallow = always\n";
        fs::write(self.home_dir().join(".gitconfig"), config).expect("git's configuration is written");
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn home_dir(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A program in this person's environment: nothing of the machine's own settings but where tools are.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.path()).env("HOME", self.home_dir()).env("LANG", "C.UTF-8");
        command.env("GIT_CONFIG_NOSYSTEM", "1");
        for name in ["PATH", "TMPDIR", "SLIPWAY_SANDBOX", "RUSTUP_TOOLCHAIN"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let own_home = std::env::var_os("HOME").map(PathBuf::from);
        for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            let place =
                std::env::var_os(name).map(PathBuf::from).or_else(|| own_home.as_ref().map(|home| home.join(folder)));
            if let Some(place) = place {
                command.env(name, place);
            }
        }
        command
    }
}
