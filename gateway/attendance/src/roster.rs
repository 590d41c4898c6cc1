//! What a date asks of a person: which shift, where, in which zone (the plan's first three rules).

use crate::code::Code;
use crate::input::{Input, RosterEntry};
use crate::shift::{MAX_WINDOW_MINUTES, Shift};
use crate::time::{EPOCH, Instant, LocalTime, Site, UTC, Zone, day_number, previous};
use jiff::civil::Date;

/// A date of one person's.
pub(crate) struct Slot<'a> {
    pub(crate) date: Date,
    /// Where it is worked, for what is said of one site.
    pub(crate) site: Option<&'a str>,
    /// That site, if it is known; UTC if not.
    pub(crate) place: Option<&'a Site>,
    /// The zone of all its times.
    pub(crate) zone: &'a Zone,
    pub(crate) duty: Duty<'a>,
}

/// What the date asks.
pub(crate) enum Duty<'a> {
    NotEmployed,
    NoRoster,
    ShiftBad,
    Off,
    Shift(Turn<'a>),
}

/// A shift on its date.
pub(crate) struct Turn<'a> {
    pub(crate) name: &'a str,
    pub(crate) shift: &'a Shift,
    /// The date its times count from.
    pub(crate) base: Date,
    /// Start of the first part.
    pub(crate) start: Instant,
    /// End of the last part.
    pub(crate) end: Instant,
}

impl<'a> Slot<'a> {
    pub(crate) fn new(input: &'a Input, date: Date) -> Self {
        if !is_employed(input, date) {
            return Self::at(input, date, input.site.as_deref(), |_| Duty::NotEmployed);
        }
        if input.roster.is_empty() {
            let named = default_shift(input, date);
            return Self::at(input, date, input.site.as_deref(), |zone| match named {
                None => Duty::NoRoster,
                Some(name) => Duty::named(input, date, name, zone),
            });
        }
        let Some(entry) = input.roster.iter().rev().find(|entry| entry.fits(date)) else {
            return Self::at(input, date, input.site.as_deref(), |_| Duty::NoRoster);
        };
        let site = entry.site.as_deref().or(input.site.as_deref());
        Self::at(input, date, site, |zone| match entry.on(date) {
            None => Duty::NoRoster,
            Some(name) => Duty::named(input, date, name.as_deref(), zone),
        })
    }

    fn at(
        input: &'a Input,
        date: Date,
        site: Option<&'a str>,
        duty: impl FnOnce(&'a Zone) -> Duty<'a>,
    ) -> Self {
        let place = site.and_then(|name| input.rules.sites.get(name));
        let zone = place.map_or(&UTC, |site| site.zone(date));
        Self { date, site, place, zone, duty: duty(zone) }
    }

    pub(crate) fn turn(&self) -> Option<&Turn<'a>> {
        match &self.duty {
            Duty::Shift(turn) => Some(turn),
            _ => None,
        }
    }

    pub(crate) fn is_not_employed(&self) -> bool {
        matches!(self.duty, Duty::NotEmployed)
    }

    /// Why a punch of this date does not count, if it would otherwise; `by_right` where a window
    /// or a correction brought it here.
    pub(crate) fn refuses(&self, by_right: bool) -> Option<Code> {
        match self.duty {
            Duty::NotEmployed => Some(Code::NotEmployed),
            Duty::Shift(_) if !by_right => Some(Code::OutsideWindow),
            _ => None,
        }
    }

    /// When the date begins for punches that lie in no window.
    pub(crate) fn cut(&self, day_cut: LocalTime) -> Instant {
        self.zone.instant(self.date, day_cut)
    }

    /// The zone in which another date's times count at this date's site.
    pub(crate) fn zone_on(&self, date: Date) -> &'a Zone {
        self.place.map_or(&UTC, |site| site.zone(date))
    }

    /// Whether something said of `site` (of everywhere, if absent) holds here.
    pub(crate) fn is_at(&self, site: Option<&str>) -> bool {
        site.is_none() || site == self.site
    }
}

impl<'a> Duty<'a> {
    fn named(input: &'a Input, date: Date, name: Option<&'a str>, zone: &Zone) -> Self {
        let Some(name) = name else {
            return Self::Off;
        };
        let Some(shift) = input.rules.shifts.get(name) else {
            return Self::ShiftBad;
        };
        let base = if shift.draft.eve { previous(date) } else { date };
        let start = zone.instant(base, shift.first);
        let end = zone.instant(base, shift.last);
        Self::Shift(Turn { name, shift, base, start, end })
    }
}

impl Turn<'_> {
    /// When its window opens: the first second a punch can belong to it.
    pub(crate) fn opens(&self) -> Instant {
        self.start.plus_minutes(-i64::from(self.shift.parameters.before.min(MAX_WINDOW_MINUTES)))
    }

    /// When its window closes: the first second a punch can no longer belong to it.
    pub(crate) fn closes(&self) -> Instant {
        self.end.plus_minutes(i64::from(self.shift.parameters.after.min(MAX_WINDOW_MINUTES)))
    }

    pub(crate) fn takes(&self, at: Instant) -> bool {
        self.opens() <= at && at < self.closes()
    }
}

impl RosterEntry {
    fn fits(&self, date: Date) -> bool {
        self.from.is_none_or(|from| from <= date) && self.to.is_none_or(|to| date <= to)
    }

    fn on(&self, date: Date) -> Option<&Option<String>> {
        let length = i64::try_from(self.cycle.len()).ok().filter(|length| *length > 0)?;
        let days = day_number(date) - day_number(self.from.unwrap_or(EPOCH));
        self.cycle.get(usize::try_from(days.rem_euclid(length)).ok()?)
    }
}

fn is_employed(input: &Input, date: Date) -> bool {
    let employed = input.employed;
    employed.from.is_none_or(|from| from <= date) && employed.to.is_none_or(|to| date <= to)
}

/// The default shift's name, or none on a day off; nothing at all if there is no default.
fn default_shift(input: &Input, date: Date) -> Option<Option<&str>> {
    let name = input.rules.default_shift.as_deref()?;
    Some(input.rules.workdays.contains(date.weekday()).then_some(name))
}
