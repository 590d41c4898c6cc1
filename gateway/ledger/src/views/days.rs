//! Which day of the site's zone a moment belongs to.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use std::collections::BTreeMap;
use std::ops::Range;

const EPOCH: Date = Date::constant(1970, 1, 1);

/// Days that are kept at hand.
const MAX_DAYS: usize = 1024;

/// Days of one zone, with those looked up lately at hand: punches are of few days.
pub(super) struct Days {
    zone: TimeZone,
    last: (Range<i64>, i32),
    /// By their first second: the second after their last, and their number.
    known: BTreeMap<i64, (i64, i32)>,
}

impl Days {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self { zone, last: (0..0, 0), known: BTreeMap::new() }
    }

    /// Days since 1970-01-01 of the day on which `seconds` (since 1970 in UTC) lies.
    pub(super) fn day(&mut self, seconds: i64) -> i32 {
        if !self.last.0.contains(&seconds) {
            self.last = self.find(seconds);
        }
        self.last.1
    }

    fn find(&mut self, seconds: i64) -> (Range<i64>, i32) {
        if let Some((&start, &(end, day))) = self.known.range(..=seconds).next_back()
            && seconds < end
        {
            return (start..end, day);
        }
        let (range, day) = self.look_up(seconds);
        if self.known.len() >= MAX_DAYS {
            self.known.clear();
        }
        if !range.is_empty() {
            self.known.insert(range.start, (range.end, day));
        }
        (range, day)
    }

    fn look_up(&self, seconds: i64) -> (Range<i64>, i32) {
        let limit = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
        let at = Timestamp::from_second(seconds).unwrap_or(limit);
        let date = at.to_zoned(self.zone.clone()).date();
        let start =
            |date: Date| Some(date.to_zoned(self.zone.clone()).ok()?.timestamp().as_second());
        let whole = start(date).zip(date.tomorrow().ok().and_then(start));
        let range = whole.map_or(0..0, |(start, end)| start..end);
        (range, number(date))
    }
}

/// Days since 1970-01-01.
pub(super) fn number(date: Date) -> i32 {
    EPOCH.until(date).map_or(0, |span| span.get_days())
}

/// The date that many days after 1970-01-01.
pub(super) fn date(number: i32) -> Date {
    let limit = if number < 0 { Date::MIN } else { Date::MAX };
    let span = Span::new().try_days(number).ok();
    span.and_then(|span| EPOCH.checked_add(span).ok()).unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(zone: &str, at: &str, expect: &str) {
        let mut days = Days::new(TimeZone::get(zone).unwrap());
        let seconds = at.parse::<Timestamp>().unwrap().as_second();
        for _ in 0..2 {
            assert_eq!(date(days.day(seconds)).to_string(), expect, "{zone} {at}");
        }
    }

    #[test]
    fn a_day_is_the_sites() {
        check("UTC", "2026-12-01T23:59:59Z", "2026-12-01");
        check("Asia/Macau", "2026-12-01T15:59:59Z", "2026-12-01");
        check("Asia/Macau", "2026-12-01T16:00:00Z", "2026-12-02");
        check("Europe/Lisbon", "2026-03-29T00:30:00Z", "2026-03-29");
        check("America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-04");
        check("UTC", "-009999-01-02T01:59:59Z", "-009999-01-02");
    }

    #[test]
    fn days_at_hand_are_the_right_ones() {
        let zone = TimeZone::get("Europe/Lisbon").unwrap();
        let mut days = Days::new(zone.clone());
        // Across both changes of the clock, there and back.
        let hours = (0..2 * MAX_DAYS * 24).step_by(5);
        for hour in hours.clone().chain(hours.rev()) {
            let seconds = 1_750_000_000 + hour as i64 * 3600;
            let at = Timestamp::from_second(seconds).unwrap().to_zoned(zone.clone());
            assert_eq!(date(days.day(seconds)), at.date());
        }
        assert!(days.known.len() <= MAX_DAYS);
    }

    #[test]
    fn every_number_has_a_date_and_every_moment_a_day() {
        for n in [i32::MIN, -719_468, -1, 0, 1, 20_000, i32::MAX] {
            let date = date(n);
            assert!(number(date) == n || date == Date::MIN || date == Date::MAX, "{n}");
        }
        let mut days = Days::new(TimeZone::UTC);
        for seconds in [i64::MIN, -1, 0, i64::MAX] {
            let day = days.day(seconds);
            assert!(number(date(day)) == day);
        }
    }
}
