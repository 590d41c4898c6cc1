//! When somebody punched, as a parcel says it. Dates are kept at hand: a backlog has few of them.

use super::render::Unfit;
use crate::quarantine::FIELD_ABSENT;
use jiff::Timestamp;
use jiff::tz::Offset;
use muster_attendance::DeviceTime;
use muster_residency::vocab::TimePrecision;

/// Dates kept at hand, each in the place its day has among so many.
const MAX_DATES: usize = 64;
const DAY_S: i64 = 86_400;

/// Dates that were written lately, by days since 1970.
pub(super) struct Dates([Option<(i64, String)>; MAX_DATES]);

impl Default for Dates {
    fn default() -> Self {
        Self([const { None }; MAX_DATES])
    }
}

impl Dates {
    /// `made` makes the date where it is not at hand.
    fn get(&mut self, day: i64, made: impl FnOnce() -> String) -> &str {
        let place = &mut self.0[day.rem_euclid(MAX_DATES as i64) as usize];
        if place.as_ref().is_none_or(|(other, _)| *other != day) {
            *place = Some((day, made()));
        }
        place.as_ref().map_or("", |(_, date)| date)
    }
}

/// RFC 3339 at the profile's precision.
pub(super) fn write_time(
    text: &mut String,
    at: DeviceTime,
    precision: TimePrecision,
    dates: &mut Dates,
) -> Result<(), Unfit> {
    let offset = i32::from(at.offset_minutes);
    let zone = Offset::from_seconds(offset * 60).map_err(|_| Unfit(FIELD_ABSENT))?;
    let moment = Timestamp::from_second(at.seconds).map_err(|_| Unfit(FIELD_ABSENT))?;
    let local = at.seconds + i64::from(offset) * 60;
    let date = dates.get(local.div_euclid(DAY_S), || zone.to_datetime(moment).date().to_string());
    let of_day = local.rem_euclid(DAY_S) as u32;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    text.push('"');
    match precision {
        TimePrecision::Month => text.push_str(date.rsplit_once('-').map_or(date, |(m, _)| m)),
        _ => text.push_str(date),
    }
    match precision {
        TimePrecision::Second => clock(text, &[hour, minute, second], offset),
        TimePrecision::Minute => clock(text, &[hour, minute], offset),
        TimePrecision::Hour => clock(text, &[hour, 0], offset),
        TimePrecision::Day | TimePrecision::Month => {}
    }
    text.push('"');
    Ok(())
}

/// As `T08:59+08:00`.
fn clock(text: &mut String, parts: &[u32], offset: i32) {
    for (at, part) in parts.iter().enumerate() {
        text.push(if at == 0 { 'T' } else { ':' });
        two_digits(text, *part);
    }
    text.push(if offset < 0 { '-' } else { '+' });
    two_digits(text, offset.unsigned_abs() / 60);
    text.push(':');
    two_digits(text, offset.unsigned_abs() % 60);
}

fn two_digits(text: &mut String, number: u32) {
    let digit = |n: u32| char::from(b'0' + (n % 10) as u8);
    text.push(digit(number / 10));
    text.push(digit(number));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(seconds: i64, offset_minutes: i16, precision: TimePrecision) -> Option<String> {
        let mut text = String::new();
        let at = DeviceTime { seconds, offset_minutes };
        write_time(&mut text, at, precision, &mut Dates::default()).ok().map(|()| text)
    }

    #[test]
    fn times_are_as_exact_as_the_profile_says() {
        let check = |precision, expect: &str| {
            let text = written(1_764_550_771, 480, precision);
            assert_eq!(text.as_deref(), Some(expect));
        };
        check(TimePrecision::Second, "\"2025-12-01T08:59:31+08:00\"");
        check(TimePrecision::Minute, "\"2025-12-01T08:59+08:00\"");
        check(TimePrecision::Hour, "\"2025-12-01T08:00+08:00\"");
        check(TimePrecision::Day, "\"2025-12-01\"");
        check(TimePrecision::Month, "\"2025-12\"");
        assert_eq!(
            written(-1, -90, TimePrecision::Second).as_deref(),
            Some("\"1969-12-31T22:29:59-01:30\"")
        );
        assert_eq!(written(i64::MAX, 0, TimePrecision::Day), None);
        assert_eq!(written(0, i16::MAX, TimePrecision::Day), None);
    }

    proptest! {
        #[test]
        fn dates_at_hand_are_the_right_ones(
            times in prop::collection::vec((-60_000_000_000i64..99_999_999_999, -1440i16..1440), 1..20)
        ) {
            let mut dates = Dates::default();
            for (seconds, offset_minutes) in times {
                let zone = Offset::from_seconds(i32::from(offset_minutes) * 60).unwrap();
                let local = zone.to_datetime(Timestamp::from_second(seconds).unwrap());
                let sign = if offset_minutes < 0 { '-' } else { '+' };
                let (h, m) = (offset_minutes.abs() / 60, offset_minutes.abs() % 60);
                let expect = format!("\"{}{sign}{h:02}:{m:02}\"", local.strftime("%FT%T"));
                for _ in 0..2 {
                    let (mut text, at) = (String::new(), DeviceTime { seconds, offset_minutes });
                    write_time(&mut text, at, TimePrecision::Second, &mut dates).unwrap();
                    prop_assert_eq!(&text, &expect);
                }
            }
        }
    }
}
