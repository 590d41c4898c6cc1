//! Reason codes: why a day has its state, and why a punch counts or does not.

use serde::{Serialize, Serializer};
use std::fmt;

/// A reason code. They are ordered as their texts are, bytewise.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Code {
    /// Absent: less worked than `absent_percent` of the plan.
    BelowAbsent,
    /// Half a day: less worked than `half_percent` of the plan.
    BelowHalf,
    /// A punch between the first and the last of the day; gives no mark.
    Between,
    /// A used punch counts at the box's time: its terminal's clock was unsure.
    ClockBox,
    /// A used punch counts at the time its terminal's clock was re-dated to.
    ClockRedated,
    /// A punch from an unsure clock that waits for re-dating.
    ClockWait,
    /// A correction that another one on the same punch overrides.
    CorrConflict,
    /// A correction that is not in force, and not rejected.
    CorrPending,
    /// A correction in force.
    Corrected,
    /// The day is over, but a terminal's punches of it may still be on their way.
    DataWait,
    /// The day still runs.
    DayOpen,
    /// The terminal did not let the person through.
    Denied,
    /// A used punch whose direction no terminal gave.
    Derived,
    /// A punch repeated within `double_seconds`.
    Double,
    /// The clock changes between the shift's start and end.
    Dst,
    /// Left before the plan's end by more than the grace.
    Early,
    /// A punch later than now.
    Future,
    /// Planned minutes missed between coming and going.
    Gap,
    /// A public holiday on which a shift is rostered.
    Holiday,
    /// Came after the plan's start by more than the grace.
    Late,
    /// Approved leave took minutes off the plan.
    Leave,
    /// An out without its in.
    MissingIn,
    /// An in without its out.
    MissingOut,
    /// Used punches are from terminals of two sites.
    MultiSite,
    /// Absent: no punch counts.
    NoPunch,
    /// No roster entry or default shift says what the day is.
    NoRoster,
    /// The person was not employed that day; also why its punches do not count.
    NotEmployed,
    /// A day off.
    Off,
    /// Approved overtime was worked.
    Ot,
    /// Minutes outside the plan that nobody approved, `extra_mark` or more.
    OtUnapproved,
    /// A punch too far from the day's shift to belong to it.
    OutsideWindow,
    /// A used punch on a day off, a holiday, leave or a storm day.
    RestWork,
    /// The rostered shift is unknown or makes no sense.
    ShiftBad,
    /// A flexible day with less worked than planned.
    Short,
    /// A storm took minutes off the plan.
    Storm,
    /// A used punch without its partner; gives no mark.
    Unpaired,
    /// A punch a correction took out; gives no mark.
    Voided,
}

const CODES: [(Code, &str); 37] = [
    (Code::BelowAbsent, "BELOW-ABSENT"),
    (Code::BelowHalf, "BELOW-HALF"),
    (Code::Between, "BETWEEN"),
    (Code::ClockBox, "CLOCK-BOX"),
    (Code::ClockRedated, "CLOCK-REDATED"),
    (Code::ClockWait, "CLOCK-WAIT"),
    (Code::CorrConflict, "CORR-CONFLICT"),
    (Code::CorrPending, "CORR-PENDING"),
    (Code::Corrected, "CORRECTED"),
    (Code::DataWait, "DATA-WAIT"),
    (Code::DayOpen, "DAY-OPEN"),
    (Code::Denied, "DENIED"),
    (Code::Derived, "DERIVED"),
    (Code::Double, "DOUBLE"),
    (Code::Dst, "DST"),
    (Code::Early, "EARLY"),
    (Code::Future, "FUTURE"),
    (Code::Gap, "GAP"),
    (Code::Holiday, "HOLIDAY"),
    (Code::Late, "LATE"),
    (Code::Leave, "LEAVE"),
    (Code::MissingIn, "MISSING-IN"),
    (Code::MissingOut, "MISSING-OUT"),
    (Code::MultiSite, "MULTI-SITE"),
    (Code::NoPunch, "NO-PUNCH"),
    (Code::NoRoster, "NO-ROSTER"),
    (Code::NotEmployed, "NOT-EMPLOYED"),
    (Code::Off, "OFF"),
    (Code::Ot, "OT"),
    (Code::OtUnapproved, "OT-UNAPPROVED"),
    (Code::OutsideWindow, "OUTSIDE-WINDOW"),
    (Code::RestWork, "REST-WORK"),
    (Code::ShiftBad, "SHIFT-BAD"),
    (Code::Short, "SHORT"),
    (Code::Storm, "STORM"),
    (Code::Unpaired, "UNPAIRED"),
    (Code::Voided, "VOIDED"),
];

impl Code {
    /// The code as sheets show it, such as `MISSING-OUT`.
    pub fn as_str(self) -> &'static str {
        CODES.get(self as usize).map_or("", |(_, text)| text)
    }

    /// Every code, bytewise.
    pub fn all() -> impl Iterator<Item = Self> {
        CODES.iter().map(|(code, _)| *code)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

/// A day's marks: a set of codes, shown bytewise and once each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Marks(u64);

impl Marks {
    /// Puts a code in.
    pub fn insert(&mut self, code: Code) {
        self.0 |= 1 << code as u8;
    }

    /// Puts a code in where `holds`.
    pub fn insert_if(&mut self, holds: bool, code: Code) {
        if holds {
            self.insert(code);
        }
    }

    /// Whether the code is there.
    pub fn contains(self, code: Code) -> bool {
        self.0 & 1 << code as u8 != 0
    }

    /// The codes, bytewise.
    pub fn iter(self) -> impl Iterator<Item = Code> {
        Code::all().filter(move |code| self.contains(*code))
    }
}

impl Extend<Code> for Marks {
    fn extend<I: IntoIterator<Item = Code>>(&mut self, codes: I) {
        codes.into_iter().for_each(|code| self.insert(code));
    }
}

impl FromIterator<Code> for Marks {
    fn from_iter<I: IntoIterator<Item = Code>>(codes: I) -> Self {
        let mut marks = Self::default();
        marks.extend(codes);
        marks
    }
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Marks {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_bytewise() {
        assert!(CODES.iter().enumerate().all(|(i, (code, _))| *code as usize == i));
        assert!(CODES.windows(2).all(|w| w[0].1 < w[1].1));
    }

    #[test]
    fn marks_come_out_sorted_and_once() {
        let mut marks = Marks::default();
        marks.extend([Code::Voided, Code::OtUnapproved, Code::Ot, Code::Ot, Code::BelowAbsent]);
        let texts: Vec<_> = marks.iter().map(Code::as_str).collect();
        assert_eq!(texts, ["BELOW-ABSENT", "OT", "OT-UNAPPROVED", "VOIDED"]);
        assert!(!marks.contains(Code::Late));
    }
}
