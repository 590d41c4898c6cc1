use super::*;
use crate::boot;
use crate::layout::Parts;
use crate::queue::FlashQueue;
use crate::sim::RamCard;
use muster_proto::message::{CheckIn, ClockState, Evidences, LocalTime, Method, Outcome, Stamp};
use muster_proto::seal::Keys;
use muster_proto::terminal::Queue as _;
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Two sectors for the boot number, three for 48 punches.
const BLOCKS: u32 = FIRST + 5 * SECTOR_BLOCKS;
const SLOT: usize = 256;

fn formatted() -> RamCard {
    let mut card = RamCard::new(BLOCKS);
    format(&mut card).unwrap();
    card
}

fn flash() -> CardFlash<RamCard> {
    CardFlash::open(formatted()).unwrap()
}

#[test]
fn bytes_come_back_as_they_went_in_over_block_borders() {
    let mut flash = flash();
    assert_eq!(flash.capacity(), 5 * SECTOR);
    let bytes: Vec<u8> = (0..1_000u32).map(|i| i as u8).collect();
    flash.write(300, &bytes).unwrap();
    flash.write(1_300, &[7; 4]).unwrap();
    let mut back = vec![0; 1_004];
    flash.read(300, &mut back).unwrap();
    assert_eq!(back, [&bytes[..], &[7; 4]].concat());
    let mut flash = CardFlash::open(flash.into_blocks()).unwrap();
    flash.read(300, &mut back).unwrap();
    assert_eq!(back, [&bytes[..], &[7; 4]].concat());
    flash.erase(0, SECTOR as u32).unwrap();
    flash.read(300, &mut back).unwrap();
    assert_eq!(back, [0xFF; 1_004]);
}

#[test]
fn rules_of_flash_are_kept() {
    let mut flash = flash();
    let end = flash.capacity() as u32;
    let misuse = |kind| Err(CardError::Misuse(kind));
    assert_eq!(flash.write(2, &[0; 4]), misuse(NorFlashErrorKind::NotAligned));
    assert_eq!(flash.write(end - 4, &[0; 8]), misuse(NorFlashErrorKind::OutOfBounds));
    assert_eq!(flash.read(end, &mut [0]), misuse(NorFlashErrorKind::OutOfBounds));
    assert_eq!(flash.erase(0, 512), misuse(NorFlashErrorKind::NotAligned));
}

#[test]
fn a_card_too_small_has_no_flash() {
    for blocks in [0, 1, FIRST, FIRST + SECTOR_BLOCKS - 1] {
        let card = RamCard::new(blocks);
        let flash = CardFlash { blocks: card, cached: None, cache: BLANK, number: 0, open: false };
        assert_eq!(flash.capacity(), 0);
    }
}

#[test]
fn an_erased_block_does_not_come_back() {
    let mut flash = flash();
    flash.write(0, &[1; 8]).unwrap();
    flash.write(8, &[2; 8]).unwrap();
    flash.erase(0, SECTOR as u32).unwrap();
    let mut flash = CardFlash::open(flash.into_blocks()).unwrap();
    let mut back = [0; 16];
    flash.read(0, &mut back).unwrap();
    assert_eq!(back, [0xFF; 16]);
}

#[test]
fn a_card_that_holds_something_else_is_opened_all_the_same() {
    let mut card = RamCard::new(BLOCKS);
    card.fill(0x4D);
    assert!(CardFlash::open(card).is_ok());
}

fn punch(tell: i64) -> CheckIn<'static> {
    CheckIn {
        boot: 0,
        seq: 0,
        person: Some("00017"),
        at: LocalTime { seconds: tell, offset_minutes: 480 },
        method: Method::Fingerprint,
        outcome: Outcome::Granted,
        direction: None,
        live: false,
        clock: ClockState::Ok,
        evidence: Evidences::new(),
        unknown_fields: 0,
    }
}

type Queue<'c> = FlashQueue<CardFlash<&'c mut RamCard>, SLOT>;

fn open(card: &mut RamCard) -> Option<Queue<'_>> {
    let flash = CardFlash::open(card).ok()?;
    FlashQueue::open(flash, Keys::derive(&[3; 32], "m1").unwrap()).ok()
}

/// Receipts some of what waits, then stores punches until no more go in.
fn work(card: &mut RamCard, receipts: usize, waiting: &mut BTreeMap<Stamp, i64>) {
    let Some(mut queue) = open(card) else { return };
    let settled: Vec<Stamp> = waiting.keys().copied().take(receipts).collect();
    for stamp in settled {
        queue.receipted(stamp);
        waiting.remove(&stamp);
    }
    for tell in 0.. {
        let Ok(stamp) = queue.push(punch(tell)) else { return };
        waiting.insert(stamp, tell);
    }
}

/// A part without wear levelling of its own, and the years it should last.
const CYCLES: u64 = 100_000;
const PUNCHES_IN_TEN_YEARS: u64 = 2_000 * 3_653;
/// Blocks of a card of 1 MiB.
const MIB: u32 = 2_048;

/// Stores and receipts so many punches; how many slots there are, and how often one was erased.
fn turns(card: &mut RamCard, punches: u64) -> (u64, u64) {
    let flash = RefCell::new(CardFlash::open(card).unwrap());
    let keys = Keys::derive(&[3; 32], "m1").unwrap();
    let part = Parts::of(&flash).unwrap().queue;
    let mut queue = FlashQueue::<_, SLOT>::open(part, keys).unwrap();
    for tell in 0..punches {
        let stamp = queue.push(punch(tell as i64)).unwrap();
        queue.receipted(stamp);
    }
    (queue.capacity().into(), queue.counts().erases.into())
}

/// What the module's documentation states, against counted writes and erasures of several turns of
/// the ring, where the queue has what [`Parts`] leave it.
#[test]
fn a_card_lasts_ten_years() {
    const PUNCHES: u64 = 12_000;
    let mut card = RamCard::new(MIB);
    format(&mut card).unwrap();
    let before = card.wear().to_vec();
    let (slots, erases) = turns(&mut card, PUNCHES);
    // A sector of sixteen for sixteen punches, but for those that were empty at the first turn.
    let sectors = slots / 16;
    assert!((PUNCHES / 16 - sectors..=PUNCHES / 16).contains(&erases), "{erases}");
    let erases_in_ten_years = PUNCHES_IN_TEN_YEARS.div_ceil(16).div_ceil(sectors);
    assert!((3_500..3_600).contains(&erases_in_ten_years), "{erases_in_ten_years}");
    let wear = card.wear().iter().zip(before).map(|(after, before)| u64::from(after - before));
    let wear: Vec<u64> = wear.collect();
    let (spares, flash) = wear.split_at(FIRST as usize);
    let writes = |times: &[u64]| times.iter().sum::<u64>() as f64 / PUNCHES as f64;
    assert!((5.4..5.6).contains(&writes(&wear)), "{}", writes(&wear));
    assert!((2.9..3.1).contains(&writes(spares)), "{}", writes(spares));
    // Five writes of each block of the flash for each turn: two punches, two receipts, the erasure.
    let turns = PUNCHES.div_ceil(slots);
    let most = |times: &[u64]| times.iter().copied().max().unwrap();
    assert!(most(flash) <= 5 * turns, "{} {turns}", most(flash));
    let ten_years = |most: u64| most * PUNCHES_IN_TEN_YEARS / PUNCHES;
    assert!((43_000..47_000).contains(&ten_years(most(spares))), "{}", ten_years(most(spares)));
    let of_flash = 5 * PUNCHES_IN_TEN_YEARS.div_ceil(slots);
    assert!((17_500..17_900).contains(&of_flash), "{of_flash}");
    assert!(ten_years(most(spares)).max(of_flash) < CYCLES);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Power fails in any write of any block; what was stored and has no receipt is there.
    #[test]
    fn no_stored_punch_is_lost_to_a_torn_block(
        cuts in prop::collection::vec((1u64..60, 0usize..24), 1..12), seed: u64,
    ) {
        let (mut card, mut waiting) = (formatted(), BTreeMap::new());
        card.seed(seed);
        for (writes, receipts) in cuts {
            card.cut_after(writes);
            work(&mut card, receipts, &mut waiting);
            card.power_on();
            let mut queue = open(&mut card).expect("the card opens after any cut");
            let mut buf = [0; SLOT];
            for (stamp, tell) in &waiting {
                let found = queue.read(*stamp, &mut buf).map(|found| found.at.seconds);
                prop_assert_eq!(found, Some(*tell), "{:?}", stamp);
            }
        }
    }

    #[test]
    fn no_boot_number_is_given_out_twice(
        cuts in prop::collection::vec(0u64..12, 1..300), seed: u64,
    ) {
        let (mut card, mut last) = (formatted(), 0);
        card.seed(seed);
        for cut in cuts {
            card.cut_after(cut);
            if let Ok(mut flash) = CardFlash::open(&mut card) {
                while let Ok(number) = boot::raise(&mut flash, 0) {
                    prop_assert!(number > last);
                    last = number;
                }
            }
            card.power_on();
        }
        let mut flash = CardFlash::open(&mut card).unwrap();
        prop_assert!(boot::raise(&mut flash, 0).is_ok_and(|number| number > last));
    }
}
