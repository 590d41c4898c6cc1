//! The synchronous serial bus that the card and the display are on.
#![forbid(unsafe_code)]

use super::clock::HZ;
use super::register::{Block, Register};
use core::convert::Infallible;
use embedded_hal::spi::{ErrorType, SpiBus};

const CONTROL_0: Register = Block::Ssi0.at(0x00);
const CONTROL_1: Register = Block::Ssi0.at(0x04);
const DATA: Register = Block::Ssi0.at(0x08);
const STATE: Register = Block::Ssi0.at(0x0C);
const PRESCALE: Register = Block::Ssi0.at(0x10);

const ENABLE: u32 = 1 << 1;
/// Eight bits, mode 0.
const BYTES: u32 = 7;
const BUSY: u32 = 1 << 4;
/// Bytes that the FIFO holds either way.
const FIFO: usize = 8;
/// As a card wants it until it is initialised, and after that.
pub(super) const SLOW_HZ: u32 = 400_000;
pub(super) const FAST_HZ: u32 = 12_500_000;

/// The bus. All that are on it are used from the main loop, one after the other, so each has one.
pub(crate) struct Bus(());

impl Bus {
    pub(super) fn start() -> Self {
        Self(())
    }

    /// Runs at no more than this speed.
    pub(super) fn speed(&mut self, hz: u32) {
        // An even number from 2 to 254.
        let divisor = HZ.div_ceil(hz).next_multiple_of(2).clamp(2, 254);
        CONTROL_1.set(0);
        CONTROL_0.set(BYTES);
        PRESCALE.set(divisor);
        CONTROL_1.set(ENABLE);
    }

    /// Sends bytes and gives those that came meanwhile, a FIFO at a time.
    fn exchange(&mut self, send: impl Fn(usize) -> u8, mut got: impl FnMut(usize, u8), len: usize) {
        for from in (0..len).step_by(FIFO) {
            let end = len.min(from + FIFO);
            (from..end).for_each(|i| DATA.set(send(i).into()));
            while STATE.get() & BUSY != 0 {}
            (from..end).for_each(|i| got(i, DATA.get() as u8));
        }
    }
}

impl ErrorType for Bus {
    type Error = Infallible;
}

impl SpiBus for Bus {
    fn read(&mut self, words: &mut [u8]) -> Result<(), Infallible> {
        let len = words.len();
        self.exchange(|_| 0xFF, |i, byte| words[i] = byte, len);
        Ok(())
    }

    fn write(&mut self, words: &[u8]) -> Result<(), Infallible> {
        self.exchange(|i| words[i], |_, _| {}, words.len());
        Ok(())
    }

    fn transfer(&mut self, read: &mut [u8], write: &[u8]) -> Result<(), Infallible> {
        let len = read.len().max(write.len());
        self.exchange(
            |i| write.get(i).copied().unwrap_or(0xFF),
            |i, byte| {
                if let Some(word) = read.get_mut(i) {
                    *word = byte;
                }
            },
            len,
        );
        Ok(())
    }

    fn transfer_in_place(&mut self, words: &mut [u8]) -> Result<(), Infallible> {
        for part in words.chunks_mut(FIFO) {
            part.iter().for_each(|byte| DATA.set((*byte).into()));
            while STATE.get() & BUSY != 0 {}
            part.iter_mut().for_each(|byte| *byte = DATA.get() as u8);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
