//! What the server sees of its own file system and of a repository there, before it is registered.

use serde::{Deserialize, Serialize};

use super::ProjectId;

/// Folders whose path begins as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderList {
    pub folders: Vec<Folder>,
    /// Why there are none, or not all, in a sentence.
    pub note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// Absolute; begins with `~` where the typed path did.
    pub path: String,
    pub repository: bool,
}

/// A repository that could become a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryLook {
    /// Absolute and without symlinks: what would be registered.
    pub path: String,
    /// The name that it would get.
    pub name: String,
    pub bare: bool,
    /// `None` when HEAD is detached.
    pub current_branch: Option<String>,
    /// A guess at where cards should land; `None` when a person has to say.
    pub base_branch: Option<String>,
    /// Local branches by name, not necessarily all.
    pub branches: Vec<String>,
    /// `commit.gpgSign` is on; the board's commits are not signed.
    pub wants_signing: bool,
    /// Files with uncommitted changes; `None` where they could not be counted in time.
    pub changes: Option<u32>,
    pub setup: Option<Guess>,
    pub check: Option<Guess>,
    /// The project that it is already.
    pub registered: Option<ProjectId>,
}

/// A command that the repository's files suggest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guess {
    pub command: String,
    /// The file that suggests it.
    pub from: String,
}

/// How a project is taken off the board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Stops agents that are at work; without it, they refuse the removal.
    pub stop_agents: bool,
    /// Deletes the branches and snapshots of cards even where they hold work that is nowhere else.
    pub discard_work: bool,
}
