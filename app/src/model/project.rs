//! Projects: repositories registered with the board, and their defaults.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    Money, ProjectId, Stage,
    agent::{EngineName, text_enum},
    gate::GatePolicy,
};

/// Agents at work at once in one project unless the project says otherwise: enough to keep two cores busy.
pub const DEFAULT_PROJECT_WIP: i32 = 4;

text_enum! {
    /// How Ship lands a card's commit.
    Land {
        /// Leaves it on the card's branch.
        Branch = "branch",
        /// Fast-forwards the base branch, or makes a clean merge commit.
        Merge = "merge",
    }
}

/// One policy for every gate, or one per stage; stages left out are `manual`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum GatePolicies {
    All(GatePolicy),
    PerStage(BTreeMap<StageName, GatePolicy>),
}

impl Default for GatePolicies {
    fn default() -> Self {
        GatePolicies::All(GatePolicy::Manual)
    }
}

impl GatePolicies {
    pub fn at(&self, stage: Stage) -> GatePolicy {
        match self {
            GatePolicies::All(policy) => *policy,
            GatePolicies::PerStage(policies) => policies.get(&StageName(stage)).copied().unwrap_or(GatePolicy::Manual),
        }
    }
}

/// A stage as the key of a JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StageName(pub Stage);

/// Written out, because the names of an object's members cannot be a reference to another schema.
#[cfg(feature = "ssr")]
impl utoipa::PartialSchema for StageName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .enum_values(Some(Stage::ALL.map(Stage::as_str)))
            .into()
    }
}

#[cfg(feature = "ssr")]
impl utoipa::ToSchema for StageName {}

/// Limits; `null` or left out is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    pub cost_usd: Option<Money>,
    pub tokens: Option<i64>,
    pub turns: Option<i64>,
    pub tool_calls: Option<i64>,
    /// Wall time of one agent, in seconds.
    pub wall_seconds: Option<i64>,
}

/// Brings paths that git ignores into each fresh worktree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BringMode {
    /// The worktree gets its own copy: right for `.env`.
    Copy,
    /// The worktree sees the original, read-only: right for `node_modules`.
    Share,
}

/// A path that git ignores, relative to the repository's root, which fresh worktrees need to run checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Bring {
    pub path: String,
    pub mode: BringMode,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    /// Absolute path of the repository's working directory (or of the bare repository).
    pub path: String,
    /// Nothing runs in a repository that nobody has trusted yet.
    pub trusted: bool,
    pub base_branch: String,
    pub setup_command: Option<String>,
    pub check_command: Option<String>,
    pub gate_policy: GatePolicies,
    pub land: Land,
    /// Agents at work at once in this project.
    pub wip: i32,
    /// Engine per stage; stages left out use `playbook`.
    pub engines: BTreeMap<StageName, EngineName>,
    pub budget: Budget,
    pub bring: Vec<Bring>,
    /// Whether commands may reach the network.
    pub network: bool,
    /// After landing, push the base branch to this remote with the user's own git.
    pub push_remote: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Project {
    pub fn engine_at(&self, stage: Stage) -> EngineName {
        self.engines.get(&StageName(stage)).copied().unwrap_or(EngineName::Playbook)
    }
}

/// Declares what callers send about a project: members of its own, and every setting, all optional. Written
/// out by a macro because serde's `flatten` cannot refuse unknown members.
macro_rules! with_settings {
    ($($(#[$about:meta])* $name:ident { $($(#[$own_about:meta])* $own:ident: $of:ty,)* })*) => { $(
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$own_about])* pub $own: $of,)*
            #[serde(default)]
            pub name: Option<String>,
            #[serde(default)]
            pub base_branch: Option<String>,
            #[serde(default)]
            pub setup_command: Option<String>,
            #[serde(default)]
            pub check_command: Option<String>,
            #[serde(default)]
            pub gate_policy: Option<GatePolicies>,
            #[serde(default)]
            pub land: Option<Land>,
            #[serde(default)]
            pub wip: Option<i32>,
            #[serde(default)]
            pub engines: Option<BTreeMap<StageName, EngineName>>,
            #[serde(default)]
            pub budget: Option<Budget>,
            #[serde(default)]
            pub bring: Option<Vec<Bring>>,
            #[serde(default)]
            pub network: Option<bool>,
            #[serde(default)]
            pub push_remote: Option<String>,
        }

        impl $name {
            /// The settings it names, whatever it is for.
            pub fn settings(self) -> ProjectSettings {
                ProjectSettings {
                    name: self.name,
                    base_branch: self.base_branch,
                    setup_command: self.setup_command,
                    check_command: self.check_command,
                    gate_policy: self.gate_policy,
                    land: self.land,
                    wip: self.wip,
                    engines: self.engines,
                    budget: self.budget,
                    bring: self.bring,
                    network: self.network,
                    push_remote: self.push_remote,
                }
            }
        }
    )* };
}

with_settings! {
    /// What `POST /projects` takes; registering is trusting.
    NewProject {
        path: String,
    }
    /// What `PATCH /projects/{id}` takes; what is left out stays, an empty command or remote clears it.
    ProjectEdit {
        /// `true` trusts a repository that was only offered.
        #[serde(default)]
        trusted: Option<bool>,
        #[serde(default)]
        version: Option<i64>,
    }
}

/// Settings as a caller named them: `None` leaves one as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectSettings {
    pub name: Option<String>,
    pub base_branch: Option<String>,
    pub setup_command: Option<String>,
    pub check_command: Option<String>,
    pub gate_policy: Option<GatePolicies>,
    pub land: Option<Land>,
    pub wip: Option<i32>,
    pub engines: Option<BTreeMap<StageName, EngineName>>,
    pub budget: Option<Budget>,
    pub bring: Option<Vec<Bring>>,
    pub network: Option<bool>,
    pub push_remote: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_a_word_or_an_object() {
        let all: GatePolicies = serde_json::from_str("\"auto_when_green\"").unwrap();
        assert_eq!(all.at(Stage::Ship), GatePolicy::AutoWhenGreen);
        let some: GatePolicies = serde_json::from_str(r#"{"plan":"auto_when_green"}"#).unwrap();
        assert_eq!(some.at(Stage::Plan), GatePolicy::AutoWhenGreen);
        assert_eq!(some.at(Stage::Ship), GatePolicy::Manual);
        assert!(serde_json::from_str::<GatePolicies>(r#"{"plam":"manual"}"#).is_err());
    }
}
