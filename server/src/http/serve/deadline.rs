//! A connection whose reader has to keep reading. Whatever is being sent (a page, a download, a stream), a
//! peer that takes nothing for too long is cut off, and what it held in memory is free again.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep},
};

/// A connection that fails with `TimedOut` when a write stays blocked for `patience`.
pub struct WriteDeadline<T> {
    inner: T,
    patience: Duration,
    /// Runs while a write is blocked.
    blocked: Option<Pin<Box<Sleep>>>,
    /// The connection's seat: an upgraded connection lives on after hyper is done with it.
    _seat: Arc<OwnedSemaphorePermit>,
}

impl<T> WriteDeadline<T> {
    pub fn new(inner: T, patience: Duration, seat: Arc<OwnedSemaphorePermit>) -> Self {
        WriteDeadline { inner, patience, blocked: None, _seat: seat }
    }

    /// Passes a result on, or makes a failure of one that is still pending at the deadline.
    fn bound<V>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<V>>) -> Poll<io::Result<V>> {
        if polled.is_ready() {
            self.blocked = None;
            return polled;
        }
        let patience = self.patience;
        let blocked = self.blocked.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + patience)));
        match blocked.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the reader takes nothing"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for WriteDeadline<T> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for WriteDeadline<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(context, data);
        self.bound(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(context, data);
        self.bound(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(context);
        self.bound(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_shutdown(context);
        self.bound(context, polled)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
        sync::Semaphore,
    };

    use super::*;

    /// Less than is sent, so that writing has to wait for the reader.
    const BUFFER: usize = 16;

    async fn connection(patience: Duration) -> (WriteDeadline<DuplexStream>, DuplexStream, Arc<Semaphore>) {
        let (ours, theirs) = tokio::io::duplex(BUFFER);
        let seats = Arc::new(Semaphore::new(1));
        let seat = seats.clone().acquire_owned().await.unwrap();
        (WriteDeadline::new(ours, patience, Arc::new(seat)), theirs, seats)
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_is_cut_off() {
        let (mut ours, _theirs, seats) = connection(Duration::from_millis(50)).await;
        let error = ours.write_all(&[0; BUFFER * 2]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(seats.available_permits(), 0);
        drop(ours);
        assert_eq!(seats.available_permits(), 1);
    }

    /// Slow is not blocked: each write that gets on starts the time anew.
    #[tokio::test]
    async fn a_slow_reader_gets_everything() {
        let (mut ours, mut theirs, _seats) = connection(Duration::from_millis(300)).await;
        let reader = tokio::spawn(async move {
            let mut buffer = [0; BUFFER];
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_millis(60)).await;
                theirs.read_exact(&mut buffer).await.unwrap();
            }
        });
        ours.write_all(&[0; BUFFER * 10]).await.unwrap();
        reader.await.unwrap();
    }
}
