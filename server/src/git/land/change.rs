//! What a landing changes, path by path.

use std::path::PathBuf;

use git2::{DiffOptions, FileMode, Oid, Repository};

use super::{super::path_from_bytes, GitError, Intent};
use crate::git::Doing;

/// A path whose content or mode differs between base and target.
pub(super) struct Change {
    /// As git stores it.
    pub name: Vec<u8>,
    pub path: PathBuf,
    pub old: Option<Entry>,
    pub new: Option<Entry>,
}

/// What a tree holds at a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub id: Oid,
    pub mode: FileMode,
}

impl Entry {
    /// A submodule's commit: its files are the user's to update, as with `git merge`.
    pub fn is_submodule(self) -> bool {
        self.mode == FileMode::Commit
    }
}

impl Change {
    /// The same change the other way.
    pub fn reversed(&self) -> Change {
        Change { name: self.name.clone(), path: self.path.clone(), old: self.new, new: self.old }
    }

    fn decides_attributes(&self) -> bool {
        self.path.file_name().is_some_and(|name| name == ".gitattributes")
    }
}

/// All changes from base to target, in the order in which they are made: what goes, then what comes (a file
/// may make room for a directory, or the reverse), and attributes last, so that until then a file that is
/// still old hashes as it did.
pub(super) fn between(repo: &Repository, intent: &Intent) -> Result<Vec<Change>, GitError> {
    let compare = || -> Result<Vec<Change>, git2::Error> {
        let old = repo.find_commit(intent.base_before)?.tree()?;
        let new = repo.find_commit(intent.target)?.tree()?;
        let mut options = DiffOptions::new();
        options.include_typechange(true).skip_binary_check(true);
        let diff = repo.diff_tree_to_tree(Some(&old), Some(&new), Some(&mut options))?;
        let entry = |file: git2::DiffFile<'_>| {
            let found = file.exists() && !file.id().is_zero();
            found.then(|| Entry { id: file.id(), mode: file.mode() })
        };
        let changes = diff.deltas().map(|delta| {
            let name = delta.new_file().path_bytes().or(delta.old_file().path_bytes()).unwrap_or_default().to_vec();
            let path = path_from_bytes(&name);
            Change { name, path, old: entry(delta.old_file()), new: entry(delta.new_file()) }
        });
        let mut changes: Vec<Change> = changes.collect();
        changes.sort_by_key(|change| (change.decides_attributes(), change.new.is_some()));
        Ok(changes)
    };
    compare().doing(format!("compare {} with {}", intent.base_before, intent.target))
}
