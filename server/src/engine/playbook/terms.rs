//! What a card names: paths, code in backticks, quoted strings, names and the significant words of its title.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

/// Most terms that one search looks for: a card that names more is not searchable, it is a list.
const TERMS_LIMIT: usize = 24;
/// Characters of a term: shorter ones match everywhere, longer ones are prose.
const SHORTEST: usize = 3;
const LONGEST: usize = 120;
/// Characters of a title's word from which on it may be significant.
const SHORTEST_WORD: usize = 4;

/// English words that say nothing about where to look.
const STOP_WORDS: &[&str] = &[
    "about", "add", "adds", "after", "again", "all", "also", "and", "any", "are", "before", "being", "both", "bug",
    "but", "can", "card", "change", "changes", "code", "could", "create", "delete", "does", "each", "edit", "every",
    "file", "files", "fix", "fixes", "for", "from", "have", "improve", "into", "it", "its", "just", "like", "line",
    "lines", "make", "makes", "more", "move", "must", "need", "needs", "new", "not", "once", "only", "our", "over",
    "please", "remove", "rename", "replace", "same", "should", "show", "some", "such", "than", "that", "the", "their",
    "them", "then", "there", "these", "this", "those", "update", "use", "uses", "using", "want", "was", "were", "what",
    "when", "where", "which", "will", "with", "without", "would", "write", "your",
];

/// How a card names a thing; what is named more exactly weighs more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TermKind {
    Path,
    Code,
    /// A file that the card deletes or moves: what still names it may break.
    Gone,
    Quoted,
    /// An identifier in prose: `snake_case`, `CamelCase`.
    Name,
    Word,
}

impl TermKind {
    pub fn weight(self) -> f64 {
        match self {
            TermKind::Path => 8.0,
            TermKind::Code => 6.0,
            TermKind::Gone => 5.0,
            TermKind::Quoted => 4.0,
            TermKind::Name => 3.0,
            TermKind::Word => 1.0,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    pub text: String,
    pub kind: TermKind,
}

/// The terms of a card, the most exact first, without repeats. `prose` is the body without its blocks.
pub fn terms(title: &str, prose: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    let mut open_code = false;
    for text in [title, prose] {
        for event in Parser::new(text) {
            match event {
                Event::Start(Tag::CodeBlock(_)) => open_code = true,
                Event::End(TagEnd::CodeBlock) => open_code = false,
                Event::Code(code) => {
                    push(&mut terms, code.trim(), if is_path(&code) { TermKind::Path } else { TermKind::Code })
                }
                Event::Text(text) if !open_code => from_text(&mut terms, &text),
                _ => {}
            }
        }
    }
    for word in title.split(|next: char| !next.is_alphanumeric()) {
        let lower = word.to_lowercase();
        if word.chars().count() >= SHORTEST_WORD && !STOP_WORDS.contains(&lower.as_str()) {
            push(&mut terms, &lower, TermKind::Word);
        }
    }
    terms.sort_by_key(|term| term.kind);
    terms.truncate(TERMS_LIMIT);
    terms
}

fn push(terms: &mut Vec<Term>, text: &str, kind: TermKind) {
    let length = text.chars().count();
    let known = terms.iter().any(|term: &Term| term.text.eq_ignore_ascii_case(text));
    if (SHORTEST..=LONGEST).contains(&length) && !known && !text.contains('\n') {
        terms.push(Term { text: text.to_owned(), kind });
    }
}

fn from_text(terms: &mut Vec<Term>, text: &str) {
    for (open, close) in [('"', '"'), ('“', '”'), ('«', '»')] {
        let mut rest = text;
        while let Some((_, after)) = rest.split_once(open) {
            let Some((quoted, after)) = after.split_once(close) else { break };
            push(terms, quoted.trim(), TermKind::Quoted);
            rest = after;
        }
    }
    for word in text.split_whitespace() {
        let word = word.trim_matches(|next: char| !next.is_alphanumeric() && next != '_');
        if is_path(word) {
            push(terms, word, TermKind::Path);
        } else if is_name(word) {
            push(terms, word, TermKind::Name);
        }
    }
}

/// `src/lib.rs`, `lib.rs`: a slash between parts, or a short extension after a name.
fn is_path(word: &str) -> bool {
    if word.contains(char::is_whitespace) || word.contains("://") || word.contains("::") {
        return false;
    }
    let is_part =
        |part: &str| !part.is_empty() && part.chars().all(|next| next.is_alphanumeric() || "._-@+".contains(next));
    if word.contains('/') {
        return word.trim_matches('/').contains('/') && word.trim_matches('/').split('/').all(is_part);
    }
    word.rsplit_once('.').is_some_and(|(stem, extension)| {
        is_part(stem)
            && stem.chars().any(char::is_alphabetic)
            && (1..=5).contains(&extension.len())
            && extension.starts_with(|next: char| next.is_ascii_lowercase())
            && extension.chars().all(|next| next.is_ascii_alphanumeric())
    })
}

fn is_name(word: &str) -> bool {
    let all = word.chars().all(|next| next.is_alphanumeric() || next == '_' || next == ':');
    let humps = word.chars().skip(1).any(char::is_uppercase) && word.chars().any(char::is_lowercase);
    all && (word.contains('_') || word.contains("::") || humps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_card_names() {
        let body = "The `parse_line` in src/parser.rs says \"no such thing\", see CardTile and README.md.\n\n```\nnot_this\n```\n";
        let found = terms("Fix the *misleading* parser error", body);
        let texts: Vec<(&str, TermKind)> = found.iter().map(|term| (term.text.as_str(), term.kind)).collect();
        assert_eq!(
            texts,
            [
                ("src/parser.rs", TermKind::Path),
                ("README.md", TermKind::Path),
                ("parse_line", TermKind::Code),
                ("no such thing", TermKind::Quoted),
                ("CardTile", TermKind::Name),
                ("misleading", TermKind::Word),
                ("parser", TermKind::Word),
                ("error", TermKind::Word),
            ]
        );
    }

    #[test]
    fn terms_are_bounded() {
        let body: String = (0..1000).map(|number| format!("`name_{number}` ")).collect();
        assert_eq!(terms("x", &body).len(), TERMS_LIMIT);
    }
}
