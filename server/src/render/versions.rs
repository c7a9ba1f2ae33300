//! The difference between two versions of what an agent made, as patches that a page shows like any diff.

use std::{collections::BTreeMap, time::Duration};

use similar::{ChangeTag, TextDiff};

use crate::artifact::diff::{FilePatch, Hunk, Line, LineKind};

/// Longest text that is compared, in bytes.
pub const TEXT_LIMIT: usize = 1024 * 1024;

/// Longest time for one comparison; past it, the lines that are left count as replaced.
const LONGEST: Duration = Duration::from_millis(500);

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// What changed between two texts that go by `name`; nothing when they are the same.
pub fn of_texts(name: &str, old: &str, new: &str) -> Vec<FilePatch> {
    let mut hunks = Vec::new();
    let diff = TextDiff::configure().timeout(LONGEST).diff_lines(old, new);
    for ops in diff.grouped_ops(CONTEXT) {
        let (Some(first), Some(last)) = (ops.first(), ops.last()) else { continue };
        let (old_len, new_len) =
            (last.old_range().end - first.old_range().start, last.new_range().end - first.new_range().start);
        // A side without lines names the line before it, as `diff -u` does.
        let start = |at: usize, len: usize| (at + usize::from(len > 0)) as u32;
        let lines = ops.iter().flat_map(|op| diff.iter_changes(op)).map(|change| Line {
            kind: match change.tag() {
                ChangeTag::Equal => LineKind::Context,
                ChangeTag::Insert => LineKind::Added,
                ChangeTag::Delete => LineKind::Removed,
            },
            text: change.value().trim_end_matches('\n').to_owned(),
            unterminated: false,
        });
        hunks.push(Hunk {
            old_start: start(first.old_range().start, old_len),
            old_len: old_len as u32,
            new_start: start(first.new_range().start, new_len),
            new_len: new_len as u32,
            lines: lines.collect(),
            ..Hunk::default()
        });
    }
    if hunks.is_empty() {
        return Vec::new();
    }
    let path = Some(name.to_owned());
    vec![FilePatch { old_path: path.clone(), new_path: path, hunks, ..FilePatch::default() }]
}

/// What changed between two diffs: for each file, how its change differs. Where its lines stand does not count.
pub fn of_diffs(old: &[FilePatch], new: &[FilePatch]) -> Vec<FilePatch> {
    let mut files: BTreeMap<&str, (String, String)> = BTreeMap::new();
    for patch in old {
        files.entry(patch.path()).or_default().0 = change_text(patch);
    }
    for patch in new {
        files.entry(patch.path()).or_default().1 = change_text(patch);
    }
    let differing = files.into_iter().filter(|(_, (old, new))| old != new);
    differing.flat_map(|(path, (old, new))| of_texts(path, &old, &new)).collect()
}

fn change_text(patch: &FilePatch) -> String {
    let mut text = String::new();
    if patch.binary {
        text.push_str("a binary file\n");
    }
    for hunk in &patch.hunks {
        for line in &hunk.lines {
            text.push(match line.kind {
                LineKind::Context => ' ',
                LineKind::Added => '+',
                LineKind::Removed => '-',
            });
            text.push_str(&line.text);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::artifact::diff::parse;

    #[test]
    fn a_changed_line_has_its_surroundings() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let patches = of_texts("plan.md", old, &old.replace('5', "five"));
        let hunk = &patches[0].hunks[0];
        assert_eq!((hunk.old_start, hunk.old_len, hunk.new_start, hunk.new_len), (2, 7, 2, 7));
        assert_eq!((patches[0].path(), patches[0].additions(), patches[0].deletions()), ("plan.md", 1, 1));
        assert!(of_texts("plan.md", old, old).is_empty());
        let fresh = &of_texts("plan.md", "", "a\n")[0].hunks[0];
        assert_eq!((fresh.old_start, fresh.old_len, fresh.new_start), (0, 0, 1));
    }

    #[test]
    fn diffs_are_compared_by_file_and_not_by_place() {
        let change =
            |path: &str, at: u32, line: &str| format!("--- a/{path}\n+++ b/{path}\n@@ -{at} +{at} @@\n-a\n+{line}\n");
        let old = parse(&[change("moved", 1, "b"), change("same", 1, "b"), change("gone", 1, "b")].concat()).unwrap();
        let new = parse(&[change("moved", 9, "b"), change("same", 1, "c"), change("come", 1, "b")].concat()).unwrap();
        let found = of_diffs(&old, &new);
        let paths: Vec<&str> = found.iter().map(FilePatch::path).collect();
        assert_eq!(paths, ["come", "gone", "same"]);
        assert_eq!(found[2].hunks[0].lines[1].text, "+b");
    }

    proptest! {
        /// The hunks lead from one text to the other.
        #[test]
        fn both_texts_are_in_it(old in prop::collection::vec("[ab]", 0..12), new in prop::collection::vec("[ab]", 0..12)) {
            let text = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            for patch in of_texts("x", &text(&old), &text(&new)) {
                for hunk in &patch.hunks {
                    let side = |not: LineKind| hunk.lines.iter().filter(|line| line.kind != not).map(|line| line.text.clone()).collect::<Vec<_>>();
                    let at = |start: u32, len: u32| start as usize - usize::from(len > 0);
                    let (from, to) = (at(hunk.old_start, hunk.old_len), at(hunk.new_start, hunk.new_len));
                    prop_assert_eq!(&side(LineKind::Added), &old[from..from + hunk.old_len as usize].to_vec());
                    prop_assert_eq!(&side(LineKind::Removed), &new[to..to + hunk.new_len as usize].to_vec());
                }
            }
        }
    }
}
