//! The loop that both kinds of stream share.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use slipway_app::{
    error::Problem,
    model::{Batch, Event},
};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::Instant,
};

use super::{super::stopping::Stopping, STREAM_PAGE, Streams};
use crate::http::doors::{Doors, EventQuery};

/// What a stream sends next.
#[derive(Debug, PartialEq)]
pub enum Pulled<T> {
    Page(T),
    /// A beat has passed: say that the stream is alive.
    Beat,
    /// The server stops, or can't read events any more. The reader resumes later.
    Ended,
}

/// What a stream reads: plain events, or batches for the board's pages.
#[async_trait]
pub trait Source: Send {
    type Page: Send;

    /// One page after `after`, and the sequence number it leads up to; `None` when there is nothing.
    async fn page(&mut self, doors: &dyn Doors, after: i64) -> Result<Option<(Self::Page, i64)>, Problem>;
}

/// Events, of one card or agent where the query says so.
pub struct Events(pub EventQuery);

#[async_trait]
impl Source for Events {
    type Page = Vec<Event>;

    async fn page(&mut self, doors: &dyn Doors, after: i64) -> Result<Option<(Vec<Event>, i64)>, Problem> {
        let events = doors.events(EventQuery { after, limit: STREAM_PAGE, ..self.0 }).await?;
        let last = events.last().map(|event| event.seq);
        Ok(last.map(|last| (events, last)))
    }
}

/// Events with the cards they are about.
pub struct Batches;

#[async_trait]
impl Source for Batches {
    type Page = Batch;

    async fn page(&mut self, doors: &dyn Doors, after: i64) -> Result<Option<(Batch, i64)>, Problem> {
        let batch = doors.batch(after, STREAM_PAGE).await?;
        let seq = batch.seq;
        Ok((seq > after).then_some((batch, seq)))
    }
}

/// One reader's place in the log of events.
pub struct Pull<S> {
    doors: Arc<dyn Doors>,
    source: S,
    after: i64,
    committed: watch::Receiver<i64>,
    stopping: Stopping,
    beat: Duration,
    next_beat: Instant,
    /// Whether the log may hold something after `after`: at the start, after a wake-up and on every beat,
    /// so that a lost wake-up costs a beat and no event.
    look: bool,
    _seat: OwnedSemaphorePermit,
}

impl<S: Source> Pull<S> {
    /// Starts after the given sequence number.
    ///
    /// # Errors
    /// `too_many_streams` when there is no seat left.
    pub fn open(
        doors: Arc<dyn Doors>,
        source: S,
        after: i64,
        streams: &Streams,
        stopping: Stopping,
    ) -> Result<Self, Problem> {
        let seat = streams.open()?;
        let committed = doors.subscribe();
        let next_beat = Instant::now() + streams.beat;
        Ok(Pull { doors, source, after, committed, stopping, beat: streams.beat, next_beat, look: true, _seat: seat })
    }

    /// Waits for the next thing to send.
    pub async fn next(&mut self) -> Pulled<S::Page> {
        loop {
            if self.stopping.is_requested() {
                return Pulled::Ended;
            }
            if Instant::now() >= self.next_beat {
                self.next_beat = Instant::now() + self.beat;
                self.look = true;
                return Pulled::Beat;
            }
            if self.look {
                match self.look().await {
                    Ok(Some(page)) => return Pulled::Page(page),
                    Ok(None) => self.look = false,
                    Err(problem) => {
                        tracing::warn!(%problem, "an event stream ends because events cannot be read");
                        return Pulled::Ended;
                    }
                }
            }
            tokio::select! {
                changed = self.committed.changed() => match changed {
                    Ok(()) => self.look = true,
                    Err(_) => return Pulled::Ended,
                },
                () = tokio::time::sleep_until(self.next_beat) => {}
                () = self.stopping.requested() => return Pulled::Ended,
            }
        }
    }

    /// Reads one page. A wake-up that comes while it reads is not lost: it was marked as seen before.
    async fn look(&mut self) -> Result<Option<S::Page>, Problem> {
        let head = *self.committed.borrow_and_update();
        let page = self.source.page(self.doors.as_ref(), self.after).await?;
        Ok(match page {
            Some((page, seq)) => {
                self.after = seq;
                Some(page)
            }
            None => {
                // A filter found nothing up to `head`, so those rows need not be looked at again.
                self.after = self.after.max(head);
                None
            }
        })
    }
}
