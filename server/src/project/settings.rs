//! What a person decides about a project, checked before it is kept.

use std::{collections::BTreeMap, path::Path};

use sea_orm::ActiveValue::Set;
use slipway_app::model::{Bring, Budget, EngineName, Money, ProjectSettings, StageName};

use super::{ActiveModel, RegisterError};
use crate::store::to_json;

/// Longest name, in characters: it stands in a header.
const NAME_LIMIT: usize = 100;
/// Agents at once that one project may be set to; more would only fight over the machine.
const WIP_LIMIT: i32 = 64;
/// Longest shell line of a project, in bytes.
const COMMAND_LIMIT: usize = 8 * 1024;
/// Ignored paths that a project may bring into its worktrees.
const BRING_LIMIT: usize = 64;

/// Puts the settings that are named into the row, and leaves the others. A name of blanks names none.
pub(super) fn apply(settings: ProjectSettings, row: &mut ActiveModel) -> Result<(), RegisterError> {
    if let Some(name) = settings.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()) {
        row.name = Set(checked_name(name)?);
    }
    if let Some(branch) = settings.base_branch {
        row.base_branch = Set(branch);
    }
    if let Some(command) = settings.setup_command {
        row.setup_command = Set(checked_command(command)?);
    }
    if let Some(command) = settings.check_command {
        row.check_command = Set(checked_command(command)?);
    }
    if let Some(policy) = settings.gate_policy {
        row.gate_policy = Set(to_json(&policy));
    }
    if let Some(land) = settings.land {
        row.land = Set(land.as_str().to_owned());
    }
    if let Some(wip) = settings.wip {
        row.wip = Set(checked_wip(wip)?);
    }
    if let Some(engines) = settings.engines {
        row.engines = Set(to_json(&checked_engines(engines)?));
    }
    if let Some(budget) = settings.budget {
        row.budget = Set(to_json(&checked_budget(budget)?));
    }
    if let Some(bring) = settings.bring {
        row.bring = Set(to_json(&checked_bring(bring)?));
    }
    if let Some(network) = settings.network {
        row.network = Set(network);
    }
    if let Some(remote) = settings.push_remote {
        row.push_remote = Set(Some(remote.trim().to_owned()).filter(|remote| !remote.is_empty()));
    }
    Ok(())
}

fn checked_name(name: String) -> Result<String, RegisterError> {
    let length = name.chars().count();
    if length > NAME_LIMIT {
        return Err(RegisterError::Invalid(format!("The name has {length} characters; {NAME_LIMIT} fit.")));
    }
    if name.chars().any(char::is_control) {
        return Err(RegisterError::Invalid("The name holds a control character or line break.".to_owned()));
    }
    Ok(name)
}

/// A limit of nothing would stop every agent before its first step.
fn checked_budget(budget: Budget) -> Result<Budget, RegisterError> {
    let counts = [
        ("tokens", budget.tokens),
        ("turns", budget.turns),
        ("tool_calls", budget.tool_calls),
        ("wall_seconds", budget.wall_seconds),
    ];
    match counts.into_iter().find(|(_, limit)| limit.is_some_and(|limit| limit < 1)) {
        Some((name, _)) => {
            Err(RegisterError::Invalid(format!("`budget.{name}` must be at least 1; leave it out for no limit.")))
        }
        None if budget.cost_usd.is_some_and(|cost| cost <= Money::ZERO) => Err(RegisterError::Invalid(
            "`budget.cost_usd` must be more than nothing; leave it out for no limit.".to_owned(),
        )),
        None => Ok(budget),
    }
}

fn checked_command(line: String) -> Result<Option<String>, RegisterError> {
    if line.len() > COMMAND_LIMIT {
        return Err(RegisterError::Invalid(format!(
            "The command has {} bytes; {COMMAND_LIMIT} fit. Put it into a script in the repository.",
            line.len()
        )));
    }
    if line.contains('\0') {
        return Err(RegisterError::Invalid("The command holds a NUL character.".to_owned()));
    }
    Ok(Some(line).filter(|line| !line.trim().is_empty()))
}

fn checked_wip(wip: i32) -> Result<i32, RegisterError> {
    if (1..=WIP_LIMIT).contains(&wip) {
        Ok(wip)
    } else {
        Err(RegisterError::Invalid(format!("`wip` is {wip}; it takes 1 to {WIP_LIMIT} agents at once.")))
    }
}

fn checked_engines(engines: BTreeMap<StageName, EngineName>) -> Result<BTreeMap<StageName, EngineName>, RegisterError> {
    match engines.values().find(|engine| **engine != EngineName::Playbook) {
        Some(engine) => Err(RegisterError::EngineUnavailable(*engine)),
        None => Ok(engines),
    }
}

fn checked_bring(bring: Vec<Bring>) -> Result<Vec<Bring>, RegisterError> {
    if bring.len() > BRING_LIMIT {
        return Err(RegisterError::Invalid(format!("`bring` names {} paths; {BRING_LIMIT} fit.", bring.len())));
    }
    for Bring { path, .. } in &bring {
        let relative = Path::new(path);
        let plain = relative.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if path.is_empty() || !plain || path.split('/').any(|part| part == ".git") {
            return Err(RegisterError::Invalid(format!(
                "`bring` takes paths inside the repository, relative to its root; {path:?} is not one."
            )));
        }
    }
    Ok(bring)
}

#[cfg(test)]
mod tests {
    use slipway_app::model::BringMode;

    use super::*;

    #[test]
    fn brought_paths_stay_inside() {
        let check = |path: &str| checked_bring(vec![Bring { path: path.to_owned(), mode: BringMode::Copy }]).is_ok();
        for path in [".env", "node_modules", "a/b c/d"] {
            assert!(check(path), "{path}");
        }
        for path in ["", "/etc", "../x", "a/../../b", ".git", "sub/.git/config", "./x"] {
            assert!(!check(path), "{path}");
        }
    }

    #[test]
    fn an_empty_command_is_none() {
        assert_eq!(checked_command("  ".to_owned()).unwrap(), None);
        assert_eq!(checked_command("make".to_owned()).unwrap().as_deref(), Some("make"));
        assert!(checked_command("x".repeat(COMMAND_LIMIT + 1)).is_err());
    }

    #[test]
    fn a_limit_of_nothing_is_refused() {
        let check = |budget: Budget| checked_budget(budget).is_ok();
        assert!(check(Budget::default()));
        assert!(check(Budget { wall_seconds: Some(1), ..Budget::default() }));
        assert!(!check(Budget { wall_seconds: Some(0), ..Budget::default() }));
        assert!(!check(Budget { cost_usd: Some(Money::ZERO), ..Budget::default() }));
    }

    #[test]
    fn what_is_not_named_stays() {
        let mut row = ActiveModel::default();
        let named = ProjectSettings { name: Some("  Harbour ".to_owned()), ..ProjectSettings::default() };
        apply(named, &mut row).unwrap();
        assert_eq!(row.name, Set("Harbour".to_owned()));
        assert!(row.wip.is_not_set() && row.check_command.is_not_set());
        apply(ProjectSettings { name: Some(" ".to_owned()), ..ProjectSettings::default() }, &mut row).unwrap();
        assert_eq!(row.name, Set("Harbour".to_owned()));
        let long = ProjectSettings { name: Some("x".repeat(NAME_LIMIT + 1)), ..ProjectSettings::default() };
        assert!(apply(long, &mut row).is_err());
    }
}
