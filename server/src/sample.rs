//! The sample project: a small real repository to try the board on when there is no other.
//!
//! A lighthouse in plain POSIX sh, with tests, and five cards: four that ship, each by another kind of
//! block and in any order, and one whose plan gate holds and says why.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::card_text::{CardText, card_text};

/// What its checks are run by.
pub const CHECK_COMMAND: &str = "sh tests/run.sh";
/// Its name on the board.
pub const NAME: &str = "lighthouse";
/// The branch that cards land on.
pub const BRANCH: &str = "main";
/// The message of its first commit.
pub const FIRST_COMMIT: &str =
    "Build a very small lighthouse\n\nA sample repository, made by Slipway to try the board on.";

macro_rules! lighthouse {
    ($($path:literal)+) => { [$(($path, include_str!(concat!("sample/lighthouse/", $path)))),+] };
}

/// Path within the repository, and text. `gitignore` gets its dot when it is written.
const FILES: [(&str, &str); 17] = lighthouse![
    "gitignore" "README.md" "lighthouse.sh" "lib/greeting.sh" "lib/lamp.sh" "lib/units.sh" "tests/run.sh"
    "tests/greeting_test.sh" "tests/lamp_test.sh" "tests/units_test.sh" "docs/ferries.md" "docs/weather.md"
    "log/1987.txt" "log/1988.txt" "attic/1989.txt" "attic/shopping-list.txt" "tools/index.sh"
];

/// In the order they stand in the backlog; the last one's plan gate holds.
const CARDS: [&str; 5] = [
    include_str!("sample/cards/1-night.md"),
    include_str!("sample/cards/2-knots.md"),
    include_str!("sample/cards/3-miles.md"),
    include_str!("sample/cards/4-attic.md"),
    include_str!("sample/cards/5-lamp.md"),
];

/// What making a repository needs of git.
pub trait SampleGit {
    /// Makes a repository in `directory`, whose first branch is `branch`.
    fn init(&self, directory: &Path, branch: &str) -> io::Result<()>;
    /// Commits everything in the working directory. Where the user has no identity yet, a neutral one will
    /// do: this commit is ours.
    fn commit_all(&self, directory: &Path, message: &str) -> io::Result<()>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleProject {
    pub path: PathBuf,
    pub check_command: &'static str,
    /// For the backlog, first card first.
    pub cards: Vec<CardText>,
    /// Whether it was made just now; else it was there already, and so may be its cards.
    pub fresh: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the sample project cannot be made in {}: {source}", path.display())]
pub struct SampleError {
    path: PathBuf,
    source: io::Error,
}

/// Makes the sample repository in `data_dir/sample/lighthouse`, or finds the one that is there. It appears
/// there whole or not at all, whenever the server is stopped. Blocks for some file operations.
pub fn make_sample(data_dir: &Path, git: &dyn SampleGit) -> Result<SampleProject, SampleError> {
    let path = data_dir.join("sample").join(NAME);
    let fresh = !path.exists();
    if fresh {
        let half_made = data_dir.join("sample").join(".half-made");
        build(&half_made, git)
            .and_then(|()| fs::rename(&half_made, &path))
            .map_err(|source| SampleError { path: path.clone(), source })?;
    }
    let cards = CARDS.iter().filter_map(|text| card_text(text)).collect();
    Ok(SampleProject { path, check_command: CHECK_COMMAND, cards, fresh })
}

fn build(directory: &Path, git: &dyn SampleGit) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir_all(directory)?,
    }
    for (name, text) in FILES {
        let name = if name == "gitignore" { ".gitignore" } else { name };
        let file = directory.join(name);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(file, text)?;
    }
    git.init(directory, BRANCH)?;
    git.commit_all(directory, FIRST_COMMIT)
}

#[cfg(test)]
mod tests;
