//! The I2C bus that the clock chip is on, as its only master, at 100 kHz.
//!
//! Between the parts of a transaction that change direction goes a stop and a new start: QEMU's
//! controller knows no repeated start, and a clock chip takes either.
#![forbid(unsafe_code)]

use super::clock::HZ;
use super::register::{Block, Register};
use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};

const BAUD: u32 = 100_000;
/// How often the controller is asked whether it is done with a byte: several milliseconds.
const TRIES: u32 = 50_000;

const ADDRESS: Register = Block::I2c0.at(0x00);
const STATE: Register = Block::I2c0.at(0x04);
const DATA: Register = Block::I2c0.at(0x08);
const PERIOD: Register = Block::I2c0.at(0x0C);
const CONFIG: Register = Block::I2c0.at(0x20);

const MASTER: u32 = 1 << 4;
const RUN: u32 = 1;
const START: u32 = 1 << 1;
const STOP: u32 = 1 << 2;
const ACKNOWLEDGE: u32 = 1 << 3;
const BUSY: u32 = 1;
const ERROR: u32 = 1 << 1;
const LOST: u32 = 1 << 4;

/// The bus.
pub(crate) struct Bus;

impl Bus {
    pub(super) fn start() -> Self {
        CONFIG.set(MASTER);
        PERIOD.set(HZ / (20 * BAUD) - 1);
        Self
    }

    /// One byte either way; after an error the bus is released.
    fn step(&mut self, command: u32) -> Result<(), ErrorKind> {
        STATE.set(command);
        for _ in 0..TRIES {
            let state = STATE.get();
            if state & BUSY != 0 {
                continue;
            }
            if state & (ERROR | LOST) == 0 {
                return Ok(());
            }
            STATE.set(STOP);
            return Err(match state & LOST {
                0 => ErrorKind::NoAcknowledge(NoAcknowledgeSource::Unknown),
                _ => ErrorKind::ArbitrationLoss,
            });
        }
        Err(ErrorKind::Bus)
    }

    fn write(&mut self, address: u8, bytes: &[u8]) -> Result<(), ErrorKind> {
        ADDRESS.set(u32::from(address) << 1);
        let last = bytes.len().saturating_sub(1);
        for (i, byte) in bytes.iter().enumerate() {
            DATA.set((*byte).into());
            let (first, last) = (i == 0, i == last);
            self.step(RUN | if first { START } else { 0 } | if last { STOP } else { 0 })?;
        }
        Ok(())
    }

    fn read(&mut self, address: u8, bytes: &mut [u8]) -> Result<(), ErrorKind> {
        ADDRESS.set(u32::from(address) << 1 | 1);
        let last = bytes.len().saturating_sub(1);
        for (i, byte) in bytes.iter_mut().enumerate() {
            let (first, last) = (i == 0, i == last);
            self.step(RUN | if first { START } else { 0 } | if last { STOP } else { ACKNOWLEDGE })?;
            *byte = DATA.get() as u8;
        }
        Ok(())
    }
}

impl ErrorType for Bus {
    type Error = ErrorKind;
}

impl I2c for Bus {
    fn transaction(&mut self, address: u8, parts: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        parts.iter_mut().try_for_each(|part| match part {
            Operation::Read(bytes) => self.read(address, bytes),
            Operation::Write(bytes) => self.write(address, bytes),
        })
    }
}
