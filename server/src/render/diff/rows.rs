//! The lines of one file as rows of tables: both sides in one column, or side by side.
//!
//! Rows stand in several small tables, so that a browser lays out only those in sight.

use std::{fmt::Write, ops::Range};

use slipway_app::port::DiffLayout;

use super::{
    super::{
        escape::escape,
        syntax::{Colours, Span},
    },
    line, words,
};
use crate::artifact::diff::{FilePatch, Hunk, Line, LineKind};

/// Rows of one table.
const CHUNK_ROWS: usize = 80;

/// Unchanged lines in a row from which on their middle is folded.
const FOLD_FROM: usize = 20;

/// Unchanged lines that stay in sight on each side of a fold, as git shows them around a change.
const FOLD_KEEPS: usize = 3;

/// A line with all that is shown of it.
struct Shown<'a> {
    line: &'a Line,
    old: u32,
    new: u32,
    spans: Vec<Span>,
    marks: Vec<Range<usize>>,
    /// In the middle of a long unchanged stretch.
    far: bool,
}

/// A file's lines, as HTML.
pub(super) fn tables(patch: &FilePatch, colours: &Colours, layout: DiffLayout) -> String {
    let mut tables = Tables::new(layout);
    for hunk in &patch.hunks {
        tables.hunk_head(hunk);
        let lines = shown(hunk, colours.hunk(hunk));
        match layout {
            DiffLayout::Unified => lines.iter().for_each(|line| tables.unified(line)),
            DiffLayout::Split => split(&mut tables, &lines),
        }
    }
    tables.end()
}

fn shown<'a>(hunk: &'a Hunk, spans: Vec<Vec<Span>>) -> Vec<Shown<'a>> {
    let (mut old, mut new) = (hunk.old_start, hunk.new_start);
    let mut lines: Vec<Shown<'a>> = Vec::with_capacity(hunk.lines.len());
    for (line, spans) in hunk.lines.iter().zip(spans) {
        lines.push(Shown { line, old, new, spans, marks: Vec::new(), far: false });
        old = old.saturating_add(u32::from(line.kind != LineKind::Added));
        new = new.saturating_add(u32::from(line.kind != LineKind::Removed));
    }
    for run in runs(&hunk.lines) {
        if run.removed.is_empty() && run.added.is_empty() {
            fold(&mut lines[run.context.clone()]);
        }
        for (removed, added) in run.removed.zip(run.added) {
            let (of_old, of_new) = words::changed(&hunk.lines[removed].text, &hunk.lines[added].text);
            lines[removed].marks = of_old;
            lines[added].marks = of_new;
        }
    }
    lines
}

fn fold(context: &mut [Shown<'_>]) {
    if context.len() >= FOLD_FROM {
        let end = context.len() - FOLD_KEEPS;
        context[FOLD_KEEPS..end].iter_mut().for_each(|line| line.far = true);
    }
}

/// Unchanged lines, or lines removed and those added in their place.
struct Run {
    context: Range<usize>,
    removed: Range<usize>,
    added: Range<usize>,
}

fn runs(lines: &[Line]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let mut take = |kind: LineKind| {
            let start = at;
            at += lines[at..].iter().take_while(|line| line.kind == kind).count();
            start..at
        };
        let context = take(LineKind::Context);
        if !context.is_empty() {
            runs.push(Run { context, removed: 0..0, added: 0..0 });
            continue;
        }
        let removed = take(LineKind::Removed);
        let added = take(LineKind::Added);
        runs.push(Run { context: 0..0, removed, added });
    }
    runs
}

fn split(tables: &mut Tables, lines: &[Shown<'_>]) {
    let bare: Vec<Line> = lines.iter().map(|shown| shown.line.clone()).collect();
    for run in runs(&bare) {
        for at in run.context {
            tables.pair(Some(&lines[at]), Some(&lines[at]));
        }
        for nth in 0..run.removed.len().max(run.added.len()) {
            let side = |range: &Range<usize>| range.clone().nth(nth).map(|at| &lines[at]);
            tables.pair(side(&run.removed), side(&run.added));
        }
    }
}

struct Tables {
    out: String,
    layout: DiffLayout,
    rows: usize,
    /// Rows of the fold under way, already written after this many bytes.
    fold: Option<(usize, usize)>,
    /// The first line's button is the one that Tab reaches.
    reached: bool,
}

impl Tables {
    fn new(layout: DiffLayout) -> Self {
        Tables { out: String::new(), layout, rows: 0, fold: None, reached: false }
    }

    fn columns(&self) -> usize {
        match self.layout {
            DiffLayout::Unified => 3,
            DiffLayout::Split => 4,
        }
    }

    /// Begins a row, in a table and a row group of its kind.
    fn row(&mut self, far: bool) {
        if !far {
            self.end_fold();
        }
        if self.rows.is_multiple_of(CHUNK_ROWS) {
            let folding = self.fold.is_some();
            self.end_fold();
            self.end_table();
            self.out.push_str(match self.layout {
                DiffLayout::Unified => UNIFIED_HEAD,
                DiffLayout::Split => SPLIT_HEAD,
            });
            if folding {
                self.begin_fold();
            }
        }
        if far && self.fold.is_none() {
            self.begin_fold();
        }
        self.rows += 1;
        if let Some((_, rows)) = &mut self.fold {
            *rows += 1;
        }
    }

    fn begin_fold(&mut self) {
        self.out.push_str("</tbody>");
        self.fold = Some((self.out.len(), 0));
    }

    /// Closes a fold: what opens it says how much there is, so it is written last and put first.
    fn end_fold(&mut self) {
        let Some((at, rows)) = self.fold.take() else { return };
        let columns = self.columns();
        let head = format!(
            "<tbody class=\"unfold\"><tr><td colspan=\"{columns}\"><button type=\"button\" data-act=\"unfold\">Show {rows} \
             unchanged lines</button></td></tr></tbody><tbody class=\"far\">"
        );
        self.out.insert_str(at, &head);
        self.out.push_str("</tbody><tbody>");
    }

    fn end_table(&mut self) {
        if !self.out.is_empty() {
            self.out.push_str("</tbody></table></div>");
        }
    }

    fn end(mut self) -> String {
        self.end_fold();
        self.end_table();
        self.out
    }

    fn hunk_head(&mut self, hunk: &Hunk) {
        self.row(false);
        let range = |start: u32, len: u32| if len == 1 { start.to_string() } else { format!("{start},{len}") };
        let _ = write!(
            self.out,
            "<tr class=\"hunk\"><td colspan=\"{}\">@@ -{} +{} @@ <span class=\"hunk-section\">{}</span></td></tr>",
            self.columns(),
            range(hunk.old_start, hunk.old_len),
            range(hunk.new_start, hunk.new_len),
            escape(&hunk.section),
        );
    }

    fn unified(&mut self, shown: &Shown<'_>) {
        self.row(shown.far);
        let kind = shown.line.kind;
        self.out.push_str(match kind {
            LineKind::Context => "<tr>",
            LineKind::Added => "<tr class=\"add\">",
            LineKind::Removed => "<tr class=\"del\">",
        });
        match kind {
            LineKind::Removed => self.button('o', shown.old),
            LineKind::Context => self.number(Some(shown.old)),
            LineKind::Added => self.number(None),
        }
        match kind {
            LineKind::Removed => self.number(None),
            _ => self.button('n', shown.new),
        }
        self.code(shown, "");
        self.out.push_str("</tr>");
    }

    fn pair(&mut self, left: Option<&Shown<'_>>, right: Option<&Shown<'_>>) {
        self.row(right.or(left).is_some_and(|shown| shown.far));
        self.out.push_str("<tr>");
        match left {
            Some(shown) if shown.line.kind == LineKind::Removed => {
                self.button('o', shown.old);
                self.code(shown, " del");
            }
            Some(shown) => {
                self.number(Some(shown.old));
                self.code(shown, "");
            }
            None => self.out.push_str("<td class=\"none\" colspan=\"2\"></td>"),
        }
        match right {
            Some(shown) => {
                self.button('n', shown.new);
                self.code(shown, if shown.line.kind == LineKind::Added { " add" } else { "" });
            }
            None => self.out.push_str("<td class=\"none\" colspan=\"2\"></td>"),
        }
        self.out.push_str("</tr>");
    }

    fn number(&mut self, number: Option<u32>) {
        match number {
            Some(number) => drop(write!(self.out, "<td class=\"num\">{number}</td>")),
            None => self.out.push_str("<td class=\"num\"></td>"),
        }
    }

    /// A line's number, which is also where a comment on it begins.
    fn button(&mut self, side: char, number: u32) {
        let tab = if self.reached { "-1" } else { "0" };
        self.reached = true;
        let of = if side == 'o' { "removed line" } else { "line" };
        let _ = write!(
            self.out,
            "<td class=\"num\"><button type=\"button\" tabindex=\"{tab}\" data-line=\"{side}{number}\" \
             aria-label=\"Comment on {of} {number}\">{number}</button></td>"
        );
    }

    fn code(&mut self, shown: &Shown<'_>, class: &str) {
        let sign = match shown.line.kind {
            LineKind::Context => ' ',
            LineKind::Added => '+',
            LineKind::Removed => '-',
        };
        let _ = write!(self.out, "<td class=\"code{class}\"><span class=\"sign\">{sign}</span>");
        line::write(&mut self.out, &shown.line.text, &shown.spans, &shown.marks);
        if shown.line.unterminated {
            self.out.push_str("<span class=\"no-end\"> No newline at the end of the file</span>");
        }
        self.out.push_str("</td>");
    }
}

const UNIFIED_HEAD: &str = "<div class=\"diff-chunk\"><table class=\"diff-lines\">\
    <colgroup><col class=\"col-num\"><col class=\"col-num\"><col></colgroup><thead class=\"visually-hidden\"><tr>\
    <th scope=\"col\">Old line</th><th scope=\"col\">New line</th><th scope=\"col\">Text</th></tr></thead><tbody>";

const SPLIT_HEAD: &str = "<div class=\"diff-chunk\"><table class=\"diff-lines split\">\
    <colgroup><col class=\"col-num\"><col><col class=\"col-num\"><col></colgroup><thead class=\"visually-hidden\"><tr>\
    <th scope=\"col\">Old line</th><th scope=\"col\">Old text</th><th scope=\"col\">New line</th>\
    <th scope=\"col\">New text</th></tr></thead><tbody>";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::diff::parse;

    fn html(diff: &str, layout: DiffLayout) -> String {
        let patch = &parse(diff).unwrap()[0];
        tables(patch, &Colours::of(patch), layout)
    }

    const CHANGE: &str = "--- a/x\n+++ b/x\n@@ -3,3 +3,4 @@ fn main() {\n a\n-let b = 1;\n+let b = 2;\n+d\n e\n\\ No newline at end of file\n";

    #[test]
    fn lines_have_numbers_signs_and_marks() {
        let html = html(CHANGE, DiffLayout::Unified);
        for want in [
            "@@ -3,3 +3,4 @@ <span class=\"hunk-section\">fn main() {</span>",
            "<td class=\"num\">3</td>",
            "data-line=\"o4\" aria-label=\"Comment on removed line 4\"",
            "<span class=\"sign\">-</span>let b = <mark>1</mark>;",
            "<span class=\"sign\">+</span>let b = <mark>2</mark>;",
            "data-line=\"n6\"",
            "No newline at the end of the file",
        ] {
            assert!(html.contains(want), "{want}: {html}");
        }
        assert_eq!(html.matches("tabindex=\"0\"").count(), 1);
        assert_eq!(html.matches("<tr").count(), 7);
    }

    #[test]
    fn side_by_side_a_change_is_one_row() {
        let html = html(CHANGE, DiffLayout::Split);
        assert_eq!(html.matches("<tr").count(), 6, "{html}");
        assert!(html.contains("class=\"none\"") && html.contains("data-line=\"n5\""));
    }

    #[test]
    fn long_unchanged_stretches_are_folded_and_long_files_cut_into_tables() {
        let context = |count: usize| " same\n".repeat(count);
        let diff =
            |count: usize| format!("--- a/x\n+++ b/x\n@@ -1,{count} +1,{} @@\n{}+new\n", count + 1, context(count));
        assert!(!html(&diff(FOLD_FROM - 1), DiffLayout::Unified).contains("unfold"));
        let folded = html(&diff(FOLD_FROM), DiffLayout::Unified);
        assert!(folded.contains(&format!("Show {} unchanged lines", FOLD_FROM - 2 * FOLD_KEEPS)), "{folded}");
        for layout in [DiffLayout::Unified, DiffLayout::Split] {
            let long = html(&diff(3 * CHUNK_ROWS), layout);
            assert_eq!(long.matches("<table").count(), 4);
            for tag in ["tbody", "table", "tr", "td", "div"] {
                let opened = long.matches(&format!("<{tag}>")).count() + long.matches(&format!("<{tag} ")).count();
                assert_eq!(opened, long.matches(&format!("</{tag}>")).count(), "{tag}");
            }
        }
    }
}
