//! One line of code as HTML: its colours, and the words that changed.

use std::ops::Range;

use super::super::{escape::escape_code, syntax::Span};

/// Characters shown of one line; minified files have lines of a megabyte.
const CHARACTERS: usize = 2_000;

/// Writes a line. `marks` and `spans` are each in order and without overlap.
pub(super) fn write(out: &mut String, text: &str, spans: &[Span], marks: &[Range<usize>]) {
    let shown = text.trim_end_matches('\r');
    let end = shown.char_indices().nth(CHARACTERS).map_or(shown.len(), |(end, _)| end);
    let mut at = 0;
    for mark in marks.iter().filter(|mark| mark.start < end) {
        coloured(out, shown, spans, at..mark.start);
        out.push_str("<mark>");
        coloured(out, shown, spans, mark.start..mark.end.min(end));
        out.push_str("</mark>");
        at = mark.end.min(end);
    }
    coloured(out, shown, spans, at..end);
    if end < shown.len() {
        out.push('…');
    }
}

fn coloured(out: &mut String, text: &str, spans: &[Span], range: Range<usize>) {
    let mut at = range.start;
    let within = spans.iter().filter(|(span, _)| span.end > range.start && span.start < range.end);
    for (span, tint) in within {
        let (start, end) = (span.start.max(range.start), span.end.min(range.end));
        plain(out, text, at..start);
        out.push_str("<span class=\"");
        out.push_str(tint.class());
        out.push_str("\">");
        plain(out, text, start..end);
        out.push_str("</span>");
        at = end;
    }
    plain(out, text, at..range.end);
}

fn plain(out: &mut String, text: &str, range: Range<usize>) {
    if let Some(text) = text.get(range) {
        out.push_str(&escape_code(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::syntax::Tint;

    fn check(text: &str, spans: &[Span], mark: Option<Range<usize>>, want: &str) {
        let mut out = String::new();
        write(&mut out, text, spans, mark.as_slice());
        assert_eq!(out, want);
    }

    #[test]
    fn colours_and_marks_nest() {
        let spans = [(0..3, Tint::Keyword), (8..9, Tint::Number)];
        check("let x = 1;\r", &spans, None, "<span class=\"hl-k\">let</span> x = <span class=\"hl-n\">1</span>;");
        let marked = "<span class=\"hl-k\">l</span><mark><span class=\"hl-k\">et</span> x</mark> = <span class=\"hl-n\">1</span>;";
        check("let x = 1;", &spans, Some(1..5), marked);
        check("a<b", &[], Some(1..2), "a<mark>&lt;</mark>b");
    }

    #[test]
    fn long_lines_are_cut() {
        let mut out = String::new();
        write(&mut out, &"ä".repeat(CHARACTERS + 5), &[], Some(2 * CHARACTERS - 2..2 * CHARACTERS + 6).as_slice());
        assert_eq!(out.chars().filter(|letter| *letter == 'ä').count(), CHARACTERS);
        assert!(out.ends_with("</mark>…"));
    }
}
