//! A clock chip on I2C.

use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, Operation};

/// A DS1307-class chip: registers and battery-backed memory. Its time stands still but for
/// [`ClockChip::run`], as tests want it.
#[derive(Clone, Debug)]
pub struct ClockChip {
    /// Time, control, memory.
    pub registers: [u8; 64],
    /// Whether it has stopped answering.
    pub broken: bool,
    pointer: usize,
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
        Self { registers, broken: false, pointer: 0 }
    }

    /// The battery was empty for a while.
    pub fn lose_power(&mut self) {
        *self = Self { broken: self.broken, ..Self::new() };
    }

    /// Lets `seconds` pass, within the same day.
    pub fn run(&mut self, seconds: u32) {
        let value = |byte: u8| u32::from(byte >> 4) * 10 + u32::from(byte & 15);
        let [s, m, h, ..] = self.registers;
        let sum = value(s & 0x7F) + value(m) * 60 + value(h) * 3600 + seconds;
        assert!(sum < 86_400, "this chip cannot pass midnight");
        for (register, part) in self.registers.iter_mut().zip([sum % 60, sum / 60 % 60, sum / 3600])
        {
            *register = (part / 10 * 16 + part % 10) as u8;
        }
    }
}

impl ErrorType for ClockChip {
    type Error = ErrorKind;
}

impl I2c for ClockChip {
    fn transaction(&mut self, address: u8, ops: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        if address != 0x68 || self.broken {
            return Err(ErrorKind::Other);
        }
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
