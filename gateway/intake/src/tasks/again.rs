//! A terminal was asked to send again what it still keeps, as after a restore of the box.
//!
//! The order for it is not acknowledged and lives in the terminal's memory alone. So it is given
//! anew with each greeting, until punches that it asks for have come in one and the same boot of
//! the terminal, or have come and stopped coming.

use muster_proto::message::Stamp;
use std::time::Duration;
use tokio::time::Instant;

/// Without a punch for so long after some came, nothing more is to come.
const QUIET: Duration = Duration::from_secs(600);

pub(super) struct Again {
    /// The first that is wanted.
    pub(super) from: Stamp,
    /// The terminal's boot when it was last told.
    told_in: Option<u32>,
    came: Option<Instant>,
}

impl Again {
    pub(super) fn new(from: Stamp, boot: Option<u32>) -> Self {
        Self { from, told_in: boot, came: None }
    }

    /// A stored punch came.
    pub(super) fn came(&mut self, stamp: Stamp) {
        if stamp >= self.from {
            self.came = Some(Instant::now());
        }
    }

    /// The terminal greets: whether the order has to be given anew. Otherwise it is done with.
    pub(super) fn greeted(&mut self, boot: u32) -> bool {
        let told = self.told_in.replace(boot) == Some(boot);
        let done = self.came.is_some_and(|came| told || came.elapsed() > QUIET);
        self.came = None;
        !done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_until_punches_come() {
        let from = Stamp { boot: 2, seq: 5 };
        let mut again = Again::new(from, None);
        assert!(again.greeted(3), "it was away");
        again.came(Stamp { boot: 2, seq: 4 });
        assert!(again.greeted(3), "the order was lost on the line");
        again.came(from);
        assert!(again.greeted(4), "it restarted in the middle");
        again.came(Stamp { boot: 3, seq: 1 });
        assert!(!again.greeted(4));
    }
}
