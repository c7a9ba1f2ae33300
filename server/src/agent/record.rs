//! What an agent does, put on record as it happens: events are stored in batches, at most
//! [`FLUSH_EVERY`] after they occurred, and the agent's row carries the latest figures.

use std::{sync::Arc, time::Duration};

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
};
use serde_json::json;
use slipway_app::model::CardId;
use tokio::{sync::mpsc, time::Instant};

use super::{Lease, LeaseError, Row, held};
use crate::{
    card,
    engine::EngineEvent,
    events::{EventKind, NewEvent},
    store::{Store, StoreError, Tx, entity},
};

/// Log lines may wait this long for their commit, so that a chatty agent costs ten fsyncs a second and not
/// a thousand.
const FLUSH_EVERY: Duration = Duration::from_millis(100);
/// A batch is stored early when it has this many events.
const BATCH: usize = 128;
/// Longest text kept in one event, in bytes; the artifact or transcript holds the whole.
const TEXT_LIMIT: usize = 16 * 1024;

/// Stores what arrives until the sender is gone, and hands back what is not stored yet, so that the last
/// lines commit together with the agent's end.
pub async fn until_done(
    store: Arc<Store>,
    lease: Lease,
    mut events: mpsc::Receiver<EngineEvent>,
) -> Result<Vec<EngineEvent>, LeaseError> {
    let mut batch: Vec<EngineEvent> = Vec::new();
    let mut due: Option<Instant> = None;
    loop {
        let next = match due {
            None => events.recv().await.map(Some),
            Some(at) => match tokio::time::timeout_at(at, events.recv()).await {
                Ok(received) => received.map(Some),
                Err(_elapsed) => Some(None),
            },
        };
        match next {
            None => return Ok(batch),
            Some(Some(event)) => {
                batch.push(event);
                due.get_or_insert_with(|| Instant::now() + FLUSH_EVERY);
                if batch.len() < BATCH {
                    continue;
                }
            }
            Some(None) => {}
        }
        let mut tx = store.begin().await?;
        append(&mut tx, lease, std::mem::take(&mut batch)).await?;
        tx.commit().await?;
        due = None;
    }
}

/// Appends events to the transaction and brings the agent's row up to date.
pub async fn append(tx: &mut Tx<'_>, lease: Lease, batch: Vec<EngineEvent>) -> Result<(), LeaseError> {
    if batch.is_empty() {
        return Ok(());
    }
    let row = held(&**tx, lease).await?;
    let mut tally = Tally::of(&row);
    for event in batch {
        let fact = tally.count(&row, event);
        tx.append(fact).await?;
    }
    tally.store(tx, &row).await?;
    Ok(())
}

/// The running figures of one agent while a batch is stored.
struct Tally {
    change: entity::agent::ActiveModel,
    tool_calls: i64,
    input: i64,
    output: i64,
    cached: i64,
    cost_nanos: i64,
}

impl Tally {
    fn of(row: &Row) -> Self {
        Tally {
            change: entity::agent::ActiveModel { id: Unchanged(row.id), ..Default::default() },
            tool_calls: row.tool_calls,
            input: 0,
            output: 0,
            cached: 0,
            cost_nanos: 0,
        }
    }

    fn count(&mut self, row: &Row, event: EngineEvent) -> NewEvent {
        match event {
            EngineEvent::Message(text) => row.event(EventKind::AgentMessage, json!({ "text": clip(text) })),
            EngineEvent::Thought(text) => row.event(EventKind::AgentThought, json!({ "text": clip(text) })),
            EngineEvent::ToolCall { tool, input } => {
                self.tool_calls += 1;
                row.event(EventKind::AgentToolCall, json!({ "tool": tool, "input": input }))
            }
            EngineEvent::ToolResult { tool, ok, output } => {
                row.event(EventKind::AgentToolResult, json!({ "tool": tool, "ok": ok, "output": clip(output) }))
            }
            EngineEvent::Usage { tokens, cost_nanos, context_used, context_size } => {
                self.input += tokens.input;
                self.output += tokens.output;
                self.cached += tokens.cached;
                self.cost_nanos += cost_nanos;
                self.change.context_used = Set(context_used);
                self.change.context_size = Set(context_size);
                let data = json!({
                    "tokens": tokens, "cost_nanos": cost_nanos,
                    "context_used": context_used, "context_size": context_size,
                });
                row.event(EventKind::AgentUsage, data)
            }
            EngineEvent::Progress { percent, step, steps, doing } => {
                let percent = percent.min(100);
                self.change.progress = Set(i32::from(percent));
                self.change.step = Set(i32::from(step));
                self.change.steps = Set(i32::from(steps));
                self.change.doing = Set(doing.clone());
                let data = json!({ "percent": percent, "step": step, "steps": steps, "doing": doing });
                row.event(EventKind::AgentProgress, data)
            }
        }
    }

    /// Stores the agent's figures, and adds what was used to the card's sums in the same transaction, so
    /// that the parts always add up.
    async fn store(mut self, tx: &mut Tx<'_>, row: &Row) -> Result<(), StoreError> {
        self.change.tool_calls = Set(self.tool_calls);
        self.change.tokens_input = Set(row.tokens_input + self.input);
        self.change.tokens_output = Set(row.tokens_output + self.output);
        self.change.tokens_cached = Set(row.tokens_cached + self.cached);
        self.change.cost_nanos = Set(row.cost_nanos + self.cost_nanos);
        self.change.update(&**tx).await?;
        if self.input + self.output + self.cost_nanos == 0 {
            return Ok(());
        }
        let Ok(card) = card::load(&**tx, CardId(row.card_id)).await else { return Ok(()) };
        let mut change = card::touched(&card);
        change.tokens = Set(card.tokens + self.input + self.output);
        change.cost_nanos = Set(card.cost_nanos + self.cost_nanos);
        change.update(&**tx).await?;
        Ok(())
    }
}

/// Cuts a text at a character's border and says how much is gone.
fn clip(mut text: String) -> String {
    if text.len() <= TEXT_LIMIT {
        return text;
    }
    let end = (0..=TEXT_LIMIT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let cut = text.len() - end;
    text.truncate(end);
    text.push_str(&format!("\n… {cut} bytes more"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_at_a_character() {
        let text = "ü".repeat(TEXT_LIMIT);
        let cut = clip(text.clone());
        assert!(cut.len() < TEXT_LIMIT + 40);
        assert!(cut.ends_with(&format!("… {} bytes more", TEXT_LIMIT)));
        assert_eq!(clip("short".to_owned()), "short");
    }
}
