//! Build's gate: the diff is there, applies, is free of conflict markers and secrets, stays within the plan,
//! and the project's check command passes.

use std::collections::BTreeSet;

use slipway_app::model::Check;

use super::{check_command, count, green, listed, red, scan};
use crate::artifact::{
    BuildNotes, CheckReport, Plan,
    diff::{self, FilePatch},
};

pub struct BuildFacts<'a> {
    /// From base to snapshot, as git writes it.
    pub diff: &'a str,
    /// `None` when the card was built without one.
    pub plan: Option<&'a Plan>,
    pub notes: &'a BuildNotes,
    /// Whether the diff applies to the base; else why not.
    pub applies: Result<(), &'a str>,
    pub check_report: Option<&'a CheckReport>,
}

pub fn build_checks(facts: &BuildFacts<'_>) -> Vec<Check> {
    let read = diff::parse(facts.diff);
    let patches = read.as_deref().unwrap_or_default();
    let applies = match (&read, facts.applies) {
        (Err(error), _) => red("applies_to_base", format!("The diff can't be read: {error}. Build again.")),
        (_, Err(why)) => {
            red("applies_to_base", format!("The diff does not apply to the base: {why}. Build again from it."))
        }
        _ => green("applies_to_base", "The diff applies to the base."),
    };
    vec![
        not_empty(patches),
        applies,
        none_of(
            "no_conflict_markers",
            &scan::conflict_markers(patches),
            "conflict marker",
            "Resolve the conflict there and build again.",
        ),
        none_of(
            "no_secrets",
            &scan::secrets(patches),
            "secret",
            "Take it out and build again; if it is real, revoke it, since it has been on disk.",
        ),
        only_planned(facts, patches),
        check_command("check_command", facts.check_report),
    ]
}

fn not_empty(patches: &[FilePatch]) -> Check {
    const NAME: &str = "diff_not_empty";
    if patches.is_empty() {
        return red(NAME, "Nothing was changed. Say in the card what is to change, and plan or build again.");
    }
    let (added, removed) = patches.iter().fold((0, 0), |(a, r), patch| (a + patch.additions(), r + patch.deletions()));
    let (files, added) = (count(patches.len(), "file"), count(added, "line"));
    green(NAME, format!("{files} changed, {added} added, {removed} removed."))
}

fn none_of(name: &str, places: &[scan::Place], what: &str, remedy: &str) -> Check {
    if places.is_empty() {
        return green(name, format!("No {what} in the added lines."));
    }
    red(name, format!("{} in the added lines: {}. {remedy}", count(places.len(), what), listed(places)))
}

fn only_planned(facts: &BuildFacts<'_>, patches: &[FilePatch]) -> Check {
    const NAME: &str = "only_planned_files";
    let Some(plan) = facts.plan else {
        return green(NAME, "The card was built without a plan, so there is nothing to compare with.");
    };
    let planned: BTreeSet<&str> = plan.changed_paths().collect();
    let named: BTreeSet<&str> = facts.notes.extra_files.iter().map(|extra| extra.path.as_str()).collect();
    let extra: Vec<&str> = patches.iter().flat_map(FilePatch::paths).filter(|path| !planned.contains(path)).collect();
    let unnamed: Vec<&str> = extra.iter().copied().filter(|path| !named.contains(path)).collect();
    let commands = &facts.notes.changed_by_commands;
    if extra.is_empty() {
        green(NAME, "Every changed file is in the plan.")
    } else if unnamed.is_empty() {
        green(NAME, format!("Not in the plan, but named by the builder: {}.", listed(&extra)))
    } else if !commands.is_empty() {
        green(
            NAME,
            format!(
                "Not in the plan, but changed by the card's {}: {}.",
                count(commands.len(), "command"),
                listed(&unnamed)
            ),
        )
    } else {
        red(
            NAME,
            format!(
                "Neither in the plan nor named by the builder: {}. Send back, or plan again with these files.",
                listed(&unnamed)
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::reds;
    use super::*;
    use crate::artifact::{Change, ExtraFile, PlannedFile};

    const DIFF: &str = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n a\n+b\n";

    fn check(diff: &str, planned: &str, notes: &BuildNotes, passed: bool) -> Vec<String> {
        let file = PlannedFile { path: planned.to_owned(), lines: None, change: Change::Edit, why: String::new() };
        let plan = Plan { files: vec![file], ..Plan::default() };
        let report = CheckReport {
            command: Some("true".to_owned()),
            passed,
            ended: "exit code 1".to_owned(),
            ..CheckReport::default()
        };
        let facts = BuildFacts { diff, plan: Some(&plan), notes, applies: Ok(()), check_report: Some(&report) };
        let checks = build_checks(&facts);
        assert_eq!(checks.len(), 6);
        reds(&checks).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn each_fault_is_red() {
        let notes = BuildNotes::default();
        assert!(check(DIFF, "x", &notes, true).is_empty());
        assert_eq!(check("", "x", &notes, true), ["diff_not_empty"]);
        assert_eq!(check("--- a/x\n+++ b/x\n@@ x\n", "x", &notes, true), ["diff_not_empty", "applies_to_base"]);
        assert_eq!(check(&DIFF.replace("+b", "+<<<<<<< HEAD"), "x", &notes, true), ["no_conflict_markers"]);
        assert_eq!(check(&DIFF.replace("+b", &format!("+AKIA{}", "A1".repeat(8))), "x", &notes, true), ["no_secrets"]);
        assert_eq!(check(DIFF, "y", &notes, true), ["only_planned_files"]);
        assert_eq!(check(DIFF, "x", &notes, false), ["check_command"]);
    }

    #[test]
    fn extra_files_may_be_named() {
        let extra = vec![ExtraFile { path: "x".to_owned(), why: "needed".to_owned() }];
        assert!(check(DIFF, "y", &BuildNotes { extra_files: extra, ..BuildNotes::default() }, true).is_empty());
        let commands = vec!["cargo fmt".to_owned()];
        assert!(
            check(DIFF, "y", &BuildNotes { changed_by_commands: commands, ..BuildNotes::default() }, true).is_empty()
        );
    }

    #[test]
    fn no_check_command_passes_and_no_report_does_not() {
        let none = CheckReport::default();
        assert!(check_command("check_command", Some(&none)).passed);
        assert!(!check_command("check_command", None).passed);
    }
}
