//! Tidying up: branches and snapshots go only when what they hold is in the base.

use std::{collections::HashSet, path::Path};

use git2::{Oid, Repository, Sort};

use super::{Doing, GitError, is_missing, lossy, open, ref_lock, worktree};

/// Commits of the base whose trees are compared with a snapshot. A snapshot landed as one of the newest
/// commits or it didn't; an older match can wait for a person.
const COMMITS_COMPARED: usize = 1000;

/// Deletes a local branch if its tip is reachable from `from`, and says whether it is gone. A branch that the
/// user has checked out stays.
pub fn delete_branch_if_reachable(repository: &Path, branch: &str, from: Oid) -> Result<bool, GitError> {
    let doing = || format!("delete branch `{branch}`");
    let repo = open(repository)?;
    let name = format!("refs/heads/{branch}");
    let mut reference = match repo.find_reference(&name) {
        Err(error) if is_missing(&error) => return Ok(true),
        reference => reference.doing(doing())?,
    };
    let tip = reference.peel_to_commit().doing(doing())?.id();
    if is_checked_out(&repo, &name)? || !contains(&repo, from, tip).doing(doing())? {
        return Ok(false);
    }
    // Deleting compares with the value just read, so a branch that moves meanwhile is kept.
    ref_lock::through(&repo, &name, || reference.delete()).doing(doing())?;
    Ok(true)
}

/// Deletes a card's branch and snapshots whatever they hold; a person has said so. A branch that the user has
/// checked out stays.
pub fn discard(repository: &Path, branch: Option<&str>, card: &str) -> Result<(), GitError> {
    let repo = open(repository)?;
    let doing = || format!("delete the branch and the snapshots of card {card}");
    for name in
        branch.map(|branch| format!("refs/heads/{branch}")).into_iter().chain(snapshots(&repo, card).doing(doing())?)
    {
        if !is_checked_out(&repo, &name)? {
            delete(&repo, &name).doing(doing())?;
        }
    }
    Ok(())
}

/// The full names of a card's snapshots.
fn snapshots(repo: &Repository, card: &str) -> Result<Vec<String>, git2::Error> {
    let references = repo.references_glob(&format!("refs/slipway/{card}/*"))?;
    references.map(|reference| Ok(lossy(reference?.name_bytes()))).collect()
}

/// Whether the user has a branch checked out somewhere.
fn is_checked_out(repo: &Repository, name: &str) -> Result<bool, GitError> {
    let theirs = worktree::checkouts(repo)?.into_iter().filter(|checkout| !checkout.ours);
    Ok(theirs.into_iter().any(|checkout| checkout.head.as_deref() == Some(name.as_bytes())))
}

/// Deletes a ref that may be gone already.
fn delete(repo: &Repository, name: &str) -> Result<(), git2::Error> {
    match repo.find_reference(name) {
        Err(error) if is_missing(&error) => Ok(()),
        reference => {
            let mut reference = reference?;
            ref_lock::through(repo, name, || reference.delete())
        }
    }
}

/// Whether `commit` is `tip` or one of its ancestors.
pub(super) fn contains(repo: &Repository, tip: Oid, commit: Oid) -> Result<bool, git2::Error> {
    Ok(tip == commit || repo.graph_descendant_of(tip, commit)?)
}

/// Deletes the snapshots `refs/slipway/<card>/*` whose tree is that of one of the newest
/// [`COMMITS_COMPARED`] commits reachable from `base`, and says how many went.
pub fn delete_snapshots_if_in(repository: &Path, card: &str, base: Oid) -> Result<usize, GitError> {
    let repo = open(repository)?;
    let delete = || -> Result<usize, git2::Error> {
        let references = repo.references_glob(&format!("refs/slipway/{card}/*"))?.collect::<Result<Vec<_>, _>>()?;
        if references.is_empty() {
            return Ok(0);
        }
        let landed = newest_trees(&repo, base)?;
        let mut deleted = 0;
        for mut reference in references {
            if landed.contains(&reference.peel_to_tree()?.id()) {
                let name = lossy(reference.name_bytes());
                ref_lock::through(&repo, &name, || reference.delete())?;
                deleted += 1;
            }
        }
        Ok(deleted)
    };
    delete().doing(format!("delete the snapshots of card {card}"))
}

fn newest_trees(repo: &Repository, base: Oid) -> Result<HashSet<Oid>, git2::Error> {
    let mut walk = repo.revwalk()?;
    walk.set_sorting(Sort::TIME)?;
    walk.push(base)?;
    walk.take(COMMITS_COMPARED).map(|id| Ok(repo.find_commit(id?)?.tree_id())).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            fixture::{Fixture, git, write},
            land, snapshot,
        },
        *,
    };

    #[test]
    fn a_branch_goes_only_when_its_tip_is_in_the_base() {
        let fixture = Fixture::new();
        let tip = fixture.card_commit(|at| write(at, "b.txt", "b\n"));
        let delete = |from| delete_branch_if_reachable(&fixture.repository, "slipway/1-card", from).unwrap();
        assert!(!delete(fixture.tip()));
        assert_eq!(fixture.git(&["rev-parse", "slipway/1-card"]).trim(), tip.to_string());
        let base_before = fixture.tip();
        let intent = land::Intent { base_branch: "main".to_owned(), base_before, target: tip };
        land::land(&fixture.repository, &intent, false).unwrap();
        assert!(delete(fixture.tip()) && delete(fixture.tip()));
        assert_eq!(fixture.git(&["branch", "--list", "slipway/*"]), "");
        fixture.assert_sound();
    }

    #[test]
    fn a_branch_that_the_user_has_checked_out_stays() {
        let fixture = Fixture::new();
        let theirs = fixture.directory.path().join("theirs");
        fixture.git(&["worktree", "add", "-q", "-b", "slipway/1-card", theirs.to_str().unwrap()]);
        assert!(!delete_branch_if_reachable(&fixture.repository, "slipway/1-card", fixture.tip()).unwrap());
        assert_eq!(git(&theirs, &["status", "--porcelain"]), "");
    }

    #[test]
    fn discarding_takes_the_cards_refs_and_no_others() {
        let fixture = Fixture::new();
        let before = fixture.git(&["for-each-ref"]);
        fixture.card_commit(|at| write(at, "b.txt", "b\n"));
        let base = fixture.tree(fixture.tip());
        for card in ["c1", "c10"] {
            snapshot::freeze(&fixture.repository, base, base, base, &format!("refs/slipway/{card}/1")).unwrap();
        }
        worktree::remove(&fixture.repository, &fixture.at("card"), "card").unwrap();
        discard(&fixture.repository, Some("slipway/1-card"), "c1").unwrap();
        discard(&fixture.repository, Some("slipway/1-card"), "c1").unwrap();
        assert_eq!(fixture.git(&["for-each-ref", "--format=%(refname)", "refs/slipway"]), "refs/slipway/c10/1\n");
        discard(&fixture.repository, None, "c10").unwrap();
        assert_eq!(fixture.git(&["for-each-ref"]), before);
        fixture.git(&["checkout", "-q", "-b", "slipway/2-mine"]);
        discard(&fixture.repository, Some("slipway/2-mine"), "c2").unwrap();
        assert_eq!(fixture.git(&["branch", "--show-current"]), "slipway/2-mine\n");
        fixture.assert_sound();
    }

    #[test]
    fn snapshots_go_only_when_the_base_has_their_tree() {
        let fixture = Fixture::new();
        let at = fixture.worktree();
        let base = fixture.tree(fixture.tip());
        for (round, text) in [("1", "first\n"), ("2", "second\n")] {
            write(&at, "b.txt", text);
            let after = fixture.freeze(&at);
            snapshot::freeze(&fixture.repository, base, base, after, &format!("refs/slipway/c1/{round}")).unwrap();
            snapshot::freeze(&fixture.repository, base, base, after, &format!("refs/slipway/c10/{round}")).unwrap();
        }
        let delete = |card| delete_snapshots_if_in(&fixture.repository, card, fixture.tip()).unwrap();
        assert_eq!(delete("c1"), 0);
        fixture.write("b.txt", "second\n");
        fixture.git(&["add", "b.txt"]);
        fixture.git(&["commit", "-qm", "Land"]);
        fixture.git(&["commit", "-q", "--allow-empty", "-m", "Later"]);
        assert_eq!(delete("c1"), 1);
        assert_eq!(delete("none"), 0);
        let left = fixture.git(&["for-each-ref", "--format=%(refname)", "refs/slipway"]);
        assert_eq!(left, "refs/slipway/c1/1\nrefs/slipway/c10/1\nrefs/slipway/c10/2\n");
    }
}
