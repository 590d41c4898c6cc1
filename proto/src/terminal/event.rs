//! What the link and its terminal tell each other beside punches.

use crate::message::{Receipt, Stamp};
use crate::seal::Keys;

/// Something the box said that the terminal should act on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A receipt came; the queue knows it already.
    Receipt(Receipt),
    /// The box answered our Hello `held_ms` after we said it: its clock now shows between
    /// `box_ms` and `box_ms + held_ms`. Set ours if both are above 0 and `held_ms` is at most
    /// [`super::FRESH_MS`].
    Welcome {
        /// The box's clock, or 0 while it does not trust it.
        box_ms: i64,
        /// The offset to show, minutes.
        offset_minutes: i16,
        /// How long the answer took, milliseconds.
        held_ms: u64,
    },
    /// Beep and blink for so many seconds.
    Identify {
        /// How long.
        seconds: u8,
    },
    /// A task came: [`super::Link::task`] has it until the next message comes.
    Task,
    /// An entry of the event log is on the box's disk.
    Noted(Stamp),
}

/// What a terminal says beside Hellos and punches: notes and reports.
pub trait Aside {
    /// Seals what there is to say now into `out`; returns its length, or nothing.
    fn say(&mut self, now_ms: u64, keys: &Keys, out: &mut [u8]) -> Option<usize>;
}

/// Nothing beside.
impl Aside for () {
    fn say(&mut self, _now_ms: u64, _keys: &Keys, _out: &mut [u8]) -> Option<usize> {
        None
    }
}
