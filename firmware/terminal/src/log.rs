//! The event log: what a terminal has to tell beside punches, kept in flash until the box has it.
//!
//! A ring of fixed records over at least two sectors, found by reading after a start. The oldest
//! give way when there is no room, and how many the box never had is counted: events must not
//! take the terminal's life, punches alone may. A record torn by a power cut does not check and
//! counts for nothing. Records hold no person and nothing biometric, so they lie in clear.

use crate::CRC;
use crate::clock::Reading;
use embedded_storage::nor_flash::NorFlash;
use muster_proto::message::{ClockState, Happened, LocalTime, Note, Stamp};

/// CRC-32C, boot u32, seq u32, seconds i64, offset i16, clock u8, what u8, detail u32, four bytes
/// unused.
const BODY: usize = 32;
/// All ones until the box has it, zeros after.
const MARK: usize = 8;
/// Bytes of a record.
pub const RECORD: usize = BODY + MARK;

/// The log cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LogError {
    /// Fewer than two sectors, or sectors and write units that records do not fit.
    #[error("this flash's sectors, write units or size do not fit the event log")]
    Geometry,
    /// The flash does not answer, or does not take writes.
    #[error("the flash does not answer; replace the flash chip")]
    Flash,
}

/// The log on a flash of its own.
pub struct EventLog<F> {
    flash: F,
    boot: u32,
    seq: u32,
    slots: u32,
    head: u32,
    /// Whether the head's sector was erased since the ring came to it.
    prepared: bool,
    unsent: u32,
    lost: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    Blank,
    Damaged,
    Entry { note: Note, unsent: bool },
}

impl<F: NorFlash> EventLog<F> {
    const PER_SECTOR: u32 = {
        let fits = RECORD.is_multiple_of(F::WRITE_SIZE)
            && BODY.is_multiple_of(F::WRITE_SIZE)
            && RECORD.is_multiple_of(F::READ_SIZE);
        if fits { (F::ERASE_SIZE / RECORD) as u32 } else { 0 }
    };

    /// Finds what is in `flash`; new entries are of boot number `boot`.
    pub fn open(flash: F, boot: u32) -> Result<Self, LogError> {
        let sectors = (flash.capacity() / F::ERASE_SIZE) as u32;
        let slots = sectors.saturating_mul(Self::PER_SECTOR);
        if Self::PER_SECTOR == 0 || sectors < 2 {
            return Err(LogError::Geometry);
        }
        let (head, prepared) = (0, false);
        let mut log = Self { flash, boot, seq: 0, slots, head, prepared, unsent: 0, lost: 0 };
        log.find_head()?;
        Ok(log)
    }

    fn find_head(&mut self) -> Result<(), LogError> {
        let mut newest = None;
        for slot in 0..self.slots {
            if let Slot::Entry { note, unsent } = self.slot(slot)? {
                self.unsent += u32::from(unsent);
                newest = newest.max(Some((note.stamp(), slot)));
            }
        }
        let Some((stamp, slot)) = newest else { return Ok(()) };
        if stamp.boot == self.boot {
            self.seq = stamp.seq as u32;
        }
        (self.head, self.prepared) = (slot, true);
        while self.prepared && self.slot(self.head)? != Slot::Blank {
            self.advance();
        }
        Ok(())
    }

    /// Writes an entry; it is in flash when this returns.
    pub fn push(&mut self, now: Reading, what: Happened, detail: u32) -> Result<Stamp, LogError> {
        self.seq = self.seq.checked_add(1).ok_or(LogError::Flash)?;
        let (boot, seq) = (self.boot, u64::from(self.seq));
        let note = Note { boot, seq, at: now.at, clock: now.state, what, detail };
        // A torn or worn place is passed over.
        for _ in 0..=Self::PER_SECTOR {
            self.prepare()?;
            let (slot, bytes) = (self.head, encode(&note));
            self.advance();
            let _ = self.flash.write(self.offset(slot), &bytes);
            if self.slot(slot) == Ok(Slot::Entry { note, unsent: true }) {
                self.unsent += 1;
                return Ok(note.stamp());
            }
        }
        Err(LogError::Flash)
    }

    /// The oldest entry that the box does not have.
    pub fn oldest(&mut self) -> Option<Note> {
        if self.unsent == 0 {
            return None;
        }
        let mut oldest: Option<Note> = None;
        for slot in 0..self.slots {
            if let Ok(Slot::Entry { note, unsent: true }) = self.slot(slot)
                && oldest.is_none_or(|o| note.stamp() < o.stamp())
            {
                oldest = Some(note);
            }
        }
        if oldest.is_none() {
            self.unsent = 0;
        }
        oldest
    }

    /// The box has the entry.
    pub fn noted(&mut self, stamp: Stamp) {
        let found = (0..self.slots).find(|slot| {
            matches!(self.slot(*slot), Ok(Slot::Entry { note, unsent: true }) if note.stamp() == stamp)
        });
        if let Some(slot) = found {
            // If this fails the entry is sent once more: no harm.
            let _ = self.flash.write(self.offset(slot) + BODY as u32, &[0; MARK]);
            self.unsent = self.unsent.saturating_sub(1);
        }
    }

    /// How many entries the box does not have yet.
    pub fn waiting(&self) -> u32 {
        self.unsent
    }

    /// How many entries gave way since the start before the box had them.
    pub fn lost(&self) -> u32 {
        self.lost
    }

    /// The flash back.
    pub fn into_flash(self) -> F {
        self.flash
    }

    /// Makes sure that the head's slot can be written; the oldest sector gives way.
    fn prepare(&mut self) -> Result<(), LogError> {
        if self.prepared {
            return Ok(());
        }
        let first = self.head - self.head % Self::PER_SECTOR;
        for slot in first..first + Self::PER_SECTOR {
            if matches!(self.slot(slot), Ok(Slot::Entry { unsent: true, .. })) {
                self.lost += 1;
                self.unsent = self.unsent.saturating_sub(1);
            }
        }
        let from = self.offset(first);
        self.flash.erase(from, from + F::ERASE_SIZE as u32).map_err(|_| LogError::Flash)?;
        (self.head, self.prepared) = (first, true);
        Ok(())
    }

    fn advance(&mut self) {
        self.head = (self.head + 1) % self.slots;
        if self.head.is_multiple_of(Self::PER_SECTOR) {
            self.prepared = false;
        }
    }

    fn offset(&self, slot: u32) -> u32 {
        let (sector, index) = (slot / Self::PER_SECTOR, slot % Self::PER_SECTOR);
        sector * F::ERASE_SIZE as u32 + index * RECORD as u32
    }

    fn slot(&mut self, slot: u32) -> Result<Slot, LogError> {
        let mut bytes = [0; RECORD];
        let at = self.offset(slot);
        self.flash.read(at, &mut bytes).map_err(|_| LogError::Flash)?;
        Ok(inspect(&bytes))
    }
}

fn encode(note: &Note) -> [u8; BODY] {
    let mut bytes = [0xFF; BODY];
    bytes[4..8].copy_from_slice(&note.boot.to_le_bytes());
    bytes[8..12].copy_from_slice(&(note.seq as u32).to_le_bytes());
    bytes[12..20].copy_from_slice(&note.at.seconds.to_le_bytes());
    bytes[20..22].copy_from_slice(&note.at.offset_minutes.to_le_bytes());
    bytes[22..24].copy_from_slice(&[note.clock as u8, note.what.byte()]);
    bytes[24..28].copy_from_slice(&note.detail.to_le_bytes());
    let sum = CRC.checksum(&bytes[4..]);
    bytes[..4].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn inspect(bytes: &[u8; RECORD]) -> Slot {
    if bytes.iter().all(|&b| b == 0xFF) {
        return Slot::Blank;
    }
    let Some((body, mark)) = bytes.split_last_chunk::<MARK>() else { return Slot::Damaged };
    match decode(body) {
        Some(note) => Slot::Entry { note, unsent: *mark == [0xFF; MARK] },
        None => Slot::Damaged,
    }
}

fn decode(body: &[u8]) -> Option<Note> {
    let (sum, checked) = body.split_first_chunk::<4>()?;
    if CRC.checksum(checked).to_le_bytes() != *sum {
        return None;
    }
    let (boot, rest) = checked.split_first_chunk::<4>()?;
    let (seq, rest) = rest.split_first_chunk::<4>()?;
    let (seconds, rest) = rest.split_first_chunk::<8>()?;
    let (offset, rest) = rest.split_first_chunk::<2>()?;
    let (&[clock, what], rest) = rest.split_first_chunk::<2>()?;
    let (detail, _) = rest.split_first_chunk::<4>()?;
    Some(Note {
        boot: u32::from_le_bytes(*boot),
        seq: u64::from(u32::from_le_bytes(*seq)),
        at: LocalTime {
            seconds: i64::from_le_bytes(*seconds),
            offset_minutes: i16::from_le_bytes(*offset),
        },
        clock: ClockState::from_byte(clock).ok()?,
        what: Happened::from_byte(what),
        detail: u32::from_le_bytes(*detail),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::RamFlash;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const NOW: Reading = Reading {
        at: LocalTime { seconds: 1_796_086_771, offset_minutes: 480 },
        state: ClockState::Ok,
    };

    fn open(flash: RamFlash, boot: u32) -> EventLog<RamFlash> {
        EventLog::open(flash, boot).unwrap()
    }

    #[test]
    fn entries_wait_over_restarts_until_they_are_noted() {
        let mut log = open(RamFlash::new(2), 1);
        let first = log.push(NOW, Happened::Tampered, 7).unwrap();
        log.push(NOW, Happened::SensorLost, 0).unwrap();
        let mut log = open(log.into_flash(), 2);
        log.push(NOW, Happened::Started, 3).unwrap();
        assert_eq!(log.waiting(), 3);
        let oldest = log.oldest().unwrap();
        assert_eq!((oldest.stamp(), oldest.what, oldest.detail), (first, Happened::Tampered, 7));
        log.noted(first);
        log.noted(first);
        log.noted(Stamp { boot: 9, seq: 9 });
        let mut log = open(log.into_flash(), 3);
        assert_eq!(log.oldest().map(|n| n.what), Some(Happened::SensorLost));
        assert_eq!(log.waiting(), 2);
    }

    #[test]
    fn the_oldest_give_way_and_are_counted() {
        let mut log = open(RamFlash::new(2), 1);
        let room = 2 * 4096 / RECORD as u32;
        for n in 0..room {
            log.push(NOW, Happened::Tampered, n).unwrap();
        }
        assert_eq!((log.waiting(), log.lost()), (room, 0));
        log.push(NOW, Happened::Tampered, room).unwrap();
        assert_eq!((log.waiting(), log.lost()), (room / 2 + 1, room / 2));
        assert_eq!(log.oldest().map(|n| n.detail), Some(room / 2));
    }

    #[test]
    fn one_sector_is_too_few() {
        assert_eq!(EventLog::open(RamFlash::new(1), 1).err(), Some(LogError::Geometry));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Power cuts at any byte: what was pushed is there, and no stamp comes twice.
        #[test]
        fn what_was_pushed_survives(cuts in prop::collection::vec(0u64..400, 1..20), seed: u64) {
            let mut flash = RamFlash::new(3);
            flash.seed(seed);
            let mut pushed = BTreeSet::new();
            for (boot, cut) in (1..).zip(cuts) {
                flash.cut_after(cut);
                if let Ok(mut log) = EventLog::open(flash, boot) {
                    for detail in 0..10 {
                        match log.push(NOW, Happened::Tampered, detail) {
                            Ok(stamp) => prop_assert!(pushed.insert(stamp), "a stamp twice"),
                            Err(_) => break,
                        }
                    }
                    flash = log.into_flash();
                } else {
                    unreachable!("reading needs no change")
                }
                flash.power_on();
            }
            let mut log = open(flash, 1_000);
            while let Some(note) = log.oldest() {
                pushed.remove(&note.stamp());
                log.noted(note.stamp());
            }
            // Fewer than there is room for, so none had to give way.
            prop_assert!(pushed.is_empty(), "{pushed:?} gone");
        }
    }
}
