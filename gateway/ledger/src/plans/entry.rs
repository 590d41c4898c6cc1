//! What people enter so that sheets can be computed: shifts and rosters, leave and overtime, what
//! the calendar brings. People are internal numbers here.

use jiff::civil::Date;
use muster_attendance::PersonId;
use muster_attendance::input::{Employed, Holiday, Leave, LeaveKind, Overtime, RosterEntry, Storm};
use muster_attendance::shift::{Parameters, Shift, ShiftDraft, ShiftError};
use muster_attendance::time::LocalTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Characters of a name in an entry.
pub(super) const MAX_NAME: usize = 64;
/// Days of one roster's cycle.
const MAX_CYCLE: usize = 366;
/// Bytes of a shift's definition.
const MAX_SHIFT: usize = 4_096;

/// Minutes of overtime on one day.
const MAX_MINUTES: u32 = 24 * 60;

/// Why an entry makes no sense, in words that name its column.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EntryProblem {
    /// A shift's name is empty or longer than this.
    #[error("shift: a name has 1 to {0} characters")]
    Name(usize),
    /// A shift's definition is larger than this.
    #[error("shift: more than {0} bytes")]
    Large(usize),
    /// A shift's definition cannot be read.
    #[error("shift: {0}")]
    Draft(String),
    /// A shift's times do not fit together.
    #[error(transparent)]
    Shift(ShiftError),
    /// A weekday that is none.
    #[error("workdays: numbers from 1, Monday, to 7, Sunday")]
    Workdays,
    /// It ends before it begins.
    #[error("to: it ends before it begins")]
    Ends,
    /// A cycle without days, or with more than this.
    #[error("cycle: 1 to {0} days")]
    Cycle(usize),
    /// More minutes than this.
    #[error("minutes: at most {0}")]
    Minutes(u32),
}

/// One thing that was entered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum PlanEntry {
    /// A shift, in the form that `muster.attendance/1` has.
    Shift {
        name: String,
        shift: Value,
    },
    /// The shift of people without any roster, and the weekdays (Monday 1) on which it is worked.
    Usual {
        shift: Option<String>,
        workdays: Vec<u8>,
    },
    Holiday {
        date: Date,
        #[serde(default)]
        site: Option<String>,
    },
    Storm {
        date: Date,
        from: LocalTime,
        to: LocalTime,
        #[serde(default)]
        site: Option<String>,
    },
    /// A cycle of shifts, `None` for a day off.
    Roster {
        person: PersonId,
        from: Date,
        to: Option<Date>,
        cycle: Vec<Option<String>>,
        #[serde(default)]
        site: Option<String>,
    },
    Employed {
        person: PersonId,
        from: Option<Date>,
        to: Option<Date>,
    },
    Leave {
        person: PersonId,
        date: Date,
        part: LeavePart,
    },
    Overtime {
        person: PersonId,
        date: Date,
        minutes: u32,
    },
}

/// How much of a day leave takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum LeavePart {
    Full,
    Am,
    Pm,
    Hours(LocalTime, LocalTime),
}

/// What two entries that are in force may not share; of people, with their internal number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Key<'a> {
    Shift(&'a str),
    Usual,
    Holiday(Date, Option<&'a str>),
    Storm(Date, LocalTime, Option<&'a str>),
    Roster(u64, Date),
    Employed(u64),
    /// With the hour it begins, where it is of hours.
    Leave(u64, Date, Option<LocalTime>),
    Overtime(u64, Date),
}

impl PlanEntry {
    /// What a later entry with the same key replaces.
    pub(super) fn key(&self) -> Key<'_> {
        match self {
            Self::Shift { name, .. } => Key::Shift(name),
            Self::Usual { .. } => Key::Usual,
            Self::Holiday { date, site } => Key::Holiday(*date, site.as_deref()),
            Self::Storm { date, from, site, .. } => Key::Storm(*date, *from, site.as_deref()),
            Self::Roster { person, from, .. } => Key::Roster(person.0, *from),
            Self::Employed { person, .. } => Key::Employed(person.0),
            Self::Leave { person, date, part } => match part {
                LeavePart::Hours(from, _) => Key::Leave(person.0, *date, Some(*from)),
                LeavePart::Full | LeavePart::Am | LeavePart::Pm => {
                    Key::Leave(person.0, *date, None)
                }
            },
            Self::Overtime { person, date, .. } => Key::Overtime(person.0, *date),
        }
    }

    /// Whose it is; `None` is everybody's.
    pub fn person(&self) -> Option<PersonId> {
        match self {
            Self::Roster { person, .. }
            | Self::Employed { person, .. }
            | Self::Leave { person, .. }
            | Self::Overtime { person, .. } => Some(*person),
            _ => None,
        }
    }

    /// What is wrong with it.
    pub fn problem(&self) -> Option<EntryProblem> {
        let long = |name: &str| name.is_empty() || name.chars().count() > MAX_NAME;
        match self {
            Self::Shift { name, .. } if long(name) => Some(EntryProblem::Name(MAX_NAME)),
            Self::Shift { shift, .. } => shift_problem(shift),
            Self::Usual { workdays, .. } if workdays.iter().any(|d| !(1..=7).contains(d)) => {
                Some(EntryProblem::Workdays)
            }
            Self::Storm { from, to, .. } if from >= to => Some(EntryProblem::Ends),
            Self::Leave { part: LeavePart::Hours(from, to), .. } if from >= to => {
                Some(EntryProblem::Ends)
            }
            Self::Roster { from, to, .. } if to.is_some_and(|to| to < *from) => {
                Some(EntryProblem::Ends)
            }
            Self::Roster { cycle, .. } if cycle.is_empty() || cycle.len() > MAX_CYCLE => {
                Some(EntryProblem::Cycle(MAX_CYCLE))
            }
            Self::Employed { from: Some(from), to: Some(to), .. } if to < from => {
                Some(EntryProblem::Ends)
            }
            Self::Overtime { minutes, .. } if *minutes > MAX_MINUTES => {
                Some(EntryProblem::Minutes(MAX_MINUTES))
            }
            _ => None,
        }
    }

    pub(super) fn holiday(&self) -> Option<Holiday> {
        let Self::Holiday { date, site } = self else { return None };
        Some(Holiday { date: *date, site: site.clone() })
    }

    pub(super) fn storm(&self) -> Option<Storm> {
        let Self::Storm { date, from, to, site } = self else { return None };
        Some(Storm { date: *date, site: site.clone(), from: *from, to: *to })
    }

    pub(super) fn roster(&self) -> Option<RosterEntry> {
        let Self::Roster { from, to, cycle, site, .. } = self else { return None };
        Some(RosterEntry { from: Some(*from), to: *to, cycle: cycle.clone(), site: site.clone() })
    }

    pub(super) fn employed(&self) -> Option<Employed> {
        let Self::Employed { from, to, .. } = self else { return None };
        Some(Employed { from: *from, to: *to })
    }

    pub(super) fn leave(&self) -> Option<Leave> {
        let Self::Leave { date, part, .. } = self else { return None };
        let kind = match *part {
            LeavePart::Full => LeaveKind::Full,
            LeavePart::Am => LeaveKind::Am,
            LeavePart::Pm => LeaveKind::Pm,
            LeavePart::Hours(from, to) => LeaveKind::Hours { from, to },
        };
        Some(Leave { date: *date, kind, approved: true })
    }

    pub(super) fn overtime(&self) -> Option<Overtime> {
        let Self::Overtime { date, minutes, .. } = self else { return None };
        Some(Overtime { date: *date, minutes: *minutes, approved: true })
    }
}

/// A shift as the rules take it.
pub(super) fn shift(value: &Value) -> Option<Shift> {
    let draft = serde_json::from_value::<ShiftDraft>(value.clone()).ok()?;
    Shift::new(draft, Parameters::default()).ok()
}

fn shift_problem(value: &Value) -> Option<EntryProblem> {
    if value.to_string().len() > MAX_SHIFT {
        return Some(EntryProblem::Large(MAX_SHIFT));
    }
    match serde_json::from_value::<ShiftDraft>(value.clone()) {
        Err(error) => Some(EntryProblem::Draft(error.to_string())),
        Ok(draft) => Shift::new(draft, Parameters::default()).err().map(EntryProblem::Shift),
    }
}
