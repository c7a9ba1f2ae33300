//! What the board's page holds at first: the top of each column, which is what a person sees, and how many
//! cards there are. The browser fetches the rest once it has taken over; without JavaScript a link under the
//! column leads to all of it.

use leptos_router::params::ParamsMap;

use super::filter::Filter;
use crate::model::Stage;

/// Cards of a column that the page holds at first: as many as the tallest common window shows.
pub(super) const FIRST_CARDS: usize = 20;

/// The parameter that names the column to show whole.
const WHOLE: &str = "all";

/// The column that the address asks to see whole.
pub(super) fn whole(query: &ParamsMap) -> Option<Stage> {
    query.get(WHOLE).and_then(|stage| Stage::parse(&stage))
}

/// The address of the board under `filter` with one column whole.
pub(super) fn whole_address(filter: &Filter, stage: Stage) -> String {
    let address = filter.address();
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}{WHOLE}={}", stage.as_str())
}

#[cfg(feature = "ssr")]
pub use server::FirstView;

#[cfg(feature = "ssr")]
mod server {
    use super::*;
    use crate::{
        error::Problem,
        port::{Board, BoardSnapshot},
    };

    /// What an address shows at first.
    pub struct FirstView {
        filter: Filter,
        whole: Option<Stage>,
    }

    impl FirstView {
        /// Reads the part of an address after `?`.
        pub fn of(query: &str) -> Self {
            let query = leptos_router::location::RequestUrl::new(&format!("/?{query}"));
            let query = query.parse().map(|url| url.search_params().clone()).unwrap_or_default();
            FirstView { filter: Filter::from_query(&query), whole: whole(&query) }
        }

        /// Reads it. Only a filter that looks inside cards needs all of them.
        pub async fn read(&self, board: &dyn Board) -> Result<BoardSnapshot, Problem> {
            if self.whole.is_none() && !self.filter.looks_inside() {
                return board
                    .first_cards(self.filter.project, FIRST_CARDS as u64)
                    .await
                    .map(|snapshot| self.mark(snapshot));
            }
            board.snapshot(None).await.map(|snapshot| self.cut(snapshot))
        }

        /// A board that was read for one project only leaves out the others' cards.
        fn mark(&self, mut snapshot: BoardSnapshot) -> BoardSnapshot {
            if self.filter.project.is_some() && snapshot.totals.is_none() {
                snapshot.totals =
                    Some(Stage::ALL.map(|stage| snapshot.cards.iter().filter(|card| card.stage == stage).count()));
            }
            snapshot
        }

        /// Leaves out what the filter does not admit and what is further down.
        fn cut(&self, mut snapshot: BoardSnapshot) -> BoardSnapshot {
            let all = snapshot.cards.len();
            let mut totals = [0; Stage::ALL.len()];
            // The cards come in the order of their columns.
            snapshot.cards.retain(|card| {
                let total = &mut totals[card.stage as usize];
                let admitted = self.filter.admits(card);
                *total += usize::from(admitted);
                admitted && (*total <= FIRST_CARDS || self.whole == Some(card.stage))
            });
            snapshot.totals = (snapshot.cards.len() < all).then_some(totals);
            snapshot
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::{
            board::moves::tests::card,
            model::{Card, Pulse},
        };

        fn check(query: &str, drawn: [usize; 5], totals: Option<[usize; 5]>) {
            let cards: Vec<Card> = (0..50)
                .map(|n| card(n, if n < 30 { Stage::Plan } else { Stage::Build }))
                .map(|card| Card { title: if card.number % 2 == 0 { "even".into() } else { "odd".into() }, ..card })
                .collect();
            let snapshot = BoardSnapshot { seq: 1, projects: vec![], cards, pulse: Pulse::default(), totals: None };
            let cut = FirstView::of(query).cut(snapshot);
            let here = Stage::ALL.map(|stage| cut.cards.iter().filter(|card| card.stage == stage).count());
            assert_eq!((here, cut.totals), (drawn, totals), "{query}");
        }

        #[test]
        fn the_first_view_holds_the_top_of_each_column_and_counts_all() {
            check("", [0, 20, 20, 0, 0], Some([0, 30, 20, 0, 0]));
            check("q=even", [0, 15, 10, 0, 0], Some([0, 15, 10, 0, 0]));
            check("all=plan", [0, 30, 20, 0, 0], None);
            check("all=plan&q=odd&status=idle", [0, 0, 0, 0, 0], Some([0; 5]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_to_a_whole_column_keeps_the_filter() {
        assert_eq!(whole_address(&Filter::default(), Stage::Plan), "/?all=plan");
        let filter = Filter { text: "fog".into(), ..Filter::default() };
        assert_eq!(whole_address(&filter, Stage::Ship), "/?q=fog&all=ship");
    }
}
