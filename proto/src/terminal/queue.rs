//! What the link asks of the place where punches lie.

use crate::message::{CheckIn, Stamp};

/// Which punches of a queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    /// Those without a receipt.
    Waiting,
    /// Those and the receipted ones that have not been overwritten yet.
    Kept,
}

/// A queue in a few numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Backlog {
    /// Number of the next punch in this boot.
    pub next_seq: u64,
    /// Oldest punch without a receipt.
    pub oldest: Option<Stamp>,
    /// How many have none.
    pub waiting: u32,
}

/// Where punches lie safe until they are receipted, in the order of their stamps.
pub trait Queue {
    /// The first punch of that sort whose stamp is above `after`.
    fn next(&mut self, after: Stamp, which: Which) -> Option<Stamp>;
    /// The punch with this stamp, always the same; its texts and evidence lie in `buf`. `live` of
    /// what it returns is ignored. None if it is gone or cannot be read.
    fn read<'b>(&mut self, stamp: Stamp, buf: &'b mut [u8]) -> Option<CheckIn<'b>>;
    /// The box has it: no need to keep it longer than there is room.
    fn receipted(&mut self, stamp: Stamp);
    /// How full it is.
    fn backlog(&mut self) -> Backlog;
}
