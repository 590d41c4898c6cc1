//! NOR flash in memory, or backed by a file, with power cuts.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read,
    check_write,
};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

const SECTOR: usize = 4096;
const UNIT: usize = 4;

/// The power went away in mid-operation, or the operation broke a rule of NOR flash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PowerCut {
    /// No power.
    Off,
    /// Out of bounds or not aligned.
    Misuse(NorFlashErrorKind),
    /// The file behind it failed.
    File,
}

impl NorFlashError for PowerCut {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Misuse(kind) => *kind,
            Self::Off | Self::File => NorFlashErrorKind::Other,
        }
    }
}

/// NOR flash with sectors of 4,096 bytes and write units of 4. Writes can only clear bits, each
/// unit may be written once between erasures, and each operation may be cut off at any byte.
#[derive(Debug)]
pub struct RamFlash {
    bytes: Vec<u8>,
    written: Vec<bool>,
    wear: Vec<u32>,
    file: Option<File>,
    /// Bytes that may still be changed before the power goes.
    budget: Option<u64>,
    off: bool,
    random: u64,
    broken_sector: Option<usize>,
}

impl RamFlash {
    /// A blank flash of so many sectors.
    pub fn new(sectors: usize) -> Self {
        Self {
            bytes: vec![0xFF; sectors * SECTOR],
            written: vec![false; sectors * SECTOR / UNIT],
            wear: vec![0; sectors],
            file: None,
            budget: None,
            off: false,
            random: 1,
            broken_sector: None,
        }
    }

    /// A flash that lives in a file, blank if the file is new or shorter. Each change is synced.
    pub fn in_file(path: &Path, sectors: usize) -> io::Result<Self> {
        let mut flash = Self::new(sectors);
        let options =
            || File::options().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = options()?;
        let mut found = Vec::new();
        (&file).take(flash.bytes.len() as u64).read_to_end(&mut found)?;
        flash.bytes[..found.len()].copy_from_slice(&found);
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&flash.bytes)?;
        file.sync_data()?;
        for (unit, written) in flash.bytes.chunks(UNIT).zip(&mut flash.written) {
            *written = unit != [0xFF; UNIT];
        }
        flash.file = Some(file);
        Ok(flash)
    }

    /// Cuts the power after so many changed bytes.
    pub fn cut_after(&mut self, bytes: u64) {
        self.budget = Some(bytes);
    }

    /// The power is back, for good unless cut again.
    pub fn power_on(&mut self) {
        self.budget = None;
        self.off = false;
    }

    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        self.off
    }

    /// Seeds what torn bytes look like.
    pub fn seed(&mut self, seed: u64) {
        self.random = seed | 1;
    }

    /// Sets all bytes, as of a chip that held something else.
    pub fn fill(&mut self, byte: u8) {
        self.bytes.fill(byte);
        self.written.fill(true);
    }

    /// Flips a bit of one byte, as when a cell has lost its charge.
    pub fn damage(&mut self, at: usize) {
        if let Some(byte) = self.bytes.get_mut(at) {
            *byte ^= 1;
        }
    }

    /// From now on this sector takes neither writes nor erasure, as when worn out.
    pub fn break_sector(&mut self, sector: usize) {
        self.broken_sector = Some(sector);
    }

    /// How often sectors were erased, in all.
    pub fn erases(&self) -> u32 {
        self.wear.iter().sum()
    }

    /// How often each sector was erased.
    pub fn wear(&self) -> &[u32] {
        &self.wear
    }

    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn random(&mut self) -> u8 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
        (self.random >> 33) as u8
    }

    /// Whether one more byte may be changed; if not, the power is off from here.
    fn spend(&mut self) -> bool {
        match &mut self.budget {
            Some(0) => self.off = true,
            Some(left) => *left -= 1,
            None => {}
        }
        !self.off
    }

    fn save(&mut self, from: usize, to: usize) -> Result<(), PowerCut> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let write = file
            .seek(SeekFrom::Start(from as u64))
            .and_then(|_| file.write_all(&self.bytes[from..to]))
            .and_then(|()| file.sync_data());
        write.map_err(|_| PowerCut::File)
    }

    fn is_broken(&self, offset: u32) -> bool {
        self.broken_sector == Some(offset as usize / SECTOR)
    }
}

impl ErrorType for RamFlash {
    type Error = PowerCut;
}

impl ReadNorFlash for RamFlash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), PowerCut> {
        check_read(self, offset, bytes.len()).map_err(PowerCut::Misuse)?;
        if self.off {
            return Err(PowerCut::Off);
        }
        let from = offset as usize;
        bytes.copy_from_slice(&self.bytes[from..from + bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for RamFlash {
    const WRITE_SIZE: usize = UNIT;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), PowerCut> {
        check_erase(self, from, to).map_err(PowerCut::Misuse)?;
        if self.is_broken(from) {
            return Ok(());
        }
        let (from, to) = (from as usize, to as usize);
        for sector in from / SECTOR..to / SECTOR {
            self.wear[sector] += 1;
        }
        for at in from..to {
            if !self.spend() {
                // Half-erased: from here on anything between what was and blank.
                for torn in at..to {
                    self.bytes[torn] |= self.random();
                }
                self.written[from / UNIT..to / UNIT].fill(true);
                return Err(PowerCut::Off);
            }
            self.bytes[at] = 0xFF;
        }
        self.written[from / UNIT..to / UNIT].fill(false);
        self.save(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), PowerCut> {
        check_write(self, offset, bytes.len()).map_err(PowerCut::Misuse)?;
        let from = offset as usize;
        for (at, &byte) in (from..).zip(bytes) {
            assert!(
                !self.written[at / UNIT] || !at.is_multiple_of(UNIT),
                "a unit was written twice without erasure"
            );
            if !self.spend() {
                // Some of this byte's bits are cleared, later ones not at all.
                self.bytes[at] &= byte | self.random();
                let unit = at / UNIT * UNIT;
                self.written[at / UNIT] = self.bytes[unit..unit + UNIT] != [0xFF; UNIT];
                return Err(PowerCut::Off);
            }
            if self.is_broken(offset) {
                continue;
            }
            self.bytes[at] &= byte;
            if at % UNIT == UNIT - 1 {
                self.written[at / UNIT] = true;
            }
        }
        self.save(from, from + bytes.len())
    }
}
