//! A diff in unified form: a list of files with counts, and each file's lines with both line numbers.
//! Large files are folded, and their lines are drawn when they are unfolded.

use leptos::prelude::*;

use crate::{
    port::{DiffLine, DiffLineKind, FileDiff, Hunk},
    ui::{icon::Icon, settled::settled},
};

/// Lines of one file that are shown without asking: beyond it, a reader looks at the list first.
const FILE_FOLD: usize = 400;
/// Lines of all files that are shown without asking; each is a row for the browser to lay out.
const TOTAL_FOLD: usize = 2_000;

/// What a reader needs to know of a file beside its lines.
fn note(file: &FileDiff) -> Option<String> {
    match (&file.old_path, &file.new_path) {
        _ if file.binary => Some("binary".to_owned()),
        (None, _) => Some("new".to_owned()),
        (_, None) => Some("deleted".to_owned()),
        (Some(old), Some(new)) if old != new => Some(format!("renamed from {old}")),
        _ => None,
    }
}

/// The name that a file goes by.
fn path(file: &FileDiff) -> String {
    file.new_path.as_ref().or(file.old_path.as_ref()).cloned().unwrap_or_default()
}

fn line_count(file: &FileDiff) -> usize {
    file.hunks.iter().map(|hunk| hunk.lines.len()).sum()
}

/// Which files are unfolded at first: in order, until one is large or all together are.
fn unfolded(files: &[FileDiff]) -> Vec<bool> {
    let mut total = 0;
    files
        .iter()
        .map(|file| {
            let lines = line_count(file);
            let open = lines <= FILE_FOLD && total + lines <= TOTAL_FOLD;
            total += if open { lines } else { 0 };
            open
        })
        .collect()
}

/// `3 files, 12 lines added, 4 removed`.
fn summary(files: &[FileDiff]) -> String {
    let additions: u32 = files.iter().map(|file| file.additions).sum();
    let deletions: u32 = files.iter().map(|file| file.deletions).sum();
    let count = if files.len() == 1 { "1 file".to_owned() } else { format!("{} files", files.len()) };
    let lines = if additions == 1 { "line" } else { "lines" };
    format!("{count}, {additions} {lines} added, {deletions} removed")
}

/// Why a file shows no lines.
fn empty_reason(file: &FileDiff) -> &'static str {
    match (file.binary, file.additions + file.deletions) {
        (true, _) => "Binary file: its content is not shown.",
        (false, 0) => "No line changed: only its name or its mode.",
        (false, _) => "Too large to show here. Download the diff to read it.",
    }
}

#[component]
pub fn DiffView(
    files: Vec<FileDiff>,
    /// Makes anchors unique on a page with more than one diff.
    anchor: String,
) -> impl IntoView {
    if files.is_empty() {
        return settled(view! { <p class="empty">"The diff is empty: nothing differs from the base."</p> });
    }
    let open = unfolded(&files);
    let list = files.iter().enumerate().map(|(at, file)| {
        view! {
            <li>
                <a href=format!("#{anchor}-{at}")>
                    <span class="diff-path"><bdi>{path(file)}</bdi></span>
                    <Counts additions=file.additions deletions=file.deletions binary=file.binary />
                </a>
            </li>
        }
    });
    let list = list.collect_view();
    let many = files.len() > 1;
    let summary = summary(&files);
    let bodies = files.into_iter().zip(open).enumerate().map(|(at, (file, open))| {
        view! { <FileView file anchor=format!("{anchor}-{at}") open /> }
    });
    settled(view! {
        <div class="diff">
            <p class="diff-sum">{summary}</p>
            {many.then(|| view! { <ul class="diff-files" aria-label="Changed files">{list}</ul> })}
            {bodies.collect_view()}
        </div>
    })
}

/// `+12 −4`, said in words too.
#[component]
fn Counts(additions: u32, deletions: u32, binary: bool) -> impl IntoView {
    if binary {
        return settled(view! { <span class="diff-counts">"binary"</span> });
    }
    settled(view! {
        <span class="diff-counts">
            <span class="added"><span aria-hidden="true">{format!("+{additions}")}</span><span class="visually-hidden">{format!("{additions} added, ")}</span></span>
            <span class="removed"><span aria-hidden="true">{format!("−{deletions}")}</span><span class="visually-hidden">{format!("{deletions} removed")}</span></span>
        </span>
    })
}

#[component]
fn FileView(file: FileDiff, anchor: String, open: bool) -> impl IntoView {
    let lines = line_count(&file);
    // Once drawn, lines stay: folding again is the browser's business.
    let drawn = RwSignal::new(open);
    let (name, note, reason) = (path(&file), note(&file), empty_reason(&file));
    let counts = view! { <Counts additions=file.additions deletions=file.deletions binary=file.binary /> };
    let hunks = StoredValue::new(file.hunks);
    let body = move || match (lines, drawn.get()) {
        (0, _) => settled(view! { <p class="diff-empty">{reason}</p> }),
        (_, true) => settled(hunks.with_value(|hunks| hunk_table(hunks))),
        (_, false) => settled(
            view! { <p class="diff-empty">"Large file, folded. Unfolding it needs JavaScript; the download has it all."</p> },
        ),
    };
    let caption =
        (!open && lines > 0).then(|| view! { <span class="diff-folded">{format!("{lines} lines, folded")}</span> });
    settled(view! {
        <details class="diff-file" id=anchor open=open on:toggle=move |_| drawn.set(true)>
            <summary>
                <Icon name="chevron" />
                <span class="diff-path"><bdi>{name}</bdi></span>
                {note.map(|note| view! { <span class="diff-note">{note}</span> })}
                {caption}
                {counts}
            </summary>
            {body}
        </details>
    })
}

fn hunk_table(hunks: &[Hunk]) -> impl IntoView + use<> {
    let bodies = hunks.iter().map(|hunk| {
        let lines = hunk.lines.iter().map(line_view).collect_view();
        view! {
            <tbody>
                <tr class="diff-hunk"><td colspan="2"></td><td>{hunk.header.clone()}</td></tr>
                {lines}
            </tbody>
        }
    });
    settled(view! {
        <div class="diff-scroll" tabindex="0" role="group" aria-label="Changed lines">
            <table class="diff-lines">
                <thead class="visually-hidden">
                    <tr><th scope="col">"Old line"</th><th scope="col">"New line"</th><th scope="col">"Text"</th></tr>
                </thead>
                {bodies.collect_view()}
            </table>
        </div>
    })
}

fn line_view(line: &DiffLine) -> impl IntoView + use<> {
    let (class, sign) = match line.kind {
        DiffLineKind::Context => ("", " "),
        DiffLineKind::Added => ("added", "+"),
        DiffLineKind::Removed => ("removed", "-"),
    };
    let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
    settled(view! {
        <tr class=class>
            <td class="diff-number">{number(line.old)}</td>
            <td class="diff-number">{number(line.new)}</td>
            <td class="diff-text">{format!("{sign}{}", line.text)}</td>
        </tr>
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(old: Option<&str>, new: Option<&str>, lines: usize) -> FileDiff {
        let line = DiffLine { kind: DiffLineKind::Added, old: None, new: Some(1), text: String::new() };
        FileDiff {
            old_path: old.map(str::to_owned),
            new_path: new.map(str::to_owned),
            binary: false,
            additions: lines as u32,
            deletions: 0,
            hunks: vec![Hunk { header: "@@".to_owned(), lines: vec![line; lines] }],
        }
    }

    #[test]
    fn large_files_and_long_diffs_are_folded() {
        let small = file(Some("a"), Some("a"), 10);
        let large = file(Some("b"), Some("b"), FILE_FOLD + 1);
        assert_eq!(unfolded(&[small.clone(), large, small.clone()]), [true, false, true]);
        let full = file(Some("c"), Some("c"), FILE_FOLD);
        let open = unfolded(&vec![full; TOTAL_FOLD / FILE_FOLD + 2]);
        assert_eq!(open.iter().filter(|open| **open).count(), TOTAL_FOLD / FILE_FOLD);
        assert!(open[0] && !open[open.len() - 1]);
    }

    #[test]
    fn files_say_what_happened_to_them() {
        let check = |file: &FileDiff, want: Option<&str>| assert_eq!(note(file).as_deref(), want);
        check(&file(Some("a"), Some("a"), 1), None);
        check(&file(None, Some("a"), 1), Some("new"));
        check(&file(Some("a"), None, 1), Some("deleted"));
        check(&file(Some("a"), Some("b"), 0), Some("renamed from a"));
        check(&FileDiff { binary: true, ..file(None, Some("a"), 0) }, Some("binary"));
        assert_eq!(path(&file(Some("gone"), None, 1)), "gone");
        assert_eq!(summary(&[file(None, Some("a"), 1)]), "1 file, 1 line added, 0 removed");
    }

    #[test]
    fn a_file_without_lines_says_why() {
        let bare = FileDiff { hunks: Vec::new(), ..file(Some("a"), Some("b"), 0) };
        assert!(empty_reason(&bare).starts_with("No line"));
        assert!(empty_reason(&FileDiff { additions: 9, ..bare.clone() }).starts_with("Too large"));
        assert!(empty_reason(&FileDiff { binary: true, ..bare }).starts_with("Binary"));
    }
}
