//! The stages a card passes through, in order.

use serde::{Deserialize, Serialize};

use super::agent::Role;

/// Where a card stands. `Backlog` is the tray beside the four columns: a card there has no agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Backlog,
    Plan,
    Build,
    Review,
    Ship,
}

impl Stage {
    pub const ALL: [Stage; 5] = [Stage::Backlog, Stage::Plan, Stage::Build, Stage::Review, Stage::Ship];

    /// The stage after this one; `None` after Ship, which ends in a landing and not in a stage.
    pub fn next(self) -> Option<Stage> {
        match self {
            Stage::Backlog => Some(Stage::Plan),
            Stage::Plan => Some(Stage::Build),
            Stage::Build => Some(Stage::Review),
            Stage::Review => Some(Stage::Ship),
            Stage::Ship => None,
        }
    }

    /// The single purpose of the agent that entering this stage spawns.
    pub fn role(self) -> Option<Role> {
        match self {
            Stage::Backlog => None,
            Stage::Plan => Some(Role::Planner),
            Stage::Build => Some(Role::Builder),
            Stage::Review => Some(Role::Reviewer),
            Stage::Ship => Some(Role::Shipper),
        }
    }

    /// Where a send-back from this stage's gate goes when nobody says otherwise.
    pub fn send_back_target(self) -> Option<Stage> {
        match self {
            Stage::Backlog => None,
            Stage::Plan => Some(Stage::Plan),
            Stage::Build | Stage::Review => Some(Stage::Build),
            Stage::Ship => Some(Stage::Review),
        }
    }

    /// As written in the database, in JSON and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Backlog => "backlog",
            Stage::Plan => "plan",
            Stage::Build => "build",
            Stage::Review => "review",
            Stage::Ship => "ship",
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Stage::Backlog => "Backlog",
            Stage::Plan => "Plan",
            Stage::Build => "Build",
            Stage::Review => "Review",
            Stage::Ship => "Ship",
        }
    }

    pub fn parse(text: &str) -> Option<Stage> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_ordered_and_named() {
        let mut stage = Stage::Backlog;
        let mut walked = vec![stage];
        while let Some(next) = stage.next() {
            assert!(next > stage);
            stage = next;
            walked.push(stage);
        }
        assert_eq!(walked, Stage::ALL);
        for stage in Stage::ALL {
            assert_eq!(Stage::parse(stage.as_str()), Some(stage));
            assert_eq!(serde_json::to_value(stage).unwrap(), stage.as_str());
            assert!(stage.send_back_target().is_none_or(|target| target <= stage));
        }
    }
}
