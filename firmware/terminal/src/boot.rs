//! The boot number: raised by one at every start, stored before its first use, never used twice.
//!
//! It lies in the first two sectors of the flash, as a log: records are appended to one sector,
//! and when that is full the other is erased and taken. So one erase serves hundreds of starts,
//! and at no moment does the highest number exist only in a sector under erasure. A record torn by
//! a power cut does not check; its number was not used yet, so it is taken again by the next start.

use crate::CRC;
use embedded_storage::nor_flash::NorFlash;

/// Sectors taken from the front of the flash.
pub const SECTORS: usize = 2;
/// Bytes of a record: number, its complement, CRC-32C, four bytes unused.
const RECORD: usize = 16;

/// The boot number could not be raised; the terminal must not start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BootError {
    /// The flash refuses reads, writes or erasure.
    #[error("the flash does not answer; replace the flash chip")]
    Flash,
    /// Numbers were stored once, and none can be read: some were surely used.
    #[error("all boot numbers are damaged; pair the terminal again")]
    Lost,
    /// 2^32 starts.
    #[error("boot numbers are used up; pair the terminal again")]
    UsedUp,
    /// Sectors too small or write units too large for the records.
    #[error("this flash's sectors or write units do not fit the boot log")]
    Geometry,
}

/// Raises the boot number, stores it and returns it. `at_least` is the highest known from
/// elsewhere (the queue), 0 for none.
pub fn raise(flash: &mut impl NorFlash, at_least: u32) -> Result<u32, BootError> {
    let log = scan(flash)?;
    if log.highest.is_none() && log.dirty[1] {
        return Err(BootError::Lost);
    }
    let highest = log.highest.map_or(0, |(number, _)| number).max(at_least);
    let number = highest.checked_add(1).ok_or(BootError::UsedUp)?;
    let sector = log.highest.map_or(0, |(_, sector)| sector);
    store(flash, sector, log.end[sector], number)?;
    Ok(number)
}

struct Log {
    /// Highest number that checks, and its sector.
    highest: Option<(u32, usize)>,
    /// First record of each sector after which all is blank.
    end: [usize; SECTORS],
    dirty: [bool; SECTORS],
}

fn per_sector<F: NorFlash>() -> Result<usize, BootError> {
    let fits = F::ERASE_SIZE >= RECORD
        && RECORD.is_multiple_of(F::WRITE_SIZE)
        && RECORD.is_multiple_of(F::READ_SIZE);
    fits.then_some(F::ERASE_SIZE / RECORD).ok_or(BootError::Geometry)
}

fn offset<F: NorFlash>(sector: usize, record: usize) -> u32 {
    (sector * F::ERASE_SIZE + record * RECORD) as u32
}

fn scan<F: NorFlash>(flash: &mut F) -> Result<Log, BootError> {
    let per_sector = per_sector::<F>()?;
    let mut log = Log { highest: None, end: [0; SECTORS], dirty: [false; SECTORS] };
    for sector in 0..SECTORS {
        for record in 0..per_sector {
            let mut bytes = [0; RECORD];
            flash.read(offset::<F>(sector, record), &mut bytes).map_err(|_| BootError::Flash)?;
            if bytes == [0xFF; RECORD] {
                continue;
            }
            log.end[sector] = record + 1;
            log.dirty[sector] = true;
            let found = parse(&bytes).map(|number| (number, sector));
            log.highest = log.highest.max(found);
        }
    }
    Ok(log)
}

fn parse(bytes: &[u8; RECORD]) -> Option<u32> {
    let (checked, rest) = bytes.split_first_chunk::<8>()?;
    let (number, inverse) = checked.split_first_chunk::<4>()?;
    let number = u32::from_le_bytes(*number);
    let whole = inverse == (!number).to_le_bytes()
        && rest.first_chunk::<4>() == Some(&CRC.checksum(checked).to_le_bytes());
    whole.then_some(number)
}

fn record(number: u32) -> [u8; RECORD] {
    let mut bytes = [0xFF; RECORD];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    bytes[4..8].copy_from_slice(&(!number).to_le_bytes());
    let sum = CRC.checksum(&bytes[..8]);
    bytes[8..12].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Appends to `sector`, or to the other one when it is full; reads it back.
fn store<F: NorFlash>(
    flash: &mut F,
    mut sector: usize,
    mut at: usize,
    number: u32,
) -> Result<(), BootError> {
    if at >= per_sector::<F>()? {
        sector = 1 - sector;
        at = 0;
        let from = offset::<F>(sector, 0);
        flash.erase(from, from + F::ERASE_SIZE as u32).map_err(|_| BootError::Flash)?;
    }
    let (bytes, place) = (record(number), offset::<F>(sector, at));
    let mut back = [0; RECORD];
    flash.write(place, &bytes).map_err(|_| BootError::Flash)?;
    flash.read(place, &mut back).map_err(|_| BootError::Flash)?;
    if back != bytes {
        return Err(BootError::Flash);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::RamFlash;
    use proptest::prelude::*;

    #[test]
    fn numbers_grow_over_many_sectors() {
        let mut flash = RamFlash::new(2);
        for expect in 1..=2_000 {
            assert_eq!(raise(&mut flash, 0), Ok(expect));
        }
        // 256 records a sector, so one erase in 256 starts.
        assert_eq!(flash.erases(), 7);
    }

    #[test]
    fn the_queue_may_know_better() {
        let mut flash = RamFlash::new(2);
        assert_eq!(raise(&mut flash, 41), Ok(42));
        assert_eq!(raise(&mut flash, 41), Ok(43));
        assert_eq!(raise(&mut flash, u32::MAX), Err(BootError::UsedUp));
    }

    #[test]
    fn damage_everywhere_is_not_taken_for_a_first_start() {
        let mut flash = RamFlash::new(2);
        flash.fill(0x5A);
        assert_eq!(raise(&mut flash, 0), Err(BootError::Lost));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn no_number_is_given_out_twice(cuts in prop::collection::vec(0u64..5_000, 1..400), seed: u64) {
            let mut flash = RamFlash::new(2);
            flash.seed(seed);
            let mut last = 0;
            for cut in cuts {
                flash.cut_after(cut % 40 * (cut % 7 + 1));
                for _ in 0..20 {
                    let Ok(number) = raise(&mut flash, 0) else { break };
                    prop_assert!(number > last);
                    last = number;
                }
                flash.power_on();
            }
            prop_assert!(raise(&mut flash, 0).is_ok_and(|n| n > last));
        }
    }
}
