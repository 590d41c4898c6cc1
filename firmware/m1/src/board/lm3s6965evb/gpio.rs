//! Pins.
#![forbid(unsafe_code)]

use super::register::Block;
use core::convert::Infallible;
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};

const DIRECTION: u32 = 0x400;
const ALTERNATE: u32 = 0x420;
const PULL_UP: u32 = 0x510;
const DIGITAL: u32 = 0x51C;

/// Hands pins of a port to their peripheral.
pub(super) fn to_peripheral(port: Block, pins: u8) {
    port.at(ALTERNATE).change(pins.into(), pins.into());
    port.at(DIGITAL).change(pins.into(), pins.into());
}

/// One pin. Bits 9 to 2 of a data register's address choose the pins it changes, so that pins of
/// one port do not disturb each other.
#[derive(Clone, Copy)]
pub(crate) struct Pin {
    port: Block,
    bit: u8,
}

impl Pin {
    /// An output that begins high or low.
    pub(super) fn output(port: Block, bit: u8, high: bool) -> Self {
        let pin = Self { port, bit };
        let mask = 1 << pin.bit;
        port.at(DIRECTION).change(mask, mask);
        port.at(DIGITAL).change(mask, mask);
        pin.drive(high);
        pin
    }

    /// An input with a pull-up.
    pub(super) fn input(port: Block, bit: u8) -> Self {
        let pin = Self { port, bit };
        let mask = 1 << pin.bit;
        port.at(DIRECTION).change(mask, 0);
        port.at(PULL_UP).change(mask, mask);
        port.at(DIGITAL).change(mask, mask);
        pin
    }

    fn drive(self, high: bool) {
        self.port.at(4 << self.bit).set(u32::from(high) << self.bit);
    }
}

impl ErrorType for Pin {
    type Error = Infallible;
}

impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.drive(false);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.drive(true);
        Ok(())
    }
}

impl InputPin for Pin {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.port.at(4 << self.bit).get() != 0)
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        Ok(self.port.at(4 << self.bit).get() == 0)
    }
}
