//! Makes the store misbehave where tests ask it to.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::Duration;

/// Longer than any limit of a test.
const HANG: Duration = Duration::from_secs(600);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    Hang,
    Panic,
}

/// Shared by all stores of one views handle; strikes once when its operations are used up.
#[derive(Clone, Default)]
pub(super) struct Faults {
    /// Operations left, plus one; 0 never strikes.
    hang_in: Arc<AtomicI64>,
    panic_in: Arc<AtomicI64>,
}

impl Faults {
    /// After `operations` more, the next one does `fault`.
    pub(super) fn strike_after(&self, operations: i64, fault: Fault) {
        let counter = if fault == Fault::Hang { &self.hang_in } else { &self.panic_in };
        counter.store(operations + 1, SeqCst);
    }

    pub(super) fn step(&self) {
        if used_up(&self.hang_in) {
            std::thread::sleep(HANG);
        }
        if used_up(&self.panic_in) {
            panic!("asked for by a test");
        }
    }
}

fn used_up(counter: &AtomicI64) -> bool {
    let before = counter.fetch_update(SeqCst, SeqCst, |n| (n > 0).then(|| n - 1));
    before == Ok(1)
}
