//! Ship's gate: the base has not moved or merges cleanly, the message is well formed and carries our
//! trailers, and the tree is the one that was reviewed.

use slipway_app::model::Check;

use super::{check_command, green, listed, red};
use crate::artifact::{CheckReport, SUBJECT_LIMIT};

pub struct ShipFacts<'a> {
    /// The message of the card's commit, whole, as git holds it.
    pub message: &'a str,
    /// What the commit must end with, in order.
    pub trailers: &'a [(String, String)],
    /// Whether the commit's tree is the reviewed snapshot's.
    pub tree_equals_snapshot: bool,
    pub base: BaseState<'a>,
}

/// Where the base stands since the card's branch left it.
pub enum BaseState<'a> {
    Unchanged,
    /// It has moved, and the merge has no conflict. The merged tree must pass the check command.
    CleanMerge {
        check_report: Option<&'a CheckReport>,
    },
    Conflicts {
        paths: &'a [String],
    },
}

pub fn ship_checks(facts: &ShipFacts<'_>) -> Vec<Check> {
    vec![base(&facts.base), message(facts.message), trailers(facts), tree(facts.tree_equals_snapshot)]
}

fn base(state: &BaseState<'_>) -> Check {
    const NAME: &str = "base_merges";
    match state {
        BaseState::Unchanged => green(NAME, "The base has not moved."),
        BaseState::CleanMerge { check_report } => {
            let check = check_command(NAME, *check_report);
            Check { detail: format!("The base has moved and merges without conflict. {}", check.detail), ..check }
        }
        BaseState::Conflicts { paths } => red(
            NAME,
            format!(
                "The base has moved and conflicts in {}. Send back to Build, which starts from the new base.",
                listed(paths)
            ),
        ),
    }
}

fn message(text: &str) -> Check {
    const NAME: &str = "message_well_formed";
    let mut lines = text.lines();
    let subject = lines.next().unwrap_or_default();
    let length = subject.chars().count();
    let second = lines.next();
    let paragraphs = text.trim_end().split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()).count();
    let wrong = if subject.trim().is_empty() {
        "The subject is empty.".to_owned()
    } else if length > SUBJECT_LIMIT {
        format!("The subject has {length} characters; at most {SUBJECT_LIMIT} are allowed.")
    } else if second.is_some_and(|line| !line.is_empty()) {
        "There is no blank line after the subject.".to_owned()
    } else if paragraphs < 3 {
        "Subject, body and trailers are three paragraphs; one is missing.".to_owned()
    } else {
        return green(NAME, format!("The subject has {length} characters; body and trailers follow."));
    };
    red(NAME, format!("{wrong} Send back and ask for another message."))
}

fn trailers(facts: &ShipFacts<'_>) -> Check {
    const NAME: &str = "trailers_present";
    let wanted: Vec<String> = facts.trailers.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    let last = facts.message.trim_end().rsplit("\n\n").next().unwrap_or_default();
    if last.lines().eq(wanted.iter().map(String::as_str)) {
        return green(NAME, "The message ends with the card's and the agent's trailers.");
    }
    red(
        NAME,
        format!("The message must end with {} and nothing else in that paragraph. Run Ship again.", listed(&wanted)),
    )
}

fn tree(equals: bool) -> Check {
    const NAME: &str = "tree_is_reviewed";
    if equals {
        return green(NAME, "The commit holds exactly the reviewed snapshot.");
    }
    red(NAME, "The commit's tree is not the reviewed snapshot. Send back to Review.")
}

#[cfg(test)]
mod tests {
    use super::super::tests::reds;
    use super::*;

    fn check(message: &str, same: bool, base: BaseState<'_>) -> Vec<String> {
        let trailers = [("Slipway-Card".to_owned(), "1".to_owned()), ("Slipway-Agent".to_owned(), "2".to_owned())];
        let checks = ship_checks(&ShipFacts { message, trailers: &trailers, tree_equals_snapshot: same, base });
        assert_eq!(checks.len(), 4);
        reds(&checks).into_iter().map(str::to_owned).collect()
    }

    const GOOD: &str = "Do it\n\nBecause.\n\nSlipway-Card: 1\nSlipway-Agent: 2\n";

    #[test]
    fn each_fault_is_red() {
        assert!(check(GOOD, true, BaseState::Unchanged).is_empty());
        assert_eq!(check(GOOD, false, BaseState::Unchanged), ["tree_is_reviewed"]);
        assert_eq!(check(GOOD, true, BaseState::Conflicts { paths: &["x".to_owned()] }), ["base_merges"]);
        assert_eq!(check(&GOOD.replace("Do it", &"x".repeat(73)), true, BaseState::Unchanged), ["message_well_formed"]);
        assert_eq!(
            check(&GOOD.replace("\n\nBecause", "\nBecause"), true, BaseState::Unchanged),
            ["message_well_formed"]
        );
        assert_eq!(check(&GOOD.replace("Because.\n\n", ""), true, BaseState::Unchanged), ["message_well_formed"]);
        assert_eq!(check(&GOOD.replace("Agent: 2", "Agent: 3"), true, BaseState::Unchanged), ["trailers_present"]);
        assert_eq!(check("", true, BaseState::Unchanged), ["message_well_formed", "trailers_present"]);
    }

    #[test]
    fn a_moved_base_is_checked_again() {
        let report = |passed| CheckReport { command: Some("test".to_owned()), passed, ..CheckReport::default() };
        assert!(check(GOOD, true, BaseState::CleanMerge { check_report: Some(&report(true)) }).is_empty());
        assert_eq!(check(GOOD, true, BaseState::CleanMerge { check_report: Some(&report(false)) }), ["base_merges"]);
        assert_eq!(check(GOOD, true, BaseState::CleanMerge { check_report: None }), ["base_merges"]);
    }
}
