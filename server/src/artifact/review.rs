//! The review: a verdict on a diff, with findings and the coverage of the plan.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::form::{Form, ParseError, text_after_colon};
use super::markdown::{code, read_code, tidy};

static FORM: LazyLock<Form> = LazyLock::new(|| Form::embedded(include_str!("../../../prompts/artifacts/review.md")));

pub(super) fn form() -> &'static Form {
    &FORM
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Review {
    pub verdict: Verdict,
    pub findings: Vec<Finding>,
    pub coverage: Vec<StepCoverage>,
    pub summary: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Approve,
    #[default]
    RequestChanges,
}

impl Verdict {
    /// As people read it, and as the form writes it.
    pub fn label(self) -> &'static str {
        match self {
            Verdict::Approve => "Approve",
            Verdict::RequestChanges => "Request changes",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub severity: Severity,
    pub file: Option<String>,
    /// Line in the new file, counted from 1; only with a file.
    pub line: Option<u32>,
    pub text: String,
    /// Dealt with: no longer in the way.
    pub resolved: bool,
}

/// How much a finding weighs; an open `High` one closes the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    High,
    Medium,
    Low,
    Note,
}

impl Severity {
    const ALL: [Severity; 4] = [Severity::High, Severity::Medium, Severity::Low, Severity::Note];

    pub fn label(self) -> &'static str {
        match self {
            Severity::High => "High",
            Severity::Medium => "Medium",
            Severity::Low => "Low",
            Severity::Note => "Note",
        }
    }
}

/// Whether the diff does what one step of the plan asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepCoverage {
    /// The step's number in the plan, counted from 1.
    pub step: u32,
    pub covered: bool,
    pub note: String,
}

impl Review {
    /// The review as Markdown.
    pub fn render(&self) -> String {
        let form = form();
        form.fill(&[
            ("Verdict", self.verdict.label().to_owned()),
            ("Summary", form.prose(&self.summary)),
            ("Findings", form.list(self.findings.iter().map(render_finding))),
            ("Coverage", form.list(self.coverage.iter().map(render_coverage))),
        ])
    }

    /// Reads a review back.
    ///
    /// # Errors
    /// [`ParseError`] when a section is missing or an entry can't be read; it says what to write instead.
    pub fn parse(text: &str) -> Result<Review, ParseError> {
        let sections = form().read(text)?;
        let verdict = sections.raw("Verdict").trim_matches(['*', '`', '.', ' ']).to_lowercase().replace('_', " ");
        let verdict = match verdict.as_str() {
            "approve" | "approved" => Verdict::Approve,
            "request changes" | "changes requested" => Verdict::RequestChanges,
            _ => return Err(sections.unreadable("Verdict")),
        };
        Ok(Review {
            verdict,
            findings: sections.entries("Findings", read_finding)?,
            coverage: sections.entries("Coverage", read_coverage)?,
            summary: sections.prose("Summary"),
        })
    }

    /// Findings of severity high that nobody has resolved.
    pub fn open_high_findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::High && !finding.resolved)
    }
}

fn render_finding(finding: &Finding) -> String {
    let resolved = if finding.resolved { ", resolved" } else { "" };
    let place = match (&finding.file, finding.line) {
        (None, _) => String::new(),
        (Some(file), None) => format!(", {}", code(file)),
        (Some(file), Some(line)) => format!(", {} line {line}", code(file)),
    };
    format!("{}{resolved}{place}: {}", finding.severity.label(), form().guard(&tidy(&finding.text)))
}

fn read_finding(entry: &str) -> Option<Finding> {
    let word_end = entry.find(|next: char| !next.is_ascii_alphabetic())?;
    let (word, mut rest) = entry.split_at(word_end);
    let severity = Severity::ALL.into_iter().find(|severity| severity.label().eq_ignore_ascii_case(word))?;
    let mut finding = Finding { severity, file: None, line: None, text: String::new(), resolved: false };
    if let Some(after) = rest.strip_prefix(", resolved") {
        finding.resolved = true;
        rest = after;
    }
    if let Some(place) = rest.strip_prefix(',') {
        let (file, after) = read_code(place.trim_start())?;
        finding.file = Some(file);
        rest = after;
        if let Some(number) = rest.strip_prefix(" line ") {
            let end = number.find(|next: char| !next.is_ascii_digit()).unwrap_or(number.len());
            finding.line = Some(number[..end].parse().ok()?);
            rest = &number[end..];
        }
    }
    finding.text = form().unguard(text_after_colon(rest)?);
    Some(finding)
}

fn render_coverage(coverage: &StepCoverage) -> String {
    let covered = if coverage.covered { "covered" } else { "not covered" };
    format!("Step {}, {covered}: {}", coverage.step, form().guard(&tidy(&coverage.note)))
}

fn read_coverage(entry: &str) -> Option<StepCoverage> {
    let (head, note) = entry.split_once(':').unwrap_or((entry, ""));
    let (step, covered) = head.split_once(',')?;
    let covered = match covered.trim().to_lowercase().as_str() {
        "covered" => true,
        "not covered" => false,
        _ => return None,
    };
    let step = step.trim().strip_prefix("Step ").or_else(|| step.trim().strip_prefix("step "))?.trim().parse().ok()?;
    Some(StepCoverage { step, covered, note: form().unguard(note.trim()) })
}

#[cfg(test)]
mod tests {
    use super::super::markdown::hostile::{path, text};
    use super::*;
    use proptest::prelude::*;

    fn finding() -> impl Strategy<Value = Finding> {
        (
            prop::sample::select(&Severity::ALL[..]),
            prop::option::of((path(), any::<Option<u32>>())),
            text(),
            any::<bool>(),
        )
            .prop_map(|(severity, place, text, resolved)| {
                let (file, line) = place.map_or((None, None), |(file, line)| (Some(file), line));
                Finding { severity, file, line, text, resolved }
            })
    }

    proptest! {
        #[test]
        fn reads_back(
            approve: bool,
            findings in prop::collection::vec(finding(), 0..5),
            coverage in prop::collection::vec((any::<u32>(), any::<bool>(), text()), 0..5),
            summary in text(),
        ) {
            let review = Review {
                verdict: if approve { Verdict::Approve } else { Verdict::RequestChanges },
                findings,
                coverage: coverage.into_iter().map(|(step, covered, note)| StepCoverage { step, covered, note }).collect(),
                summary,
            };
            let rendered = review.render();
            prop_assert_eq!(Review::parse(&rendered), Ok(review), "{}", rendered);
        }
    }

    #[test]
    fn an_unclear_verdict_is_refused() {
        let text = Review::default().render().replace("Request changes", "Looks fine, approve after lunch");
        let error = Review::parse(&text).unwrap_err().to_string();
        assert!(error.contains("Write `Approve` or `Request changes`."), "{error}");
    }
}
