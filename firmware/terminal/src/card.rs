//! A card of 512-byte blocks, as an SD card, used as NOR flash.
//!
//! The queue and the boot log write a few bytes at a time and rely on it that a write spoils
//! nothing but what it writes. A card writes whole blocks, and a power cut may leave anything in
//! the block that was being written. So:
//!
//! - A blank block is written at once: torn, it held nothing but what was being written.
//! - A block that holds something is first written whole to a spare block, then a record that says
//!   where it belongs, then in place. The next start finishes what the newest whole record says.
//! - Before an erasure a record says that nothing is to be finished, so that nothing comes back.
//!
//! Places: [`PROVISION_BLOCKS`] for what the terminal is told when it is installed (see
//! [`crate::provision`]), then the spares, then the flash.
//!
//! Wear, with slots of 256 bytes: a punch and its receipt write five and a half blocks, among them
//! one and a half spares and their records. In ten years at 2,000 punches a day, 7.3 million, each
//! spare is written 45,000 times, and on a card of 1 MiB, of which the queue has what
//! [`crate::layout`] leaves it, each of its sectors is erased 3,540 times and each of its blocks
//! written 18,000 times. That is within the 100,000 of a part that does not level wear by itself, as
//! cards do.
//!
//! Limits: [`MAX_BYTES`] of flash; 2^32 writes. It holds as long as the card keeps the order of
//! writes and has written what it says it has, which the SD standard asks of single-block writes;
//! not every cheap card obeys.

use crate::CRC;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read,
    check_write,
};

/// Bytes of a block.
pub const BLOCK: usize = 512;
/// Blocks at the front of the card that are not flash.
pub const PROVISION_BLOCKS: u32 = 8;
/// Most of a card that is used as flash, in bytes: a start reads all of it.
pub const MAX_BYTES: usize = 8 << 20;

/// Pairs of a spare block and its record, used in turn, so that each is written seldom enough.
const SPARES: u32 = 256;
const FIRST_SPARE: u32 = PROVISION_BLOCKS;
const FIRST: u32 = FIRST_SPARE + 2 * SPARES;
const SECTOR: usize = 4096;
const SECTOR_BLOCKS: u32 = (SECTOR / BLOCK) as u32;
const BLANK: [u8; BLOCK] = [0xFF; BLOCK];
const MAGIC: [u8; 4] = *b"MuSp";
/// The target of a record after which nothing is to be finished.
const NOTHING: u32 = u32::MAX;

/// The card did not do what it was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CardError {
    /// It does not answer, or says that it failed.
    #[error("the card does not answer; push it in or replace it")]
    Card,
    /// Out of bounds, or not whole write units or sectors.
    #[error("the flash on the card was used against its rules")]
    Misuse(NorFlashErrorKind),
}

impl NorFlashError for CardError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Card => NorFlashErrorKind::Other,
            Self::Misuse(kind) => *kind,
        }
    }
}

/// A card that reads and writes whole blocks.
pub trait Blocks {
    /// How many blocks it has.
    fn count(&self) -> u32;
    /// Reads a block.
    fn read(&mut self, block: u32, bytes: &mut [u8; BLOCK]) -> Result<(), CardError>;
    /// Writes a block; it is on the card when this returns.
    fn write(&mut self, block: u32, bytes: &[u8; BLOCK]) -> Result<(), CardError>;
}

impl<B: Blocks> Blocks for &mut B {
    fn count(&self) -> u32 {
        (**self).count()
    }

    fn read(&mut self, block: u32, bytes: &mut [u8; BLOCK]) -> Result<(), CardError> {
        (**self).read(block, bytes)
    }

    fn write(&mut self, block: u32, bytes: &[u8; BLOCK]) -> Result<(), CardError> {
        (**self).write(block, bytes)
    }
}

/// The flash on a card, with sectors of 4,096 bytes. It keeps the last block read in memory.
#[derive(Debug)]
pub struct CardFlash<B> {
    blocks: B,
    cached: Option<u32>,
    cache: [u8; BLOCK],
    /// Number of the next record.
    number: u32,
    /// Whether the newest record names a block.
    open: bool,
}

/// What a record says.
#[derive(Clone, Copy, Debug)]
struct Record {
    number: u32,
    target: u32,
    sum: u32,
}

impl Record {
    fn parse(block: &[u8; BLOCK]) -> Option<Self> {
        let (magic, rest) = block.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first_chunk::<4>()?;
        let (target, rest) = rest.split_first_chunk::<4>()?;
        let (sum, rest) = rest.split_first_chunk::<4>()?;
        let own = CRC.checksum(block.get(..16)?).to_le_bytes();
        let [number, target, sum] = [number, target, sum].map(|b| u32::from_le_bytes(*b));
        (*magic == MAGIC && rest.starts_with(&own)).then_some(Self { number, target, sum })
    }

    fn bytes(self) -> [u8; BLOCK] {
        let mut block = BLANK;
        let parts = [MAGIC].into_iter();
        let words = [self.number, self.target, self.sum].map(u32::to_le_bytes);
        for (to, from) in block.iter_mut().zip(parts.chain(words).flatten()) {
            *to = from;
        }
        let own = CRC.checksum(&block[..16]).to_le_bytes();
        block[16..20].copy_from_slice(&own);
        block
    }

    /// Where the spare block of this record lies; the record itself follows.
    fn spare(number: u32) -> u32 {
        FIRST_SPARE + 2 * (number % SPARES)
    }
}

impl<B: Blocks> CardFlash<B> {
    /// The flash on a card that [`format()`] has prepared. Finishes what a power cut left undone.
    pub fn open(blocks: B) -> Result<Self, CardError> {
        let mut flash = Self { blocks, cached: None, cache: BLANK, number: 0, open: false };
        let mut newest: Option<Record> = None;
        for number in 0..SPARES {
            flash.blocks.read(Record::spare(number) + 1, &mut flash.cache)?;
            let found = Record::parse(&flash.cache);
            if found.is_some_and(|found| newest.is_none_or(|newest| newest.number < found.number)) {
                newest = found;
            }
        }
        if let Some(record) = newest {
            flash.number = record.number.saturating_add(1);
            flash.finish(record)?;
        }
        Ok(flash)
    }

    /// Writes what a record says in place, unless that is done or its spare does not check.
    fn finish(&mut self, record: Record) -> Result<(), CardError> {
        self.open = record.target != NOTHING;
        if !self.open || record.target < FIRST || record.target >= self.blocks.count() {
            return Ok(());
        }
        let mut spare = BLANK;
        self.blocks.read(Record::spare(record.number), &mut spare)?;
        if CRC.checksum(&spare) != record.sum {
            return Ok(());
        }
        self.blocks.read(record.target, &mut self.cache)?;
        if self.cache != spare {
            self.blocks.write(record.target, &spare)?;
        }
        Ok(())
    }

    /// The card, to be looked at.
    pub fn blocks(&self) -> &B {
        &self.blocks
    }

    /// The card itself.
    pub fn into_blocks(self) -> B {
        self.blocks
    }

    fn load(&mut self, block: u32) -> Result<(), CardError> {
        if self.cached != Some(block) {
            self.cached = None;
            self.blocks.read(block, &mut self.cache)?;
            self.cached = Some(block);
        }
        Ok(())
    }

    /// Changes some bytes of a block that is in the cache.
    fn change(&mut self, block: u32, from: usize, bytes: &[u8]) -> Result<(), CardError> {
        let blank = self.cache == BLANK;
        if let Some(place) = self.cache.get_mut(from..from + bytes.len()) {
            place.copy_from_slice(bytes);
        }
        // Until all is written, what the card holds is read anew.
        self.cached = None;
        if !blank {
            self.blocks.write(Record::spare(self.number), &self.cache)?;
            self.record(block, CRC.checksum(&self.cache))?;
        }
        self.blocks.write(block, &self.cache)?;
        self.cached = Some(block);
        Ok(())
    }

    fn record(&mut self, target: u32, sum: u32) -> Result<(), CardError> {
        let record = Record { number: self.number, target, sum };
        self.blocks.write(Record::spare(self.number) + 1, &record.bytes())?;
        self.number = self.number.saturating_add(1);
        self.open = target != NOTHING;
        Ok(())
    }

    /// Calls `each` for every block that a range of the flash touches, with the block, the first
    /// of its bytes in the range, and where those lie in the range.
    fn pieces(
        &mut self,
        offset: u32,
        len: usize,
        mut each: impl FnMut(&mut Self, u32, usize, core::ops::Range<usize>) -> Result<(), CardError>,
    ) -> Result<(), CardError> {
        let mut done = 0;
        while done < len {
            let at = offset as usize + done;
            let (block, from) = (FIRST + (at / BLOCK) as u32, at % BLOCK);
            let end = len.min(done + BLOCK - from);
            self.load(block)?;
            each(self, block, from, done..end)?;
            done = end;
        }
        Ok(())
    }
}

impl<B> ErrorType for CardFlash<B> {
    type Error = CardError;
}

impl<B: Blocks> ReadNorFlash for CardFlash<B> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), CardError> {
        check_read(self, offset, bytes.len()).map_err(CardError::Misuse)?;
        self.pieces(offset, bytes.len(), |flash, _, from, range| {
            let piece = bytes.get_mut(range).unwrap_or_default();
            piece.copy_from_slice(flash.cache.get(from..from + piece.len()).unwrap_or_default());
            Ok(())
        })
    }

    fn capacity(&self) -> usize {
        let sectors = self.blocks.count().saturating_sub(FIRST) / SECTOR_BLOCKS;
        (sectors as usize).min(MAX_BYTES / SECTOR) * SECTOR
    }
}

impl<B: Blocks> NorFlash for CardFlash<B> {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), CardError> {
        check_erase(self, from, to).map_err(CardError::Misuse)?;
        self.cached = None;
        if self.open {
            self.record(NOTHING, 0)?;
        }
        let block = |offset: u32| FIRST + offset / BLOCK as u32;
        (block(from)..block(to)).try_for_each(|block| self.blocks.write(block, &BLANK))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), CardError> {
        check_write(self, offset, bytes.len()).map_err(CardError::Misuse)?;
        self.pieces(offset, bytes.len(), |flash, block, from, range| {
            flash.change(block, from, bytes.get(range).unwrap_or_default())
        })
    }
}

/// Prepares a card: everything behind the first [`PROVISION_BLOCKS`] becomes blank flash.
pub fn format(blocks: &mut impl Blocks) -> Result<(), CardError> {
    let end = blocks.count().min(FIRST + (MAX_BYTES / BLOCK) as u32);
    (FIRST_SPARE..end).try_for_each(|block| blocks.write(block, &BLANK))
}

#[cfg(test)]
mod tests;
