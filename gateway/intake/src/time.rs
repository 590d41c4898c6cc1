//! RFC 3339 timestamps, strictly, without allocating: `2026-12-01T08:59:31+08:00`.
//!
//! Section 5.6 of the RFC, with an upper- or lower-case `T` and `Z`. Fractions are checked and
//! dropped. A leap second (`:60`) is the first second of the next minute. Years 1 to 9999.

use muster_attendance::DeviceTime;

/// Reads a timestamp; `None` where the text is anything else.
pub(crate) fn rfc3339(text: &[u8]) -> Option<DeviceTime> {
    let (date, rest) = text.split_at_checked(10)?;
    let (time, rest) = rest.split_at_checked(9)?;
    let days = date_days(date)?;
    let seconds = clock_seconds(time)?;
    let offset_minutes = offset(skip_fraction(rest)?)?;
    let seconds = days * 86_400 + seconds - i64::from(offset_minutes) * 60;
    Some(DeviceTime { seconds, offset_minutes })
}

fn date_days(date: &[u8]) -> Option<i64> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *date else { return None };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let (month, day) = (two(m1, m2)?, two(d1, d2)?);
    (year >= 1 && (1..=12).contains(&month) && day >= 1 && day <= month_days(year, month))
        .then(|| days_from_civil(year, month, day))
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Years start in March here, so that the leap day is the last of its year.
    let shifted = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = shifted.div_euclid(4) - shifted.div_euclid(100) + shifted.div_euclid(400);
    365 * shifted + leap_days + day_of_year - 719_468
}

fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn clock_seconds(time: &[u8]) -> Option<i64> {
    let [b'T' | b't', h1, h2, b':', m1, m2, b':', s1, s2] = *time else { return None };
    let (hour, minute, second) = (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?);
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

fn skip_fraction(rest: &[u8]) -> Option<&[u8]> {
    let Some((b'.', fraction)) = rest.split_first() else { return Some(rest) };
    let digits = fraction.iter().take_while(|c| c.is_ascii_digit()).count();
    if digits == 0 { None } else { fraction.get(digits..) }
}

fn offset(rest: &[u8]) -> Option<i16> {
    let (sign, h1, h2, m1, m2) = match *rest {
        [b'Z' | b'z'] => return Some(0),
        [b'+', h1, h2, b':', m1, m2] => (1, h1, h2, m1, m2),
        [b'-', h1, h2, b':', m1, m2] => (-1, h1, h2, m1, m2),
        _ => return None,
    };
    let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) as i16)
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expect: Option<(i64, i16)>) {
        let got = rfc3339(text.as_bytes()).map(|t| (t.seconds, t.offset_minutes));
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn timestamps() {
        check("1970-01-01T00:00:00Z", Some((0, 0)));
        check("2026-12-01T08:59:31+08:00", Some((1_796_086_771, 480)));
        check("2026-12-01t00:59:31.123456z", Some((1_796_086_771, 0)));
        check("2026-11-30T19:29:31-05:30", Some((1_796_086_771, -330)));
        check("2024-02-29T12:00:00Z", Some((1_709_208_000, 0)));
        check("2016-12-31T23:59:60Z", Some((1_483_228_800, 0)));
        check("1969-12-31T23:59:59Z", Some((-1, 0)));
        check("0001-01-01T00:00:00Z", Some((-62_135_596_800, 0)));
        check("9999-12-31T23:59:59Z", Some((253_402_300_799, 0)));
    }

    #[test]
    fn what_is_no_timestamp() {
        for text in [
            "",
            "2026-12-01",
            "2026-12-01T08:59:31",
            "2026-12-01 08:59:31Z",
            "2026-12-01T08:59:31+0800",
            "2026-12-01T08:59:31.Z",
            "2026-12-01T08:59Z",
            "2023-02-29T12:00:00Z",
            "1900-02-29T12:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00+01:60",
            "2026-01-01T00:00:00ZZ",
            "0000-01-01T00:00:00Z",
            "+026-01-01T00:00:00Z",
            "２026-01-01T00:00:00Z",
        ] {
            check(text, None);
        }
    }

    proptest! {
        #[test]
        fn consecutive_days_are_a_day_apart(days in -719_162i64..2_932_896) {
            // Rebuilds each date from its day number the slow way round.
            let (mut year, mut left) = (1970, days);
            while left < 0 { year -= 1; left += year_days(year); }
            while left >= year_days(year) { left -= year_days(year); year += 1; }
            let mut month = 1;
            while left >= month_days(year, month) { left -= month_days(year, month); month += 1; }
            let text = format!("{year:04}-{month:02}-{:02}T00:00:00Z", left + 1);
            prop_assert_eq!(rfc3339(text.as_bytes()).map(|t| t.seconds), Some(days * 86_400));
        }

        #[test]
        fn nothing_panics(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = rfc3339(&text);
        }
    }

    fn year_days(year: i64) -> i64 {
        337 + month_days(year, 2)
    }
}
