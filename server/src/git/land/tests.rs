use super::*;
use crate::git::{
    commit,
    fixture::{Fixture, git, make_executable, write},
    snapshot,
};

fn intent(fixture: &Fixture, target: Oid) -> Intent {
    Intent { base_branch: "main".to_owned(), base_before: fixture.tip(), target }
}

/// A change of every kind: modified, added, deleted, mode, symlink, directory to file and back.
fn many_changes(at: &Path) {
    write(at, "a.txt", "one\n2\nthree\n");
    write(at, "new/deep/file.txt", "new\n");
    make_executable(&at.join("a.txt"));
    fs::remove_dir_all(at.join("src")).unwrap();
    write(at, "src", "a file now\n");
    fs::remove_file(at.join("run.sh")).unwrap();
    write(at, "run.sh/inner", "a directory now\n");
    std::os::unix::fs::symlink("a.txt", at.join("link")).unwrap();
}

#[track_caller]
fn assert_landed(fixture: &Fixture, target: Oid) {
    assert_eq!(fixture.tip(), target);
    fixture.assert_sound();
    let git_dir = fixture.repository.join(".git");
    for leftover in ["index.lock", "slipway-landing", "slipway-landing-index", "slipway-index-lock"] {
        assert!(!git_dir.join(leftover).exists(), "{leftover}");
    }
    let (main, tree) = (fixture.git(&["rev-parse", "main^{tree}"]), fixture.git(&["write-tree"]));
    assert_eq!(main, tree);
}

/// Landing refuses, and leaves files, index, ref and status as they are.
#[track_caller]
fn refused(fixture: &Fixture, target: Oid) -> LandError {
    let before = (fixture.git(&["status", "--porcelain", "--ignored"]), fixture.tip(), fixture.read("a.txt"));
    let error = land(&fixture.repository, &intent(fixture, target), false).unwrap_err();
    let after = (fixture.git(&["status", "--porcelain", "--ignored"]), fixture.tip(), fixture.read("a.txt"));
    assert_eq!(before, after);
    error
}

#[track_caller]
fn assert_dirty(error: LandError, expected: &[&str]) {
    let LandError::Dirty { paths, .. } = error else { panic!("{error:?}") };
    assert_eq!(paths, expected);
}

#[test]
fn a_fast_forward_moves_branch_and_checkout() {
    let fixture = Fixture::new();
    fixture.write("notes.log", "ignored\n");
    fixture.write("private.txt", "untracked\n");
    let target = fixture.card_commit(many_changes);
    assert_eq!(preview(&fixture.repository, "main", target).unwrap(), Preview::FastForward);
    let landed = land(&fixture.repository, &intent(&fixture, target), false).unwrap();
    let checkout = landed.checkout.map(|path| fs::canonicalize(path).unwrap());
    assert_eq!(checkout, Some(fs::canonicalize(&fixture.repository).unwrap()));
    assert_eq!(fixture.read("private.txt"), "untracked\n");
    fs::remove_file(fixture.repository.join("private.txt")).unwrap();
    assert_landed(&fixture, target);
    assert_eq!(preview(&fixture.repository, "main", target).unwrap(), Preview::AlreadyLanded);
    assert!(fixture.git(&["reflog", "-1", "HEAD"]).contains("slipway: land"));
    let again = land(&fixture.repository, &Intent { base_before: target, ..intent(&fixture, target) }, false);
    assert!(again.is_ok());
}

#[test]
fn branches_that_went_apart_merge() {
    let fixture = Fixture::new();
    let commit = fixture.card_commit(|at| write(at, "card.txt", "card\n"));
    fixture.write("a.txt", "one\ntwo\nthree\nfour\n");
    fixture.git(&["commit", "-qam", "Theirs"]);
    let base = fixture.tip();
    let Preview::Merge { tree, parent_base } = preview(&fixture.repository, "main", commit).unwrap() else { panic!() };
    assert_eq!(parent_base, base);
    let merge = || merge_commit(&fixture.repository, base, commit, tree, "Merge card\n", 1_700_000_000).unwrap();
    let target = merge();
    assert_eq!(target, merge());
    land(&fixture.repository, &intent(&fixture, target), false).unwrap();
    assert_landed(&fixture, target);
    let log = fixture.git(&["log", "-1", "--format=%P|%s|%ct|%an"]);
    assert_eq!(log, format!("{base} {commit}|Merge card|1700000000|Ada\n"));
    assert!(fixture.read("a.txt").ends_with("four\n") && fixture.read("card.txt") == "card\n");
}

#[test]
fn conflicts_are_named() {
    let fixture = Fixture::new();
    let commit = fixture.card_commit(|at| {
        write(at, "a.txt", "card\n");
        fs::remove_file(at.join("run.sh")).unwrap();
    });
    fixture.write("a.txt", "theirs\n");
    fixture.write("run.sh", "#!/bin/bash\n");
    fixture.git(&["commit", "-qam", "Theirs"]);
    let expected = Preview::Conflicts { paths: vec!["a.txt".to_owned(), "run.sh".to_owned()] };
    assert_eq!(preview(&fixture.repository, "main", commit).unwrap(), expected);
}

#[test]
fn uncommitted_work_refuses() {
    let fixture = Fixture::new();
    let target = fixture.card_commit(|at| write(at, "a.txt", "card\n"));
    fixture.write("run.sh", "#!/bin/sh\nmine\n");
    assert_dirty(refused(&fixture, target), &["run.sh"]);
    fixture.git(&["add", "run.sh"]);
    assert_dirty(refused(&fixture, target), &["run.sh"]);
    fixture.git(&["reset", "-q", "--hard"]);
    fs::remove_file(fixture.repository.join("src/lib.rs")).unwrap();
    let error = refused(&fixture, target);
    assert!(error.to_string().contains("src/lib.rs"), "{error}");
    assert_dirty(error, &["src/lib.rs"]);
    fixture.git(&["reset", "-q", "--hard"]);
    fixture.git(&["update-index", "--assume-unchanged", "a.txt"]);
    fixture.write("a.txt", "hidden work\n");
    assert_dirty(refused(&fixture, target), &["a.txt"]);
    fixture.git(&["update-index", "--no-assume-unchanged", "a.txt"]);
    fixture.git(&["reset", "-q", "--hard"]);
    land(&fixture.repository, &intent(&fixture, target), false).unwrap();
    assert_landed(&fixture, target);
}

#[test]
fn untracked_files_in_the_way_refuse() {
    let fixture = Fixture::new();
    let target = fixture.card_commit(|at| {
        write(at, "new.txt", "card\n");
        write(at, "dir/new.txt", "card\n");
        write(at, "out", "card\n");
        write(at, "keep.txt", "card\n");
    });
    fixture.write("new.txt", "mine\n");
    fixture.write("dir", "mine\n");
    fixture.write("out/mine.log", "mine\n");
    assert_dirty(refused(&fixture, target), &["dir/new.txt", "new.txt", "out"]);
    assert_eq!(fixture.read("new.txt"), "mine\n");
    for path in ["new.txt", "dir"] {
        fs::remove_file(fixture.repository.join(path)).unwrap();
    }
    fs::remove_file(fixture.repository.join("out/mine.log")).unwrap();
    land(&fixture.repository, &intent(&fixture, target), false).unwrap();
    assert_landed(&fixture, target);
}

#[test]
fn a_symlinked_directory_is_not_written_through() {
    let fixture = Fixture::new();
    let target = fixture.card_commit(|at| write(at, "dir/new.txt", "card\n"));
    let outside = fixture.directory.path().join("outside");
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, fixture.repository.join("dir")).unwrap();
    assert_dirty(refused(&fixture, target), &["dir/new.txt"]);
    assert!(fs::read_dir(&outside).unwrap().next().is_none());
}

#[test]
fn a_directory_that_becomes_a_symlink_leaves_what_it_points_to() {
    for steps in 1..8 {
        let fixture = Fixture::new();
        fixture.write("other/lib.rs", "keep me\n");
        fixture.git(&["add", "."]);
        fixture.git(&["commit", "-qm", "Other"]);
        let target = fixture.card_commit(|at| {
            fs::remove_dir_all(at.join("src")).unwrap();
            std::os::unix::fs::symlink("other", at.join("src")).unwrap();
        });
        let intent = intent(&fixture, target);
        halt_after(&fixture, &intent, false, steps);
        land(&fixture.repository, &intent, true).unwrap();
        assert_landed(&fixture, target);
        assert_eq!(fixture.read("other/lib.rs"), "keep me\n");
    }
}

#[test]
fn git_at_work_refuses() {
    let fixture = Fixture::new();
    let target = fixture.card_commit(|at| write(at, "a.txt", "card\n"));
    let lock = fixture.repository.join(".git/index.lock");
    fs::write(&lock, "").unwrap();
    let busy = |error: LandError| matches!(error, LandError::Busy { .. });
    assert!(busy(refused(&fixture, target)));
    // Whether git is running or was killed can't be known, so not even a resumed landing removes its lock.
    assert!(busy(land(&fixture.repository, &intent(&fixture, target), true).unwrap_err()));
    assert!(lock.exists());
    fs::remove_file(&lock).unwrap();

    fixture.git(&["checkout", "-q", "-b", "side"]);
    fixture.write("run.sh", "#!/bin/bash\n");
    fixture.git(&["commit", "-qam", "Side"]);
    fixture.git(&["checkout", "-q", "main"]);
    fixture.git(&["merge", "-q", "--no-ff", "--no-commit", "side"]);
    let error = refused(&fixture, target);
    assert!(error.to_string().contains("a merge is under way"), "{error}");
    fixture.git(&["merge", "--abort"]);

    fixture.git(&["config", "sequence.editor", "sed -i s/pick/edit/"]);
    fixture.git(&["checkout", "-q", "main"]);
    fixture.git(&["rebase", "-q", "-i", "--root"]);
    let error = refused(&fixture, target);
    assert!(error.to_string().contains("a rebase is under way"), "{error}");
}

#[test]
fn a_base_that_moved_refuses() {
    let fixture = Fixture::new();
    let target = fixture.card_commit(|at| write(at, "a.txt", "card\n"));
    let stale = intent(&fixture, target);
    fixture.git(&["commit", "-q", "--allow-empty", "-m", "Theirs"]);
    for resume in [false, true] {
        let error = land(&fixture.repository, &stale, resume).unwrap_err();
        assert!(matches!(error, LandError::BaseMoved { now } if now == fixture.tip()));
        fixture.assert_sound();
    }
}

#[test]
fn a_linked_worktree_on_the_base_follows() {
    let fixture = Fixture::new();
    let target = fixture.card_commit(many_changes);
    fixture.git(&["checkout", "-q", "-b", "topic"]);
    let linked = fixture.directory.path().join("linked");
    fixture.git(&["worktree", "add", "-q", linked.to_str().unwrap(), "main"]);
    let intent = intent(&fixture, target);
    write(&linked, "a.txt", "mine\n");
    let error = land(&fixture.repository, &intent, false).unwrap_err();
    assert!(matches!(error, LandError::Dirty { checkout, .. } if checkout == linked));
    git(&linked, &["checkout", "-q", "a.txt"]);
    let landed = land(&fixture.repository, &intent, false).unwrap();
    assert_eq!(landed.checkout, Some(linked.clone()));
    assert_eq!(git(&linked, &["status", "--porcelain"]), "");
    assert_eq!(fs::read_to_string(linked.join("src")).unwrap(), "a file now\n");
    assert!(fixture.repository.join("src/lib.rs").exists());
    fixture.assert_sound();
}

#[test]
fn a_base_that_is_checked_out_nowhere_moves_alone() {
    let fixture = Fixture::new();
    let target = fixture.card_commit(many_changes);
    fixture.git(&["checkout", "-q", "-b", "topic"]);
    fixture.write("a.txt", "work in progress\n");
    let landed = land(&fixture.repository, &intent(&fixture, target), false).unwrap();
    assert_eq!(landed, Landed { checkout: None });
    assert_eq!((fixture.tip(), fixture.read("a.txt").as_str()), (target, "work in progress\n"));
}

#[test]
fn a_bare_repository_has_no_checkout_to_follow() {
    let fixture = Fixture::new();
    let target = fixture.card_commit(many_changes);
    let bare = fixture.directory.path().join("bare.git");
    fixture.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let intent = intent(&fixture, target);
    for resume in [false, true] {
        assert_eq!(land(&bare, &intent, resume).unwrap(), Landed { checkout: None });
    }
    assert_eq!(git(&bare, &["rev-parse", "main"]).trim(), target.to_string());
    git(&bare, &["fsck", "--strict"]);
}

#[test]
fn line_endings_follow_the_attributes_that_land() {
    let fixture = Fixture::new();
    let target = fixture.card_commit(|at| {
        write(at, ".gitattributes", "*.txt text eol=crlf\n");
        write(at, "a.txt", "one\r\nCARD\r\n");
        write(at, "-b.txt", "early\r\n");
    });
    land(&fixture.repository, &intent(&fixture, target), false).unwrap();
    assert_landed(&fixture, target);
    assert_eq!(fixture.read("a.txt"), "one\r\nCARD\r\n");
    assert_eq!(fixture.read("-b.txt"), "early\r\n");
    assert_eq!(fixture.git(&["show", "main:a.txt"]), "one\nCARD\n");
}

/// Halts a landing after its `steps`th step, as a kill would; `None` when it had fewer.
fn halt_after(fixture: &Fixture, intent: &Intent, resume: bool, steps: usize) -> Option<()> {
    let mut left = steps;
    let mut watch = || {
        left = left.saturating_sub(1);
        left > 0
    };
    match land_watched(&fixture.repository, intent, resume, &mut watch) {
        Err(Stop::Halted) => Some(()),
        Ok(_) => None,
        Err(Stop::Failed(error)) => panic!("{error}"),
    }
}

#[test]
fn a_landing_killed_after_any_step_is_finished() {
    let mut steps = 0;
    loop {
        steps += 1;
        let fixture = Fixture::new();
        let target = fixture.card_commit(|at| {
            many_changes(at);
            write(at, ".gitattributes", "*.txt text eol=crlf\n");
        });
        let intent = intent(&fixture, target);
        let halted = halt_after(&fixture, &intent, false, steps);
        if halted.is_some() {
            // Killed again while resuming, and then left in peace.
            halt_after(&fixture, &intent, true, steps.div_ceil(2));
            land(&fixture.repository, &intent, true).unwrap();
        }
        assert_landed(&fixture, target);
        land(&fixture.repository, &intent, true).unwrap();
        assert_landed(&fixture, target);
        if halted.is_none() {
            break;
        }
    }
    assert!(steps > 10, "lock, stage, each path, index, ref, unlock: {steps}");
}

#[test]
fn a_killed_landing_whose_base_moved_is_undone() {
    for steps in 1..10 {
        let fixture = Fixture::new();
        let target = fixture.card_commit(many_changes);
        let intent = intent(&fixture, target);
        if halt_after(&fixture, &intent, false, steps).is_none() {
            break;
        }
        let tree = fixture.tree(fixture.tip());
        let other = fixture.git(&["commit-tree", "-p", "main", "-m", "Other", &tree.to_string()]);
        fixture.git(&["update-ref", "refs/heads/main", other.trim()]);
        let error = land(&fixture.repository, &intent, true).unwrap_err();
        assert!(matches!(error, LandError::BaseMoved { .. }), "{error}");
        fixture.assert_sound();
        assert!(!fixture.repository.join(".git/index.lock").exists());
    }
}

#[test]
fn a_ref_that_moves_at_the_last_moment_undoes_the_files() {
    let fixture = Fixture::new();
    let target = fixture.card_commit(many_changes);
    let intent = intent(&fixture, target);
    let tree = fixture.tree(fixture.tip()).to_string();
    let mut watch = || {
        let other = fixture.git(&["commit-tree", "-p", "main", "-m", "Other", &tree]);
        fixture.git(&["update-ref", "refs/heads/main", other.trim()]);
        true
    };
    let stop = land_watched(&fixture.repository, &intent, false, &mut watch);
    assert!(matches!(stop, Err(Stop::Failed(LandError::BaseMoved { .. }))));
    fixture.assert_sound();
    assert!(!fixture.repository.join(".git/index.lock").exists());
}

#[test]
fn work_done_in_a_half_landed_checkout_is_kept() {
    let fixture = Fixture::new();
    let target = fixture.card_commit(|at| {
        write(at, "a.txt", "card\n");
        write(at, "run.sh", "card\n");
    });
    let intent = intent(&fixture, target);
    halt_after(&fixture, &intent, false, 3).unwrap();
    fixture.write("run.sh", "mine\n");
    fixture.write("src/lib.rs", "mine too\n");
    assert_dirty(land(&fixture.repository, &intent, true).unwrap_err(), &["run.sh"]);
    assert_eq!(fixture.read("run.sh"), "mine\n");
    // The index is unlocked, so the person can act on it.
    fixture.git(&["checkout", "-q", "run.sh"]);
    land(&fixture.repository, &intent, true).unwrap();
    assert_eq!((fixture.read("run.sh").as_str(), fixture.tip()), ("card\n", target));
    assert_eq!(fixture.git(&["status", "--porcelain"]), " M src/lib.rs\n");
}

#[test]
fn an_intent_that_never_began_is_checked_in_full() {
    let fixture = Fixture::new();
    let target = fixture.card_commit(|at| write(at, "a.txt", "card\n"));
    fixture.write("run.sh", "mine\n");
    assert_dirty(land(&fixture.repository, &intent(&fixture, target), true).unwrap_err(), &["run.sh"]);
}

#[test]
fn a_ref_lock_left_by_a_kill_is_removed_when_resuming() {
    let fixture = Fixture::new();
    let target = fixture.card_commit(|at| write(at, "a.txt", "card\n"));
    let lock = fixture.repository.join(".git/refs/heads/main.lock");
    fs::write(&lock, "").unwrap();
    assert!(matches!(refused(&fixture, target), LandError::Git(_)));
    assert!(lock.exists());
    land(&fixture.repository, &intent(&fixture, target), true).unwrap();
    assert_landed(&fixture, target);
}

#[test]
fn a_submodules_commit_moves_in_the_index_only() {
    let fixture = Fixture::new();
    let first = fixture.tip();
    fixture.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{first},module")]);
    fs::create_dir(fixture.repository.join("module")).unwrap();
    fixture.git(&["commit", "-qm", "Add a submodule"]);
    let base = fixture.tip();
    fixture.git(&["update-index", "--cacheinfo", &format!("160000,{base},module")]);
    let tree = fixture.git(&["write-tree"]);
    fixture.git(&["reset", "-q", "--hard"]);
    let target = fixture.git(&["commit-tree", "-p", "main", "-m", "Move it", tree.trim()]);
    let target = Oid::from_str(target.trim()).unwrap();
    land(&fixture.repository, &intent(&fixture, target), false).unwrap();
    assert_landed(&fixture, target);
    assert!(fixture.repository.join("module").is_dir());
}

#[test]
fn snapshot_and_branch_go_through_a_whole_card() {
    let fixture = Fixture::new();
    let at = fixture.worktree();
    many_changes(&at);
    let base = fixture.tree(fixture.tip());
    let after = fixture.freeze(&at);
    let tree = snapshot::freeze(&fixture.repository, base, base, after, "refs/slipway/c1/1").unwrap();
    let target = commit::commit(&fixture.repository, "slipway/1-card", tree, fixture.tip(), "Card\n").unwrap();
    assert_eq!(git(&at, &["rev-parse", "HEAD"]).trim(), target.to_string());
    land(&fixture.repository, &intent(&fixture, target), false).unwrap();
    assert_landed(&fixture, target);
}
