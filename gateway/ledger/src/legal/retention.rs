//! How long the journal's months are kept: class by law, ceiling and floor.
//!
//! Records of a month are under one key. The ceiling is a maximum, so the key goes when the
//! month's first day reaches it, unless a statute's floor over its last day wants it longer: then
//! the policy may have the month reduced to hours until that day.
//! Acts are kept for three years (PIPL art 56), and never shorter than the records of their month.

use super::rights::Rights;
use jiff::civil::Date;
use jiff::{SignedDuration, ToSpan};
use muster_residency::Rules;
use muster_residency::policy::Reduce;
use muster_residency::vocab::{Class, Law};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Days that acts are kept: three years.
const ACT_DAYS: i64 = 1_096;
/// Months that one look plans: a calendar of a hundred years.
const MAX_MONTHS: usize = 1_200;
/// How far the clock may differ from even running between two looks, in milliseconds.
const MAX_DRIFT_MS: i64 = 5 * 60 * 1000;
/// How long a box may be silent before its next word counts as a jump, in milliseconds.
const MAX_GAP_MS: i64 = 2 * 24 * 3600 * 1000;
/// How long nothing is deleted after the clock has jumped.
pub const CALM: Duration = Duration::from_secs(24 * 3600);

/// How long attendance records are kept on a site, in days.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Keeping {
    /// At most, if the policy says so.
    pub(crate) ceiling: Option<i64>,
    /// At least.
    pub(crate) floor: i64,
    /// The law whose floor that is.
    pub(crate) floor_law: Option<Law>,
    /// Between the two, nothing but hours is shown.
    pub(crate) hours_only: bool,
}

impl Keeping {
    /// Under every law of the place and of the controller: the shortest ceiling, the longest floor.
    pub(crate) fn of(rules: &Rules, site: &str) -> Self {
        let mut keeping = Self { ceiling: None, floor: 0, floor_law: None, hours_only: false };
        let Some(site) = rules.site(site) else { return keeping };
        for law in BTreeSet::from([site.jurisdiction, site.controller]) {
            let Some(rule) = rules.retention(Class::Event, law) else { continue };
            let ceiling = i64::from(rule.ceiling_days);
            keeping.ceiling = Some(keeping.ceiling.map_or(ceiling, |known| known.min(ceiling)));
            keeping.hours_only |= rule.then == Some(Reduce::HoursOnly);
            if i64::from(rule.floor_days) > keeping.floor {
                keeping.floor = i64::from(rule.floor_days);
                keeping.floor_law = Some(law);
            }
        }
        keeping
    }
}

/// Months (as 202612, in UTC) of which something is due on `today`.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Plan {
    /// To be reduced to hours.
    pub(crate) reduced: Vec<u32>,
    /// Whose records' keys are to be destroyed.
    pub(crate) facts: Vec<u32>,
    /// Whose acts' keys are to be destroyed.
    pub(crate) acts: Vec<u32>,
}

/// What is due of the months from `first` on. The current month never is.
pub(crate) fn plan(keeping: Keeping, first: Date, today: Date, done: &Rights) -> Plan {
    let mut plan = Plan::default();
    let mut start = first.first_of_month();
    for _ in 0..MAX_MONTHS {
        let Ok(next) = start.checked_add(1.month()) else { break };
        if next > today {
            break;
        }
        let month = start.year() as u32 * 100 + start.month() as u32;
        let since = |day: Date| day.until(today).map_or(0, |span| i64::from(span.get_days()));
        let over = keeping.ceiling.is_some_and(|ceiling| since(start) >= ceiling);
        let of_records = over && since(next) >= keeping.floor;
        let gone = done.facts_gone.contains(&month);
        if of_records && !gone {
            plan.facts.push(month);
        } else if over && keeping.hours_only && !gone && !done.reduced.has(month) {
            plan.reduced.push(month);
        }
        if since(next) >= ACT_DAYS && (of_records || gone) && !done.acts_gone.contains(&month) {
            plan.acts.push(month);
        }
        start = next;
    }
    plan
}

/// Notices when the clock jumps: what is deleted by mistake does not come back.
#[derive(Default)]
pub struct ClockWatch {
    last: Option<(i64, Instant)>,
    jumped: Option<Instant>,
}

impl ClockWatch {
    /// Whether the clock has run evenly for [`CALM`], or since the start.
    pub fn note(&mut self, now_ms: i64, now: Instant) -> bool {
        if let Some((ms, at)) = self.last.replace((now_ms, now)) {
            let passed = now.saturating_duration_since(at).as_millis() as i64;
            if now_ms.saturating_sub(ms).abs_diff(passed) > MAX_DRIFT_MS as u64 {
                self.jumped = Some(now);
            }
        }
        self.jumped.is_none_or(|at| now.saturating_duration_since(at) >= CALM)
    }
}

/// The journal's own times: a long gap, or a step back, is a jump of the clock as far as anybody
/// can tell afterwards.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Steps {
    last_ms: i64,
    jumped_ms: Option<i64>,
}

impl Steps {
    /// The next batch's time.
    pub(crate) fn note(&mut self, ms: i64) {
        let far = ms < self.last_ms - MAX_DRIFT_MS || ms - self.last_ms > MAX_GAP_MS;
        if self.last_ms != 0 && far {
            self.jumped_ms = Some(ms);
        }
        self.last_ms = ms;
    }

    /// Whether they have been even for [`CALM`].
    pub(crate) fn are_even(&self, now_ms: i64) -> bool {
        let calm = CALM.as_millis() as i64;
        self.jumped_ms.is_none_or(|at| now_ms.saturating_sub(at) >= calm)
    }
}

/// A number of days after a moment, in milliseconds since 1970.
pub(crate) fn days_after(ms: i64, days: i64) -> i64 {
    ms.saturating_add(SignedDuration::from_hours(24 * days).as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn check(ceiling: Option<i64>, floor: i64, today: Date, facts: &[u32], acts: &[u32]) {
        let keeping = Keeping { ceiling, floor, floor_law: None, hours_only: false };
        let found = plan(keeping, date(2026, 1, 15), today, &Rights::default());
        assert_eq!((&found.facts[..], &found.acts[..]), (facts, acts), "{today}");
        assert!(found.reduced.is_empty(), "{today}");
    }

    #[test]
    fn between_ceiling_and_floor_a_month_is_reduced_once_if_the_policy_says_so() {
        let check = |today: Date, done: &Rights, reduced: &[u32], facts: &[u32]| {
            let keeping =
                Keeping { ceiling: Some(100), floor: 365, floor_law: None, hours_only: true };
            let found = plan(keeping, date(2026, 1, 15), today, done);
            assert_eq!((&found.reduced[..], &found.facts[..]), (reduced, facts), "{today}");
        };
        let none = Rights::default();
        check(date(2026, 4, 10), &none, &[], &[]);
        check(date(2026, 4, 11), &none, &[202601], &[]);
        check(date(2026, 5, 12), &none, &[202601, 202602], &[]);
        let mut done = Rights::default();
        done.reduced.insert(202601);
        check(date(2026, 5, 12), &done, &[202602], &[]);
        let most: Vec<u32> = (202602..=202610).collect();
        check(date(2027, 1, 31), &done, &most, &[]);
        check(date(2027, 2, 1), &done, &most, &[202601]);
        done.facts_gone.insert(202601);
        check(date(2027, 2, 1), &done, &most, &[]);
    }

    #[test]
    fn a_month_goes_when_its_first_day_reaches_the_ceiling() {
        check(None, 0, date(2040, 1, 1), &[], &[]);
        check(Some(365), 0, date(2026, 12, 31), &[], &[]);
        check(Some(365), 0, date(2027, 1, 1), &[202601], &[]);
        check(Some(365), 0, date(2027, 2, 1), &[202601, 202602], &[]);
        check(Some(1), 0, date(2026, 1, 31), &[], &[]);
        check(Some(1), 0, date(2026, 2, 1), &[202601], &[]);
    }

    #[test]
    fn a_floor_keeps_its_last_day() {
        check(Some(365), 365, date(2027, 1, 1), &[], &[]);
        check(Some(365), 365, date(2027, 1, 31), &[], &[]);
        check(Some(365), 365, date(2027, 2, 1), &[202601], &[]);
        check(Some(365), 730, date(2028, 1, 31), &[], &[]);
        check(Some(365), 730, date(2028, 2, 1), &[202601], &[]);
    }

    #[test]
    fn acts_stay_three_years_and_as_long_as_their_records() {
        let acts = |ceiling: i64, today: Date| {
            let keeping =
                Keeping { ceiling: Some(ceiling), floor: 0, floor_law: None, hours_only: false };
            plan(keeping, date(2026, 1, 15), today, &Rights::default()).acts
        };
        assert!(acts(364, date(2027, 1, 30)).is_empty(), "364 days are too few");
        assert!(acts(364, date(2029, 1, 31)).is_empty());
        assert_eq!(acts(364, date(2029, 2, 1)), [202601]);
        assert!(acts(2000, date(2029, 2, 1)).is_empty());
        check(Some(2000), 0, date(2031, 1, 1), &[], &[]);
    }

    #[test]
    fn a_jump_stops_deletion_for_a_day() {
        let start = Instant::now();
        let hour = |n: u32| start + Duration::from_secs(3600) * n;
        let mut watch = ClockWatch::default();
        assert!(watch.note(0, hour(0)));
        assert!(watch.note(3_600_000, hour(1)));
        assert!(!watch.note(40 * 86_400_000, hour(2)));
        assert!(!watch.note(40 * 86_400_000 + 3_600_000, hour(3)));
        assert!(!watch.note(3 * 3_600_000, hour(4)));
        for n in 5..28 {
            assert!(!watch.note(i64::from(n - 1) * 3_600_000, hour(n)), "{n}");
        }
        assert!(watch.note(27 * 3_600_000, hour(28)));
    }

    #[test]
    fn a_gap_in_the_journal_or_a_step_back_is_a_jump() {
        let day = CALM.as_millis() as i64;
        let check = |times: &[i64], now: i64, calm: bool| {
            let mut steps = Steps::default();
            times.iter().for_each(|&ms| steps.note(ms));
            assert_eq!(steps.are_even(now), calm, "{times:?} {now}");
        };
        check(&[], 5, true);
        check(&[1, 2 * day], 2 * day, true);
        check(&[1, 2 * day + 2], 2 * day + 2, false);
        check(&[1, 2 * day + 2], 3 * day + 1, false);
        check(&[1, 2 * day + 2], 3 * day + 2, true);
        check(&[10 * day, 10 * day - MAX_DRIFT_MS], 10 * day, true);
        check(&[10 * day, 10 * day - MAX_DRIFT_MS - 1], 10 * day, false);
    }
}
