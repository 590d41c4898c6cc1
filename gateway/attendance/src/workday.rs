//! Which date a punch belongs to.
//!
//! The calendar is the wanted range and as many dates around it as can compete for one of its
//! punches: a punch belongs to a date by that date's window, so only dates whose windows can reach
//! the same second matter, and how far windows reach follows from the shifts there are.

use crate::fact::Direction;
use crate::input::{Input, Rules};
use crate::punch::Reading;
use crate::roster::Slot;
use crate::shift::{MAX_WINDOW_MINUTES, Shift};
use crate::time::{DAY_SECONDS, Instant, LocalTime, date_of, day_number, next};

/// The furthest a clock may be from UTC, in seconds, with room.
const ZONE_SECONDS: i64 = 26 * 3600;

/// The dates of a range, with those around it.
pub(crate) struct Calendar<'a> {
    slots: Vec<Slot<'a>>,
    /// Day number of the first slot.
    origin: i64,
    /// Index of the range's first date.
    first: usize,
    /// Dates in the range.
    len: usize,
    reach: Reach,
    day_cut: LocalTime,
}

/// How far from midnight UTC of its date anything of a date can lie, in seconds.
#[derive(Clone, Copy)]
struct Reach {
    low: i64,
    high: i64,
}

impl<'a> Calendar<'a> {
    pub(crate) fn new(input: &'a Input) -> Self {
        let reach = Reach::of(&input.rules);
        let (first, last) = (day_number(input.range.first()), day_number(input.range.last()));
        let around = (reach.high - reach.low) / DAY_SECONDS + 1;
        let origin = first - around;
        let days = usize::try_from(last + around - origin + 1).unwrap_or(0);
        let dates = std::iter::successors(Some(date_of(origin)), |date| Some(next(*date)));
        Self {
            slots: dates.take(days).map(|date| Slot::new(input, date)).collect(),
            origin,
            first: usize::try_from(around).unwrap_or(0),
            len: usize::try_from(last - first + 1).unwrap_or(0),
            reach,
            day_cut: input.rules.day_cut,
        }
    }

    /// The dates of the range, in order, each with when it is over for its punches.
    pub(crate) fn days(&self) -> impl Iterator<Item = (&Slot<'a>, Instant)> {
        let slots = self.slots.iter().skip(self.first).take(self.len);
        slots.zip(self.slots.iter().skip(self.first + 1)).map(|(slot, following)| {
            let end = match slot.turn() {
                Some(turn) => turn.closes(),
                None => following.cut(self.day_cut),
            };
            (slot, end)
        })
    }

    /// The range's punches, date by date, each by (t, id); those of other dates are left out.
    pub(crate) fn sort(&self, readings: Vec<Reading<'a>>) -> Vec<Vec<Reading<'a>>> {
        let mut days: Vec<_> = std::iter::repeat_with(Vec::new).take(self.len).collect();
        for mut reading in readings {
            let Some((index, by_window)) = self.day_of(&reading) else {
                continue;
            };
            let Some(day) = index.checked_sub(self.first).and_then(|day| days.get_mut(day)) else {
                continue;
            };
            if reading.why.is_none() {
                reading.why = self.slots.get(index).and_then(|slot| slot.refuses(by_window));
            }
            day.push(reading);
        }
        for day in &mut days {
            day.sort_unstable_by_key(|reading| (reading.at, reading.id));
        }
        days
    }

    /// Index of the punch's date, and whether it lies there by right: window or correction.
    fn day_of(&self, reading: &Reading<'a>) -> Option<(usize, bool)> {
        if let Some(date) = reading.date {
            let index = usize::try_from(day_number(date) - self.origin).ok();
            return index.map(|index| (index, true));
        }
        let nearby = self.nearby(reading.at);
        match self.by_window(reading, nearby.clone()) {
            Some(index) => Some((index, true)),
            None => self.by_cut(reading.at, nearby).map(|index| (index, false)),
        }
    }

    /// Indices of the dates that could have anything to do with that second.
    fn nearby(&self, at: Instant) -> std::ops::Range<usize> {
        let index = |day: i64| usize::try_from(day - self.origin).unwrap_or(0);
        let seconds = at.seconds();
        let first = seconds.saturating_sub(self.reach.high).div_euclid(DAY_SECONDS) + 1;
        let last = seconds.saturating_sub(self.reach.low).div_euclid(DAY_SECONDS);
        index(first).min(self.slots.len())..index(last + 1).min(self.slots.len())
    }

    fn by_window(&self, reading: &Reading<'a>, nearby: std::ops::Range<usize>) -> Option<usize> {
        let slots = self.slots.iter().enumerate().take(nearby.end).skip(nearby.start);
        let turns = slots.filter_map(|(index, slot)| Some((index, slot.turn()?)));
        let mut open: Vec<_> = turns.filter(|(_, turn)| turn.takes(reading.at)).collect();
        open.sort_by_key(|(index, turn)| (turn.start, *index));
        let chosen = match reading.direction {
            Some(Direction::Out) => open.first(),
            Some(Direction::In) => open.last(),
            None => {
                let mut pairs = open.iter().zip(open.iter().skip(1));
                let before_cut = pairs.find(|((_, turn), (_, following))| {
                    let (end, start) = (turn.end.seconds(), following.start.seconds());
                    end.saturating_add(start).div_euclid(2) >= reading.at.seconds()
                });
                before_cut.map(|(chosen, _)| chosen).or(open.last())
            }
        };
        chosen.map(|(index, _)| *index)
    }

    fn by_cut(&self, at: Instant, nearby: std::ops::Range<usize>) -> Option<usize> {
        let mut slots = self.slots.iter().enumerate().take(nearby.end).skip(nearby.start).rev();
        slots.find(|(_, slot)| slot.cut(self.day_cut) <= at).map(|(index, _)| index)
    }
}

impl Reach {
    fn of(rules: &Rules) -> Self {
        let cut = i64::from(rules.day_cut.minutes());
        let windows = rules.shifts.values().map(window);
        let (low, high) = windows
            .fold((cut, cut + 24 * 60), |(low, high), (from, to)| (low.min(from), high.max(to)));
        Self { low: low * 60 - ZONE_SECONDS, high: high * 60 + ZONE_SECONDS }
    }
}

/// A shift's window in minutes from its date's midnight.
fn window(shift: &Shift) -> (i64, i64) {
    let base = if shift.draft.eve { -24 * 60 } else { 0 };
    let margin = |minutes: u32| i64::from(minutes.min(MAX_WINDOW_MINUTES));
    let from = base + i64::from(shift.first.minutes()) - margin(shift.parameters.before);
    let to = base + i64::from(shift.last.minutes()) + margin(shift.parameters.after);
    (from, to)
}
