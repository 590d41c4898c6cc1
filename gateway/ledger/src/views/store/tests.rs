use super::*;
use crate::views::tests::{DECEMBER, punch};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const DAY: i32 = 20_000;

fn empty() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let faults = Default::default();
    let place = Place { folder: folder.path().join("g1"), cache_bytes: 1 << 20, faults };
    let store = Store::open(&place).unwrap();
    (folder, store)
}

/// Rows of so many records, of people by number.
fn rows(counts: &BTreeMap<u64, u64>) -> Vec<Addition> {
    let mut number = 0;
    let row = |(person, count): (&u64, &u64)| {
        let record = |_| {
            number += 1;
            Stored { number, ..punch(Some(*person), DECEMBER) }.pack(DAY)
        };
        let records = (0..*count).map(record).collect();
        (Key { day: DAY, person: Some(PersonId(*person)) }, records)
    };
    counts.iter().map(row).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Wherever those who are wanted lie among the others: side by side, far apart, nowhere.
    #[test]
    fn the_records_of_some_people_are_those_of_their_rows(
        counts in proptest::collection::btree_map(1u64..90, 1u64..4, 0..60),
        wanted in proptest::collection::btree_set(0u64..100, 0..30),
        max in 1usize..3,
    ) {
        let (_folder, store) = empty();
        // Of one of them more than a chunk holds, and days before and after.
        let mut counts = counts;
        counts.entry(7).and_modify(|count| *count += 300);
        let additions = rows(&counts);
        let other = |day| additions.iter().map(move |(key, records)| (Key { day, ..*key }, records.clone()));
        let all: Vec<_> = other(DAY - 1).chain(additions.clone()).chain(other(DAY + 1)).collect();
        store.add(&all, &Cursor::start("UTC")).unwrap();
        let wanted: Vec<PersonId> = wanted.into_iter().map(PersonId).collect();
        let mut found: BTreeMap<PersonId, Vec<u64>> = BTreeMap::new();
        store.of(DAY, &wanted, max, |person, record| {
            assert_eq!(record.attendance.person, Some(person));
            found.entry(person).or_default().push(record.number);
        }).unwrap();
        let there: BTreeSet<PersonId> = counts.keys().map(|person| PersonId(*person)).collect();
        let expected: Vec<PersonId> = wanted.iter().copied().filter(|w| there.contains(w)).collect();
        prop_assert_eq!(found.keys().copied().collect::<Vec<_>>(), expected);
        for (person, numbers) in found {
            let row = store.row(Key { day: DAY, person: Some(person) }, max).unwrap();
            prop_assert_eq!(numbers, row.iter().map(|record| record.number).collect::<Vec<_>>());
        }
    }
}

/// Rows are written before the cursor: what was added before a crash is not added twice.
#[test]
fn records_added_twice_are_there_once() {
    let (_folder, store) = empty();
    let key = Key { day: 20_000, person: Some(PersonId(4)) };
    let packed = |numbers: std::ops::Range<u64>| {
        let record = |number| Stored { number, ..punch(Some(4), DECEMBER) }.pack(20_000);
        vec![(key, numbers.map(record).collect::<Vec<_>>())]
    };
    let cursor = Cursor::start("UTC");
    for additions in [packed(1..700), packed(1..700), packed(300..900), packed(900..901)] {
        store.add(&additions, &cursor).unwrap();
    }
    let (page, next) = store.page((20_000, 20_000), None, 5_000).unwrap();
    assert!(next.is_none());
    let numbers: Vec<_> = page.iter().map(|(_, record)| record.number).collect();
    assert_eq!(numbers, (1..901).collect::<Vec<_>>());
}

/// As many rows as a rebuild adds at once, which two threads share.
#[test]
fn many_rows_at_once_are_all_there_once() {
    let (_folder, store) = empty();
    let row = |number: u64| {
        let person = number % 9_001 + 1;
        let record = Stored { number, ..punch(Some(person), DECEMBER) };
        (Key { day: 20_000, person: Some(PersonId(person)) }, vec![record.pack(20_000)])
    };
    let mut additions: Vec<_> = (1..9_000).map(row).collect();
    additions.sort_unstable_by_key(|(key, _)| *key);
    let mut cursor = Cursor::start("UTC");
    cursor.next_record = 9_000;
    for _ in 0..2 {
        store.add(&additions, &cursor).unwrap();
    }
    assert_eq!(store.cursor().unwrap(), Some(cursor));
    let rows = store.day(20_000, 10, 20_000).unwrap();
    let numbers = rows.iter().flat_map(|(_, records)| records.iter().map(|r| r.number));
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..9_000).collect::<Vec<_>>());
}
