//! Without faults: what goes in comes out.

use super::*;

fn any_batch() -> impl Strategy<Value = (Vec<Fact>, Vec<Vec<u8>>, bool)> {
    let act = prop::collection::vec(any::<u8>(), 0..200);
    (prop::collection::vec(any_fact(), 0..20), prop::collection::vec(act, 0..4), any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn it_keeps_what_it_was_given(
        batches in prop::collection::vec(any_batch(), 1..20),
        reopen in any::<u16>(),
        records in prop::collection::btree_set(0u64..400, 0..30),
    ) {
        let site = Site::new();
        let (mut journal, _) = site.open();
        let mut model = Vec::new();
        for (n, (facts, acts, rotate)) in batches.iter().enumerate() {
            model.push(append(&mut journal, facts, acts));
            if *rotate {
                journal.rotate(&(model.len() as u64).to_le_bytes(), NOW_MS).unwrap();
            }
            if reopen & (1 << (n % 16)) != 0 {
                drop(journal);
                let (again, mut start) = site.open();
                journal = again;
                let from = start.checkpoint.map_or(0, |c| u64::from_le_bytes(c.try_into().unwrap()));
                prop_assert_eq!(drain(&mut start.batches), &model[from as usize..]);
                prop_assert!(!start.rolled_back && start.broken_chain.is_none());
                prop_assert_eq!((start.torn_bytes, start.damaged_count), (0, 0));
            }
        }
        let mut reader = journal.reader();
        prop_assert_eq!(drain(&mut reader), &model[..]);
        let facts: Vec<_> = model.iter().flat_map(|b| b.facts.iter().copied()).collect();
        let found: Vec<_> = reader.facts(records.iter().copied()).map(|r| r.unwrap()).collect();
        let wanted = records.iter().filter_map(|&n| Some((n, *facts.get(n.checked_sub(1)? as usize)?)));
        prop_assert_eq!(
            found.iter().map(|r| (r.number, r.fact.unwrap())).collect::<Vec<_>>(),
            wanted.collect::<Vec<_>>()
        );
        let report = site.verify();
        prop_assert_eq!(report.first_bad, None);
        prop_assert_eq!((report.batches, report.records), (model.len() as u64, facts.len() as u64));
    }
}

#[test]
fn a_reader_follows_the_writer_through_rotations() {
    let site = Site::new();
    let (mut journal, _) = site.open();
    let mut reader = journal.reader();
    let mut model = Vec::new();
    for n in 0..200 {
        model.push(append_nth(&mut journal, n));
        if n % 17 == 0 {
            journal.rotate(b"state", NOW_MS).unwrap();
        }
        if n % 5 == 0 {
            let seen = drain(&mut reader);
            assert_eq!(seen, model[model.len() - seen.len()..]);
            assert_eq!(seen.last(), model.last());
        }
    }
    assert_eq!(journal.witness().batch, 200);
    for number in [1, 2, 17, 18, 19, 100, 199, 200] {
        reader.seek_batch(number).unwrap();
        assert_eq!(drain(&mut reader), model[number as usize - 1..], "{number}");
    }
    reader.seek_batch(201).unwrap();
    assert!(reader.next_batch().unwrap().is_none());
    for batch in model.iter().filter(|b| !b.facts.is_empty()) {
        reader.seek_record(batch.first_record).unwrap();
        assert_eq!(content(reader.next_batch().unwrap().unwrap()), *batch);
    }
    assert!(reader.record(0).unwrap().is_none());
    assert!(reader.record(journal.next_record()).unwrap().is_none());
}

#[test]
fn nothing_readable_lies_on_the_disk() {
    let site = Site::new();
    let (mut journal, _) = site.open();
    let marker = b"a text that would be found".to_vec();
    append(&mut journal, &[fact(0x5566_7788_99AA_BBCC)], std::slice::from_ref(&marker));
    journal.rotate(&marker, NOW_MS).unwrap();
    for path in site.segments() {
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(8).any(|w| marker.windows(8).any(|m| m == w)));
        let seq = 0x5566_7788_99AA_BBCC_u64.to_le_bytes();
        assert!(!bytes.windows(8).any(|w| w == seq));
    }
}

#[test]
fn a_destroyed_month_is_unreadable_and_the_chain_whole() {
    let site = Site::new();
    let (mut journal, _) = site.open();
    append(&mut journal, &[fact(1)], &[b"act".to_vec()]);
    let mut reader = journal.reader();
    let batch = reader.next_batch().unwrap().unwrap();
    assert!(batch.facts.is_ok());
    journal.keyring_for_tests().destroy_month(crate::keyring::Class::Facts, 202612).unwrap();
    append(&mut journal, &[fact(2)], &[b"later".to_vec()]);
    reader.seek_batch(1).unwrap();
    let batch = reader.next_batch().unwrap().unwrap();
    let gone = Unreadable { class: crate::keyring::Class::Facts, month: 202612, destroyed: true };
    assert_eq!(batch.facts.err(), Some(gone));
    assert_eq!(batch.acts.unwrap().iter().collect::<Vec<_>>(), [b"act"]);
    let later = content(reader.next_batch().unwrap().unwrap());
    assert_eq!(later.facts, [fact(2)], "under the next month's key");
    assert_eq!(reader.record(1).unwrap().unwrap().fact, None);
    let report = site.verify();
    assert!(report.is_whole());
    assert_eq!((report.unreadable, report.records), (1, 2));
}

#[test]
fn clocks_outside_the_calendar_are_taken() {
    let site = Site::new();
    let (mut journal, start) = site.open();
    for at_ms in [i64::MIN, -1, 0, NOW_MS, 2_147_483_648_000, i64::MAX] {
        let facts = [fact(1)];
        let draft = Draft { at_ms, epoch: start.epoch, facts: &facts, acts: &[], essential: false };
        journal.append(&draft).unwrap();
    }
    drop(journal);
    let (journal, mut start) = site.open();
    assert_eq!(drain(&mut start.batches).len(), 6);
    assert_eq!(journal.next_record(), 7);
}

#[test]
fn drafts_over_a_limit_are_refused_and_leave_no_trace() {
    let site = Site::new();
    let (mut journal, start) = site.open();
    let draft =
        |facts, acts| Draft { at_ms: NOW_MS, epoch: start.epoch, facts, acts, essential: false };
    let (many, large) = (vec![fact(1); MAX_FACTS + 1], [vec![0; MAX_BATCH_BYTES]]);
    for bad in [draft(&many, &[]), draft(&[], &large)] {
        let refused = journal.append(&bad);
        assert!(matches!(refused, Err(JournalError::TooLarge { .. })));
    }
    let all = append(&mut journal, &many[..MAX_FACTS], &[]);
    let big = append(&mut journal, &[], &[vec![7; MAX_BATCH_BYTES - 200]]);
    drop(journal);
    assert_eq!(drain(&mut site.open().1.batches), [all, big]);
}

#[test]
fn an_export_names_each_place_in_the_chain() {
    let site = Site::new();
    let (mut journal, _) = site.open();
    append(&mut journal, &[fact(1), fact(2)], &[b"{}".to_vec()]);
    append(&mut journal, &[fact(3)], &[]);
    let export = Export::open(&site.data(), &site.keyring()).unwrap();
    let all: Vec<_> = export.map(Result::unwrap).collect();
    let items: Vec<_> = all.iter().map(|e| (e.batch, e.item.clone())).collect();
    assert_eq!(
        items,
        [
            (1, Item::Fact(1, fact(1))),
            (1, Item::Fact(2, fact(2))),
            (1, Item::Act(b"{}".to_vec())),
            (2, Item::Fact(3, fact(3))),
        ]
    );
    assert_eq!(all[0].chain, all[2].chain);
    assert_eq!(all[3].chain, site.verify().head);
}
