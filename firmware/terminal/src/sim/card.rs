//! A card of blocks in memory, with power cuts that tear blocks.

use crate::card::{BLOCK, Blocks, CardError};

/// A card. A power cut in a write leaves anything in that block: new bytes, garbage, old bytes.
#[derive(Clone, Debug)]
pub struct RamCard {
    bytes: Vec<u8>,
    /// Writes that still succeed before one is torn and the power is off.
    budget: Option<u64>,
    off: bool,
    random: u64,
    wear: Vec<u32>,
    reads: u64,
}

impl RamCard {
    /// A card of so many blocks, as from the factory: all zeros.
    pub fn new(blocks: u32) -> Self {
        Self::of(vec![0; blocks as usize * BLOCK])
    }

    /// A card with these contents; a last piece shorter than a block is cut off.
    pub fn of(mut bytes: Vec<u8>) -> Self {
        bytes.truncate(bytes.len() / BLOCK * BLOCK);
        let wear = vec![0; bytes.len() / BLOCK];
        Self { bytes, budget: None, off: false, random: 1, wear, reads: 0 }
    }

    /// Tears the write after so many.
    pub fn cut_after(&mut self, writes: u64) {
        self.budget = Some(writes);
    }

    /// The power is back, for good unless cut again.
    pub fn power_on(&mut self) {
        self.budget = None;
        self.off = false;
    }

    /// Seeds what torn blocks look like.
    pub fn seed(&mut self, seed: u64) {
        self.random = seed | 1;
    }

    /// Sets all bytes.
    pub fn fill(&mut self, byte: u8) {
        self.bytes.fill(byte);
    }

    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How often each block was written.
    pub fn wear(&self) -> &[u32] {
        &self.wear
    }

    /// Blocks read so far.
    pub fn reads(&self) -> u64 {
        self.reads
    }

    /// Blocks written so far.
    pub fn writes(&self) -> u64 {
        self.wear.iter().map(|count| u64::from(*count)).sum()
    }

    /// The bytes alone.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
        self.random >> 33
    }

    fn place(&mut self, block: u32) -> Result<&mut [u8], CardError> {
        let from = block as usize * BLOCK;
        let place = self.bytes.get_mut(from..from + BLOCK);
        place.filter(|_| !self.off).ok_or(CardError::Card)
    }

    /// Some new bytes, some garbage, and the rest as it was.
    fn tear(&mut self, block: u32, bytes: &[u8; BLOCK]) {
        let limits = [self.random() as usize % BLOCK, self.random() as usize % BLOCK];
        let (new, garbage) = (limits[0].min(limits[1]), limits[0].max(limits[1]));
        let noise: Vec<u8> = (new..garbage).map(|_| self.random() as u8).collect();
        if let Ok(place) = self.place(block) {
            place[..new].copy_from_slice(&bytes[..new]);
            place[new..garbage].copy_from_slice(&noise);
        }
    }
}

impl Blocks for RamCard {
    fn count(&self) -> u32 {
        (self.bytes.len() / BLOCK) as u32
    }

    fn read(&mut self, block: u32, bytes: &mut [u8; BLOCK]) -> Result<(), CardError> {
        self.reads += 1;
        bytes.copy_from_slice(self.place(block)?);
        Ok(())
    }

    fn write(&mut self, block: u32, bytes: &[u8; BLOCK]) -> Result<(), CardError> {
        match &mut self.budget {
            Some(0) if !self.off => {
                self.tear(block, bytes);
                self.off = true;
            }
            Some(left) => *left = left.saturating_sub(1),
            None => {}
        }
        self.place(block)?.copy_from_slice(bytes);
        if let Some(count) = self.wear.get_mut(block as usize) {
            *count += 1;
        }
        Ok(())
    }
}
