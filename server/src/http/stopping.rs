//! How everything that waits learns that the server stops.

use tokio::sync::watch;

/// Held by whoever stops the server. Dropping it stops the server as well.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

/// Held, in any number of clones, by whatever has to end when the server stops.
#[derive(Clone, Debug)]
pub struct Stopping(watch::Receiver<bool>);

/// A new pair.
pub fn stopping() -> (Stop, Stopping) {
    let (sender, receiver) = watch::channel(false);
    (Stop(sender), Stopping(receiver))
}

impl Stop {
    /// Asks everything to end. Asking again changes nothing.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stopping {
    /// Returns once the server is to stop; at once if it already is. Safe to drop and call again.
    pub async fn requested(&mut self) {
        // An error says that the sender is gone, which also means: stop.
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    pub fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stopping_is_seen_by_all_and_by_those_who_come_late() {
        let (stop, mut first) = stopping();
        assert!(!first.is_requested());
        stop.stop();
        first.requested().await;
        first.clone().requested().await;
        assert!(first.is_requested());

        let (stop, mut orphan) = stopping();
        drop(stop);
        orphan.requested().await;
        assert!(orphan.is_requested());
    }
}
