//! The fleet: every live agent at once, what they use together, and who waits on whom.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Agent, AgentId, AgentStatus, CardId, Money, ProjectId, QuestionId, Tokens, agent::text_enum};

/// What `GET /fleet` returns. The totals are the sums of `agents`, so the parts always add up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Fleet {
    /// Agents that are not deleted yet, oldest first.
    pub agents: Vec<Agent>,
    pub totals: FleetTotals,
    /// Who waits on whom, or on what; in the order of `agents`.
    pub waits: Vec<Wait>,
    /// The agent that has been at work longest; `null` while none works.
    pub slowest: Option<Slowest>,
}

/// Sums over the live agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct FleetTotals {
    pub agents: u32,
    pub queued: u32,
    /// Being created or at work.
    pub working: u32,
    pub waiting: u32,
    pub tokens: Tokens,
    /// Tokens in all windows now, and the size of all windows.
    pub context_used: i64,
    pub context_size: i64,
    pub cost_usd: Money,
    pub tool_calls: i64,
}

text_enum! {
    /// What an agent that does not work waits for.
    WaitFor {
        /// Another agent has to end first.
        Agent = "agent",
        /// A person has to answer a question.
        Question = "question",
        /// A person is at the wheel, or has to permit something.
        Person = "person",
        /// The limit on agents at once, of the project or overall.
        Capacity = "capacity",
    }
}

/// One agent's wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Wait {
    pub agent_id: AgentId,
    pub card_id: CardId,
    pub waits_for: WaitFor,
    /// The agent waited for, where `waits_for` is `agent`.
    pub on_agent_id: Option<AgentId>,
    /// The question waited for, where `waits_for` is `question`.
    pub on_question_id: Option<QuestionId>,
    /// In words.
    pub detail: String,
}

/// The agent that has been at work longest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Slowest {
    pub agent_id: AgentId,
    pub card_id: CardId,
    pub project_id: ProjectId,
    pub started_at: DateTime<Utc>,
    /// Whole seconds at work.
    pub seconds: i64,
}

impl Fleet {
    /// The fleet as of `now`, from its agents and their waits.
    pub fn of(mut agents: Vec<Agent>, waits: Vec<Wait>, now: DateTime<Utc>) -> Fleet {
        agents.sort_by_key(|agent| agent.id);
        let slowest = agents
            .iter()
            .filter(|agent| matches!(agent.status, AgentStatus::Creating | AgentStatus::Working))
            .filter_map(|agent| agent.started_at.map(|started_at| (started_at, agent)))
            .min_by_key(|(started_at, _)| *started_at)
            .map(|(started_at, agent)| Slowest {
                agent_id: agent.id,
                card_id: agent.card_id,
                project_id: agent.project_id,
                started_at,
                seconds: (now - started_at).num_seconds().max(0),
            });
        Fleet { totals: FleetTotals::of(&agents), agents, waits, slowest }
    }
}

impl FleetTotals {
    pub fn of(agents: &[Agent]) -> FleetTotals {
        let mut totals = FleetTotals::default();
        let mut cost_nanos = 0_i64;
        for agent in agents {
            totals.agents += 1;
            match agent.status {
                AgentStatus::Queued => totals.queued += 1,
                AgentStatus::Creating | AgentStatus::Working => totals.working += 1,
                AgentStatus::Waiting => totals.waiting += 1,
                // Ended, and about to be deleted.
                _ => {}
            }
            totals.tokens.input += agent.tokens.input;
            totals.tokens.output += agent.tokens.output;
            totals.tokens.cached += agent.tokens.cached;
            totals.context_used += agent.context_used;
            totals.context_size += agent.context_size;
            totals.tool_calls += agent.tool_calls;
            cost_nanos += agent.cost_usd.nanos();
        }
        totals.cost_usd = Money::from_nanos(cost_nanos);
        totals
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::model::{EngineName, Role, Stage};

    fn agent(number: u128, status: AgentStatus, started_at: Option<DateTime<Utc>>) -> Agent {
        Agent {
            id: AgentId(Uuid::from_u128(number)),
            project_id: ProjectId(Uuid::nil()),
            card_id: CardId(Uuid::from_u128(number)),
            card_number: 1,
            card_title: "Fix login".to_owned(),
            stage: Stage::Build,
            role: Role::Builder,
            engine: EngineName::Playbook,
            model: None,
            status,
            reason: None,
            progress: 0,
            step: 0,
            steps: 0,
            doing: String::new(),
            tokens: Tokens { input: 10, output: 5, cached: 2 },
            context_used: 100,
            context_size: 1000,
            cost_usd: Money::from_nanos(1),
            tool_calls: 3,
            tools: Vec::new(),
            attempt: 1,
            comment: None,
            consumed: Vec::new(),
            produced: Vec::new(),
            parent_id: None,
            created_at: DateTime::UNIX_EPOCH,
            started_at,
            ended_at: None,
            deleted_at: None,
            prompt: None,
        }
    }

    #[test]
    fn totals_are_the_sums_and_the_slowest_works_longest() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(100);
        let started = |seconds| Some(DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds));
        let fleet = Fleet::of(
            vec![
                agent(3, AgentStatus::Working, started(60)),
                agent(1, AgentStatus::Working, started(40)),
                agent(2, AgentStatus::Waiting, started(10)),
                agent(4, AgentStatus::Queued, None),
            ],
            Vec::new(),
            now,
        );
        assert_eq!(fleet.agents.iter().map(|agent| agent.id.0.as_u128()).collect::<Vec<_>>(), [1, 2, 3, 4]);
        let totals = fleet.totals;
        assert_eq!((totals.agents, totals.queued, totals.working, totals.waiting), (4, 1, 2, 1));
        assert_eq!(totals.tokens, Tokens { input: 40, output: 20, cached: 8 });
        assert_eq!((totals.context_used, totals.context_size, totals.tool_calls), (400, 4000, 12));
        assert_eq!(totals.cost_usd, Money::from_nanos(4));
        let slowest = fleet.slowest.unwrap();
        assert_eq!((slowest.agent_id.0.as_u128(), slowest.seconds), (1, 60));
        assert_eq!(Fleet::of(Vec::new(), Vec::new(), now).slowest, None);
    }
}
