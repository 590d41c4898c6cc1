mod drain;

use super::*;
use crate::sim::RamFlash;
use muster_proto::message::{
    ClockState, Direction, Evidence, EvidenceKind, Evidences, LocalTime, Method, Outcome,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const SLOT: usize = 256;
/// Two sectors for the boot number, three for 48 punches.
const SECTORS: usize = 5;
type Flash = FlashQueue<RamFlash, SLOT>;

fn keys() -> Keys {
    Keys::derive(&[3; 32], "m1").unwrap()
}

fn open(flash: RamFlash) -> Flash {
    FlashQueue::open(flash, keys()).unwrap()
}

/// A punch that can be told from others by `tell`.
fn punch(tell: u64, person: &str) -> CheckIn<'_> {
    CheckIn {
        boot: 0,
        seq: 0,
        person: Some(person),
        at: LocalTime { seconds: tell as i64, offset_minutes: 480 },
        method: Method::Fingerprint,
        outcome: Outcome::Granted,
        direction: Some(Direction::In),
        live: true,
        clock: ClockState::Ok,
        evidence: Evidences::new(),
        unknown_fields: 0,
    }
}

fn all(queue: &mut Flash, which: Which) -> Vec<(Stamp, u64)> {
    let (mut after, mut found) = (Stamp::default(), Vec::new());
    while let Some(stamp) = queue.next(after, which) {
        let mut buf = [0; SLOT];
        let read = queue.read(stamp, &mut buf).expect("what is listed can be read");
        assert_eq!(read.stamp(), stamp);
        found.push((stamp, read.at.seconds as u64));
        after = stamp;
    }
    found
}

#[test]
fn punches_come_back_as_they_went_in() {
    let mut queue = open(RamFlash::new(SECTORS));
    let pieces = [Evidence { kind: EvidenceKind::Score, media: "text/plain", data: b"93" }];
    let evidence = Evidences::from_slice(&pieces).unwrap();
    let stamp = queue.push(CheckIn { evidence: evidence.clone(), ..punch(7, "00017") }).unwrap();
    assert_eq!(stamp, Stamp { boot: 1, seq: 1 });
    let mut queue = open(queue.into_flash());
    let mut buf = [0; SLOT];
    let read = queue.read(stamp, &mut buf).unwrap();
    let expect = CheckIn { boot: 1, seq: 1, live: false, evidence, ..punch(7, "00017") };
    assert!(read == expect);
    assert_eq!(queue.boot(), 2);
}

#[test]
fn flash_holds_nothing_in_clear() {
    let mut queue = open(RamFlash::new(SECTORS));
    let data = b"a template that nobody may read";
    let pieces = [Evidence { kind: EvidenceKind::FingerprintTemplate, media: "", data }];
    let evidence = Evidences::from_slice(&pieces).unwrap();
    queue.push(CheckIn { evidence, ..punch(7, "someone@work") }).unwrap();
    let flash = queue.into_flash();
    for secret in [&b"a template"[..], b"someone@work"] {
        assert!(!flash.bytes().windows(secret.len()).any(|w| w == secret));
    }
}

#[test]
fn a_full_queue_says_so_and_takes_again_after_receipts() {
    let mut queue = open(RamFlash::new(SECTORS));
    for tell in 0..48 {
        queue.push(punch(tell, "1")).unwrap();
    }
    assert_eq!(queue.push(punch(48, "1")), Err(PushError::Full));
    assert_eq!(queue.waiting(), 48);
    let waiting = all(&mut queue, Which::Waiting);
    // All of the oldest sector but one: still full.
    for (stamp, _) in &waiting[1..16] {
        queue.receipted(*stamp);
    }
    assert_eq!(queue.push(punch(48, "1")), Err(PushError::Full));
    queue.receipted(waiting[0].0);
    assert_eq!(queue.push(punch(48, "1")), Ok(Stamp { boot: 1, seq: 49 }));
    let left: Vec<_> = all(&mut queue, Which::Waiting).iter().map(|(_, tell)| *tell).collect();
    assert_eq!(left, (16..=48).collect::<Vec<_>>());
}

#[test]
fn receipted_punches_are_kept_until_room_is_needed() {
    let mut queue = open(RamFlash::new(SECTORS));
    for tell in 0..40 {
        let stamp = queue.push(punch(tell, "1")).unwrap();
        queue.receipted(stamp);
    }
    let mut queue = open(queue.into_flash());
    assert_eq!(all(&mut queue, Which::Waiting), []);
    assert_eq!(all(&mut queue, Which::Kept).len(), 40);
    for tell in 40..64 {
        queue.push(punch(tell, "1")).unwrap();
    }
    let kept: Vec<_> = all(&mut queue, Which::Kept).iter().map(|(_, tell)| *tell).collect();
    assert_eq!(kept, (16..64).collect::<Vec<_>>());
    let boots: Vec<_> = all(&mut queue, Which::Kept).iter().map(|(s, _)| s.boot).collect();
    assert_eq!((boots[0], boots[47]), (1, 2));
}

#[test]
fn receipts_for_what_is_not_there_do_nothing() {
    let mut queue = open(RamFlash::new(SECTORS));
    let stamp = queue.push(punch(1, "1")).unwrap();
    for other in [Stamp { boot: 1, seq: 2 }, Stamp { boot: 0, seq: 0 }, Stamp { boot: 9, seq: 1 }] {
        queue.receipted(other);
    }
    assert_eq!(queue.waiting(), 1);
    queue.receipted(stamp);
    queue.receipted(stamp);
    assert_eq!(queue.waiting(), 0);
}

#[test]
fn too_large_a_punch_is_refused_and_spends_nothing() {
    let mut queue = open(RamFlash::new(SECTORS));
    let pieces = [Evidence { kind: EvidenceKind::FingerprintTemplate, media: "", data: &[1; 256] }];
    let evidence = Evidences::from_slice(&pieces).unwrap();
    let refused = queue.push(CheckIn { evidence, ..punch(1, "1") });
    assert_eq!(refused, Err(PushError::Punch(EncodeError::NoRoom)));
    assert_eq!(queue.push(punch(1, "1")), Ok(Stamp { boot: 1, seq: 1 }));
}

#[test]
fn a_broken_sector_is_passed_over() {
    let mut flash = RamFlash::new(SECTORS + 1);
    flash.break_sector(3);
    let mut queue = open(flash);
    for tell in 0..200 {
        let stamp = queue.push(punch(tell, "1")).unwrap();
        queue.receipted(stamp);
    }
    assert!(queue.counts().failed_writes > 0);
    let mut queue = open(queue.into_flash());
    assert_eq!(all(&mut queue, Which::Kept).last().map(|(_, tell)| *tell), Some(199));
}

#[test]
fn geometry_is_checked() {
    fn check<const S: usize>(sectors: usize, fits: bool) {
        let opened = FlashQueue::<_, S>::open(RamFlash::new(sectors), keys());
        assert_eq!(opened.err(), (!fits).then_some(OpenError::Geometry), "{S} {sectors}");
    }
    check::<256>(4, true);
    check::<256>(3, false);
    check::<256>(0, false);
    check::<4096>(4, true);
    check::<8192>(8, false);
    check::<252>(4, false);
    check::<16>(4, false);
}

/// Ten years at 2,000 punches a day on a part of 100,000 erase cycles, with the queue on 1 MiB:
/// 7.3 million punches over 254 sectors of 16 slots are 1,797 erasures of each sector. The count
/// here shows that the queue erases once per 16 punches and wears all sectors alike.
#[test]
fn wear_is_level() {
    let mut queue = open(RamFlash::new(18));
    let punches: u32 = 16 * 16 * 12;
    for tell in 0..punches {
        let stamp = queue.push(punch(tell.into(), "1")).unwrap();
        queue.receipted(stamp);
    }
    assert_eq!(queue.counts().erases, punches / 16);
    let flash = queue.into_flash();
    let worn = &flash.wear()[boot::SECTORS..];
    assert!(worn.iter().all(|&w| w == 12), "{worn:?}");
    let ten_years = 10 * 365 * 2_000u64;
    let sectors = (1 << 20) / 4096 - boot::SECTORS as u64;
    let erases = ten_years.div_ceil(16).div_ceil(sectors);
    // As the module's documentation has it.
    assert_eq!(erases, 1_797);
}

/// Every byte of a round of the ring, one after the other: the power goes just there, in a write,
/// in a receipt's mark or in an erasure, and everything that was beeped for before is found.
#[test]
fn a_cut_at_every_byte_loses_nothing_beeped_for() {
    let mut cut = 0;
    loop {
        let mut flash = RamFlash::new(SECTORS);
        flash.seed(cut * 2 + 1);
        let mut queue = open(flash);
        // Most of the ring is used and receipted, so that the round comes to an erasure.
        for tell in 0..46 {
            let stamp = queue.push(punch(tell, "1")).unwrap();
            queue.receipted(stamp);
        }
        let mut beeped = Vec::new();
        queue.flash.cut_after(cut);
        for tell in 100..104 {
            beeped.extend(queue.push(punch(tell, "1")).ok().map(|stamp| (stamp, tell)));
        }
        if let Some((stamp, _)) = beeped.first().copied() {
            queue.receipted(stamp);
        }
        let all_done = !queue.flash.is_off();
        let mut queue = reopen(queue.into_flash(), 0);
        let found = all(&mut queue, Which::Waiting);
        for entry in beeped.iter().skip(1) {
            assert!(found.contains(entry), "cut after {cut} bytes: {entry:?} is gone");
        }
        assert!(found.len() <= beeped.len() + 1, "cut after {cut} bytes: a punch was invented");
        assert!(queue.push(punch(200, "1")).is_ok(), "cut after {cut} bytes");
        if all_done {
            break;
        }
        cut += if cut < 1_200 { 1 } else { 37 };
    }
    assert!(cut > 4_096, "the round came to no erasure");
}

#[derive(Clone, Debug)]
enum Act {
    Push,
    /// Receipt for the n-th waiting punch.
    Receipt(prop::sample::Index),
    Restart,
    /// Cut the power after so many bytes.
    Cut(u64),
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => Just(Act::Push),
        4 => any::<prop::sample::Index>().prop_map(Act::Receipt),
        1 => Just(Act::Restart),
        3 => (0u64..9_000).prop_map(|n| Act::Cut(n % 600)),
        1 => (0u64..9_000).prop_map(Act::Cut),
    ]
}

/// What must and what may be in the queue.
#[derive(Default)]
struct Model {
    /// Beeped for, with whether a receipt came.
    safe: BTreeMap<Stamp, (u64, bool)>,
    /// Not beeped for: the power went while it was stored.
    maybe: BTreeMap<Stamp, u64>,
    highest: Stamp,
}

impl Model {
    fn check(&mut self, queue: &mut Flash) {
        let found: BTreeMap<_, _> = all(queue, Which::Waiting).into_iter().collect();
        for (stamp, (tell, receipted)) in &self.safe {
            if !receipted {
                assert_eq!(found.get(stamp), Some(tell), "{stamp:?} was beeped for and is gone");
            }
        }
        for (stamp, tell) in &found {
            let known = self.safe.get(stamp).map(|(t, _)| t).or(self.maybe.get(stamp));
            assert_eq!(known, Some(tell), "{stamp:?} was never made");
        }
        assert_eq!(queue.waiting() as usize, found.len());
        assert!(queue.next_stamp() > self.highest, "a stamp would be used twice");
    }

    fn push(&mut self, queue: &mut Flash, tell: u64) {
        let stamp = queue.next_stamp();
        assert!(stamp > self.highest);
        match queue.push(punch(tell, "00017")) {
            Ok(pushed) => {
                assert_eq!(pushed, stamp);
                self.safe.insert(stamp, (tell, false));
                self.highest = stamp;
            }
            // The stamp was spent: something was written, though perhaps not all.
            Err(_) if queue.next_stamp() > stamp => {
                self.maybe.insert(stamp, tell);
            }
            Err(_) => {}
        }
    }

    fn receipt(&mut self, queue: &mut Flash, index: &prop::sample::Index) {
        let waiting: Vec<_> = self.safe.iter().filter(|(_, v)| !v.1).map(|(s, _)| *s).collect();
        if waiting.is_empty() {
            return;
        }
        let stamp = waiting[index.index(waiting.len())];
        queue.receipted(stamp);
        if let Some(entry) = self.safe.get_mut(&stamp) {
            entry.1 = true;
        }
    }
}

/// Opens the queue again, the power being cut some times while the boot number is raised.
fn reopen(mut flash: RamFlash, cuts: u64) -> Flash {
    for cut in 0..cuts {
        flash.power_on();
        flash.cut_after(cut * 7);
        let _ = boot::raise(&mut flash, 0);
    }
    flash.power_on();
    open(flash)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_punch_beeped_for_survives(acts in prop::collection::vec(any_act(), 1..250), seed: u64) {
        let mut flash = RamFlash::new(SECTORS);
        flash.seed(seed);
        let mut queue = open(flash);
        let mut model = Model::default();
        for (tell, act) in (1..).zip(&acts) {
            match act {
                Act::Push => model.push(&mut queue, tell),
                Act::Receipt(index) => model.receipt(&mut queue, index),
                Act::Restart => queue = reopen(queue.into_flash(), 0),
                Act::Cut(bytes) => queue.flash.cut_after(*bytes),
            }
            if queue.flash.is_off() {
                // What was not beeped for may be there or not; the person knows it did not count.
                queue = reopen(queue.into_flash(), seed % 3);
                model.check(&mut queue);
                let seen: BTreeMap<_, _> = all(&mut queue, Which::Kept).into_iter().collect();
                for (stamp, tell) in std::mem::take(&mut model.maybe) {
                    if seen.contains_key(&stamp) {
                        model.safe.insert(stamp, (tell, false));
                        model.highest = model.highest.max(stamp);
                    }
                }
            }
        }
        let mut queue = reopen(queue.into_flash(), 0);
        model.check(&mut queue);
    }

    #[test]
    fn no_flash_content_panics(noise in prop::collection::vec(any::<u8>(), 64), seed: u64) {
        let mut flash = RamFlash::new(SECTORS);
        flash.seed(seed);
        for (i, byte) in noise.iter().enumerate() {
            let at = (i * 331 % (SECTORS * 4096 / 4) * 4) as u32;
            let _ = flash.write(at, &[*byte, 0, *byte, 0xFF]);
        }
        if let Ok(mut queue) = FlashQueue::<_, SLOT>::open(flash, keys()) {
            prop_assert_eq!(all(&mut queue, Which::Kept).len(), 0);
            prop_assert!(queue.push(punch(1, "1")).is_ok());
        }
    }
}
