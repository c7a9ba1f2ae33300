//! How many cards each project has in each stage, and how many need a person.

use std::collections::HashMap;

use leptos::prelude::*;

use crate::{
    live::Live,
    model::{CardStatus, ProjectId, Stage},
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) stages: [u32; Stage::ALL.len()],
    pub(super) working: u32,
    pub(super) needs_you: u32,
    pub(super) shipped: u32,
}

impl Tally {
    fn count(&mut self, stage: Stage, status: CardStatus) {
        self.stages[stage as usize] += 1;
        match status {
            CardStatus::Queued | CardStatus::Working => self.working += 1,
            CardStatus::NeedsApproval | CardStatus::Waiting | CardStatus::Failed => self.needs_you += 1,
            CardStatus::Shipped => self.shipped += 1,
            CardStatus::Idle => {}
        }
    }
}

/// Of every project with cards, kept up to date by the stream.
pub(super) fn tallies(live: Live) -> Memo<HashMap<ProjectId, Tally>> {
    Memo::new(move |_| {
        let mut tallies: HashMap<ProjectId, Tally> = HashMap::new();
        for stage in Stage::ALL {
            for id in live.column(stage).get() {
                let Some(card) = live.card(id) else { continue };
                card.with(|card| tallies.entry(card.project_id).or_default().count(stage, card.status));
            }
        }
        tallies
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_counts_once() {
        let mut tally = Tally::default();
        for status in CardStatus::ALL {
            tally.count(Stage::Plan, *status);
        }
        assert_eq!(tally.stages[Stage::Plan as usize], CardStatus::ALL.len() as u32);
        assert_eq!((tally.working, tally.needs_you, tally.shipped), (2, 3, 1));
    }
}
