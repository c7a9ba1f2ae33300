//! Waiting for what the product does in its own time.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How long a test waits for anything: generous, because a loaded machine with two cores is slow, and only
/// ever spent by a test that fails.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(15);

/// Looks until `look` has an answer.
///
/// # Panics
/// After [`PATIENCE`], with what was waited for.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain for: {what}");
        thread::sleep(PAUSE);
    }
}

/// Looks until `look` is true; see [`until`].
pub fn eventually(what: &str, mut look: impl FnMut() -> bool) {
    until(what, || look().then_some(()));
}
