//! Looks for what must not get into a repository, in the lines that a diff adds. A secret that is found is
//! named by its kind and place and never printed.

use std::sync::LazyLock;

use regex::Regex;

use crate::artifact::diff::FilePatch;

/// Where something was found: file and line in the new file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub path: String,
    pub line: u32,
    /// What it is, in words.
    pub what: &'static str,
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{} ({})", self.path, self.line, self.what)
    }
}

/// Patterns of few false alarms: formats that providers document for exactly this purpose.
const PATTERNS: &[(&str, &str)] = &[
    ("a private key", r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----"),
    ("an AWS access key id", r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a GitHub token", r"\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("a Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("a Slack webhook", r"hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]+"),
    ("a Google API key", r"\bAIza[0-9A-Za-z_-]{35}"),
    ("an Anthropic key", r"\bsk-ant-[A-Za-z0-9_-]{20,}"),
    ("an OpenAI-style key", r"\bsk-[A-Za-z0-9_-]{32,}"),
    ("a Stripe live key", r"\b[sr]k_live_[0-9A-Za-z]{20,}"),
    ("an npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("a PyPI token", r"\bpypi-AgE[A-Za-z0-9_-]{50,}"),
];

/// Compiled once; the test below sees to it that every pattern is valid.
static COMPILED: LazyLock<Vec<(&'static str, Regex)>> =
    LazyLock::new(|| PATTERNS.iter().filter_map(|(what, pattern)| Some((*what, Regex::new(pattern).ok()?))).collect());

/// The kind of secret that a line holds.
pub fn secret_in(line: &str) -> Option<&'static str> {
    COMPILED
        .iter()
        .find(|(what, regex)| regex.find_iter(line).any(|found| is_likely(what, found.as_str())))
        .map(|(what, _)| *what)
}

/// Documentation's own examples say so, and a long word with dashes is no key: keys mix cases and digits.
fn is_likely(what: &str, found: &str) -> bool {
    let mixed = [char::is_uppercase, char::is_lowercase, char::is_numeric].iter().all(|kind| found.chars().any(kind));
    !found.contains("EXAMPLE") && (mixed || what != "an OpenAI-style key")
}

/// Secrets among the added lines.
pub fn secrets(patches: &[FilePatch]) -> Vec<Place> {
    places(patches, secret_in)
}

/// Conflict markers among the added lines. A lone `=======` underlines headings and is none; the playbook's
/// own `<<<<<<< SEARCH` is none either.
pub fn conflict_markers(patches: &[FilePatch]) -> Vec<Place> {
    places(patches, |line| {
        let marks = line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") || line.starts_with("||||||| ");
        (marks && !matches!(line.trim_end(), "<<<<<<< SEARCH" | ">>>>>>> REPLACE")).then_some("conflict marker")
    })
}

fn places(patches: &[FilePatch], what: impl Fn(&str) -> Option<&'static str>) -> Vec<Place> {
    let mut places = Vec::new();
    for patch in patches {
        for (line, text) in patch.added() {
            if let Some(what) = what(text) {
                places.push(Place { path: patch.path().to_owned(), line, what });
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::diff;

    #[test]
    fn every_pattern_is_valid() {
        assert_eq!(COMPILED.len(), PATTERNS.len());
    }

    /// Put together here, so that no scanner takes this file for a leak.
    fn secret(head: &str) -> String {
        format!("{head}{}", "aB3".repeat(20))
    }

    #[test]
    fn finds_keys_and_leaves_words_alone() {
        for head in ["ghp_", "github_pat_", "glpat-", "xoxb-", "AIza", "sk-ant-", "sk-proj-", "sk_live_", "pypi-AgE"] {
            assert!(secret_in(&format!("key = \"{}\"", secret(head))).is_some(), "{head}");
        }
        assert_eq!(secret_in(&format!("-----BEGIN RSA {}-----", "PRIVATE KEY")), Some("a private key"));
        assert_eq!(secret_in(&format!("AKIA{}", "ABCD1234".repeat(2))), Some("an AWS access key id"));
        for line in
            ["AKIAIOSFODNN7EXAMPLE", "class sk-some-very-long-name-of-a-css-class-here", "task-list", "ghp_short", ""]
        {
            assert_eq!(secret_in(line), None, "{line}");
        }
    }

    #[test]
    fn only_added_lines_count_and_secrets_stay_secret() {
        let key = secret("ghp_");
        let text = format!("--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n-{key}\n c\n+{key}\n+<<<<<<< HEAD\n");
        let patches = diff::parse(&text).unwrap();
        let found = secrets(&patches);
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["x:2 (a GitHub token)"]);
        assert_eq!(conflict_markers(&patches)[0].line, 3);
        let harmless = "--- a/x\n+++ b/x\n@@ -1 +1,3 @@\n c\n+<<<<<<< SEARCH\n+=======\n";
        assert!(conflict_markers(&diff::parse(harmless).unwrap()).is_empty());
    }
}
