//! One attendance fact as the journal keeps it: 64 bytes.
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
use muster_attendance::{
    Attendance, DeviceClock, DeviceId, DeviceTime, Direction, Method, Outcome, PersonId,
};

/// Bytes of a fact.
pub(super) const FACT_LEN: usize = 64;
const LIVE: u8 = 1;
const CLOCK_UNSURE: u8 = 2;
const QUARANTINED: u8 = 4;

/// A punch with the decision that was in force when it was stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fact {
    /// The punch.
    pub(crate) attendance: Attendance,
    /// Number of its decision (`Act::Decided`); 0 is none.
    pub(crate) decision: u32,
    /// Stored apart: shown, never sent.
    pub(crate) quarantined: bool,
}

impl Fact {
    /// The bytes on disk, before encryption.
    pub(super) fn encode(&self) -> [u8; FACT_LEN] {
        let a = &self.attendance;
        let mut bytes = [0; FACT_LEN];
        bytes[0..4].copy_from_slice(&a.device.0.to_le_bytes());
        bytes[4..8].copy_from_slice(&a.boot.to_le_bytes());
        bytes[8..16].copy_from_slice(&a.seq.to_le_bytes());
        bytes[16..24].copy_from_slice(&a.person.map_or(0, |p| p.0).to_le_bytes());
        bytes[24..32].copy_from_slice(&a.at.seconds.to_le_bytes());
        bytes[32..40].copy_from_slice(&a.received_ms.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.decision.to_le_bytes());
        bytes[44..46].copy_from_slice(&a.at.offset_minutes.to_le_bytes());
        bytes[46] = a.method as u8;
        bytes[47] = a.outcome as u8;
        bytes[48] = a.direction.map_or(0, |d| d as u8);
        bytes[49] = self.flags();
        bytes
    }

    /// Reads one; `None` where a field has no meaning.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; FACT_LEN] = bytes.try_into().ok()?;
        let flags = bytes[49];
        let clock = flags & CLOCK_UNSURE != 0;
        let attendance = Attendance {
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
        };
        let decision = get_u32(bytes, 40);
        Some(Self { attendance, decision, quarantined: flags & QUARANTINED != 0 })
    }

    fn flags(&self) -> u8 {
        let clock = match self.attendance.clock {
            DeviceClock::Ok => 0,
            DeviceClock::Unsure => CLOCK_UNSURE,
        };
        (self.attendance.live as u8 * LIVE) | clock | (self.quarantined as u8 * QUARANTINED)
    }
}

fn method(byte: u8) -> Option<Method> {
    use Method::*;
    [Fingerprint, Face, Card, Pin, Palm, Other].into_iter().find(|&m| m as u8 == byte)
}

fn outcome(byte: u8) -> Option<Outcome> {
    use Outcome::*;
    [Granted, Denied, Duress].into_iter().find(|&o| o as u8 == byte)
}

fn direction(byte: u8) -> Option<Option<Direction>> {
    [None, Some(Direction::In), Some(Direction::Out)]
        .into_iter()
        .find(|d| d.map_or(0, |d| d as u8) == byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tests::any_fact;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn facts_round_trip(fact in any_fact()) {
            prop_assert_eq!(Fact::decode(&fact.encode()), Some(fact));
        }

        #[test]
        fn any_bytes_decode_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Fact::decode(&bytes);
        }
    }
}
