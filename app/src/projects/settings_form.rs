//! A project's settings as a form holds them, and back.

use std::collections::BTreeMap;

use crate::model::{
    Bring, BringMode, Budget, GatePolicies, GatePolicy, Land, Money, Project, ProjectEdit, Stage, StageName,
};

/// The stages whose gates have a policy.
pub(super) const GATES: [Stage; 4] = [Stage::Plan, Stage::Build, Stage::Review, Stage::Ship];
const GATE_FIELDS: [&str; 4] = ["gate_plan", "gate_build", "gate_review", "gate_ship"];

/// Every field of the form with its value: a ticked box holds `on`, an unticked one nothing.
pub(super) fn fields(project: &Project) -> Vec<(&'static str, String)> {
    let ticked = |on: bool| if on { "on".to_owned() } else { String::new() };
    let number = |limit: Option<i64>| limit.map(|limit| limit.to_string()).unwrap_or_default();
    let budget = &project.budget;
    let mut fields = vec![
        ("version", project.version.to_string()),
        ("name", project.name.clone()),
        ("trusted", ticked(project.trusted)),
        ("base_branch", project.base_branch.clone()),
        ("setup_command", project.setup_command.clone().unwrap_or_default()),
        ("check_command", project.check_command.clone().unwrap_or_default()),
        ("network", ticked(project.network)),
        ("copied", brought(project, BringMode::Copy)),
        ("shared", brought(project, BringMode::Share)),
        ("land", project.land.as_str().to_owned()),
        ("push_remote", project.push_remote.clone().unwrap_or_default()),
        ("wip", project.wip.to_string()),
        ("cost_usd", budget.cost_usd.map(|cost| cost.to_string()).unwrap_or_default()),
        ("tokens", number(budget.tokens)),
        ("minutes", budget.wall_seconds.map(minutes).unwrap_or_default()),
    ];
    for (field, stage) in GATE_FIELDS.into_iter().zip(GATES) {
        fields.push((field, project.gate_policy.at(stage).as_str().to_owned()));
    }
    fields
}

/// The value of one field.
pub(super) fn value(project: &Project, name: &str) -> String {
    fields(project).into_iter().find(|(field, _)| *field == name).map(|(_, value)| value).unwrap_or_default()
}

/// The field that holds the policy of a stage's gate.
pub(super) fn gate_field(stage: Stage) -> &'static str {
    GATE_FIELDS[GATES.iter().position(|gate| *gate == stage).unwrap_or_default()]
}

/// One path a line.
fn brought(project: &Project, mode: BringMode) -> String {
    let paths: Vec<&str> =
        project.bring.iter().filter(|bring| bring.mode == mode).map(|bring| bring.path.as_str()).collect();
    paths.join("\n")
}

/// Whole minutes as such, others to the second: `90` seconds are `1.5`.
fn minutes(seconds: i64) -> String {
    if seconds % 60 == 0 { (seconds / 60).to_string() } else { format!("{}", seconds as f64 / 60.0) }
}

/// What the form says, made against the version it holds. What the form has no field for stays as it is in
/// `project`. Refuses in words for the person.
pub(super) fn edit(project: &Project, field: impl Fn(&str) -> String) -> Result<ProjectEdit, String> {
    let name = field("name").trim().to_owned();
    if name.is_empty() {
        return Err("The name is empty. Give the project one.".to_owned());
    }
    let base_branch = field("base_branch").trim().to_owned();
    if base_branch.is_empty() {
        return Err("The base branch is empty. Say which branch cards land on.".to_owned());
    }
    let wip = field("wip").trim().parse();
    let wip = wip.map_err(|_| "Agents at once must be a whole number, such as 4.".to_owned())?;
    let bring = [("copied", BringMode::Copy), ("shared", BringMode::Share)].map(|(name, mode)| {
        let lines = field(name);
        let paths = lines.lines().map(|path| path.trim().trim_end_matches('/')).filter(|path| !path.is_empty());
        paths.map(|path| Bring { path: path.to_owned(), mode }).collect::<Vec<_>>()
    });
    let policy = |stage| GatePolicy::parse(&field(gate_field(stage))).unwrap_or(GatePolicy::Manual);
    Ok(ProjectEdit {
        name: Some(name),
        trusted: Some(!field("trusted").is_empty()),
        base_branch: Some(base_branch),
        setup_command: Some(field("setup_command").trim().to_owned()),
        check_command: Some(field("check_command").trim().to_owned()),
        gate_policy: Some(policies(policy)),
        land: Land::parse(&field("land")),
        wip: Some(wip),
        engines: None,
        budget: Some(budget(&project.budget, &field)?),
        bring: Some(bring.concat()),
        network: Some(!field("network").is_empty()),
        push_remote: Some(field("push_remote").trim().to_owned()),
        version: field("version").parse().ok(),
    })
}

/// One word where all gates have the same policy.
fn policies(policy: impl Fn(Stage) -> GatePolicy) -> GatePolicies {
    let first = policy(GATES[0]);
    match GATES.iter().all(|stage| policy(*stage) == first) {
        true => GatePolicies::All(first),
        false => GatePolicies::PerStage(
            GATES.iter().map(|stage| (StageName(*stage), policy(*stage))).collect::<BTreeMap<_, _>>(),
        ),
    }
}

fn budget(old: &Budget, field: &impl Fn(&str) -> String) -> Result<Budget, String> {
    let cost = match field("cost_usd").trim().trim_start_matches('$') {
        "" => None,
        text => Some(
            text.parse::<Money>()
                .map_err(|_| "The money for a card must be dollars, such as 2.50; empty is no limit.".to_owned())?,
        ),
    };
    let tokens = match field("tokens").trim() {
        "" => None,
        text => Some(
            text.parse().map_err(|_| "The tokens for a card must be a whole number; empty is no limit.".to_owned())?,
        ),
    };
    let seconds = match field("minutes").trim() {
        "" => None,
        text => {
            let minutes: f64 = text
                .parse()
                .map_err(|_| "The minutes must be a number, such as 30; empty is the usual limit.".to_owned())?;
            Some((minutes * 60.0).round() as i64)
        }
    };
    Ok(Budget { cost_usd: cost, tokens, wall_seconds: seconds, ..old.clone() })
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::HashMap;

    use super::*;

    pub(in crate::projects) fn project() -> Project {
        serde_json::from_value(serde_json::json!({
            "id": "01936a00-0000-7000-8000-000000000001", "name": "harbour", "path": "/srv/harbour", "trusted": true,
            "base_branch": "main", "setup_command": "npm ci", "check_command": "npm test", "land": "branch", "wip": 3,
            "gate_policy": { "plan": "auto_when_green" }, "engines": {}, "network": true, "push_remote": "origin",
            "budget": { "cost_usd": "2.5", "turns": 9, "wall_seconds": 90 }, "version": 7,
            "bring": [{ "path": ".env", "mode": "copy" }, { "path": "node_modules", "mode": "share" }],
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        }))
        .unwrap()
    }

    fn edited(changes: &[(&'static str, &str)]) -> Result<ProjectEdit, String> {
        let mut held: HashMap<&str, String> = fields(&project()).into_iter().collect();
        held.extend(changes.iter().map(|(name, value)| (*name, (*value).to_owned())));
        edit(&project(), |name| held.get(name).cloned().unwrap_or_default())
    }

    #[test]
    fn what_the_form_shows_is_what_it_saves() {
        let project = project();
        let edit = edited(&[]).unwrap();
        assert_eq!(edit.version, Some(7));
        assert_eq!(edit.name.as_deref(), Some("harbour"));
        assert_eq!((edit.trusted, edit.network, edit.wip), (Some(true), Some(true), Some(3)));
        assert_eq!(edit.bring, Some(project.bring.clone()));
        assert_eq!(edit.budget, Some(project.budget.clone()), "turns have no field, and stay");
        assert_eq!(edit.land, Some(Land::Branch));
        assert_eq!(edit.push_remote.as_deref(), Some("origin"));
        let policy = edit.gate_policy.unwrap();
        for stage in GATES {
            assert_eq!(policy.at(stage), project.gate_policy.at(stage), "{stage:?}");
        }
    }

    #[test]
    fn emptied_fields_clear_and_unticked_boxes_are_no() {
        let edit =
            edited(&[("check_command", " "), ("trusted", ""), ("cost_usd", ""), ("minutes", ""), ("copied", "\n")]);
        let edit = edit.unwrap();
        assert_eq!((edit.check_command.as_deref(), edit.trusted), (Some(""), Some(false)));
        assert_eq!(edit.budget, Some(Budget { turns: Some(9), ..Budget::default() }));
        assert_eq!(edit.bring.map(|bring| bring.len()), Some(1));
    }

    #[test]
    fn gates_that_agree_are_one_word() {
        let auto = GATE_FIELDS.map(|field| (field, "auto_when_green"));
        assert_eq!(edited(&auto).unwrap().gate_policy, Some(GatePolicies::All(GatePolicy::AutoWhenGreen)));
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        for (name, value) in [
            ("name", " "),
            ("base_branch", ""),
            ("wip", "many"),
            ("cost_usd", "much"),
            ("tokens", "1.5"),
            ("minutes", "x"),
        ] {
            let refusal = edited(&[(name, value)]).unwrap_err();
            assert!(refusal.ends_with('.'), "{refusal}");
        }
        assert_eq!(edited(&[("minutes", "2")]).unwrap().budget.unwrap().wall_seconds, Some(120));
        assert_eq!(edited(&[("cost_usd", "$3.20")]).unwrap().budget.unwrap().cost_usd, "3.20".parse().ok());
    }
}
