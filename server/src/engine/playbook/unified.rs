//! `diff`: applies a unified diff with its context matched exactly.
//!
//! A hunk is looked for at the line that its header names, moved by what earlier hunks found, and then ever
//! further away on both sides; the nearest place wins, as with `git apply`. Line ends are the file's.

use super::{
    effect::{Effect, Touched, count, widen},
    overlay::{Kind, Overlay, Text, bare},
    paths::RepoPath,
    refusal::Refusal,
};
use crate::artifact::{
    Change,
    diff::{FilePatch, Hunk, LineKind},
};

/// Git's mode of an executable file, and the bits that tell kinds of file apart.
const EXECUTABLE: u32 = 0o100_755;
const KIND_MASK: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;

/// Applies every file of a diff, in order.
pub fn apply(patches: &[FilePatch], overlay: &mut Overlay) -> Result<Effect, Refusal> {
    let mut touched = Vec::new();
    let mut hunks = 0;
    for patch in patches {
        hunks += patch.hunks.len();
        touched.push(apply_file(patch, overlay)?);
    }
    let summary = format!("changes {} in {}", count(touched.len(), "file"), count(hunks, "hunk"));
    Ok(Effect { touched, summary, notes: Vec::new() })
}

fn apply_file(patch: &FilePatch, overlay: &mut Overlay) -> Result<Touched, Refusal> {
    if patch.binary {
        return Refusal::rule(format!("`{}` is binary in the diff; only text can be patched", patch.path()));
    }
    if patch.mode.is_some_and(|mode| mode & KIND_MASK != REGULAR) {
        return Refusal::rule(format!(
            "`{}` is a link or a submodule in the diff, which blocks do not make",
            patch.path()
        ));
    }
    let path = |path: &Option<String>| path.as_deref().map(RepoPath::parse).transpose();
    match (path(&patch.old_path)?, path(&patch.new_path)?) {
        (None, Some(new)) => create(patch, new, overlay),
        (Some(old), None) => delete(patch, old, overlay),
        (Some(old), Some(new)) if old != new => transfer(patch, old, new, overlay),
        (Some(old), Some(_)) => {
            let (text, lines) = patched(patch, overlay.read(&old)?, &old)?;
            overlay.write(&old, &text)?;
            Ok(Touched { path: old, change: Change::Edit, lines })
        }
        (None, None) => Refusal::rule("a file in the diff has no name"),
    }
}

fn create(patch: &FilePatch, new: RepoPath, overlay: &mut Overlay) -> Result<Touched, Refusal> {
    if overlay.kind(&new)? != Kind::Missing {
        return Err(Refusal::Exists(new));
    }
    let empty = Text { text: String::new(), marked: false, executable: false };
    let (text, _) = patched(patch, empty, &new)?;
    overlay.write(&new, &text)?;
    Ok(Touched { path: new, change: Change::Create, lines: None })
}

fn delete(patch: &FilePatch, old: RepoPath, overlay: &mut Overlay) -> Result<Touched, Refusal> {
    let (text, lines) = patched(patch, overlay.read(&old)?, &old)?;
    if !text.text.is_empty() {
        return Refusal::rule(format!("the diff deletes `{old}`, but the file holds more than the diff takes away"));
    }
    overlay.remove(&old)?;
    Ok(Touched { path: old, change: Change::Delete, lines })
}

/// A rename or copy, with or without changes. Without, contents of any kind and size move.
fn transfer(patch: &FilePatch, old: RepoPath, new: RepoPath, overlay: &mut Overlay) -> Result<Touched, Refusal> {
    if overlay.kind(&new)? != Kind::Missing {
        return Err(Refusal::Exists(new));
    }
    if !patch.copied && patch.hunks.is_empty() && patch.mode.is_none() {
        overlay.rename(&old, &new)?;
        return Ok(Touched { path: old, change: Change::Move { to: new.to_string() }, lines: None });
    }
    let (text, lines) = patched(patch, overlay.read(&old)?, &old)?;
    if patch.copied {
        overlay.write(&new, &text)?;
        return Ok(Touched { path: new, change: Change::Create, lines: None });
    }
    overlay.remove(&old)?;
    overlay.write(&new, &text)?;
    Ok(Touched { path: old, change: Change::Move { to: new.to_string() }, lines })
}

/// The text after all hunks, and the lines of the old one that they change.
fn patched(patch: &FilePatch, mut text: Text, path: &RepoPath) -> Result<(Text, Option<(u32, u32)>), Refusal> {
    let line_end = text.line_end();
    let lines = text.lines();
    let mut out: Vec<String> = Vec::new();
    let mut done = 0;
    let mut offset = 0_isize;
    let mut span = None;
    for hunk in &patch.hunks {
        let old: Vec<&str> =
            hunk.lines.iter().filter(|line| line.kind != LineKind::Added).map(|line| bare(&line.text)).collect();
        // A hunk without old lines stands after the line that it names, others on it.
        let named = (hunk.old_start as usize).saturating_sub(usize::from(!old.is_empty()));
        let expected = named.saturating_add_signed(offset);
        let Some(at) = nearest(&lines, &old, done, expected) else {
            return Refusal::rule(format!(
                "the hunk at line {} of the diff does not match `{path}` near its line {}; the file must hold the \
                 hunk's context and removed lines exactly",
                hunk.line, hunk.old_start,
            ));
        };
        offset += signed(at) - signed(expected);
        out.extend(lines[done..at].iter().map(|line| (*line).to_owned()));
        span = widen(span, at + 1, (at + old.len()).max(at + 1));
        put_hunk(&mut out, hunk, &lines[at..], line_end);
        done = at + old.len();
    }
    out.extend(lines[done..].iter().map(|line| (*line).to_owned()));
    let last = out.len().saturating_sub(1);
    for line in out.iter_mut().take(last).filter(|line| !line.ends_with('\n')) {
        line.push_str(line_end);
    }
    text.text = out.concat();
    if let Some(mode) = patch.mode {
        text.executable = mode == EXECUTABLE;
    }
    Ok((text, span))
}

fn signed(number: usize) -> isize {
    isize::try_from(number).unwrap_or(isize::MAX)
}

/// Adds a hunk's new lines; context lines are taken from the file as they are there.
fn put_hunk(out: &mut Vec<String>, hunk: &Hunk, old: &[&str], line_end: &str) {
    let mut next = 0;
    for line in &hunk.lines {
        match line.kind {
            LineKind::Removed => next += 1,
            LineKind::Context => {
                out.push(old[next].to_owned());
                next += 1;
            }
            LineKind::Added => {
                let end = if line.unterminated { "" } else { line_end };
                out.push(format!("{}{end}", bare(&line.text)));
            }
        }
    }
}

/// Where `wanted` stands in `lines`, not before `from` and as near to `expected` as can be.
fn nearest(lines: &[&str], wanted: &[&str], from: usize, expected: usize) -> Option<usize> {
    let last = lines.len().checked_sub(wanted.len())?;
    if wanted.is_empty() {
        // Nothing says where such a hunk belongs but its header.
        return (expected >= from && expected <= lines.len()).then_some(expected);
    }
    let matches = |at: usize| at >= from && at <= last && wanted.iter().zip(&lines[at..]).all(|(a, b)| *a == bare(b));
    let reach = lines.len().max(expected);
    (0..=reach).find_map(|distance| {
        let before = expected.checked_sub(distance).filter(|at| matches(*at));
        before.or_else(|| Some(expected.saturating_add(distance)).filter(|at| matches(*at)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::cancel::Cancel;
    use super::*;
    use crate::artifact::diff;
    use proptest::prelude::*;

    fn check(files: &[(&str, &str)], patch: &str) -> Result<(tempfile::TempDir, Effect), String> {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(dir.path().join(name), content).unwrap();
        }
        let mut overlay = Overlay::open(dir.path()).unwrap();
        let patches = diff::parse(patch).map_err(|error| error.to_string())?;
        let effect = overlay.all_or_nothing(|overlay| apply(&patches, overlay)).map_err(|error| error.to_string())?;
        overlay.flush(&Cancel::default()).unwrap();
        Ok((dir, effect))
    }

    fn one(before: &str, hunks: &str) -> Result<String, String> {
        let (dir, _) = check(&[("f", before)], &format!("--- a/f\n+++ b/f\n{hunks}"))?;
        Ok(std::fs::read_to_string(dir.path().join("f")).unwrap())
    }

    #[test]
    fn finds_the_place() {
        assert_eq!(one("a\nb\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n").unwrap(), "a\nB\nc\n");
        assert_eq!(one("x\nx\nx\na\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n+B\n").unwrap(), "x\nx\nx\na\nB\n");
        assert_eq!(one("a\r\nb\r\n", "@@ -1,2 +1,3 @@\n a\n-b\n+B\n+C\n").unwrap(), "a\r\nB\r\nC\r\n");
        assert_eq!(one("a\nb", "@@ -1,2 +1,3 @@\n a\n b\n+c\n").unwrap(), "a\nb\nc\n");
        assert_eq!(one("a\n", "@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n").unwrap(), "b");
        assert_eq!(one("a\nb\n", "@@ -1,0 +2 @@\n+x\n").unwrap(), "a\nx\nb\n");
        assert!(
            one("a\nb\n", "@@ -1,2 +1,2 @@\n a\n-c\n+d\n").unwrap_err().contains("does not match `f` near its line 1")
        );
    }

    #[test]
    fn creates_deletes_renames_and_copies() {
        let patch = "diff --git a/new b/new\nnew file mode 100755\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+n\n\
            diff --git a/gone b/gone\ndeleted file mode 100644\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-g\n\
            diff --git a/old b/moved\nsimilarity index 100%\nrename from old\nrename to moved\n\
            diff --git a/src b/copy\nsimilarity index 50%\ncopy from src\ncopy to copy\n--- a/src\n+++ b/copy\n@@ -1 +1 @@\n-s\n+c\n\
            diff --git a/empty b/empty\nnew file mode 100644\nindex 0..0\n";
        let (dir, effect) = check(&[("gone", "g\n"), ("old", "o\0"), ("src", "s\n")], patch).unwrap();
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).ok();
        assert_eq!(read("new").as_deref(), Some("n\n"));
        assert_eq!((read("gone"), read("old")), (None, None));
        assert_eq!(read("moved").as_deref(), Some("o\0"));
        assert_eq!((read("src").as_deref(), read("copy").as_deref()), (Some("s\n"), Some("c\n")));
        assert_eq!(read("empty").as_deref(), Some(""));
        assert_eq!(effect.summary, "changes 5 files in 3 hunks");
    }

    #[test]
    fn refuses_what_is_not_safe() {
        let refused = |patch: &str| check(&[("f", "a\nb\n")], patch).unwrap_err();
        assert!(refused("--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+x\n").contains("exists already"));
        assert!(refused("--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n").contains("more than the diff"));
        assert!(refused("--- a/../f\n+++ b/../f\n@@ -1 +1 @@\n-a\n+b\n").contains("leads out"));
        assert!(
            refused("diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n")
                .contains("link")
        );
        assert!(refused("diff --git a/f b/f\nBinary files a/f and b/f differ\n").contains("binary"));
    }

    proptest! {
        /// What `similar` says is the difference between two texts turns one into the other.
        #[test]
        fn applies_what_a_differ_writes(old in "([ab]{0,2}(\n|\r\n)){0,12}[ab]?", new in "([ab]{0,2}\n){0,12}[ab]?") {
            let old = old.replace('\r', "");
            let text = similar::TextDiff::from_lines(old.as_str(), new.as_str()).unified_diff().header("a/f", "b/f").to_string();
            if !text.is_empty() {
                let hunks = text.split_once("+++ b/f\n").unwrap().1;
                prop_assert_eq!(one(&old, hunks), Ok(new));
            }
        }
    }
}
