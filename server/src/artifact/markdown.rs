//! The small Markdown grammar that forms are made of: prose, code spans, fences and lists, each written so
//! that it reads back exactly and so that hostile text can't swallow what follows it on the page.

use super::form::ENTRIES_LIMIT;

/// What stands where a text or list is empty.
pub const NONE: &str = "_None._";

/// Text as forms keep it: LF line ends, no white space at either end.
pub fn tidy(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").trim().to_owned()
}

/// Text as one line: runs of white space become one space.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most `limit` characters of one line, with an ellipsis where something was cut.
pub fn clip(text: &str, limit: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= limit {
        return line;
    }
    let kept: String = line.chars().take(limit.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A code span (CommonMark 6.1) that [`read_code`] reads back exactly. What a span can't hold, such as a
/// line break, is written as a JSON string inside it.
pub fn code(text: &str) -> String {
    let needs_json = text.trim().is_empty() || text.starts_with('"') || text.chars().any(char::is_control);
    let content = if needs_json { serde_json::Value::from(text).to_string() } else { text.to_owned() };
    let ticks = "`".repeat(longest_run(&content, '`') + 1);
    let pad = content.starts_with(['`', ' ']) || content.ends_with(['`', ' ']);
    let space = if pad { " " } else { "" };
    format!("{ticks}{space}{content}{space}{ticks}")
}

/// Reads a code span at the start of `text`; returns its content and what follows.
pub fn read_code(text: &str) -> Option<(String, &str)> {
    let width = text.bytes().take_while(|byte| *byte == b'`').count();
    if width == 0 {
        return None;
    }
    let after = &text[width..];
    let mut from = 0;
    while let Some(start) = after[from..].find('`').map(|at| at + from) {
        let run = after[start..].bytes().take_while(|byte| *byte == b'`').count();
        if run == width {
            return Some((code_content(&after[..start]), &after[start + run..]));
        }
        from = start + run;
    }
    None
}

fn code_content(inner: &str) -> String {
    let padded = inner.len() >= 2 && inner.starts_with(' ') && inner.ends_with(' ') && !inner.trim().is_empty();
    let content = if padded { &inner[1..inner.len() - 1] } else { inner };
    if content.starts_with('"')
        && let Ok(text) = serde_json::from_str::<String>(content)
    {
        return text;
    }
    content.to_owned()
}

/// Every code span of `text` that sits on one line, in order.
pub fn code_spans(text: &str) -> Vec<String> {
    let mut spans = Vec::new();
    for line in text.lines() {
        let mut rest = line;
        while let Some(start) = rest.find('`') {
            rest = &rest[start..];
            match read_code(rest) {
                Some((content, after)) => {
                    spans.push(content);
                    rest = after;
                }
                None => rest = rest.trim_start_matches('`'),
            }
        }
    }
    spans
}

fn longest_run(text: &str, wanted: char) -> usize {
    let (mut longest, mut current) = (0, 0);
    for character in text.chars() {
        current = if character == wanted { current + 1 } else { 0 };
        longest = longest.max(current);
    }
    longest
}

/// `text` in a fence longer than any run of backticks inside it, so that nothing in it can end it.
pub fn fence(text: &str, info: &str) -> String {
    let ticks = "`".repeat((longest_run(text, '`') + 1).max(3));
    format!("{ticks}{info}\n{text}\n{ticks}")
}

/// What the one fence that `text` consists of holds; `None` when it is not one fence.
pub fn unfence(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.trim().split('\n').collect();
    let (character, width, _) = fence_opener(lines.first()?)?;
    let last = lines.len() - 1;
    let end = (1..lines.len()).find(|at| closes(lines[*at], character, width))?;
    (end == last).then(|| lines[1..last].join("\n"))
}

/// The fence that a line opens: its character, its width and whether the line could also close one.
fn fence_opener(line: &str) -> Option<(char, usize, bool)> {
    let rest = line.trim_start_matches(' ');
    let character = rest.chars().next().filter(|first| matches!(first, '`' | '~'))?;
    let width = rest.chars().take_while(|next| *next == character).count();
    let info = &rest[width..];
    let opens = width >= 3 && !(character == '`' && info.contains('`'));
    opens.then(|| (character, width, info.trim().is_empty()))
}

fn closes(line: &str, character: char, width: usize) -> bool {
    fence_opener(line).is_some_and(|(other, other_width, bare)| other == character && other_width >= width && bare)
}

/// Where a line stands with regard to the fences of its text.
#[derive(Clone, Copy, PartialEq)]
enum Fenced {
    Outside,
    /// Opens, closes or is inside a fence that is closed.
    Inside,
    /// Would open a fence that nothing closes.
    Dangling,
}

fn fences(lines: &[&str]) -> Vec<Fenced> {
    let mut states = vec![Fenced::Outside; lines.len()];
    // The least width per character that is known to have no closer below: without it, text made of
    // openers alone would cost the square of its length.
    let mut unclosed = [usize::MAX; 2];
    let mut at = 0;
    while at < lines.len() {
        let Some((character, width, _)) = fence_opener(lines[at]) else {
            at += 1;
            continue;
        };
        let known = &mut unclosed[usize::from(character == '~')];
        let end = if width >= *known {
            None
        } else {
            (at + 1..lines.len()).find(|line| closes(lines[*line], character, width))
        };
        match end {
            Some(end) => {
                states[at..=end].fill(Fenced::Inside);
                at = end + 1;
            }
            None => {
                *known = width.min(*known);
                states[at] = Fenced::Dangling;
                at += 1;
            }
        }
    }
    states
}

/// Backslash-escapes the lines of `text` that would be taken for something else: those for which
/// `is_special` holds, fences that nothing closes, raw HTML and the mark for "nothing". [`unguard`] undoes it.
pub fn guard(text: &str, is_special: impl Fn(&str) -> bool) -> String {
    let lines: Vec<&str> = text.split('\n').collect();
    let states = fences(&lines);
    let guarded = lines.iter().zip(states).map(|(line, state)| {
        let (space, slashes, core) = dissect(line);
        let escape = match special(core, state, &is_special) {
            Special::Always => true,
            Special::WhenEscaped => !slashes.is_empty() || state == Fenced::Dangling,
            Special::No => false,
        };
        if escape { format!("{space}\\{slashes}{core}") } else { (*line).to_owned() }
    });
    guarded.collect::<Vec<_>>().join("\n")
}

/// Takes away what [`guard`] added; text that was never guarded stays as it is.
pub fn unguard(text: &str, is_special: impl Fn(&str) -> bool) -> String {
    let lines: Vec<&str> = text.split('\n').collect();
    let states = fences(&lines);
    let plain = lines.iter().zip(states).map(|(line, state)| {
        let (space, slashes, core) = dissect(line);
        if slashes.is_empty() || matches!(special(core, state, &is_special), Special::No) {
            return (*line).to_owned();
        }
        format!("{space}{}{core}", &slashes[1..])
    });
    plain.collect::<Vec<_>>().join("\n")
}

enum Special {
    Always,
    /// A fence: left alone where it is closed, so that code in prose looks like code.
    WhenEscaped,
    No,
}

fn special(core: &str, state: Fenced, is_special: &impl Fn(&str) -> bool) -> Special {
    if is_special(core) || core.starts_with(NONE) {
        return Special::Always;
    }
    if core.starts_with("```") || core.starts_with("~~~") {
        return Special::WhenEscaped;
    }
    let html = core.strip_prefix('<').is_some_and(|rest| {
        rest.starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '!' | '?' | '/'))
    });
    if html && state != Fenced::Inside { Special::Always } else { Special::No }
}

fn dissect(line: &str) -> (&str, &str, &str) {
    let rest = line.trim_start_matches([' ', '\t']);
    let core = rest.trim_start_matches('\\');
    (&line[..line.len() - rest.len()], &rest[..rest.len() - core.len()], core)
}

/// One entry of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Line within the section, counted from 1, for messages.
    pub line: usize,
    pub text: String,
}

/// Writes a list; an empty one says so. `numbered` lists count from 1.
pub fn list(items: &[String], numbered: bool) -> String {
    if items.is_empty() {
        return NONE.to_owned();
    }
    let entries = items.iter().enumerate().map(|(index, text)| {
        let marker = if numbered { format!("{}. ", index + 1) } else { "- ".to_owned() };
        format!("{marker}{}", indent(text, marker.len()))
    });
    entries.collect::<Vec<_>>().join("\n")
}

/// Every line but the first moved right by `width`, blank lines left blank.
pub fn indent(text: &str, width: usize) -> String {
    let space = " ".repeat(width);
    let lines = text.split('\n').enumerate();
    let moved =
        lines.map(|(at, line)| if at == 0 || line.is_empty() { line.to_owned() } else { format!("{space}{line}") });
    moved.collect::<Vec<_>>().join("\n")
}

/// Reads a list: an item starts at the left margin with `-`, `*` or a number; what is indented below it, and
/// what follows lazily at the margin, is its own. Text before the first item is passed over. At most one
/// more than [`ENTRIES_LIMIT`] items are read, so that the caller sees that there are too many.
pub fn read_list(section: &str) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut width = 0;
    for (at, line) in section.split('\n').enumerate() {
        if let Some(marker) = marker_width(line) {
            if items.len() > ENTRIES_LIMIT {
                break;
            }
            width = marker;
            items.push(Item { line: at + 1, text: line[marker.min(line.len())..].to_owned() });
        } else if let Some(item) = items.last_mut() {
            let margin = line.bytes().take_while(|byte| *byte == b' ').count().min(width);
            item.text.push('\n');
            item.text.push_str(&line[margin..]);
        }
    }
    for item in &mut items {
        item.text = item.text.trim().to_owned();
    }
    items
}

fn marker_width(line: &str) -> Option<usize> {
    if line.starts_with("- ") || line.starts_with("* ") || matches!(line, "-" | "*") {
        return Some(2);
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &line[digits..];
    let marked = rest.starts_with(". ") || rest.starts_with(") ") || matches!(rest, "." | ")");
    let numbered = (1..=9).contains(&digits) && marked;
    numbered.then_some(digits + 2)
}

#[cfg(test)]
pub mod hostile {
    //! Texts that try to break out of a form.

    use proptest::prelude::*;

    const PIECES: &[&str] = &[
        "\n",
        "\n\n",
        " ",
        "  ",
        "\t",
        "`",
        "``",
        "```",
        "````rust",
        "~~~",
        "\\",
        "\\\\",
        "#",
        "## Context",
        "## Steps",
        "# Plan",
        "## Output",
        "## Findings",
        "- ",
        "* ",
        "1. ",
        "2) ",
        "- Verify:",
        "Verify: x",
        "|",
        "| a | b |",
        "<!--",
        "<script>",
        "</x>",
        "<<<<<<< SEARCH",
        "_None._",
        "None",
        "naïve 日本 🚢",
        "\u{0}",
        "\u{85}",
        "\u{2028}",
        "\"",
        ":",
        ": ",
        "(lines 1-2)",
        " to `x`",
        "High: x",
        "{{ x }}",
        "{% if %}",
        "+++",
        "---",
        "===",
        "word",
        "\u{7f}",
        "[a]: b",
        "&amp;",
        "a/b.rs",
        "..",
        "\u{feff}",
    ];

    pub fn text() -> impl Strategy<Value = String> {
        prop::collection::vec(
            prop_oneof![8 => prop::sample::select(PIECES).prop_map(str::to_owned), 1 => any::<String>()],
            0..14,
        )
        .prop_map(|pieces| super::tidy(&pieces.concat()))
    }

    pub fn line() -> impl Strategy<Value = String> {
        text().prop_map(|text| super::one_line(&text))
    }

    /// Anything at all: paths and labels are kept to the byte.
    pub fn path() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), text(), Just("src/a b.rs".to_owned())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn code_reads_back(text in hostile::path(), after in hostile::line()) {
            let after = format!(": {after}");
            let written = format!("{}{after}", code(&text));
            prop_assert!(!written[..written.len() - after.len()].contains('\n'));
            prop_assert_eq!(read_code(&written), Some((text, after.as_str())));
        }

        #[test]
        fn guard_undoes(text in hostile::text()) {
            let special = |line: &str| line.starts_with("## ");
            prop_assert_eq!(unguard(&guard(&text, special), special), text);
        }

        #[test]
        fn fence_undoes(text in hostile::text()) {
            prop_assert_eq!(unfence(&fence(&text, "text")), Some(text));
        }

        #[test]
        fn lists_read_back(texts in prop::collection::vec(hostile::text(), 1..14), numbered: bool) {
            let read: Vec<String> = read_list(&list(&texts, numbered)).into_iter().map(|item| item.text).collect();
            prop_assert_eq!(read, texts);
        }
    }

    #[test]
    fn many_openers_are_read_in_linear_time() {
        let text = "```a\n".repeat(100_000);
        assert_eq!(unguard(&guard(&text, |_| false), |_| false), text);
    }

    #[test]
    fn code_in_prose_is_left_alone() {
        let text = "See:\n\n```html\n<p># hello</p>\n```";
        assert_eq!(guard(text, |_| false), text);
    }
}
