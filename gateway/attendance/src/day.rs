//! One date of a sheet: its state, its minutes, its marks.

use crate::code::{Code, Marks};
use crate::correction::Corrections;
use crate::input::{Input, Terminal};
use crate::minutes::{Spent, early, late, spend};
use crate::pairing::{Paired, pair};
use crate::plan::Plan;
use crate::punch::{Reading, Use};
use crate::roster::{Duty, Slot, Turn};
use crate::shift::{Kind, Parameters};
use crate::time::{Instant, Stamp};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::AddAssign;

/// One date of a person's sheet.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Day {
    /// What the day was.
    pub state: State,
    /// Whether it is over and all data of it is here, so that it can no longer change by itself.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// The rostered shift's name; absent on days off and where it makes no sense.
    pub shift: Option<String>,
    /// F, the day's coming, in the day's zone.
    pub first_in: Option<Stamp>,
    /// L, the day's going, in the day's zone.
    pub last_out: Option<Stamp>,
    /// Its minutes.
    #[serde(flatten)]
    pub minutes: DayMinutes,
    /// Why it is what it is.
    pub marks: Marks,
    /// All punches of the day, used or not, by time and id.
    pub punches: Vec<PunchUse>,
    /// When the last of them was received, if that is known; not part of the JSON.
    #[serde(skip)]
    pub received: Option<Instant>,
    /// When whoever has this day's shift is to come; absent where lateness is not measured. Not part
    /// of the JSON.
    #[serde(skip)]
    pub due: Option<Due>,
}

/// When somebody is to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Due {
    /// From when a punch belongs to the shift.
    pub from: Instant,
    /// The first minute that is planned.
    pub at: Instant,
    /// From when coming is late: more minutes than the shift's grace would be missed.
    pub late: Instant,
}

impl Due {
    fn new(plan: &Plan, turn: &Turn<'_>, parameters: &Parameters) -> Option<Self> {
        let first = plan.reference.first()?;
        let minute = |minute: i64| Instant::from_seconds(minute.saturating_mul(60));
        Some(Self {
            from: minute(turn.start.minute() - i64::from(parameters.before)),
            at: minute(first),
            late: minute(first + i64::from(parameters.grace_in) + 1),
        })
    }
}

impl Day {
    /// Reduced to how long was worked: no times, punches, plan or marks.
    pub fn hours_only(&self) -> Self {
        let DayMinutes { worked, extra, overtime, .. } = self.minutes;
        let there = worked + extra + overtime > 0;
        Self {
            state: if there { State::Present } else { State::Unrostered },
            is_final: self.is_final,
            shift: None,
            first_in: None,
            last_out: None,
            minutes: DayMinutes { worked, extra, overtime, ..DayMinutes::default() },
            marks: Marks::default(),
            punches: Vec::new(),
            received: None,
            due: None,
        }
    }
}

/// What a day was.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Before the first or after the last day of employment.
    NotEmployed,
    /// Nothing says what the day was to be, or what does makes no sense.
    Unrostered,
    /// A day off.
    Off,
    /// A public holiday.
    Holiday,
    /// On leave for all of it.
    Leave,
    /// A storm took all of it.
    Storm,
    /// Not there. Never before the data of the day is known to be complete.
    Absent,
    /// An in without an out, or the other way round.
    Missing,
    /// There for less than half of it.
    HalfDay,
    /// There.
    Present,
    /// Not known yet.
    Unknown,
}

/// A day's minutes, or the sums of several days'.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct DayMinutes {
    /// Asked for.
    #[serde(rename = "planned_minutes")]
    pub planned: i64,
    /// Worked within the plan.
    #[serde(rename = "worked_minutes")]
    pub worked: i64,
    /// Unpaid breaks between coming and going, and allowed gaps.
    #[serde(rename = "break_minutes")]
    pub breaks: i64,
    /// Planned minutes missed between coming and going.
    #[serde(rename = "gap_minutes")]
    pub gap: i64,
    /// Planned minutes missed before coming.
    #[serde(rename = "late_minutes")]
    pub late: i64,
    /// Planned minutes missed after going.
    #[serde(rename = "early_minutes")]
    pub early: i64,
    /// Worked outside the plan without approval.
    #[serde(rename = "extra_minutes")]
    pub extra: i64,
    /// Worked outside the plan as approved.
    #[serde(rename = "overtime_minutes")]
    pub overtime: i64,
    /// Taken off the plan by leave.
    #[serde(rename = "leave_minutes")]
    pub leave: i64,
    /// Taken off the plan by storms.
    #[serde(rename = "storm_minutes")]
    pub storm: i64,
    /// Neither planned nor there, between coming and going; not part of the JSON.
    #[serde(skip)]
    pub away: i64,
    /// From coming to going; what worked, breaks, gap, extra, overtime and away make together.
    /// Not part of the JSON.
    #[serde(skip)]
    pub span: i64,
}

impl AddAssign for DayMinutes {
    fn add_assign(&mut self, day: Self) {
        self.planned += day.planned;
        self.worked += day.worked;
        self.breaks += day.breaks;
        self.gap += day.gap;
        self.late += day.late;
        self.early += day.early;
        self.extra += day.extra;
        self.overtime += day.overtime;
        self.leave += day.leave;
        self.storm += day.storm;
        self.away += day.away;
        self.span += day.span;
    }
}

/// What a day used one of its punches as.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PunchUse {
    /// The punch, or the correction that added it.
    pub id: String,
    /// What it is used as.
    #[serde(rename = "use")]
    pub used: Use,
    /// Why it does not count, or has no partner.
    pub why: Option<Code>,
}

/// What a day is computed from, beside its punches.
pub(crate) struct Context<'a> {
    pub(crate) input: &'a Input,
    pub(crate) corrections: &'a Corrections<'a>,
    pub(crate) slot: &'a Slot<'a>,
    /// When the day is over for its punches.
    pub(crate) end: Instant,
    pub(crate) now: Instant,
    /// All terminals' punches before this are here; see [`complete_until`].
    pub(crate) complete_until: Option<Instant>,
}

/// The second before which every terminal's punches are here; none where no terminal is listed or
/// nothing is known of one.
pub(crate) fn complete_until(terminals: &BTreeMap<String, Terminal>) -> Option<Instant> {
    let until: Option<Vec<_>> = terminals.values().map(|t| t.complete_until).collect();
    until?.into_iter().min()
}

/// Computes one date from all its punches, sorted by (t, id).
pub(crate) fn compute(context: &Context<'_>, mut punches: Vec<Reading<'_>>) -> Day {
    let Context { input, slot, .. } = *context;
    let turn = slot.turn();
    let parameters = turn.map_or(&input.rules.parameters, |turn| &turn.shift.parameters);
    let kind = turn.map_or(Kind::Fixed, |turn| turn.shift.draft.kind);
    let plan = turn.map_or_else(Plan::default, |turn| Plan::new(input, slot, turn));
    let paired = pair(&mut punches, turn, parameters);
    let spent = spend(&paired, &plan, kind, parameters, slot.zone);
    let is_final = context.is_final(&punches);
    let mut minutes = context.minutes(&plan, &spent);
    if paired.first.is_some_and(|first| context.is_complete(first)) {
        minutes.late = late(&plan, paired.first, parameters);
    }
    if is_final {
        minutes.early = early(&plan, paired.last, parameters);
    }
    let mut day = Day {
        state: State::Unknown,
        is_final,
        shift: turn.map(|turn| turn.name.to_owned()),
        first_in: paired.first.map(|at| slot.zone.stamp(at)),
        last_out: paired.last.map(|at| slot.zone.stamp(at)),
        minutes,
        marks: context.corrections.marks_on(slot.date).collect(),
        received: punches.iter().filter_map(|reading| reading.received).max(),
        punches: punches.iter().map(PunchUse::from).collect(),
        due: turn.and_then(|turn| Due::new(&plan, turn, parameters)),
    };
    context.judge(&mut day, &plan, &paired);
    context.mark(&mut day, &plan, &paired);
    context.mark_punches(&mut day, &punches);
    day
}

impl Context<'_> {
    fn is_final(&self, punches: &[Reading<'_>]) -> bool {
        let waits = || punches.iter().any(|reading| reading.why == Some(Code::ClockWait));
        self.slot.is_not_employed()
            || self.now >= self.end && self.is_complete(self.end) && !waits()
    }

    /// Whether all terminals' punches before that second are here.
    fn is_complete(&self, at: Instant) -> bool {
        self.complete_until.is_some_and(|until| until >= at)
    }

    fn minutes(&self, plan: &Plan, spent: &Spent) -> DayMinutes {
        let overtime = self.input.overtime.iter();
        let approved = overtime.filter(|entry| entry.approved && entry.date == self.slot.date);
        let overtime = approved.map(|entry| i64::from(entry.minutes)).sum::<i64>();
        let overtime = overtime.min(spent.outside);
        DayMinutes {
            planned: plan.planned,
            worked: spent.worked,
            breaks: spent.breaks,
            gap: spent.gap,
            late: 0,
            early: 0,
            extra: spent.outside - overtime,
            overtime,
            leave: plan.leave,
            storm: plan.storm,
            away: spent.away,
            span: spent.span,
        }
    }

    /// The day's state, with the marks that are its reason.
    fn judge(&self, day: &mut Day, plan: &Plan, paired: &Paired) {
        let (state, code) = match &self.slot.duty {
            Duty::NotEmployed => (State::NotEmployed, Some(Code::NotEmployed)),
            Duty::NoRoster => (State::Unrostered, Some(Code::NoRoster)),
            Duty::ShiftBad => (State::Unrostered, Some(Code::ShiftBad)),
            Duty::Off => (State::Off, Some(Code::Off)),
            Duty::Shift(_) if plan.minutes.is_empty() => rest(plan),
            Duty::Shift(turn) => {
                let parameters = &turn.shift.parameters;
                let shares = (parameters.absent_percent, parameters.half_percent);
                let (state, code) = attended(&day.minutes, paired, shares);
                self.known(day.is_final, state, code)
            }
        };
        day.state = state;
        day.marks.extend(code);
    }

    /// Of a day that is not final only presence may be said.
    fn known(&self, is_final: bool, state: State, code: Option<Code>) -> (State, Option<Code>) {
        if is_final {
            return (state, code);
        }
        let waits = if self.now < self.end { Code::DayOpen } else { Code::DataWait };
        let state = if state == State::Present { state } else { State::Unknown };
        (state, Some(waits))
    }

    /// The marks that follow from plan, minutes and state.
    fn mark(&self, day: &mut Day, plan: &Plan, paired: &Paired) {
        let (minutes, marks) = (&day.minutes, &mut day.marks);
        let is_present = matches!(day.state, State::Present | State::HalfDay);
        marks.insert_if(plan.holiday, Code::Holiday);
        marks.insert_if(minutes.leave > 0, Code::Leave);
        marks.insert_if(minutes.storm > 0, Code::Storm);
        marks.insert_if(minutes.late > 0, Code::Late);
        marks.insert_if(minutes.early > 0, Code::Early);
        marks.insert_if(minutes.overtime > 0, Code::Ot);
        if day.is_final {
            marks.insert_if(paired.missing_in, Code::MissingIn);
            marks.insert_if(paired.missing_out, Code::MissingOut);
            marks.insert_if(minutes.gap > 0, Code::Gap);
        }
        let turn = self.slot.turn();
        let parameters = turn.map_or(&self.input.rules.parameters, |turn| &turn.shift.parameters);
        let much = minutes.extra >= i64::from(parameters.extra_mark);
        marks.insert_if(minutes.extra > 0 && much, Code::OtUnapproved);
        if let Some(turn) = turn {
            let is_flex = turn.shift.draft.kind == Kind::Flex;
            let is_short = day.is_final && is_present && minutes.worked < minutes.planned;
            marks.insert_if(is_flex && is_short, Code::Short);
            let offset = |at| self.slot.zone.offset_seconds(at);
            marks.insert_if(offset(turn.start) != offset(turn.end), Code::Dst);
        }
    }

    /// The marks that follow from single punches.
    fn mark_punches(&self, day: &mut Day, punches: &[Reading<'_>]) {
        let used = || punches.iter().filter(|reading| reading.used != Use::None);
        let rest = [State::Off, State::Holiday, State::Leave, State::Storm].contains(&day.state);
        day.marks.insert_if(rest && used().next().is_some(), Code::RestWork);
        for reading in used() {
            day.marks.insert_if(reading.direction.is_none(), Code::Derived);
            day.marks.extend(reading.clock);
        }
        day.marks.extend(punches.iter().filter_map(|reading| reading.why).filter(is_mark));
        let names = used().filter_map(|reading| reading.terminal);
        day.marks.insert_if(self.are_of_two_sites(names), Code::MultiSite);
    }

    /// Whether the listed ones of these terminals hang at more than one site.
    fn are_of_two_sites<'t>(&self, mut names: impl Iterator<Item = &'t str>) -> bool {
        let Some(first) = names.next() else {
            return false;
        };
        let site = |name| self.input.rules.terminals.get(name)?.site.as_deref();
        let mut others = names.filter(|name| *name != first).peekable();
        if others.peek().is_none() {
            return false;
        }
        let mut sites = std::iter::once(first).chain(others).filter_map(site);
        let one = sites.next();
        sites.any(|site| Some(site) != one)
    }
}

impl From<&Reading<'_>> for PunchUse {
    fn from(reading: &Reading<'_>) -> Self {
        Self { id: reading.id.to_owned(), used: reading.used, why: reading.why }
    }
}

/// The state of a shift whose plan is empty.
fn rest(plan: &Plan) -> (State, Option<Code>) {
    if plan.holiday_off {
        (State::Holiday, None)
    } else if plan.leave > 0 {
        (State::Leave, None)
    } else if plan.storm > 0 {
        (State::Storm, None)
    } else {
        (State::Off, Some(Code::Off))
    }
}

/// The state of a day with a plan, as if it were final; `shares` are those of absence and of half
/// a day, in percent.
fn attended(
    minutes: &DayMinutes,
    paired: &Paired,
    (absent, half): (u32, u32),
) -> (State, Option<Code>) {
    let below = |percent: u32| minutes.worked * 100 < minutes.planned * i64::from(percent);
    if !paired.any {
        (State::Absent, Some(Code::NoPunch))
    } else if paired.missing_in || paired.missing_out {
        (State::Missing, None)
    } else if below(absent) {
        (State::Absent, Some(Code::BelowAbsent))
    } else if below(half) {
        (State::HalfDay, Some(Code::BelowHalf))
    } else {
        (State::Present, None)
    }
}

/// Whether a punch's reason is a mark of its day too.
fn is_mark(code: &Code) -> bool {
    !matches!(code, Code::Voided | Code::Between | Code::Unpaired)
}
