//! Locks on refs. Git and libgit2 write a ref by making `<ref>.lock` and renaming it, and hold that file for
//! milliseconds; a process that is killed in between leaves it behind, and then the ref can't be written.

use std::{
    fs, thread,
    time::{Duration, Instant, SystemTime},
};

use git2::{ErrorCode, Repository};

use super::files;

/// How long a lock is waited for. One that stays this long without a change was left by a dead process.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How often the lock is tried meanwhile.
const TRIES: u32 = 40;

/// Writes a ref, waiting for a lock that another git process holds just now.
pub(super) fn wait<T>(mut write: impl FnMut() -> Result<T, git2::Error>) -> Result<T, git2::Error> {
    let began = Instant::now();
    loop {
        match write() {
            Err(error) if is_locked(&error) && began.elapsed() < PATIENCE => thread::sleep(PATIENCE / TRIES),
            outcome => return outcome,
        }
    }
}

/// Writes `reference`, which only the board writes (a card's branch or snapshot). A lock that doesn't change
/// for [`PATIENCE`] is a leftover of a server that was killed, and goes.
pub(super) fn through<T>(
    repo: &Repository,
    reference: &str,
    mut write: impl FnMut() -> Result<T, git2::Error>,
) -> Result<T, git2::Error> {
    let lock = repo.commondir().join(format!("{reference}.lock"));
    let written = || -> Option<SystemTime> { fs::metadata(&lock).ok()?.modified().ok() };
    let first = match write() {
        Err(error) if is_locked(&error) => written(),
        outcome => return outcome,
    };
    let outcome = wait(&mut write);
    if !outcome.as_ref().is_err_and(is_locked) || first.is_none() || written() != first {
        return outcome;
    }
    tracing::warn!(lock = %lock.display(), "removed a lock that an earlier run left behind");
    files::remove(&lock).map_err(|error| git2::Error::from_str(&error.to_string()))?;
    write()
}

pub(super) fn is_locked(error: &git2::Error) -> bool {
    error.code() == ErrorCode::Locked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::{commit, fixture::Fixture, open, snapshot};

    #[test]
    fn a_lock_that_a_killed_server_left_does_not_stop_the_next_one() {
        let fixture = Fixture::new();
        fixture.worktree();
        let base = fixture.tip();
        let lock = fixture.repository.join(".git/refs/heads/slipway/1-card.lock");
        fs::write(&lock, "").unwrap();
        let id = commit::commit(&fixture.repository, "slipway/1-card", fixture.tree(base), base, "Ship").unwrap();
        assert_eq!(fixture.git(&["rev-parse", "slipway/1-card"]).trim(), id.to_string());
        assert!(!lock.exists());

        let snapshots = fixture.repository.join(".git/refs/slipway/c1");
        fs::create_dir_all(&snapshots).unwrap();
        fs::write(snapshots.join("1.lock"), fixture.tree(base).to_string()).unwrap();
        let tree = fixture.tree(base);
        snapshot::freeze(&fixture.repository, tree, tree, tree, "refs/slipway/c1/1").unwrap();
        assert!(!snapshots.join("1.lock").exists());
        fixture.assert_sound();
    }

    #[test]
    fn a_lock_that_is_let_go_is_waited_for_and_one_that_changes_is_left() {
        let fixture = Fixture::new();
        let repo = open(&fixture.repository).unwrap();
        let lock = fixture.repository.join(".git/refs/heads/topic.lock");
        let make = || repo.reference("refs/heads/topic", fixture.tip(), true, "test").map(|_| ());
        fs::write(&lock, "").unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(PATIENCE / 10);
                fs::remove_file(&lock).unwrap();
            });
            wait(make).unwrap();
        });

        let mut round = 0_u64;
        let written_again = || {
            round += 1;
            fs::write(&lock, round.to_string()).unwrap();
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(round);
            fs::File::options().write(true).open(&lock).unwrap().set_modified(at).unwrap();
            make()
        };
        assert!(through(&repo, "refs/heads/topic", written_again).is_err_and(|error| is_locked(&error)));
        assert!(lock.exists());
    }
}
