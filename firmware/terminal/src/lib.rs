//! All an M1 terminal does, over the embedded traits: so it runs on bare metal, in tests and in the
//! demo from the same source.
//!
//! The promise this crate keeps: a punch that was beeped for is in flash, and stays there until
//! the box has receipted it, whatever happens to power, line or box. The pieces:
//!
//! - [`queue`]: the punches' place in NOR flash. [`boot`]: the boot number, stored before its use.
//! - [`card`]: a card of blocks as that flash. [`provision`]: what it is told when installed.
//! - [`clock`]: clock chips that know whether their time can be trusted.
//! - [`sensor`]: the fingerprint module. [`panel`]: buttons, beeper, lights.
//! - [`keypad`], [`pin`]: PINs beside the finger. [`users`]: who may punch. [`log`]: what else there
//!   is to tell. [`update`]: signed firmware in two slots. [`manage`]: the box's tasks.
//! - [`region`]: part of a flash as a flash of its own. [`layout`]: how one flash is shared.
//! - [`terminal`]: all of it together, one `poll` at a time. [`serial`]: that on a serial port.
//! - `sim` (feature `sim`): simulated parts for tests and the demo.
//!
//! Nothing here waits: every call does what can be done now and returns, except flash writes. Time
//! is a count of milliseconds that the caller brings.
#![cfg_attr(not(any(test, feature = "sim")), no_std)]

pub mod boot;
pub mod card;
pub mod clock;
pub mod keypad;
pub mod layout;
pub mod log;
pub mod manage;
pub mod panel;
pub mod pin;
pub mod provision;
pub mod queue;
pub mod region;
pub mod sensor;
pub mod serial;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod terminal;
pub mod update;
pub mod users;

use crc::{CRC_32_ISCSI, Crc, Table};

/// Guards what lies in flash and clock memory.
static CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISCSI);
