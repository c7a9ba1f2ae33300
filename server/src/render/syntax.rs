//! Syntax colours for code: which stretches of a line are comments, texts, numbers, keywords, names or types.
//! The page's style sheet knows the colours; here are only six classes.

use std::{ops::Range, sync::LazyLock};

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use crate::artifact::diff::{FilePatch, Hunk, LineKind};

/// Bytes of one file's hunks that are coloured; a larger file is shown plain. A grammar takes about a
/// second for a megabyte.
pub const FILE_BYTES: usize = 192 * 1024;

/// Longest line that is coloured, in bytes: grammars take longer than linear on generated lines.
pub const LINE_BYTES: usize = 1_000;

/// What a stretch of code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tint {
    Comment,
    Text,
    Number,
    Keyword,
    Name,
    Type,
}

impl Tint {
    /// The class it is written with.
    pub fn class(self) -> &'static str {
        match self {
            Tint::Comment => "hl-c",
            Tint::Text => "hl-s",
            Tint::Number => "hl-n",
            Tint::Keyword => "hl-k",
            Tint::Name => "hl-f",
            Tint::Type => "hl-t",
        }
    }
}

/// A coloured stretch of a line, in bytes.
pub type Span = (Range<usize>, Tint);

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(two_face::syntax::extra_newlines);

/// Beginnings of grammars' scope names and what they are, the special before the general.
static SCOPES: LazyLock<Vec<(Scope, Tint)>> = LazyLock::new(|| {
    let named = [
        ("comment", Tint::Comment),
        ("string", Tint::Text),
        ("markup.raw", Tint::Text),
        ("markup.inline.raw", Tint::Text),
        ("constant", Tint::Number),
        ("keyword.operator", Tint::Keyword),
        ("keyword", Tint::Keyword),
        ("storage.type.numeric", Tint::Number),
        ("storage", Tint::Keyword),
        ("entity.name.function", Tint::Name),
        ("support.function", Tint::Name),
        ("variable.function", Tint::Name),
        ("entity.name.section", Tint::Keyword),
        ("markup.heading", Tint::Keyword),
        ("entity.name.tag", Tint::Keyword),
        ("entity.name", Tint::Type),
        ("entity.other.inherited-class", Tint::Type),
        ("entity.other.attribute-name", Tint::Name),
        ("support.type", Tint::Type),
        ("support.class", Tint::Type),
        ("variable.language", Tint::Keyword),
    ];
    named.into_iter().filter_map(|(name, tint)| Some((Scope::new(name).ok()?, tint))).collect()
});

fn tint(stack: &ScopeStack) -> Option<Tint> {
    let of_scope = |scope: &Scope| SCOPES.iter().find(|(prefix, _)| prefix.is_prefix_of(*scope)).map(|(_, tint)| *tint);
    stack.as_slice().iter().rev().find_map(of_scope)
}

/// The colours of one file.
pub struct Colours {
    syntax: Option<&'static SyntaxReference>,
}

impl Colours {
    /// By the file's name; nothing is coloured in a file that is too large or of no known kind.
    pub fn of(patch: &FilePatch) -> Colours {
        let lines = patch.hunks.iter().flat_map(|hunk| &hunk.lines);
        let bytes: usize = lines.map(|line| line.text.len()).sum();
        let known = bytes > 0 && bytes <= FILE_BYTES;
        Colours { syntax: known.then(|| by_name(patch.path())).flatten() }
    }

    /// The spans of each line of a hunk. Removed lines go on from the old text, all others from the new one.
    pub fn hunk(&self, hunk: &Hunk) -> Vec<Vec<Span>> {
        let Some(syntax) = self.syntax else { return vec![Vec::new(); hunk.lines.len()] };
        let mut old = State::new(syntax);
        let mut new = State::new(syntax);
        hunk.lines
            .iter()
            .map(|line| match line.kind {
                LineKind::Removed => old.line(&line.text),
                LineKind::Added => new.line(&line.text),
                LineKind::Context => {
                    // Both sides stand at the same place until they part.
                    if old.same_as(&new) {
                        let spans = new.line(&line.text);
                        old = new.clone();
                        spans
                    } else {
                        old.line(&line.text);
                        new.line(&line.text)
                    }
                }
            })
            .collect()
    }
}

fn by_name(path: &str) -> Option<&'static SyntaxReference> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    SYNTAXES
        .find_syntax_by_extension(name)
        .or_else(|| SYNTAXES.find_syntax_by_extension(extension?))
        .filter(|syntax| syntax.name != "Plain Text")
}

#[derive(Clone)]
struct State {
    parser: ParseState,
    stack: ScopeStack,
}

impl State {
    fn new(syntax: &SyntaxReference) -> State {
        State { parser: ParseState::new(syntax), stack: ScopeStack::new() }
    }

    fn same_as(&self, other: &State) -> bool {
        self.stack == other.stack && self.parser == other.parser
    }

    fn line(&mut self, text: &str) -> Vec<Span> {
        if text.len() > LINE_BYTES {
            return Vec::new();
        }
        let Ok(ops) = self.parser.parse_line(&format!("{text}\n"), &SYNTAXES) else { return Vec::new() };
        let mut spans: Vec<Span> = Vec::new();
        let mut from = 0;
        for (at, op) in ops {
            self.push(&mut spans, from..at.min(text.len()));
            from = at.min(text.len());
            // A grammar that leaves more than it entered is at fault; its line stays as it is.
            if self.stack.apply(&op).is_err() {
                return spans;
            }
        }
        self.push(&mut spans, from..text.len());
        spans
    }

    /// Adds a stretch to the spans; neighbours of one tint become one.
    fn push(&self, spans: &mut Vec<Span>, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let Some(tint) = tint(&self.stack) else { return };
        match spans.last_mut() {
            Some((last, same)) if *same == tint && last.end == range.start => last.end = range.end,
            _ => spans.push((range, tint)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::diff::Line;

    fn spans(path: &str, lines: &[(LineKind, &str)]) -> Vec<Vec<(String, Tint)>> {
        let lines =
            lines.iter().map(|(kind, text)| Line { kind: *kind, text: (*text).to_owned(), unterminated: false });
        let hunk = Hunk { lines: lines.collect(), ..Hunk::default() };
        let patch = FilePatch { new_path: Some(path.to_owned()), hunks: vec![hunk.clone()], ..FilePatch::default() };
        let named = |line: &Line, spans: Vec<Span>| {
            spans.into_iter().map(|(range, tint)| (line.text[range].to_owned(), tint)).collect()
        };
        let coloured = Colours::of(&patch).hunk(&hunk);
        hunk.lines.iter().zip(coloured).map(|(line, spans)| named(line, spans)).collect()
    }

    fn has(found: &[(String, Tint)], text: &str, tint: Tint) -> bool {
        found.iter().any(|(found, of)| found.contains(text) && *of == tint)
    }

    #[test]
    fn code_is_coloured_by_the_files_name() {
        for (path, line) in [("src/lib.rs", "let x = \"hi\"; // why"), ("run.sh", "if x=\"hi\"; then # why")] {
            let found = &spans(path, &[(LineKind::Added, line)])[0];
            assert!(has(found, "hi", Tint::Text) && has(found, "why", Tint::Comment), "{path}: {found:?}");
            assert!(has(found, "let", Tint::Keyword) || has(found, "if", Tint::Keyword), "{path}: {found:?}");
        }
        for path in ["a.toml", "a.ts", "a.py", "a.css", "Makefile", "Dockerfile", "a.md"] {
            assert!(by_name(path).is_some(), "{path}");
        }
        assert_eq!(spans("notes", &[(LineKind::Added, "let x = 1;")]), [[]]);
    }

    #[test]
    fn each_side_goes_on_from_its_own_text() {
        let lines =
            [(LineKind::Removed, "/* opened"), (LineKind::Added, "let a = 1;"), (LineKind::Context, "let b = 2;")];
        let found = spans("a.rs", &lines);
        assert!(has(&found[0], "opened", Tint::Comment));
        assert!(has(&found[2], "let", Tint::Keyword), "the new text's context is no comment: {found:?}");
    }

    #[test]
    fn what_is_too_large_stays_plain() {
        let long = format!("let x = \"{}\";", "x".repeat(LINE_BYTES));
        assert_eq!(spans("a.rs", &[(LineKind::Added, &long)]), [[]]);
        let many = vec![(LineKind::Added, "let x = 1; let y = 2; let z = 3;"); FILE_BYTES / 30];
        assert!(spans("a.rs", &many).iter().all(Vec::is_empty));
    }
}
