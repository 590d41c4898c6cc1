//! Cuts, flips, crashes in mid-rotation, rollbacks, full disks.

use super::*;
use std::fs;

/// Twelve batches in one segment; the second value is each batch's end in the file.
fn twelve(site: &Site) -> (Vec<Content>, Vec<u64>) {
    let (mut journal, _) = site.open();
    let path = site.last_segment();
    let mut ends = Vec::new();
    let model = (1..=12)
        .map(|n| {
            let batch = append_nth(&mut journal, n);
            ends.push(fs::metadata(&path).unwrap().len());
            batch
        })
        .collect();
    (model, ends)
}

#[test]
fn a_tail_torn_at_any_byte_costs_the_last_batch_alone() {
    let site = Site::new();
    let (model, ends) = twelve(&site);
    site.forget();
    let path = site.last_segment();
    let whole = fs::read(&path).unwrap();
    for cut in ends[10]..ends[11] {
        for zeros in [false, true] {
            let mut torn = whole[..cut as usize].to_vec();
            if zeros {
                torn.resize(whole.len(), 0);
            }
            fs::write(&path, &torn).unwrap();
            let (mut journal, mut start) = site.open();
            assert_eq!(drain(&mut start.batches), model[..11], "{cut}");
            assert_eq!(start.damaged_count, 0);
            assert_eq!(start.torn_bytes == 0, cut == ends[10], "{cut}");
            let next = append_nth(&mut journal, 12);
            assert_eq!(next.number, 12);
            let report = site.verify();
            assert_eq!((report.batches, report.damaged, report.torn_bytes), (12, 0, 0));
            site.forget();
        }
    }
}

#[test]
fn sectors_missing_within_the_last_batch_are_a_torn_tail() {
    let site = Site::new();
    let (mut journal, _) = site.open();
    let first = append_nth(&mut journal, 1);
    let path = site.last_segment();
    let start_at = fs::metadata(&path).unwrap().len() as usize;
    let facts: Vec<_> = (0..60).map(fact).collect();
    append(&mut journal, &facts, &[]);
    drop(journal);
    site.forget();
    let whole = fs::read(&path).unwrap();
    for sector in start_at / 512..whole.len().div_ceil(512) {
        let mut torn = whole.clone();
        let from = (sector * 512).max(start_at);
        let until = ((sector + 1) * 512).min(whole.len());
        torn[from..until].fill(0);
        fs::write(&path, torn).unwrap();
        let (_, mut start) = site.open();
        assert_eq!(drain(&mut start.batches), std::slice::from_ref(&first), "{sector}");
        assert!(start.torn_bytes > 0);
        site.forget();
    }
}

#[test]
fn a_flip_in_the_middle_costs_its_batch_alone() {
    let site = Site::new();
    let (model, ends) = twelve(&site);
    let path = site.last_segment();
    let whole = fs::read(&path).unwrap();
    for at in (128..ends[10] as usize).step_by(3) {
        let mut bad = whole.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(&path, bad).unwrap();
        let hit = ends.iter().position(|&end| (at as u64) < end).unwrap();
        let mut left = model.clone();
        left.remove(hit);
        let (_, mut start) = site.open();
        assert_eq!(drain(&mut start.batches), left, "{at}");
        assert_eq!((start.damaged, start.torn_bytes), (vec![hit as u64 + 1], 0), "{at}");
        assert!(!start.rolled_back);
        let bad = site.verify().first_bad.unwrap();
        assert_eq!(bad.batch, hit as u64 + 1, "{at}");
        for batch in &model {
            let mut reader = start.batches.another();
            for (i, fact) in batch.facts.iter().enumerate() {
                let found = reader.record(batch.first_record + i as u64).unwrap().unwrap();
                let wanted = (batch.number != hit as u64 + 1).then_some(*fact);
                assert_eq!(found.fact, wanted, "{at}");
            }
        }
    }
}

#[test]
fn a_flip_in_a_batch_the_witness_knows_is_damage_and_never_cut() {
    let site = Site::new();
    let (model, ends) = twelve(&site);
    let (journal, _) = site.open();
    let first_free = journal.next_record();
    drop(journal);
    let path = site.last_segment();
    let whole = fs::read(&path).unwrap();
    let beside = site.parent.path().join("data.witness");
    let witness = fs::read(&beside).unwrap();
    for at in (ends[10]..ends[11]).map(|at| at as usize) {
        let mut bad = whole.clone();
        bad[at] ^= 0x10;
        fs::write(&path, &bad).unwrap();
        fs::write(&beside, &witness).unwrap();
        let (mut journal, mut start) = site.open();
        assert_eq!(drain(&mut start.batches), model[..11]);
        assert_eq!((start.damaged.as_slice(), start.torn_bytes), (&[12][..], 0), "{at}");
        assert_eq!(start.epoch, 2);
        let next = append(&mut journal, &[fact(9)], &[]);
        assert_eq!(next.number, 13);
        assert!(next.first_record >= first_free);
        assert!(fs::read(&path).unwrap().starts_with(&bad));
        drop(journal);
        let (_, mut start) = site.open();
        assert_eq!(drain(&mut start.batches).last(), Some(&next));
        assert_eq!(site.verify().damaged, 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_damage_is_survived_and_nothing_false_comes_back(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        do_cut in any::<bool>(),
        which in 0usize..3,
        forget in any::<bool>(),
    ) {
        let site = Site::new();
        let (mut journal, _) = site.open();
        let mut model = Vec::new();
        for n in 1..=18 {
            model.push(append_nth(&mut journal, n));
            if n % 6 == 0 && n < 18 {
                journal.rotate(&n.to_le_bytes(), NOW_MS).unwrap();
            }
        }
        // A clean cut behind what the witness knows cannot be told from an older journal.
        journal.keep_witness(true);
        drop(journal);
        let path = site.segments()[which].clone();
        let mut bytes = fs::read(&path).unwrap();
        if do_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        for (at, flip) in flips.iter().take(if bytes.is_empty() { 0 } else { 6 }) {
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
        }
        fs::write(&path, &bytes).unwrap();
        if forget {
            site.forget();
        }
        let report = site.verify();
        let (mut journal, mut start) = site.open();
        let after = drain(&mut start.batches);
        prop_assert!(after.iter().all(|batch| model.contains(batch)));
        let all = drain(&mut journal.reader());
        prop_assert!(all.iter().all(|batch| model.contains(batch)));
        let untouched = model.iter().filter(|b| (b.number as usize - 1) / 6 != which);
        prop_assert!(untouched.clone().all(|b| all.contains(b)));
        let lost = model.len() - all.len();
        prop_assert!(lost == 0 || report.damaged > 0 || report.torn_bytes > 0 || (which == 2 && forget));
        let next = append_nth(&mut journal, 3);
        prop_assert!(drain(&mut journal.reader()).contains(&next));
        drop(journal);
        let (_, mut start) = site.open();
        prop_assert!(drain(&mut start.batches).contains(&next));
    }
}

#[test]
fn a_checkpoint_that_is_damaged_is_done_without() {
    let site = Site::new();
    let (mut journal, _) = site.open();
    let mut model: Vec<_> = (1..=3).map(|n| append_nth(&mut journal, n)).collect();
    journal.rotate(b"after three", NOW_MS).unwrap();
    model.extend((4..=6).map(|n| append_nth(&mut journal, n)));
    journal.rotate(b"after six", NOW_MS).unwrap();
    model.extend((7..=8).map(|n| append_nth(&mut journal, n)));
    drop(journal);
    let path = site.last_segment();
    let whole = fs::read(&path).unwrap();
    for at in 0..128 + b"after six".len() + 16 {
        let mut bad = whole.clone();
        bad[at] ^= 4;
        fs::write(&path, bad).unwrap();
        let (journal, mut start) = site.open();
        assert_eq!(start.checkpoint.as_deref(), Some(&b"after three"[..]), "{at}");
        assert_eq!(drain(&mut start.batches), model[3..], "{at}");
        assert_eq!(drain(&mut journal.reader()), model);
        assert!(!site.verify().is_whole());
    }
    fs::write(&path, whole).unwrap();
    let (_, mut start) = site.open();
    assert_eq!(start.checkpoint.as_deref(), Some(&b"after six"[..]));
    assert_eq!(drain(&mut start.batches), model[6..]);
}

#[test]
fn a_crash_anywhere_in_a_rotation_is_survived() {
    let site = Site::new();
    let (mut journal, _) = site.open();
    let model: Vec<_> = (1..=3).map(|n| append_nth(&mut journal, n)).collect();
    journal.rotate(b"state", NOW_MS).unwrap();
    drop(journal);
    let path = site.last_segment();
    let whole = fs::read(&path).unwrap();
    let unfinished = path.with_extension("journal.new");
    for len in 0..=whole.len() {
        // Under the name it is written by, and under its own as if the disk had lost blocks.
        for name in [&unfinished, &path] {
            let _ = fs::remove_file(&path);
            fs::write(name, &whole[..len]).unwrap();
            let (mut journal, mut start) = site.open();
            assert!(!start.rolled_back, "{len}");
            let finished = name == &path && len == whole.len();
            assert_eq!(start.checkpoint.is_some(), finished, "{len}");
            assert_eq!(drain(&mut start.batches), model[if finished { 3 } else { 0 }..]);
            assert!(!unfinished.exists());
            journal.rotate(b"again", NOW_MS).unwrap();
            assert_eq!(journal.next_record(), model.last().unwrap().first_record + 3);
        }
    }
}

#[test]
fn an_old_folder_put_back_is_noticed_and_no_number_used_again() {
    let site = Site::new();
    let (mut journal, start) = site.open();
    assert_eq!((start.rolled_back, start.epoch), (false, 1));
    append_nth(&mut journal, 1);
    drop(journal);
    let old = fs::read(site.last_segment()).unwrap();
    let (mut journal, _) = site.open();
    append_nth(&mut journal, 2);
    journal.keep_witness(false);
    let chain = journal.witness().chain;
    drop(journal);
    fs::write(site.last_segment(), &old).unwrap();
    assert!(site.verify().first_bad.unwrap().why.contains("missing at the end"));
    let (mut journal, start) = site.open();
    assert_eq!((start.rolled_back, start.epoch), (true, 2));
    append_nth(&mut journal, 2);
    assert_ne!(journal.witness().chain, chain, "same batch, other salt and epoch");
    journal.keep_witness(true);
    drop(journal);
    let (_, start) = site.open();
    assert_eq!((start.rolled_back, start.epoch), (false, 2));
}

#[test]
fn another_history_of_the_same_length_is_noticed() {
    let site = Site::new();
    let (mut journal, _) = site.open();
    append_nth(&mut journal, 1);
    drop(journal);
    let old = fs::read(site.last_segment()).unwrap();
    for history in 0..2 {
        fs::write(site.last_segment(), &old).unwrap();
        if history == 1 {
            site.forget();
        }
        let (mut journal, _) = site.open();
        append_nth(&mut journal, 2 + history);
        journal.keep_witness(true);
    }
    let other = Witness { chain: [1; 32], ..Witness::load(&site.data()).unwrap() };
    Witness { starts: other.starts + 1, ..other }.store(&site.data(), true).unwrap();
    assert!(site.open().1.rolled_back);
}

#[test]
fn a_failed_append_is_final() {
    let site = Site::new();
    let (mut journal, start) = site.open();
    append_nth(&mut journal, 3);
    journal.break_for_tests().unwrap();
    let facts = [fact(1)];
    let draft =
        Draft { at_ms: NOW_MS, epoch: start.epoch, facts: &facts, acts: &[], essential: true };
    for _ in 0..3 {
        assert!(matches!(journal.append(&draft), Err(JournalError::Failed(_))));
    }
    assert!(matches!(journal.rotate(b"", NOW_MS), Err(JournalError::Failed(_))));
    assert!(!journal.should_rotate());
    assert_eq!(journal.witness().batch, 1);
}

#[test]
fn a_segment_of_another_box_is_not_taken_for_ours() {
    let (ours, theirs) = (Site::new(), Site::new());
    twelve(&ours);
    let keyring = Keyring::open(&theirs.data(), RootKey::new([4; 32])).unwrap();
    fs::create_dir_all(theirs.data().join("journal")).unwrap();
    let target = theirs.data().join("journal").join(ours.last_segment().file_name().unwrap());
    fs::copy(ours.last_segment(), target).unwrap();
    let report = verify(&theirs.data(), &keyring, &mut |_| {}).unwrap();
    assert!(!report.is_whole());
}
