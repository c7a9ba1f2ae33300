//! Plan's gate: the plan names real files, says how each step is verified, is not empty, and every playbook
//! block applies.

use std::collections::BTreeSet;

use slipway_app::model::{Check, EngineName};

use super::{count, green, listed, red};
use crate::artifact::{BlockPlan, Change, Plan};

pub struct PlanFacts<'a> {
    pub plan: &'a Plan,
    /// Whether a path exists in the repository, as the planner saw it.
    pub exists: &'a dyn Fn(&str) -> bool,
    /// What the dry run of the card's blocks said, whatever the engine.
    pub dry_run: &'a [BlockPlan],
    /// The engine that builds: the playbook can't without a block.
    pub engine: EngineName,
}

pub fn plan_checks(facts: &PlanFacts<'_>) -> Vec<Check> {
    vec![not_empty(facts), files_exist(facts), steps_verified(facts), blocks_apply(facts)]
}

fn not_empty(facts: &PlanFacts<'_>) -> Check {
    const NAME: &str = "plan_not_empty";
    let steps = facts.plan.steps.len();
    if steps > 0 {
        return green(NAME, format!("The plan has {}.", count(steps, "step")));
    }
    red(NAME, "The plan has no step, so nothing could be built. Say in the card what is to be done and plan again.")
}

fn files_exist(facts: &PlanFacts<'_>) -> Check {
    const NAME: &str = "files_exist";
    let files = &facts.plan.files;
    let mut made = BTreeSet::new();
    for file in files {
        match &file.change {
            Change::Create => made.insert(file.path.as_str()),
            Change::Move { to } => made.insert(to.as_str()),
            _ => false,
        };
    }
    let mut wrong = Vec::new();
    for file in files {
        let (path, exists) = (file.path.as_str(), (facts.exists)(&file.path));
        if leaves(path) || matches!(&file.change, Change::Move { to } if leaves(to)) {
            wrong.push(format!("`{path}` is not a path inside the repository"));
        } else if file.change == Change::Create && exists {
            wrong.push(format!("`{path}` is to be created but exists already"));
        } else if file.change != Change::Create && !exists && !made.contains(path) {
            wrong.push(format!("`{path}` does not exist"));
        }
    }
    if wrong.is_empty() {
        return green(
            NAME,
            match files.len() {
                0 => "The plan names no file.".to_owned(),
                1 => "The one file that the plan names exists or is created by it.".to_owned(),
                n => format!("All {n} files that the plan names exist or are created by it."),
            },
        );
    }
    red(NAME, format!("{}. Correct the card or the plan so that it names files as they are.", listed(&wrong)))
}

fn leaves(path: &str) -> bool {
    path.is_empty() || path.starts_with('/') || path.split('/').any(|part| part == "..")
}

fn steps_verified(facts: &PlanFacts<'_>) -> Check {
    const NAME: &str = "steps_verified";
    let steps = &facts.plan.steps;
    let silent: Vec<usize> =
        (1..).zip(steps).filter(|(_, step)| step.verify.trim().is_empty()).map(|(number, _)| number).collect();
    if silent.is_empty() {
        return green(
            NAME,
            match steps.len() {
                1 => "The one step says how it is verified.".to_owned(),
                n => format!("Each of {n} steps says how it is verified."),
            },
        );
    }
    red(NAME, format!("Step {} does not say how it is verified. Send back and ask for it.", listed(&silent)))
}

fn blocks_apply(facts: &PlanFacts<'_>) -> Check {
    const NAME: &str = "blocks_apply";
    let blocks = facts.dry_run;
    if blocks.is_empty() {
        return if facts.engine == EngineName::Playbook {
            red(
                NAME,
                "The card holds no playbook block, and the playbook engine does nothing else. Add one (the plan shows \
                 how) or choose an engine with a model, and plan again.",
            )
        } else {
            green(NAME, "The card holds no playbook block.")
        };
    }
    let failed: Vec<String> = blocks
        .iter()
        .filter(|block| !block.applies)
        .map(|block| format!("`{}`: {}", block.block, block.detail))
        .collect();
    if failed.is_empty() {
        return green(
            NAME,
            match blocks.len() {
                1 => "The one block of the card applies.".to_owned(),
                n => format!("All {n} blocks of the card apply."),
            },
        );
    }
    red(NAME, format!("{}. Correct the card's blocks and plan again.", listed(&failed)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::reds;
    use super::*;
    use crate::artifact::{PlannedFile, Step};

    fn file(path: &str, change: Change) -> PlannedFile {
        PlannedFile { path: path.to_owned(), lines: None, change, why: String::new() }
    }

    fn step(verify: &str) -> Step {
        Step { what: "do".to_owned(), verify: verify.to_owned() }
    }

    fn block(applies: bool) -> BlockPlan {
        BlockPlan { block: "edit a (line 1)".to_owned(), applies, detail: "said".to_owned() }
    }

    fn check(plan: &Plan, dry_run: &[BlockPlan], engine: EngineName) -> Vec<String> {
        let exists = |path: &str| path == "here";
        let checks = plan_checks(&PlanFacts { plan, exists: &exists, dry_run, engine });
        assert_eq!(checks.len(), 4);
        reds(&checks).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_sound_plan_is_green() {
        let files = vec![
            file("here", Change::Edit),
            file("new", Change::Create),
            file("new", Change::Edit),
            file("here", Change::Move { to: "there".to_owned() }),
            file("there", Change::Read),
        ];
        let plan = Plan { files, steps: vec![step("tests")], ..Plan::default() };
        assert!(check(&plan, &[block(true)], EngineName::Playbook).is_empty());
        assert!(check(&plan, &[], EngineName::Anthropic).is_empty());
    }

    #[test]
    fn each_fault_is_red() {
        let sound = Plan { steps: vec![step("tests")], ..Plan::default() };
        let with = |path: &str, change| Plan { files: vec![file(path, change)], ..sound.clone() };
        let blocks = [block(true)];
        assert_eq!(check(&Plan::default(), &blocks, EngineName::Playbook), ["plan_not_empty"]);
        for plan in [
            with("gone", Change::Edit),
            with("here", Change::Create),
            with("../x", Change::Create),
            with("gone", Change::Read),
        ] {
            assert_eq!(check(&plan, &blocks, EngineName::Playbook), ["files_exist"]);
        }
        let silent = Plan { steps: vec![step(" ")], ..Plan::default() };
        assert_eq!(check(&silent, &blocks, EngineName::Playbook), ["steps_verified"]);
        assert_eq!(check(&sound, &[], EngineName::Playbook), ["blocks_apply"]);
        assert_eq!(check(&sound, &[block(true), block(false)], EngineName::Openai), ["blocks_apply"]);
    }
}
