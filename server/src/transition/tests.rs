//! Rules on their own, and random sequences of everything that people and agents can do to a card, on a real
//! database: no sequence breaks an invariant.

use proptest::prelude::*;
use sea_orm::{EntityTrait, QueryOrder};
use slipway_app::model::{AgentStatus, CardStatus, NewCard, NewProject};

use super::*;
use crate::{board::view, store::Store};

fn gate(stage: Stage, green: bool) -> Gate {
    Gate {
        id: GateId::generate(),
        stage,
        agent_id: None,
        checks: vec![Check { name: "c".to_owned(), passed: green, detail: String::new() }],
        state: GateState::Open,
        decided_by: None,
        reason: None,
        opened_at: Utc::now(),
        decided_at: None,
    }
}

fn at(stage: Stage, gate: Option<Gate>) -> Standing {
    Standing { stage, agent_live: false, failure: None, gate, landing: false, landed: false, archived: false }
}

#[test]
fn onward_is_one_stage_through_a_green_gate() {
    let check = |standing: &Standing, to, reason| permit(standing, to, reason).map_err(|error| error.to_string());
    assert_eq!(check(&at(Stage::Backlog, None), Stage::Plan, None), Ok(Passage::Enter));
    let green = at(Stage::Plan, Some(gate(Stage::Plan, true)));
    assert_eq!(check(&green, Stage::Build, None), Ok(Passage::Approve { overridden: false }));
    assert!(matches!(permit(&green, Stage::Review, None), Err(MoveError::StageSkipped { .. })));
    assert!(matches!(permit(&green, Stage::Plan, None), Err(MoveError::SameStage(_))));
    let red = at(Stage::Plan, Some(gate(Stage::Plan, false)));
    assert!(matches!(permit(&red, Stage::Build, None), Err(MoveError::GateRed(checks)) if checks.len() == 1));
    assert!(matches!(permit(&red, Stage::Build, Some("  ")), Err(MoveError::GateRed(_))));
    assert_eq!(check(&red, Stage::Build, Some("known")), Ok(Passage::Approve { overridden: true }));
    let working = Standing { agent_live: true, ..at(Stage::Plan, None) };
    assert!(matches!(permit(&working, Stage::Build, None), Err(MoveError::AgentWorking)));
    assert!(matches!(permit(&at(Stage::Plan, None), Stage::Build, None), Err(MoveError::NoGate(_))));
}

#[test]
fn back_is_any_distance_until_it_lands() {
    let ship = at(Stage::Ship, Some(gate(Stage::Ship, true)));
    for to in [Stage::Backlog, Stage::Plan, Stage::Build, Stage::Review] {
        assert_eq!(permit(&ship, to, None).unwrap(), Passage::Back);
        let landing = Standing { landing: true, ..ship.clone() };
        assert!(matches!(permit(&landing, to, None), Err(MoveError::Landing)));
        let landed = Standing { landed: true, ..ship.clone() };
        assert!(matches!(permit(&landed, to, None), Err(MoveError::AlreadyShipped)));
        let archived = Standing { archived: true, ..ship.clone() };
        assert!(matches!(permit(&archived, to, None), Err(MoveError::Archived)));
    }
}

/// What may happen to a card.
#[derive(Clone, Debug)]
enum Happening {
    Move(Stage, bool),
    Approve(bool),
    SendBack(Option<Stage>),
    Retry,
    Archive,
    Restore,
    /// The orchestrator's side: the live agent is claimed, ends this way, is deleted, and its gate opens.
    Claimed,
    Ended(AgentStatus),
    Deleted,
    GateOpens(bool),
}

fn happening() -> impl Strategy<Value = Happening> {
    let stage = || prop::sample::select(Stage::ALL.to_vec());
    let ended = prop::sample::select(vec![AgentStatus::Complete, AgentStatus::Complete, AgentStatus::Failed]);
    prop_oneof![
        3 => (stage(), any::<bool>()).prop_map(|(to, reason)| Happening::Move(to, reason)),
        2 => any::<bool>().prop_map(Happening::Approve),
        1 => prop::option::of(stage()).prop_map(Happening::SendBack),
        1 => Just(Happening::Retry),
        1 => Just(Happening::Archive),
        1 => Just(Happening::Restore),
        3 => Just(Happening::Claimed),
        3 => ended.prop_map(Happening::Ended),
        3 => Just(Happening::Deleted),
        3 => any::<bool>().prop_map(Happening::GateOpens),
    ]
}

struct World {
    store: Store,
    card: CardId,
    owner: uuid::Uuid,
    _dir: tempfile::TempDir,
}

impl World {
    async fn new() -> World {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("t.db")).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        let found = project::Found { path: "/nowhere".to_owned(), base_branch: "main".to_owned() };
        let project = project::register(&mut tx, NewProject::default(), found, true).await.unwrap();
        let new = NewCard { project_id: project.id, title: "T".to_owned(), body: String::new() };
        let card = card::create(&mut tx, new).await.unwrap().card_id();
        tx.commit().await.unwrap();
        World { store, card, owner: uuid::Uuid::now_v7(), _dir: dir }
    }

    /// Tries it; a refusal leaves nothing behind because its transaction is dropped.
    async fn happen(&self, what: &Happening) -> bool {
        let mut tx = self.store.begin().await.unwrap();
        let card = card::load(&*tx, self.card).await.unwrap();
        let agent = match card.agent_id {
            Some(id) => agent::find(&*tx, AgentId(id)).await.unwrap(),
            None => None,
        };
        let reason = |given: bool| given.then(|| "because".to_owned());
        let decision = |decision, to, given| NewDecision {
            decision,
            gate_id: None,
            to,
            comment: reason(given),
            override_reason: reason(given),
        };
        let done = match what {
            Happening::Move(to, given) => {
                let new =
                    NewMove { to: *to, reason: None, override_reason: reason(*given), before: None, version: None };
                make(&mut tx, self.card, new).await.is_ok()
            }
            Happening::Approve(given) => {
                decide(&mut tx, self.card, decision(Decision::Approve, None, *given), Actor::Person).await.is_ok()
            }
            Happening::SendBack(to) => {
                decide(&mut tx, self.card, decision(Decision::SendBack, *to, true), Actor::Person).await.is_ok()
            }
            Happening::Retry => retry(&mut tx, self.card, None).await.is_ok(),
            Happening::Archive => card::archive(&mut tx, self.card).await.is_ok(),
            Happening::Restore => card::restore(&mut tx, self.card).await.is_ok(),
            Happening::Claimed => match &agent {
                Some(row) => agent::claim(&mut tx, row.agent_id(), self.owner).await.unwrap().is_some(),
                None => false,
            },
            Happening::Ended(status) => match &agent {
                Some(row) => {
                    let lease = agent::Lease { agent: row.agent_id(), token: row.lease_token };
                    match status {
                        AgentStatus::Complete => agent::complete(&mut tx, lease).await.is_ok(),
                        status => agent::fail(&mut tx, lease, *status, "why").await.is_ok(),
                    }
                }
                None => false,
            },
            Happening::Deleted => {
                let mut deleted = false;
                for row in agent::undeleted(&*tx).await.unwrap() {
                    if row.status().unwrap().is_ended() {
                        agent::delete(&mut tx, row.agent_id()).await.unwrap();
                        deleted = true;
                    }
                }
                deleted
            }
            Happening::GateOpens(green) => match &agent {
                Some(row) if row.status == "complete" && row.deleted_at.is_some() && card.gate_id.is_none() => {
                    let checks = gate(card.stage().unwrap(), *green).checks;
                    gate::open(&mut tx, &card, card.stage().unwrap(), row.agent_id(), checks).await.is_ok()
                }
                _ => false,
            },
        };
        if done {
            tx.commit().await.unwrap();
        }
        done
    }

    async fn check(&self) {
        let reader = self.store.reader();
        let card = card::load(reader, self.card).await.unwrap();
        let transitions = Entity::find().order_by_asc(Column::Id).all(reader).await.unwrap();
        let mut stage = Stage::Backlog;
        for row in &transitions {
            let transition = row.clone().into_transition().unwrap();
            assert_eq!(transition.from, stage, "every move begins where the last one ended");
            assert!(transition.to <= transition.from || transition.from.next() == Some(transition.to));
            assert_eq!(transition.agent_id.is_some(), transition.to.role().is_some());
            stage = transition.to;
        }
        assert_eq!(card.stage().unwrap(), stage, "only transitions change the stage");
        assert_eq!(card.transition_id, transitions.last().map(|row| row.id));
        let open = transitions.iter().filter(|row| row.outcome == "open").count();
        assert!(open <= 1, "one visit at a time");

        let agents = entity::agent::Entity::find().all(reader).await.unwrap();
        let queued = transitions.iter().filter(|row| row.agent_id.is_some()).count();
        assert_eq!(agents.len(), queued, "nothing but a transition spawns an agent");
        let live = agents.iter().filter(|row| !row.status().unwrap().is_ended()).count();
        assert!(live <= 1, "one live agent a card");
        assert!(agents.iter().filter(|row| row.deleted_at.is_some()).all(|row| row.lease_owner.is_none()));

        let gates = entity::gate::Entity::find().all(reader).await.unwrap();
        let open: Vec<_> = gates.iter().filter(|row| row.state == "open").collect();
        assert!(open.len() <= 1 && open.iter().all(|row| Some(row.id) == card.gate_id));

        let events = entity::event::Entity::find().order_by_asc(entity::event::Column::Seq).all(reader).await.unwrap();
        assert!(events.windows(2).all(|pair| pair[0].seq < pair[1].seq));
        let moved = events.iter().filter(|row| row.kind == "card.moved").count();
        assert_eq!(moved, transitions.len(), "every move is one row and one event");

        let shown = view::one_card(reader, card).await.unwrap();
        assert_eq!(shown.status == CardStatus::Idle, stage == Stage::Backlog);
        assert_eq!(shown.status == CardStatus::NeedsApproval, shown.gate.is_some());
        if live == 1 && stage != Stage::Backlog {
            assert!(matches!(shown.status, CardStatus::Queued | CardStatus::Working), "{shown:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_breaks_an_invariant(happenings in prop::collection::vec(happening(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            for what in &happenings {
                world.happen(what).await;
                world.check().await;
            }
        });
    }
}

/// The strategy above would prove little if nothing ever got through.
#[tokio::test]
async fn a_card_can_go_all_the_way() {
    let world = World::new().await;
    for to in [Stage::Plan, Stage::Build, Stage::Review, Stage::Ship] {
        assert!(world.happen(&Happening::Move(to, false)).await, "{to:?}");
        for what in [
            Happening::Claimed,
            Happening::Ended(AgentStatus::Complete),
            Happening::Deleted,
            Happening::GateOpens(true),
        ] {
            assert!(world.happen(&what).await, "{to:?} {what:?}");
            world.check().await;
        }
    }
    assert!(world.happen(&Happening::Approve(false)).await);
    world.check().await;
    assert!(!world.happen(&Happening::Approve(false)).await, "once");
}

#[tokio::test]
async fn a_stale_gate_and_a_stale_version_are_refused() {
    let world = World::new().await;
    for what in [
        Happening::Move(Stage::Plan, false),
        Happening::Claimed,
        Happening::Ended(AgentStatus::Complete),
        Happening::Deleted,
        Happening::GateOpens(true),
    ] {
        assert!(world.happen(&what).await);
    }
    let mut tx = world.store.begin().await.unwrap();
    let stale = NewDecision {
        decision: Decision::Approve,
        gate_id: Some(GateId::generate()),
        to: None,
        comment: None,
        override_reason: None,
    };
    let refused = decide(&mut tx, world.card, stale, Actor::Person).await;
    assert!(matches!(refused, Err(MoveError::StaleGate { open: Some(_), .. })));
    let stale = NewMove { to: Stage::Build, reason: None, override_reason: None, before: None, version: Some(1) };
    let refused = make(&mut tx, world.card, stale).await;
    assert!(matches!(refused, Err(MoveError::VersionConflict { given: 1, current: 2 })));
}

#[tokio::test]
async fn a_send_back_comment_reaches_the_next_agent() {
    let world = World::new().await;
    for what in [
        Happening::Move(Stage::Plan, false),
        Happening::Claimed,
        Happening::Ended(AgentStatus::Complete),
        Happening::Deleted,
        Happening::GateOpens(false),
        Happening::SendBack(None),
    ] {
        assert!(world.happen(&what).await, "{what:?}");
    }
    assert_eq!(comments(world.store.reader(), world.card).await.unwrap(), ["because"]);
    let card = card::load(world.store.reader(), world.card).await.unwrap();
    let agent = agent::find(world.store.reader(), AgentId(card.agent_id.unwrap())).await.unwrap().unwrap();
    assert_eq!(agent.comment.as_deref(), Some("because"));
}
