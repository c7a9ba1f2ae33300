//! What a reader can narrow a card's activity to.

use serde::{Deserialize, Serialize};

use crate::model::agent_text_enum as text_enum;

text_enum! {
    /// What a reader can narrow the activity to.
    Topic {
        /// The card itself: moves, gates, questions, artifacts, landing.
        Card = "card",
        /// Agents coming, ending and going, and how far they are.
        Agents = "agents",
        Messages = "messages",
        Tools = "tools",
        Usage = "usage",
    }
}

impl Topic {
    pub fn of(kind: &str) -> Topic {
        match kind {
            "agent.message" | "agent.thought" => Topic::Messages,
            "agent.tool_call" | "agent.tool_result" | "agent.command" => Topic::Tools,
            "agent.usage" => Topic::Usage,
            _ if kind.starts_with("agent.") => Topic::Agents,
            _ => Topic::Card,
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Topic::Card => "Card",
            Topic::Agents => "Agents",
            Topic::Messages => "Messages",
            Topic::Tools => "Tools",
            Topic::Usage => "Usage",
        }
    }
}

/// Whether an event changes more of a card's story than its log.
pub fn changes_story(kind: &str) -> bool {
    matches!(Topic::of(kind), Topic::Card | Topic::Agents) && kind != "agent.progress"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_the_story_asks_for_it() {
        for (kind, want) in [
            ("card.moved", true),
            ("gate.opened", true),
            ("agent.deleted", true),
            ("artifact.attached", true),
            ("agent.progress", false),
            ("agent.message", false),
            ("agent.usage", false),
            ("agent.tool_call", false),
        ] {
            assert_eq!(changes_story(kind), want, "{kind}");
        }
    }
}
