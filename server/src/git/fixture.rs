//! Real repositories for tests, looked at with the real `git`.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::{Oid, commit::Identity};

/// A repository with a first commit on `main`, and room beside it for worktrees.
pub struct Fixture {
    pub directory: TempDir,
    pub repository: PathBuf,
}

impl Fixture {
    /// Three files: `a.txt`, `src/lib.rs` and an executable `run.sh`; `*.log` is ignored.
    pub fn new() -> Self {
        super::tune();
        let directory = TempDir::new().unwrap();
        let repository = directory.path().join("repo");
        fs::create_dir(&repository).unwrap();
        let fixture = Fixture { repository, directory };
        super::init(&fixture.repository, "main").unwrap();
        super::set_local_identity(&fixture.repository, &identity()).unwrap();
        fixture.write("a.txt", "one\ntwo\nthree\n");
        fixture.write("src/lib.rs", "pub fn one() -> u8 {\n    1\n}\n");
        fixture.write("run.sh", "#!/bin/sh\n");
        fixture.write(".gitignore", "*.log\n");
        make_executable(&fixture.repository.join("run.sh"));
        super::commit_all(&fixture.repository, "Start\n", &identity()).unwrap();
        fixture
    }

    /// Where a worktree can go.
    pub fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join("data").join(name)
    }

    /// Writes a file of the user's checkout.
    pub fn write(&self, path: &str, text: &str) {
        write(&self.repository, path, text);
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.repository.join(path)).unwrap()
    }

    pub fn tip(&self) -> Oid {
        super::base_tip(&self.repository, "main").unwrap()
    }

    pub fn tree(&self, commit: Oid) -> Oid {
        super::tree_of(&self.repository, commit).unwrap()
    }

    /// Runs git in the user's checkout and gives what it printed; panics when it fails.
    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.repository, arguments)
    }

    /// A worktree `card` on `slipway/1-card` from the base's tip.
    pub fn worktree(&self) -> PathBuf {
        let at = self.at("card");
        super::worktree::create(&self.repository, &at, "card", "slipway/1-card", self.tip()).unwrap();
        at
    }

    pub fn freeze(&self, at: &Path) -> Oid {
        super::snapshot::write_tree(&self.repository, at, "card").unwrap()
    }

    /// Commits what `edit` does to a fresh worktree, on the card's branch.
    pub fn card_commit(&self, edit: impl FnOnce(&Path)) -> Oid {
        let at = self.worktree();
        edit(&at);
        let tree = self.freeze(&at);
        super::commit::commit(&self.repository, "slipway/1-card", tree, self.tip(), "Card\n").unwrap()
    }

    /// Everything is sound: objects, links, refs, and the checkout has nothing to say.
    pub fn assert_sound(&self) {
        self.git(&["fsck", "--strict", "--no-dangling"]);
        assert_eq!(self.git(&["status", "--porcelain"]), "");
    }
}

pub fn identity() -> Identity {
    Identity { name: "Ada".to_owned(), email: "ada@example.com".to_owned() }
}

pub fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub fn make_executable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

pub fn git(at: &Path, arguments: &[&str]) -> String {
    let (succeeded, output) = try_git(at, arguments);
    assert!(succeeded, "git {arguments:?} failed: {output}");
    output
}

pub fn try_git(at: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("git")
        .arg("-C")
        .arg(at)
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env_remove("GIT_DIR")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}
