//! Every card as the board shows it: one signal per card, one ordered list of ids per stage, kept up to
//! date by the event stream. A change to one card redraws that card and nothing else.
//!
//! A person's own move shows at once ([`Live::pretend`]); it then either becomes true ([`Live::confirm`])
//! or is taken back ([`Live::restore`]). What the stream says about the card meanwhile is kept aside, so
//! that a card under a move does not jump.

mod entry;
#[cfg(feature = "hydrate")]
mod socket;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use leptos::prelude::*;

use crate::{
    model::{Batch, Card, CardId, Project, ProjectId, Pulse, Stage},
    port::{BoardSnapshot, Totals},
};
use entry::Entry;

/// Whether the stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Not opened yet: nothing to tell anyone.
    Opening,
    Live,
    /// Lost; trying again.
    Lost,
}

/// Cards that left the board and are remembered, so that an older snapshot does not bring them back. Between
/// two snapshots hardly ever more leave; a card that comes back leaves again with its next event.
const GONE_LIMIT: usize = 1_000;

type Listener = Arc<dyn Fn(&Batch) + Send + Sync>;

#[derive(Default)]
struct Store {
    cards: HashMap<CardId, Entry>,
    /// Cards that left, and after which event.
    gone: Vec<(CardId, i64)>,
    listeners: Vec<(u64, Listener)>,
    listeners_made: u64,
}

impl Store {
    fn left(&mut self, id: CardId, seq: i64) {
        if self.gone.len() >= GONE_LIMIT {
            self.gone.remove(0);
        }
        self.gone.push((id, seq));
    }
}

/// The store. From context; copies are the same store.
#[derive(Clone, Copy)]
pub struct Live {
    store: StoredValue<Store>,
    columns: [RwSignal<Vec<CardId>>; Stage::ALL.len()],
    projects: RwSignal<Vec<Project>>,
    pulse: RwSignal<Pulse>,
    connection: RwSignal<Connection>,
    /// Whether cards have been loaded; pages other than the board start without.
    has_cards: RwSignal<bool>,
    /// How many cards each column has while only the first of each are here; `None` once all are.
    totals: RwSignal<Option<Totals>>,
    /// Whether everything is being asked for.
    #[cfg(feature = "hydrate")]
    loading: StoredValue<bool>,
    /// The last event that everything here includes.
    seq: StoredValue<i64>,
}

impl Live {
    /// Makes an empty store and puts it into context.
    pub fn provide() -> Self {
        let live = Live {
            store: StoredValue::new(Store::default()),
            columns: std::array::from_fn(|_| RwSignal::new(Vec::new())),
            projects: RwSignal::new(Vec::new()),
            pulse: RwSignal::new(Pulse::default()),
            connection: RwSignal::new(Connection::Opening),
            has_cards: RwSignal::new(false),
            totals: RwSignal::new(None),
            #[cfg(feature = "hydrate")]
            loading: StoredValue::new(false),
            seq: StoredValue::new(0),
        };
        provide_context(live);
        live
    }

    /// Takes over a snapshot. `with_cards` says whether it holds the board's cards or only its figures. What
    /// the stream has said since the snapshot was taken stays.
    pub fn load(self, snapshot: BoardSnapshot, with_cards: bool) {
        if self.projects.with_untracked(|known| *known != snapshot.projects) {
            self.projects.set(snapshot.projects);
        }
        if snapshot.seq >= self.seq.get_value() {
            self.pulse.set(snapshot.pulse);
            self.seq.set_value(snapshot.seq);
        }
        if with_cards {
            self.store.update_value(|store| {
                let fresh: HashSet<CardId> = snapshot.cards.iter().map(|card| card.id).collect();
                store.cards.retain(|id, entry| entry.is_newer_than(snapshot.seq) || fresh.contains(id));
                store.gone.retain(|(_, seq)| *seq > snapshot.seq);
            });
            self.absorb(snapshot.cards, snapshot.seq);
            self.columns_changed(Stage::ALL);
            self.has_cards.set(true);
            self.totals.set(snapshot.totals);
        }
    }

    /// Applies one frame of the stream. Frames from before what is known already change nothing.
    pub fn apply(self, batch: Batch) {
        if batch.seq < self.seq.get_value() {
            return;
        }
        self.seq.set_value(batch.seq);
        let listeners: Vec<Listener> =
            self.store.with_value(|store| store.listeners.iter().map(|(_, listener)| listener.clone()).collect());
        for listener in listeners {
            listener(&batch);
        }
        if self.has_cards.get_untracked() {
            let stages = self.absorb(batch.cards, batch.seq);
            self.columns_changed(stages);
        }
        if self.pulse.with_untracked(|pulse| *pulse != batch.pulse) {
            self.pulse.set(batch.pulse);
        }
        #[cfg(feature = "hydrate")]
        if batch.events.iter().any(|event| event.kind.starts_with("project.")) {
            self.reload();
        }
    }

    /// Asks the server for everything again.
    #[cfg(feature = "hydrate")]
    pub fn reload(self) {
        if self.loading.get_value() {
            return;
        }
        self.loading.set_value(true);
        leptos::task::spawn_local(async move {
            let answer = crate::api::load_board(None).await;
            self.loading.try_set_value(false);
            if let Ok(snapshot) = answer {
                self.load(snapshot, true);
            }
        });
    }

    /// Fetches the cards that the first view left out; tries again whenever the stream comes back.
    #[cfg(feature = "hydrate")]
    pub fn complete(self) {
        Effect::new(move |_| {
            self.connection.track();
            if self.totals.with_untracked(Option::is_some) {
                self.reload();
            }
        });
    }

    #[cfg(not(feature = "hydrate"))]
    pub fn complete(self) {}

    /// Opens the stream and keeps it open for as long as the page lives.
    #[cfg(feature = "hydrate")]
    pub fn follow(self) {
        socket::follow(self);
    }

    /// Calls `listener` with every frame, in order and without gaps, until the current owner is disposed of.
    pub fn on_batch(self, listener: impl Fn(&Batch) + Send + Sync + 'static) {
        let mut id = 0;
        self.store.update_value(|store| {
            store.listeners_made += 1;
            id = store.listeners_made;
            store.listeners.push((id, Arc::new(listener)));
        });
        on_cleanup(move || {
            self.store.try_update_value(|store| store.listeners.retain(|(other, _)| *other != id));
        });
    }

    /// A card's signal.
    pub fn card(self, id: CardId) -> Option<ArcRwSignal<Card>> {
        self.store.with_value(|store| store.cards.get(&id).map(|entry| entry.shown.clone()))
    }

    /// A card as it shows now, without following it.
    pub fn peek(self, id: CardId) -> Option<Card> {
        self.card(id).map(|card| card.get_untracked())
    }

    /// The cards of a stage, in order.
    pub fn column(self, stage: Stage) -> RwSignal<Vec<CardId>> {
        self.columns[stage as usize]
    }

    pub fn projects(self) -> RwSignal<Vec<Project>> {
        self.projects
    }

    /// A project as it is known now, without following it.
    pub fn project(self, id: ProjectId) -> Option<Project> {
        self.projects.with_untracked(|projects| projects.iter().find(|project| project.id == id).cloned())
    }

    pub fn pulse(self) -> RwSignal<Pulse> {
        self.pulse
    }

    pub fn connection(self) -> RwSignal<Connection> {
        self.connection
    }

    pub fn has_cards(self) -> RwSignal<bool> {
        self.has_cards
    }

    /// How many cards each column has while only the first of each are here.
    pub fn totals(self) -> RwSignal<Option<Totals>> {
        self.totals
    }

    /// Sequence number of the last event that everything here includes.
    pub fn seq(self) -> i64 {
        self.seq.get_value()
    }

    /// Shows a card as it will be if the server agrees. Answers with the number of this pretence, for
    /// [`Live::confirm`] or [`Live::restore`]; a later pretence about the same card is not theirs to end.
    pub fn pretend(self, id: CardId, change: impl FnOnce(&mut Card)) -> u32 {
        let mut nth = 0;
        self.change(id, |entry| nth = entry.pretend(change));
        nth
    }

    /// The server agreed. The pretence stays until the stream brings the card as it really is.
    pub fn confirm(self, id: CardId, pretence: u32) {
        self.change(id, |entry| entry.confirm(pretence));
    }

    /// The server refused: shows the card as it is.
    pub fn restore(self, id: CardId, pretence: u32) {
        self.change(id, |entry| entry.restore(pretence));
    }

    /// Takes over a card that the server answered with.
    pub fn accept(self, card: Card) {
        let stages = self.absorb(vec![card], self.seq.get_value());
        self.columns_changed(stages);
    }

    fn change(self, id: CardId, act: impl FnOnce(&mut Entry)) {
        let mut stages = Vec::new();
        let mut show = None;
        self.store.update_value(|store| {
            if let Some(entry) = store.cards.get_mut(&id) {
                let before = entry.stage();
                act(entry);
                stages = vec![before, entry.stage()];
                show = Some((entry.shown.clone(), entry.to_show()));
            }
        });
        set_if_changed(show);
        self.columns_changed(stages);
    }

    /// Takes over cards as they were after event `seq`; answers with the stages whose lists may have changed.
    fn absorb(self, cards: Vec<Card>, seq: i64) -> Vec<Stage> {
        let mut stages = Vec::new();
        let mut shows = Vec::new();
        self.store.update_value(|store| {
            for card in cards {
                if card.archived_at.is_some() {
                    stages.extend(store.cards.remove(&card.id).map(|entry| entry.stage()));
                    store.left(card.id, seq);
                    continue;
                }
                match store.cards.get_mut(&card.id) {
                    Some(entry) => {
                        let before = entry.place();
                        entry.learn(card, seq);
                        if before != entry.place() {
                            stages.extend([before.0, entry.stage()]);
                        }
                        shows.push((entry.shown.clone(), entry.to_show()));
                    }
                    None if store.gone.iter().any(|(id, left)| *id == card.id && *left > seq) => {}
                    None => {
                        stages.push(card.stage);
                        store.cards.insert(card.id, Entry::new(card, seq));
                    }
                }
            }
        });
        set_if_changed(shows);
        stages
    }

    /// Sorts the lists of these stages anew.
    fn columns_changed(self, stages: impl IntoIterator<Item = Stage>) {
        let mut touched = [false; Stage::ALL.len()];
        for stage in stages {
            touched[stage as usize] = true;
        }
        for stage in Stage::ALL.into_iter().filter(|stage| touched[*stage as usize]) {
            let ids = self.store.with_value(|store| entry::ordered(store.cards.values(), stage));
            if self.column(stage).with_untracked(|old| *old != ids) {
                self.column(stage).set(ids);
            }
        }
    }
}

/// Signals are set outside the store's lock, because what follows them may read the store.
fn set_if_changed(shows: impl IntoIterator<Item = (ArcRwSignal<Card>, Card)>) {
    for (signal, card) in shows {
        if signal.with_untracked(|old| *old != card) {
            signal.set(card);
        }
    }
}
