//! Shifts and the parameters they carry.
//!
//! A [`ShiftDraft`] is what people write; a [`Shift`] is one that makes sense. What does not make
//! sense is refused with a reason, and every day that names it is `SHIFT-BAD`.

use crate::time::LocalTime;
use serde::{Deserialize, Deserializer, Serialize, de};

/// The most minutes `before` and `after` may reach beyond a shift: fourteen days. A typed
/// [`Parameters`] with more counts as this much.
pub const MAX_WINDOW_MINUTES: u32 = 14 * 24 * 60;

/// How sheets are computed, where a shift or a house may differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parameters {
    /// Minutes before the shift's start from which a punch belongs to it; 240.
    pub before: u32,
    /// Minutes after the shift's end up to which a punch belongs to it; 480.
    pub after: u32,
    /// Minutes late that do not count; 5.
    pub grace_in: u32,
    /// Minutes early that do not count; 5.
    pub grace_out: u32,
    /// Below this share of the plan worked it is half a day, in percent; 50.
    pub half_percent: u32,
    /// Below this share of the plan worked it is absence, in percent; 20.
    pub absent_percent: u32,
    /// How punches become pairs; first and last.
    pub pairing: Pairing,
    /// Within so many seconds of the last punch kept another is the same act; 60.
    pub double_seconds: u32,
    /// Minutes pair ends are rounded to; 1.
    pub round_step: RoundStep,
    /// Which way they are rounded; to the nearest.
    pub round_mode: RoundMode,
    /// Gap minutes that count as break; 0.
    pub break_allow: u32,
    /// Whether those are paid, and so count as worked; no.
    pub break_paid: bool,
    /// Unapproved minutes outside the plan from which the day is marked; 30.
    pub extra_mark: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            before: 240,
            after: 480,
            grace_in: 5,
            grace_out: 5,
            half_percent: 50,
            absent_percent: 20,
            pairing: Pairing::FirstLast,
            double_seconds: 60,
            round_step: RoundStep(1),
            round_mode: RoundMode::Nearest,
            break_allow: 0,
            break_paid: false,
            extra_mark: 30,
        }
    }
}

/// Parameters as far as someone set them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // Each is the field of that name in `Parameters`.
pub struct Overrides {
    #[serde(deserialize_with = "window")]
    pub before: Option<u32>,
    #[serde(deserialize_with = "window")]
    pub after: Option<u32>,
    pub grace_in: Option<u32>,
    pub grace_out: Option<u32>,
    pub half_percent: Option<u32>,
    pub absent_percent: Option<u32>,
    pub pairing: Option<Pairing>,
    pub double_seconds: Option<u32>,
    pub round_step: Option<RoundStep>,
    pub round_mode: Option<RoundMode>,
    pub break_allow: Option<u32>,
    pub break_paid: Option<bool>,
    pub extra_mark: Option<u32>,
}

impl Overrides {
    /// These where set, else those of `base`.
    pub fn over(&self, base: Parameters) -> Parameters {
        Parameters {
            before: self.before.unwrap_or(base.before),
            after: self.after.unwrap_or(base.after),
            grace_in: self.grace_in.unwrap_or(base.grace_in),
            grace_out: self.grace_out.unwrap_or(base.grace_out),
            half_percent: self.half_percent.unwrap_or(base.half_percent),
            absent_percent: self.absent_percent.unwrap_or(base.absent_percent),
            pairing: self.pairing.unwrap_or(base.pairing),
            double_seconds: self.double_seconds.unwrap_or(base.double_seconds),
            round_step: self.round_step.unwrap_or(base.round_step),
            round_mode: self.round_mode.unwrap_or(base.round_mode),
            break_allow: self.break_allow.unwrap_or(base.break_allow),
            break_paid: self.break_paid.unwrap_or(base.break_paid),
            extra_mark: self.extra_mark.unwrap_or(base.extra_mark),
        }
    }
}

/// How punches become pairs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pairing {
    /// The first and the last punch; what lies between is not used.
    FirstLast,
    /// Every in with the out after it.
    Pairs,
}

/// Which way pair ends are rounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundMode {
    /// To the nearest step, half up.
    Nearest,
    /// For the employee: in down, out up.
    Employee,
    /// For the company: in up, out down.
    Company,
}

/// Minutes to round to: a divisor of 60.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct RoundStep(u32);

/// The step does not divide the hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot round to {0} minutes: give 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60")]
pub struct RoundStepError(u32);

impl TryFrom<u32> for RoundStep {
    type Error = RoundStepError;

    fn try_from(minutes: u32) -> Result<Self, RoundStepError> {
        let divides = minutes > 0 && 60 % minutes == 0;
        divides.then_some(Self(minutes)).ok_or(RoundStepError(minutes))
    }
}

impl From<RoundStep> for u32 {
    fn from(step: RoundStep) -> Self {
        step.0
    }
}

/// A shift as written: times from 00:00 to 48:00 of its date, or of the day before with `eve`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ShiftDraft {
    /// When people work; several parts are a split shift.
    pub parts: Vec<(LocalTime, LocalTime)>,
    /// Breaks.
    pub breaks: Vec<Break>,
    /// Fixed or flexible.
    pub kind: Kind,
    /// When a flexible shift wants people there.
    pub core: Option<(LocalTime, LocalTime)>,
    /// Minutes a flexible shift asks for; all its plan if absent.
    pub minutes: Option<u32>,
    /// Where the morning ends for half days of leave; the shift's middle if absent.
    pub half_at: Option<LocalTime>,
    /// What public holidays do to it.
    pub holidays: OnHoliday,
    /// Whether its times count from the day before its date.
    pub eve: bool,
    /// Its own parameters.
    #[serde(flatten)]
    pub overrides: Overrides,
}

/// A break within a shift.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub struct Break {
    /// From when.
    pub from: LocalTime,
    /// Until when.
    pub to: LocalTime,
    /// Whether it counts as worked; no unless told.
    #[serde(default)]
    pub paid: bool,
}

/// Whether a shift wants people at its times, or for so many minutes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// From start to end.
    #[default]
    Fixed,
    /// So many minutes between start and end, its core included.
    Flex,
}

/// What a public holiday does to a shift.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnHoliday {
    /// Nobody is expected.
    #[default]
    Off,
    /// It is worked all the same.
    Work,
}

/// A shift that makes sense.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shift {
    pub(crate) draft: ShiftDraft,
    pub(crate) first: LocalTime,
    pub(crate) last: LocalTime,
    pub(crate) parameters: Parameters,
}

/// Why a shift makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShiftError {
    /// No parts.
    #[error("the shift has no parts: give at least one [from, to]")]
    Empty,
    /// A part ends before it has begun.
    #[error("the part {0} to {1} has no length: end it later, past midnight as 30:00 for 06:00")]
    Part(LocalTime, LocalTime),
    /// Parts overlap or are out of order.
    #[error("the part from {1} begins before the one until {0} ends: list parts in order, apart")]
    Order(LocalTime, LocalTime),
    /// A break ends before it has begun.
    #[error("the break {0} to {1} has no length: end it later, past midnight as 24:30 for 00:30")]
    Break(LocalTime, LocalTime),
}

impl Shift {
    /// A shift, with the house's parameters where it sets none itself.
    ///
    /// # Errors
    /// See [`ShiftError`].
    pub fn new(draft: ShiftDraft, house: Parameters) -> Result<Self, ShiftError> {
        let (Some(first), Some(last)) = (draft.parts.first(), draft.parts.last()) else {
            return Err(ShiftError::Empty);
        };
        if let Some((from, to)) = draft.parts.iter().find(|(from, to)| from >= to) {
            return Err(ShiftError::Part(*from, *to));
        }
        let mut neighbours = draft.parts.iter().zip(draft.parts.iter().skip(1));
        if let Some((part, next)) = neighbours.find(|(part, next)| part.1 > next.0) {
            return Err(ShiftError::Order(part.1, next.0));
        }
        if let Some(pause) = draft.breaks.iter().find(|pause| pause.from >= pause.to) {
            return Err(ShiftError::Break(pause.from, pause.to));
        }
        let (first, last) = (first.0, last.1);
        let parameters = draft.overrides.over(house);
        Ok(Self { draft, first, last, parameters })
    }

    /// What was written.
    pub fn draft(&self) -> &ShiftDraft {
        &self.draft
    }

    /// The parameters its days are computed with.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }
}

fn window<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let minutes = Option::<u32>::deserialize(from)?;
    if minutes.is_some_and(|minutes| minutes > MAX_WINDOW_MINUTES) {
        let limit = format!("a shift's window reaches at most {MAX_WINDOW_MINUTES} minutes");
        return Err(de::Error::custom(limit));
    }
    Ok(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> LocalTime {
        text.parse().unwrap()
    }

    fn shift(json: &str) -> Result<Shift, ShiftError> {
        Shift::new(serde_json::from_str(json).unwrap(), Parameters::default())
    }

    #[test]
    fn what_makes_sense() {
        let check = |json: &str, expect: Result<(), ShiftError>| {
            assert_eq!(shift(json).map(|_| ()), expect, "{json}");
        };
        check(r#"{"parts":[["00:00","48:00"]]}"#, Ok(()));
        check(r#"{"parts":[["09:00","13:00"],["13:00","18:00"]]}"#, Ok(()));
        check("{}", Err(ShiftError::Empty));
        let backwards = ShiftError::Part(time("18:00"), time("09:00"));
        check(r#"{"parts":[["18:00","09:00"]]}"#, Err(backwards));
        let overlap = ShiftError::Order(time("13:00"), time("12:59"));
        check(r#"{"parts":[["09:00","13:00"],["12:59","18:00"]]}"#, Err(overlap));
        let pause = ShiftError::Break(time("13:00"), time("13:00"));
        let json = r#"{"parts":[["09:00","18:00"]],"breaks":[{"from":"13:00","to":"13:00"}]}"#;
        check(json, Err(pause));
    }

    #[test]
    fn parameters_of_the_shift_win() {
        let house = Overrides { grace_in: Some(7), after: Some(9), ..Default::default() };
        let house = house.over(Parameters::default());
        let json = r#"{"parts":[["09:00","18:00"]],"grace_in":0,"round_step":15}"#;
        let shift = Shift::new(serde_json::from_str(json).unwrap(), house).unwrap();
        let parameters = shift.parameters();
        assert_eq!((parameters.grace_in, parameters.after, parameters.before), (0, 9, 240));
        assert_eq!(u32::from(parameters.round_step), 15);
    }

    #[test]
    fn drafts_that_cannot_be_read() {
        for json in [
            r#"{"parts":[["9:00","18:00"]]}"#,
            r#"{"parts":[["09:00","48:01"]]}"#,
            r#"{"parts":"09:00"}"#,
            r#"{"kind":"loose"}"#,
            r#"{"round_step":7}"#,
            r#"{"round_step":0}"#,
            r#"{"before":20161}"#,
            r#"{"grace_in":-1}"#,
        ] {
            assert!(serde_json::from_str::<ShiftDraft>(json).is_err(), "{json}");
        }
    }
}
