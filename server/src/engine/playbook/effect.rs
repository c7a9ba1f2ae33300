//! What a block did, for plans and reports.

use super::paths::RepoPath;
use crate::artifact::Change;

/// Paths that a sentence lists before it says "and N more".
const LISTED: usize = 5;

/// What applying one block changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effect {
    pub touched: Vec<Touched>,
    /// In words: "replaces 3 matches in 2 files".
    pub summary: String,
    /// What was passed over, and why.
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Touched {
    pub path: RepoPath,
    pub change: Change,
    /// First and last line that change, in the file before the block.
    pub lines: Option<(u32, u32)>,
}

impl Effect {
    /// Summary and notes as one sentence or several.
    pub fn detail(&self) -> String {
        let mut detail = self.summary.clone();
        for note in &self.notes {
            detail.push_str(&format!(". {note}"));
        }
        detail
    }
}

/// "1 file", "2 files".
pub fn count(number: usize, one: &str) -> String {
    if number == 1 {
        return format!("1 {one}");
    }
    let many = match one.strip_suffix("ch") {
        Some(_) => format!("{one}es"),
        None => format!("{one}s"),
    };
    format!("{number} {many}")
}

/// "`a`, `b` and 3 more".
pub fn listed<T: std::fmt::Display>(items: &[T]) -> String {
    let mut text = items.iter().take(LISTED).map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ");
    if items.len() > LISTED {
        text.push_str(&format!(" and {} more", items.len() - LISTED));
    }
    text
}

/// The span from the first to the last of some lines.
pub fn widen(span: Option<(u32, u32)>, first: usize, last: usize) -> Option<(u32, u32)> {
    let (first, last) = (line_number(first), line_number(last));
    Some(span.map_or((first, last), |(from, to)| (from.min(first), to.max(last))))
}

/// A line number; files are capped far below what `u32` holds.
pub fn line_number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
