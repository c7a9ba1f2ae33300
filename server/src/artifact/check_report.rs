//! The check report: how the project's check command went.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::form::{Form, ParseError};
use super::markdown::{fence, one_line, tidy};

static FORM: LazyLock<Form> =
    LazyLock::new(|| Form::embedded(include_str!("../../../prompts/artifacts/check_report.md")));

pub(super) fn form() -> &'static Form {
    &FORM
}

/// Most bytes of a command's output that a report keeps: the start and the end of a long test run, where
/// what matters stands.
pub const OUTPUT_LIMIT: usize = 256 * 1024;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// The shell line; `None` when the project sets none, and then the checks pass.
    pub command: Option<String>,
    pub passed: bool,
    /// In words: "exit code 1", "killed after 600 s", …
    pub ended: String,
    pub millis: u64,
    /// Standard output and error as they came.
    pub output: String,
    /// What confined the command: "bubblewrap", "Landlock", "none", …
    pub sandbox: String,
}

impl CheckReport {
    /// The report as Markdown; output beyond [`OUTPUT_LIMIT`] is cut in the middle, with a note of how much.
    pub fn render(&self) -> String {
        let form = form();
        let outcome = if self.passed { "passed" } else { "failed" };
        let command = match &self.command {
            None => form.prose(""),
            Some(command) => fence(&form.guard(&tidy(command)), "sh"),
        };
        let output = match cut_middle(&tidy(&self.output), OUTPUT_LIMIT) {
            output if output.is_empty() => form.prose(""),
            output => fence(&form.guard(&output), "text"),
        };
        form.fill(&[
            (
                "Result",
                form.list([
                    format!("Outcome: {outcome}"),
                    format!("Ended: {}", one_line(&self.ended)),
                    format!("Took: {} ms", self.millis),
                    format!("Sandbox: {}", one_line(&self.sandbox)),
                ]),
            ),
            ("Command", command),
            ("Output", output),
        ])
    }

    /// Reads a check report back.
    ///
    /// # Errors
    /// [`ParseError`] when a section or an entry of the result is missing; it says what to write instead.
    pub fn parse(text: &str) -> Result<CheckReport, ParseError> {
        let sections = form().read(text)?;
        let entries = sections.entries("Result", |entry| {
            let (name, value) = entry.split_once(':')?;
            Some((name.trim().to_lowercase(), value.trim().to_owned()))
        })?;
        let entry = |wanted: &str| {
            let found = entries.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
            found.ok_or_else(|| sections.unreadable("Result"))
        };
        let passed = match entry("outcome")?.to_lowercase().as_str() {
            "passed" => true,
            "failed" => false,
            _ => return Err(sections.unreadable("Result")),
        };
        let took = entry("took")?;
        let millis = took.trim_end_matches("ms").trim().parse().map_err(|_| sections.unreadable("Result"))?;
        Ok(CheckReport {
            command: Some(sections.fenced("Command")).filter(|_| !sections.raw("Command").is_empty()),
            passed,
            ended: entry("ended")?,
            millis,
            output: sections.fenced("Output"),
            sandbox: entry("sandbox")?,
        })
    }
}

/// `text` in at most `limit` bytes and a line that says how much is missing.
pub fn cut_middle(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let head = floor_char_boundary(text, limit / 4);
    let tail = floor_char_boundary(text, text.len() - (limit - limit / 4)) + 1;
    let tail = (tail..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    format!("{}\n[… {} bytes left out …]\n{}", &text[..head], tail - head, &text[tail..])
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::markdown::hostile::{line, text};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reads_back(
            command in prop::option::of(text()), passed: bool, ended in line(), millis: u64, output in text(), sandbox in line(),
        ) {
            let report = CheckReport { command, passed, ended, millis, output, sandbox };
            let rendered = report.render();
            prop_assert_eq!(CheckReport::parse(&rendered), Ok(report), "{}", rendered);
        }

        #[test]
        fn cut_keeps_the_limit(text in text(), limit in 8usize..40) {
            let cut = cut_middle(&text, limit);
            prop_assert!(cut == text || cut.len() <= limit + 60);
        }
    }

    #[test]
    fn long_output_keeps_both_ends() {
        let output = format!("first{}last", "é".repeat(OUTPUT_LIMIT));
        let report = CheckReport { output, ..CheckReport::default() }.render();
        let read = CheckReport::parse(&report).unwrap().output;
        assert!(read.starts_with("first") && read.ends_with("last") && read.contains("bytes left out"));
        assert!(read.len() < OUTPUT_LIMIT + 100);
    }
}
