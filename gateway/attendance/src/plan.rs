//! The minutes a person was to work on a date (the plan's last two rules).

use crate::input::{Input, LeaveKind, Storm};
use crate::roster::{Slot, Turn};
use crate::shift::{Kind, OnHoliday};
use crate::spans::Minutes;
use crate::time::{LocalTime, date_of, day_number};

/// Before and after all minutes there are.
const FAR: i64 = i64::MAX / 4;

/// Days around a date from which a storm's hours, or a shift's, can reach it.
const STORM_DAYS: i64 = 6;

/// What was planned on a date; all empty where no shift is rostered.
#[derive(Default, Debug)]
pub(crate) struct Plan {
    /// The minutes planned.
    pub(crate) minutes: Minutes,
    /// R: those that late and early are measured on.
    pub(crate) reference: Minutes,
    pub(crate) unpaid_breaks: Minutes,
    pub(crate) paid_breaks: Minutes,
    /// How many minutes are asked for.
    pub(crate) planned: i64,
    /// Minutes that leave took.
    pub(crate) leave: i64,
    /// Minutes that storms took.
    pub(crate) storm: i64,
    /// Whether it is a public holiday.
    pub(crate) holiday: bool,
    /// Whether that emptied the plan.
    pub(crate) holiday_off: bool,
}

impl Plan {
    pub(crate) fn new(input: &Input, slot: &Slot<'_>, turn: &Turn<'_>) -> Self {
        let draft = &turn.shift.draft;
        let unpaid_breaks = breaks(slot, turn, false);
        let mut minutes = parts(slot, turn).less(&unpaid_breaks);
        let full = minutes.size();
        let mut plan = Self { paid_breaks: breaks(slot, turn, true), ..Self::default() };
        let mut holidays = input.rules.holidays.iter();
        plan.holiday = holidays.any(|h| h.date == slot.date && slot.is_at(h.site.as_deref()));
        plan.holiday_off = plan.holiday && draft.holidays == OnHoliday::Off;
        if plan.holiday_off {
            minutes = Minutes::default();
        } else {
            plan.leave = take(&mut minutes, &leave(input, slot, turn));
            plan.storm = take(&mut minutes, &storms(input, slot));
        }
        plan.planned = match draft.kind {
            Kind::Fixed => minutes.size(),
            Kind::Flex => flexible(draft.minutes, minutes.size(), full),
        };
        plan.reference = match (draft.kind, draft.core) {
            (Kind::Fixed, _) => minutes.clone(),
            (Kind::Flex, Some((from, to))) => minutes.and(&slot.minutes(turn, from, to)),
            (Kind::Flex, None) => Minutes::default(),
        };
        Self { minutes, unpaid_breaks, ..plan }
    }
}

impl Slot<'_> {
    /// The minutes between two of the shift's own local times.
    fn minutes(&self, turn: &Turn<'_>, from: LocalTime, to: LocalTime) -> Minutes {
        let at = |time| self.zone.instant(turn.base, time).minute();
        Minutes::run(at(from), at(to))
    }
}

fn parts(slot: &Slot<'_>, turn: &Turn<'_>) -> Minutes {
    if let [_] = turn.shift.draft.parts.as_slice() {
        return Minutes::run(turn.start.minute(), turn.end.minute());
    }
    let parts = turn.shift.draft.parts.iter();
    parts.fold(Minutes::default(), |sum, (from, to)| sum.or(&slot.minutes(turn, *from, *to)))
}

fn breaks(slot: &Slot<'_>, turn: &Turn<'_>, paid: bool) -> Minutes {
    let breaks = turn.shift.draft.breaks.iter().filter(|pause| pause.paid == paid);
    breaks.fold(Minutes::default(), |sum, pause| sum.or(&slot.minutes(turn, pause.from, pause.to)))
}

/// What approved leave of the date covers, in the plan or not.
fn leave(input: &Input, slot: &Slot<'_>, turn: &Turn<'_>) -> Minutes {
    let leave = input.leave.iter().filter(|leave| leave.approved && leave.date == slot.date);
    leave.fold(Minutes::default(), |sum, leave| {
        sum.or(&match leave.kind {
            LeaveKind::Full => Minutes::run(-FAR, FAR),
            LeaveKind::Am => Minutes::run(-FAR, half_point(slot, turn)),
            LeaveKind::Pm => Minutes::run(half_point(slot, turn), FAR),
            LeaveKind::Hours { from, to } => slot.minutes(turn, from, to),
        })
    })
}

fn half_point(slot: &Slot<'_>, turn: &Turn<'_>) -> i64 {
    match turn.shift.draft.half_at {
        Some(time) => slot.zone.instant(turn.base, time).minute(),
        None => (turn.start.minute() + turn.end.minute()).div_euclid(2),
    }
}

/// What storms at the date's site cover, each counted from its own date.
fn storms(input: &Input, slot: &Slot<'_>) -> Minutes {
    let day = day_number(slot.date);
    let dates = date_of(day - STORM_DAYS)..=date_of(day + STORM_DAYS);
    let here = |storm: &&Storm| dates.contains(&storm.date) && slot.is_at(storm.site.as_deref());
    input.rules.storms.iter().filter(here).fold(Minutes::default(), |sum, storm| {
        let zone = slot.zone_on(storm.date);
        let at = |time| zone.instant(storm.date, time).minute();
        sum.or(&Minutes::run(at(storm.from), at(storm.to)))
    })
}

/// Takes minutes off the plan; how many it were.
fn take(plan: &mut Minutes, off: &Minutes) -> i64 {
    if off.is_empty() {
        return 0;
    }
    let before = plan.size();
    *plan = plan.less(off);
    before - plan.size()
}

/// A flexible shift's minutes, in the share of its full plan that is left.
fn flexible(minutes: Option<u32>, left: i64, full: i64) -> i64 {
    if full == 0 {
        return 0;
    }
    minutes.map_or(full, i64::from) * left / full
}
