//! The punches' place in NOR flash: a ring of fixed slots that survives any power cut.
//!
//! - A punch is sealed, written to a slot under a CRC-32C, and read back before [`FlashQueue::push`]
//!   says that it is safe. A slot torn by a power cut does not check and counts for nothing. What
//!   lies in flash is encrypted: a stolen chip gives no user numbers and no templates.
//! - Slots are filled in turn over the whole flash, so each sector is erased equally often (wear
//!   levelling), and the ring's order is the order of age.
//! - A receipt clears a mark in the slot. Receipted punches stay, so that the box can ask for them
//!   again, until their sector is needed.
//! - A sector is erased only when the ring comes round to it, and only if no punch in it waits for
//!   a receipt. Otherwise the queue is full, and says so.
//! - After a start everything is found by reading: there is no index that could be wrong.
//!
//! Wear: in `n` punches each sector is erased at most `n / slots + 1` times. With slots of
//! 256 bytes on 1 MiB of flash there are 4,064 slots; ten years at 2,000 punches a day are 7.3
//! million punches and some 1,800 erasures, where a part has 100,000.
//!
//! Limits: one slot, `SLOT` bytes, for one punch with its evidence; a sector holds `ERASE_SIZE /
//! SLOT` slots; at most [`MAX_SLOTS`] slots.

mod find;

use crate::{CRC, boot};
use embedded_storage::nor_flash::NorFlash;
use find::Order;
use muster_proto::message::{CheckIn, EncodeError, Stamp};
use muster_proto::seal::{Header, Keys, Sealed};
use muster_proto::terminal::{Backlog, Queue, Which};

/// Bytes of a slot that hold no message: CRC, length, two unused; and the mark at its end.
pub const SLOT_OVERHEAD: usize = HEAD + MARK;
/// Most slots: positions are kept in 32 bits, and a start must not take for ever.
pub const MAX_SLOTS: u32 = 1 << 20;
/// How many sectors are tried for one punch before the flash counts as broken.
const TRIES: usize = 4;
/// CRC-32C, length u16, two bytes unused.
const HEAD: usize = 8;
/// All ones while waiting for a receipt, zeros after it. The largest write unit supported.
const MARK: usize = 8;
/// Punches whose places are remembered.
const RECENT: usize = 16;

/// The queue cannot be used with this flash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OpenError {
    /// Slots, sectors and write units do not fit each other, or there are fewer than two sectors
    /// for punches.
    #[error("this flash's sectors, write units or size do not fit the queue's slots")]
    Geometry,
    /// The flash does not answer.
    #[error("the flash does not answer; replace the flash chip")]
    Flash,
    /// The boot number could not be raised.
    #[error(transparent)]
    Boot(#[from] boot::BootError),
}

/// A punch was not stored: it does not count, and the person must be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PushError {
    /// All slots hold punches without receipt.
    #[error("the queue is full of punches that the box has not receipted")]
    Full,
    /// The punch does not fit a slot, or breaks a rule.
    #[error("the punch does not fit a slot, or breaks a rule")]
    Punch(#[from] EncodeError),
    /// Several sectors in a row could not be written.
    #[error("the flash does not take writes; replace the flash chip")]
    Flash,
}

/// The queue on a flash, whose first [`boot::SECTORS`] sectors are left to the boot number.
pub struct FlashQueue<F, const SLOT: usize> {
    flash: F,
    keys: Keys,
    slots: u32,
    /// The slot to be written next.
    head: u32,
    /// Whether the head's sector was erased since the ring came to it.
    prepared: bool,
    /// No punch is older than this slot.
    oldest: u32,
    /// Whether stamps grow all the way from the oldest to the head.
    in_order: bool,
    /// No waiting punch is older than this slot.
    tail: u32,
    waiting: u32,
    newest: Stamp,
    boot: u32,
    recent: heapless::Deque<(Stamp, u32), RECENT>,
    buf: [u8; SLOT],
    counts: Counts,
}

/// What has happened to a queue since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Slots that hold something that does not check: torn by power cuts, or worn out.
    pub damaged: u32,
    /// Sectors erased.
    pub erases: u32,
    /// Slots whose write failed.
    pub failed_writes: u32,
}

/// What a slot holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    Blank,
    Damaged,
    Punch { stamp: Stamp, waiting: bool, len: usize },
}

impl<F: NorFlash, const SLOT: usize> FlashQueue<F, SLOT> {
    /// Slots in a sector; 0 if the geometry does not fit.
    const PER_SECTOR: u32 = {
        let fits = SLOT > SLOT_OVERHEAD
            && SLOT <= u16::MAX as usize
            && SLOT.is_multiple_of(MARK)
            && MARK.is_multiple_of(F::WRITE_SIZE)
            && MARK.is_multiple_of(F::READ_SIZE);
        if fits { (F::ERASE_SIZE / SLOT) as u32 } else { 0 }
    };

    /// Finds the punches in `flash` and raises the boot number. `keys` must be those the punches
    /// were sealed with; what was sealed with others (before a new pairing) cannot be read.
    pub fn open(flash: F, keys: Keys) -> Result<Self, OpenError> {
        let sectors = (flash.capacity() / F::ERASE_SIZE).saturating_sub(boot::SECTORS) as u32;
        let slots = sectors.saturating_mul(Self::PER_SECTOR);
        if Self::PER_SECTOR == 0 || sectors < 2 || slots > MAX_SLOTS {
            return Err(OpenError::Geometry);
        }
        let mut queue = Self {
            flash,
            keys,
            slots,
            head: 0,
            prepared: false,
            oldest: 0,
            in_order: true,
            tail: 0,
            waiting: 0,
            newest: Stamp::default(),
            boot: 0,
            recent: heapless::Deque::new(),
            buf: [0; SLOT],
            counts: Counts::default(),
        };
        queue.find_head()?;
        queue.boot = boot::raise(&mut queue.flash, queue.newest.boot)?;
        Ok(queue)
    }

    /// The number of this boot.
    pub fn boot(&self) -> u32 {
        self.boot
    }

    /// The stamp that the next punch will have.
    pub fn next_stamp(&self) -> Stamp {
        let seq = if self.newest.boot == self.boot { self.newest.seq + 1 } else { 1 };
        Stamp { boot: self.boot, seq }
    }

    /// Stores a punch under the next stamp, whatever stamp it bears, and returns that. When this
    /// returns, the punch is safe.
    pub fn push(&mut self, check_in: CheckIn<'_>) -> Result<Stamp, PushError> {
        let stamp = self.next_stamp();
        let punch = CheckIn { boot: stamp.boot, seq: stamp.seq, live: false, ..check_in };
        // Before anything is erased for it: does it fit at all?
        self.fill_buf(&punch)?;
        self.store(&punch)?;
        Ok(stamp)
    }

    /// How many punches wait for a receipt.
    pub fn waiting(&self) -> u32 {
        self.waiting
    }

    /// How many punches fit, receipted or not.
    pub fn capacity(&self) -> u32 {
        self.slots
    }

    /// What has happened since the start.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The flash, to be looked at.
    pub fn flash(&self) -> &F {
        &self.flash
    }

    /// The flash, and with it all punches.
    pub fn into_flash(self) -> F {
        self.flash
    }

    /// Seals the punch into the buffer as a slot's contents; returns their length, padded to whole
    /// write units. Reading any slot overwrites it.
    fn fill_buf(&mut self, punch: &CheckIn<'_>) -> Result<usize, PushError> {
        self.buf.fill(0xFF);
        let room = self.buf.get_mut(HEAD..SLOT - MARK).unwrap_or_default();
        let len = self.keys.seal(punch, room)?;
        let length = (len as u16).to_le_bytes();
        self.buf[4..6].copy_from_slice(&length);
        let sum = CRC.checksum(&self.buf[4..HEAD + len]).to_le_bytes();
        self.buf[..4].copy_from_slice(&sum);
        Ok((HEAD + len).next_multiple_of(MARK))
    }

    fn store(&mut self, punch: &CheckIn<'_>) -> Result<(), PushError> {
        let stamp = punch.stamp();
        for _ in 0..TRIES {
            self.prepare()?;
            let len = self.fill_buf(punch)?;
            let slot = self.head;
            self.advance();
            // From here the number is spent: the slot may hold it, whatever the flash says.
            self.newest = stamp;
            if self.write_slot(slot, len, stamp) {
                if self.waiting == 0 {
                    self.tail = slot;
                }
                self.waiting += 1;
                self.remember(stamp, slot);
                return Ok(());
            }
            self.counts.failed_writes += 1;
            self.leave_sector();
        }
        Err(PushError::Flash)
    }

    /// Writes the buffer to a slot and reads it back. What the driver says of the write is not
    /// asked: what can be read is what counts.
    fn write_slot(&mut self, slot: u32, len: usize, stamp: Stamp) -> bool {
        let at = self.offset(slot);
        let Some(bytes) = self.buf.get(..len) else { return false };
        let _ = self.flash.write(at, bytes);
        matches!(self.slot(slot), Ok(Slot::Punch { stamp: found, waiting: true, .. }) if found == stamp)
    }

    /// Makes sure that the head's slot can be written.
    fn prepare(&mut self) -> Result<(), PushError> {
        for _ in 0..TRIES {
            if self.prepared {
                return Ok(());
            }
            let first = self.head - self.head % Self::PER_SECTOR;
            let sector = first..first + Self::PER_SECTOR;
            if sector.clone().any(|s| self.is_waiting(s)) {
                return Err(PushError::Full);
            }
            self.recent.retain(|(_, slot)| !sector.contains(slot));
            let from = self.offset(first);
            self.counts.erases += 1;
            let erased = self.flash.erase(from, from + F::ERASE_SIZE as u32).is_ok();
            self.in_order &= erased;
            match self.newest == Stamp::default() {
                true => self.oldest = first,
                false => self.pass_over(first),
            }
            self.head = if erased { first } else { (first + Self::PER_SECTOR) % self.slots };
            self.prepared = erased;
        }
        if self.prepared { Ok(()) } else { Err(PushError::Flash) }
    }

    /// Goes on to the next sector, as after a failed write.
    fn leave_sector(&mut self) {
        if self.prepared {
            let past = self.head - self.head % Self::PER_SECTOR + Self::PER_SECTOR;
            self.head = past % self.slots;
            self.prepared = false;
        }
    }

    fn advance(&mut self) {
        self.head = (self.head + 1) % self.slots;
        if self.head.is_multiple_of(Self::PER_SECTOR) {
            self.prepared = false;
        }
    }

    /// The head is the first blank slot behind the newest punch in its sector, or else the next
    /// sector, whatever that looks like.
    fn find_head(&mut self) -> Result<(), OpenError> {
        let (mut newest, mut order) = (None, Order::default());
        for slot in 0..self.slots {
            match self.slot(slot).map_err(|()| OpenError::Flash)? {
                Slot::Punch { stamp, waiting, .. } => {
                    self.waiting += u32::from(waiting);
                    order.see(stamp, slot, waiting);
                    newest = newest.max(Some((stamp, slot)));
                }
                Slot::Damaged => self.counts.damaged += 1,
                Slot::Blank => {}
            }
        }
        let Some((stamp, slot)) = newest else { return Ok(()) };
        self.newest = stamp;
        self.head = slot;
        self.in_order = order.holds();
        self.oldest = order.oldest.map_or(0, |(_, slot)| slot);
        self.tail = order.oldest_waiting.map_or(self.oldest, |(_, slot)| slot);
        self.prepared = true;
        while self.prepared && self.slot(self.head) != Ok(Slot::Blank) {
            self.advance();
        }
        Ok(())
    }

    fn offset(&self, slot: u32) -> u32 {
        let (sector, index) = (slot / Self::PER_SECTOR, slot % Self::PER_SECTOR);
        let sector = sector as usize + boot::SECTORS;
        (sector * F::ERASE_SIZE) as u32 + index * SLOT as u32
    }

    /// What lies in a slot; its bytes are left in the buffer. An error is a flash that does not
    /// answer.
    fn slot(&mut self, slot: u32) -> Result<Slot, ()> {
        let at = self.offset(slot);
        self.flash.read(at, &mut self.buf).map_err(|_| ())?;
        Ok(inspect(&self.buf))
    }

    fn is_waiting(&mut self, slot: u32) -> bool {
        // A slot that cannot be read may hold a punch: it is not given up.
        !matches!(
            self.slot(slot),
            Ok(Slot::Blank | Slot::Damaged | Slot::Punch { waiting: false, .. })
        )
    }

    fn remember(&mut self, stamp: Stamp, slot: u32) {
        if self.recent.is_full() {
            self.recent.pop_front();
        }
        let _ = self.recent.push_back((stamp, slot));
    }

    /// Moves the tail up to the oldest waiting punch.
    fn advance_tail(&mut self) {
        for _ in 0..self.slots {
            if self.waiting == 0 || self.is_waiting(self.tail) {
                return;
            }
            self.tail = (self.tail + 1) % self.slots;
        }
    }
}

impl<F: NorFlash, const SLOT: usize> Queue for FlashQueue<F, SLOT> {
    fn next(&mut self, after: Stamp, which: Which) -> Option<Stamp> {
        if after >= self.newest || which == Which::Waiting && self.waiting == 0 {
            return None;
        }
        let known = self.recent.iter().find(|(s, _)| *s == after).map(|(_, slot)| *slot);
        let start = match (known, which) {
            (Some(slot), _) => slot,
            (None, Which::Waiting) => {
                let start = self.start_for(after);
                self.later(start, self.tail)
            }
            (None, Which::Kept) => self.start_for(after),
        };
        let (stamp, slot) = self.first_above(start, after, which)?;
        self.remember(stamp, slot);
        Some(stamp)
    }

    fn read<'b>(&mut self, stamp: Stamp, buf: &'b mut [u8]) -> Option<CheckIn<'b>> {
        let slot = self.find(stamp)?;
        let Ok(Slot::Punch { len, .. }) = self.slot(slot) else { return None };
        let sealed = self.buf.get(HEAD..HEAD + len)?;
        let copy = buf.get_mut(..len)?;
        copy.copy_from_slice(sealed);
        Sealed::<CheckIn<'_>>::parse(copy).ok()?.open(&self.keys).ok()
    }

    fn receipted(&mut self, stamp: Stamp) {
        let Some(slot) = self.find(stamp).filter(|&s| self.is_waiting(s)) else { return };
        let mark = self.offset(slot) + (SLOT - MARK) as u32;
        // If this fails the punch is sent once more after the next start: no harm.
        let _ = self.flash.write(mark, &[0; MARK]);
        if !self.is_waiting(slot) {
            self.waiting -= 1;
            self.advance_tail();
        }
    }

    fn backlog(&mut self) -> Backlog {
        self.advance_tail();
        let oldest = self.next(Stamp::default(), Which::Waiting);
        Backlog { next_seq: self.next_stamp().seq, oldest, waiting: self.waiting }
    }
}

fn inspect<const SLOT: usize>(bytes: &[u8; SLOT]) -> Slot {
    if bytes.iter().all(|&b| b == 0xFF) {
        return Slot::Blank;
    }
    let Some((body, mark)) = bytes.split_last_chunk::<MARK>() else { return Slot::Damaged };
    match parse(body) {
        Some((stamp, len)) => Slot::Punch { stamp, waiting: *mark == [0xFF; MARK], len },
        None => Slot::Damaged,
    }
}

fn parse(body: &[u8]) -> Option<(Stamp, usize)> {
    let (sum, checked) = body.split_first_chunk::<4>()?;
    let (length, _) = checked.split_first_chunk::<2>()?;
    let len = usize::from(u16::from_le_bytes(*length));
    let checked = checked.get(..4 + len)?;
    if CRC.checksum(checked).to_le_bytes() != *sum {
        return None;
    }
    let header = Header::peek(checked.get(4..)?).ok()?;
    Some((header.stamp, len))
}

#[cfg(test)]
mod tests;
