//! Records made from sheets: a person's day, a correction, a count of people. Like the punch, they
//! are `Copy` and of fixed size; texts are numbers here, which the ledger has the words for.

use crate::{DeviceId, DeviceTime, Direction, Method, PersonId};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A text that many records share, as the journal numbers it: dense, from 1, never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Label(pub u32);

/// One record made from sheets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// What it sums up.
    pub kind: SummaryKind,
    /// The workday; of a count over more days the first of them.
    pub date: Date,
    /// When the box made it, milliseconds since 1970-01-01T00:00:00Z by the box's clock.
    pub made_ms: i64,
}

/// What a record made from sheets sums up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SummaryKind {
    /// A person's day that is final.
    Day(DaySummary),
    /// A correction in force, with the day it is for as it stands with it.
    Correction {
        /// The correction's number.
        number: u32,
        /// The terminal of the punch that was corrected; absent where one was added.
        device: Option<DeviceId>,
        /// The day.
        day: DaySummary,
        /// Tells the figures of the day that this tells of in place of a record of the day itself;
        /// 0 where it does not.
        stands_for: u64,
    },
    /// How many people were there.
    Count(Count),
}

/// What leaves of a person's day.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DaySummary {
    /// Whose.
    pub person: PersonId,
    /// Of a day its first coming, or its last going where there is none; of a correction the punch
    /// as it now is, absent where it was taken out.
    pub check: Option<DeviceTime>,
    /// Which way that was.
    pub direction: Option<Direction>,
    /// How the person showed who they are: of several ways the one that says most of the body.
    pub method: Option<Method>,
    /// The rostered shift's name.
    pub shift: Option<Label>,
    /// Minutes worked within the plan, as on the sheet; 0 to 2880.
    pub worked_minutes: u16,
}

/// A count of people who were there on one day at least of a span.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Count {
    /// How long the span is.
    pub span: Span,
    /// Who is counted.
    pub of: Counted,
    /// How many.
    pub count: u32,
    /// The basis they all have, in the policy's word; absent where somebody has none.
    pub basis: Option<Label>,
}

/// Who a count is of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Counted {
    /// The permit that asks for it.
    pub permit: Label,
    /// Their department, where each is counted apart.
    pub group: Option<Label>,
    /// What they are to the site, in the policy's word, where the permit says so.
    pub category: Option<Label>,
}

/// The span of a count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Span {
    /// One day.
    Day = 1,
    /// Monday to Sunday.
    Week = 2,
    /// A calendar month.
    Month = 3,
}

impl Span {
    /// The first and the last day of the span that `date` is in.
    pub fn around(self, date: Date) -> (Date, Date) {
        match self {
            Self::Day => (date, date),
            Self::Month => (date.first_of_month(), date.last_of_month()),
            Self::Week => {
                let week = date.iso_week_date();
                let day = |weekday| {
                    let day = jiff::civil::ISOWeekDate::new(week.year(), week.week(), weekday);
                    // At the end of all dates a week may be short.
                    day.map_or(date, |day| day.date())
                };
                (day(jiff::civil::Weekday::Monday), day(jiff::civil::Weekday::Sunday))
            }
        }
    }
}

impl Summary {
    /// The person's day, unless it is a count.
    pub fn day(&self) -> Option<&DaySummary> {
        match &self.kind {
            SummaryKind::Day(day) | SummaryKind::Correction { day, .. } => Some(day),
            SummaryKind::Count(_) => None,
        }
    }

    /// Whose it is; nobody's if it is a count.
    pub fn person(&self) -> Option<PersonId> {
        self.day().map(|day| day.person)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn spans_hold_their_days() {
        let check = |span: Span, of: Date, first: Date, last: Date| {
            assert_eq!(span.around(of), (first, last), "{span:?} {of}");
        };
        let friday = date(2027, 1, 1);
        check(Span::Day, friday, friday, friday);
        check(Span::Week, friday, date(2026, 12, 28), date(2027, 1, 3));
        check(Span::Week, date(2026, 12, 28), date(2026, 12, 28), date(2027, 1, 3));
        check(Span::Month, date(2028, 2, 29), date(2028, 2, 1), date(2028, 2, 29));
        check(Span::Week, Date::MAX, date(9999, 12, 27), Date::MAX);
    }
}
