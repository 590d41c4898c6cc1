use super::*;
use crate::views::gather::Gathered;
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

/// Rows of so many records on each of three days, of people by number.
fn rows(counts: &BTreeMap<u64, u64>) -> Gathered {
    let mut gathered = Gathered::default();
    let mut number = 0;
    for (person, count) in counts {
        for _ in 0..*count {
            number += 1;
            let record = Stored { number, ..punch(Some(*person), DECEMBER) };
            (DAY - 1..=DAY + 1).for_each(|day| gathered.add(day, &record));
        }
    }
    gathered.sorted()
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
        store.add(rows(&counts).rows()).unwrap();
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
    let gathered = |numbers: std::ops::Range<u64>| {
        let mut gathered = Gathered::default();
        let record = |number| Stored { number, ..punch(Some(4), DECEMBER) };
        numbers.for_each(|number| gathered.add(DAY, &record(number)));
        gathered.sorted()
    };
    for gathered in [gathered(1..700), gathered(1..700), gathered(300..900), gathered(900..901)] {
        store.add(gathered.rows()).unwrap();
    }
    let (page, next) = store.page((DAY, DAY), None, 5_000).unwrap();
    assert!(next.is_none());
    let numbers: Vec<_> = page.iter().map(|(_, record)| record.number).collect();
    assert_eq!(numbers, (1..901).collect::<Vec<_>>());
}

/// As many rows as a rebuild adds at once, which two threads share.
#[test]
fn many_rows_at_once_are_all_there_once() {
    let (_folder, store) = empty();
    let mut gathered = Gathered::default();
    for number in 1..30_000 {
        let person = number % 9_001 + 1;
        gathered.add(DAY, &Stored { number, ..punch(Some(person), DECEMBER) });
    }
    let gathered = gathered.sorted();
    let mut cursor = Cursor::start("UTC");
    cursor.next_record = 30_000;
    for _ in 0..2 {
        store.add(gathered.rows()).unwrap();
        store.move_to(&cursor).unwrap();
    }
    assert_eq!(store.cursor().unwrap(), Some(cursor));
    let rows = store.day(DAY, 10, 40_000).unwrap();
    let numbers = rows.iter().flat_map(|(_, records)| records.iter().map(|r| r.number));
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..30_000).collect::<Vec<_>>());
}
