//! The emulated chip's own flash, in a file. QEMU gives the guest its contents and has no
//! controller to change them; but it keeps a record of what is written to the controller's
//! registers. That record is carried out here while the machine is off, as the controller would.

use super::emulator::TRACE;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of the chip's flash.
const SIZE: usize = 256 << 10;
/// Bytes that are erased at once.
const PAGE: usize = 1 << 10;
/// How a line of the record begins.
const LINE: &str = "flash-control: unimplemented device write (size 4, offset 0x";
const ADDRESS: u32 = 0;
const WORD: u32 = 4;
const COMMAND: u32 = 8;
const KEY: u32 = 0xA442 << 16;
const WRITE: u32 = 1;
const ERASE: u32 = 2;

/// A file with the flash's contents.
#[derive(Debug)]
pub struct CodeFlash(PathBuf);

impl CodeFlash {
    /// A flash in `file` with these contents at its begin.
    pub fn new(file: &Path, contents: &[u8]) -> io::Result<Self> {
        let mut bytes = contents.to_vec();
        bytes.resize(SIZE.max(bytes.len()), 0xFF);
        std::fs::write(file, bytes)?;
        Ok(Self(file.to_owned()))
    }

    /// Carries out what the machine that was started with these sockets has asked of the
    /// controller; how many words were written. The machine is off.
    pub fn catch_up(&self, sockets: &Path) -> io::Result<usize> {
        let trace = match std::fs::read_to_string(sockets.join(TRACE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            read => read?,
        };
        let mut bytes = std::fs::read(&self.0)?;
        let written = carry_out(&trace, &mut bytes);
        if written > 0 {
            std::fs::write(&self.0, bytes)?;
        }
        Ok(written)
    }
}

fn carry_out(trace: &str, flash: &mut [u8]) -> usize {
    let (mut address, mut word, mut written) = (0, 0, 0);
    for (register, value) in trace.lines().filter_map(parse) {
        match (register, value) {
            (ADDRESS, value) => address = value as usize,
            (WORD, value) => word = value,
            (COMMAND, value) if value == KEY | ERASE => {
                let page = address / PAGE * PAGE;
                flash.get_mut(page..page + PAGE).unwrap_or_default().fill(0xFF);
            }
            (COMMAND, value) if value == KEY | WRITE => {
                let place = flash.get_mut(address..address + 4).unwrap_or_default();
                // Writing only clears bits.
                for (byte, new) in place.iter_mut().zip(word.to_le_bytes()) {
                    *byte &= new;
                }
                written += 1;
            }
            _ => {}
        }
    }
    written
}

/// Register and value of a line such as `… offset 0x008, value 0xa4420001)`.
fn parse(line: &str) -> Option<(u32, u32)> {
    let (offset, rest) = line.strip_prefix(LINE)?.split_once(", value 0x")?;
    let value = rest.strip_suffix(')')?;
    let hex = |text| u32::from_str_radix(text, 16).ok();
    Some((hex(offset)?, hex(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_carried_out_as_the_controller_would() {
        let line =
            |register: u32, value: u32| format!("{LINE}{register:03x}, value 0x{value:08x})\n");
        let trace = "something else\n".to_owned()
            + &line(ADDRESS, 1_028)
            + &line(COMMAND, KEY | ERASE)
            + &line(ADDRESS, 1_032)
            + &line(WORD, 0x0403_0201)
            + &line(COMMAND, KEY | WRITE)
            + &line(COMMAND, WRITE);
        let mut flash = vec![0; 4_096];
        assert_eq!(carry_out(&trace, &mut flash), 1);
        assert_eq!(flash[1_032..1_036], [1, 2, 3, 4]);
        assert!(flash[1_024..1_032].iter().all(|byte| *byte == 0xFF));
        assert_eq!((flash[1_023], flash[2_048]), (0, 0));
    }
}
