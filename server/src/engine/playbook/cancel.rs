//! Cancelling work on another thread: dropping the guard is the signal.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::refusal::Refusal;

/// Seen by the work; checked between files.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub fn check(&self) -> Result<(), Refusal> {
        if self.is_set() { Err(Refusal::Cancelled) } else { Ok(()) }
    }

    /// Sets the signal when it is dropped, as the future of an agent's run is.
    pub fn on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(self.clone())
    }
}

/// See [`Cancel::on_drop`].
#[derive(Debug)]
pub struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_the_guard_cancels() {
        let cancel = Cancel::default();
        let guard = cancel.on_drop();
        assert!(cancel.check().is_ok());
        drop(guard);
        assert!(cancel.is_set() && cancel.check().is_err());
    }
}
