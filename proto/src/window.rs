//! Refuses what a receiver has already seen.
//!
//! Used by terminals on what the box sends. The box does the same for each device's punches from
//! its journal, which outlives a restart; this one lives in memory only, because after a restart
//! a terminal opens it anew with a fresh Welcome (see [`crate::seal`]).

use crate::message::Stamp;

/// How far behind the newest a message may come and still be taken, in counts.
pub const DEPTH: u64 = 64;

/// Takes each (epoch, count) at most once, in almost any order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Window {
    newest: Stamp,
    /// Bit `i` set: `newest.seq - i` was seen.
    seen: u64,
}

impl Window {
    /// A window that takes nothing older than `first`, and takes `first` as seen.
    pub fn opened_by(first: Stamp) -> Self {
        Self { newest: first, seen: u64::MAX }
    }

    /// Whether `stamp` is new; if so it is remembered. A newer epoch starts afresh; older ones are
    /// refused, and so is what lies more than [`DEPTH`] behind the newest.
    pub fn accept(&mut self, stamp: Stamp) -> bool {
        if stamp.boot != self.newest.boot {
            return self.new_epoch(stamp);
        }
        if let Some(ahead) = stamp.seq.checked_sub(self.newest.seq).filter(|&a| a > 0) {
            self.seen = if ahead >= DEPTH { 1 } else { self.seen << ahead | 1 };
            self.newest = stamp;
            return true;
        }
        let behind = self.newest.seq - stamp.seq;
        let fresh = behind < DEPTH && self.seen & (1 << behind) == 0;
        if fresh {
            self.seen |= 1 << behind;
        }
        fresh
    }

    fn new_epoch(&mut self, stamp: Stamp) -> bool {
        let newer = stamp.boot > self.newest.boot;
        if newer {
            *self = Self { newest: stamp, seen: 1 };
        }
        newer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn nothing_is_taken_twice(stamps in prop::collection::vec((1u32..4, 1u64..200), 0..400)) {
            let mut window = Window::default();
            let mut taken = HashSet::new();
            for (boot, seq) in stamps {
                let stamp = Stamp { boot, seq };
                if window.accept(stamp) {
                    prop_assert!(taken.insert(stamp));
                }
            }
        }

        #[test]
        fn order_within_the_depth_does_not_matter(seqs in Just((1u64..=DEPTH).collect::<std::vec::Vec<_>>()).prop_shuffle()) {
            let mut window = Window::default();
            let all = seqs.into_iter().all(|seq| window.accept(Stamp { boot: 1, seq }));
            prop_assert!(all);
        }
    }

    #[test]
    fn what_was_before_the_opening_is_refused() {
        let mut window = Window::opened_by(Stamp { boot: 5, seq: 10 });
        for (boot, seq, expect) in [
            (5, 10, false),
            (5, 9, false),
            (4, 99, false),
            (5, 12, true),
            (5, 11, true),
            (6, 1, true),
        ] {
            assert_eq!(window.accept(Stamp { boot, seq }), expect, "{boot} {seq}");
        }
    }
}
