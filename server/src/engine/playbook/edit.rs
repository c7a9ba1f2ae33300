//! `edit PATH`: search/replace passages.
//!
//! SEARCH is compared with whole lines first; only when no run of lines matches is it looked for inside
//! lines. Either way it must match exactly once. Line ends are the file's: passages are written with LF.

use super::{
    effect::{Effect, Touched, count, widen},
    overlay::{Kind, Overlay, Text, bare},
    paths::RepoPath,
    refusal::Refusal,
};
use crate::artifact::Change;

/// Fewest characters of a marker. More are allowed on all three, for passages that hold markers.
const MARKER: usize = 7;

#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    pub path: RepoPath,
    pub passages: Vec<Passage>,
}

/// One search/replace pair; lines without line ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    pub search: Vec<String>,
    pub replace: Vec<String>,
    /// Where it starts in the block's content, counted from 1.
    pub line: usize,
}

impl Passage {
    /// An empty SEARCH creates the file. Blank lines alone are taken for empty: they could hardly match once.
    fn creates(&self) -> bool {
        self.search.iter().all(|line| line.trim().is_empty())
    }
}

/// Reads the content of an `edit` block. The error is the line within the content and what is wrong.
pub fn read(content: &str) -> Result<Vec<Passage>, (usize, String)> {
    let mut passages = Vec::new();
    let mut lines = content.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(width) = marker(line, '<', " SEARCH") else {
            if line.trim().is_empty() {
                continue;
            }
            return Err((at + 1, "a passage starts with a line `<<<<<<< SEARCH`".to_owned()));
        };
        let mut passage = Passage { search: Vec::new(), replace: Vec::new(), line: at + 1 };
        let (mut divided, mut closed) = (false, false);
        for (_, line) in lines.by_ref() {
            if !divided && marker(line, '=', "") == Some(width) {
                divided = true;
            } else if divided && marker(line, '>', " REPLACE") == Some(width) {
                closed = true;
                break;
            } else {
                let part = if divided { &mut passage.replace } else { &mut passage.search };
                part.push(line.to_owned());
            }
        }
        if !closed {
            let missing = if divided { ">>>>>>> REPLACE" } else { "=======" };
            return Err((at + 1, format!("the passage that starts here has no line `{missing}`")));
        }
        passages.push(passage);
    }
    if passages.is_empty() {
        return Err((1, "there is no passage: write `<<<<<<< SEARCH`, `=======` and `>>>>>>> REPLACE`".to_owned()));
    }
    Ok(passages)
}

fn marker(line: &str, character: char, tail: &str) -> Option<usize> {
    let head = line.trim_end().strip_suffix(tail)?;
    let marks = head.chars().count();
    (marks >= MARKER && head.chars().all(|next| next == character)).then_some(marks)
}

impl Edit {
    pub fn apply(&self, overlay: &mut Overlay) -> Result<Effect, Refusal> {
        let mut text = None;
        let mut change = Change::Edit;
        let mut edited = Edited::default();
        for (index, passage) in self.passages.iter().enumerate() {
            let place = |refusal: String| {
                let which = if self.passages.len() > 1 { format!("passage {}: ", index + 1) } else { String::new() };
                Refusal::Rule(format!("{which}{refusal}"))
            };
            match (&mut text, passage.creates()) {
                (None, true) => {
                    if overlay.kind(&self.path)? != Kind::Missing {
                        let why = format!("SEARCH is empty, which creates a file, but `{}` exists already", self.path);
                        return Err(place(why));
                    }
                    change = Change::Create;
                    let created = passage.replace.iter().map(|line| format!("{line}\n")).collect();
                    text = Some(Text { text: created, marked: false, executable: false });
                }
                (Some(_), true) => return Err(place("SEARCH is empty, but the file exists already".to_owned())),
                (_, false) => {
                    if text.is_none() {
                        text = Some(overlay.read(&self.path)?);
                    }
                    if let Some(text) = &mut text {
                        text.text = edited.replace(text, passage, &self.path).map_err(place)?;
                    }
                }
            }
        }
        if let Some(text) = &text {
            overlay.write(&self.path, text)?;
        }
        let summary = match change {
            Change::Create => format!("creates `{}`", self.path),
            _ => format!("replaces {} of `{}`{}", count(self.passages.len(), "passage"), self.path, edited.place()),
        };
        let lines = edited.span.filter(|_| change == Change::Edit);
        let touched = vec![Touched { path: self.path.clone(), change, lines }];
        Ok(Effect { touched, summary, notes: Vec::new() })
    }
}

/// Where passages have been replaced so far.
#[derive(Default)]
struct Edited {
    /// In the file as it was before the first passage.
    span: Option<(u32, u32)>,
    /// Line in the file as it is now, and how many lines the passage there added (or took, if negative).
    shifts: Vec<(usize, isize)>,
}

impl Edited {
    fn replace(&mut self, text: &Text, passage: &Passage, path: &RepoPath) -> Result<String, String> {
        let lines = text.lines();
        let found = whole_lines(&lines, &passage.search);
        match found.as_slice() {
            [] => self.replace_inside(text, passage, path),
            [at] => {
                self.record(*at, passage);
                Ok(with_lines(&lines, *at, passage, text.line_end()))
            }
            several => Err(format!(
                "SEARCH matches {} times in `{path}` (lines {}); add lines around it until it matches once",
                several.len(),
                numbers(several.iter().map(|at| at + 1)),
            )),
        }
    }

    /// Replaces a part of a line, or a run that starts or ends within lines.
    fn replace_inside(&mut self, text: &Text, passage: &Passage, path: &RepoPath) -> Result<String, String> {
        let needle = passage.search.join(text.line_end());
        let found: Vec<usize> = text.text.match_indices(&needle).map(|(at, _)| at).collect();
        let line_of = |at: usize| text.text[..at].matches('\n').count();
        match found.as_slice() {
            [] => Err(format!("SEARCH is not in `{path}`{}", hint(text, &passage.search))),
            [at] => {
                self.record(line_of(*at), passage);
                let replacement = passage.replace.join(text.line_end());
                Ok(format!("{}{replacement}{}", &text.text[..*at], &text.text[at + needle.len()..]))
            }
            several => Err(format!(
                "SEARCH matches {} times in `{path}` (lines {}); write whole lines, and more of them, until it matches once",
                several.len(),
                numbers(several.iter().map(|at| line_of(*at) + 1)),
            )),
        }
    }

    fn record(&mut self, at: usize, passage: &Passage) {
        let shift: isize = self.shifts.iter().filter(|(line, _)| *line <= at).map(|(_, shift)| shift).sum();
        let first = at.saturating_add_signed(-shift) + 1;
        self.span = widen(self.span, first, first + passage.search.len() - 1);
        let signed = |length: usize| isize::try_from(length).unwrap_or(isize::MAX);
        self.shifts.push((at, signed(passage.replace.len()) - signed(passage.search.len())));
    }

    fn place(&self) -> String {
        match self.span {
            Some((first, last)) if first == last => format!(" (line {first})"),
            Some((first, last)) => format!(" (lines {first}-{last})"),
            None => String::new(),
        }
    }
}

/// Where `search` matches whole lines, counted from 0.
fn whole_lines(lines: &[&str], search: &[String]) -> Vec<usize> {
    let ends = lines.len().saturating_sub(search.len());
    let matches = |at: &usize| {
        lines.len() >= search.len() && search.iter().zip(&lines[*at..]).all(|(wanted, line)| wanted == bare(line))
    };
    (0..=ends).filter(matches).collect()
}

fn with_lines(lines: &[&str], at: usize, passage: &Passage, line_end: &str) -> String {
    let end = at + passage.search.len();
    let terminated = lines[end - 1].ends_with('\n');
    let mut out: String = lines[..at].concat();
    for (index, line) in passage.replace.iter().enumerate() {
        out.push_str(line);
        if terminated || index + 1 < passage.replace.len() {
            out.push_str(line_end);
        }
    }
    out.push_str(&lines[end..].concat());
    out
}

/// Why a search that should have matched did not, where that can be seen.
fn hint(text: &Text, search: &[String]) -> String {
    let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted: Vec<String> = search.iter().map(|line| squeezed(line)).collect();
    let lines: Vec<String> = text.text.lines().map(squeezed).collect();
    if let Some(at) = lines.windows(wanted.len()).position(|window| window == wanted) {
        return format!("; lines {}-{} differ from it in white space only", at + 1, at + wanted.len());
    }
    let first = wanted.iter().find(|line| !line.is_empty());
    match first.and_then(|first| lines.iter().position(|line| line == first)) {
        Some(at) => format!("; its first line is line {} there, but what follows differs", at + 1),
        None => "; copy the lines from the file as they are".to_owned(),
    }
}

/// Line numbers that an error lists.
const NUMBERS: usize = 5;

fn numbers(lines: impl ExactSizeIterator<Item = usize>) -> String {
    let more = if lines.len() > NUMBERS { ", …" } else { "" };
    let shown: Vec<String> = lines.take(NUMBERS).map(|line| line.to_string()).collect();
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::cancel::Cancel;
    use super::*;

    /// Applies an edit block to one file; returns the new content, or the refusal.
    fn check(before: Option<&str>, block: &str) -> Result<(String, Effect), String> {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("f");
        if let Some(before) = before {
            std::fs::write(&at, before).unwrap();
        }
        let passages = read(block).map_err(|(line, why)| format!("{line}: {why}"))?;
        let mut overlay = Overlay::open(dir.path()).unwrap();
        let edit = Edit { path: RepoPath::parse("f").unwrap(), passages };
        let effect = edit.apply(&mut overlay).map_err(|error| error.to_string())?;
        overlay.flush(&Cancel::default()).unwrap();
        Ok((std::fs::read_to_string(at).unwrap(), effect))
    }

    fn passage(search: &str, replace: &str) -> String {
        format!("<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n")
    }

    #[test]
    fn replaces_lines() {
        let after = |before: &str, block: &str| check(Some(before), block).unwrap().0;
        assert_eq!(after("a\nb\nc\n", &passage("b\n", "x\ny\n")), "a\nx\ny\nc\n");
        assert_eq!(after("a\r\nb\r\nc", &passage("b\nc\n", "x\ny\n")), "a\r\nx\r\ny");
        assert_eq!(after("a\nb\n", &passage("b\n", "")), "a\n");
        assert_eq!(after("foo\nfoobar\n", &passage("foo\n", "x\n")), "x\nfoobar\n");
        assert_eq!(after("say hello world\r\n", &passage("hello\n", "bye\n")), "say bye world\r\n");
        assert_eq!(after("a\nb\n", &(passage("a\n", "x\ny\n") + "\n" + &passage("y\nb\n", "z\n"))), "x\nz\n");
        let wide = "<<<<<<<< SEARCH\n=======\n========\n-------\n>>>>>>>> REPLACE\n";
        assert_eq!(after("a\n=======\n", wide), "a\n-------\n");
        assert_eq!(after("a\n\nb\n\n", &passage("a\n\nb\n", "\n")), "\n\n");
    }

    #[test]
    fn says_which_lines_change() {
        let block = passage("b\n", "1\n2\n3\n") + &passage("d\n", "4\n");
        let (_, effect) = check(Some("a\nb\nc\nd\n"), &block).unwrap();
        assert_eq!(effect.touched[0].lines, Some((2, 4)));
        assert_eq!(effect.summary, "replaces 2 passages of `f` (lines 2-4)");
    }

    #[test]
    fn creates_only_what_is_not_there() {
        assert_eq!(check(None, &passage("", "a\n\nb\n")).unwrap().0, "a\n\nb\n");
        assert!(check(Some(""), &passage("", "a\n")).unwrap_err().contains("exists already"));
        assert!(check(None, &passage("x\n", "a\n")).unwrap_err().contains("does not exist"));
    }

    #[test]
    fn refuses_what_is_not_unique() {
        let refused = |before: &str, search: &str| check(Some(before), &passage(search, "x\n")).unwrap_err();
        assert!(refused("a\nb\na\n", "a\n").contains("matches 2 times in `f` (lines 1, 3)"));
        assert!(refused("xa xa\n", "a\n").contains("matches 2 times"));
        assert!(refused("  a\n", "    a\n").contains("white space only"));
        assert!(refused("a\nb\n", "a\nc\n").contains("first line is line 1"));
        assert!(refused("", "a\n").contains("is not in"));
    }

    #[test]
    fn malformed_blocks_name_the_line() {
        for (block, line) in
            [("", "1:"), ("\nwords\n", "2:"), ("<<<<<<< SEARCH\na\n", "1:"), ("<<<<<<< SEARCH\n=======\n", "1:")]
        {
            let error = check(Some(""), block).unwrap_err();
            assert!(error.starts_with(line), "{error}");
        }
    }
}
