//! Records gathered from the journal for rows, in about 38 bytes each: the more at once, the fewer
//! times each row is written. At most [`MAX_RECORDS`].

use super::row::{Key, MAX_PACKED, Stored};
use muster_attendance::PersonId;
use std::ops::Range;

/// Bits of a place in the bytes.
const AT_BITS: u32 = 31;
/// Records that can be gathered: their places fit.
pub(super) const MAX_RECORDS: usize = (1 << AT_BITS) / (MAX_PACKED + 1);

/// Records by row, then in the order they were added.
#[derive(Default)]
pub(super) struct Gathered {
    /// Each record as rows keep it, its length before it.
    bytes: Vec<u8>,
    /// Day, whether there is a person, person, place in `bytes`: sorts as keys do.
    places: Vec<u128>,
}

impl Gathered {
    /// With room for so many records.
    pub(super) fn with_capacity(records: usize) -> Self {
        Self { bytes: Vec::with_capacity(records * 22), places: Vec::with_capacity(records) }
    }

    /// Adds a record to the row of its person on `day`.
    pub(super) fn add(&mut self, day: i32, record: &Stored) {
        let at = self.bytes.len();
        self.places.push(place(Key { day, person: record.attendance.person }, at));
        self.bytes.push(0);
        record.pack(day).write(&mut self.bytes);
        let length = self.bytes.len() - at - 1;
        if let Some(first) = self.bytes.get_mut(at) {
            *first = length as u8;
        }
    }

    /// Brings the records in order.
    pub(super) fn sorted(mut self) -> Self {
        self.places.sort_unstable();
        self
    }

    /// The rows, once sorted.
    pub(super) fn rows(&self) -> Rows<'_> {
        Rows { bytes: &self.bytes, places: &self.places }
    }

    /// Where the rows after the `after`-th record that make up at least `records` records end, or
    /// all that are left.
    pub(super) fn end_of(&self, after: usize, records: usize) -> usize {
        let Some(last) = self.places.get(after.saturating_add(records)) else {
            return self.places.len();
        };
        self.places.partition_point(|place| place >> AT_BITS <= last >> AT_BITS)
    }
}

/// Rows with their new records.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    bytes: &'a [u8],
    places: &'a [u128],
}

impl<'a> Rows<'a> {
    /// Records of all of them.
    pub(super) fn records(self) -> usize {
        self.places.len()
    }

    /// Those of the records in this range, whole rows.
    pub(super) fn part(self, range: Range<usize>) -> Self {
        Self { places: self.places.get(range).unwrap_or_default(), ..self }
    }

    /// About half of them, and the rest.
    pub(super) fn halves(self) -> (Self, Self) {
        let middle = self.places.get(self.places.len() / 2).map_or(0, |place| place >> AT_BITS);
        let (first, second) =
            self.places.split_at(self.places.partition_point(|place| place >> AT_BITS < middle));
        (Self { places: first, ..self }, Self { places: second, ..self })
    }

    /// Each row's key and records, as rows keep them.
    pub(super) fn each(self) -> impl Iterator<Item = (Key, impl Iterator<Item = &'a [u8]>)> {
        let rows = self.places.chunk_by(|a, b| a >> AT_BITS == b >> AT_BITS);
        rows.filter_map(move |row| {
            let record = move |place: &u128| {
                let at = (place & ((1 << AT_BITS) - 1)) as usize;
                let (&length, rest) = self.bytes.get(at..)?.split_first()?;
                rest.get(..usize::from(length))
            };
            Some((key(*row.first()?), row.iter().filter_map(record)))
        })
    }
}

fn place(key: Key, at: usize) -> u128 {
    let day = u128::from((key.day as u32) ^ 0x8000_0000);
    let (known, person) = key.person.map_or((0, 0), |person| (1, u128::from(person.0)));
    (day << 65 | known << 64 | person) << AT_BITS | at as u128
}

fn key(place: u128) -> Key {
    let row = place >> AT_BITS;
    let person = (row >> 64 & 1 == 1).then_some(PersonId(row as u64));
    Key { day: ((row >> 65) as u32 ^ 0x8000_0000) as i32, person }
}

#[cfg(test)]
mod tests {
    use super::super::row::{Packed, tests::stored};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn records_come_by_row_in_the_order_of_keys(
            records in prop::collection::vec((stored(), prop_oneof![-2i32..3, any::<i32>()]), 0..40)
        ) {
            let mut gathered = Gathered::with_capacity(1);
            let mut expect: BTreeMap<[u8; 17], (Key, Vec<Packed>)> = BTreeMap::new();
            for (record, day) in &records {
                gathered.add(*day, record);
                let key = Key { day: *day, person: record.attendance.person };
                let row = expect.entry(key.chunk(0)).or_insert((key, Vec::new()));
                row.1.push(record.pack(*day));
            }
            let gathered = gathered.sorted();
            fn packed(bytes: &[u8]) -> Option<Packed> {
                postcard::from_bytes(bytes).ok()
            }
            let read = |rows: Rows<'_>| -> Vec<(Key, Vec<Packed>)> {
                rows.each().map(|(key, row)| (key, row.filter_map(packed).collect())).collect()
            };
            let rows = gathered.rows();
            let expect: Vec<_> = expect.into_values().collect();
            prop_assert_eq!(&read(rows), &expect);
            let (first, second) = rows.halves();
            prop_assert_eq!(&[read(first), read(second)].concat(), &expect);
            let (mut at, mut parts) = (0, Vec::new());
            while at < records.len() {
                let end = gathered.end_of(at, 3);
                prop_assert!(end > at);
                parts.extend(read(rows.part(at..end)));
                at = end;
            }
            prop_assert_eq!(parts, expect);
        }
    }
}
