//! Unified diffs as a page shows them: the list of files, each file's head, and its lines on demand.
//!
//! A view of [`crate::artifact::diff`], which alone reads diffs. Files that are long, and all after the first
//! [`SHOWN_LINES`], are sent without their lines; a reader who opens one asks for them with [`bodies`].

mod files;
mod line;
mod rows;
mod words;

use std::fmt::Write;

use sha2::{Digest, Sha256};
use slipway_app::port::DiffLayout;

use super::{escape::escape, syntax::Colours};
use crate::artifact::diff::{FilePatch, LineKind};

/// Files that are listed. A change of more files than this is not reviewed file by file.
pub const FILES_LIMIT: usize = 2_000;

/// Lines of one file that are shown at all; a reader downloads what is longer.
pub const FILE_LINES_LIMIT: usize = 20_000;

/// Lines of one file that are shown without asking: beyond it, a reader looks at the list first.
const FILE_FOLD: usize = 400;

/// Lines of all files that are shown without asking; each is a row for the browser to lay out.
const SHOWN_LINES: usize = 1_200;

/// Files whose lines one request may ask for.
pub const ASKED_LIMIT: usize = 200;

/// Digits of the mark by which a page remembers that a file was viewed.
const MARK_DIGITS: usize = 16;

/// The whole diff as HTML. `anchor` makes ids unique on a page with more than one diff.
pub fn page(patches: &[FilePatch], anchor: &str) -> String {
    if patches.is_empty() {
        return "<p class=\"empty\">The diff is empty: nothing differs.</p>".to_owned();
    }
    let shown = &patches[..patches.len().min(FILES_LIMIT)];
    let mut out = format!("<p class=\"diff-sum\">{}</p>", summary(patches));
    if shown.len() > 1 {
        files::list(&mut out, shown, anchor);
    }
    if shown.len() < patches.len() {
        let _ = write!(out, "<p class=\"hint\">The first {FILES_LIMIT} files. Download the diff to read all.</p>");
    }
    for (nth, (patch, open)) in shown.iter().zip(unfolded(shown)).enumerate() {
        file(&mut out, patch, anchor, nth, open);
    }
    out
}

/// The lines of some files, in the order they are asked for; empty where there is no such file.
pub fn bodies(patches: &[FilePatch], layout: DiffLayout, asked: &[u32]) -> Vec<String> {
    let of_file = |nth: &u32| patches.get(*nth as usize).map(|patch| body(patch, layout)).unwrap_or_default();
    asked.iter().take(ASKED_LIMIT).map(of_file).collect()
}

/// Which files show their lines at first: in order, until one is large or all together are.
fn unfolded(patches: &[FilePatch]) -> Vec<bool> {
    let mut total = 0;
    let mut open = |patch: &FilePatch| {
        let lines = line_count(patch);
        let open = lines <= FILE_FOLD && total + lines <= SHOWN_LINES;
        total += if open { lines } else { 0 };
        open
    };
    patches.iter().map(&mut open).collect()
}

fn line_count(patch: &FilePatch) -> usize {
    patch.hunks.iter().map(|hunk| hunk.lines.len()).sum()
}

/// `3 files, 12 lines added, 4 removed`.
fn summary(patches: &[FilePatch]) -> String {
    let additions: usize = patches.iter().map(FilePatch::additions).sum();
    let deletions: usize = patches.iter().map(FilePatch::deletions).sum();
    let count = if patches.len() == 1 { "1 file".to_owned() } else { format!("{} files", patches.len()) };
    let lines = if additions == 1 { "line" } else { "lines" };
    format!("{count}, {additions} {lines} added, {deletions} removed")
}

fn file(out: &mut String, patch: &FilePatch, anchor: &str, nth: usize, open: bool) {
    let (path, lines) = (escape(patch.path()), line_count(patch));
    let mark = mark(patch);
    let _ = write!(
        out,
        "<div class=\"diff-file\" id=\"{anchor}-{nth}\" data-file=\"{nth}\" data-path=\"{path}\" data-mark=\"{mark}\">\
         <label class=\"diff-viewed\"><input type=\"checkbox\" data-act=\"viewed\" autocomplete=\"off\"> Viewed\
         <span class=\"visually-hidden\"> {path}</span></label><details{}><summary>",
        if open { " open" } else { "" },
    );
    let _ = write!(out, "<span class=\"diff-path\"><bdi>{path}</bdi></span>");
    for note in files::notes(patch) {
        let _ = write!(out, "<span class=\"diff-note\">{}</span>", escape(&note));
    }
    if !open && lines > 0 {
        let _ = write!(out, "<span class=\"diff-note\">{lines} lines, folded</span>");
    }
    files::counts(out, patch);
    out.push_str("</summary>");
    if open || lines == 0 {
        let _ = write!(out, "<div class=\"diff-body\">{}</div>", body(patch, DiffLayout::Unified));
    } else {
        out.push_str(
            "<div class=\"diff-body\" data-due><p class=\"diff-empty\">Large file, folded. Its lines come when it is \
             opened, which needs JavaScript; the download has them all.</p></div>",
        );
    }
    out.push_str("</details></div>");
}

fn body(patch: &FilePatch, layout: DiffLayout) -> String {
    let lines = line_count(patch);
    if lines == 0 || lines > FILE_LINES_LIMIT {
        return format!("<p class=\"diff-empty\">{}</p>", empty_reason(patch, lines));
    }
    rows::tables(patch, &Colours::of(patch), layout)
}

/// Why a file shows no lines.
fn empty_reason(patch: &FilePatch, lines: usize) -> &'static str {
    match (patch.binary, lines) {
        (true, _) => "Binary file: its content is not shown.",
        (false, 0) => "No line changed: only its name or its mode.",
        (false, _) => "Too long to show here. Download the diff to read it.",
    }
}

/// A short name for what the diff does to this file, which changes when that does and stays when lines above
/// it move it.
fn mark(patch: &FilePatch) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{:?} {:?} {:?} {}\0", patch.old_path, patch.new_path, patch.mode, patch.binary));
    for line in patch.hunks.iter().flat_map(|hunk| &hunk.lines) {
        let sign = match line.kind {
            LineKind::Context => " ",
            LineKind::Added => "+",
            LineKind::Removed => "-",
        };
        hash.update(sign);
        hash.update(&line.text);
        hash.update("\n");
    }
    hex::encode(hash.finalize())[..MARK_DIGITS].to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::artifact::diff::parse;

    fn change(path: &str, lines: usize) -> String {
        format!(
            "diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -0,0 +1,{lines} @@\n{}",
            "+x\n".repeat(lines)
        )
    }

    fn rendered(text: &str) -> String {
        page(&parse(text).unwrap(), "diff-1")
    }

    #[test]
    fn long_files_and_long_diffs_come_without_their_lines() {
        let open = |text: &str| unfolded(&parse(text).unwrap());
        let (small, large) = (change("a", 10), change("b", FILE_FOLD + 1));
        assert_eq!(open(&[small.clone(), large.clone(), small].concat()), [true, false, true]);
        let full = change("c", FILE_FOLD).repeat(SHOWN_LINES / FILE_FOLD + 2);
        assert_eq!(open(&full).iter().filter(|open| **open).count(), SHOWN_LINES / FILE_FOLD);
        let html = rendered(&large);
        assert!(html.contains("data-due") && html.contains("401 lines, folded") && !html.contains("<tr"), "{html}");
        let bodies = bodies(&parse(&large).unwrap(), DiffLayout::Unified, &[0, 9]);
        assert_eq!(bodies[0].matches("data-line=").count(), FILE_FOLD + 1);
        assert_eq!(bodies[1], "");
        let huge = change("h", FILE_LINES_LIMIT + 1);
        assert!(super::bodies(&parse(&huge).unwrap(), DiffLayout::Split, &[0])[0].contains("Too long"));
    }

    #[test]
    fn files_say_what_happened_to_them() {
        let html = rendered(
            "diff --git a/i.png b/i.png\nindex 1..2 100644\nBinary files a/i.png and b/i.png differ\n\
             diff --git a/old b/new\nsimilarity index 100%\nrename from old\nrename to new\n\
             diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n",
        );
        for want in ["Binary file: its content is not shown.", "renamed from old", "executable now", "only its name"] {
            assert!(html.contains(want), "{want}: {html}");
        }
        assert!(html.contains("3 files, 0 lines added, 0 removed"));
    }

    #[test]
    fn a_mark_follows_the_change_and_not_its_place() {
        let at = |start: u32, text: &str| {
            mark(&parse(&format!("--- a/x\n+++ b/x\n@@ -{start} +{start} @@\n-a\n+{text}\n")).unwrap()[0])
        };
        assert_eq!(at(1, "b"), at(7, "b"));
        assert_ne!(at(1, "b"), at(1, "c"));
    }

    proptest! {
        /// Whatever a file holds or is called, its markup stays text.
        #[test]
        fn no_text_becomes_markup(texts in prop::collection::vec("[<>&\"'a/ \u{202e}é]{0,12}", 1..9), name in "[<>&'a]{1,9}") {
            let lines: String = texts.iter().enumerate().map(|(nth, text)| format!("{}{text}\n", if nth % 2 == 0 { '+' } else { '-' })).collect();
            let (added, removed) = (texts.len().div_ceil(2), texts.len() / 2);
            let diff = format!("--- a/{name}.rs\n+++ b/{name}.rs\n@@ -1,{removed} +1,{added} @@ <i>\n{lines}");
            let patches = parse(&diff).unwrap();
            for html in [page(&patches, "d"), bodies(&patches, DiffLayout::Split, &[0]).concat()] {
                for tag in html.split('<').skip(1) {
                    let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
                    prop_assert!(["p", "div", "label", "input", "span", "details", "summary", "bdi", "table", "thead", "tbody",
                        "tr", "th", "td", "button", "mark", "colgroup", "col"].contains(&name.as_str()), "{} in {}", name, html);
                }
            }
        }
    }
}
