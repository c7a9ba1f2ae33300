//! Artifacts: typed, versioned, content-addressed outputs of agents.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{AgentId, ArtifactId, CardId, Stage, agent::text_enum};

text_enum! {
    ArtifactKind {
        ScoutReport = "scout_report",
        Plan = "plan",
        Diff = "diff",
        CheckReport = "check_report",
        Review = "review",
        Commit = "commit",
        Transcript = "transcript",
        File = "file",
    }
}

impl ArtifactKind {
    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            ArtifactKind::ScoutReport => "Scout report",
            ArtifactKind::Plan => "Plan",
            ArtifactKind::Diff => "Diff",
            ArtifactKind::CheckReport => "Checks",
            ArtifactKind::Review => "Review",
            ArtifactKind::Commit => "Commit",
            ArtifactKind::Transcript => "Transcript",
            ArtifactKind::File => "File",
        }
    }
}

/// What is known of an artifact without its content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Artifact {
    pub id: ArtifactId,
    pub card_id: CardId,
    pub agent_id: AgentId,
    pub stage: Stage,
    pub kind: ArtifactKind,
    /// A file name to download it under.
    pub name: String,
    /// Counts from 1 within the card and kind.
    pub version: i32,
    pub media_type: String,
    pub bytes: i64,
    /// Lower-case hex SHA-256 of the content (FIPS 180-4).
    pub sha256: String,
    pub created_at: DateTime<Utc>,
}
