//! What changed between two trees, in git's patch format, and the way back: whether a patch applies.

use std::path::Path;

use git2::{Delta, DiffFindOptions, DiffOptions, Oid, Patch, Repository};

use super::{Doing, GitError, lossy, open};

/// Bytes of one patch. More than this nobody reviews, and it is kept in memory, in an artifact and in the
/// next agent's reach.
pub const PATCH_BYTES: usize = 8 << 20;

/// Bytes of a file beyond which its content is left out of the patch: making a binary patch holds both
/// versions in memory several times over.
const FILE_BYTES: usize = 16 << 20;

/// Files that may be compared with one another when looking for renames, as git's own `diff.renameLimit`.
const RENAME_CANDIDATES: usize = 1000;

/// Lines around a change, as git shows them.
const CONTEXT_LINES: u32 = 3;

/// A diff between two trees.
#[derive(Clone, Debug)]
pub struct Diff {
    /// As `git diff --binary --find-renames` prints it; `git apply` takes it.
    pub patch: Vec<u8>,
    /// Some files are missing from `patch` (whole files, never parts): they, or all of it, were too large.
    pub truncated: bool,
    /// Every changed file, also those missing from `patch`.
    pub files: Vec<ChangedFile>,
}

/// One changed file. Names that aren't UTF-8 are made readable, and then name no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedFile {
    /// `None` when the file is new.
    pub old_path: Option<String>,
    /// `None` when the file is gone.
    pub new_path: Option<String>,
    pub binary: bool,
    /// Lines; none of a binary file.
    pub additions: usize,
    pub deletions: usize,
}

/// Compares two trees.
pub fn diff(repository: &Path, old_tree: Oid, new_tree: Oid) -> Result<Diff, GitError> {
    let repo = open(repository)?;
    compare(&repo, old_tree, new_tree).doing(format!("compare {old_tree} with {new_tree}"))
}

fn compare(repo: &Repository, old_tree: Oid, new_tree: Oid) -> Result<Diff, git2::Error> {
    let (old, new) = (repo.find_tree(old_tree)?, repo.find_tree(new_tree)?);
    // What the user's configuration says of prefixes and context is for their eyes, not for our parsers.
    let mut options = DiffOptions::new();
    options.show_binary(true).context_lines(CONTEXT_LINES).old_prefix("a/").new_prefix("b/");
    let mut found = repo.diff_tree_to_tree(Some(&old), Some(&new), Some(&mut options))?;
    found.find_similar(Some(DiffFindOptions::new().renames(true).rename_limit(RENAME_CANDIDATES)))?;
    let odb = repo.odb()?;
    let size = |id: Oid| if id.is_zero() { Ok(0) } else { odb.read_header(id).map(|(size, _)| size) };
    let mut diff = Diff { patch: Vec::new(), truncated: false, files: Vec::with_capacity(found.deltas().len()) };
    for (nth, delta) in found.deltas().enumerate() {
        let submodule = [delta.old_file(), delta.new_file()].iter().any(|file| file.mode() == git2::FileMode::Commit);
        if !submodule && size(delta.old_file().id())?.max(size(delta.new_file().id())?) > FILE_BYTES {
            diff.files.push(changed_file(&delta, true, (0, 0)));
            diff.truncated = true;
            continue;
        }
        let Some(mut patch) = Patch::from_diff(&found, nth)? else {
            diff.files.push(changed_file(&delta, true, (0, 0)));
            continue;
        };
        let (_, additions, deletions) = patch.line_stats()?;
        let binary = patch.delta().flags().is_binary();
        diff.files.push(changed_file(&delta, binary, (additions, deletions)));
        let text = patch.to_buf()?;
        if diff.patch.len() + text.len() > PATCH_BYTES {
            diff.truncated = true;
        } else {
            diff.patch.extend_from_slice(&text);
        }
    }
    Ok(diff)
}

fn changed_file(delta: &git2::DiffDelta<'_>, binary: bool, (additions, deletions): (usize, usize)) -> ChangedFile {
    let old = delta.old_file().path_bytes().map(lossy).filter(|_| delta.status() != Delta::Added);
    let new = delta.new_file().path_bytes().map(lossy).filter(|_| delta.status() != Delta::Deleted);
    ChangedFile { old_path: old, new_path: new, binary, additions, deletions }
}

/// The tree that `patch` makes of `base_tree`; an error when it doesn't apply exactly.
#[cfg(test)]
pub fn applies(repository: &Path, base_tree: Oid, patch: &[u8]) -> Result<Oid, GitError> {
    let repo = open(repository)?;
    let apply = || -> Result<Oid, git2::Error> {
        let base = repo.find_tree(base_tree)?;
        if patch.trim_ascii().is_empty() {
            return Ok(base_tree);
        }
        let patch = git2::Diff::from_buffer(patch)?;
        let mut applied = repo.apply_to_tree(&base, &patch, Some(&mut git2::ApplyOptions::new()))?;
        applied.write_tree_to(&repo)
    };
    apply().doing(format!("apply the patch to {base_tree}"))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::ffi::OsStrExt};

    use proptest::prelude::*;

    use super::{
        super::fixture::{Fixture, git, make_executable, write},
        *,
    };

    /// The diff of an edit: git takes the patch and so do we, and both get the very tree.
    fn check(edit: impl FnOnce(&Path)) -> Diff {
        let fixture = Fixture::new();
        fixture.git(&["config", "diff.noprefix", "true"]);
        fixture.git(&["config", "diff.mnemonicPrefix", "true"]);
        let at = fixture.worktree();
        edit(&at);
        let (old, new) = (fixture.tree(fixture.tip()), fixture.freeze(&at));
        let diff = diff(&fixture.repository, old, new).unwrap();
        assert_eq!(applies(&fixture.repository, old, &diff.patch).unwrap(), new);
        let patch = fixture.directory.path().join("patch");
        fs::write(&patch, &diff.patch).unwrap();
        if !diff.patch.is_empty() {
            fixture.git(&["-c", "core.autocrlf=false", "apply", "--index", patch.to_str().unwrap()]);
        }
        assert_eq!(fixture.git(&["write-tree"]).trim(), new.to_string());
        diff
    }

    fn paths(diff: &Diff) -> Vec<(Option<&str>, Option<&str>)> {
        diff.files.iter().map(|file| (file.old_path.as_deref(), file.new_path.as_deref())).collect()
    }

    #[test]
    fn text_is_counted_in_lines() {
        let diff = check(|at| {
            write(at, "a.txt", "one\n2\nthree\nfour");
            write(at, "new.txt", "new\n");
            fs::remove_file(at.join("run.sh")).unwrap();
        });
        let both = |name| Some(name);
        assert_eq!(paths(&diff), [(both("a.txt"), both("a.txt")), (None, both("new.txt")), (both("run.sh"), None)]);
        let counts: Vec<_> = diff.files.iter().map(|file| (file.additions, file.deletions)).collect();
        assert_eq!(counts, [(2, 1), (1, 0), (0, 1)]);
        assert!(String::from_utf8_lossy(&diff.patch).starts_with("diff --git a/a.txt b/a.txt\n"));
        assert!(!diff.truncated);
    }

    #[test]
    fn renames_are_found() {
        let diff = check(|at| {
            fs::create_dir(at.join("moved")).unwrap();
            fs::rename(at.join("src/lib.rs"), at.join("moved/lib.rs")).unwrap();
            fs::rename(at.join("a.txt"), at.join("b.txt")).unwrap();
            write(at, "b.txt", "one\ntwo\nthree\nfour\n");
        });
        assert_eq!(paths(&diff), [(Some("a.txt"), Some("b.txt")), (Some("src/lib.rs"), Some("moved/lib.rs"))]);
        assert!(String::from_utf8_lossy(&diff.patch).contains("rename from src/lib.rs"));
    }

    #[test]
    fn binary_files_modes_links_and_odd_names_are_in_the_patch() {
        let bytes: Vec<u8> = (0..5000u32).map(|n| (n * 7919 % 251) as u8).collect();
        let diff = check(|at| {
            fs::write(at.join("data.bin"), &bytes).unwrap();
            fs::write(at.join("a.txt"), [&bytes[..100], b"\0"].concat()).unwrap();
            make_executable(&at.join("src/lib.rs"));
            std::os::unix::fs::symlink("a.txt", at.join("link")).unwrap();
            write(at, "spaces and \u{e9}.txt", "odd\n");
            fs::write(at.join(std::ffi::OsStr::from_bytes(b"latin-\xe9.txt")), "odd\n").unwrap();
            write(at, "empty", "");
        });
        let binary: Vec<_> =
            diff.files.iter().filter(|file| file.binary).map(|file| file.new_path.as_deref()).collect();
        assert_eq!(binary, [Some("a.txt"), Some("data.bin")]);
        assert!(diff.files.iter().any(|file| file.new_path.as_deref() == Some("latin-\u{fffd}.txt")));
    }

    #[test]
    fn nothing_changed_is_an_empty_patch() {
        let diff = check(|_| {});
        assert!(diff.patch.is_empty() && diff.files.is_empty());
    }

    #[test]
    fn too_much_is_left_out_by_whole_files() {
        let fixture = Fixture::new();
        let at = fixture.worktree();
        write(&at, "1-small.txt", "small\n");
        write(&at, "2-large.txt", &"a line of text\n".repeat(PATCH_BYTES / 10));
        write(&at, "3-huge.bin", &"\0".repeat(FILE_BYTES + 1));
        write(&at, "4-small.txt", "small too\n");
        let (old, new) = (fixture.tree(fixture.tip()), fixture.freeze(&at));
        let diff = diff(&fixture.repository, old, new).unwrap();
        assert!(diff.truncated && diff.patch.len() < PATCH_BYTES);
        assert_eq!(diff.files.len(), 4);
        let text = String::from_utf8_lossy(&diff.patch);
        assert!(text.contains("1-small") && text.contains("4-small") && !text.contains("2-large"));
        applies(&fixture.repository, old, &diff.patch).unwrap();
    }

    #[test]
    fn a_patch_for_other_content_does_not_apply() {
        let fixture = Fixture::new();
        let base = fixture.tree(fixture.tip());
        let patch = b"--- a/a.txt\n+++ b/a.txt\n@@ -1,1 +1,1 @@\n-nothing like it\n+x\n";
        let error = applies(&fixture.repository, base, patch).unwrap_err().to_string();
        assert!(error.starts_with("Could not apply the patch"), "{error}");
        assert!(applies(&fixture.repository, base, b"no patch at all").is_err());
        assert_eq!(git(&fixture.repository, &["status", "--porcelain"]), "");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_patch_leads_from_old_to_new(lines in proptest::collection::vec("[abc]{0,2}\r?", 0..30), end in any::<bool>()) {
            check(|at| write(at, "a.txt", &format!("{}{}", lines.join("\n"), if end { "\n" } else { "" })));
        }
    }
}
