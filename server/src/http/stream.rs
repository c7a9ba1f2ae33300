//! Event streams: the same committed facts as server-sent events and over WebSocket.
//!
//! Both run one loop ([`pull`]): sleep until something was committed, read one page after the cursor, send
//! it, repeat. Nothing is pushed and nothing is buffered beyond that page, so a slow reader costs one page
//! of memory and holds nobody up; a reader that goes away comes back with the last number it saw.

use std::{sync::Arc, time::Duration};

use slipway_app::error::{ErrorCode, Problem};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub mod pull;
pub mod socket;
pub mod sse;

/// Streams at once: some tabs for each of a small team, and a few programs. Each costs a task, a page of
/// events and a query per commit.
pub const STREAM_LIMIT: usize = 64;

/// Events read at once for one reader. Enough that catching up is quick, few enough to hold in memory for
/// every reader at once.
pub const STREAM_PAGE: u32 = 100;

/// How often a stream says that it is alive: well under the minute after which proxies close quiet ones.
pub const BEAT: Duration = Duration::from_secs(15);

/// How long a reader may take nothing before it is closed; it resumes with the number it has. Two beats,
/// so that a laptop that sleeps for a moment keeps its stream.
pub const BLOCKED_READER: Duration = Duration::from_secs(30);

/// The streams that are open.
#[derive(Clone, Debug)]
pub struct Streams {
    seats: Arc<Semaphore>,
    /// [`BEAT`], but in tests.
    pub beat: Duration,
    /// [`BLOCKED_READER`], but in tests.
    pub blocked_reader: Duration,
}

impl Default for Streams {
    fn default() -> Self {
        Streams { seats: Arc::new(Semaphore::new(STREAM_LIMIT)), beat: BEAT, blocked_reader: BLOCKED_READER }
    }
}

impl Streams {
    #[cfg(test)]
    pub fn with(seats: usize, beat: Duration, blocked_reader: Duration) -> Self {
        Streams { seats: Arc::new(Semaphore::new(seats)), beat, blocked_reader }
    }

    /// A seat for one more stream; dropping it frees it.
    ///
    /// # Errors
    /// `too_many_streams` when all are taken.
    pub fn open(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.seats.clone().try_acquire_owned().map_err(|_| {
            let detail = format!("{STREAM_LIMIT} event streams are open already. Close one, or try again shortly.");
            Problem::new(ErrorCode::TooManyStreams, detail)
        })
    }
}
