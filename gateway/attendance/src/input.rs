//! What a sheet is computed from: the house's [`Rules`], and one person's [`Input`].
//!
//! Rules are shared by everyone who works under them; the input holds them by reference count, so
//! a month of thousands of people carries one copy. All lists may come in any order but the
//! roster, where the last entry that fits counts.

use crate::fact::{DeviceClock, Direction, Outcome};
use crate::shift::{Parameters, Shift};
use crate::time::{Instant, LocalTime, Site, day_number};
use jiff::civil::{Date, Weekday};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest range one sheet may have, in days: ten years.
pub const MAX_RANGE_DAYS: i64 = 3660;

/// The years a range may lie in: plans reach some days beyond it, and must stay in the calendar.
const RANGE_YEARS: std::ops::RangeInclusive<i16> = 1..=9990;

/// What holds for everyone: places, shifts, parameters, and what the calendar brings.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Sites by name; a name that is not here is in UTC.
    pub sites: BTreeMap<String, Site>,
    /// Shifts by name. One whose definition makes no sense is left out: naming it is `SHIFT-BAD`,
    /// like naming one that never was.
    pub shifts: BTreeMap<String, Shift>,
    /// Parameters of days without a shift; shifts carry their own.
    pub parameters: Parameters,
    /// Whether directions are taken from order alone, whatever terminals and corrections say.
    pub derive_directions: bool,
    /// When the day changes for punches that lie in no shift's window.
    pub day_cut: LocalTime,
    /// Days of the week on which people without any roster work the default shift.
    pub workdays: Workdays,
    /// The shift of people without any roster; without it their every day is `NO-ROSTER`.
    pub default_shift: Option<String>,
    /// Public holidays.
    pub holidays: Vec<Holiday>,
    /// Storm days, or hours of them.
    pub storms: Vec<Storm>,
    /// The terminals whose data a day waits for, by name.
    pub terminals: BTreeMap<String, Terminal>,
}

/// A set of weekdays; Monday to Friday unless told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Workdays(u8);

impl Workdays {
    /// From ISO numbers, Monday 1 to Sunday 7; `None` if one is neither.
    pub fn from_iso(numbers: impl IntoIterator<Item = u8>) -> Option<Self> {
        let bit = |day| (1..=7).contains(&day).then(|| 1u8 << (day - 1));
        numbers.into_iter().try_fold(0, |days, day| Some(days | bit(day)?)).map(Self)
    }

    /// Whether the weekday is one of them.
    pub fn contains(self, day: Weekday) -> bool {
        self.0 >> day.to_monday_zero_offset() & 1 == 1
    }
}

impl Default for Workdays {
    fn default() -> Self {
        Self(0b001_1111)
    }
}

/// A public holiday.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holiday {
    /// When.
    pub date: Date,
    /// Where; everywhere if absent.
    pub site: Option<String>,
}

/// Hours in which a storm keeps people at home.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Storm {
    /// The date its times count from, whatever the workday.
    pub date: Date,
    /// Where; everywhere if absent.
    pub site: Option<String>,
    /// From when.
    pub from: LocalTime,
    /// Until when.
    pub to: LocalTime,
}

/// A terminal as far as completeness goes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Terminal {
    /// Where it hangs.
    pub site: Option<String>,
    /// All its punches before this are here; absent: nothing is known, so no day is complete.
    pub complete_until: Option<Instant>,
}

/// One person's own: when they were to work, when they punched, what was corrected.
#[derive(Clone, Debug)]
pub struct Input {
    /// What holds for everyone.
    pub rules: Arc<Rules>,
    /// The person's usual site; a roster entry may say another. Absent is UTC.
    pub site: Option<String>,
    /// The roster, in order: the last entry that fits a date counts.
    pub roster: Vec<RosterEntry>,
    /// Employment.
    pub employed: Employed,
    /// Leave.
    pub leave: Vec<Leave>,
    /// Overtime.
    pub overtime: Vec<Overtime>,
    /// Punches as recorded. Ids are unique; of several with one id the least counts.
    pub punches: Vec<Punch>,
    /// Corrections. Ids are unique; of several with one id the least counts.
    pub corrections: Vec<Correction>,
    /// The dates wanted.
    pub range: Range,
    /// The sheet as it was closed, if it was.
    pub closed: Option<Closed>,
}

impl Input {
    /// A person of whom only the rules and the dates are known yet.
    pub fn new(rules: Arc<Rules>, range: Range) -> Self {
        Self {
            rules,
            site: None,
            roster: Vec::new(),
            employed: Employed::default(),
            leave: Vec::new(),
            overtime: Vec::new(),
            punches: Vec::new(),
            corrections: Vec::new(),
            range,
            closed: None,
        }
    }
}

/// Dates from first to last, both inclusive: at least one, at most [`MAX_RANGE_DAYS`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    first: Date,
    last: Date,
}

/// The dates make no range a sheet can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// It ends before it begins.
    #[error("the range ends on {last}, before it begins on {first}: swap the two dates")]
    Backwards {
        /// First date asked for.
        first: Date,
        /// Last date asked for.
        last: Date,
    },
    /// It is too long.
    #[error("the range has {days} days, more than {MAX_RANGE_DAYS}: ask for it in pieces")]
    Long {
        /// Days asked for.
        days: i64,
    },
    /// It is not in the years that can be computed.
    #[error("{date} is not within the years 1 to 9990: give a date within them")]
    Years {
        /// The date that is not.
        date: Date,
    },
}

impl Range {
    /// The dates from `first` to `last`.
    ///
    /// # Errors
    /// See [`RangeError`].
    pub fn new(first: Date, last: Date) -> Result<Self, RangeError> {
        if let Some(date) = [first, last].into_iter().find(|d| !RANGE_YEARS.contains(&d.year())) {
            return Err(RangeError::Years { date });
        }
        match day_number(last) - day_number(first) + 1 {
            ..=0 => Err(RangeError::Backwards { first, last }),
            days if days > MAX_RANGE_DAYS => Err(RangeError::Long { days }),
            _ => Ok(Self { first, last }),
        }
    }

    /// The first date.
    pub fn first(self) -> Date {
        self.first
    }

    /// The last date.
    pub fn last(self) -> Date {
        self.last
    }

    /// Whether the date is one of them.
    pub fn contains(self, date: Date) -> bool {
        self.first <= date && date <= self.last
    }
}

/// When the person was employed, both ends inclusive; an absent end is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Employed {
    /// First day.
    pub from: Option<Date>,
    /// Last day.
    pub to: Option<Date>,
}

/// A stretch of roster: a cycle of shifts and days off.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RosterEntry {
    /// First day, where the cycle begins; absent is open, the cycle then begins on 1970-01-01.
    pub from: Option<Date>,
    /// Last day; absent is open.
    pub to: Option<Date>,
    /// Shift names, `None` for a day off. Empty is `NO-ROSTER`.
    pub cycle: Vec<Option<String>>,
    /// Where these days are worked, if not at the person's usual site.
    pub site: Option<String>,
}

/// Leave on one date.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leave {
    /// The workday.
    pub date: Date,
    /// How much of it.
    pub kind: LeaveKind,
    /// Only approved leave counts.
    pub approved: bool,
}

/// How much of a workday leave takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeaveKind {
    /// All of it.
    Full,
    /// What lies before the shift's half point.
    Am,
    /// What lies from the shift's half point on.
    Pm,
    /// Some hours, counted as the shift's own times are.
    Hours {
        /// From when.
        from: LocalTime,
        /// Until when.
        to: LocalTime,
    },
}

/// Overtime on one date.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Overtime {
    /// The workday.
    pub date: Date,
    /// Minutes; several approvals for one date add up.
    pub minutes: u32,
    /// Only approved overtime counts.
    pub approved: bool,
}

/// A punch as recorded.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Punch {
    /// Its stable id.
    pub id: String,
    /// When, by the terminal.
    pub at: Instant,
    /// Which terminal.
    pub terminal: Option<String>,
    /// Which way, where the terminal said so.
    pub direction: Option<Direction>,
    /// What the terminal decided.
    pub outcome: Outcome,
    /// Whether the terminal trusted its clock.
    pub clock: DeviceClock,
    /// False for what the terminal had stored and sent later.
    pub live: bool,
    /// When the box had it.
    pub received_at: Option<Instant>,
    /// When it was, as found out later and approved.
    pub redated_at: Option<Instant>,
}

/// A change someone asked for; it counts once a second person has approved it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Correction {
    /// Its stable id; an added punch takes it over.
    pub id: String,
    /// What it does.
    pub op: Op,
    /// The workday it is for.
    pub date: Option<Date>,
    /// The punch it changes; for [`Op::Set`] and [`Op::Void`].
    pub punch: Option<String>,
    /// The time it gives; for [`Op::Add`] and [`Op::Set`].
    pub at: Option<Instant>,
    /// The direction it gives.
    pub direction: Option<Direction>,
    /// How far it is.
    pub status: Status,
    /// Who asked.
    pub by: Option<String>,
    /// Who decided.
    pub approver: Option<String>,
    /// When it was decided.
    pub decided_at: Option<Instant>,
}

/// What a correction does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Op {
    /// Makes a punch that was never recorded.
    Add,
    /// Replaces time or direction of a punch.
    Set,
    /// Takes a punch out.
    Void,
}

/// How far a correction is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Status {
    /// Not decided.
    Pending,
    /// Approved.
    Approved,
    /// Turned down.
    Rejected,
}

/// A sheet as it was when its month was closed.
#[derive(Clone, PartialEq, Debug)]
pub struct Closed {
    /// When it was closed.
    pub at: Instant,
    /// Per date whatever was kept of the day, under the names the sheet's JSON has.
    pub days: BTreeMap<Date, Map<String, Value>>,
}
