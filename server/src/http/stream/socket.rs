//! The same events over WebSocket (RFC 6455), for pages: browsers allow few event streams to one host.
//! The socket only sends; whatever a client says on it beyond control frames ends it.

use std::{pin::pin, time::Duration};

use axum::{
    body::Bytes,
    extract::ws::{CloseFrame, Message, WebSocket, close_code},
};
use serde::Serialize;
use slipway_app::model::{Batch, Event};
use tokio::time::Instant;

use super::{
    Streams,
    pull::{Pull, Pulled, Source},
};

/// Largest frame taken from a client, in bytes: control frames are all it may send (RFC 6455, 5.5).
pub const INCOMING_LIMIT: usize = 125;

/// Beats without a sign of life after which a client counts as dead: the answer to one lost ping may
/// still be under way.
const SILENT_BEATS: u32 = 2;

/// What goes into one frame.
pub trait Frames {
    type Frame: Serialize;
    fn frames(self) -> impl Iterator<Item = Self::Frame> + Send;
}

impl Frames for Vec<Event> {
    type Frame = Event;
    fn frames(self) -> impl Iterator<Item = Event> + Send {
        self.into_iter()
    }
}

impl Frames for Batch {
    type Frame = Batch;
    fn frames(self) -> impl Iterator<Item = Batch> + Send {
        std::iter::once(self)
    }
}

/// Why a socket ends.
enum End {
    /// The client went, or is not to be reached.
    Gone,
    /// We say why.
    Close(u16, &'static str),
}

/// Serves one socket until either side ends it.
pub async fn serve<S>(mut socket: WebSocket, mut pull: Pull<S>, streams: Streams)
where
    S: Source,
    S::Page: Frames,
{
    let end = run(&mut socket, &mut pull, &streams).await;
    if let End::Close(code, reason) = end {
        let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        // A client that does not take even this is gone either way.
        let _ = tokio::time::timeout(streams.blocked_reader, socket.send(close)).await;
    }
}

async fn run<S>(socket: &mut WebSocket, pull: &mut Pull<S>, streams: &Streams) -> End
where
    S: Source,
    S::Page: Frames,
{
    let mut heard = Instant::now();
    loop {
        let pulled = match next(socket, pull, &mut heard).await {
            Ok(pulled) => pulled,
            Err(end) => return end,
        };
        let sent = match pulled {
            Pulled::Page(page) => send_page(socket, page, streams.blocked_reader).await,
            Pulled::Beat if heard.elapsed() > streams.beat * SILENT_BEATS => return End::Gone,
            Pulled::Beat => send(socket, Message::Ping(Bytes::new()), streams.blocked_reader).await,
            Pulled::Ended => return End::Close(close_code::AWAY, "the server stops; come back"),
        };
        if let Err(end) = sent {
            return end;
        }
    }
}

/// Waits for something to send while listening to the client. The pull is polled to its end and never
/// dropped half-way, so a client that talks a lot cannot starve it.
async fn next<S: Source>(
    socket: &mut WebSocket,
    pull: &mut Pull<S>,
    heard: &mut Instant,
) -> Result<Pulled<S::Page>, End> {
    let mut pulled = pin!(pull.next());
    loop {
        tokio::select! {
            pulled = &mut pulled => return Ok(pulled),
            message = socket.recv() => match message {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => *heard = Instant::now(),
                Some(Ok(Message::Text(_) | Message::Binary(_))) => {
                    return Err(End::Close(close_code::POLICY, "this socket only sends"));
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
            },
        }
    }
}

async fn send_page<P: Frames>(socket: &mut WebSocket, page: P, patience: Duration) -> Result<(), End> {
    for frame in page.frames() {
        let text = serde_json::to_string(&frame).map_err(|error| {
            tracing::error!(%error, "an event cannot be written as JSON");
            End::Close(close_code::ERROR, "an event cannot be written")
        })?;
        send(socket, Message::Text(text.into()), patience).await?;
    }
    Ok(())
}

async fn send(socket: &mut WebSocket, message: Message, patience: Duration) -> Result<(), End> {
    match tokio::time::timeout(patience, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        // Closing would have to wait behind what the client does not take.
        Ok(Err(_)) | Err(_) => Err(End::Gone),
    }
}
