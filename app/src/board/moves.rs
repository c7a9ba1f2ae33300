//! Where a card may go and what going there means. Mirrors the server's rules, so that the board offers
//! only what will be accepted and can say why not; the server decides all the same.

use crate::model::{AgentStatus, Card, CardStatus, Stage};

/// What moving a card to a stage would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes.
    Free,
    /// It goes forward through a red gate: a reason must be given, and stays on record.
    NeedsOverride,
    /// It does not go.
    Refused(Refusal),
}

/// Why a card does not go to a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    AlreadyThere,
    Shipped,
    /// More than one stage forward; names the one that comes next.
    Skips(Stage),
    AgentAtWork,
    /// Forward without an open gate: the stage has failed or waits for an answer.
    NoGate,
}

impl Refusal {
    /// In words that say what to do.
    pub fn words(self) -> String {
        match self {
            Refusal::AlreadyThere => "The card is already here.".to_owned(),
            Refusal::Shipped => "Shipped cards stay where they are.".to_owned(),
            Refusal::Skips(next) => format!("One stage at a time: {} comes next.", next.label()),
            Refusal::AgentAtWork => "An agent is still at work on it. Wait, or stop the agent.".to_owned(),
            Refusal::NoGate => "This stage has not finished. Retry it or answer its question first.".to_owned(),
        }
    }
}

/// Whether `card` may go to `to`, by the rules of `POST /cards/{id}/moves`.
pub fn verdict(card: &Card, to: Stage) -> Verdict {
    if card.status == CardStatus::Shipped {
        return Verdict::Refused(Refusal::Shipped);
    }
    if to == card.stage {
        return Verdict::Refused(Refusal::AlreadyThere);
    }
    if to < card.stage {
        return Verdict::Free;
    }
    match card.stage.next() {
        Some(next) if next == to => {}
        next => return Verdict::Refused(Refusal::Skips(next.unwrap_or(to))),
    }
    if card.stage == Stage::Backlog {
        return Verdict::Free;
    }
    if has_live_agent(card) {
        return Verdict::Refused(Refusal::AgentAtWork);
    }
    match &card.gate {
        Some(gate) if gate.is_green() => Verdict::Free,
        Some(_) => Verdict::NeedsOverride,
        None => Verdict::Refused(Refusal::NoGate),
    }
}

pub fn has_live_agent(card: &Card) -> bool {
    card.agent.as_ref().is_some_and(|agent| !agent.status.is_ended())
        || matches!(card.status, CardStatus::Queued | CardStatus::Working)
}

/// Everything a person can do with a card, in the order of its menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Open,
    /// Approves the open gate; `with_override` when it is red.
    Approve {
        with_override: bool,
    },
    MoveTo {
        stage: Stage,
        with_override: bool,
    },
    SendBack,
    Retry,
    StopAgent,
    /// To another place in its column.
    Place(Place),
    /// Selects the card, or lets it go.
    Select,
    Edit,
    Duplicate,
    Archive,
}

/// A place in the card's own column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Up,
    Down,
    Top,
    Bottom,
}

impl Deed {
    pub fn label(self) -> String {
        match self {
            Deed::Open => "Open".to_owned(),
            Deed::Approve { with_override: false } => "Approve".to_owned(),
            Deed::Approve { with_override: true } => "Approve anyway…".to_owned(),
            Deed::MoveTo { stage, with_override: false } => format!("Move to {}", stage.label()),
            Deed::MoveTo { stage, with_override: true } => format!("Move to {}…", stage.label()),
            Deed::SendBack => "Send back…".to_owned(),
            Deed::Retry => "Retry".to_owned(),
            Deed::StopAgent => "Stop agent".to_owned(),
            Deed::Place(Place::Up) => "Move up".to_owned(),
            Deed::Place(Place::Down) => "Move down".to_owned(),
            Deed::Place(Place::Top) => "Move to top".to_owned(),
            Deed::Place(Place::Bottom) => "Move to bottom".to_owned(),
            Deed::Select => "Select".to_owned(),
            Deed::Edit => "Edit…".to_owned(),
            Deed::Duplicate => "Duplicate".to_owned(),
            Deed::Archive => "Archive".to_owned(),
        }
    }
}

/// What the menu of `card` offers: every outcome that dragging has, and the rest.
pub fn deeds(card: &Card) -> Vec<Deed> {
    let mut deeds = vec![Deed::Open];
    if let Some(gate) = &card.gate {
        deeds.push(Deed::Approve { with_override: !gate.is_green() });
    }
    for stage in Stage::ALL {
        match verdict(card, stage) {
            Verdict::Free => deeds.push(Deed::MoveTo { stage, with_override: false }),
            Verdict::NeedsOverride => deeds.push(Deed::MoveTo { stage, with_override: true }),
            Verdict::Refused(_) => {}
        }
    }
    if card.gate.is_some() {
        deeds.push(Deed::SendBack);
    }
    if card.status == CardStatus::Failed {
        deeds.push(Deed::Retry);
    }
    if card.agent.as_ref().is_some_and(|agent| !agent.status.is_ended()) {
        deeds.push(Deed::StopAgent);
    }
    deeds.extend([Deed::Edit, Deed::Duplicate, Deed::Archive]);
    deeds
}

/// The places that a card can take which stands at `at` of `count`.
pub fn places(at: usize, count: usize) -> Vec<Deed> {
    let (up, down) = (at, count.saturating_sub(at + 1));
    let offered = [(Place::Up, up > 0), (Place::Down, down > 0), (Place::Top, up > 1), (Place::Bottom, down > 1)];
    offered.into_iter().filter(|(_, offered)| *offered).map(|(place, _)| Deed::Place(place)).collect()
}

/// How a card looks the moment it is dropped into `to`, before the server has answered.
pub fn foresee(card: &mut Card, to: Stage, position: f64) {
    card.stage = to;
    card.position = position;
    card.gate = None;
    card.reason = None;
    card.agent = None;
    card.status = if to == Stage::Backlog { CardStatus::Idle } else { CardStatus::Queued };
}

/// The position between two neighbours, either of which may be missing.
pub fn between(before: Option<f64>, after: Option<f64>) -> f64 {
    match (before, after) {
        (Some(before), Some(after)) => before + (after - before) / 2.0,
        (Some(before), None) => before + 1.0,
        (None, Some(after)) => after - 1.0,
        (None, None) => 0.0,
    }
}

/// "Fix login moved from Plan to Build. Builder is starting."
pub fn announcement(title: &str, from: Stage, to: Stage) -> String {
    let moved = format!("{title} moved from {} to {}.", from.label(), to.label());
    match to.role() {
        Some(role) => format!("{moved} {} is starting.", role.label()),
        None => moved,
    }
}

/// Whether an agent waits for its turn rather than working.
pub fn is_queued(card: &Card) -> bool {
    card.agent.as_ref().is_some_and(|agent| agent.status == AgentStatus::Queued)
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::model::{
        AgentBrief, AgentId, CardId, Check, EngineName, Gate, GateId, GateState, Money, ProjectId, Role,
    };

    /// A card without agent or gate.
    pub(crate) fn card(n: u128, stage: Stage) -> Card {
        Card {
            id: CardId(Uuid::from_u128(n)),
            number: n as i64,
            project_id: ProjectId(Uuid::from_u128(1)),
            title: format!("Card {n}"),
            body: None,
            stage,
            status: if stage == Stage::Backlog { CardStatus::Idle } else { CardStatus::Failed },
            reason: None,
            position: n as f64,
            agent: None,
            gate: None,
            artifacts: Vec::new(),
            tokens: 0,
            cost_usd: Money::ZERO,
            commit: None,
            branch: None,
            archived_at: None,
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    fn gated(stage: Stage, green: bool) -> Card {
        let check = Check { name: "applies".into(), passed: green, detail: String::new() };
        let gate = Gate {
            id: GateId(Uuid::from_u128(9)),
            stage,
            agent_id: None,
            checks: vec![check],
            state: GateState::Open,
            decided_by: None,
            reason: None,
            opened_at: DateTime::UNIX_EPOCH,
            decided_at: None,
        };
        Card { gate: Some(gate), status: CardStatus::NeedsApproval, ..card(1, stage) }
    }

    fn worked_on(stage: Stage) -> Card {
        let agent = AgentBrief {
            id: AgentId(Uuid::from_u128(5)),
            role: Role::Planner,
            engine: EngineName::Playbook,
            status: AgentStatus::Working,
            progress: 40,
            step: 2,
            steps: 5,
            doing: String::new(),
            waits_for: None,
            started_at: None,
        };
        Card { agent: Some(agent), status: CardStatus::Working, ..card(1, stage) }
    }

    #[test]
    fn forward_is_one_stage_through_an_open_gate() {
        let check = |card: &Card, to, want| assert_eq!(verdict(card, to), want, "{:?} to {to:?}", card.stage);
        check(&card(1, Stage::Backlog), Stage::Plan, Verdict::Free);
        check(&card(1, Stage::Backlog), Stage::Build, Verdict::Refused(Refusal::Skips(Stage::Plan)));
        check(&gated(Stage::Plan, true), Stage::Build, Verdict::Free);
        check(&gated(Stage::Plan, false), Stage::Build, Verdict::NeedsOverride);
        check(&gated(Stage::Plan, true), Stage::Review, Verdict::Refused(Refusal::Skips(Stage::Build)));
        check(&worked_on(Stage::Plan), Stage::Build, Verdict::Refused(Refusal::AgentAtWork));
        check(&card(1, Stage::Plan), Stage::Build, Verdict::Refused(Refusal::NoGate));
        check(&gated(Stage::Plan, true), Stage::Plan, Verdict::Refused(Refusal::AlreadyThere));
    }

    #[test]
    fn back_is_any_distance_and_shipped_cards_stay() {
        for from in Stage::ALL {
            for to in Stage::ALL.into_iter().filter(|to| *to < from) {
                assert_eq!(verdict(&worked_on(from), to), Verdict::Free);
                let shipped = Card { status: CardStatus::Shipped, ..card(1, from) };
                assert_eq!(verdict(&shipped, to), Verdict::Refused(Refusal::Shipped));
            }
        }
    }

    /// The menu is never a lesser way than dragging: it has every stage that a drag may reach.
    #[test]
    fn the_menu_offers_every_move_that_dragging_has() {
        for stage in Stage::ALL {
            for card in [card(1, stage), gated(stage, true), gated(stage, false), worked_on(stage)] {
                let offered = deeds(&card);
                for to in Stage::ALL {
                    let can = !matches!(verdict(&card, to), Verdict::Refused(_));
                    let has = offered.iter().any(|deed| matches!(deed, Deed::MoveTo { stage, .. } if *stage == to));
                    assert_eq!(can, has, "{stage:?} to {to:?}");
                }
            }
        }
        assert!(deeds(&worked_on(Stage::Build)).contains(&Deed::StopAgent));
        assert!(deeds(&card(1, Stage::Build)).contains(&Deed::Retry));
        assert!(deeds(&gated(Stage::Ship, true)).contains(&Deed::Approve { with_override: false }));
        assert!(deeds(&gated(Stage::Ship, true)).contains(&Deed::SendBack));
    }

    #[test]
    fn the_menu_offers_the_places_that_are_others() {
        use Place::*;
        let check = |at, count, want: &[Place]| {
            assert_eq!(
                places(at, count),
                want.iter().map(|place| Deed::Place(*place)).collect::<Vec<_>>(),
                "{at}/{count}"
            )
        };
        check(0, 1, &[]);
        check(0, 2, &[Down]);
        check(1, 2, &[Up]);
        check(0, 3, &[Down, Bottom]);
        check(2, 5, &[Up, Down, Top, Bottom]);
    }

    #[test]
    fn positions_fall_between() {
        assert_eq!(between(Some(1.0), Some(2.0)), 1.5);
        assert!(between(None, Some(0.0)) < 0.0);
        assert!(between(Some(3.0), None) > 3.0);
    }

    #[test]
    fn moves_are_announced_as_people_speak() {
        let said = announcement("Fix login", Stage::Plan, Stage::Build);
        assert_eq!(said, "Fix login moved from Plan to Build. Builder is starting.");
        let said = announcement("Fix login", Stage::Plan, Stage::Backlog);
        assert_eq!(said, "Fix login moved from Plan to Backlog.");
    }
}
