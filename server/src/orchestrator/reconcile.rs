//! From what the database says to what is to be done: a pure function. It runs at start, on every wake-up
//! and on a slow tick, so losing a wake-up loses nothing, and doing nothing twice is the actions' business.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use slipway_app::model::{AgentId, AgentStatus, CardId, GateId, GatePolicy, GateState, ProjectId, Stage};

/// Automatic send-backs of one card before it asks a person: a loop between two agents that do not agree
/// must end.
pub const AUTO_SEND_BACK_LIMIT: i32 = 3;

/// An agent that is not deleted.
#[derive(Clone, Debug)]
pub struct AgentFact {
    pub id: AgentId,
    pub card: CardId,
    pub project: ProjectId,
    pub status: AgentStatus,
    pub queued_at: DateTime<Utc>,
    /// What its card says it waits for.
    pub waits_for: Option<String>,
}

/// A card that is in a column, or whose workspace is still there.
#[derive(Clone, Debug)]
pub struct CardFact {
    pub id: CardId,
    pub stage: Stage,
    /// The latest agent of this visit: its id, how it stands and whether it is deleted.
    pub agent: Option<(AgentId, AgentStatus, bool)>,
    pub gate: Option<GateFact>,
    pub policy: GatePolicy,
    pub auto_send_backs: i32,
    pub question_open: bool,
    pub landed: bool,
    pub archived: bool,
    pub has_workspace: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct GateFact {
    pub id: GateId,
    pub state: GateState,
    pub green: bool,
}

/// How many agents may work at once.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    pub overall: usize,
    pub per_project: HashMap<ProjectId, usize>,
}

/// Everything the decision depends on.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub agents: Vec<AgentFact>,
    pub cards: Vec<CardFact>,
    pub limits: Limits,
    /// Agents that a task of this server is running or deleting.
    pub busy_agents: HashSet<AgentId>,
    /// Cards that a task of this server evaluates, lands or cleans up.
    pub busy_cards: HashSet<CardId>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Claim and run it.
    Start(AgentId),
    /// Tell a queued agent's card what it waits for.
    Hold(AgentId, String),
    /// It has ended on record but still runs here: stop it.
    Stop(AgentId),
    /// It is under way on record but nobody runs it: back to the queue.
    Requeue(AgentId),
    /// It has ended and nobody runs it: remove what is left of it.
    Delete(AgentId),
    /// Evaluate the checks and open the gate.
    OpenGate(CardId, AgentId),
    /// The policy decides.
    Approve(CardId, GateId),
    SendBack(CardId, GateId),
    /// Land the approved commit.
    Land(CardId),
    /// Remove the worktree of a card that shipped or was archived.
    CleanUp(CardId),
}

/// What is to be done, in the order in which it was asked for.
pub fn reconcile(world: &World) -> Vec<Action> {
    let mut actions = agents_under_way(world);
    actions.extend(queued_agents(world));
    actions.extend(
        world
            .cards
            .iter()
            .filter(|card| !world.busy_cards.contains(&card.id))
            .filter_map(|card| card_action(world, card)),
    );
    actions
}

fn agents_under_way(world: &World) -> Vec<Action> {
    let action = |agent: &AgentFact| match (agent.status, world.busy_agents.contains(&agent.id)) {
        (AgentStatus::Queued, _) => None,
        (status, true) if status.is_ended() && status != AgentStatus::Complete => Some(Action::Stop(agent.id)),
        (status, false) if status.is_ended() => Some(Action::Delete(agent.id)),
        (AgentStatus::Creating | AgentStatus::Working, false) => Some(Action::Requeue(agent.id)),
        _ => None,
    };
    world.agents.iter().filter_map(action).collect()
}

/// First come, first served, within the limits and one agent a card.
fn queued_agents(world: &World) -> Vec<Action> {
    let occupies = |agent: &&AgentFact| occupies_a_place(world, agent);
    let mut at_work = world.agents.iter().filter(occupies).count();
    let mut per_project: HashMap<ProjectId, usize> = HashMap::new();
    for agent in world.agents.iter().filter(occupies) {
        *per_project.entry(agent.project).or_default() += 1;
    }
    let mut occupied: HashSet<CardId> =
        world.agents.iter().filter(|agent| is_under_way(world, agent)).map(|agent| agent.card).collect();
    let mut queue: Vec<&AgentFact> = world
        .agents
        .iter()
        .filter(|agent| agent.status == AgentStatus::Queued && !world.busy_agents.contains(&agent.id))
        .collect();
    queue.sort_by_key(|agent| (agent.queued_at, agent.id));

    let mut actions = Vec::new();
    for agent in queue {
        let limit = world.limits.per_project.get(&agent.project).copied().unwrap_or(usize::MAX);
        let in_project = per_project.entry(agent.project).or_default();
        let mut hold = |why: String| {
            if agent.waits_for.as_ref() != Some(&why) {
                actions.push(Action::Hold(agent.id, why));
            }
        };
        if occupied.contains(&agent.card) || world.busy_cards.contains(&agent.card) {
            hold("Waits for the agent before it to be deleted".to_owned());
        } else if at_work >= world.limits.overall {
            hold(format!("Waits for one of {} places, all of which are taken", world.limits.overall));
        } else if *in_project >= limit {
            hold(format!("Waits for one of this project's {limit} places, all of which are taken"));
        } else {
            at_work += 1;
            *in_project += 1;
            occupied.insert(agent.card);
            actions.push(Action::Start(agent.id));
        }
    }
    actions
}

/// A waiting agent holds no process, so it takes no place.
fn occupies_a_place(world: &World, agent: &AgentFact) -> bool {
    is_under_way(world, agent) && agent.status != AgentStatus::Waiting
}

/// An agent that a task has in hand is under way even while the database still says queued.
fn is_under_way(world: &World, agent: &AgentFact) -> bool {
    agent.status != AgentStatus::Queued || world.busy_agents.contains(&agent.id)
}

fn card_action(world: &World, card: &CardFact) -> Option<Action> {
    if card.landed || card.archived {
        let agent_left = world.agents.iter().any(|agent| agent.card == card.id);
        return (card.has_workspace && !agent_left).then_some(Action::CleanUp(card.id));
    }
    if card.question_open {
        return None;
    }
    match (card.gate, card.agent) {
        (None, Some((agent, AgentStatus::Complete, true))) => Some(Action::OpenGate(card.id, agent)),
        (Some(gate), _) => match gate.state {
            GateState::Open => by_policy(card, gate),
            GateState::Approved | GateState::Overridden if card.stage == Stage::Ship => Some(Action::Land(card.id)),
            _ => None,
        },
        _ => None,
    }
}

fn by_policy(card: &CardFact, gate: GateFact) -> Option<Action> {
    match card.policy {
        GatePolicy::Manual => None,
        GatePolicy::AutoWhenGreen if gate.green => Some(Action::Approve(card.id, gate.id)),
        GatePolicy::AutoWhenGreen if card.stage == Stage::Review && card.auto_send_backs < AUTO_SEND_BACK_LIMIT => {
            Some(Action::SendBack(card.id, gate.id))
        }
        GatePolicy::AutoWhenGreen => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn status() -> impl Strategy<Value = AgentStatus> {
        prop::sample::select(AgentStatus::ALL.to_vec())
    }

    prop_compose! {
        fn agent()(card in 0u128..6, project in 0u128..3, status in status(), order in 0i64..1000) -> AgentFact {
            AgentFact {
                id: AgentId::generate(),
                card: CardId(uuid::Uuid::from_u128(card)),
                project: ProjectId(uuid::Uuid::from_u128(project)),
                status,
                queued_at: DateTime::from_timestamp(order, 0).unwrap(),
                waits_for: None,
            }
        }
    }

    prop_compose! {
        fn world()(agents in prop::collection::vec(agent(), 0..12), overall in 1usize..5, wip in 1usize..4, busy in any::<u16>()) -> World {
            let busy_agents = agents.iter().enumerate().filter(|(index, _)| busy >> index & 1 == 1).map(|(_, agent)| agent.id).collect();
            let per_project = (0..3).map(|id| (ProjectId(uuid::Uuid::from_u128(id)), wip)).collect();
            World { agents, limits: Limits { overall, per_project }, busy_agents, ..World::default() }
        }
    }

    proptest! {
        #[test]
        fn starting_never_breaks_a_limit(world in world()) {
            let started: Vec<&AgentFact> = reconcile(&world)
                .into_iter()
                .filter_map(|action| match action { Action::Start(id) => world.agents.iter().find(|agent| agent.id == id), _ => None })
                .collect();
            let before: Vec<&AgentFact> = world.agents.iter().filter(|agent| occupies_a_place(&world, agent)).collect();
            if !started.is_empty() {
                prop_assert!(before.len() + started.len() <= world.limits.overall);
            }
            for agent in &started {
                prop_assert_eq!(agent.status, AgentStatus::Queued);
                let same_project = before.iter().chain(&started).filter(|other| other.project == agent.project).count();
                prop_assert!(same_project <= world.limits.per_project[&agent.project]);
                let same_card = world.agents.iter().filter(|other| other.card == agent.card && is_under_way(&world, other)).count();
                prop_assert_eq!(same_card, 0, "an agent of the card is still there");
                prop_assert_eq!(started.iter().filter(|other| other.card == agent.card).count(), 1);
            }
        }

        #[test]
        fn every_agent_is_attended_to(world in world()) {
            let actions = reconcile(&world);
            for agent in &world.agents {
                let mine = actions.iter().filter(|action| matches!(action,
                    Action::Start(id) | Action::Hold(id, _) | Action::Stop(id) | Action::Requeue(id) | Action::Delete(id) if *id == agent.id)).count();
                prop_assert!(mine <= 1);
                let left_alone = world.busy_agents.contains(&agent.id) || agent.status == AgentStatus::Waiting;
                prop_assert!(mine == 1 || left_alone, "{:?} is forgotten", agent);
            }
        }
    }

    fn card(stage: Stage, agent: AgentStatus, deleted: bool, gate: Option<GateFact>) -> CardFact {
        CardFact {
            id: CardId::generate(),
            stage,
            agent: Some((AgentId::generate(), agent, deleted)),
            gate,
            policy: GatePolicy::Manual,
            auto_send_backs: 0,
            question_open: false,
            landed: false,
            archived: false,
            has_workspace: true,
        }
    }

    fn decide(card: &CardFact) -> Option<Action> {
        reconcile(&World { cards: vec![card.clone()], ..World::default() }).pop()
    }

    #[test]
    fn a_gate_opens_once_the_agent_is_gone() {
        let working = card(Stage::Plan, AgentStatus::Complete, false, None);
        assert_eq!(decide(&working), None);
        let gone = card(Stage::Plan, AgentStatus::Complete, true, None);
        assert!(matches!(decide(&gone), Some(Action::OpenGate(..))));
        let failed = card(Stage::Plan, AgentStatus::Failed, true, None);
        assert_eq!(decide(&failed), None, "a failed stage waits for a person");
    }

    #[test]
    fn a_policy_decides_within_bounds() {
        let gate = |green| Some(GateFact { id: GateId::generate(), state: GateState::Open, green });
        let mut red = card(Stage::Review, AgentStatus::Complete, true, gate(false));
        assert_eq!(decide(&red), None, "manual");
        red.policy = GatePolicy::AutoWhenGreen;
        assert!(matches!(decide(&red), Some(Action::SendBack(..))));
        red.auto_send_backs = AUTO_SEND_BACK_LIMIT;
        assert_eq!(decide(&red), None, "now it asks a person");
        red.stage = Stage::Build;
        red.auto_send_backs = 0;
        assert_eq!(decide(&red), None, "only a review sends back by itself");
        let mut green = card(Stage::Plan, AgentStatus::Complete, true, gate(true));
        green.policy = GatePolicy::AutoWhenGreen;
        assert!(matches!(decide(&green), Some(Action::Approve(..))));
    }

    #[test]
    fn an_approved_ship_gate_lands_and_then_cleans_up() {
        let approved = Some(GateFact { id: GateId::generate(), state: GateState::Approved, green: true });
        let mut card = card(Stage::Ship, AgentStatus::Complete, true, approved);
        assert_eq!(decide(&card), Some(Action::Land(card.id)));
        card.question_open = true;
        assert_eq!(decide(&card), None);
        card.question_open = false;
        card.landed = true;
        assert_eq!(decide(&card), Some(Action::CleanUp(card.id)));
        card.has_workspace = false;
        assert_eq!(decide(&card), None);
    }
}
