//! Accepts connections and serves them: HTTP/1.1 only, everything bounded, and an end within a known time.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::ServiceExt;

use self::deadline::WriteDeadline;
use super::{stopping::Stopping, stream::BLOCKED_READER};

mod deadline;

/// Connections at once: well over what a team's browsers open, well under the usual limit of 1,024 open
/// files. Further ones wait in the listener's queue.
pub const CONNECTION_LIMIT: usize = 512;

/// How long a request's head may take, and how long an idle connection is kept.
const HEAD_TIME: Duration = Duration::from_secs(15);

/// Largest request head, in bytes: cookies of every port of this host end up in it.
const HEAD_LIMIT: usize = 64 * 1024;

/// How long requests under way may take to end when the server stops. The whole process has 10 s.
const GRACE: Duration = Duration::from_secs(3);

/// Pause after a failed accept: out of file descriptors, most likely, and asking at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves until the server stops, then lets requests under way end, for at most three seconds. Streams end
/// by themselves, because they watch `stopping` too.
pub async fn serve(listener: TcpListener, router: Router, mut stopping: Stopping) {
    let seats = Arc::new(Semaphore::new(CONNECTION_LIMIT));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &seats) => accepted,
            () = stopping.requested() => break,
        };
        if let Some((stream, seat)) = accepted {
            tokio::spawn(connection(stream, router.clone(), stopping.clone(), seat));
        }
    }
    drop(listener);
    let all = u32::try_from(CONNECTION_LIMIT).unwrap_or(u32::MAX);
    if tokio::time::timeout(GRACE, seats.acquire_many(all)).await.is_err() {
        tracing::warn!("some connections were cut off because they did not end in time");
    }
}

/// The next connection, once there is a seat for it.
async fn accept(listener: &TcpListener, seats: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let seat = seats.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, seat)),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn connection(stream: TcpStream, router: Router, mut stopping: Stopping, seat: OwnedSemaphorePermit) {
    let seat = Arc::new(seat);
    tune(&stream);
    let io = TokioIo::new(WriteDeadline::new(stream, BLOCKED_READER, seat));
    let service = TowerToHyperService::new(router.map_request(|request: Request<Incoming>| request.map(Body::new)));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_LIMIT)
        .serve_connection(io, service)
        .with_upgrades();
    let mut served = pin!(served);
    let result = tokio::select! {
        result = served.as_mut() => result,
        () = stopping.requested() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// Small frames leave at once, and a peer that vanished without a word is noticed by the system too.
fn tune(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
    #[cfg(target_os = "linux")]
    {
        let millis = u32::try_from(BLOCKED_READER.as_millis()).unwrap_or(u32::MAX);
        if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, millis) {
            tracing::debug!(%error, "TCP_USER_TIMEOUT cannot be set");
        }
    }
}
