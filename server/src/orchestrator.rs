//! The one owner of agents: it alone creates, watches and deletes them, and it sleeps while they work.
//!
//! A loop reads what the database says, asks [`reconcile`] what is to be done, and starts a task for each
//! action. Tasks report by committing facts; those wake the loop again. Wake-ups carry no data.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use slipway_app::model::{AgentId, CardId};
use tokio_util::sync::CancellationToken;

use crate::{agent, store::StoreError, workshop::Workshop};

pub mod decide;
pub mod reconcile;
pub mod startup;
pub mod supervise;
pub mod tidy;
pub mod world;

use reconcile::{Action, reconcile};

/// The slow tick: how long a lost wake-up can delay anything. It also is the heartbeat of leases.
const TICK: Duration = Duration::from_secs(10);
/// After a failed look at the database, wait this long before the next.
const BACK_OFF: Duration = Duration::from_secs(1);
/// How long a stopping server waits for its agents to be stopped; the contract gives it 10 s in all.
const STOP_WITHIN: Duration = Duration::from_secs(8);

/// Runs agents until it is told to stop.
pub struct Orchestrator {
    workshop: Arc<Workshop>,
    busy: Mutex<Busy>,
    stopping: CancellationToken,
}

/// What tasks of this server have in hand.
#[derive(Default)]
struct Busy {
    agents: HashMap<AgentId, CancellationToken>,
    cards: HashSet<CardId>,
}

impl Orchestrator {
    pub fn new(workshop: Arc<Workshop>, stopping: CancellationToken) -> Arc<Self> {
        Arc::new(Orchestrator { workshop, busy: Mutex::default(), stopping })
    }

    /// Puts right what the last run left behind, then works until `stopping`, then stops what is under way
    /// so that the next start resumes it.
    pub async fn run(self: Arc<Self>) -> Result<(), StoreError> {
        startup::recover(&self.workshop).await?;
        while !self.stopping.is_cancelled() {
            let pause = match self.look().await {
                Ok(()) => TICK,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the orchestrator could not look at the board"
                    );
                    BACK_OFF
                }
            };
            tokio::select! {
                () = self.workshop.store.feed().orchestrator_woken() => {}
                () = tokio::time::sleep(pause) => {}
                () = self.stopping.cancelled() => {}
            }
        }
        self.stop_all().await;
        Ok(())
    }

    /// One round: look, decide, start tasks.
    async fn look(self: &Arc<Self>) -> Result<(), StoreError> {
        let (busy_agents, busy_cards) = {
            let busy = self.busy();
            (busy.agents.keys().copied().collect(), busy.cards.clone())
        };
        let world = world::load(&self.workshop, busy_agents, busy_cards).await?;
        for action in reconcile(&world) {
            tracing::debug!(?action, "reconciled");
            self.perform(action).await?;
        }
        Ok(())
    }

    /// Done here and not in a task: it wakes nobody, for there is nothing more to do about it.
    async fn hold(&self, agent: AgentId, why: &str) -> Result<(), StoreError> {
        let mut tx = self.workshop.store.begin().await?;
        agent::hold(&mut tx, agent, why).await?;
        tx.commit().await
    }

    async fn perform(self: &Arc<Self>, action: Action) -> Result<(), StoreError> {
        let workshop = self.workshop.clone();
        match action {
            Action::Start(agent) => {
                let stop = CancellationToken::new();
                let server_stops = self.stopping.clone();
                self.agent_task(agent, stop.clone(), async move {
                    supervise::supervise(&workshop, agent, stop, server_stops).await
                });
            }
            Action::Delete(agent) => {
                self.agent_task(
                    agent,
                    CancellationToken::new(),
                    async move { supervise::delete(&workshop, agent).await },
                );
            }
            Action::Requeue(agent) => self.agent_task(agent, CancellationToken::new(), async move {
                supervise::requeue_abandoned(&workshop, agent).await
            }),
            Action::Stop(agent) => {
                if let Some(stop) = self.busy().agents.get(&agent) {
                    stop.cancel();
                }
            }
            Action::Hold(agent, why) => self.hold(agent, &why).await?,
            Action::OpenGate(card, agent) => {
                self.card_task(card, async move { decide::open_gate(&workshop, card, agent).await });
            }
            Action::Approve(card, gate) => {
                self.card_task(card, async move { decide::approve(&workshop, card, gate).await });
            }
            Action::SendBack(card, gate) => {
                self.card_task(card, async move { decide::send_back(&workshop, card, gate).await });
            }
            Action::Land(card) => self.card_task(card, async move { crate::ship::land(&workshop, card).await }),
            Action::CleanUp(card) => self.card_task(card, async move { tidy::remove_workspace(&workshop, card).await }),
        }
        Ok(())
    }

    /// Runs a task that has an agent in hand until it ends.
    fn agent_task<E: std::error::Error + Send + 'static>(
        self: &Arc<Self>,
        agent: AgentId,
        stop: CancellationToken,
        work: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.busy().agents.insert(agent, stop);
        let this = self.clone();
        tokio::spawn(async move {
            let done = InHand { orchestrator: this, agent: Some(agent), card: None };
            if let Err(error) = work.await {
                tracing::error!(%agent, error = &error as &dyn std::error::Error, "an agent's task failed");
                tokio::time::sleep(BACK_OFF).await;
            }
            drop(done);
        });
    }

    /// Runs a task that has a card in hand until it ends.
    fn card_task<E: std::error::Error + Send + 'static>(
        self: &Arc<Self>,
        card: CardId,
        work: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.busy().cards.insert(card);
        let this = self.clone();
        tokio::spawn(async move {
            let done = InHand { orchestrator: this, agent: None, card: Some(card) };
            if let Err(error) = work.await {
                tracing::error!(%card, error = &error as &dyn std::error::Error, "a card's task failed");
                tokio::time::sleep(BACK_OFF).await;
            }
            drop(done);
        });
    }

    async fn stop_all(&self) {
        for stop in self.busy().agents.values() {
            stop.cancel();
        }
        let all_done = async {
            while !self.is_idle() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(STOP_WITHIN, all_done).await.is_err() {
            tracing::warn!("some agents did not stop in time; the next start takes them up");
        }
    }

    fn is_idle(&self) -> bool {
        let busy = self.busy();
        busy.agents.is_empty() && busy.cards.is_empty()
    }

    fn busy(&self) -> MutexGuard<'_, Busy> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets go of what a task has in hand however the task ends, a panic included, and has the loop look again.
struct InHand {
    orchestrator: Arc<Orchestrator>,
    agent: Option<AgentId>,
    card: Option<CardId>,
}

impl Drop for InHand {
    fn drop(&mut self) {
        let mut busy = self.orchestrator.busy();
        if let Some(agent) = self.agent {
            busy.agents.remove(&agent);
        }
        if let Some(card) = self.card {
            busy.cards.remove(&card);
        }
        drop(busy);
        self.orchestrator.workshop.store.feed().wake_orchestrator();
    }
}
