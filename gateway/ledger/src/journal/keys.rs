//! The keys a draft is sealed under: those of its month, with a salt of this start.

use super::cipher::derive;
use crate::Keyring;
use crate::keyring::{Class, KeyringError, randomize};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use ring::aead::LessSafeKey;
use std::ops::Range;

/// Last millisecond of the keyring's calendar: 2100-12-31T23:59:59.999Z.
const LAST_MS: i64 = 4_133_980_799_999;

/// Keys in use, for drafts within one month.
pub(super) struct Keys {
    pub(super) wanted: Range<i64>,
    pub(super) destructions: u64,
    pub(super) month: u32,
    pub(super) salt: [u8; 16],
    pub(super) facts: LessSafeKey,
    pub(super) acts: LessSafeKey,
}

impl Keys {
    /// Whether they serve a draft of `at_ms` as things are now.
    pub(super) fn serve(&self, keyring: &Keyring, at_ms: i64) -> bool {
        self.wanted.contains(&at_ms.clamp(0, LAST_MS))
            && self.destructions == keyring.destructions()
    }

    /// Keys for a moment, with a salt of their own. Where the month's keys were destroyed or are
    /// damaged, the next month's serve. Moments outside the calendar count as its first or last.
    pub(super) fn new(keyring: &Keyring, at_ms: i64) -> Result<Self, KeyringError> {
        let (mut month, wanted) = month_of(at_ms);
        let destructions = keyring.destructions();
        let both = |month| {
            let facts = keyring.month_key(Class::Facts, month)?;
            Ok((facts, keyring.month_key(Class::Acts, month)?))
        };
        let (facts, acts) = loop {
            match both(month) {
                Err(KeyringError::Gone | KeyringError::Damaged) => month = following(month),
                found => break found?,
            }
        };
        let mut salt = [0; 16];
        randomize(&mut salt)?;
        let derive = |secret, class| derive(secret, class, &salt).map_err(KeyringError::Io);
        let (facts, acts) = (derive(&facts, Class::Facts)?, derive(&acts, Class::Acts)?);
        Ok(Self { wanted, destructions, month, salt, facts, acts })
    }
}

/// The month of a moment in UTC, as 202612, and the milliseconds it spans.
pub(crate) fn month_of(at_ms: i64) -> (u32, Range<i64>) {
    let at = Timestamp::from_millisecond(at_ms.clamp(0, LAST_MS)).unwrap_or_default();
    let date = at.to_zoned(TimeZone::UTC).date();
    let first = date.first_of_month();
    let start = |date: jiff::civil::Date| {
        date.to_zoned(TimeZone::UTC).map_or(0, |zoned| zoned.timestamp().as_millisecond())
    };
    let next = first.checked_add(1.month()).unwrap_or(first);
    (date.year() as u32 * 100 + date.month() as u32, start(first)..start(next))
}

fn following(month: u32) -> u32 {
    if month % 100 >= 12 { (month / 100 + 1) * 100 + 1 } else { month + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_utc() {
        for (at_ms, month) in [
            (0, 197001),
            (1_764_547_199_999, 202511),
            (1_764_547_200_000, 202512),
            (1_767_225_599_999, 202512),
            (1_767_225_600_000, 202601),
            (LAST_MS, 210012),
        ] {
            let (found, span) = month_of(at_ms);
            assert_eq!(found, month, "{at_ms}");
            assert!(span.contains(&at_ms), "{at_ms}");
        }
        assert_eq!((following(202611), following(202612)), (202612, 202701));
    }
}
