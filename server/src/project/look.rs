//! Looks at a repository before it becomes a project, and changes nothing in it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use slipway_app::model::RepositoryLook;

use super::{
    RegisterError,
    folders::patiently,
    guess::{Guesses, TopLevel, guess},
    name_of,
};
use crate::git;

/// Branches offered to choose from; any other can be typed.
const BRANCHES: usize = 500;
/// Names in the repository's top folder that a guess goes by.
const NAMES: usize = 2_000;
/// Bytes of a file that a guess reads.
const FILE_BYTES: usize = 256 * 1024;
/// How long a look may take before the person is told that the disk is slow.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long uncommitted changes are counted: in a very large checkout, not knowing is better than waiting.
const COUNT_PATIENCE: Duration = Duration::from_secs(2);

/// What is at `path`, which must be absolute. Whether it is registered already is for the caller to say.
pub async fn look(path: PathBuf) -> Result<RepositoryLook, RegisterError> {
    if !path.is_absolute() {
        return Err(RegisterError::NotARepository("Start the path with / or ~/.".to_owned()));
    }
    let slow =
        || RegisterError::NotARepository("That folder does not answer. Its disk may be away; try again.".to_owned());
    let seen = patiently(PATIENCE, move || see(&path)).await.ok_or_else(slow)??;
    let root = PathBuf::from(&seen.path);
    let changes = patiently(COUNT_PATIENCE, move || git::look::changes(&root).ok()).await.flatten();
    Ok(RepositoryLook { changes, ..seen })
}

fn see(path: &Path) -> Result<RepositoryLook, RegisterError> {
    let seen = git::inspect(path).map_err(|error| RegisterError::NotARepository(error.to_string()))?;
    let Some(root) = seen.root.to_str().map(str::to_owned) else { return Err(RegisterError::path_not_unicode()) };
    let branches = git::look::branches(&seen.root, BRANCHES);
    let branches = branches.map_err(|error| RegisterError::NotARepository(error.to_string()))?;
    let Guesses { setup, check } =
        seen.base_branch.as_deref().map(|branch| guesses(&seen.root, branch)).unwrap_or_default();
    Ok(RepositoryLook {
        name: name_of(&root),
        path: root,
        bare: seen.bare,
        current_branch: seen.current_branch,
        base_branch: seen.base_branch,
        branches,
        wants_signing: seen.wants_signing,
        changes: None,
        setup,
        check,
        registered: None,
    })
}

/// From the files of the branch and not of the checkout: agents start from the branch.
fn guesses(root: &Path, branch: &str) -> Guesses {
    let names = git::look::top_level(root, branch, NAMES).unwrap_or_default();
    guess(&TopLevel { names: &names, read: &|path| git::look::text(root, branch, path, FILE_BYTES) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::fixture::{Fixture, git};

    #[tokio::test]
    async fn a_repository_says_what_it_is() {
        let fixture = Fixture::new();
        fixture.write("package.json", r#"{"scripts":{"test":"node --test"}}"#);
        fixture.write("package-lock.json", "{}");
        fixture.git(&["add", "."]);
        fixture.git(&["commit", "-qm", "Package"]);
        fixture.git(&["branch", "topic"]);
        fixture.write("a.txt", "changed\n");
        let seen = look(fixture.repository.join("src")).await.unwrap();
        assert_eq!((seen.name.as_str(), seen.bare, seen.changes), ("repo", false, Some(1)));
        assert_eq!((seen.current_branch.as_deref(), seen.base_branch.as_deref()), (Some("main"), Some("main")));
        assert_eq!(seen.branches, ["main", "topic"]);
        assert_eq!(
            seen.check.map(|guess| (guess.command, guess.from)),
            Some(("npm test".into(), "package.json".into()))
        );
        assert_eq!(seen.setup.map(|guess| guess.from).as_deref(), Some("package-lock.json"));

        fixture.git(&["checkout", "-qf", "--detach"]);
        fixture.git(&["branch", "-m", "main", "trunk"]);
        fixture.git(&["config", "commit.gpgsign", "true"]);
        let seen = look(fixture.repository.clone()).await.unwrap();
        assert_eq!((seen.current_branch, seen.base_branch, seen.check), (None, None, None));
        assert!(seen.wants_signing);
    }

    #[tokio::test]
    async fn a_bare_repository_is_guessed_from_its_branch() {
        let fixture = Fixture::new();
        fixture.write("Cargo.toml", "[package]\n");
        fixture.git(&["add", "."]);
        fixture.git(&["commit", "-qm", "Crate"]);
        let bare = fixture.directory.path().join("bare.git");
        fixture.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
        let seen = look(bare).await.unwrap();
        assert!(seen.bare);
        assert_eq!((seen.changes, seen.name.as_str()), (Some(0), "bare.git"));
        assert_eq!(seen.check.map(|guess| guess.command).as_deref(), Some("cargo test"));
    }

    #[tokio::test]
    async fn what_is_none_says_why() {
        let directory = tempfile::TempDir::new().unwrap();
        let why = async |path: PathBuf| look(path).await.unwrap_err().to_string();
        assert!(why(directory.path().to_owned()).await.contains("not inside a git repository"));
        assert!(why(directory.path().join("gone")).await.contains("does not exist"));
        assert!(why(PathBuf::from("code")).await.contains("Start the path with"));
        git(directory.path(), &["init", "-q", "-b", "main"]);
        assert!(why(directory.path().to_owned()).await.contains("no commit yet"));
    }
}
