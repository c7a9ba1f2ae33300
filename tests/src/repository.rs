//! Real repositories, through the real `git`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::Home;

/// A repository with a checkout of `main`.
pub struct Repository<'h> {
    home: &'h Home,
    path: PathBuf,
}

impl<'h> Repository<'h> {
    /// A fresh repository with one commit of these files.
    pub fn new(home: &'h Home, name: &str, files: &[(&str, &str)]) -> Repository<'h> {
        let repository = Repository::empty(home, name);
        for (path, content) in files {
            repository.write(path, content);
        }
        repository.commit("Start");
        repository
    }

    /// A repository without a commit yet.
    pub fn empty(home: &'h Home, name: &str) -> Repository<'h> {
        let path = home.path().join(name);
        fs::create_dir_all(&path).expect("a directory for the repository");
        let repository = Repository { home, path };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn text(&self) -> &str {
        self.path.to_str().expect("a temporary path is Unicode")
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let file = self.path.join(path);
        fs::create_dir_all(file.parent().expect("a file has a folder")).expect("the folder is made");
        fs::write(file, content).expect("the file is written");
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Commits everything, as a person who is not the board's.
    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&[
            "-c",
            "user.name=Grace",
            "-c",
            "user.email=grace@example.org",
            "commit",
            "--quiet",
            "--message",
            message,
        ]);
    }

    /// What git prints, without the line break at its end.
    ///
    /// # Panics
    /// When git fails.
    pub fn git(&self, words: &[&str]) -> String {
        let output = self.home.command("git").current_dir(&self.path).args(words).output().expect("git runs");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "git {words:?}: {err}{out}");
        out.trim_end().to_owned()
    }

    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Commits on any branch that carry the card's trailer.
    pub fn commits_of(&self, card: &str) -> Vec<String> {
        let format = "--format=%H %(trailers:key=Slipway-Card,valueonly,separator=%x2C)";
        let log = self.git(&["log", "--branches", format]);
        let own = log.lines().filter_map(|line| line.split_once(' ')).filter(|(_, trailer)| *trailer == card);
        own.map(|(commit, _)| commit.to_owned()).collect()
    }

    /// Nothing in it is broken, and the checkout has no changes.
    pub fn assert_sound(&self) {
        self.git(&["fsck", "--strict", "--no-dangling"]);
        assert_eq!(self.git(&["status", "--porcelain"]), "", "the checkout has changes");
    }
}
