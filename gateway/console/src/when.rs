//! Times as people read them: in the site's zone, in their language.

use crate::words::Words;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

const WEEKDAYS: [&str; 7] =
    ["weekday-1", "weekday-2", "weekday-3", "weekday-4", "weekday-5", "weekday-6", "weekday-7"];
const MONTHS: [&str; 12] = [
    "month-1", "month-2", "month-3", "month-4", "month-5", "month-6", "month-7", "month-8",
    "month-9", "month-10", "month-11", "month-12",
];

/// The site's time zone.
#[derive(Clone)]
pub(crate) struct Zone(TimeZone);

impl Zone {
    /// By its IANA name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    fn at(&self, ms: i64) -> Zoned {
        let instant = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
        instant.to_zoned(self.0.clone())
    }

    /// The day it is on site.
    pub(crate) fn date(&self, ms: i64) -> Date {
        self.at(ms).date()
    }

    /// `08:59`.
    pub(crate) fn clock(&self, ms: i64) -> String {
        let t = self.at(ms);
        format!("{:02}:{:02}", t.hour(), t.minute())
    }

    /// `08:59:31`.
    pub(crate) fn clock_seconds(&self, ms: i64) -> String {
        let t = self.at(ms);
        format!("{:02}:{:02}:{:02}", t.hour(), t.minute(), t.second())
    }

    /// Seconds since 1970 of a time as `08:59` or `08:59:30` on a day; one past midnight may be
    /// written as 24:00 to 47:59.
    pub(crate) fn seconds(&self, date: Date, time: &str) -> Option<i64> {
        let mut parts = time.split(':').map(|part| part.parse::<i64>().ok());
        let (hours, minutes) = (parts.next()??, parts.next()??);
        let seconds = parts.next().unwrap_or(Some(0))?;
        let fits =
            (0..48).contains(&hours) && (0..60).contains(&minutes) && (0..60).contains(&seconds);
        if !fits || parts.next().is_some() {
            return None;
        }
        let date = date.checked_add((hours / 24).days()).ok()?;
        let time = jiff::civil::time((hours % 24) as i8, minutes as i8, seconds as i8, 0);
        Some(date.to_datetime(time).to_zoned(self.0.clone()).ok()?.timestamp().as_second())
    }

    /// A moment with its offset, or one of the site's clock: to the second, or a day, which begins
    /// at midnight.
    pub(crate) fn moment(&self, text: &str) -> Option<Timestamp> {
        let own = |at: DateTime| at.to_zoned(self.0.clone()).ok().map(|at| at.timestamp());
        let exact = text.parse::<Timestamp>().ok();
        // A civil date and time is a date too where its time is not looked at.
        exact.or_else(|| text.parse::<DateTime>().ok().and_then(own))
    }

    /// Minutes since midnight by the clock on the wall.
    pub(crate) fn minute_of_day(&self, ms: i64) -> u16 {
        let t = self.at(ms);
        t.hour().unsigned_abs() as u16 * 60 + t.minute().unsigned_abs() as u16
    }

    /// For `datetime` attributes: `2026-11-22T08:59:31+08:00`.
    pub(crate) fn machine(&self, ms: i64) -> String {
        let t = self.at(ms);
        t.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// The time alone where it is today's, else with the date.
    pub(crate) fn stamp(&self, ms: i64, now_ms: i64, t: &Words) -> String {
        let (date, clock) = (self.date(ms), self.clock(ms));
        if date == self.date(now_ms) {
            return clock;
        }
        t.fill("stamp", &[("date", &short_date(date, t)), ("time", &clock)])
    }
}

/// `Sunday 22 November 2026`.
pub(crate) fn long_date(date: Date, t: &Words) -> String {
    let weekday = usize::from(date.weekday().to_monday_zero_offset().unsigned_abs());
    let month = usize::from(date.month().unsigned_abs()).saturating_sub(1);
    t.fill(
        "date-long",
        &[
            ("weekday", &WEEKDAYS.get(weekday).map(|id| t.say(id)).unwrap_or_default()),
            ("day", &date.day().to_string()),
            ("month", &MONTHS.get(month).map(|id| t.say(id)).unwrap_or_default()),
            ("year", &date.year().to_string()),
        ],
    )
}

/// `2026-11-22`, which every language here reads.
pub(crate) fn short_date(date: Date, t: &Words) -> String {
    t.with("date-short", "date", &date.to_string())
}

/// The days before and after, where there are any.
pub(crate) fn neighbours(date: Date) -> (Option<Date>, Option<Date>) {
    (date.checked_sub(1.day()).ok(), date.checked_add(1.day()).ok())
}

/// `3 min ago`; what lies ahead is now.
pub(crate) fn ago(now_ms: i64, then_ms: i64, t: &Words) -> String {
    age(now_ms.saturating_sub(then_ms), t)
}

fn age(ms: i64, t: &Words) -> String {
    match ms / 1000 {
        ..60 => t.say("age-now"),
        s @ 60..3_600 => t.count("age-minutes", (s / 60).unsigned_abs()),
        s @ 3_600..86_400 => t.count("age-hours", (s / 3_600).unsigned_abs()),
        s => t.count("age-days", (s / 86_400).unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{Catalogue, Language};
    use std::sync::Arc;

    fn words(language: Language) -> Words {
        Words::new(Arc::new(Catalogue::embedded()), language)
    }

    /// 2026-11-22T00:59:31Z.
    const MORNING: i64 = 1_795_309_171_000;

    #[test]
    fn times_are_the_sites() {
        for (zone, clock, machine) in [
            ("Asia/Macau", "08:59", "2026-11-22T08:59:31+08:00"),
            ("Europe/Lisbon", "00:59", "2026-11-22T00:59:31+00:00"),
            ("America/New_York", "19:59", "2026-11-21T19:59:31-05:00"),
        ] {
            let zone = Zone::named(zone).expect("a zone");
            assert_eq!(zone.clock(MORNING), clock);
            assert_eq!(zone.machine(MORNING), machine);
        }
        assert!(Zone::named("Mars/Olympus").is_none());
    }

    #[test]
    fn dates_are_by_language() {
        let date = jiff::civil::date(2026, 11, 22);
        for (language, expect) in [
            (Language::English, "Sunday 22 November 2026"),
            (Language::TraditionalChinese, "2026年11月22日 星期日"),
            (Language::SimplifiedChinese, "2026年11月22日 星期日"),
            (Language::Portuguese, "domingo, 22 de novembro de 2026"),
        ] {
            assert_eq!(long_date(date, &words(language)), expect);
        }
    }

    #[test]
    fn ages_are_in_words() {
        let t = words(Language::English);
        for (ms, expect) in [
            (-5_000, "just now"),
            (59_000, "just now"),
            (61_000, "1 min ago"),
            (7_200_000, "2 h ago"),
            (86_400_000, "1 day ago"),
            (3 * 86_400_000, "3 days ago"),
        ] {
            assert_eq!(age(ms, &t), expect, "{ms}");
        }
    }

    #[test]
    fn no_instant_is_too_far() {
        let zone = Zone::named("Asia/Macau").expect("a zone");
        for ms in [i64::MIN, -1, 0, i64::MAX] {
            assert_eq!(zone.clock(ms).len(), 5);
        }
    }
}
