//! A person's sheet: every date of a range, their sums, and what changed since it was closed.
//!
//! [`evaluate`] is pure and total. Whatever the input, it gives a sheet; whatever the order of
//! punches, corrections, holidays, storms, leave and overtime, it gives the same one.

use crate::adjust::{Adjustment, adjustments};
use crate::correction::Corrections;
use crate::day::{Context, Day, complete_until, compute};
use crate::input::{Correction, Input, Punch};
use crate::month::Month;
use crate::punch;
use crate::time::Instant;
use crate::workday::Calendar;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;

/// A person's sheet, serialised as `muster sheet replay --json` prints it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Sheet {
    /// Every date of the range.
    pub days: BTreeMap<Date, Day>,
    /// Their sums.
    pub month: Month,
    /// What changed since the sheet was closed, by date; empty if it was not.
    pub adjustments: Vec<Adjustment>,
}

impl Sheet {
    /// Reduces the dates that `is_reduced` names to their hours, and the sums with them.
    pub fn reduce(&mut self, is_reduced: impl Fn(Date) -> bool) {
        let mut reduced = self.days.iter_mut().filter(|(date, _)| is_reduced(**date)).peekable();
        if reduced.peek().is_none() {
            return;
        }
        reduced.for_each(|(_, day)| *day = day.hours_only());
        self.adjustments.retain(|adjustment| !is_reduced(adjustment.date));
        self.month = Month::sum(&self.days);
    }
}

/// Computes the sheet as it is at `now`.
pub fn evaluate(input: &Input, now: Instant) -> Sheet {
    let recorded = unique(&input.punches, |punch: &Punch| &punch.id);
    let asked = unique(&input.corrections, |correction: &Correction| &correction.id);
    let corrections = Corrections::settle(asked.into_values(), &recorded, now);
    let calendar = Calendar::new(input);
    let punches = calendar.sort(punch::read(input, &recorded, &corrections, now));
    let complete_until = complete_until(&input.rules.terminals);
    let days = calendar.days().zip(punches).map(|((slot, end), punches)| {
        let corrections = &corrections;
        let context = Context { input, corrections, slot, end, now, complete_until };
        (slot.date, compute(&context, punches))
    });
    let days: BTreeMap<Date, Day> = days.collect();
    let closed = input.closed.as_ref();
    Sheet {
        month: Month::sum(&days),
        adjustments: closed
            .map_or_else(Vec::new, |closed| adjustments(closed, &days, &corrections)),
        days,
    }
}

/// By id; of several with one id the least.
fn unique<T: Ord>(items: &[T], id: impl Fn(&T) -> &String) -> BTreeMap<&str, &T> {
    let mut by_id: BTreeMap<&str, &T> = BTreeMap::new();
    for item in items {
        let kept = by_id.entry(id(item).as_str()).or_insert(item);
        *kept = item.min(kept);
    }
    by_id
}
