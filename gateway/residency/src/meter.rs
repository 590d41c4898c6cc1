//! The threshold meter: how near a year's exports are to each number at which something changes,
//! on two scales, with the day on which each would be reached at the pace so far.
//!
//! The law counts the company and a box sees its own part: without an entered baseline every
//! figure is a lower bound, and says so.

use crate::facts::Counters;
use crate::law_pack::Threshold;
use jiff::civil::Date;
use jiff::{ToSpan, Unit};
use serde::Serialize;

/// Days before a threshold would be reached at which an alarm is due.
pub const ALARM_DAYS: i32 = 30;

/// Whose number a threshold is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// The law's (CAC Order 16 of 2024).
    Legal,
    /// Caution's: early enough to act.
    EarlyAlarm,
}

/// One threshold and how near it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Mark {
    /// The law pack's name of the threshold.
    pub threshold: &'static str,
    /// Whose number.
    pub scale: Scale,
    /// The number.
    pub at: u64,
    /// What is counted so far, baseline included.
    pub count: u64,
    /// True if it is reached.
    pub reached: bool,
    /// The day on which it would be reached at the pace so far, in this calendar year.
    pub forecast: Option<Date>,
    /// True if that is within thirty days, or it is reached.
    pub alarm: bool,
    /// True if no baseline was entered: the count is a lower bound.
    pub lower_bound: bool,
}

/// Every threshold on `today` (in the law's own time zone). `own` is this box's part, `baseline`
/// what was entered of other systems.
pub fn marks(
    own: Counters,
    baseline: Option<Counters>,
    threshold: &Threshold,
    today: Date,
) -> Vec<Mark> {
    let other = baseline.unwrap_or_default();
    let persons = (own.persons, other.persons);
    let sensitive = (own.sensitive, other.sensitive);
    let records = (own.records, other.records);
    let t = threshold;
    [
        ("early_individuals", Scale::EarlyAlarm, t.early_individuals, persons),
        ("early_records", Scale::EarlyAlarm, t.early_records, records),
        ("cn_sensitive_assessment", Scale::Legal, t.cn_sensitive_assessment, sensitive),
        ("cn_persons_scc", Scale::Legal, t.cn_persons_scc, persons),
        ("cn_persons_assessment", Scale::Legal, t.cn_persons_assessment, persons),
    ]
    .map(|(threshold, scale, at, (own, other))| {
        let count = own.saturating_add(other);
        let forecast = forecast(own, other, at, today);
        let soon = forecast.is_some_and(|day| {
            day.since((Unit::Day, today)).is_ok_and(|span| span.get_days() <= ALARM_DAYS)
        });
        let reached = count >= at;
        let lower_bound = baseline.is_none();
        Mark { threshold, scale, at, count, reached, forecast, alarm: reached || soon, lower_bound }
    })
    .into()
}

/// The day on which `own`, growing evenly since the first of January, reaches `at` together with
/// `other`; `None` if that is not within the year, or it is reached already.
fn forecast(own: u64, other: u64, at: u64, today: Date) -> Option<Date> {
    let wanted = at.checked_sub(other).filter(|&wanted| wanted > own)?;
    let passed = u64::try_from(today.day_of_year()).ok().filter(|_| own > 0)?;
    // At the end of day n, n times own / passed are counted.
    let day = wanted.checked_mul(passed)?.div_ceil(own);
    let last = u64::try_from(today.days_in_year()).ok()?;
    let day = i64::try_from(day).ok().filter(|_| day <= last)?;
    today.first_of_year().checked_add((day - 1).days()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const THRESHOLD: Threshold = Threshold {
        cn_persons_scc: 100_000,
        cn_persons_assessment: 1_000_000,
        cn_sensitive_assessment: 10_000,
        cn_face_store_filing: 100_000,
        early_individuals: 10_000,
        early_records: 100_000,
    };

    fn persons(persons: u64) -> Counters {
        Counters { persons, ..Counters::default() }
    }

    #[test]
    fn both_scales_change_at_their_number() {
        let check = |counters: Counters, which: &str, reached: bool| {
            let all = marks(counters, None, &THRESHOLD, date(2026, 6, 30));
            let mark = all.iter().find(|mark| mark.threshold == which).expect("a mark");
            assert_eq!((mark.reached, mark.lower_bound), (reached, true), "{which}");
        };
        check(persons(9_999), "early_individuals", false);
        check(persons(10_000), "early_individuals", true);
        check(persons(99_999), "cn_persons_scc", false);
        check(persons(100_000), "cn_persons_scc", true);
        check(Counters { records: 99_999, ..persons(1) }, "early_records", false);
        check(Counters { records: 100_000, ..persons(1) }, "early_records", true);
        check(Counters { sensitive: 10_000, ..persons(1) }, "cn_sensitive_assessment", true);
    }

    #[test]
    fn twelve_thousand_a_month_reach_a_hundred_thousand_in_september() {
        // 12,000 a month is 144,000 a year: 100,000 on day 254.
        for (today, own) in [(date(2026, 1, 31), 12_230), (date(2026, 7, 1), 71_803)] {
            let all = marks(persons(own), None, &THRESHOLD, today);
            let mark = all.iter().find(|m| m.threshold == "cn_persons_scc").expect("a mark");
            let day = mark.forecast.expect("a day").day_of_year();
            assert!((253..=255).contains(&day), "{today}: {day}");
            assert!(!mark.alarm);
        }
    }

    #[test]
    fn a_baseline_brings_it_nearer_and_is_no_pace() {
        let mark = |own, base: Option<u64>, today| {
            let base = base.map(persons);
            let all = marks(persons(own), base, &THRESHOLD, today);
            all.into_iter().find(|m| m.threshold == "cn_persons_scc").expect("a mark")
        };
        let day = date(2026, 4, 10);
        assert_eq!(mark(1_000, None, day).forecast, None);
        let near = mark(1_000, Some(98_800), day);
        assert_eq!((near.count, near.lower_bound), (99_800, false));
        assert_eq!(near.forecast, Some(date(2026, 4, 30)));
        assert!(near.alarm);
        assert!(mark(0, Some(100_000), day).reached);
        assert_eq!(mark(0, Some(99_999), day).forecast, None);
    }
}
