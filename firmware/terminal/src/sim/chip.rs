//! A clock chip on I2C.

use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, Operation};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A DS1307-class chip: registers and battery-backed memory. It runs with the seconds that its
/// hand counts.
#[derive(Clone, Debug)]
pub struct ClockChip {
    /// Time, control, memory.
    pub registers: [u8; 64],
    /// Whether it has stopped answering.
    pub broken: bool,
    pointer: usize,
    hand: Arc<AtomicU64>,
    seen: u64,
}

impl Default for ClockChip {
    fn default() -> Self {
        Self::new()
    }
}

impl ClockChip {
    /// As it comes from the factory: halted, memory arbitrary.
    pub fn new() -> Self {
        let mut registers = [0xA5; 64];
        registers[..8].copy_from_slice(&[0x80, 0, 0, 1, 1, 1, 0, 0x03]);
        let hand = Arc::new(AtomicU64::new(0));
        Self { registers, broken: false, pointer: 0, hand, seen: 0 }
    }

    /// Counts the seconds that pass outside; store a larger number and the chip follows.
    pub fn hand(&self) -> Arc<AtomicU64> {
        self.hand.clone()
    }

    /// The battery was empty for a while.
    pub fn lose_power(&mut self) {
        let fresh = Self::new();
        self.registers = fresh.registers;
    }

    /// Catches up with the hand, unless halted.
    fn run(&mut self) {
        let now = self.hand.load(Ordering::Relaxed);
        let passed = now.saturating_sub(self.seen);
        self.seen = now;
        if passed == 0 || self.registers[0] & 0x80 != 0 {
            return;
        }
        let [s, m, h, ..] = self.registers;
        let sum = value(s) + value(m) * 60 + value(h) * 3600 + passed;
        (0..sum / 86_400).for_each(|_| self.next_day());
        for (i, part) in [sum % 60, sum / 60 % 60, sum / 3600 % 24].into_iter().enumerate() {
            self.registers[i] = bcd(part);
        }
    }

    fn next_day(&mut self) {
        let [_, _, _, weekday, day, month, year, ..] = self.registers;
        let (mut day, mut month, mut year) = (value(day) + 1, value(month), value(year));
        let length = match month {
            2 => 28 + u64::from(year.is_multiple_of(4)),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if day > length {
            (day, month) = (1, month + 1);
        }
        if month > 12 {
            (month, year) = (1, (year + 1) % 100);
        }
        let date = [weekday % 7 + 1, bcd(day), bcd(month), bcd(year)];
        self.registers[3..7].copy_from_slice(&date);
    }
}

fn value(byte: u8) -> u64 {
    u64::from(byte >> 4) * 10 + u64::from(byte & 15)
}

fn bcd(value: u64) -> u8 {
    (value / 10 * 16 + value % 10) as u8
}

impl ErrorType for ClockChip {
    type Error = ErrorKind;
}

impl I2c for ClockChip {
    fn transaction(&mut self, address: u8, ops: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        if address != 0x68 || self.broken {
            return Err(ErrorKind::Other);
        }
        self.run();
        for op in ops {
            match op {
                Operation::Write(bytes) => {
                    let Some((&first, values)) = bytes.split_first() else { continue };
                    self.pointer = usize::from(first) % 64;
                    for &value in values {
                        self.registers[self.pointer] = value;
                        self.pointer = (self.pointer + 1) % 64;
                    }
                }
                Operation::Read(bytes) => {
                    for byte in bytes.iter_mut() {
                        *byte = self.registers[self.pointer];
                        self.pointer = (self.pointer + 1) % 64;
                    }
                }
            }
        }
        Ok(())
    }
}
