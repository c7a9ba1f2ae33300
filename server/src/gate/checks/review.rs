//! Review's gate: the verdict is approve, no open finding of severity high, checks green.

use slipway_app::model::Check;

use super::{check_command, count, green, listed, red};
use crate::artifact::{CheckReport, Review, Verdict};

pub struct ReviewFacts<'a> {
    pub review: &'a Review,
    /// The fresh run in a throw-away checkout of the snapshot.
    pub check_report: Option<&'a CheckReport>,
}

pub fn review_checks(facts: &ReviewFacts<'_>) -> Vec<Check> {
    vec![verdict(facts.review), findings(facts.review), check_command("checks_green", facts.check_report)]
}

fn verdict(review: &Review) -> Check {
    const NAME: &str = "verdict_approves";
    match review.verdict {
        Verdict::Approve => green(NAME, "The review approves."),
        Verdict::RequestChanges => {
            red(NAME, "The review asks for changes. Send back to Build with its findings, or override with a reason.")
        }
    }
}

fn findings(review: &Review) -> Check {
    const NAME: &str = "no_high_findings";
    let open: Vec<String> = review
        .open_high_findings()
        .map(|finding| match (&finding.file, finding.line) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            (Some(file), None) => file.clone(),
            _ => "the change as a whole".to_owned(),
        })
        .collect();
    if open.is_empty() {
        return green(
            NAME,
            format!("No open finding of severity high among {}.", count(review.findings.len(), "finding")),
        );
    }
    red(
        NAME,
        format!(
            "{} of severity high: {}. Each must be dealt with and marked resolved.",
            count(open.len(), "open finding"),
            listed(&open)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::reds;
    use super::*;
    use crate::artifact::{Finding, Severity};

    fn check(verdict: Verdict, severity: Severity, resolved: bool) -> Vec<String> {
        let finding = Finding { severity, file: Some("x".to_owned()), line: Some(1), text: "bad".to_owned(), resolved };
        let review = Review { verdict, findings: vec![finding], ..Review::default() };
        let report = CheckReport { passed: true, ..CheckReport::default() };
        let checks = review_checks(&ReviewFacts { review: &review, check_report: Some(&report) });
        reds(&checks).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn verdict_and_high_findings_decide() {
        assert!(check(Verdict::Approve, Severity::Medium, false).is_empty());
        assert!(check(Verdict::Approve, Severity::High, true).is_empty());
        assert_eq!(check(Verdict::Approve, Severity::High, false), ["no_high_findings"]);
        assert_eq!(check(Verdict::RequestChanges, Severity::Low, false), ["verdict_approves"]);
    }
}
