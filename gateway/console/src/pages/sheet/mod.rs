//! Sheets: a person's month, a department's, one day, what needs a look; as pages and files.

pub(crate) mod close;
pub(crate) mod day;
pub(crate) mod exceptions;
pub(crate) mod file;
pub(crate) mod matrix;
pub(crate) mod person;
pub(crate) mod say;

use crate::access::Route;
use crate::app::{App, Who};
use crate::guard::{Problem, Seat, Visitor};
use crate::pages::{Link, day as punches};
use crate::words::Words;
use jiff::ToSpan as _;
use jiff::civil::Date;
use muster_attendance::PersonId;
use muster_ledger::{PersonSheet, SheetsError};
use std::collections::{BTreeSet, HashMap};

/// People on one page.
pub(crate) const PAGE: usize = 100;
/// Departments that a page offers.
const MAX_DEPARTMENTS: usize = 500;

impl From<SheetsError> for Problem {
    fn from(error: SheetsError) -> Self {
        match error {
            SheetsError::Range(_) => Self::Missing,
            SheetsError::Views(error) => error.into(),
        }
    }
}

/// A month, as addresses have it: `2026-12`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Month(pub(crate) Date);

impl Month {
    /// Of a year that has sheets.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let date: Date = format!("{text}-01").parse().ok()?;
        (text.len() == 7 && (1970..=2200).contains(&date.year())).then_some(Self(date))
    }

    /// What was asked for, or the one it is now.
    pub(crate) fn asked(app: &App, text: Option<&str>) -> Result<Self, Problem> {
        match text.filter(|text| !text.is_empty()) {
            Some(text) => Self::read(text).ok_or(Problem::Missing),
            None => Ok(Self(app.zone.date(app.now_ms()).first_of_month())),
        }
    }

    pub(crate) fn last(self) -> Date {
        self.0.last_of_month()
    }

    pub(crate) fn word(self) -> String {
        format!("{:04}-{:02}", self.0.year(), self.0.month())
    }

    pub(crate) fn neighbour(self, months: i32) -> Option<Self> {
        let date = self.0.checked_add(months.months()).ok()?;
        Self::read(&Self(date).word())
    }

    /// `December 2026`.
    pub(crate) fn shown(self, t: &Words) -> String {
        let month = t.say(say::MONTHS[usize::from(self.0.month().unsigned_abs()) - 1]);
        t.fill("month-year", &[("month", &month), ("year", &self.0.year().to_string())])
    }
}

/// Somebody who is shown.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) person: PersonId,
    pub(crate) who: Who,
}

/// Everybody whom the visitor may see, of one department or all: by department, name and number.
pub(crate) fn people(app: &App, seat: &Seat, t: &Words, department: Option<&str>) -> Vec<Shown> {
    let all = app.handles.directory.people().into_iter();
    let seen = all.filter(|person| punches::visible_to(app, seat, *person));
    let shown = seen.map(|person| Shown { person, who: app.who(person, t) });
    let wanted = |shown: &Shown| {
        shown.who.named && department.is_none_or(|department| shown.who.department == department)
    };
    let mut people: Vec<Shown> = shown.filter(wanted).collect();
    let key = |shown: &Shown| {
        (shown.who.department.clone(), shown.who.shown.clone(), shown.who.number.clone())
    };
    people.sort_by_cached_key(key);
    people
}

/// What `each` makes of the sheets of some people, in the order of the people: sheets come in one of
/// their own.
pub(crate) async fn rows<T>(
    app: &App,
    some: Vec<Shown>,
    (first, last): (Date, Date),
    mut each: impl FnMut(&PersonSheet, Who) -> T,
) -> Result<Vec<T>, SheetsError> {
    let ids: Vec<PersonId> = some.iter().map(|shown| shown.person).collect();
    let waiting = some.into_iter().enumerate();
    let mut waiting: HashMap<PersonId, (usize, Who)> =
        waiting.map(|(place, shown)| (shown.person, (place, shown.who))).collect();
    let mut rows = Vec::with_capacity(ids.len());
    let found = app.handles.sheets.of(&ids, first, last, |sheet| {
        let known = waiting.remove(&sheet.person);
        rows.extend(known.map(|(place, who)| (place, each(&sheet, who))));
    });
    found.await?;
    rows.sort_unstable_by_key(|(place, _)| *place);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// Departments that the visitor may see.
pub(crate) fn departments(app: &App, seat: &Seat, t: &Words) -> Vec<String> {
    let found: BTreeSet<String> =
        people(app, seat, t, None).into_iter().map(|shown| shown.who.department).collect();
    found.into_iter().filter(|name| !name.is_empty()).take(MAX_DEPARTMENTS).collect()
}

/// The pages of the sheets, as far as the visitor may open them.
pub(crate) fn tabs(visitor: &Visitor, month: Month, today: Date, here: Route) -> Vec<Link> {
    let pages = [
        (Route::Sheets, format!("/sheets?month={}", month.word()), "tab-month"),
        (Route::SheetDay, format!("/sheets/day/{today}"), "tab-day"),
        (Route::Exceptions, format!("/sheets/exceptions?month={}", month.word()), "tab-exceptions"),
        (Route::Corrections, "/corrections".to_owned(), "tab-corrections"),
        (Route::Plans, "/plans".to_owned(), "tab-plans"),
        (Route::Unknown, "/unknown".to_owned(), "tab-unknown"),
        (Route::EmployeeAccess, "/access".to_owned(), "tab-access"),
    ];
    let open = pages.into_iter().filter(|(route, ..)| visitor.admits(*route));
    open.map(|(route, to, label)| Link { to, label: visitor.t.say(label), current: route == here })
        .collect()
}

/// The account that asks.
pub(crate) fn seat(visitor: &Visitor) -> Result<&Seat, Problem> {
    visitor.seat.as_ref().ok_or(Problem::Missing)
}

#[cfg(test)]
mod tests {
    use super::Month;

    #[test]
    fn months_are_read_and_centuries_are_not() {
        for (text, expect) in [
            ("2026-12", true),
            ("2026-13", false),
            ("1026-12", false),
            ("9999-12", false),
            ("2026-1", false),
            ("2026-12-01", false),
            ("", false),
        ] {
            assert_eq!(Month::read(text).is_some(), expect, "{text}");
        }
        let month = Month::read("2026-12").expect("a month");
        assert_eq!(month.neighbour(1).map(Month::word).as_deref(), Some("2027-01"));
    }
}
