//! Months of which nothing but hours is shown: past their ceiling, kept for a statute's sake.
//!
//! Records of a month are under one key, and hours are computed from them. So the key stays until
//! the floor, and what is taken away is every way to see more than hours. What this cannot do is
//! destroy the rest earlier: that is written down in note 6 of `deploy/decisions`.

use crate::journal::month_of;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Months in UTC, as 202612.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Reduced(BTreeSet<u32>);

impl Reduced {
    pub(crate) fn insert(&mut self, month: u32) {
        self.0.insert(month);
    }

    /// Adds those of another.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether the month is among them.
    pub(super) fn has(&self, month: u32) -> bool {
        self.0.contains(&month)
    }

    /// Whether a record received then, in milliseconds since 1970, is not to be seen.
    pub(crate) fn hides(&self, received_ms: i64) -> bool {
        !self.0.is_empty() && self.has(month_of(received_ms).0)
    }

    /// Whether a sheet shows nothing but the hours of this date of the site. Punches of a month's
    /// first day may be in the month before, by UTC and by shifts over midnight.
    pub(crate) fn has_day(&self, date: Date) -> bool {
        let of = |date: Date| {
            self.has(u32::from(date.year().unsigned_abs()) * 100 + date.month() as u32)
        };
        !self.0.is_empty() && (of(date) || date.yesterday().is_ok_and(of))
    }

    /// The first day of each.
    pub(crate) fn months(&self) -> impl Iterator<Item = Date> + '_ {
        let first = |&month: &u32| Date::new((month / 100) as i16, (month % 100) as i8, 1).ok();
        self.0.iter().filter_map(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_month_hides_its_records_and_its_days_and_the_day_after() {
        let mut reduced = Reduced::default();
        assert!(!reduced.hides(1_767_225_600_000) && !reduced.has_day(date(2026, 1, 1)));
        reduced.insert(202601);
        // 2026-01-01T00:00:00Z and 2026-02-01T00:00:00Z.
        let check = |ms: i64, hidden: bool| assert_eq!(reduced.hides(ms), hidden, "{ms}");
        check(1_767_225_599_999, false);
        check(1_767_225_600_000, true);
        check(1_769_903_999_999, true);
        check(1_769_904_000_000, false);
        let check = |on: Date, has: bool| assert_eq!(reduced.has_day(on), has, "{on}");
        check(date(2025, 12, 31), false);
        check(date(2026, 1, 1), true);
        check(date(2026, 1, 31), true);
        check(date(2026, 2, 1), true);
        check(date(2026, 2, 2), false);
        check(Date::MIN, false);
        assert_eq!(reduced.months().collect::<Vec<_>>(), [date(2026, 1, 1)]);
    }
}
