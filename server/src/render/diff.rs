//! Git's unified diff format, taken apart into files, hunks and numbered lines.
//!
//! The grammar is the one in `git-diff(1)`, "Generating patch text with -p". A line count in a hunk's
//! header decides which lines belong to it, so that a removed line which looks like a header (`--- a`)
//! stays a line.

use std::str::Lines;

use slipway_app::port::{DiffLine, DiffLineKind, FileDiff, Hunk};

/// Files that are listed. A change of more files than this is not reviewed file by file.
pub const FILES_LIMIT: usize = 2_000;

/// Lines that are kept over all files. Past it, files keep their names and counts and lose their lines:
/// a page with more rows than this no longer scrolls well.
pub const LINES_LIMIT: usize = 20_000;

/// Characters kept of one line; minified files have lines of a megabyte.
pub const LINE_LIMIT: usize = 2_000;

/// Takes a diff apart. Never fails: what is not understood is skipped, and a file past [`LINES_LIMIT`] has
/// counts but no hunks.
pub fn parse(text: &str) -> Vec<FileDiff> {
    let mut lines = text.lines();
    let mut files: Vec<FileDiff> = Vec::new();
    let mut kept = 0;
    while let Some(line) = lines.next() {
        if let Some(names) = line.strip_prefix("diff --git ") {
            if files.len() == FILES_LIMIT {
                break;
            }
            files.push(file_named(names));
            continue;
        }
        let Some(file) = files.last_mut() else { continue };
        match HunkRange::parse(line) {
            Some(range) => read_hunk(line, range, &mut lines, file, &mut kept),
            None => read_header(line, file),
        }
    }
    files
}

fn file_named(names: &str) -> FileDiff {
    let (old_path, new_path) = split_names(names);
    FileDiff { old_path, new_path, binary: false, additions: 0, deletions: 0, hunks: Vec::new() }
}

/// The two names of a `diff --git` line. Unquoted names with spaces are ambiguous there; both sides are
/// then the same, so the line splits in its middle. Renames correct it in their own lines.
fn split_names(names: &str) -> (Option<String>, Option<String>) {
    if names.starts_with('"') {
        let (old, rest) = unquote(names);
        let new = rest.trim_start();
        let new = if new.starts_with('"') { unquote(new).0 } else { new.to_owned() };
        return (without_side(&old), without_side(&new));
    }
    let middle = names.len() / 2;
    if names.len() % 2 == 1
        && let (Some(old), Some(new)) = (names.get(..middle), names.get(middle + 1..))
        && names.as_bytes().get(middle) == Some(&b' ')
        && old.get(2..) == new.get(2..)
    {
        return (without_side(old), without_side(new));
    }
    match names.split_once(" b/").or_else(|| names.split_once(" \"b/")) {
        Some((old, new)) => (without_side(old), Some(new.trim_end_matches('"').to_owned())),
        None => (Some(names.to_owned()), Some(names.to_owned())),
    }
}

/// A name without its `a/` or `b/`; `None` for `/dev/null`.
fn without_side(name: &str) -> Option<String> {
    if name == "/dev/null" {
        return None;
    }
    Some(name.strip_prefix("a/").or_else(|| name.strip_prefix("b/")).unwrap_or(name).to_owned())
}

/// A name in git's C-style quotes, and what follows it.
fn unquote(text: &str) -> (String, &str) {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes().iter().copied().enumerate().skip(1).peekable();
    while let Some((at, byte)) = rest.next() {
        match byte {
            b'"' => return (String::from_utf8_lossy(&bytes).into_owned(), text.get(at + 1..).unwrap_or_default()),
            b'\\' => match rest.next().map(|(_, escaped)| escaped) {
                Some(b't') => bytes.push(b'\t'),
                Some(b'n') => bytes.push(b'\n'),
                Some(b'r') => bytes.push(b'\r'),
                Some(digit @ b'0'..=b'3') => {
                    let mut value = u32::from(digit - b'0');
                    for _ in 0..2 {
                        let Some((_, next)) = rest.next_if(|(_, next)| (b'0'..=b'7').contains(next)) else { break };
                        value = value * 8 + u32::from(next - b'0');
                    }
                    bytes.push(value.min(255) as u8);
                }
                Some(other) => bytes.push(other),
                None => break,
            },
            other => bytes.push(other),
        }
    }
    (String::from_utf8_lossy(&bytes).into_owned(), "")
}

fn header_name(name: &str) -> String {
    if name.starts_with('"') { unquote(name).0 } else { name.to_owned() }
}

/// One line between `diff --git` and the first hunk.
fn read_header(line: &str, file: &mut FileDiff) {
    if line.starts_with("new file mode ") {
        file.old_path = None;
    } else if line.starts_with("deleted file mode ") {
        file.new_path = None;
    } else if let Some(name) = line.strip_prefix("rename from ").or_else(|| line.strip_prefix("copy from ")) {
        file.old_path = Some(header_name(name));
    } else if let Some(name) = line.strip_prefix("rename to ").or_else(|| line.strip_prefix("copy to ")) {
        file.new_path = Some(header_name(name));
    } else if let Some(name) = line.strip_prefix("--- ").filter(|_| file.hunks.is_empty()) {
        file.old_path = without_side(&header_name(name.trim_end_matches('\t')));
    } else if let Some(name) = line.strip_prefix("+++ ").filter(|_| file.hunks.is_empty()) {
        file.new_path = without_side(&header_name(name.trim_end_matches('\t')));
    } else if line.starts_with("Binary files ") || line == "GIT binary patch" {
        file.binary = true;
    }
}

/// `@@ -old,count +new,count @@`.
#[derive(Clone, Copy)]
struct HunkRange {
    old: u32,
    old_lines: u32,
    new: u32,
    new_lines: u32,
}

impl HunkRange {
    fn parse(line: &str) -> Option<HunkRange> {
        let (ranges, _) = line.strip_prefix("@@ -")?.split_once(" @@")?;
        let (old, new) = ranges.split_once(" +")?;
        let range = |text: &str| -> Option<(u32, u32)> {
            match text.split_once(',') {
                Some((start, lines)) => Some((start.parse().ok()?, lines.parse().ok()?)),
                None => Some((text.parse().ok()?, 1)),
            }
        };
        let ((old, old_lines), (new, new_lines)) = (range(old)?, range(new)?);
        Some(HunkRange { old, old_lines, new, new_lines })
    }
}

/// The lines of one hunk, counted off against its header.
fn read_hunk(header: &str, mut range: HunkRange, lines: &mut Lines<'_>, file: &mut FileDiff, kept: &mut usize) {
    let mut hunk = Hunk { header: clip(header), lines: Vec::new() };
    while range.old_lines > 0 || range.new_lines > 0 {
        // A look ahead by cloning keeps a cut-off hunk from swallowing the next file's header.
        let mut ahead = lines.clone();
        let Some(line) = ahead.next() else { break };
        let kind = match line.as_bytes().first() {
            Some(b'+') if range.new_lines > 0 => DiffLineKind::Added,
            Some(b'-') if range.old_lines > 0 => DiffLineKind::Removed,
            // Some tools strip the blank of an empty context line.
            Some(b' ') | None => DiffLineKind::Context,
            Some(b'\\') => {
                *lines = ahead;
                continue;
            }
            _ => break,
        };
        *lines = ahead;
        let line = numbered(kind, line, &mut range, file);
        *kept += 1;
        if *kept <= LINES_LIMIT {
            hunk.lines.push(line);
        }
    }
    if *kept <= LINES_LIMIT {
        file.hunks.push(hunk);
    } else {
        file.hunks.clear();
    }
}

fn numbered(kind: DiffLineKind, line: &str, range: &mut HunkRange, file: &mut FileDiff) -> DiffLine {
    let (mut old, mut new) = (None, None);
    if kind != DiffLineKind::Added {
        old = Some(range.old);
        range.old = range.old.saturating_add(1);
        range.old_lines = range.old_lines.saturating_sub(1);
    }
    if kind != DiffLineKind::Removed {
        new = Some(range.new);
        range.new = range.new.saturating_add(1);
        range.new_lines = range.new_lines.saturating_sub(1);
    }
    match kind {
        DiffLineKind::Added => file.additions += 1,
        DiffLineKind::Removed => file.deletions += 1,
        DiffLineKind::Context => {}
    }
    DiffLine { kind, old, new, text: clip(line.get(1..).unwrap_or_default()) }
}

fn clip(line: &str) -> String {
    match line.char_indices().nth(LINE_LIMIT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::*;

    /// Files and their lines in one short text, to compare with what was meant.
    fn outline(diff: &str) -> String {
        let mut out = String::new();
        for file in parse(diff) {
            let name = |path: &Option<String>| path.clone().unwrap_or_else(|| "-".to_owned());
            let binary = if file.binary { " binary" } else { "" };
            let (old, new) = (name(&file.old_path), name(&file.new_path));
            writeln!(out, "{old} > {new} +{} -{}{binary}", file.additions, file.deletions).unwrap();
            for line in file.hunks.iter().flat_map(|hunk| &hunk.lines) {
                let number = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
                writeln!(out, "  {:?} {}:{} {}", line.kind, number(line.old), number(line.new), line.text).unwrap();
            }
        }
        out
    }

    fn check(diff: &str, want: &str) {
        assert_eq!(outline(diff).trim_end(), want.trim_end());
    }

    #[test]
    fn a_change_has_numbered_lines() {
        check(
            "diff --git a/src/lib.rs b/src/lib.rs\nindex 1..2 100644\n--- a/src/lib.rs\n+++ b/src/lib.rs\n\
             @@ -3,3 +3,4 @@ fn main() {\n a\n-b\n+c\n+d\n e\n\\ No newline at end of file\n",
            "src/lib.rs > src/lib.rs +2 -1\n  Context 3:3 a\n  Removed 4: b\n  Added :4 c\n  Added :5 d\n  Context 5:6 e",
        );
    }

    #[test]
    fn new_gone_renamed_and_binary_files() {
        check(
            "diff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n\
             diff --git a/g b/g\ndeleted file mode 100644\n--- a/g\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n\
             diff --git a/old name.rs b/new name.rs\nsimilarity index 100%\nrename from old name.rs\nrename to new name.rs\n\
             diff --git a/i.png b/i.png\nindex 1..2 100644\nBinary files a/i.png and b/i.png differ\n\
             diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n",
            "- > n +1 -0\n  Added :1 x\ng > - +0 -1\n  Removed 1: x\nold name.rs > new name.rs +0 -0\n\
             i.png > i.png +0 -0 binary\nrun.sh > run.sh +0 -0",
        );
    }

    #[test]
    fn names_with_spaces_and_quotes() {
        check("diff --git a/a b b/a b\n", "a b > a b +0 -0");
        check(r#"diff --git "a/\303\244\"\t.rs" "b/\303\244\"\t.rs""#, "ä\"\t.rs > ä\"\t.rs +0 -0");
        check(
            "diff --git a/x y b/x y\n--- a/x y\t\n+++ b/x y\t\n@@ -1 +1 @@\n-a\n+b\n",
            "x y > x y +1 -1\n  Removed 1: a\n  Added :1 b",
        );
    }

    #[test]
    fn lines_that_look_like_headers_stay_lines() {
        check(
            "diff --git a/q b/q\n--- a/q\n+++ b/q\n@@ -1,2 +1,2 @@\n--- a\n-@@ -1 +1 @@\n+++ b\n+diff --git a/z b/z\n",
            "q > q +2 -2\n  Removed 1: -- a\n  Removed 2: @@ -1 +1 @@\n  Added :1 ++ b\n  Added :2 diff --git a/z b/z",
        );
    }

    #[test]
    fn what_is_too_large_keeps_its_counts() {
        let lines = LINES_LIMIT + 1;
        let big = format!(
            "diff --git a/s b/s\n@@ -1 +1 @@\n-a\n+b\ndiff --git a/b b/b\n@@ -0,0 +1,{lines} @@\n{}",
            "+x\n".repeat(lines)
        );
        let files = parse(&big);
        assert_eq!(files[0].hunks.len(), 1);
        assert_eq!((files[1].additions as usize, files[1].hunks.len()), (lines, 0));
        let wide = parse(&format!("diff --git a/w b/w\n@@ -0,0 +1 @@\n+{}\n", "ä".repeat(LINE_LIMIT + 5)));
        assert_eq!(wide[0].hunks[0].lines[0].text.chars().count(), LINE_LIMIT + 1);
        assert_eq!(parse(&"diff --git a/f b/f\n".repeat(FILES_LIMIT + 9)).len(), FILES_LIMIT);
    }

    proptest! {
        /// No text makes it fail, and counts are those of the lines.
        #[test]
        fn any_text_is_read(text in "(diff --git a/x b/x\n|@@ -1,3 \\+1,3 @@\n|[-+ ]?[a-z\"ä]{0,4}\n){0,40}") {
            for file in parse(&text) {
                let count = |kind| {
                    file.hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.kind == kind).count() as u32
                };
                prop_assert_eq!(count(DiffLineKind::Added), file.additions);
                prop_assert_eq!(count(DiffLineKind::Removed), file.deletions);
            }
        }
    }
}
