//! What was last made from sheets, so that nothing is made twice: a function of the journal.

use crate::journal::Content;
use jiff::ToSpan as _;
use jiff::civil::Date;
use muster_attendance::PersonId;
use muster_attendance::summary::{Counted, DaySummary, Span, Summary, SummaryKind};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Days before the newest of which it is remembered what was made; no older one is made again.
pub(crate) const REMEMBERED_DAYS: i64 = 70;

/// Of each day and person, of each count, of each correction.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Made {
    days: BTreeMap<Date, BTreeMap<PersonId, u64>>,
    counts: BTreeMap<Date, BTreeMap<(Span, Counted), u32>>,
    corrections: BTreeSet<u32>,
}

impl Made {
    /// Whether the last that was made of the same says the same.
    pub(crate) fn has(&self, summary: &Summary) -> bool {
        match &summary.kind {
            SummaryKind::Day(day) => self.day(summary.date, day.person) == Some(digest(day)),
            SummaryKind::Correction { number, .. } => self.has_correction(*number),
            SummaryKind::Count(count) => {
                let last = self.count(summary.date, count.span, count.of);
                last == Some(count.count) || last.is_none() && count.count == 0
            }
        }
    }

    /// What was last made of a person's day: see [`digest`].
    pub(crate) fn day(&self, date: Date, person: PersonId) -> Option<u64> {
        self.days.get(&date)?.get(&person).copied()
    }

    /// Whether anything was made of a person's days before `date`.
    pub(crate) fn began(&self, date: Date, person: PersonId) -> bool {
        self.days.range(..date).rev().any(|(_, people)| people.contains_key(&person))
    }

    /// Counts that were made of a span, with who they are of.
    pub(crate) fn counted(
        &self,
        first: Date,
        span: Span,
    ) -> impl Iterator<Item = (Counted, u32)> + '_ {
        let of_day = self.counts.get(&first).into_iter().flatten();
        of_day.filter(move |((of, _), _)| *of == span).map(|((_, of), count)| (*of, *count))
    }

    fn count(&self, first: Date, span: Span, of: Counted) -> Option<u32> {
        self.counts.get(&first)?.get(&(span, of)).copied()
    }

    pub(crate) fn has_correction(&self, number: u32) -> bool {
        self.corrections.contains(&number)
    }

    /// Takes in a stored record.
    pub(crate) fn note(&mut self, content: &Content) {
        let Content::Summary(Summary { kind, date, .. }) = content else { return };
        match kind {
            SummaryKind::Day(day) => self.note_day(*date, day.person, digest(day)),
            SummaryKind::Correction { number, day, stands_for, .. } => {
                self.corrections.insert(*number);
                if *stands_for != 0 {
                    self.note_day(*date, day.person, *stands_for);
                }
            }
            SummaryKind::Count(count) => {
                let counts = self.counts.entry(*date).or_default();
                counts.insert((count.span, count.of), count.count);
                forget(&mut self.counts);
            }
        }
    }

    fn note_day(&mut self, date: Date, person: PersonId, digest: u64) {
        self.days.entry(date).or_default().insert(person, digest);
        forget(&mut self.days);
    }
}

/// Forgets what is older than need be.
fn forget<T>(days: &mut BTreeMap<Date, T>) {
    let Some((newest, _)) = days.last_key_value() else { return };
    let first = newest.checked_sub(REMEMBERED_DAYS.days()).unwrap_or(Date::MIN);
    while days.first_key_value().is_some_and(|(date, _)| *date < first) {
        days.pop_first();
    }
}

/// Tells two figures of one person's day apart; never 0.
pub(crate) fn digest(day: &DaySummary) -> u64 {
    let bytes = crate::journal::day_bytes(day);
    let hash = ring::digest::digest(&ring::digest::SHA256, &bytes);
    let first = hash.as_ref().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    first.max(1)
}
