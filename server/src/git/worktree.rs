//! A card's files: a real linked worktree outside the repository, and disposable checkouts of a snapshot.
//!
//! A linked worktree is two things (gitrepository-layout(5)): the directory with the files, whose `.git` is
//! a one-line file, and an administrative directory `worktrees/<name>` in the repository's git directory.
//! Only the second is ever read here. An agent can rewrite the first; it says nothing that we believe.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use git2::{Oid, Repository, build::CheckoutBuilder};

use super::{Doing, GitError, files, open, ref_lock};

/// A file that we write into the administrative directories that are ours, so that a worktree of the user's
/// is never taken for one of them.
const OURS: &str = "slipway";

/// Makes a linked worktree at `at` on `branch`, with the files of commit `base`, or brings the one that is
/// there (whole or half made) to that state: the branch moves to `base`, tracked files are reset, untracked
/// files go, ignored files stay. The directory that holds `at` must exist or be creatable.
///
/// Refuses when the branch is checked out elsewhere, or another worktree goes by that name.
pub fn create(repository: &Path, at: &Path, name: &str, branch: &str, base: Oid) -> Result<(), GitError> {
    let doing = || format!("make the worktree of branch `{branch}`");
    let repo = open(repository)?;
    let at = place(&repo, at)?;
    let reference = format!("refs/heads/{branch}");
    for checkout in checkouts(&repo)? {
        if checkout.head.as_deref() == Some(reference.as_bytes()) && !checkout.ours {
            let why = format!("it is checked out at {}; switch to another branch there", checkout.workdir.display());
            return Err(GitError::refused(doing(), why));
        }
    }
    let commit = repo.find_commit(base).doing(doing())?;
    let start = || repo.reference(&reference, base, true, "slipway: start from the base branch");
    ref_lock::through(&repo, &reference, start).doing(doing())?;
    let admin = claim(&repo, &at, name, &format!("ref: {reference}\n"))?;
    check_out(&admin, &at, commit.tree_id())
}

/// Puts the files of `tree` at `at` as a worktree whose detached HEAD is `parent`; a directory that is left
/// there from before goes first. Made for one run of a command, and then [`remove`]d.
pub fn checkout_throwaway(repository: &Path, at: &Path, name: &str, tree: Oid, parent: Oid) -> Result<(), GitError> {
    remove(repository, at, name)?;
    let repo = open(repository)?;
    let at = place(&repo, at)?;
    let admin = claim(&repo, &at, name, &format!("{parent}\n"))?;
    check_out(&admin, &at, tree)
}

/// Deletes a worktree: its files, then its administrative directory. Either may be gone already.
pub fn remove(repository: &Path, at: &Path, name: &str) -> Result<(), GitError> {
    let repo = open(repository)?;
    refuse_around_repository(&repo, at)?;
    files::remove(at).doing(format!("delete the worktree at {}", at.display()))?;
    let admin = admin_directory(&repo, name)?;
    match is_ours(&admin) {
        true => files::remove(&admin).doing(format!("forget the worktree `{name}`")),
        false => Ok(()),
    }
}

/// Deletes the administrative directory only, for files that are gone or to be kept as they are.
pub fn forget(repository: &Path, name: &str) -> Result<(), GitError> {
    let repo = open(repository)?;
    let admin = admin_directory(&repo, name)?;
    match is_ours(&admin) {
        true => files::remove(&admin).doing(format!("forget the worktree `{name}`")),
        false => Ok(()),
    }
}

/// Opens the repository as seen from the worktree `name`: its own HEAD and index, with the files at `at`,
/// whatever is written in there.
pub(super) fn open_at(repository: &Path, at: &Path, name: &str) -> Result<Repository, GitError> {
    let repo = open(repository)?;
    let admin = admin_directory(&repo, name)?;
    open_admin(&admin, at)
}

fn open_admin(admin: &Path, at: &Path) -> Result<Repository, GitError> {
    let opened = Repository::open(admin).and_then(|repo| {
        repo.set_workdir(at, false)?;
        Ok(repo)
    });
    opened.doing(format!("open the worktree at {}", at.display()))
}

/// A place where a branch is checked out.
pub(super) struct Checkout {
    /// The git directory of this checkout: it holds HEAD and the index.
    pub git_dir: PathBuf,
    pub workdir: PathBuf,
    /// The full name of the ref that HEAD names; `None` when detached.
    pub head: Option<Vec<u8>>,
    /// Made by the board.
    pub ours: bool,
}

/// The main working directory, if there is one, and every linked worktree whose directory still exists.
pub(super) fn checkouts(repo: &Repository) -> Result<Vec<Checkout>, GitError> {
    let doing = || "list the worktrees".to_owned();
    let common = repo.commondir();
    let mut found = Vec::new();
    let main = Repository::open(common).doing(doing())?;
    if let Some(workdir) = main.workdir().filter(|_| !main.is_bare()) {
        let (git_dir, workdir) = (common.to_owned(), workdir.to_owned());
        found.push(Checkout { head: head_of(&git_dir).doing(doing())?, git_dir, workdir, ours: false });
    }
    let entries = match fs::read_dir(common.join("worktrees")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries.doing(doing())?,
    };
    for entry in entries {
        let git_dir = entry.doing(doing())?.path();
        let Some(workdir) = workdir_of(&git_dir).filter(|workdir| workdir.is_dir()) else { continue };
        let head = head_of(&git_dir).doing(doing())?;
        found.push(Checkout { head, workdir, ours: is_ours(&git_dir), git_dir });
    }
    Ok(found)
}

/// The ref that the HEAD file in `git_dir` names. A worktree that is half made has none.
fn head_of(git_dir: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(git_dir.join("HEAD")) {
        Ok(text) => Ok(text.trim_ascii().strip_prefix(b"ref:").map(|name| name.trim_ascii().to_vec())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The working directory that an administrative directory is for: its `gitdir` file names the `.git` file in
/// there, absolutely or (git 2.48) from the administrative directory.
fn workdir_of(admin: &Path) -> Option<PathBuf> {
    let text = fs::read(admin.join("gitdir")).ok()?;
    let link = admin.join(super::path_from_bytes(text.trim_ascii_end()));
    link.parent().map(Path::to_owned)
}

fn is_ours(admin: &Path) -> bool {
    admin.join(OURS).exists()
}

/// Where git keeps what it knows of the worktree `name`, whether or not it exists.
pub(super) fn admin_directory(repo: &Repository, name: &str) -> Result<PathBuf, GitError> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(_)), None) => Ok(repo.commondir().join("worktrees").join(name)),
        _ => Err(GitError::refused(format!("use the worktree `{name}`"), "its name must be a single file name")),
    }
}

/// Makes the directory for the files, and gives its canonical path. A symlink in its place is removed, not
/// followed.
fn place(repo: &Repository, at: &Path) -> Result<PathBuf, GitError> {
    refuse_around_repository(repo, at)?;
    let make = || {
        if fs::symlink_metadata(at).is_ok_and(|found| !found.is_dir()) {
            fs::remove_file(at)?;
        }
        fs::create_dir_all(at)?;
        fs::canonicalize(at)
    };
    make().doing(format!("make the directory {}", at.display()))
}

/// A wrong path here would delete the user's repository, so it is checked whatever the caller promises.
fn refuse_around_repository(repo: &Repository, at: &Path) -> Result<(), GitError> {
    let Ok(at_canonical) = fs::canonicalize(at) else { return Ok(()) };
    let holds = |path: &Path| fs::canonicalize(path).is_ok_and(|path| path.starts_with(&at_canonical));
    if holds(repo.commondir()) || repo.workdir().is_some_and(holds) {
        let why = "the repository itself is in there";
        return Err(GitError::refused(format!("use {} for a worktree", at.display()), why));
    }
    Ok(())
}

/// Writes both halves of the link between `at` and the repository, over whatever is there. The mark that
/// the entry is ours comes first and HEAD last: git takes an entry without HEAD for no worktree.
fn claim(repo: &Repository, at: &Path, name: &str, head: &str) -> Result<PathBuf, GitError> {
    let doing = || format!("register the worktree `{name}`");
    let admin = admin_directory(repo, name)?;
    if !is_ours(&admin)
        && let Some(other) = workdir_of(&admin).filter(|other| other.exists() && other != at)
    {
        let why = format!("the repository has another worktree of that name at {}", other.display());
        return Err(GitError::refused(doing(), why));
    }
    let link = at.join(".git");
    let write = || {
        fs::create_dir_all(&admin)?;
        let admin = fs::canonicalize(&admin)?;
        files::write_durably(&admin.join(OURS), b"")?;
        files::write_durably(&admin.join("commondir"), b"../..\n")?;
        files::write_durably(&admin.join("gitdir"), &line(b"", &link))?;
        if fs::symlink_metadata(&link).is_ok_and(|found| !found.is_file()) {
            files::remove(&link)?;
        }
        files::write_durably(&link, &line(b"gitdir: ", &admin))?;
        files::write_durably(&admin.join("HEAD"), head.as_bytes())?;
        Ok::<_, io::Error>(admin)
    };
    write().doing(doing())
}

fn line(prefix: &[u8], path: &Path) -> Vec<u8> {
    let mut line = prefix.to_vec();
    line.extend_from_slice(path.as_os_str().as_encoded_bytes());
    line.push(b'\n');
    line
}

/// Brings the files at `at` and the worktree's index to `tree`.
fn check_out(admin: &Path, at: &Path, tree: Oid) -> Result<(), GitError> {
    let doing = || format!("check the files out at {}", at.display());
    // Nobody else writes this index: a lock is left from a process that was killed, and so may be a bad file.
    for stale in ["index.lock", super::snapshot::INDEX_LOCK] {
        files::remove(&admin.join(stale)).doing(doing())?;
    }
    let index = admin.join("index");
    if git2::Index::open(&index).is_err() {
        files::remove(&index).doing(doing())?;
    }
    let repo = open_admin(admin, at)?;
    let target = repo.find_object(tree, None).doing(doing())?;
    let mut options = CheckoutBuilder::new();
    options.force().remove_untracked(true);
    repo.checkout_tree(&target, Some(&mut options)).doing(doing())?;
    remove_nested_repositories(&repo, at).doing(doing())
}

/// Checkout leaves untracked directories that are repositories of their own, and libgit2's status counts
/// them as ignored whether or not a rule says so.
fn remove_nested_repositories(repo: &Repository, at: &Path) -> Result<(), super::Cause> {
    let mut options = git2::StatusOptions::new();
    options.include_untracked(true).include_ignored(true);
    for entry in repo.statuses(Some(&mut options))?.iter().filter(|entry| entry.status().is_ignored()) {
        let path = super::path_from_bytes(entry.path_bytes());
        let nested = at.join(&path);
        if fs::symlink_metadata(nested.join(".git")).is_ok() && !repo.is_path_ignored(&path)? {
            files::remove(&nested)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::{
        super::fixture::{Fixture, git, try_git, write},
        *,
    };

    fn assert_fresh(fixture: &Fixture, at: &Path) {
        assert_eq!(git(at, &["status", "--porcelain"]), "");
        assert_eq!(git(at, &["branch", "--show-current"]), "slipway/1-card\n");
        assert_eq!(git(at, &["rev-parse", "HEAD"]).trim(), fixture.tip().to_string());
        assert!(fs::read_to_string(at.join("a.txt")).unwrap().starts_with("one"));
        fixture.assert_sound();
    }

    #[test]
    fn a_worktree_is_one_to_git_too() {
        let fixture = Fixture::new();
        let at = fixture.worktree();
        assert_fresh(&fixture, &at);
        let listed = fixture.git(&["worktree", "list", "--porcelain"]);
        let line = format!("worktree {}\nHEAD {}\nbranch refs/heads/slipway/1-card", at.display(), fixture.tip());
        assert!(listed.contains(&line), "{listed}");
        assert_eq!(fixture.git(&["worktree", "prune", "-v", "-n"]), "");
        let mode = fs::metadata(at.join("run.sh")).unwrap().permissions().mode();
        assert_ne!(mode & 0o111, 0);
    }

    #[test]
    fn creating_again_resets_to_the_base() {
        let fixture = Fixture::new();
        let at = fixture.worktree();
        write(&at, "a.txt", "changed\n");
        write(&at, "new/deep/file.txt", "litter\n");
        write(&at, "build.log", "ignored\n");
        fs::remove_file(at.join("run.sh")).unwrap();
        git(&at, &["init", "-q", "nested"]);
        git(&at, &["add", "a.txt"]);
        fixture.write("b.txt", "b\n");
        super::super::commit_all(&fixture.repository, "Second\n", &super::super::fixture::identity()).unwrap();
        fixture.worktree();
        assert_fresh(&fixture, &at);
        assert!(at.join("b.txt").exists() && at.join("build.log").exists());
        assert!(!at.join("new").exists() && !at.join("nested").exists());
    }

    #[test]
    fn creating_finishes_what_is_half_made() {
        let fixture = Fixture::new();
        let admin = fixture.repository.join(".git/worktrees/card");
        let half_made: [&dyn Fn(&Path); 8] = [
            &|at| fs::remove_file(at.join(".git")).unwrap(),
            &|_| fs::remove_file(admin.join("HEAD")).unwrap(),
            &|_| fs::remove_dir_all(&admin).unwrap(),
            &|at| fs::remove_dir_all(at).unwrap(),
            &|_| fs::write(admin.join("index"), "DIRC").unwrap(),
            &|_| fs::remove_file(admin.join("index")).unwrap(),
            &|_| fs::write(admin.join("index.lock"), "").unwrap(),
            &|_| fs::write(admin.join("gitdir.slipway-new"), "half").unwrap(),
        ];
        for break_it in half_made {
            let at = fixture.worktree();
            break_it(&at);
            fixture.worktree();
            assert_fresh(&fixture, &at);
        }
    }

    #[test]
    fn what_the_worktree_says_of_itself_is_not_believed() {
        let fixture = Fixture::new();
        let at = fixture.worktree();
        let elsewhere = fixture.directory.path().join("evil");
        git(fixture.directory.path(), &["init", "-q", "evil"]);
        fs::write(at.join(".git"), format!("gitdir: {}/.git\n", elsewhere.display())).unwrap();
        write(&at, "a.txt", "changed\n");
        let tree = fixture.freeze(&at);
        assert_eq!(fixture.git(&["show", &format!("{tree}:a.txt")]), "changed\n");
        fs::remove_file(at.join(".git")).unwrap();
        symlink(&elsewhere, at.join(".git")).unwrap();
        fixture.worktree();
        assert_fresh(&fixture, &at);
        assert!(elsewhere.join(".git").exists());
    }

    #[test]
    fn a_branch_that_the_user_has_checked_out_stays() {
        let fixture = Fixture::new();
        fixture.git(&["checkout", "-q", "-b", "slipway/1-card"]);
        let base = fixture.git(&["rev-parse", "HEAD"]);
        let base = Oid::from_str(base.trim()).unwrap();
        let error = create(&fixture.repository, &fixture.at("card"), "card", "slipway/1-card", base).unwrap_err();
        assert!(error.to_string().contains("checked out at"), "{error}");
    }

    #[test]
    fn a_worktree_of_the_users_is_not_taken_over() {
        let fixture = Fixture::new();
        let theirs = fixture.directory.path().join("card");
        fixture.git(&["worktree", "add", "-q", "-b", "topic", theirs.to_str().unwrap()]);
        let error = create(&fixture.repository, &fixture.at("card"), "card", "slipway/1-card", fixture.tip());
        assert!(error.unwrap_err().to_string().contains("another worktree"));
        forget(&fixture.repository, "card").unwrap();
        assert_eq!(git(&theirs, &["status", "--porcelain"]), "");
    }

    #[test]
    fn a_throwaway_holds_a_snapshot_on_top_of_its_parent() {
        let fixture = Fixture::new();
        let card = fixture.worktree();
        write(&card, "new.txt", "new\n");
        fs::remove_file(card.join("a.txt")).unwrap();
        let tree = fixture.freeze(&card);
        let at = fixture.at("check");
        for _ in 0..2 {
            checkout_throwaway(&fixture.repository, &at, "check", tree, fixture.tip()).unwrap();
            assert_eq!(git(&at, &["status", "--porcelain"]), "D  a.txt\nA  new.txt\n");
            assert_eq!(git(&at, &["ls-files"]), ".gitignore\nnew.txt\nrun.sh\nsrc/lib.rs\n");
            assert_eq!(git(&at, &["rev-parse", "HEAD"]).trim(), fixture.tip().to_string());
            write(&at, "litter.txt", "left behind\n");
        }
        remove(&fixture.repository, &at, "check").unwrap();
        remove(&fixture.repository, &at, "check").unwrap();
        assert!(!at.exists() && !fixture.repository.join(".git/worktrees/check").exists());
        fixture.assert_sound();
    }

    #[test]
    fn removing_copes_with_read_only_directories_and_follows_no_link() {
        let fixture = Fixture::new();
        let at = fixture.worktree();
        let outside = fixture.directory.path().join("outside");
        write(&outside, "keep.txt", "keep\n");
        symlink(&outside, at.join("link")).unwrap();
        write(&at, "cache/module/file.log", "x\n");
        fs::set_permissions(at.join("cache/module"), fs::Permissions::from_mode(0o555)).unwrap();
        remove(&fixture.repository, &at, "card").unwrap();
        assert!(!at.exists() && outside.join("keep.txt").exists());
        let (succeeded, _) = try_git(&fixture.repository, &["rev-parse", "slipway/1-card"]);
        assert!(succeeded, "the branch stays");
    }

    #[test]
    fn the_repository_itself_is_never_a_worktrees_place() {
        let fixture = Fixture::new();
        for place in [&fixture.repository, fixture.directory.path()] {
            assert!(remove(&fixture.repository, place, "card").is_err());
            assert!(create(&fixture.repository, place, "card", "b", fixture.tip()).is_err());
        }
        for name in ["", "..", "a/b", "/a"] {
            assert!(remove(&fixture.repository, &fixture.at("x"), name).is_err(), "{name}");
        }
        fixture.assert_sound();
    }

    #[test]
    fn no_hook_and_no_filter_runs() {
        let fixture = Fixture::new();
        let flag = fixture.directory.path().join("ran");
        let touch = format!("touch {}", flag.display());
        for hook in ["post-checkout", "pre-commit", "post-commit", "reference-transaction", "post-index-change"] {
            let path = format!(".git/hooks/{hook}");
            fixture.write(&path, &format!("#!/bin/sh\n{touch}\n"));
            super::super::fixture::make_executable(&fixture.repository.join(path));
        }
        for key in ["filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "core.fsmonitor"] {
            // Written by hand: the command itself would run what it sets.
            let config = fixture.read(".git/config");
            let (section, name) = key.rsplit_once('.').unwrap();
            let section = section.replacen('.', " \"", 1);
            let quote = if section.contains('"') { "\"" } else { "" };
            fixture.write(".git/config", &format!("{config}\n[{section}{quote}]\n\t{name} = {touch}\n"));
        }
        let commit = fixture.card_commit(|at| write(at, ".gitattributes", "* filter=evil\n"));
        let intent =
            super::super::land::Intent { base_branch: "main".to_owned(), base_before: fixture.tip(), target: commit };
        super::super::land::land(&fixture.repository, &intent, false).unwrap();
        fixture.worktree();
        assert!(!flag.exists());
    }
}
