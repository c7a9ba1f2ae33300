//! Everything the board does to a git repository, through libgit2. Nothing else in the product uses git2.
//!
//! Synchronous functions over paths and ids; each opens the repository itself, so nothing is held between
//! calls and a caller may run them on any blocking thread. Read in this order: [`worktree`] gives a card
//! its files, [`snapshot`] freezes what it made of them, [`diff`] shows it, [`commit`] records it, [`land`]
//! moves the base branch, [`refs`] tidies up.
//!
//! What holds everywhere here, by absence: no hook and no external filter is run (libgit2 knows neither),
//! no credential is read, and nothing inside a card's worktree says where its repository is. The
//! repository is always opened by the path under which the user registered it, and a worktree by its
//! administrative directory (`worktrees/<name>` in there), which agents can't write to.

use std::{
    ffi::c_int,
    fmt, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

pub use self::{commit::CommitError, diff::Diff};
pub use git2::Oid;
use git2::{ErrorCode, IndexAddOption, Repository, RepositoryInitOptions};

use self::commit::Identity;

pub mod commit;
pub mod diff;
mod files;
pub mod land;
pub mod look;
mod ref_lock;
pub mod refs;
pub mod sample;
pub mod snapshot;
pub mod worktree;

#[cfg(test)]
pub mod fixture;

/// Bytes of unpacked objects that libgit2 may keep. Repositories are opened per call, so a large cache
/// would outlive its use; the server is to idle below 25 MB.
const OBJECT_CACHE_BYTES: isize = 4 << 20;

/// Bytes of one mapped window into a pack file. Small windows keep resident memory small.
const PACK_WINDOW_BYTES: usize = 4 << 20;

/// Bytes of pack files that may be mapped at once, over all windows.
const PACK_MAPPED_BYTES: usize = 64 << 20;

/// Sets libgit2 up for the whole process: writes to a git directory reach the disk before they are
/// reported, caches are small, and repositories whose worktrees have relative paths
/// (`extensions.relativeWorktrees`, git 2.48) open. Call it once, before any other function here.
pub fn tune() {
    // SAFETY: these change process-wide settings of libgit2 and are called before any other thread uses it.
    // The last has no name in git2; its variadic argument is an int (libgit2's `common.h`).
    let tuned = unsafe {
        git2::opts::set_cache_max_size(OBJECT_CACHE_BYTES)
            .and_then(|()| git2::opts::set_mwindow_size(PACK_WINDOW_BYTES))
            .and_then(|()| git2::opts::set_mwindow_mapped_limit(PACK_MAPPED_BYTES))
            .and_then(|()| git2::opts::set_extensions(&["relativeworktrees"]))
            .map(|()| libgit2_sys::git_libgit2_opts(libgit2_sys::GIT_OPT_ENABLE_FSYNC_GITDIR as c_int, 1 as c_int))
    };
    if !matches!(tuned, Ok(0)) {
        tracing::warn!(?tuned, "libgit2 didn't take all its settings");
    }
}

/// An operation on a repository that failed, and why. Its message is a sentence for a person.
#[derive(Debug, thiserror::Error)]
#[error("Could not {doing}: {source}")]
pub struct GitError {
    /// What was being done, to read after "Could not".
    pub doing: String,
    pub source: Cause,
}

/// Why.
#[derive(Debug)]
pub enum Cause {
    Git(git2::Error),
    Io(io::Error),
    /// Something here declined to go on; the text says what to do.
    Refused(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Git(error) => f.write_str(error.message()),
            Cause::Io(error) => error.fmt(f),
            Cause::Refused(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Cause {}

impl From<git2::Error> for Cause {
    fn from(error: git2::Error) -> Self {
        Cause::Git(error)
    }
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        Cause::Io(error)
    }
}

impl GitError {
    fn refused(doing: impl Into<String>, why: impl Into<String>) -> Self {
        GitError { doing: doing.into(), source: Cause::Refused(why.into()) }
    }
}

/// Says what was being done when a step failed.
trait Doing<T> {
    fn doing(self, what: impl Into<String>) -> Result<T, GitError>;
}

impl<T, E: Into<Cause>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl Into<String>) -> Result<T, GitError> {
        self.map_err(|error| GitError { doing: what.into(), source: error.into() })
    }
}

/// What a path turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The canonical working directory, or the git directory of a bare repository.
    pub root: PathBuf,
    pub bare: bool,
    /// `None` when HEAD is detached.
    pub current_branch: Option<String>,
    /// A guess at where work should land: the current branch, else `main` or `master`.
    pub base_branch: Option<String>,
    /// `commit.gpgSign` is on; the board's commits are not signed.
    pub wants_signing: bool,
}

/// Why a path can't be a project.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    #[error("{} does not exist. Check the path.", .0.display())]
    NoSuchPath(PathBuf),
    #[error("{} is not inside a git repository. Run `git init` there, or choose another folder.", .0.display())]
    NotARepository(PathBuf),
    #[error("{} has no commit yet. Make a first one: `git commit --allow-empty -m \"Start\"`.", .0.display())]
    Unborn(PathBuf),
    #[error("{} can't be read as a git repository: {}", path.display(), source.message())]
    Unreadable { path: PathBuf, source: git2::Error },
}

/// Finds the repository that `path` is in: a working directory or a folder below it, a linked worktree, or
/// a bare repository.
pub fn inspect(path: &Path) -> Result<Inspection, InspectError> {
    if !path.exists() {
        return Err(InspectError::NoSuchPath(path.to_owned()));
    }
    let unreadable = |source: git2::Error| InspectError::Unreadable { path: path.to_owned(), source };
    let found = Repository::discover(path);
    let repo = found.map_err(|error| match error.code() {
        ErrorCode::NotFound => InspectError::NotARepository(path.to_owned()),
        _ => unreadable(error),
    })?;
    let root = repo.workdir().unwrap_or_else(|| repo.path());
    let root = fs::canonicalize(root).map_err(|error| unreadable(git2::Error::from_str(&error.to_string())))?;
    let current_branch = current_branch(&repo).map_err(unreadable)?;
    let has_commit = |branch: &str| repo.find_branch(branch, git2::BranchType::Local).is_ok();
    let base_branch = current_branch
        .clone()
        .into_iter()
        .chain(["main".to_owned(), "master".to_owned()])
        .find(|branch| has_commit(branch));
    if base_branch.is_none() && repo.head().is_err_and(|error| error.code() == ErrorCode::UnbornBranch) {
        return Err(InspectError::Unborn(root));
    }
    let wants_signing =
        repo.config().and_then(|mut config| config.snapshot()?.get_bool("commit.gpgsign")).unwrap_or(false);
    Ok(Inspection { bare: repo.is_bare(), root, current_branch, base_branch, wants_signing })
}

/// The branch that HEAD names, whether or not it has a commit.
fn current_branch(repo: &Repository) -> Result<Option<String>, git2::Error> {
    let head = repo.find_reference("HEAD")?;
    let target = head.symbolic_target_bytes().map(|name| String::from_utf8_lossy(name).into_owned());
    Ok(target.and_then(|name| name.strip_prefix("refs/heads/").map(str::to_owned)))
}

/// The commit at the tip of a local branch.
pub fn base_tip(repository: &Path, branch: &str) -> Result<Oid, GitError> {
    let repo = open(repository)?;
    branch_tip(&repo, branch)
}

fn branch_tip(repo: &Repository, branch: &str) -> Result<Oid, GitError> {
    let doing = || format!("find the tip of branch `{branch}`");
    match repo.find_reference(&format!("refs/heads/{branch}")) {
        Ok(reference) => Ok(reference.peel_to_commit().doing(doing())?.id()),
        Err(error) if error.code() == ErrorCode::NotFound => {
            Err(GitError::refused(doing(), "there is no such branch; create it or choose another base branch"))
        }
        Err(error) => Err(error).doing(doing()),
    }
}

/// The tree of a commit.
pub fn tree_of(repository: &Path, commit: Oid) -> Result<Oid, GitError> {
    let repo = open(repository)?;
    let commit = repo.find_commit(commit).doing(format!("read commit {commit}"))?;
    Ok(commit.tree_id())
}

/// Whether a tree holds a file, symlink, submodule or directory at each of the paths (relative, `/` between
/// parts), in their order.
pub fn existing(repository: &Path, tree: Oid, paths: &[String]) -> Result<Vec<bool>, GitError> {
    let repo = open(repository)?;
    let tree = repo.find_tree(tree).doing(format!("read tree {tree}"))?;
    Ok(paths.iter().map(|path| tree.get_path(Path::new(path)).is_ok()).collect())
}

/// The directory that all worktrees of a repository share: objects, refs, configuration.
pub fn git_dir(repository: &Path) -> Result<PathBuf, GitError> {
    let repo = open(repository)?;
    fs::canonicalize(repo.commondir()).doing(format!("find the git directory of {}", repository.display()))
}

/// Makes an empty repository whose first branch is `branch`. The user's templates (and the hooks in them)
/// are left out.
pub fn init(at: &Path, branch: &str) -> Result<(), GitError> {
    let mut options = RepositoryInitOptions::new();
    options.initial_head(branch).external_template(false).no_reinit(true);
    Repository::init_opts(at, &options).doing(format!("make a repository at {}", at.display()))?;
    Ok(())
}

/// Commits every file of the working directory that isn't ignored on the current branch.
pub fn commit_all(at: &Path, message: &str, identity: &Identity) -> Result<Oid, GitError> {
    let repo = open(at)?;
    let commit = || -> Result<Oid, git2::Error> {
        // Collected in memory and written as one pack: a file for each object would be an fsync for each.
        let objects = repo.odb()?;
        let collected = objects.add_new_mempack_backend(snapshot::MEMORY_FIRST)?;
        let mut index = repo.index()?;
        index.add_all(["*"], IndexAddOption::DEFAULT, None)?;
        let tree = repo.find_tree(index.write_tree()?)?;
        let by = git2::Signature::now(&identity.name, &identity.email)?;
        let parent = repo.head().ok().map(|head| head.peel_to_commit()).transpose()?;
        let id = repo.commit(None, &by, &by, message, &tree, parent.as_ref().as_slice())?;
        let mut pack = git2::Buf::new();
        collected.dump(&repo, &mut pack)?;
        let mut writer = objects.packwriter()?;
        writer.write_all(&pack).map_err(|error| git2::Error::from_str(&error.to_string()))?;
        writer.commit()?;
        collected.reset()?;
        // Last, so that neither names an object that a crash has kept from the disk.
        index.write()?;
        let branch = repo.find_reference("HEAD")?.symbolic_target()?.unwrap_or("HEAD").to_owned();
        repo.reference(&branch, id, true, message)?;
        Ok(id)
    };
    commit().doing(format!("commit the files of {}", at.display()))
}

/// Sets `user.name` and `user.email` in the repository's own configuration.
pub fn set_local_identity(at: &Path, identity: &Identity) -> Result<(), GitError> {
    let repo = open(at)?;
    let set = || -> Result<(), git2::Error> {
        let mut local = repo.config()?.open_level(git2::ConfigLevel::Local)?;
        local.set_str("user.name", &identity.name)?;
        local.set_str("user.email", &identity.email)
    };
    set().doing(format!("set who commits in {}", at.display()))
}

/// Opens a registered repository.
fn open(repository: &Path) -> Result<Repository, GitError> {
    Repository::open(repository).doing(format!("open the repository at {}", repository.display()))
}

/// Whether `error` says that something isn't there.
fn is_missing(error: &git2::Error) -> bool {
    error.code() == ErrorCode::NotFound
}

/// A path as git stores it: bytes, `/` between parts.
#[cfg(unix)]
fn path_from_bytes(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path_from_bytes(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{
        fixture::{Fixture, git, identity},
        *,
    };

    #[test]
    fn inspect_finds_the_repository_from_anywhere_in_it() {
        let fixture = Fixture::new();
        let root = fs::canonicalize(&fixture.repository).unwrap();
        let expected = Inspection {
            root: root.clone(),
            bare: false,
            current_branch: Some("main".to_owned()),
            base_branch: Some("main".to_owned()),
            wants_signing: false,
        };
        assert_eq!(inspect(&root).unwrap(), expected);
        assert_eq!(inspect(&root.join("src")).unwrap(), expected);

        let linked = fixture.at("linked");
        fixture.git(&["worktree", "add", "-q", "-b", "topic", linked.to_str().unwrap()]);
        let found = inspect(&linked).unwrap();
        assert_eq!((found.root, found.base_branch.as_deref()), (fs::canonicalize(&linked).unwrap(), Some("topic")));
        assert_eq!(git_dir(&linked).unwrap(), root.join(".git"));

        fixture.git(&["config", "commit.gpgsign", "true"]);
        fixture.git(&["checkout", "-q", "--detach"]);
        let found = inspect(&root).unwrap();
        assert_eq!((found.current_branch, found.base_branch.as_deref()), (None, Some("main")));
        assert!(found.wants_signing);
    }

    #[test]
    fn inspect_finds_a_bare_repository() {
        let fixture = Fixture::new();
        let bare = fixture.directory.path().join("bare.git");
        fixture.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
        let found = inspect(&bare).unwrap();
        assert!(found.bare);
        assert_eq!(found.root, fs::canonicalize(&bare).unwrap());
        assert_eq!(base_tip(&found.root, "main").unwrap(), fixture.tip());
    }

    #[test]
    fn inspect_says_what_is_wrong() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path();
        assert!(matches!(inspect(path), Err(InspectError::NotARepository(_))));
        assert!(matches!(inspect(&path.join("missing")), Err(InspectError::NoSuchPath(_))));
        git(path, &["init", "-q", "-b", "main"]);
        let error = inspect(path).unwrap_err();
        assert!(matches!(error, InspectError::Unborn(_)));
        assert!(error.to_string().contains("git commit"), "{error}");
        fs::write(path.join(".git/config"), "[core]\n\trepositoryformatversion = 9\n").unwrap();
        assert!(matches!(inspect(path), Err(InspectError::Unreadable { .. })));
    }

    #[test]
    fn a_missing_branch_is_named() {
        let fixture = Fixture::new();
        let error = base_tip(&fixture.repository, "trunk").unwrap_err().to_string();
        assert!(error.contains("`trunk`") && error.contains("no such branch"), "{error}");
    }

    #[test]
    fn paths_are_looked_up_in_trees() {
        let fixture = Fixture::new();
        let tree = fixture.tree(fixture.tip());
        for (path, expected) in [("src/lib.rs", true), ("src", true), ("src/nope", false), ("a.txt/b", false)] {
            let found = existing(&fixture.repository, tree, &[path.to_owned()]).unwrap();
            assert_eq!(found, [expected], "{path}");
            assert_eq!(existing(&fixture.repository, tree, &[path.to_owned()]).unwrap(), [expected], "{path}");
        }
    }

    #[test]
    fn a_made_repository_is_an_ordinary_one() {
        let fixture = Fixture::new();
        fixture.assert_sound();
        assert_eq!(fixture.git(&["log", "-1", "--format=%an <%ae> %s"]), "Ada <ada@example.com> Start\n");
        assert_eq!(fixture.git(&["branch", "--show-current"]), "main\n");
        let mut hooks = fs::read_dir(fixture.repository.join(".git/hooks")).unwrap();
        assert!(hooks.all(|hook| hook.unwrap().path().extension().is_some_and(|sample| sample == "sample")));
        fixture.write("b.txt", "b\n");
        let second = commit_all(&fixture.repository, "Second\n", &identity()).unwrap();
        assert_eq!(fixture.git(&["rev-list", "--count", &second.to_string()]), "2\n");
    }
}
