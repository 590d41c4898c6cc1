//! The watchdog: resets the chip unless the main loop comes round.
#![forbid(unsafe_code)]

use super::clock::HZ;
use super::register::{Block, Register};

const LOAD: Register = Block::Watchdog.at(0x000);
const CONTROL: Register = Block::Watchdog.at(0x008);
const CLEAR: Register = Block::Watchdog.at(0x00C);

/// Count at the first time-out, reset at the second.
const COUNT_AND_RESET: u32 = 0b11;
/// Half the time until it resets. A queue that is looked through from end to end takes a few
/// seconds of a large card.
const HALF_S: u32 = 20;

/// The watchdog; it runs for ever once started.
pub(crate) struct Watchdog(());

impl Watchdog {
    pub(super) fn start() -> Self {
        LOAD.set(HZ * HALF_S);
        CONTROL.set(COUNT_AND_RESET);
        Self(())
    }

    /// Puts the reset off. For the main loop alone.
    pub(crate) fn feed(&mut self) {
        CLEAR.set(1);
    }
}
