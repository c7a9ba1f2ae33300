//! The reviewer: reads the diff against the plan and lists what a careful reader would stop at.

use std::{collections::BTreeSet, path::Path};

use cap_std::{ambient_authority, fs::Dir};
use globset::GlobBuilder;
use serde_json::json;

use super::{blocking, effect::count, paths::RepoPath, search::looks_like_test};
use crate::{
    artifact::{
        Finding, Plan, Review, Severity, Step, StepCoverage, Verdict,
        diff::{self, FilePatch},
        markdown::code_spans,
    },
    engine::{Context, EngineError, EngineEvent, Job, Reporter},
    gate::checks::scan,
};

/// Bytes from which on a file that a change adds or grows is worth a question.
const LARGE_FILE: u64 = 1024 * 1024;
/// Findings of one kind and one file before the rest is summed up: the point is made.
const PER_FILE: usize = 5;
/// What people put into code while they work and mean to take out again.
const DEBUG: &[&str] = &[
    "dbg!(",
    "console.log(",
    "debugger;",
    "binding.pry",
    "import pdb",
    "breakpoint()",
    "var_dump(",
    "fmt.Println(\"DEBUG",
];
/// What people leave for later.
const LATER: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];

pub async fn run(job: Job, reporter: Reporter) -> Result<Review, EngineError> {
    let progress = async |percent, step, doing: &str| {
        reporter.report(EngineEvent::Progress { percent, step, steps: 2, doing: doing.to_owned() }).await;
    };
    progress(10, 1, "Reading the diff against the plan").await;
    let Some(text) = job.context.diff.clone() else {
        return Err(EngineError::Refused("There is no diff to review. Build the card first.".to_owned()));
    };
    let input = json!({ "bytes": text.len(), "planned": job.context.plan.is_some() });
    reporter.report(EngineEvent::ToolCall { tool: "read_diff".to_owned(), input }).await;
    let (context, workspace) = (job.context.clone(), job.workspace.clone());
    let review = blocking("reading the diff", move || Ok(review(&context, &text, &workspace))).await?;
    let output = format!("{}; {}", count(review.findings.len(), "finding"), review.verdict.label());
    reporter.report(EngineEvent::ToolResult { tool: "read_diff".to_owned(), ok: true, output }).await;
    progress(100, 2, "The review is written").await;
    Ok(review)
}

fn review(context: &Context, text: &str, workspace: &Path) -> Review {
    let mut findings = Vec::new();
    let patches = diff::parse(text).unwrap_or_else(|error| {
        findings.push(finding(Severity::High, None, None, format!("The diff can't be read: {error}.")));
        Vec::new()
    });
    if patches.is_empty() && findings.is_empty() {
        findings.push(finding(Severity::High, None, None, "The diff is empty: nothing was built."));
    }
    check_report(context, &mut findings);
    if let Some(plan) = &context.plan {
        against_plan(plan, &patches, &mut findings);
    }
    added_lines(&patches, &mut findings);
    whole_files(&patches, workspace, &mut findings);
    let coverage = context.plan.as_ref().map(|plan| coverage(plan, &patches)).unwrap_or_default();
    let missing = coverage.iter().filter(|step| !step.covered).count();
    let high = findings.iter().filter(|finding| finding.severity == Severity::High).count();
    let verdict = if high == 0 && missing == 0 { Verdict::Approve } else { Verdict::RequestChanges };
    findings.sort_by(|a, b| (a.severity, &a.file, a.line).cmp(&(b.severity, &b.file, b.line)));
    let summary = summary(&patches, &findings, coverage.len(), missing, high);
    Review { verdict, findings, coverage, summary }
}

fn finding(severity: Severity, file: Option<&str>, line: Option<u32>, text: impl Into<String>) -> Finding {
    Finding { severity, file: file.map(str::to_owned), line, text: text.into(), resolved: false }
}

fn summary(patches: &[FilePatch], findings: &[Finding], steps: usize, missing: usize, high: usize) -> String {
    let (added, removed) = patches.iter().fold((0, 0), |(a, r), patch| (a + patch.additions(), r + patch.deletions()));
    let coverage = match (steps, missing) {
        (0, _) => "There is no plan to compare with.".to_owned(),
        (_, 0) => format!(
            "It covers {} of the plan.",
            if steps == 1 { "the one step".to_owned() } else { format!("all {steps} steps") }
        ),
        _ => format!("Of {} of the plan it leaves out {missing}.", count(steps, "step")),
    };
    format!(
        "The diff changes {} (+{added} -{removed}). {coverage} {}, {high} of them high. This engine checks rules, not \
         meaning: whether the change is what was wanted is for a person to say.",
        count(patches.len(), "file"),
        count(findings.len(), "finding"),
    )
}

fn check_report(context: &Context, findings: &mut Vec<Finding>) {
    match &context.check_report {
        Some(report) if !report.passed && report.command.is_some() => {
            let command = report.command.as_deref().unwrap_or_default();
            findings.push(finding(
                Severity::High,
                None,
                None,
                format!("The check command `{command}` did not pass: {}.", report.ended),
            ));
        }
        Some(_) => {}
        None => findings.push(finding(Severity::Note, None, None, "The checks were not run again for this review.")),
    }
}

fn against_plan(plan: &Plan, patches: &[FilePatch], findings: &mut Vec<Finding>) {
    let planned: BTreeSet<&str> = plan.changed_paths().collect();
    let touched: BTreeSet<&str> = patches.iter().flat_map(FilePatch::paths).collect();
    for path in planned.difference(&touched) {
        findings.push(finding(Severity::Medium, Some(path), None, "The plan changes this file, the diff does not."));
    }
    // A plan with a command can't name what the command changes.
    let by_command = plan.blocks.iter().any(|block| block.block.starts_with("sh "));
    let severity = if by_command { Severity::Note } else { Severity::Low };
    for path in touched.difference(&planned) {
        findings.push(finding(severity, Some(path), None, "The diff changes this file, the plan does not name it."));
    }
}

fn added_lines(patches: &[FilePatch], findings: &mut Vec<Finding>) {
    for place in scan::conflict_markers(patches) {
        findings.push(finding(Severity::High, Some(&place.path), Some(place.line), "A conflict marker was left here."));
    }
    for place in scan::secrets(patches) {
        let text = format!("This line looks like {}. Take it out, and revoke it if it is real.", place.what);
        findings.push(finding(Severity::High, Some(&place.path), Some(place.line), text));
    }
    for patch in patches {
        let mut left = 0;
        for (line, text) in patch.added() {
            let Some((severity, text)) = left_over(text, patch.path()) else { continue };
            left += 1;
            if left <= PER_FILE {
                findings.push(finding(severity, Some(patch.path()), Some(line), text));
            }
        }
        if left > PER_FILE {
            let text = format!("{} more lines like the ones above were left here.", left - PER_FILE);
            findings.push(finding(Severity::Low, Some(patch.path()), None, text));
        }
    }
}

/// Debugging aids in sources, and notes for later anywhere but in prose.
fn left_over(line: &str, path: &str) -> Option<(Severity, String)> {
    let is_prose = [".md", ".txt", ".rst", ".adoc"].iter().any(|extension| path.ends_with(extension));
    if is_prose {
        return None;
    }
    if let Some(debug) = DEBUG.iter().find(|mark| line.contains(**mark)) {
        return Some((Severity::Medium, format!("`{debug}` looks like a debugging aid that was left in.")));
    }
    let mark = LATER
        .iter()
        .find(|mark| line.split(|next: char| !next.is_alphanumeric() && next != '_').any(|word| word == **mark))?;
    Some((Severity::Low, format!("A {mark} is added: either do it now or make it a card.")))
}

fn whole_files(patches: &[FilePatch], workspace: &Path, findings: &mut Vec<Finding>) {
    // The checkout may be gone from under a cancelled review; sizes are then not known, and nobody reads on.
    let dir = Dir::open_ambient_dir(workspace, ambient_authority()).ok();
    let size = |path: &str| {
        let path = RepoPath::parse(path).ok()?;
        dir.as_ref()?.symlink_metadata(&path).ok().map(|metadata| metadata.len())
    };
    for patch in patches {
        if patch.new_path.is_none() && looks_like_test(patch.path()) {
            findings.push(finding(
                Severity::Medium,
                Some(patch.path()),
                None,
                "A test is deleted: what it covered is covered no more.",
            ));
        }
        if let Some(bytes) = patch.new_path.as_deref().and_then(size).filter(|bytes| *bytes > LARGE_FILE) {
            let text = format!("The file has {bytes} bytes; a file of that size stays in the history for good.");
            findings.push(finding(Severity::Medium, Some(patch.path()), None, text));
        }
        if patch.binary {
            findings.push(finding(
                Severity::Note,
                Some(patch.path()),
                None,
                "A binary file: nothing of it can be reviewed here.",
            ));
        }
    }
}

fn coverage(plan: &Plan, patches: &[FilePatch]) -> Vec<StepCoverage> {
    let touched: BTreeSet<&str> = patches.iter().flat_map(FilePatch::paths).collect();
    let planned: BTreeSet<&str> = plan.changed_paths().collect();
    (1..)
        .zip(&plan.steps)
        .map(|(step, text)| {
            let (covered, note) = covers(text, &planned, &touched);
            StepCoverage { step, covered, note }
        })
        .collect()
}

/// A step is covered when every planned file that it names is in the diff, and every glob that it names
/// matches one there. A step that names neither is covered by any change: only its own check can tell.
fn covers(step: &Step, planned: &BTreeSet<&str>, touched: &BTreeSet<&str>) -> (bool, String) {
    let spans = code_spans(&step.what);
    let named: Vec<&str> = spans.iter().map(String::as_str).filter(|span| planned.contains(span)).collect();
    let missing: Vec<&str> = named.iter().copied().filter(|path| !touched.contains(path)).collect();
    if let Some(first) = missing.first() {
        let more = if missing.len() > 1 { format!(" and {} more", missing.len() - 1) } else { String::new() };
        return (false, format!("the diff does not touch `{first}`{more}"));
    }
    let mut globs = spans.iter().filter(|span| is_glob(span));
    let unmatched = globs.find(|glob| {
        let matcher = GlobBuilder::new(glob).literal_separator(true).build().map(|glob| glob.compile_matcher());
        matcher.is_ok_and(|matcher| !touched.iter().any(|path| matcher.is_match(path)))
    });
    match unmatched {
        Some(glob) => (false, format!("the diff touches nothing that `{glob}` names")),
        None if !named.is_empty() => (
            true,
            format!("in the diff: {}", named.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ")),
        ),
        None if touched.is_empty() => (false, "the diff is empty".to_owned()),
        None => (true, "names no file of its own; its check decides".to_owned()),
    }
}

/// Whether a code span reads like a glob; `*pointer` does not.
fn is_glob(span: &str) -> bool {
    span.contains('*')
        && !span.contains(' ')
        && (span.contains('/') || span.starts_with("*."))
        && !span.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::{Change, CheckReport, PlannedFile};

    fn check(plan: Option<Plan>, report: Option<CheckReport>, diff: &str) -> Review {
        let context = Context { plan, check_report: report, ..Context::default() };
        review(&context, diff, Path::new("/nonexistent"))
    }

    fn passed() -> Option<CheckReport> {
        Some(CheckReport { command: Some("true".to_owned()), passed: true, ..CheckReport::default() })
    }

    fn plan(path: &str) -> Option<Plan> {
        let file = PlannedFile { path: path.to_owned(), lines: None, change: Change::Edit, why: String::new() };
        let step = Step { what: format!("Edit `{path}`"), verify: "tests".to_owned() };
        Some(Plan { files: vec![file], steps: vec![step], ..Plan::default() })
    }

    const DIFF: &str = "diff --git a/src/x.rs b/src/x.rs\n--- a/src/x.rs\n+++ b/src/x.rs\n@@ -1 +1,3 @@\n a\n+b\n+c\n";

    fn said(review: &Review) -> Vec<(Severity, Option<u32>)> {
        review.findings.iter().map(|finding| (finding.severity, finding.line)).collect()
    }

    #[test]
    fn approves_what_does_as_planned() {
        let review = check(plan("src/x.rs"), passed(), DIFF);
        assert_eq!((review.verdict, review.findings.len()), (Verdict::Approve, 0));
        assert_eq!(review.coverage[0].note, "in the diff: `src/x.rs`");
        assert!(review.summary.contains("changes 1 file (+2 -0)"), "{}", review.summary);
    }

    #[test]
    fn asks_for_changes_where_steps_are_left_out() {
        let review = check(plan("src/y.rs"), passed(), DIFF);
        assert_eq!(review.verdict, Verdict::RequestChanges);
        assert_eq!(said(&review), [(Severity::Medium, None), (Severity::Low, None)]);
        assert!(!review.coverage[0].covered);
    }

    #[test]
    fn finds_what_should_not_be_there() {
        let diff = DIFF.replace("+b", "+<<<<<<< HEAD").replace("+c", "+dbg!(x); // TODO");
        let review = check(plan("src/x.rs"), passed(), &diff);
        assert_eq!(said(&review), [(Severity::High, Some(2)), (Severity::Medium, Some(3))]);
        let key = format!("+AKIA{}", "A1".repeat(8));
        let review = check(None, passed(), &DIFF.replace("+b", &key));
        assert!(review.verdict == Verdict::RequestChanges && !review.render().contains(&key[1..]));
    }

    #[test]
    fn red_checks_and_deleted_tests_are_findings() {
        let red =
            CheckReport { command: Some("test".to_owned()), ended: "exit code 1".to_owned(), ..CheckReport::default() };
        let diff = "diff --git a/tests/a.rs b/tests/a.rs\ndeleted file mode 100644\n--- a/tests/a.rs\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n";
        let review = check(None, Some(red), diff);
        assert_eq!(said(&review), [(Severity::High, None), (Severity::Medium, None)]);
        assert_eq!(check(None, passed(), "").verdict, Verdict::RequestChanges);
    }
}
