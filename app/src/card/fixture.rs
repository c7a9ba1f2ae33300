//! Stories for this page's tests.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    model::{
        Actor, Agent, AgentId, AgentStatus, Budget, Card, CardId, CardStatus, Check, EngineName, Gate, GateId,
        GatePolicies, GateState, Land, Money, Outcome, Project, ProjectId, Stage, Tokens, Transition, TransitionId,
    },
    port::CardStory,
};

pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

pub fn project() -> Project {
    Project {
        id: ProjectId(Uuid::from_u128(1)),
        name: "sample".to_owned(),
        path: "/srv/sample".to_owned(),
        trusted: true,
        base_branch: "main".to_owned(),
        setup_command: None,
        check_command: Some("cargo test".to_owned()),
        gate_policy: GatePolicies::default(),
        land: Land::Merge,
        wip: 4,
        engines: Default::default(),
        budget: Budget::default(),
        bring: Vec::new(),
        network: false,
        push_remote: None,
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

/// A card at a stage, with nothing on record yet.
pub fn story(stage: Stage, status: CardStatus) -> CardStory {
    let card = Card {
        id: CardId(Uuid::from_u128(2)),
        number: 12,
        project_id: ProjectId(Uuid::from_u128(1)),
        title: "Fix login".to_owned(),
        body: Some("Make it work.".to_owned()),
        stage,
        status,
        reason: None,
        position: 1.0,
        agent: None,
        gate: None,
        artifacts: Vec::new(),
        tokens: 0,
        cost_usd: Money::ZERO,
        commit: None,
        branch: None,
        archived_at: None,
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    };
    CardStory {
        seq: 1,
        card,
        body_html: "<p>Make it work.</p>".to_owned(),
        project: project(),
        transitions: Vec::new(),
        gates: Vec::new(),
        agents: Vec::new(),
        artifacts: Vec::new(),
        questions: Vec::new(),
        activity: Vec::new(),
    }
}

fn agent(story: &CardStory, number: u128, stage: Stage) -> Agent {
    Agent {
        id: AgentId(Uuid::from_u128(number)),
        project_id: story.project.id,
        card_id: story.card.id,
        card_number: story.card.number,
        card_title: story.card.title.clone(),
        stage,
        role: stage.role().unwrap(),
        engine: EngineName::Playbook,
        model: None,
        status: AgentStatus::Complete,
        reason: None,
        progress: 100,
        step: 1,
        steps: 1,
        doing: String::new(),
        tokens: Tokens::default(),
        context_used: 0,
        context_size: 0,
        cost_usd: Money::ZERO,
        tool_calls: 0,
        tools: Vec::new(),
        attempt: 1,
        comment: None,
        consumed: Vec::new(),
        produced: Vec::new(),
        parent_id: None,
        created_at: at(0),
        started_at: Some(at(1)),
        ended_at: Some(at(13)),
        deleted_at: Some(at(13)),
        prompt: None,
    }
}

/// Adds a visit with its agent and, unless it goes on, its decided gate.
pub fn visit(story: &mut CardStory, from: Stage, to: Stage, outcome: Outcome) {
    let number = 100 + story.agents.len() as u128;
    let agent = agent(story, number, to);
    let seconds = 60 * story.transitions.len() as i64;
    story.transitions.push(Transition {
        id: TransitionId(Uuid::from_u128(number)),
        card_id: story.card.id,
        from,
        to,
        actor: Actor::Person,
        reason: None,
        outcome,
        agent_id: Some(agent.id),
        created_at: at(seconds),
    });
    let state = match outcome {
        Outcome::Approved => Some(GateState::Approved),
        Outcome::SentBack => Some(GateState::SentBack),
        _ => None,
    };
    if let Some(state) = state {
        story.gates.push(gate(number, to, agent.id, state, Some("person")));
    }
    story.agents.push(agent);
}

/// Opens the gate of the last visit.
pub fn open_gate(story: &mut CardStory) {
    let visit = story.transitions.last().unwrap();
    let gate = gate(999, visit.to, visit.agent_id.unwrap(), GateState::Open, None);
    story.card.gate = Some(gate.clone());
    story.gates.push(gate);
}

fn gate(number: u128, stage: Stage, agent: AgentId, state: GateState, decided_by: Option<&str>) -> Gate {
    Gate {
        id: GateId(Uuid::from_u128(number)),
        stage,
        agent_id: Some(agent),
        checks: vec![Check { name: "not_empty".to_owned(), passed: true, detail: "12 lines".to_owned() }],
        state,
        decided_by: decided_by.map(str::to_owned),
        reason: None,
        opened_at: at(500),
        decided_at: decided_by.map(|_| at(600)),
    }
}
