//! Which days may say something else than when they were last looked at.

use crate::act::Act;
use crate::plans::PlanEntry;
use jiff::ToSpan as _;
use jiff::civil::Date;
use std::collections::BTreeSet;

/// Days that are told apart; beyond it all are looked at again.
const MAX_DAYS: usize = 1_024;
/// Seconds of a day.
const DAY_S: i64 = 86_400;
/// Days around a punch that it may belong to: windows of shifts and zones reach that far.
const REACH: i64 = 2;

/// Days whose punches or plans changed.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Stale {
    /// Days since 1970 in UTC on which punches were made.
    punched: BTreeSet<i64>,
    /// First and last date that plans changed for.
    planned: BTreeSet<(Date, Date)>,
    all: bool,
}

impl Stale {
    /// A punch that counts at `seconds` since 1970 was stored.
    pub(crate) fn punch(&mut self, seconds: i64) {
        self.punched.insert(seconds.div_euclid(DAY_S));
        self.all |= self.punched.len() > MAX_DAYS;
        if self.all {
            self.punched.clear();
        }
    }

    /// Something was journaled that sheets may rest on. `date_of` gives a correction's date.
    pub(crate) fn act(&mut self, act: &Act, date_of: impl Fn(u32) -> Option<Date>) {
        match act {
            Act::PlansEntered { entries, .. } => {
                entries.iter().for_each(|entry| self.plan(entry.span()));
            }
            Act::CorrectionDecided { number, approved: true, .. } => {
                self.plan(date_of(*number).map(|date| (date, date)));
            }
            Act::PlanRemoved { .. } | Act::Redated { .. } | Act::PersonMapped { .. } => {
                self.all = true;
            }
            _ => {}
        }
    }

    fn plan(&mut self, span: Option<(Date, Date)>) {
        match span {
            Some(span) if self.planned.len() < MAX_DAYS => _ = self.planned.insert(span),
            _ => self.all = true,
        }
    }

    /// Whether `date` may have changed.
    pub(crate) fn concerns(&self, date: Date) -> bool {
        let near = |first: Date, last: Date| {
            let from = first.checked_sub(REACH.days()).unwrap_or(Date::MIN);
            let to = last.checked_add(REACH.days()).unwrap_or(Date::MAX);
            (from..=to).contains(&date)
        };
        let day = Date::constant(1970, 1, 1).until(date).map_or(0, |span| span.get_days());
        let day = i64::from(day);
        self.all
            || self.punched.range(day - REACH..=day + REACH).next().is_some()
            || self.planned.iter().any(|&(first, last)| near(first, last))
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl PlanEntry {
    /// The dates that it says something of; `None` is of any.
    fn span(&self) -> Option<(Date, Date)> {
        match self {
            Self::Holiday { date, .. }
            | Self::Storm { date, .. }
            | Self::Leave { date, .. }
            | Self::Overtime { date, .. } => Some((*date, *date)),
            Self::Roster { from, to, .. } => Some((*from, to.unwrap_or(Date::MAX))),
            Self::Shift { .. } | Self::Usual { .. } | Self::Employed { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use muster_attendance::PersonId;

    #[test]
    fn what_changes_concerns_the_days_around_it() {
        let mut stale = Stale::default();
        assert!(!stale.concerns(date(2026, 12, 1)) && stale.is_empty());
        // 2026-12-01T00:00:00Z.
        stale.punch(1_796_083_200);
        let check = |stale: &Stale, day: i8, expect: bool| {
            assert_eq!(stale.concerns(date(2026, 12, day)), expect, "{day}");
        };
        check(&stale, 3, true);
        check(&stale, 4, false);
        let overtime =
            PlanEntry::Overtime { person: PersonId(1), date: date(2026, 12, 20), minutes: 5 };
        let act = Act::PlansEntered { actor: "-".into(), at_ms: 0, entries: vec![overtime] };
        stale.act(&act, |_| None);
        check(&stale, 18, true);
        check(&stale, 17, false);
        let decided =
            Act::CorrectionDecided { number: 7, by: "-".into(), approved: true, at_ms: 0 };
        stale.act(&decided, |number| (number == 7).then_some(date(2026, 12, 10)));
        check(&stale, 10, true);
        check(&stale, 14, false);
        stale.act(&Act::PlanRemoved { actor: "-".into(), number: 1, at_ms: 0 }, |_| None);
        check(&stale, 14, true);
    }

    #[test]
    fn too_many_days_are_all_days() {
        let mut stale = Stale::default();
        (0..=MAX_DAYS as i64).for_each(|day| stale.punch(day * DAY_S));
        assert!(stale.concerns(date(2026, 12, 1)));
    }
}
