//! Landing: the base branch moves to a card's commit, and a checkout of that branch moves with it.
//!
//! The order is lock, check, files, index, ref, unlock, and it is git's own order for a fast-forward merge.
//! Files come before the ref because of what a person finds if the machine stops in between: the landing
//! shows as changes to be committed, and committing them lands the card by hand. The other way round the
//! branch would hold the change while the files, and so the user's next commit, silently undo it.
//!
//! Every step leaves each changed path at its old or its new content (files are staged in the git directory
//! and renamed into place), so a landing that was killed is finished by calling [`land`] again with the same
//! intent. The checkout's `index.lock` is held throughout: no `git commit` gets in between. It carries our
//! mark, so that a lock of the user's own git is never taken for a leftover of ours.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use git2::{ErrorCode, Oid, Repository, Time};

use self::{
    change::Change,
    checkout::{CheckoutLanding, Found},
};
use super::{
    Doing, GitError, branch_tip,
    commit::{CommitError, write_commit},
    files, lossy, open, ref_lock,
    refs::contains,
    worktree,
};

mod change;
mod checkout;

/// What landing a commit would mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preview {
    /// The base holds the commit already.
    AlreadyLanded,
    /// The base's tip is an ancestor of the commit.
    FastForward,
    /// Both went on and git can combine them: the combined tree, and the base's tip it was made with.
    Merge { tree: Oid, parent_base: Oid },
    /// Both changed the same places in these files (sorted; names that aren't UTF-8 made readable).
    Conflicts { paths: Vec<String> },
}

/// Works out how `commit` would land on `base_branch` as it is now. Changes no ref and no file.
pub fn preview(repository: &Path, base_branch: &str, commit: Oid) -> Result<Preview, GitError> {
    let repo = open(repository)?;
    let base = branch_tip(&repo, base_branch)?;
    let preview = || -> Result<Preview, git2::Error> {
        if contains(&repo, base, commit)? {
            return Ok(Preview::AlreadyLanded);
        }
        if contains(&repo, commit, base)? {
            return Ok(Preview::FastForward);
        }
        let mut merged = repo.merge_commits(&repo.find_commit(base)?, &repo.find_commit(commit)?, None)?;
        if !merged.has_conflicts() {
            return Ok(Preview::Merge { tree: merged.write_tree_to(&repo)?, parent_base: base });
        }
        let mut paths = BTreeSet::new();
        for conflict in merged.conflicts()? {
            let conflict = conflict?;
            let sides = [conflict.our, conflict.their, conflict.ancestor];
            paths.extend(sides.into_iter().flatten().map(|side| lossy(&side.path)));
        }
        Ok(Preview::Conflicts { paths: paths.into_iter().collect() })
    };
    preview().doing(format!("merge {commit} into `{base_branch}`"))
}

/// Writes the merge commit of `base_tip` and `commit` with `tree`, as the repository's identity at `seconds`
/// (Unix time, UTC). No ref moves, and the same arguments give the same id, so a second try makes no second
/// commit.
pub fn merge_commit(
    repository: &Path,
    base_tip: Oid,
    commit: Oid,
    tree: Oid,
    message: &str,
    seconds: i64,
) -> Result<Oid, CommitError> {
    let repo = open(repository)?;
    write_commit(&repo, Time::new(seconds, 0), tree, &[base_tip, commit], message)
}

/// A landing as it is written down before it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    pub base_branch: String,
    /// The base's tip that the landing was checked against.
    pub base_before: Oid,
    /// The commit the base is to move to; a descendant of `base_before`.
    pub target: Oid,
}

/// Why nothing landed. The checkout is as it was, unless a resumed landing says [`LandError::Dirty`].
#[derive(Debug, thiserror::Error)]
pub enum LandError {
    #[error(
        "{} has changes that are not committed ({}). Commit or stash them there, then retry.",
        checkout.display(), list(paths)
    )]
    Dirty { checkout: PathBuf, paths: Vec<String> },
    #[error("{} can't be updated now: {what}. Finish that there, then retry.", checkout.display())]
    Busy { checkout: PathBuf, what: String },
    #[error("The base branch has moved to {now} since this was checked. Retry to check and land it again.")]
    BaseMoved { now: Oid },
    #[error(transparent)]
    Git(#[from] GitError),
}

/// Paths named in a message; the rest are counted.
const PATHS_NAMED: usize = 5;

fn list(paths: &[String]) -> String {
    let named = paths.iter().take(PATHS_NAMED).cloned().collect::<Vec<_>>().join(", ");
    match paths.len().saturating_sub(PATHS_NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// A landing that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// A checkout of the base branch that moved with it.
    pub checkout: Option<PathBuf>,
}

/// Moves the base branch from `intent.base_before` to `intent.target`, together with every checkout of it
/// (the main working directory, or linked worktrees of the user's). Only paths that differ between the two
/// trees are touched. Checkouts must be clean: nothing staged, no tracked file modified, no merge or the like
/// under way, no lock, and no untracked file where the target has one.
///
/// With `resume`, a landing of the same intent that was killed at any point is finished, and one that was
/// finished is left as it is. The caller makes sure that one landing at a time runs per repository.
pub fn land(repository: &Path, intent: &Intent, resume: bool) -> Result<Landed, LandError> {
    match land_watched(repository, intent, resume, &mut || true) {
        Ok(landed) => Ok(landed),
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::Halted) => {
            Err(GitError::refused("land", "it was halted half way; it is finished at the next start").into())
        }
    }
}

/// Why a landing ended early.
enum Stop {
    Failed(LandError),
    /// The watcher said so: what a kill at that point leaves behind is left behind.
    Halted,
}

impl<E: Into<LandError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Stop::Failed(error.into())
    }
}

/// Called after every step that changes something on disk; `false` halts there.
type Watch<'a> = &'a mut dyn FnMut() -> bool;

fn tick(watch: Watch<'_>) -> Result<(), Stop> {
    if watch() { Ok(()) } else { Err(Stop::Halted) }
}

fn land_watched(repository: &Path, intent: &Intent, resume: bool, watch: Watch<'_>) -> Result<Landed, Stop> {
    let repo = open(repository)?;
    let changes = change::between(&repo, intent)?;
    let mut checkouts = Vec::new();
    for checkout in worktree::checkouts(&repo)? {
        if !checkout.ours && checkout::is_on(&checkout, &intent.base_branch) {
            checkouts.push(CheckoutLanding::open(checkout)?);
        }
    }
    let landed = Landed { checkout: checkouts.first().map(|checkout| checkout.workdir().to_owned()) };
    let now = branch_tip(&repo, &intent.base_branch)?;
    if resume && now == intent.target {
        // The ref moves last, so files and index are there; at most our lock is still held.
        for checkout in &checkouts {
            checkout.release_own()?;
        }
        return Ok(landed);
    }
    if now != intent.base_before {
        for checkout in checkouts.iter().filter(|checkout| resume && checkout.holds_own_lock()) {
            checkout.undo(intent, &changes)?;
        }
        return Err(LandError::BaseMoved { now }.into());
    }

    lock_and_check(&checkouts, &changes, resume, watch)?;
    match follow_and_move(&repo, &checkouts, intent, &changes, resume, watch) {
        Ok(()) => {}
        Err(Stop::Halted) => return Err(Stop::Halted),
        Err(failed) => {
            for checkout in &checkouts {
                checkout.undo(intent, &changes)?;
            }
            return Err(failed);
        }
    }
    for checkout in &checkouts {
        checkout.release_own()?;
        tick(watch)?;
    }
    Ok(landed)
}

/// Locks every checkout and makes sure that nothing of the user's would be lost. On refusal the locks go.
fn lock_and_check(
    checkouts: &[CheckoutLanding],
    changes: &[Change],
    resume: bool,
    watch: Watch<'_>,
) -> Result<(), Stop> {
    let check = |watch: Watch<'_>| -> Result<(), Stop> {
        for checkout in checkouts {
            let found = checkout.lock(resume)?;
            tick(watch)?;
            let begun = resume && (found == Found::OwnLock || checkout.any_at_new(changes)?);
            checkout.check(changes, begun)?;
        }
        Ok(())
    };
    check(watch).inspect_err(|stop| {
        if matches!(stop, Stop::Failed(_)) {
            for checkout in checkouts {
                // The refusal is what the person needs to see; a lock that stays is reported by the next try.
                let _ = checkout.release_own();
            }
        }
    })
}

fn follow_and_move(
    repo: &Repository,
    checkouts: &[CheckoutLanding],
    intent: &Intent,
    changes: &[Change],
    resume: bool,
    watch: Watch<'_>,
) -> Result<(), Stop> {
    for checkout in checkouts {
        checkout.follow(intent.target, changes, watch)?;
    }
    // Through the checkout's own view of the repository, so that its HEAD's log gets the line too.
    let seen_from = checkouts.first().map_or(repo, CheckoutLanding::repo);
    move_ref(seen_from, intent, resume)?;
    tick(watch)
}

/// Moves the base by compare-and-swap.
fn move_ref(repo: &Repository, intent: &Intent, resume: bool) -> Result<(), LandError> {
    let name = format!("refs/heads/{}", intent.base_branch);
    let log = format!("slipway: land {}", intent.target);
    let swap = || repo.reference_matching(&name, intent.target, true, intent.base_before, &log).map(|_| ());
    let mut outcome = ref_lock::wait(swap);
    // The base is the user's: a lock on it is taken for a landing's own only when it holds what that would write.
    if resume && outcome.as_ref().is_err_and(ref_lock::is_locked) {
        let lock = repo.commondir().join(format!("{name}.lock"));
        let held = fs::read_to_string(&lock).unwrap_or_default();
        if held.trim().is_empty() || held.trim() == intent.target.to_string() {
            files::remove(&lock).doing("remove the lock of a landing that was killed")?;
            outcome = swap();
        }
    }
    match outcome {
        Err(error) if error.code() == ErrorCode::Modified => {
            Err(LandError::BaseMoved { now: branch_tip(repo, &intent.base_branch)? })
        }
        outcome => Ok(outcome.doing(format!("move branch `{}` to {}", intent.base_branch, intent.target))?),
    }
}

#[cfg(test)]
mod tests;
