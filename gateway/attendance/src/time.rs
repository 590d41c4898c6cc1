//! Instants, local times and zones.
//!
//! Order and windows compare whole seconds, measures count whole minutes; both are plain integers
//! here so that nothing rounds twice. Civil dates and the tz database are jiff's, from the copy
//! compiled in: a sheet must not change because a machine's own zone files do. Years outside
//! jiff's range (-9999 to 9999) saturate instead of failing.

use jiff::civil::{Date, DateTime, time};
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// Seconds in a day of 24 hours.
pub(crate) const DAY_SECONDS: i64 = 86_400;

/// 1970-01-01.
pub const EPOCH: Date = Date::constant(1970, 1, 1);

/// A second since 1970-01-01T00:00:00Z; as text an RFC 3339 time whose fraction is dropped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Instant(i64);

impl Instant {
    /// From seconds since 1970-01-01T00:00:00Z.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// From milliseconds since 1970-01-01T00:00:00Z, as the journal keeps receipts.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.div_euclid(1000))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// The minute it lies in: 09:05:59 is 09:05.
    pub const fn minute(self) -> i64 {
        self.0.div_euclid(60)
    }

    /// Later by so many minutes (earlier where negative).
    pub const fn plus_minutes(self, minutes: i64) -> Self {
        Self(self.0.saturating_add(minutes.saturating_mul(60)))
    }

    fn timestamp(self) -> Timestamp {
        let (low, high) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        Timestamp::from_second(self.0.clamp(low, high)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// The text is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an instant: write it like 2026-03-02T08:55:12+08:00")]
pub struct InstantError(String);

impl FromStr for Instant {
    type Err = InstantError;

    fn from_str(text: &str) -> Result<Self, InstantError> {
        let timestamp: Timestamp = text.parse().map_err(|_| InstantError(text.to_owned()))?;
        Ok(Self(timestamp.as_nanosecond().div_euclid(1_000_000_000) as i64))
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

/// An instant with the offset it is written in: `2026-03-02T08:55:12+08:00`, UTC as `+00:00`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Stamp {
    /// When.
    pub at: Instant,
    /// Seconds east of UTC; written in whole minutes.
    pub offset_seconds: i32,
}

impl Stamp {
    /// What a clock with that offset shows, without the day.
    pub fn clock(&self) -> LocalTime {
        let local = self.at.seconds().saturating_add(i64::from(self.offset_seconds));
        let minutes = local.rem_euclid(DAY_SECONDS) / 60;
        LocalTime(u16::try_from(minutes).unwrap_or_default())
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = Offset::from_seconds(self.offset_seconds).unwrap_or(Offset::UTC);
        let minutes = self.offset_seconds.unsigned_abs() / 60;
        let sign = if self.offset_seconds < 0 { '-' } else { '+' };
        let local = offset.to_datetime(self.at.timestamp());
        write!(f, "{local}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// A local time `HH:MM`, 00:00 to 48:00, counted in calendar days: 30:00 is 06:00 the next day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LocalTime(u16);

impl LocalTime {
    /// 00:00.
    pub const MIDNIGHT: Self = Self(0);
    /// 24:00, the midnight that ends the day.
    pub const DAY_END: Self = Self(24 * 60);
    /// 48:00, the last there is.
    pub const MAX: Self = Self(48 * 60);

    /// From minutes after 00:00, 0 to 2880; `None` beyond.
    pub fn from_minutes(minutes: u16) -> Option<Self> {
        (minutes <= Self::MAX.0).then_some(Self(minutes))
    }

    /// Minutes after 00:00.
    pub fn minutes(self) -> u16 {
        self.0
    }
}

/// The text is not a local time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a local time: write HH:MM from 00:00 to 48:00, 30:00 for 06:00 the next day")]
pub struct LocalTimeError(String);

impl FromStr for LocalTime {
    type Err = LocalTimeError;

    fn from_str(text: &str) -> Result<Self, LocalTimeError> {
        let digit = |c: u8| c.is_ascii_digit().then(|| u16::from(c - b'0'));
        let minutes = match *text.as_bytes() {
            [a, b, b':', c, d] => (|| {
                let (hours, minutes) = (digit(a)? * 10 + digit(b)?, digit(c)? * 10 + digit(d)?);
                (minutes < 60).then_some(hours * 60 + minutes)
            })(),
            _ => None,
        };
        minutes.and_then(Self::from_minutes).ok_or_else(|| LocalTimeError(text.to_owned()))
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl<'de> Deserialize<'de> for LocalTime {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for LocalTime {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// A zone of the tz database.
#[derive(Clone, PartialEq, Debug)]
pub struct Zone(TimeZone);

/// The zone of places nothing is known of.
pub(crate) static UTC: Zone = Zone::UTC;

/// No such zone in the tz database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a zone of the tz database: write a name like Asia/Hong_Kong")]
pub struct ZoneError(String);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The zone of that name, such as `Asia/Macau`.
    ///
    /// # Errors
    /// The compiled-in tz database has no such name.
    pub fn named(name: &str) -> Result<Self, ZoneError> {
        static DATABASE: OnceLock<TimeZoneDatabase> = OnceLock::new();
        let database = DATABASE.get_or_init(TimeZoneDatabase::bundled);
        database.get(name).map(Self).map_err(|_| ZoneError(name.to_owned()))
    }

    /// The instant of a local time counted from `date`: in a gap of the clock later by the gap,
    /// where the clock shows it twice the first.
    pub fn instant(&self, date: Date, time: LocalTime) -> Instant {
        let date = (0..time.0 / (24 * 60)).fold(date, |date, _| next(date));
        let local = DateTime::from_parts(date, time_of_day(time.0 % (24 * 60)));
        let found = self.0.to_ambiguous_timestamp(local).compatible();
        Instant(found.map_or_else(|_| saturated(date), |at| at.as_second()))
    }

    /// Seconds east of UTC at an instant.
    pub fn offset_seconds(&self, at: Instant) -> i32 {
        self.0.to_offset(at.timestamp()).seconds()
    }

    /// The instant as this zone writes it.
    pub fn stamp(&self, at: Instant) -> Stamp {
        Stamp { at, offset_seconds: self.offset_seconds(at) }
    }
}

fn time_of_day(minutes: u16) -> jiff::civil::Time {
    time((minutes / 60) as i8, (minutes % 60) as i8, 0, 0)
}

fn saturated(date: Date) -> i64 {
    if date > EPOCH { Timestamp::MAX.as_second() } else { Timestamp::MIN.as_second() }
}

/// Where people work, as far as time goes: its zone, which may change on a date.
#[derive(Clone, PartialEq, Debug)]
pub struct Site {
    zones: Vec<(Date, Zone)>,
}

impl Site {
    /// A site that has always been in one zone.
    pub fn fixed(zone: Zone) -> Self {
        Self { zones: vec![(Date::MIN, zone)] }
    }

    /// A site whose zone changes; of equal dates the last listed counts, none at all is UTC.
    pub fn changing(zones: Vec<(Date, Zone)>) -> Self {
        Self { zones }
    }

    /// The zone on a date: the latest that began by then, else the earliest.
    pub fn zone(&self, date: Date) -> &Zone {
        let begun = self.zones.iter().filter(|(from, _)| *from <= date);
        let latest = begun.max_by_key(|(from, _)| *from);
        let earliest = || self.zones.iter().rev().min_by_key(|(from, _)| *from);
        latest.or_else(earliest).map_or(&UTC, |(_, zone)| zone)
    }
}

/// Days since 1970-01-01.
pub(crate) fn day_number(date: Date) -> i64 {
    date.duration_since(EPOCH).as_secs() / DAY_SECONDS
}

/// The date of a day number; saturates.
pub(crate) fn date_of(day: i64) -> Date {
    let bound = if day < 0 { Date::MIN } else { Date::MAX };
    if day.unsigned_abs() > 7_000_000 {
        return bound;
    }
    EPOCH.checked_add(day.days()).unwrap_or(bound)
}

/// The day after; the last there is stays itself.
pub(crate) fn next(date: Date) -> Date {
    date.tomorrow().unwrap_or(date)
}

/// The day before; the first there is stays itself.
pub(crate) fn previous(date: Date) -> Date {
    date.yesterday().unwrap_or(date)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn instants_drop_fractions_downwards() {
        let check = |text: &str, seconds: i64| {
            assert_eq!(text.parse(), Ok(Instant(seconds)), "{text}");
        };
        check("1970-01-01T00:00:00Z", 0);
        check("1970-01-01T08:00:59.999+08:00", 59);
        check("1969-12-31T23:59:59.5Z", -1);
        check("1970-01-01T00:00:00.123456789-01:00", 3600);
        assert_eq!(Instant(-1).minute(), -1);
        for bad in ["", "2026-03-02", "2026-03-02T08:55:12", "2026-13-02T08:55:12Z", "9"] {
            assert!(bad.parse::<Instant>().is_err(), "{bad}");
        }
    }

    #[test]
    fn local_times() {
        let check = |text: &str, minutes: Option<u16>| {
            assert_eq!(text.parse().ok().map(LocalTime::minutes), minutes, "{text}");
        };
        check("00:00", Some(0));
        check("30:00", Some(1800));
        check("48:00", Some(2880));
        for bad in ["48:01", "9:00", "09:60", "+9:00", "09:00:00", "", "０9:00", "-1:00"] {
            check(bad, None);
        }
    }

    #[test]
    fn gaps_and_overlaps_of_lisbon() {
        let lisbon = Zone::named("Europe/Lisbon").unwrap();
        let check = |day: Date, time: &str, expect: &str| {
            let at = lisbon.instant(day, time.parse().unwrap());
            assert_eq!(lisbon.stamp(at).to_string(), expect);
        };
        check(date(2026, 3, 29), "01:30", "2026-03-29T02:30:00+01:00");
        check(date(2026, 3, 28), "25:30", "2026-03-29T02:30:00+01:00");
        check(date(2026, 10, 25), "01:30", "2026-10-25T01:30:00+01:00");
        check(date(2026, 10, 25), "02:00", "2026-10-25T02:00:00+00:00");
        check(date(2026, 10, 24), "48:00", "2026-10-26T00:00:00+00:00");
    }

    #[test]
    fn stamps_write_their_offset() {
        let check = |zone: &str, expect: &str| {
            assert_eq!(Zone::named(zone).unwrap().stamp(Instant(0)).to_string(), expect);
        };
        check("UTC", "1970-01-01T00:00:00+00:00");
        check("Asia/Kathmandu", "1970-01-01T05:30:00+05:30");
        check("America/St_Johns", "1969-12-31T20:30:00-03:30");
    }

    #[test]
    fn a_site_changes_its_zone() {
        let zone = |name| Zone::named(name).unwrap();
        let site = Site::changing(vec![
            (date(2026, 3, 5), zone("Asia/Tokyo")),
            (date(2026, 3, 1), zone("Asia/Macau")),
            (date(2026, 3, 1), zone("Asia/Singapore")),
        ]);
        let check = |day, name| assert_eq!(site.zone(day), &zone(name), "{day}");
        check(date(2020, 1, 1), "Asia/Singapore");
        check(date(2026, 3, 4), "Asia/Singapore");
        check(date(2026, 3, 5), "Asia/Tokyo");
        assert_eq!(Site::changing(Vec::new()).zone(EPOCH), &Zone::UTC);
    }

    #[test]
    fn day_numbers_round_trip() {
        for day in [-800_000, -1, 0, 1, 20_514, 2_900_000] {
            assert_eq!(day_number(date_of(day)), day);
        }
        assert_eq!((date_of(i64::MIN), date_of(i64::MAX)), (Date::MIN, Date::MAX));
    }
}
