//! Clocks that know whether they can be believed.
//!
//! A clock that was never set, or lost its power, gives a time all the same. Such times are marked
//! unsure, so that the box can set them right instead of paying somebody for a day in 1970.

use crate::CRC;
use embedded_hal::i2c::I2c;
use muster_proto::message::{ClockState, LocalTime};

/// What a clock shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// Time and offset.
    pub at: LocalTime,
    /// Whether it was set and has run since.
    pub state: ClockState,
}

/// A clock that can be set.
pub trait Clock {
    /// The time now; `now_ms` is the caller's running count of milliseconds.
    fn read(&mut self, now_ms: u64) -> Reading;
    /// Sets it; after an error of the chip it shows times as unsure.
    fn set(&mut self, now_ms: u64, at: LocalTime);
}

/// A clock that runs on the caller's milliseconds since it was last set: for boards without a
/// clock chip. It forgets with the power.
#[derive(Clone, Copy, Debug, Default)]
pub struct SoftClock {
    /// When it was set, and to what.
    base: Option<(u64, LocalTime)>,
}

impl Clock for SoftClock {
    fn read(&mut self, now_ms: u64) -> Reading {
        let Some((since, at)) = self.base else {
            let at = LocalTime { seconds: (now_ms / 1000) as i64, offset_minutes: 0 };
            return Reading { at, state: ClockState::Unsure };
        };
        let seconds = at.seconds.saturating_add((now_ms.saturating_sub(since) / 1000) as i64);
        Reading { at: LocalTime { seconds, ..at }, state: ClockState::Ok }
    }

    fn set(&mut self, now_ms: u64, at: LocalTime) {
        self.base = Some((now_ms, at));
    }
}

/// I2C address of the DS1307 and its kin.
const ADDRESS: u8 = 0x68;
/// Register 0, bit 7: the oscillator is halted.
const HALTED: u8 = 0x80;
/// DS1338, control register, bit 5: the oscillator has stopped since this was cleared. A DS1307
/// always reads 0 there.
const STOPPED: u8 = 0x20;
/// Registers: seven of time, control, then battery-backed memory.
const CONTROL: usize = 7;
/// Marker, offset and CRC in battery-backed memory: gone if the battery was.
const MARKER: [u8; 2] = *b"Mu";
const MEMORY: usize = 8;
const ALL: usize = MEMORY + 2 + 2 + 4;

/// Days from 1970-01-01 to 2000-01-01, the chip's first day.
const DAYS_TO_2000: i64 = 10_957;
const DAY: i64 = 86_400;

/// A DS1307, DS1338 or compatible clock chip, which keeps UTC and the offset to show.
///
/// Its time is believed if the oscillator runs and has not stopped, and if our mark is still in
/// its battery-backed memory. Good for 2000 to 2099.
pub struct Ds1307<I> {
    i2c: I,
    /// Runs on while the chip does not answer.
    spare: SoftClock,
}

impl<I: I2c> Ds1307<I> {
    /// The chip on this bus.
    pub fn new(i2c: I) -> Self {
        Self { i2c, spare: SoftClock::default() }
    }

    fn registers(&mut self) -> Option<[u8; ALL]> {
        let mut registers = [0; ALL];
        self.i2c.write_read(ADDRESS, &[0], &mut registers).ok()?;
        Some(registers)
    }

    /// Bytes as written over the bus: register number first.
    fn write(&mut self, at: LocalTime) -> Option<()> {
        let mut bytes = [0; 1 + ALL];
        let registers = bytes.split_first_mut()?.1;
        encode(registers, at)?;
        self.i2c.write(ADDRESS, &bytes).ok()
    }
}

impl<I: I2c> Clock for Ds1307<I> {
    fn read(&mut self, now_ms: u64) -> Reading {
        let Some(registers) = self.registers() else {
            let Reading { at, .. } = self.spare.read(now_ms);
            return Reading { at, state: ClockState::Unsure };
        };
        let reading = decode(&registers);
        if reading.state == ClockState::Ok {
            self.spare.set(now_ms, reading.at);
        }
        reading
    }

    fn set(&mut self, now_ms: u64, at: LocalTime) {
        self.spare.set(now_ms, at);
        // An error shows at the next read: the chip does not answer, or lacks the mark.
        let _ = self.write(at);
    }
}

fn decode(registers: &[u8; ALL]) -> Reading {
    let seconds = time(registers);
    let offset = offset(registers);
    let running = registers[0] & HALTED == 0 && registers[CONTROL] & STOPPED == 0;
    let state = match (seconds, offset) {
        (Some(_), Some(_)) if running => ClockState::Ok,
        _ => ClockState::Unsure,
    };
    let at =
        LocalTime { seconds: seconds.unwrap_or(0), offset_minutes: offset.unwrap_or_default() };
    Reading { at, state }
}

fn time(registers: &[u8; ALL]) -> Option<i64> {
    let &[second, minute, hour, _, day, month, year, ..] = registers;
    if hour & 0x40 != 0 {
        return None; // Twelve-hour mode: nothing of ours set it.
    }
    let second = bcd(second & 0x7F, 0, 59)?;
    let (minute, hour) = (bcd(minute, 0, 59)?, bcd(hour, 0, 23)?);
    let (year, month) = (bcd(year, 0, 99)?, bcd(month, 1, 12)?);
    let day = bcd(day, 1, days_in(year, month))?;
    let days = DAYS_TO_2000 + days_before_year(year) + days_before_month(year, month) + day - 1;
    Some(days * DAY + hour * 3_600 + minute * 60 + second)
}

fn offset(registers: &[u8; ALL]) -> Option<i16> {
    let memory = registers.get(MEMORY..)?;
    let (checked, sum) = memory.split_first_chunk::<4>()?;
    let &[a, b, low, high] = checked;
    let whole = [a, b] == MARKER && sum == CRC.checksum(checked).to_le_bytes();
    whole.then_some(i16::from_le_bytes([low, high]))
}

fn encode(registers: &mut [u8], at: LocalTime) -> Option<()> {
    let since = at.seconds - DAYS_TO_2000 * DAY;
    let (mut days, clock) = (since.div_euclid(DAY), since.rem_euclid(DAY));
    let year = (0..100).rev().find(|&y| days_before_year(y) <= days)?;
    days -= days_before_year(year);
    let month = (1..=12).rev().find(|&m| days_before_month(year, m) <= days)?;
    days -= days_before_month(year, month);
    if days >= days_in(year, month) {
        return None; // After 2099.
    }
    let weekday = (since.div_euclid(DAY) + 6) % 7 + 1;
    let values = [clock % 60, clock / 60 % 60, clock / 3_600, weekday, days + 1, month, year];
    for (register, value) in registers.iter_mut().zip(values) {
        *register = (value / 10 * 16 + value % 10) as u8;
    }
    *registers.get_mut(CONTROL)? = 0;
    let memory = registers.get_mut(MEMORY..ALL)?;
    memory[..2].copy_from_slice(&MARKER);
    memory[2..4].copy_from_slice(&at.offset_minutes.to_le_bytes());
    let sum = CRC.checksum(&memory[..4]);
    memory[4..8].copy_from_slice(&sum.to_le_bytes());
    Some(())
}

fn bcd(byte: u8, least: i64, most: i64) -> Option<i64> {
    let (tens, ones) = (i64::from(byte >> 4), i64::from(byte & 15));
    let value = tens * 10 + ones;
    (ones < 10 && (least..=most).contains(&value)).then_some(value)
}

/// Days of 2000 to 2000 + `year` - 1, for years to 2100.
fn days_before_year(year: i64) -> i64 {
    year * 365 + (year + 3) / 4
}

fn days_before_month(year: i64, month: i64) -> i64 {
    (1..month).map(|m| days_in(year, m)).sum()
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::ClockChip;
    use proptest::prelude::*;

    const AT: LocalTime = LocalTime { seconds: 1_796_086_771, offset_minutes: 480 };

    #[test]
    fn a_new_chip_is_not_believed_until_set() {
        let mut clock = Ds1307::new(ClockChip::new());
        assert_eq!(clock.read(0).state, ClockState::Unsure);
        clock.set(0, AT);
        assert_eq!(clock.read(0), Reading { at: AT, state: ClockState::Ok });
        let hand = clock.i2c.hand();
        for passed in [1, 3_600, 86_400, 400 * 86_400, 2_000 * 86_400] {
            hand.store(passed, std::sync::atomic::Ordering::Relaxed);
            let later = LocalTime { seconds: AT.seconds + passed as i64, ..AT };
            assert_eq!(clock.read(0), Reading { at: later, state: ClockState::Ok });
        }
    }

    #[test]
    fn what_makes_a_time_unsure() {
        fn check(spoil: impl Fn(&mut ClockChip)) {
            let mut clock = Ds1307::new(ClockChip::new());
            clock.set(0, AT);
            spoil(&mut clock.i2c);
            assert_eq!(clock.read(60_000).state, ClockState::Unsure);
        }
        check(|chip| chip.registers[0] |= HALTED);
        check(|chip| chip.registers[CONTROL] |= STOPPED);
        check(|chip| chip.registers[MEMORY + 2] ^= 1);
        check(|chip| chip.registers[5] = 0x13);
        check(|chip| chip.registers[2] |= 0x40);
        check(|chip| chip.registers[4] = 0x0A);
        check(ClockChip::lose_power);
        check(|chip| chip.broken = true);
    }

    #[test]
    fn a_silent_chip_is_bridged() {
        let mut clock = Ds1307::new(ClockChip::new());
        clock.set(1_000, AT);
        clock.i2c.broken = true;
        assert_eq!(clock.read(61_000).at.seconds, AT.seconds + 60);
    }

    #[test]
    fn times_before_2000_and_after_2099_are_not_written() {
        for (seconds, fits) in [
            (946_684_799, false),
            (946_684_800, true),
            (4_102_444_799, true),
            (4_102_444_800, false),
        ] {
            let at = LocalTime { seconds, offset_minutes: 0 };
            let mut registers = [0; ALL];
            assert_eq!(encode(&mut registers, at).is_some(), fits, "{seconds}");
        }
    }

    #[test]
    fn registers_as_in_the_data_sheet() {
        let mut registers = [0; ALL];
        // 2026-12-01T00:59:31Z was a Tuesday; weekdays count from Sunday, 1 to 7.
        encode(&mut registers, AT).unwrap();
        assert_eq!(registers[..7], [0x31, 0x59, 0x00, 3, 0x01, 0x12, 0x26]);
    }

    /// On the bus, transaction by transaction.
    #[test]
    fn the_chip_is_read_and_set_over_i2c() {
        use embedded_hal::i2c::ErrorKind;
        use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
        let mut registers = [0; ALL];
        encode(&mut registers, AT).unwrap();
        let set = [&[0][..], &registers].concat();
        let mut i2c = Mock::new(&[
            Transaction::write(ADDRESS, set),
            Transaction::write_read(ADDRESS, std::vec![0], registers.to_vec()),
            Transaction::write_read(ADDRESS, std::vec![0], std::vec![0; ALL])
                .with_error(ErrorKind::Bus),
        ]);
        let mut clock = Ds1307::new(i2c.clone());
        clock.set(0, AT);
        assert_eq!(clock.read(0), Reading { at: AT, state: ClockState::Ok });
        assert_eq!(clock.read(60_000).state, ClockState::Unsure);
        i2c.done();
    }

    proptest! {
        #[test]
        fn times_round_trip(seconds in 946_684_800i64..4_102_444_800, offset_minutes in -1440i16..=1440) {
            let at = LocalTime { seconds, offset_minutes };
            let mut registers = [0; ALL];
            prop_assert!(encode(&mut registers, at).is_some());
            prop_assert_eq!(decode(&registers), Reading { at, state: ClockState::Ok });
        }

        #[test]
        fn no_register_content_panics(registers: [u8; ALL]) {
            decode(&registers);
        }
    }
}
