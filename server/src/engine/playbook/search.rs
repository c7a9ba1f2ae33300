//! Searches a repository for all terms of a card at once: every file is read once, by one combined matcher,
//! on a few threads, respecting ignore files.

use std::{
    collections::BTreeSet,
    io,
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
};

use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};
use ignore::{DirEntry, WalkState};

use super::{
    cancel::Cancel,
    overlay::walk,
    terms::{Term, TermKind},
};

/// Most threads of one search: several agents work at once, and a search is over in a moment anyway.
const THREADS: usize = 4;
/// Largest file that is searched, in bytes: sources are smaller, generated files and data are not.
pub const SEARCH_FILE_LIMIT: u64 = 1024 * 1024;
/// Matching lines per file after which no more are looked at: the file is relevant, that is enough.
const LINES_PER_FILE: usize = 64;
/// Lines kept per file, the best ones.
const LINES_KEPT: usize = 3;
/// Characters kept of a line; minified files have lines of megabytes.
const LINE_LENGTH: usize = 160;
/// Files kept before ranking; beyond that the terms are too common to tell files apart.
const FILES_KEPT: usize = 20_000;
/// Most paths of tests that are remembered.
const TESTS_KEPT: usize = 20_000;
/// Most bytes of the combined expression, compiled: a couple of dozen literals need a fraction.
const REGEX_LIMIT: usize = 8 * 1024 * 1024;

/// A file that a term was found in.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub path: String,
    pub score: f64,
    /// The best lines, in order: number, text, clipped.
    pub lines: Vec<(u32, String)>,
    /// Which terms, by their place in the list of terms.
    pub terms: BTreeSet<usize>,
}

#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Best first.
    pub hits: Vec<Hit>,
    /// Paths that look like tests.
    pub tests: Vec<String>,
    pub files: usize,
    /// Passed over, being larger than [`SEARCH_FILE_LIMIT`].
    pub large: usize,
    /// More files matched than are ranked.
    pub cut: bool,
}

/// Why a search could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("the search terms could not be combined: {0}")]
    Terms(#[from] grep_regex::Error),
}

/// Searches below `root`. A cancelled search returns what it has so far.
pub fn search(root: &Path, terms: &[Term], cancel: &Cancel) -> Result<Found, SearchError> {
    let matcher = if terms.is_empty() { None } else { Some(combined(terms)?) };
    let lower: Vec<String> = terms.iter().map(|term| term.text.to_lowercase()).collect();
    let threads = thread::available_parallelism().map_or(1, |count| count.get().min(THREADS));
    let found = Mutex::new(Found::default());
    walk(root).threads(threads).build_parallel().run(|| {
        let mut searcher = SearcherBuilder::new().binary_detection(BinaryDetection::quit(0)).line_number(true).build();
        let (matcher, lower, found) = (&matcher, &lower, &found);
        Box::new(move |entry| {
            if cancel.is_set() {
                return WalkState::Quit;
            }
            if let Ok(entry) = entry
                && entry.file_type().is_some_and(|kind| kind.is_file())
                && let Some(path) = entry.path().strip_prefix(root).ok().and_then(Path::to_str)
            {
                let (hit, large) = search_file(&mut searcher, matcher.as_ref(), &entry, path, lower);
                record(&mut found.lock().unwrap_or_else(PoisonError::into_inner), path, hit, large);
            }
            WalkState::Continue
        })
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    rank(&mut found, terms);
    Ok(found)
}

fn record(found: &mut Found, path: &str, hit: Option<Hit>, large: bool) {
    found.files += 1;
    found.large += usize::from(large);
    if looks_like_test(path) && found.tests.len() < TESTS_KEPT {
        found.tests.push(path.to_owned());
    }
    if let Some(hit) = hit {
        if found.hits.len() < FILES_KEPT { found.hits.push(hit) } else { found.cut = true }
    }
}

pub fn looks_like_test(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path.contains("test") || path.contains("spec.") || path.contains("spec/") || path.contains("_spec")
}

/// All terms as one expression. Whole words are meant where a term starts or ends with a letter; a title's
/// word may go on ("board" finds "boards").
fn combined(terms: &[Term]) -> Result<RegexMatcher, grep_regex::Error> {
    let patterns: Vec<String> = terms
        .iter()
        .map(|term| {
            let boundary = |edge: Option<char>| if edge.is_some_and(is_word) { r"(?-u:\b)" } else { "" };
            let end = if term.kind == TermKind::Word { "" } else { boundary(term.text.chars().next_back()) };
            format!("{}{}{end}", boundary(term.text.chars().next()), regex::escape(&term.text))
        })
        .collect();
    RegexMatcherBuilder::new()
        .case_insensitive(true)
        .line_terminator(Some(b'\n'))
        .size_limit(REGEX_LIMIT)
        .build_many(&patterns)
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// What one file holds; the flag says that it was too large to be read.
fn search_file(
    searcher: &mut Searcher,
    matcher: Option<&RegexMatcher>,
    entry: &DirEntry,
    path: &str,
    terms: &[String],
) -> (Option<Hit>, bool) {
    let lower = path.to_lowercase();
    let mut hit = Hit { path: path.to_owned(), score: 0.0, lines: Vec::new(), terms: BTreeSet::new() };
    hit.terms.extend((0..terms.len()).filter(|at| lower.contains(&terms[*at])));
    let large = entry.metadata().is_ok_and(|metadata| metadata.len() > SEARCH_FILE_LIMIT);
    if let Some(matcher) = matcher.filter(|_| !large) {
        let mut sink = Lines { terms, hit: &mut hit, kept: Vec::new(), seen: 0 };
        // A file that can't be read, or turns out to be binary half-way, says nothing more.
        let _ = searcher.search_path(matcher, entry.path(), &mut sink);
        let mut kept = sink.kept;
        kept.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        kept.truncate(LINES_KEPT);
        kept.sort_by_key(|(_, number, _)| *number);
        hit.lines = kept.into_iter().map(|(_, number, text)| (number, text)).collect();
    }
    ((!hit.terms.is_empty()).then_some(hit), large)
}

/// Takes the matching lines of one file.
struct Lines<'a> {
    terms: &'a [String],
    hit: &'a mut Hit,
    /// How many terms the line holds, its number and its text.
    kept: Vec<(usize, u32, String)>,
    seen: usize,
}

impl Sink for Lines<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, matched: &SinkMatch<'_>) -> Result<bool, io::Error> {
        let line = String::from_utf8_lossy(matched.bytes());
        let lower = line.to_lowercase();
        let here: Vec<usize> = (0..self.terms.len()).filter(|at| lower.contains(&self.terms[*at])).collect();
        let number = matched.line_number().and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
        self.kept.push((here.len(), number, line.trim().chars().take(LINE_LENGTH).collect()));
        self.hit.terms.extend(here);
        self.seen += 1;
        Ok(self.seen < LINES_PER_FILE)
    }
}

/// Scores and sorts: exact terms weigh more than words, rare ones more than common ones, and a file that is
/// named like the term most of all.
fn rank(found: &mut Found, terms: &[Term]) {
    let mut files = vec![0.0_f64; terms.len()];
    for hit in &found.hits {
        for term in &hit.terms {
            files[*term] += 1.0;
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "a count of files is far below 2^52")]
    let all = found.files as f64;
    for hit in &mut found.hits {
        hit.score = hit.terms.iter().map(|at| score(&terms[*at], &hit.path, all / files[*at].max(1.0))).sum();
    }
    found.hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.path.cmp(&b.path)));
    found.tests.sort();
}

fn score(term: &Term, path: &str, rarity: f64) -> f64 {
    /// A file that is meant outweighs any number of files that mention it.
    const NAMED: f64 = 12.0;
    const IN_PATH: f64 = 3.0;
    let (text, path) = (term.text.to_lowercase(), path.to_lowercase());
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_named = (term.kind == TermKind::Path && (path == text || path.ends_with(&format!("/{text}"))))
        || name.split('.').next() == Some(text.as_str());
    let factor = if is_named {
        NAMED
    } else if path.contains(&text) {
        IN_PATH
    } else {
        1.0
    };
    term.kind.weight() * (1.0 + rarity).ln() * factor
}

#[cfg(test)]
mod tests {
    use super::super::terms::terms;
    use super::*;

    #[test]
    fn ranks_what_is_named_above_what_mentions_it() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
            std::fs::write(dir.path().join(name), text).unwrap();
        };
        write("src/parser.rs", "fn parse_line() {}\n");
        write("src/main.rs", "mod parser;\nfn main() { parser::parse_line(); }\n");
        write("tests/parser.rs", "parse_line\n");
        write("notes.txt", "nothing\n");
        write(".gitignore", "target\n");
        write("target/parser.rs", "parse_line\n");
        write("binary", "parse_line\0\n");
        write("large.js", &format!("parse_line{}", "x".repeat(1024 * 1024)));
        let terms = terms("Speed up the parser", "`parse_line` in src/parser.rs is slow");
        let found = search(dir.path(), &terms, &Cancel::default()).unwrap();
        let paths: Vec<&str> = found.hits.iter().map(|hit| hit.path.as_str()).collect();
        assert_eq!(paths, ["src/parser.rs", "tests/parser.rs", "src/main.rs"]);
        assert_eq!(
            found.hits[2].lines,
            [(1, "mod parser;".to_owned()), (2, "fn main() { parser::parse_line(); }".to_owned())]
        );
        assert_eq!((found.tests.as_slice(), found.large), (&["tests/parser.rs".to_owned()][..], 1));
    }

    #[test]
    fn a_cancelled_search_ends() {
        let cancel = Cancel::default();
        drop(cancel.on_drop());
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "word").unwrap();
        assert_eq!(search(dir.path(), &terms("word", ""), &cancel).unwrap().files, 0);
    }
}
