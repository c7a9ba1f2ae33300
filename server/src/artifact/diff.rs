//! Reads unified diffs: as git writes them (with creations, deletions, renames, copies, modes and binary
//! files) and as `diff -u` does (`---`/`+++` only).

/// Why text is not a unified diff.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the diff: {what}")]
pub struct DiffError {
    /// Counted from 1.
    pub line: usize,
    pub what: String,
}

/// What a diff does to one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FilePatch {
    /// `None` when the file is new.
    pub old_path: Option<String>,
    /// `None` when the file goes.
    pub new_path: Option<String>,
    /// The old file stays as well.
    pub copied: bool,
    /// Git says that the contents differ and shows nothing of them.
    pub binary: bool,
    /// The new file's mode where the diff sets it, as git writes it (octal): `100644`, `100755`, `120000`…
    pub mode: Option<u32>,
    /// The old file's mode where the diff changes or removes it.
    pub old_mode: Option<u32>,
    pub hunks: Vec<Hunk>,
    /// Where it starts in the diff, counted from 1.
    pub line: usize,
}

/// A stretch of changed lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hunk {
    /// First line in the old file, counted from 1; 0 in an empty one.
    pub old_start: u32,
    pub old_len: u32,
    pub new_start: u32,
    pub new_len: u32,
    pub lines: Vec<Line>,
    /// What git names behind the ranges: the function or heading that the lines stand in.
    pub section: String,
    /// Where its header stands in the diff, counted from 1.
    pub line: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub kind: LineKind,
    /// Without its line feed; a carriage return stays.
    pub text: String,
    /// `\ No newline at end of file` follows.
    pub unterminated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    Context,
    Added,
    Removed,
}

impl FilePatch {
    /// The path to speak of: the new one, or the old one of a file that goes.
    pub fn path(&self) -> &str {
        self.new_path.as_deref().or(self.old_path.as_deref()).unwrap_or_default()
    }

    /// Both paths where they differ.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let old = self.old_path.as_deref().filter(|old| !self.copied && Some(*old) != self.new_path.as_deref());
        [old, self.new_path.as_deref()].into_iter().flatten()
    }

    /// Added lines with their numbers in the new file.
    pub fn added(&self) -> impl Iterator<Item = (u32, &str)> {
        self.hunks.iter().flat_map(|hunk| {
            let mut next = hunk.new_start;
            hunk.lines.iter().filter_map(move |line| {
                let number = next;
                next = next.saturating_add(u32::from(line.kind != LineKind::Removed));
                (line.kind == LineKind::Added).then(|| (number, line.text.trim_end_matches('\r')))
            })
        })
    }

    pub fn additions(&self) -> usize {
        self.count(LineKind::Added)
    }

    pub fn deletions(&self) -> usize {
        self.count(LineKind::Removed)
    }

    fn count(&self, kind: LineKind) -> usize {
        self.hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.kind == kind).count()
    }
}

/// Reads a whole diff. Text before the first file and between files, such as a commit's message, is passed over.
///
/// # Errors
/// [`DiffError`] when a header or hunk is malformed or a hunk's length is not what its header says.
pub fn parse(text: &str) -> Result<Vec<FilePatch>, DiffError> {
    let mut reader = Reader { lines: text.split('\n').collect(), at: 0, patches: Vec::new(), in_header: false };
    if reader.lines.last() == Some(&"") {
        reader.lines.pop();
    }
    while reader.at < reader.lines.len() {
        reader.step()?;
    }
    Ok(reader.patches)
}

struct Reader<'a> {
    lines: Vec<&'a str>,
    at: usize,
    patches: Vec<FilePatch>,
    /// Between `diff --git` and the first hunk.
    in_header: bool,
}

impl Reader<'_> {
    fn error<T>(&self, what: impl Into<String>) -> Result<T, DiffError> {
        Err(DiffError { line: self.at + 1, what: what.into() })
    }

    fn step(&mut self) -> Result<(), DiffError> {
        let line = self.lines[self.at];
        if let Some(rest) = line.strip_prefix("diff --git ") {
            let path = header_path(rest);
            let patch = FilePatch { old_path: path.clone(), new_path: path, line: self.at + 1, ..FilePatch::default() };
            self.patches.push(patch);
            self.in_header = true;
        } else if line.starts_with("--- ") && self.lines.get(self.at + 1).is_some_and(|next| next.starts_with("+++ ")) {
            self.file_names()?;
        } else if line.starts_with("@@ ") {
            return self.hunk();
        } else if self.in_header {
            self.extended_header(line)?;
        } else if !self.patches.is_empty() && line.starts_with(['+', '-', ' ']) && !matches!(line, "-- " | "--") {
            return self.error(
                "it looks like part of a hunk, but the hunk above is complete by its header; correct the lengths in \
                 `@@ -start,length +start,length @@`",
            );
        }
        self.at += 1;
        Ok(())
    }

    /// `---` and `+++`.
    fn file_names(&mut self) -> Result<(), DiffError> {
        let old = self.name(&self.lines[self.at][4..])?;
        self.at += 1;
        let new = self.name(&self.lines[self.at][4..])?;
        let (old, new) = strip_prefixes(old, new);
        if old.is_none() && new.is_none() {
            return self.error("both sides are /dev/null");
        }
        let line = self.at;
        if !self.in_header {
            self.patches.push(FilePatch { line, ..FilePatch::default() });
        }
        self.in_header = false;
        if let Some(patch) = self.patches.last_mut() {
            (patch.old_path, patch.new_path) = (old, new);
        }
        Ok(())
    }

    fn name(&self, text: &str) -> Result<Option<String>, DiffError> {
        let text = text.trim_end_matches('\r');
        let name = if text.starts_with('"') {
            match unquote(text) {
                Some((name, _)) => name,
                None => return self.error("the quoted file name can't be read"),
            }
        } else {
            text.split('\t').next().unwrap_or_default().trim_end().to_owned()
        };
        if name.is_empty() {
            return self.error("the file name is missing");
        }
        Ok((name != "/dev/null").then_some(name))
    }

    fn extended_header(&mut self, line: &str) -> Result<(), DiffError> {
        let named = |rest: &str| self.name(rest);
        let mode = |rest: &str| u32::from_str_radix(rest.trim(), 8).ok();
        let mut patch = self.patches.last().cloned().unwrap_or_default();
        if let Some(rest) = line.strip_prefix("new file mode ") {
            patch.old_path = None;
            patch.mode = mode(rest);
        } else if let Some(rest) = line.strip_prefix("deleted file mode ") {
            patch.new_path = None;
            patch.old_mode = mode(rest);
        } else if let Some(rest) = line.strip_prefix("old mode ") {
            patch.old_mode = mode(rest);
        } else if let Some(rest) = line.strip_prefix("new mode ") {
            patch.mode = mode(rest);
        } else if let Some(rest) = line.strip_prefix("rename from ").or_else(|| line.strip_prefix("copy from ")) {
            patch.old_path = named(rest)?;
            patch.copied = line.starts_with("copy");
        } else if let Some(rest) = line.strip_prefix("rename to ").or_else(|| line.strip_prefix("copy to ")) {
            patch.new_path = named(rest)?;
        } else if line.starts_with("Binary files ") || line.starts_with("GIT binary patch") {
            patch.binary = true;
            // The encoded contents, which nobody here reads, end where the next file begins.
            self.in_header = false;
            while self.lines.get(self.at + 1).is_some_and(|next| !next.starts_with("diff --git ")) {
                self.at += 1;
            }
        }
        if let Some(last) = self.patches.last_mut() {
            *last = patch;
        }
        Ok(())
    }

    fn hunk(&mut self) -> Result<(), DiffError> {
        let Some(mut hunk) = hunk_header(self.lines[self.at]) else {
            return self.error("a hunk's header is `@@ -start,length +start,length @@`");
        };
        if self.patches.is_empty() {
            return self.error("a hunk needs `--- old` and `+++ new` above it");
        }
        hunk.line = self.at + 1;
        self.in_header = false;
        self.at += 1;
        let (mut old_left, mut new_left) = (hunk.old_len, hunk.new_len);
        while old_left > 0 || new_left > 0 {
            let Some(line) = self.lines.get(self.at) else {
                return self.error(format!("the hunk ends early: {old_left} old and {new_left} new lines are missing"));
            };
            let (kind, text) = match line.as_bytes().first() {
                // Editors take the space of an empty context line away.
                None => (LineKind::Context, ""),
                Some(b' ') => (LineKind::Context, &line[1..]),
                Some(b'+') => (LineKind::Added, &line[1..]),
                Some(b'-') => (LineKind::Removed, &line[1..]),
                Some(b'\\') => {
                    self.mark_unterminated(&mut hunk);
                    continue;
                }
                Some(_) => return self.error("a hunk's line starts with a space, `+` or `-`"),
            };
            let (old, new) = (u32::from(kind != LineKind::Added), u32::from(kind != LineKind::Removed));
            match (old_left.checked_sub(old), new_left.checked_sub(new)) {
                (Some(old), Some(new)) => (old_left, new_left) = (old, new),
                _ => return self.error("the hunk is longer than its header says"),
            }
            hunk.lines.push(Line { kind, text: text.to_owned(), unterminated: false });
            self.at += 1;
        }
        if self.lines.get(self.at).is_some_and(|line| line.starts_with('\\')) {
            self.mark_unterminated(&mut hunk);
        }
        if let Some(patch) = self.patches.last_mut() {
            patch.hunks.push(hunk);
        }
        Ok(())
    }

    fn mark_unterminated(&mut self, hunk: &mut Hunk) {
        if let Some(line) = hunk.lines.last_mut() {
            line.unterminated = true;
        }
        self.at += 1;
    }
}

fn hunk_header(line: &str) -> Option<Hunk> {
    let (ranges, section) = line.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let range = |text: &str| -> Option<(u32, u32)> {
        let (start, len) = text.split_once(',').unwrap_or((text, "1"));
        Some((start.parse().ok()?, len.parse().ok()?))
    };
    let ((old_start, old_len), (new_start, new_len)) = (range(old)?, range(new)?);
    let section = section.trim().to_owned();
    Some(Hunk { old_start, old_len, new_start, new_len, section, ..Hunk::default() })
}

/// Prefixes that git writes before paths (`diff.mnemonicPrefix` included).
const PREFIXES: &[&str] = &["a/", "b/", "i/", "w/", "c/", "o/"];

/// Takes `a/` and `b/` away where both sides have one; a side that is `/dev/null` counts as having one.
fn strip_prefixes(old: Option<String>, new: Option<String>) -> (Option<String>, Option<String>) {
    let prefix = |path: &str| PREFIXES.iter().find(|prefix| path.starts_with(**prefix)).copied();
    let prefixed = |path: &Option<String>| path.as_deref().is_none_or(|path| prefix(path).is_some());
    let same = matches!((&old, &new), (Some(old), Some(new)) if prefix(old) == prefix(new));
    if !prefixed(&old) || !prefixed(&new) || same {
        return (old, new);
    }
    (old.map(|path| path[2..].to_owned()), new.map(|path| path[2..].to_owned()))
}

/// The one path of `a/PATH b/PATH`, where both are the same; a rename names its paths below.
fn header_path(rest: &str) -> Option<String> {
    let rest = rest.trim_end_matches('\r');
    let (old, new) = if rest.starts_with('"') {
        let (old, after) = unquote(rest)?;
        let new = after.trim_start();
        (old, if new.starts_with('"') { unquote(new)?.0 } else { new.to_owned() })
    } else {
        // Both halves are of the same length, whatever spaces the path holds.
        let middle = rest.len() / 2;
        (rest.get(..middle)?.to_owned(), rest.get(middle + 1..)?.to_owned())
    };
    let (old, new) = strip_prefixes(Some(old), Some(new));
    if old == new { new } else { None }
}

/// Reads a C-style quoted string as git writes it; returns it and what follows.
fn unquote(text: &str) -> Option<(String, &str)> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 1;
    while *bytes.get(at)? != b'"' {
        if bytes[at] != b'\\' {
            out.push(bytes[at]);
            at += 1;
            continue;
        }
        let escape = *bytes.get(at + 1)?;
        at += 2;
        out.push(match escape {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'v' => 11,
            b'0'..=b'3' => {
                let octal = text.get(at - 1..at + 2)?;
                at += 2;
                u8::from_str_radix(octal, 8).ok()?
            }
            other => other,
        });
    }
    Some((String::from_utf8(out).ok()?, &text[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn paths(text: &str) -> Vec<(Option<String>, Option<String>)> {
        parse(text).unwrap().into_iter().map(|patch| (patch.old_path, patch.new_path)).collect()
    }

    fn some(path: &str) -> Option<String> {
        Some(path.to_owned())
    }

    #[test]
    fn names_files_as_git_and_diff_do() {
        assert_eq!(paths("--- a/x y\t2026\n+++ b/x y\t2026\n@@ -1 +1 @@\n-a\n+b\n"), [(some("x y"), some("x y"))]);
        assert_eq!(paths("--- x.orig\n+++ x\n@@ -1 +1 @@\n-a\n+b\n"), [(some("x.orig"), some("x"))]);
        assert_eq!(paths("diff --git a/a b b/a b\nnew file mode 100644\nindex 0..1\n"), [(None, some("a b"))]);
        assert_eq!(paths("diff --git a/x b/x\ndeleted file mode 100644\n"), [(some("x"), None)]);
        assert_eq!(
            paths("diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n"),
            [(some("x"), some("y"))]
        );
        assert_eq!(
            paths(
                "diff --git \"a/\\303\\251\" \"b/\\303\\251\"\n--- \"a/\\303\\251\"\n+++ \"b/\\303\\251\"\n@@ -1 +0,0 @@\n-x\n"
            ),
            [(some("é"), some("é"))]
        );
        assert_eq!(paths("--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n"), [(None, some("n"))]);
    }

    #[test]
    fn numbers_added_lines_in_the_new_file() {
        let patch = &parse("--- a/x\n+++ b/x\n@@ -3,3 +3,4 @@ fn\n a\n-b\n+c\n+d\n\n").unwrap()[0];
        assert_eq!(patch.added().collect::<Vec<_>>(), [(4, "c"), (5, "d")]);
        assert_eq!((patch.additions(), patch.deletions()), (2, 1));
        assert_eq!(patch.hunks[0].section, "fn");
    }

    #[test]
    fn binary_contents_are_passed_over() {
        let patches = parse("diff --git a/x b/x\nindex 1..2\nGIT binary patch\nliteral 3\n+abc\n\ndiff --git a/y b/y\nold mode 100644\nnew mode 100755\n").unwrap();
        assert!(patches[0].binary);
        assert_eq!((patches[1].old_mode, patches[1].mode), (Some(0o100644), Some(0o100755)));
    }

    #[test]
    fn says_where_a_diff_is_wrong() {
        let error = |text: &str| parse(text).unwrap_err().to_string();
        assert!(error("--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n-a\n").starts_with("line 5"));
        assert!(error("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n+c\n").contains("correct the lengths"));
        assert!(error("@@ -1 +1 @@\n-a\n+b\n").contains("--- old"));
        assert!(error("--- a/x\n+++ b/x\n@@ nonsense\n").contains("header"));
    }

    proptest! {
        #[test]
        fn never_panics(lines in prop::collection::vec(prop_oneof![
            Just("diff --git a/x b/x"), Just("--- a/x"), Just("+++ b/x"), Just("@@ -1,2 +1,2 @@"), Just("+a"), Just("-é"),
            Just(" c"), Just("\\ No newline"), Just(""), Just("diff --git \"a/\\30"), Just("rename from \"é\\"),
        ], 0..20)) {
            let _ = parse(&lines.join("\n"));
        }
    }
}
