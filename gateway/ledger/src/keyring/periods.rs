//! One secret for each day (evidence of nobody) and for each class and month (journal blocks).
//!
//! A slot is 64 bytes: the secret sealed (60) and four zeros. Slots are numbered by the calendar
//! itself, so that a clock that jumps between 1970 and 2100 can never fill them up; the files are
//! sparse. A month's key is never made twice; a day's is, because the vault holds nothing that an
//! old one could be mistaken for.

use super::slots::{self, DESTROYED, Derived, SEALED_LEN, SlotFile};
use super::{Class, KeyringError, Secret};
use ring::aead::LessSafeKey;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

const SLOT: u64 = 64;
const FIRST_YEAR: u32 = 1970;
const LAST_YEAR: u32 = 2100;
/// Last day that has a slot of its own (2100-12-31); later ones share it, earlier than 1970 the first.
const LAST_DAY: i32 = 47_846;
const MONTHS: u64 = (LAST_YEAR - FIRST_YEAR + 1) as u64 * 12;

/// Secrets numbered by calendar.
pub(super) struct Periods {
    file: SlotFile,
    key: LessSafeKey,
    making: Mutex<()>,
}

impl Periods {
    /// Opens `dir/kind`.
    pub(super) fn open(
        dir: &Path,
        kind: &str,
        derived: &Derived,
        read_only: bool,
    ) -> Result<Self, KeyringError> {
        let file = SlotFile::open(&dir.join(kind), read_only)?;
        Ok(Self { file, key: derived.key(kind)?, making: Mutex::new(()) })
    }

    /// The secret in `slot`; never makes one.
    pub(super) fn find(&self, slot: u64) -> Result<Secret, KeyringError> {
        let mut sealed = [0; SEALED_LEN];
        self.file.read(slot * SLOT, &mut sealed)?;
        slots::open(&self.key, &slot.to_le_bytes(), &sealed)
    }

    /// The secret in `slot`, made if there never was one; `Gone` once destroyed.
    pub(super) fn find_or_make(&self, slot: u64) -> Result<Secret, KeyringError> {
        let _one_at_a_time = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        match self.find(slot) {
            Err(KeyringError::Gone) if !self.is_destroyed(slot)? => self.make(slot),
            found => found,
        }
    }

    /// The secret in `slot`, made anew if there is none that opens.
    pub(super) fn find_or_remake(&self, slot: u64) -> Result<Secret, KeyringError> {
        let _one_at_a_time = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        match self.find(slot) {
            Err(KeyringError::Gone | KeyringError::Damaged) => self.make(slot),
            found => found,
        }
    }

    /// Destroys the secret in `slot`.
    pub(super) fn destroy(&self, slot: u64) -> Result<(), KeyringError> {
        let _one_at_a_time = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        self.file.write(slot * SLOT, &DESTROYED)
    }

    fn is_destroyed(&self, slot: u64) -> Result<bool, KeyringError> {
        let mut sealed = [0; SEALED_LEN];
        self.file.read(slot * SLOT, &mut sealed)?;
        Ok(slots::is_destroyed(&sealed))
    }

    fn make(&self, slot: u64) -> Result<Secret, KeyringError> {
        let secret = slots::random_secret()?;
        self.file.write(slot * SLOT, &slots::seal(&self.key, &slot.to_le_bytes(), &secret)?)?;
        Ok(secret)
    }
}

/// The slot of a day, counted from 1970-01-01.
pub(super) fn day_slot(day: i32) -> u64 {
    day.clamp(0, LAST_DAY) as u64
}

/// The slot of a class and month.
pub(super) fn month_slot(class: Class, yyyymm: u32) -> Result<u64, KeyringError> {
    let (year, month) = (yyyymm / 100, yyyymm % 100);
    if !(FIRST_YEAR..=LAST_YEAR).contains(&year) || !(1..=12).contains(&month) {
        return Err(KeyringError::Name(format!("month {yyyymm}")));
    }
    Ok(class as u64 * MONTHS + ((year - FIRST_YEAR) * 12 + month - 1) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &Path) -> Periods {
        Periods::open(dir, "months", &Derived::new(&[1; 32]), false).unwrap()
    }

    #[test]
    fn a_month_is_made_once_and_destroyed_for_good() {
        let dir = tempfile::tempdir().unwrap();
        let slot = month_slot(Class::Acts, 202612).unwrap();
        assert!(matches!(open(dir.path()).find(slot), Err(KeyringError::Gone)));
        let made = *open(dir.path()).find_or_make(slot).unwrap().expose();
        assert_eq!(*open(dir.path()).find_or_make(slot).unwrap().expose(), made);
        open(dir.path()).destroy(slot).unwrap();
        assert!(matches!(open(dir.path()).find_or_make(slot), Err(KeyringError::Gone)));
        assert_ne!(*open(dir.path()).find_or_remake(slot).unwrap().expose(), made);
    }

    #[test]
    fn slots_are_apart() {
        let mut seen = std::collections::HashSet::new();
        for class in [Class::Facts, Class::Acts] {
            for year in FIRST_YEAR..=LAST_YEAR {
                for month in 1..=12 {
                    assert!(seen.insert(month_slot(class, year * 100 + month).unwrap()));
                }
            }
        }
        for bad in [0, 196912, 210101, 202600, 202613, u32::MAX] {
            assert!(month_slot(Class::Facts, bad).is_err(), "{bad}");
        }
    }
}
