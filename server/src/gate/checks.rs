//! The automatic checks of each stage's gate: pure functions from facts to [`Check`]s, free of tokens and the
//! same for every engine. Names are stable; details say what was seen and, when red, what turns it green.

mod build;
mod plan;
mod review;
pub mod scan;
mod ship;

use slipway_app::model::Check;

pub use build::{BuildFacts, build_checks};
pub use plan::{PlanFacts, plan_checks};
pub use review::{ReviewFacts, review_checks};
pub use ship::{BaseState, ShipFacts, ship_checks};

/// Things that a detail lists before it says how many more there are.
const LISTED: usize = 8;

fn green(name: &str, detail: impl Into<String>) -> Check {
    Check { name: name.to_owned(), passed: true, detail: detail.into() }
}

fn red(name: &str, detail: impl Into<String>) -> Check {
    Check { name: name.to_owned(), passed: false, detail: detail.into() }
}

/// "a, b and 3 more".
fn listed<T: std::fmt::Display>(items: &[T]) -> String {
    let mut text = items.iter().take(LISTED).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if items.len() > LISTED {
        text.push_str(&format!(" and {} more", items.len() - LISTED));
    }
    text
}

fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// Whether the check command passed, for every stage that runs it.
fn check_command(name: &str, report: Option<&crate::artifact::CheckReport>) -> Check {
    match report {
        None => red(name, "There is no check report. Run the stage again."),
        Some(report) => match &report.command {
            None => green(name, "The project sets no check command, so nothing was run."),
            Some(command) if report.passed => green(name, format!("`{command}` passed: {}.", report.ended)),
            Some(command) => red(
                name,
                format!(
                    "`{command}` did not pass: {}. Its output is in the check report; send back with what to fix.",
                    report.ended
                ),
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of the checks that are red.
    pub fn reds(checks: &[Check]) -> Vec<&str> {
        for check in checks {
            assert!(check.name.chars().all(|next| next.is_ascii_lowercase() || next == '_'), "{}", check.name);
            assert!(check.detail.ends_with(['.', '!']), "{}: {}", check.name, check.detail);
        }
        checks.iter().filter(|check| !check.passed).map(|check| check.name.as_str()).collect()
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(listed(&(0..10).collect::<Vec<_>>()), "0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
    }
}
