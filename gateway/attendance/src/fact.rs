//! The attendance fact: one punch, stripped of its evidence and of the person's number.
//!
//! Everything is `Copy` and of fixed size, because a committer handles hundreds of thousands a
//! second. Names of devices and people are elsewhere; here they are numbers.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A device as the journal numbers it: dense, from 1, never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct DeviceId(pub u32);

/// A person as the journal knows them: random, never derived from the terminals' user number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct PersonId(pub u64);

/// How the person showed who they are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Method {
    Fingerprint = 1,
    Face = 2,
    Card = 3,
    Pin = 4,
    Palm = 5,
    Other = 6,
}

/// What the terminal decided.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Outcome {
    Granted = 1,
    Denied = 2,
    Duress = 3,
}

/// Which way the person went, where the terminal says so.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Direction {
    In = 1,
    Out = 2,
}

/// What the terminal says of its own clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum DeviceClock {
    /// Set, and running since.
    Ok = 1,
    /// It lost power or was never set: its times may be wrong.
    Unsure = 2,
}

/// An instant as the terminal gave it, with the offset it gave it in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct DeviceTime {
    /// Seconds since 1970-01-01T00:00:00Z; fractions are dropped.
    pub seconds: i64,
    /// Offset from UTC in minutes, -1440 to 1440.
    pub offset_minutes: i16,
}

/// One punch without its evidence.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attendance {
    /// The terminal.
    pub device: DeviceId,
    /// The terminal's boot number.
    pub boot: u32,
    /// The terminal's sequence number within the boot.
    pub seq: u64,
    /// Who; absent only where the terminal did not know (denied, unknown finger).
    pub person: Option<PersonId>,
    /// When, by the terminal.
    pub at: DeviceTime,
    /// When the box had it, milliseconds since 1970-01-01T00:00:00Z by the box's clock.
    pub received_ms: i64,
    /// How.
    pub method: Method,
    /// Whether the terminal let them through.
    pub outcome: Outcome,
    /// Which way, where the terminal said so.
    pub direction: Option<Direction>,
    /// False for what the terminal had stored and sent later.
    pub live: bool,
    /// Whether the terminal trusted its clock.
    pub clock: DeviceClock,
}

impl Attendance {
    /// Two messages under one `(device, boot, seq)` are the same punch if this agrees.
    pub fn same_punch(&self, other: &Self) -> bool {
        (self.device, self.boot, self.seq, self.person, self.at.seconds)
            == (other.device, other.boot, other.seq, other.person, other.at.seconds)
            && (self.method, self.outcome, self.direction)
                == (other.method, other.outcome, other.direction)
    }
}

/// The stable id of a record: 26 characters of Crockford's base32 over 128 bits.
///
/// The bits are 48 of the time of receipt in milliseconds, 16 of the box's epoch (a number that
/// grows with every restore and rollback) and 64 of the record's number, so ids sort by time, can
/// be traced to their record without an index, and none is used twice even after a rollback.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventId(u128);

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl EventId {
    /// Characters of the text form.
    pub const TEXT_LEN: usize = 26;

    /// Builds the id of record `number` received at `received_ms` in `epoch`.
    pub fn new(received_ms: i64, epoch: u16, number: u64) -> Self {
        let ms = (received_ms.max(0) as u128) & 0xFFFF_FFFF_FFFF;
        Self(ms << 80 | (epoch as u128) << 64 | number as u128)
    }

    /// The text form, all ASCII.
    pub fn text(self) -> [u8; Self::TEXT_LEN] {
        let mut text = [0u8; Self::TEXT_LEN];
        for (i, c) in text.iter_mut().enumerate() {
            let shift = 5 * (Self::TEXT_LEN - 1 - i);
            *c = CROCKFORD[(self.0 >> shift) as usize & 31];
        }
        text
    }

    /// The record's number in the journal.
    pub fn number(self) -> u64 {
        self.0 as u64
    }

    /// The box's epoch when the record was made.
    pub fn epoch(self) -> u16 {
        (self.0 >> 64) as u16
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

/// The text is not a record's id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a record id: expected 26 characters of 0-9 and A-Z without I, L, O and U")]
pub struct EventIdError;

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, EventIdError> {
        if text.len() != Self::TEXT_LEN || text.as_bytes()[0] > b'7' {
            return Err(EventIdError);
        }
        text.bytes().try_fold(Self(0), |id, c| {
            let digit = CROCKFORD.iter().position(|&d| d == c.to_ascii_uppercase());
            Ok(Self(id.0 << 5 | digit.ok_or(EventIdError)? as u128))
        })
    }
}

impl TryFrom<String> for EventId {
    type Error = EventIdError;

    fn try_from(text: String) -> Result<Self, EventIdError> {
        text.parse()
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn event_id_round_trips(ms in 0i64..(1 << 48), epoch: u16, number: u64) {
            let id = EventId::new(ms, epoch, number);
            prop_assert_eq!(id.to_string().len(), EventId::TEXT_LEN);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!((id.number(), id.epoch()), (number, epoch));
        }

        #[test]
        fn event_ids_sort_by_time(a in 0i64..(1 << 48), b in 0i64..(1 << 48)) {
            let (x, y) = (EventId::new(a, 0, 9), EventId::new(b, 0, 9));
            prop_assert_eq!(a.cmp(&b), x.to_string().cmp(&y.to_string()));
        }
    }

    #[test]
    fn bad_ids_are_refused() {
        for text in ["", "0", "01J0000000000000000000000U", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ"] {
            assert_eq!(text.parse::<EventId>(), Err(EventIdError), "{text}");
        }
    }
}
