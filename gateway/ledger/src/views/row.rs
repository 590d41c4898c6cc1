//! Rows: one per person and day of the site's zone, in chunks that stay small.
//!
//! The key is `day ‖ kind ‖ person ‖ chunk`, big-endian, so that a day is one range. Chunk 0 is the
//! open one; when it is full its content moves to the next number and it starts again. A value
//! carries a checksum over key and content, because a store that lies must not be believed.
//! Names never come here; where a record stands is looked up when it is read.

use muster_attendance::{
    Attendance, DeviceClock, DeviceId, DeviceTime, Direction, EventId, Method, Outcome, PersonId,
};
use serde::{Deserialize, Serialize};

/// Bytes of a value at most: larger ones would leave the store's pages for files that are never
/// synced.
pub(super) const MAX_VALUE: usize = 3_500;

/// Bytes of a record at most.
pub(super) const MAX_PACKED: usize = 96;
/// Bytes of the checksum at the head of a value.
const CHECKSUM: usize = 4;
/// Bytes before the first record: the checksum, how many full chunks there are, and the number of the
/// last record, so that whoever adds one need not read those before it.
const HEAD: usize = CHECKSUM + 4 + 8;

/// Whose row of which day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Key {
    /// Days since 1970-01-01.
    pub(super) day: i32,
    /// `None` collects punches of nobody.
    pub(super) person: Option<PersonId>,
}

/// Bytes of a key without its chunk.
pub(super) const PREFIX: usize = 13;
/// Bytes of a whole key.
pub(super) const KEY: usize = PREFIX + 4;

impl Key {
    /// What every key of `day` begins with.
    pub(super) fn day_prefix(day: i32) -> [u8; 4] {
        ((day as u32) ^ 0x8000_0000).to_be_bytes()
    }

    /// Behind every key of `day`, before those of the next.
    pub(super) fn day_end(day: i32) -> [u8; 5] {
        let [a, b, c, d] = Self::day_prefix(day);
        [a, b, c, d, 0xFF]
    }

    /// What every chunk of the row begins with.
    pub(super) fn prefix(self) -> [u8; PREFIX] {
        let mut bytes = [0; PREFIX];
        bytes[..4].copy_from_slice(&Self::day_prefix(self.day));
        bytes[4] = u8::from(self.person.is_some());
        let person = self.person.map_or(0, |person| person.0);
        bytes[5..].copy_from_slice(&person.to_be_bytes());
        bytes
    }

    /// The key of one chunk.
    pub(super) fn chunk(self, chunk: u32) -> [u8; KEY] {
        let mut bytes = [0; KEY];
        bytes[..PREFIX].copy_from_slice(&self.prefix());
        bytes[PREFIX..].copy_from_slice(&chunk.to_be_bytes());
        bytes
    }

    /// Reads a key; `None` if it is not one of a row.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, u32)> {
        let bytes: &[u8; KEY] = bytes.try_into().ok()?;
        let (day, rest) = bytes.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_first()?;
        let (person, chunk) = rest.split_first_chunk::<8>()?;
        let person = PersonId(u64::from_be_bytes(*person));
        let person = match kind {
            0 => None,
            1 => Some(person),
            _ => return None,
        };
        let day = (u32::from_be_bytes(*day) ^ 0x8000_0000) as i32;
        Some((Self { day, person }, u32::from_be_bytes(chunk.try_into().ok()?)))
    }
}

/// A record as a row keeps it: all of the fact but what the key says. About 20 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Packed {
    pub(super) number: u64,
    epoch: u16,
    device: u32,
    boot: u32,
    seq: u64,
    /// Milliseconds after the day began in UTC.
    received: i64,
    /// Seconds after the receipt.
    at: i64,
    offset_minutes: i16,
    flags: u16,
    decision: u32,
}

/// A record as the journal gave it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stored {
    pub(super) number: u64,
    pub(super) epoch: u16,
    pub(super) attendance: Attendance,
    /// The decision it was stored with.
    pub(super) decision: u32,
}

impl Stored {
    /// The record's stable id.
    pub(super) fn id(&self) -> EventId {
        EventId::new(self.attendance.received_ms, self.epoch, self.number)
    }

    /// What a row of `day` keeps of it.
    pub(super) fn pack(&self, day: i32) -> Packed {
        let punch = &self.attendance;
        let direction = punch.direction.map_or(0, |direction| direction as u16);
        Packed {
            number: self.number,
            epoch: self.epoch,
            device: punch.device.0,
            boot: punch.boot,
            seq: punch.seq,
            received: punch.received_ms.wrapping_sub(day_ms(day)),
            at: punch.at.seconds.wrapping_sub(punch.received_ms.div_euclid(1000)),
            offset_minutes: punch.at.offset_minutes,
            flags: punch.method as u16
                | (punch.outcome as u16) << 4
                | direction << 6
                | u16::from(punch.live) << 8
                | (punch.clock as u16) << 9,
            decision: self.decision,
        }
    }
}

impl Packed {
    /// Appends the bytes that rows keep.
    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        let mut scratch = [0; MAX_PACKED];
        // The room is enough for the largest numbers.
        if let Ok(encoded) = postcard::to_slice(self, &mut scratch) {
            bytes.extend_from_slice(encoded);
        }
    }

    /// The record again; `None` if a code is none of ours.
    fn unpack(&self, key: Key) -> Option<Stored> {
        let received_ms = self.received.wrapping_add(day_ms(key.day));
        let seconds = self.at.wrapping_add(received_ms.div_euclid(1000));
        let attendance = Attendance {
            device: DeviceId(self.device),
            boot: self.boot,
            seq: self.seq,
            person: key.person,
            at: DeviceTime { seconds, offset_minutes: self.offset_minutes },
            received_ms,
            method: method(self.flags & 0xF)?,
            outcome: outcome(self.flags >> 4 & 3)?,
            direction: direction(self.flags >> 6 & 3)?,
            live: self.flags >> 8 & 1 == 1,
            clock: clock(self.flags >> 9 & 3)?,
        };
        Some(Stored { number: self.number, epoch: self.epoch, attendance, decision: self.decision })
    }
}

fn day_ms(day: i32) -> i64 {
    i64::from(day) * 86_400_000
}

fn method(code: u16) -> Option<Method> {
    use Method::*;
    let all = [Fingerprint, Face, Card, Pin, Palm, Other];
    all.into_iter().find(|&method| method as u16 == code)
}

fn outcome(code: u16) -> Option<Outcome> {
    use Outcome::*;
    [Granted, Denied, Duress].into_iter().find(|&outcome| outcome as u16 == code)
}

fn direction(code: u16) -> Option<Option<Direction>> {
    use Direction::*;
    [None, Some(In), Some(Out)].into_iter().find(|d| d.map_or(0, |d| d as u16) == code)
}

fn clock(code: u16) -> Option<DeviceClock> {
    [DeviceClock::Ok, DeviceClock::Unsure].into_iter().find(|&clock| clock as u16 == code)
}

/// A chunk being written.
pub(super) struct Chunk {
    bytes: Vec<u8>,
}

impl Chunk {
    /// An empty chunk; the open one says how many full ones there are beside it.
    pub(super) fn new(full: u32) -> Self {
        let mut bytes = vec![0; HEAD];
        bytes[CHECKSUM..CHECKSUM + 4].copy_from_slice(&full.to_le_bytes());
        Self { bytes }
    }

    /// Takes up a stored chunk to add to it, after checking it.
    pub(super) fn resume(key: &[u8; KEY], value: &[u8]) -> Option<Self> {
        content(key, value)?;
        (value.len() >= HEAD).then(|| Self { bytes: value.to_vec() })
    }

    /// Number of the last record it took or was stored with.
    pub(super) fn last(&self) -> Option<u64> {
        let number = self.bytes.get(CHECKSUM + 4..HEAD)?.try_into().ok().map(u64::from_le_bytes);
        number.filter(|_| self.bytes.len() > HEAD)
    }

    /// Full chunks beside it.
    pub(super) fn full(&self) -> u32 {
        let bytes = self.bytes.get(CHECKSUM..CHECKSUM + 4);
        bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
    }

    /// Adds a record, as [`Packed::write`] wrote it; false, and nothing added, if it does not fit.
    pub(super) fn push(&mut self, number: u64, packed: &[u8]) -> bool {
        if self.bytes.len() + packed.len() > MAX_VALUE {
            return false;
        }
        self.bytes.extend_from_slice(packed);
        self.bytes[CHECKSUM + 4..HEAD].copy_from_slice(&number.to_le_bytes());
        true
    }

    /// The value to store under `key`.
    pub(super) fn value(mut self, key: &[u8; KEY]) -> Vec<u8> {
        let checksum = checksum(key, &self.bytes[CHECKSUM..]);
        self.bytes[..CHECKSUM].copy_from_slice(&checksum);
        self.bytes
    }
}

/// The number of a record that [`Packed::write`] wrote.
pub(super) fn number(packed: &[u8]) -> Option<u64> {
    postcard::take_from_bytes(packed).ok().map(|(number, _)| number)
}

/// The records of a stored chunk; `None` if the store lies.
pub(super) fn records(key: &[u8], value: &[u8]) -> Option<Vec<Stored>> {
    let mut records = Vec::with_capacity(value.len() / 16);
    each_record(key, value, |record| records.push(record))?;
    Some(records)
}

/// Hands over the records of a stored chunk; `None` if the store lies.
pub(super) fn each_record(key: &[u8], value: &[u8], mut each: impl FnMut(Stored)) -> Option<()> {
    let (row, _) = Key::read(key)?;
    let mut rest = content(key, value)?.get(HEAD - CHECKSUM..)?;
    while !rest.is_empty() {
        let (record, left) = postcard::take_from_bytes::<Packed>(rest).ok()?;
        each(record.unpack(row)?);
        rest = left;
    }
    Some(())
}

fn content<'a>(key: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
    let (sum, content) = value.split_first_chunk::<CHECKSUM>()?;
    (*sum == checksum(key, content)).then_some(content)
}

fn checksum(key: &[u8], content: &[u8]) -> [u8; CHECKSUM] {
    crc32c::crc32c_append(crc32c::crc32c(key), content).to_le_bytes()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packed_bytes(record: &Packed) -> Vec<u8> {
        let mut bytes = Vec::new();
        record.write(&mut bytes);
        bytes
    }

    prop_compose! {
        pub(crate) fn stored()(
            (number, epoch, device, boot, seq) in any::<(u64, u16, u32, u32, u64)>(),
            person in proptest::option::of(1u64..40),
            (seconds, offset_minutes, received_ms) in (any::<i64>(), any::<i16>(), any::<i64>()),
            (method, outcome, dir) in (1u16..=6, 1u16..=3, 0u16..=2),
            (live, sure, decision) in any::<(bool, bool, u32)>(),
        ) -> Stored {
            let clock = if sure { DeviceClock::Ok } else { DeviceClock::Unsure };
            let attendance = Attendance {
                device: DeviceId(device),
                boot,
                seq,
                person: person.map(PersonId),
                at: DeviceTime { seconds, offset_minutes },
                received_ms,
                method: super::method(method).unwrap(),
                outcome: super::outcome(outcome).unwrap(),
                direction: super::direction(dir).unwrap(),
                live,
                clock,
            };
            Stored { number, epoch, attendance, decision }
        }
    }

    proptest! {
        #[test]
        fn records_round_trip(record in stored(), day: i32) {
            let key = Key { day, person: record.attendance.person };
            let bytes = key.chunk(7);
            prop_assert_eq!(Key::read(&bytes), Some((key, 7)));
            let mut chunk = Chunk::new(3);
            let packed = packed_bytes(&record.pack(day));
            prop_assert!(chunk.push(record.number, &packed));
            let value = chunk.value(&bytes);
            prop_assert_eq!(records(&bytes, &value), Some(vec![record]));
            let resumed = Chunk::resume(&bytes, &value).unwrap();
            prop_assert_eq!((resumed.full(), resumed.last()), (3, Some(record.number)));
            prop_assert_eq!(Chunk::new(3).last(), None);
        }

        #[test]
        fn a_changed_byte_is_never_believed(record in stored(), at: prop::sample::Index, by in 1u8..) {
            let bytes = Key { day: 1, person: None }.chunk(0);
            let record = Stored { attendance: Attendance { person: None, ..record.attendance }, ..record };
            let mut chunk = Chunk::new(0);
            chunk.push(record.number, &packed_bytes(&record.pack(1)));
            let mut value = chunk.value(&bytes);
            let at = at.index(value.len());
            value[at] ^= by;
            prop_assert_eq!(records(&bytes, &value), None);
        }

        #[test]
        fn keys_sort_by_day(a: i32, b: i32) {
            let key = |day| Key { day, person: Some(PersonId(u64::MAX)) }.chunk(u32::MAX);
            prop_assert_eq!(a.cmp(&b), key(a).cmp(&key(b)));
        }
    }

    #[test]
    fn a_chunk_stays_below_its_bound() {
        let key = Key { day: 20_000, person: Some(PersonId(1)) };
        let record = Packed {
            number: u64::MAX,
            epoch: u16::MAX,
            device: u32::MAX,
            boot: u32::MAX,
            seq: u64::MAX,
            received: i64::MIN,
            at: i64::MIN,
            offset_minutes: i16::MIN,
            flags: 1,
            decision: u32::MAX,
        };
        let mut chunk = Chunk::new(0);
        let packed = packed_bytes(&record);
        assert!(packed.len() <= MAX_PACKED);
        while chunk.push(record.number, &packed) {}
        let len = chunk.value(&key.chunk(0)).len();
        assert!((MAX_VALUE - 96..=MAX_VALUE).contains(&len), "{len}");
    }
}
