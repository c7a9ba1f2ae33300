//! Freezing: a worktree's files become a tree, and a ref keeps the tree alive.

use std::{collections::HashSet, fs, path::Path};

use git2::{
    Delta, DiffOptions, ErrorCode, Index, IndexAddOption, IndexEntry, IndexTime, ObjectType, OdbLookupFlags, Oid,
    Repository,
};

use super::{Cause, Doing, GitError, files, open, ref_lock, worktree};

/// The board's own index of a worktree, beside git's. Git's index stays at the base, so that `git diff` in
/// there shows an agent what it has changed; this one remembers which files were hashed already.
const INDEX: &str = "slipway-index";
pub(super) const INDEX_LOCK: &str = "slipway-index.lock";

/// Changed files from which on their contents are written as one pack. Each object of its own costs two waits
/// for the disk, a pack costs four; but a pack for every few files would make the repository slow.
const PACK_FROM_FILES: usize = 16;

/// Bytes of changed files that may be held in memory for a pack.
const PACK_BYTES: u64 = 64 << 20;

/// Above libgit2's own stores (packs 2, loose objects 1), so that objects go to memory.
pub(super) const MEMORY_FIRST: i32 = 1000;

/// The tree of the files at `at`, tracked or not, as `git add --all` would see them: ignore rules,
/// attributes and line-ending settings hold, and so do symlinks and executable bits. Reads only what changed
/// since the last call. Untracked directories that are repositories of their own are left out: a tree can't
/// hold their files.
pub fn write_tree(repository: &Path, at: &Path, name: &str) -> Result<Oid, GitError> {
    let repo = worktree::open_at(repository, at, name)?;
    let write = || -> Result<Oid, Cause> {
        let mut index = private_index(&repo)?;
        let pack = worth_a_pack(&repo, &index)?;
        let odb = repo.odb()?;
        let in_memory = pack.then(|| odb.add_new_mempack_backend(MEMORY_FIRST)).transpose()?;
        let mut skip_repositories = |path: &Path, _: &[u8]| i32::from(is_new_repository(&repo, at, path));
        index.add_all(["*"], IndexAddOption::DEFAULT, Some(&mut skip_repositories))?;
        let tree = index.write_tree()?;
        if in_memory.is_some() {
            write_pack(&repo, tree)?;
        }
        // Last, so that it never names an object that a crash has kept from the disk.
        index.write()?;
        Ok(tree)
    };
    write().doing(format!("freeze the files at {}", at.display()))
}

/// Whether there is so much to write that one pack is cheaper than a file for each object, and not so much
/// that it can't be held in memory until then.
fn worth_a_pack(repo: &Repository, index: &Index) -> Result<bool, git2::Error> {
    let mut options = DiffOptions::new();
    options.include_untracked(true).recurse_untracked_dirs(true).ignore_submodules(true).skip_binary_check(true);
    let diff = repo.diff_index_to_workdir(Some(index), Some(&mut options))?;
    let bytes: u64 = diff.deltas().map(|delta| delta.new_file().size()).sum();
    Ok(diff.deltas().len() >= PACK_FROM_FILES && bytes <= PACK_BYTES)
}

/// Writes the objects of `tree` that are only in memory to the repository's disk.
fn write_pack(repo: &Repository, tree: Oid) -> Result<(), Cause> {
    let on_disk = Repository::open(repo.path())?;
    let stored = on_disk.odb()?;
    let mut pack = repo.packbuilder()?;
    let mut seen = HashSet::new();
    let mut trees = vec![tree];
    while let Some(id) = trees.pop() {
        if !seen.insert(id) || stored.exists_ext(id, OdbLookupFlags::NO_REFRESH) {
            continue;
        }
        pack.insert_object(id, None)?;
        for entry in repo.find_tree(id)?.iter() {
            match entry.kind() {
                Some(ObjectType::Tree) => trees.push(entry.id()),
                Some(ObjectType::Blob)
                    if !stored.exists_ext(entry.id(), OdbLookupFlags::NO_REFRESH) && seen.insert(entry.id()) =>
                {
                    pack.insert_object(entry.id(), None)?;
                }
                // A submodule's commit is another repository's.
                _ => {}
            }
        }
    }
    if pack.object_count() > 0 {
        pack.write(&repo.commondir().join("objects/pack"), 0)?;
    }
    Ok(())
}

/// The private index, started as a copy of the worktree's own: after checkout that has each file's size and
/// times, so nothing needs to be read again.
fn private_index(repo: &Repository) -> Result<Index, Cause> {
    let path = repo.path().join(INDEX);
    // Only the server takes this lock, one call at a time: a lock that is there belongs to a dead process.
    files::remove(&repo.path().join(INDEX_LOCK))?;
    let mut index = match Index::open(&path) {
        Ok(index) if path.exists() => index,
        _ => {
            files::remove(&path)?;
            let own = repo.path().join("index");
            if own.exists() {
                fs::copy(own, &path)?;
            }
            Index::open(&path)?
        }
    };
    repo.set_index(&mut index)?;
    Ok(index)
}

/// A directory with a `.git` that the last commit doesn't know as a submodule.
fn is_new_repository(repo: &Repository, at: &Path, path: &Path) -> bool {
    let nested = at.join(path);
    let is_repository = fs::symlink_metadata(&nested).is_ok_and(|found| found.is_dir());
    is_repository && !repo.index().is_ok_and(|index| index.get_path(path, 0).is_some())
}

/// Makes the tree `base_tree` + (`after` − `before`), and points `reference` at it. So what the worktree
/// held before the agent began (a setup command's litter, say) is no part of what it is credited with.
///
/// Whole files are taken over from `after`, not hunks: a file that the agent changed stays byte for byte what
/// its commands ran against.
pub fn freeze(repository: &Path, base_tree: Oid, before: Oid, after: Oid, reference: &str) -> Result<Oid, GitError> {
    let repo = open(repository)?;
    let freeze = || -> Result<Oid, git2::Error> {
        let tree = if before == base_tree { after } else { carry_over(&repo, base_tree, before, after)? };
        ref_lock::through(&repo, reference, || repo.reference(reference, tree, true, "slipway: snapshot"))?;
        Ok(tree)
    };
    freeze().doing(format!("keep the snapshot `{reference}`"))
}

fn carry_over(repo: &Repository, base_tree: Oid, before: Oid, after: Oid) -> Result<Oid, git2::Error> {
    let mut options = DiffOptions::new();
    options.include_typechange(true);
    let (old, new) = (repo.find_tree(before)?, repo.find_tree(after)?);
    let diff = repo.diff_tree_to_tree(Some(&old), Some(&new), Some(&mut options))?;
    let mut index = Index::new()?;
    index.read_tree(&repo.find_tree(base_tree)?)?;
    for delta in diff.deltas().filter(|delta| delta.status() == Delta::Deleted) {
        let path = super::path_from_bytes(delta.old_file().path_bytes().unwrap_or_default());
        match index.remove(&path, 0) {
            Err(error) if error.code() != ErrorCode::NotFound => return Err(error),
            _ => {}
        }
    }
    for delta in diff.deltas().filter(|delta| delta.status() != Delta::Deleted) {
        let file = delta.new_file();
        index.add(&entry(file.path_bytes().unwrap_or_default(), file.id(), file.mode().into()))?;
    }
    index.write_tree_to(repo)
}

/// An index entry that knows content and mode, and nothing of a file on disk.
pub(super) fn entry(path: &[u8], id: Oid, mode: u32) -> IndexEntry {
    let never = IndexTime::new(0, 0);
    IndexEntry {
        ctime: never,
        mtime: never,
        dev: 0,
        ino: 0,
        mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::{ffi::OsStrExt, fs::symlink};

    use super::{
        super::fixture::{Fixture, git, make_executable, write},
        *,
    };

    /// Our tree is the one that `git add --all` makes of the same files.
    fn check(edit: impl Fn(&Fixture, &Path)) -> (Fixture, std::path::PathBuf, Oid) {
        let fixture = Fixture::new();
        let at = fixture.worktree();
        edit(&fixture, &at);
        let ours = fixture.freeze(&at);
        assert_eq!(fixture.freeze(&at), ours, "frozen twice");
        git(&at, &["add", "--all"]);
        assert_eq!(ours.to_string(), git(&at, &["write-tree"]).trim());
        git(&at, &["reset", "-q"]);
        fixture.assert_sound();
        (fixture, at, ours)
    }

    #[test]
    fn an_untouched_worktree_is_its_base() {
        let (fixture, _, tree) = check(|_, _| {});
        assert_eq!(tree, fixture.tree(fixture.tip()));
    }

    #[test]
    fn every_kind_of_change_is_seen() {
        let (_fixture, at, _) = check(|_, at| {
            write(at, "a.txt", "one\n");
            write(at, "new/deep/file.txt", "new\n");
            write(at, "new/build.log", "ignored\n");
            make_executable(&at.join("a.txt"));
            fs::remove_dir_all(at.join("src")).unwrap();
            write(at, "src", "a file\n");
            fs::remove_file(at.join("run.sh")).unwrap();
            write(at, "run.sh/inner", "a directory\n");
            symlink("/etc/passwd", at.join("link")).unwrap();
            symlink("missing", at.join("dangling")).unwrap();
            write(at, "name with spaces \u{e9}\n\".txt", "odd\n");
            fs::write(at.join(std::ffi::OsStr::from_bytes(b"latin-\xe9.txt")), "not UTF-8\n").unwrap();
        });
        assert!(git(&at, &["status", "--porcelain"]).contains(" M a.txt"), "git's own index is left alone");
    }

    fn packs(fixture: &Fixture) -> usize {
        let files = fs::read_dir(fixture.repository.join(".git/objects/pack")).unwrap();
        files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "pack")).count()
    }

    #[test]
    fn many_new_files_make_one_pack() {
        let before = std::cell::Cell::new(0);
        let (fixture, at, tree) = check(|fixture, at| {
            before.set(packs(fixture));
            for n in 0..200 {
                write(at, &format!("many/{}/{n}.txt", n % 7), &format!("{}\n", n / 2));
            }
            assert_eq!(fixture.freeze(at), fixture.freeze(at));
        });
        assert_eq!(packs(&fixture), before.get() + 1);
        fixture.git(&["update-ref", "refs/slipway/c1/1", &tree.to_string()]);
        fixture.git(&["fsck", "--strict"]);
        assert_eq!(git(&at, &["show", &format!("{tree}:many/1/1.txt")]), "0\n");
    }

    #[test]
    fn changes_are_seen_however_quickly_they_follow() {
        let (fixture, at, _) = check(|_, _| {});
        for round in 0..20 {
            // The same size each time: only the times can tell.
            let text = format!("round {round:02}\n");
            write(&at, "a.txt", &text);
            let tree = fixture.freeze(&at);
            assert_eq!(fixture.git(&["show", &format!("{tree}:a.txt")]), text);
        }
    }

    #[test]
    fn line_endings_are_as_git_would_store_them() {
        let (fixture, _, tree) = check(|_, at| {
            write(at, ".gitattributes", "*.txt text\n*.bat -text\n");
            write(at, "a.txt", "one\r\ntwo\r\n");
            write(at, "b.bat", "one\r\n");
        });
        assert_eq!(fixture.git(&["show", &format!("{tree}:a.txt")]), "one\ntwo\n");
        assert_eq!(fixture.git(&["show", &format!("{tree}:b.bat")]), "one\r\n");
        check(|fixture, at| {
            fixture.git(&["config", "core.autocrlf", "true"]);
            write(at, "new.txt", "one\r\ntwo\r\n");
            write(at, "a.txt", "one\r\ntwo\r\nthree\r\n");
        });
        check(|fixture, at| {
            fixture.git(&["config", "core.autocrlf", "input"]);
            write(at, "new.txt", "one\r\nmixed\n");
        });
    }

    #[test]
    fn ignore_rules_come_from_everywhere_git_reads_them() {
        let (fixture, _, tree) = check(|fixture, at| {
            fixture.write(".git/info/exclude", "secret\n");
            write(at, "secret", "x\n");
            write(at, "sub/.gitignore", "*.tmp\n!keep.tmp\n");
            write(at, "sub/a.tmp", "x\n");
            write(at, "sub/keep.tmp", "x\n");
        });
        let names = fixture.git(&["ls-tree", "-r", "--name-only", &tree.to_string()]);
        assert_eq!(names, ".gitignore\na.txt\nrun.sh\nsrc/lib.rs\nsub/.gitignore\nsub/keep.tmp\n");
    }

    #[test]
    fn repositories_of_their_own_and_special_files_are_left_out() {
        let fixture = Fixture::new();
        let at = fixture.worktree();
        git(&at, &["init", "-q", "empty"]);
        git(&at, &["init", "-q", "nested"]);
        write(&at, "nested/file.txt", "x\n");
        git(&at.join("nested"), &["add", "."]);
        git(&at.join("nested"), &["commit", "-qm", "x"]);
        std::process::Command::new("mkfifo").arg(at.join("pipe")).status().unwrap();
        assert_eq!(fixture.freeze(&at), fixture.tree(fixture.tip()));
    }

    #[test]
    fn a_lock_or_index_left_by_a_dead_process_is_no_obstacle() {
        let (fixture, at, tree) = check(|_, at| write(at, "b.txt", "b\n"));
        let admin = fixture.repository.join(".git/worktrees/card");
        fs::write(admin.join(INDEX_LOCK), "").unwrap();
        assert_eq!(fixture.freeze(&at), tree);
        fs::write(admin.join(INDEX), "DIRC").unwrap();
        assert_eq!(fixture.freeze(&at), tree);
    }

    #[test]
    fn a_snapshot_is_without_the_litter_from_before() {
        let fixture = Fixture::new();
        let at = fixture.worktree();
        let base = fixture.tree(fixture.tip());
        write(&at, "litter.txt", "from the setup command\n");
        write(&at, "run.sh", "changed by it\n");
        fs::remove_file(at.join(".gitignore")).unwrap();
        let before = fixture.freeze(&at);
        write(&at, "a.txt", "agent\n");
        write(&at, "dir/new.txt", "agent\n");
        fs::remove_dir_all(at.join("src")).unwrap();
        write(&at, "src", "agent\n");
        let after = fixture.freeze(&at);
        let name = "refs/slipway/c1/1";
        let tree = freeze(&fixture.repository, base, before, after, name).unwrap();
        assert_eq!(fixture.git(&["rev-parse", name]).trim(), tree.to_string());
        let changed = fixture.git(&["diff-tree", "-r", "--name-status", &base.to_string(), &tree.to_string()]);
        assert_eq!(changed, "M\ta.txt\nA\tdir/new.txt\nA\tsrc\nD\tsrc/lib.rs\n");
        assert_eq!(freeze(&fixture.repository, base, base, after, name).unwrap(), after);
        fixture.assert_sound();
        assert!(freeze(&fixture.repository, base, base, after, "refs/slipway/../x").is_err());
    }
}
