//! Comments on lines of a diff: collected while reading, kept across reloads, and sent back together as one
//! comment that names file and line and quotes it.

use leptos::prelude::*;

use super::story::ReadKey;
use crate::{model::CardId, ui::storage};

/// Comments that are kept at once: a review of more should be a talk.
pub const LIMIT: usize = 200;

/// Longest quote of a line, in characters.
const QUOTE: usize = 200;

/// Between the fields of a kept comment, and between comments: ASCII's own separators, which nobody types.
const FIELD: char = '\u{1f}';
const RECORD: char = '\u{1e}';

/// A comment on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The artifact, or the comparison of two, that it is on: see [`subject`].
    pub subject: String,
    /// The same as one names it: `Diff v1`.
    pub on: String,
    pub path: String,
    /// `n12`: line 12 of the new file; `o12`: of the old one.
    pub line: String,
    /// The line with its sign.
    pub quote: String,
    pub text: String,
}

impl Remark {
    /// `src/lib.rs:12`, or `src/lib.rs:12, removed`.
    pub fn place(&self) -> String {
        place(&self.path, &self.line)
    }

    fn is_at(&self, subject: &str, path: &str, line: &str) -> bool {
        self.subject == subject && self.path == path && self.line == line
    }
}

/// The name under which comments on what is read are kept.
pub fn subject((artifact, since): ReadKey) -> String {
    since.map_or_else(|| artifact.to_string(), |since| format!("{artifact} {since}"))
}

pub fn place(path: &str, line: &str) -> String {
    match line.strip_prefix('o') {
        Some(number) => format!("{path}:{number}, removed"),
        None => format!("{path}:{}", line.trim_start_matches('n')),
    }
}

/// The comments of one card. From context.
#[derive(Clone, Copy)]
pub struct Remarks {
    all: RwSignal<Vec<Remark>>,
    key: StoredValue<String>,
}

impl Remarks {
    /// Makes an empty list and puts it into context; what was kept comes after hydration.
    pub fn provide(card: CardId) -> Self {
        let remarks =
            Remarks { all: RwSignal::new(Vec::new()), key: StoredValue::new(format!("slipway.remarks.{card}")) };
        provide_context(remarks);
        Effect::new(move |_| {
            if let Some(kept) = storage::read(&remarks.key.get_value()) {
                remarks.all.set(decode(&kept));
            }
        });
        remarks
    }

    pub fn all(self) -> RwSignal<Vec<Remark>> {
        self.all
    }

    /// How many say something.
    pub fn count(self) -> usize {
        self.all.with(|all| said(all).count())
    }

    /// Begins a comment unless there is one on that line; refuses past [`LIMIT`].
    pub fn begin(self, remark: Remark) -> bool {
        let there =
            |all: &Vec<Remark>| all.iter().any(|other| other.is_at(&remark.subject, &remark.path, &remark.line));
        if self.all.with_untracked(there) {
            return true;
        }
        if self.all.with_untracked(Vec::len) >= LIMIT {
            return false;
        }
        self.all.update(|all| all.push(remark));
        true
    }

    /// What is typed is kept at once.
    pub fn write(self, subject: &str, path: &str, line: &str, text: String) {
        self.all.update(|all| {
            if let Some(remark) = all.iter_mut().find(|remark| remark.is_at(subject, path, line)) {
                remark.text = text;
            }
        });
        self.keep();
    }

    pub fn remove(self, subject: &str, path: &str, line: &str) {
        self.all.update(|all| all.retain(|remark| !remark.is_at(subject, path, line)));
        self.keep();
    }

    /// All of them were sent.
    pub fn forget(self) {
        if let Some(key) = self.key.try_get_value() {
            storage::forget(&key);
        }
        self.all.try_set(Vec::new());
    }

    fn keep(self) {
        storage::write(&self.key.get_value(), &self.all.with_untracked(|all| encode(all)));
    }
}

fn said(all: &[Remark]) -> impl Iterator<Item = &Remark> {
    all.iter().filter(|remark| !remark.text.trim().is_empty())
}

/// `2 comments on lines`.
pub fn counted(count: usize) -> String {
    if count == 1 { "1 comment on a line".to_owned() } else { format!("{count} comments on lines") }
}

/// The comment that goes to the next agent: what was said of the whole, then each line with its quote.
pub fn message(comment: &str, all: &[Remark]) -> String {
    let mut text = comment.trim().to_owned();
    let mut said: Vec<&Remark> = said(all).collect();
    if said.is_empty() {
        return text;
    }
    // Stable: within a file in the order of its lines, files in the order they were first spoken of.
    let files: Vec<&str> = said.iter().map(|remark| remark.path.as_str()).collect();
    let file = |remark: &Remark| files.iter().position(|path| *path == remark.path);
    said.sort_by_key(|remark| (file(remark), remark.line[1..].parse::<u32>().unwrap_or_default()));
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(&format!("{}:", counted(said.len())));
    for remark in said {
        let (place, on, quote, words) = (remark.place(), &remark.on, &remark.quote, remark.text.trim());
        text.push_str(&format!("\n\n`{place}` ({on})\n> `{quote}`\n\n{words}"));
    }
    text
}

/// A line as it is quoted: short, and without what would end the quote.
pub fn quote(line: &str) -> String {
    line.chars().filter(|letter| !letter.is_control() && *letter != '`').take(QUOTE).collect()
}

fn encode(all: &[Remark]) -> String {
    let mut out = String::new();
    for remark in said(all) {
        for field in [&remark.subject, &remark.on, &remark.path, &remark.line, &remark.quote, &remark.text] {
            out.extend(field.chars().filter(|letter| !matches!(*letter, FIELD | RECORD)));
            out.push(FIELD);
        }
        out.push(RECORD);
    }
    out
}

/// What was kept; what cannot be read is passed over.
fn decode(kept: &str) -> Vec<Remark> {
    let read = |record: &str| {
        let mut fields = record.split(FIELD).map(str::to_owned);
        Some(Remark {
            subject: fields.next().filter(|subject| !subject.is_empty())?,
            on: fields.next()?,
            path: fields.next()?,
            line: fields.next().filter(|line| line.starts_with(['n', 'o']))?,
            quote: fields.next()?,
            text: fields.next()?,
        })
    };
    kept.split(RECORD).filter_map(read).take(LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remark(path: &str, line: &str, text: &str) -> Remark {
        Remark {
            subject: "1".to_owned(),
            on: "Diff v1".to_owned(),
            path: path.to_owned(),
            line: line.to_owned(),
            quote: "+ let x = 1;".to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn one_message_names_and_quotes_every_line() {
        let all = [
            remark("b.rs", "n12", "Why?\n"),
            remark("a.rs", "o3", "Keep it."),
            remark("b.rs", "n2", "Rename."),
            remark("b.rs", "n5", "  "),
        ];
        assert_eq!(
            message(" Almost. ", &all),
            "Almost.\n\n3 comments on lines:\n\n\
             `b.rs:2` (Diff v1)\n> `+ let x = 1;`\n\nRename.\n\n\
             `b.rs:12` (Diff v1)\n> `+ let x = 1;`\n\nWhy?\n\n\
             `a.rs:3, removed` (Diff v1)\n> `+ let x = 1;`\n\nKeep it."
        );
        assert_eq!(message("Only this.", &all[3..]), "Only this.");
        assert!(message("", &all[..1]).starts_with("1 comment on a line:"));
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let all = vec![remark("a b.rs", "n1", "one\ntwo \u{1e}"), remark("c.rs", "o9", "three")];
        let kept = decode(&encode(&all));
        assert_eq!((kept[0].text.as_str(), &kept[1]), ("one\ntwo ", &all[1]));
        assert_eq!(decode(&encode(&[remark("a", "n1", " ")])), []);
        for broken in ["", "x", "\u{1f}\u{1e}", "1\u{1f}a\u{1f}b\u{1f}\u{1f}\u{1f}"] {
            assert_eq!(decode(broken), []);
        }
    }

    #[test]
    fn quotes_are_short_and_closed() {
        assert_eq!(quote("+ a `b`\r\t"), "+ a b");
        assert_eq!(quote(&"x".repeat(999)).chars().count(), QUOTE);
    }
}
