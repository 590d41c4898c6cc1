//! The card's place on the bus, with two things put right.
//!
//! - Between a card's answer to a write command and the data there must be a byte (the standard's
//!   N_WR), which the driver does not send. Real cards may do without; QEMU's does not.
//! - QEMU's card says "idle" in its answer to CMD58 (read OCR) even when it is not, and the driver
//!   rightly takes that for a failure. CMD58 is only ever sent after the card has said that it is
//!   ready, so "idle" there is read as "ready", on every card.
#![forbid(unsafe_code)]

use super::clock::Delay;
use super::gpio::Pin;
use super::ssi::{Bus, FAST_HZ};
use embedded_hal::spi::{ErrorType, Operation, SpiDevice};
use embedded_hal_bus::spi::ExclusiveDevice;

/// Comes before the data of one block.
const DATA_TOKEN: u8 = 0xFE;
const READ_OCR: u8 = 0x40 | 58;
const IDLE: u8 = 1;
const READY: u8 = 0;
/// What a card sends while it has nothing to say.
const NOTHING: u8 = 0xFF;

type Device = ExclusiveDevice<Bus, Pin, Delay>;

/// The card on its bus.
pub(crate) struct CardBus {
    device: Device,
    /// Whether the answer to CMD58 is awaited.
    asked: bool,
}

impl CardBus {
    pub(super) fn new(device: Device) -> Self {
        Self { device, asked: false }
    }

    /// Runs at full speed: the card is initialised.
    pub(crate) fn speed_up(&mut self) {
        self.device.bus_mut().speed(FAST_HZ);
    }

    fn put_right(&mut self, part: &mut Operation<'_, u8>) {
        match part {
            Operation::Write([command, ..]) => self.asked = *command == READ_OCR,
            Operation::Transfer([answer], _) if self.asked && *answer != NOTHING => {
                self.asked = false;
                if *answer == IDLE {
                    *answer = READY;
                }
            }
            _ => {}
        }
    }
}

impl ErrorType for CardBus {
    type Error = <Device as ErrorType>::Error;
}

impl SpiDevice for CardBus {
    fn transaction(&mut self, parts: &mut [Operation<'_, u8>]) -> Result<(), Self::Error> {
        if let [Operation::Transfer(_, [DATA_TOKEN])] = parts {
            self.device.write(&[NOTHING])?;
        }
        self.device.transaction(parts)?;
        parts.iter_mut().for_each(|part| self.put_right(part));
        Ok(())
    }
}
