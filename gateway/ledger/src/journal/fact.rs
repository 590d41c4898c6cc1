//! One record as the journal keeps it: 64 bytes. A punch; `summary` has what is made from sheets.
//!
//! | at | bytes | |
//! | --- | --- | --- |
//! | 0 | 4 | device |
//! | 4 | 4 | boot |
//! | 8 | 8 | sequence number |
//! | 16 | 8 | person, 0 for none |
//! | 24 | 8 | terminal's time, seconds since 1970, signed |
//! | 32 | 8 | received, ms since 1970, signed |
//! | 40 | 4 | decision |
//! | 44 | 2 | terminal's offset from UTC in minutes, signed |
//! | 46 | 1 | method |
//! | 47 | 1 | outcome |
//! | 48 | 1 | direction, 0 for none |
//! | 49 | 1 | flags: 1 live, 2 the terminal's clock is unsure, 4 quarantined |
//! | 50 | 14 | zero |

use super::format::{get_u16, get_u32, get_u64};
use super::summary;
use crate::punch_time::effective_seconds;
use muster_attendance::{
    Attendance, DeviceClock, DeviceId, DeviceTime, Direction, Method, Outcome, PersonId, Summary,
};

/// Bytes of a fact.
pub(super) const FACT_LEN: usize = 64;
const LIVE: u8 = 1;
const CLOCK_UNSURE: u8 = 2;
const QUARANTINED: u8 = 4;

/// A record with the decision that was in force when it was stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fact {
    /// What it says.
    pub(crate) content: Content,
    /// Number of its decision (`Act::Decided`); 0 is none.
    pub(crate) decision: u32,
    /// Stored apart: shown, never sent.
    pub(crate) quarantined: bool,
}

/// What a record says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Content {
    /// What a terminal sent.
    Punch(Attendance),
    /// What the box made from sheets.
    Summary(Summary),
}

impl Content {
    /// The punch, if it is one.
    pub(crate) fn punch(&self) -> Option<&Attendance> {
        match self {
            Self::Punch(punch) => Some(punch),
            Self::Summary(_) => None,
        }
    }

    /// Whose it is, as stored.
    pub(crate) fn person(&self) -> Option<PersonId> {
        match self {
            Self::Punch(punch) => punch.person,
            Self::Summary(summary) => summary.person(),
        }
    }

    /// When the box had it or made it, milliseconds since 1970.
    pub(crate) fn received_ms(&self) -> i64 {
        match self {
            Self::Punch(punch) => punch.received_ms,
            Self::Summary(summary) => summary.made_ms,
        }
    }

    /// When it counts as made, seconds since 1970: what a punch's time is; of a summary, when the
    /// box made it.
    pub(crate) fn effective_seconds(&self) -> i64 {
        match self {
            Self::Punch(punch) => effective_seconds(punch),
            Self::Summary(summary) => summary.made_ms.div_euclid(1000),
        }
    }
}

impl Fact {
    /// A stored punch.
    pub(crate) fn punch(attendance: Attendance, decision: u32, quarantined: bool) -> Self {
        Self { content: Content::Punch(attendance), decision, quarantined }
    }

    /// The bytes on disk, before encryption.
    pub(super) fn encode(&self) -> [u8; FACT_LEN] {
        let mut bytes = [0; FACT_LEN];
        match &self.content {
            Content::Punch(punch) => encode_punch(punch, &mut bytes),
            Content::Summary(made) => summary::encode(made, &mut bytes),
        }
        bytes[40..44].copy_from_slice(&self.decision.to_le_bytes());
        bytes[49] |= self.quarantined as u8 * QUARANTINED;
        bytes
    }

    /// Reads one; `None` where a field has no meaning.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; FACT_LEN] = bytes.try_into().ok()?;
        let content = match summary::decode(bytes) {
            Some(made) => Content::Summary(made),
            None => Content::Punch(decode_punch(bytes)?),
        };
        let quarantined = bytes[49] & QUARANTINED != 0;
        Some(Self { content, decision: get_u32(bytes, 40), quarantined })
    }
}

fn encode_punch(punch: &Attendance, bytes: &mut [u8; FACT_LEN]) {
    bytes[0..4].copy_from_slice(&punch.device.0.to_le_bytes());
    bytes[4..8].copy_from_slice(&punch.boot.to_le_bytes());
    bytes[8..16].copy_from_slice(&punch.seq.to_le_bytes());
    bytes[16..24].copy_from_slice(&punch.person.map_or(0, |p| p.0).to_le_bytes());
    bytes[24..32].copy_from_slice(&punch.at.seconds.to_le_bytes());
    bytes[32..40].copy_from_slice(&punch.received_ms.to_le_bytes());
    bytes[44..46].copy_from_slice(&punch.at.offset_minutes.to_le_bytes());
    bytes[46] = punch.method as u8;
    bytes[47] = punch.outcome as u8;
    bytes[48] = punch.direction.map_or(0, |d| d as u8);
    let clock = match punch.clock {
        DeviceClock::Ok => 0,
        DeviceClock::Unsure => CLOCK_UNSURE,
    };
    bytes[49] = (punch.live as u8 * LIVE) | clock;
}

fn decode_punch(bytes: &[u8; FACT_LEN]) -> Option<Attendance> {
    let flags = bytes[49];
    let clock = flags & CLOCK_UNSURE != 0;
    Some(Attendance {
        device: DeviceId(get_u32(bytes, 0)),
        boot: get_u32(bytes, 4),
        seq: get_u64(bytes, 8),
        person: Some(get_u64(bytes, 16)).filter(|&p| p != 0).map(PersonId),
        at: DeviceTime {
            seconds: get_u64(bytes, 24) as i64,
            offset_minutes: get_u16(bytes, 44) as i16,
        },
        received_ms: get_u64(bytes, 32) as i64,
        method: method(bytes[46])?,
        outcome: outcome(bytes[47])?,
        direction: direction(bytes[48])?,
        live: flags & LIVE != 0,
        clock: if clock { DeviceClock::Unsure } else { DeviceClock::Ok },
    })
}

pub(super) fn method(byte: u8) -> Option<Method> {
    use Method::*;
    [Fingerprint, Face, Card, Pin, Palm, Other].into_iter().find(|&m| m as u8 == byte)
}

fn outcome(byte: u8) -> Option<Outcome> {
    use Outcome::*;
    [Granted, Denied, Duress].into_iter().find(|&o| o as u8 == byte)
}

pub(super) fn direction(byte: u8) -> Option<Option<Direction>> {
    [None, Some(Direction::In), Some(Direction::Out)]
        .into_iter()
        .find(|d| d.map_or(0, |d| d as u8) == byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tests::{any_fact, any_summary};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn facts_round_trip(fact in any_fact()) {
            prop_assert_eq!(Fact::decode(&fact.encode()), Some(fact));
        }

        #[test]
        fn records_made_from_sheets_round_trip(fact in any_summary()) {
            prop_assert_eq!(Fact::decode(&fact.encode()), Some(fact));
        }

        #[test]
        fn any_bytes_decode_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Fact::decode(&bytes);
        }
    }
}
