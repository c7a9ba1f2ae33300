//! Looking at a repository without changing it: its branches, its uncommitted changes, the files at its top.

use std::path::Path;

use git2::{BranchType, StatusOptions};

use super::{Doing, GitError, branch_tip, lossy, open};

/// Local branches by name, at most `limit`; the others can still be typed.
pub fn branches(repository: &Path, limit: usize) -> Result<Vec<String>, GitError> {
    let repo = open(repository)?;
    let list = || -> Result<Vec<String>, git2::Error> {
        let mut names = Vec::new();
        for branch in repo.branches(Some(BranchType::Local))?.take(limit) {
            names.push(lossy(branch?.0.name_bytes()?));
        }
        names.sort_unstable();
        Ok(names)
    };
    list().doing("list the branches")
}

/// How many files have changes that are not committed, new files included; none in a bare repository.
pub fn changes(repository: &Path) -> Result<u32, GitError> {
    let repo = open(repository)?;
    if repo.is_bare() {
        return Ok(0);
    }
    let mut options = StatusOptions::new();
    // Without this, looking would write the index anew.
    options.include_untracked(true).update_index(false);
    let statuses = repo.statuses(Some(&mut options)).doing("look for uncommitted changes")?;
    Ok(u32::try_from(statuses.len()).unwrap_or(u32::MAX))
}

/// The names in the top folder of a branch, at most `limit`.
pub fn top_level(repository: &Path, branch: &str, limit: usize) -> Result<Vec<String>, GitError> {
    let repo = open(repository)?;
    let tip = branch_tip(&repo, branch)?;
    let tree = repo.find_commit(tip).and_then(|commit| commit.tree()).doing(format!("read branch `{branch}`"))?;
    Ok(tree.iter().take(limit).map(|entry| lossy(entry.name_bytes())).collect())
}

/// A text file of a branch; `None` when there is none, or it has more than `limit` bytes.
pub fn text(repository: &Path, branch: &str, path: &str, limit: usize) -> Option<String> {
    let repo = open(repository).ok()?;
    let tree = repo.find_commit(branch_tip(&repo, branch).ok()?).ok()?.tree().ok()?;
    let blob = repo.find_blob(tree.get_path(Path::new(path)).ok()?.id()).ok()?;
    (blob.size() <= limit).then(|| lossy(blob.content()))
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::Fixture, *};

    #[test]
    fn looking_sees_branches_changes_and_files() {
        let fixture = Fixture::new();
        fixture.git(&["branch", "topic/b"]);
        let repository = &fixture.repository;
        assert_eq!(branches(repository, 10).unwrap(), ["main", "topic/b"]);
        assert_eq!(branches(repository, 1).unwrap().len(), 1);
        assert_eq!(top_level(repository, "main", 10).unwrap(), [".gitignore", "a.txt", "run.sh", "src"]);
        assert!(top_level(repository, "trunk", 10).is_err());
        assert_eq!(text(repository, "main", "run.sh", 100).as_deref(), Some("#!/bin/sh\n"));
        assert_eq!(text(repository, "main", "run.sh", 3), None);
        assert_eq!(text(repository, "main", "src", 100), None);

        let index = std::fs::read(repository.join(".git/index")).unwrap();
        assert_eq!(changes(repository).unwrap(), 0);
        fixture.write("a.txt", "changed\n");
        fixture.write("new.txt", "new\n");
        fixture.write("build.log", "ignored\n");
        assert_eq!(changes(repository).unwrap(), 2);
        assert_eq!(std::fs::read(repository.join(".git/index")).unwrap(), index, "looking changes nothing");
    }
}
