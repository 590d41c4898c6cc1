//! A box that holds the right keys and means ill.

use super::*;
use muster_proto::message::{
    Command, Grounds, Method, Order, Outcome, Reason, Receipt, ReceiptResult, Settings,
};
use proptest::prelude::*;

/// What such a box says: any task, order or receipt, sealed as it should be.
#[derive(Clone, Debug)]
enum Says {
    Task {
        job: u8,
        page: u16,
        offset: u16,
        grounds: u8,
        part: Vec<u8>,
    },
    Resend {
        from: (u32, u64),
        to: (u32, u64),
    },
    CheckClock,
    Identify(u8),
    Receipt {
        boot: u32,
        seq: u64,
        box_ms: i64,
    },
    Welcome {
        boot: u32,
        seq: u64,
        box_ms: i64,
        offset: i16,
    },
    /// Another epoch from now on.
    Epoch(u32),
}

fn says() -> impl Strategy<Value = Says> {
    let stamp = || (0u32..4, 0u64..60);
    prop_oneof![
        6 => (0u8..12, 0u16..40, any::<u16>(), 0u8..8, prop::collection::vec(any::<u8>(), 1..88))
            .prop_map(|(job, page, offset, grounds, part)| Says::Task {
                job, page, offset, grounds, part
            }),
        1 => (stamp(), stamp()).prop_map(|(from, to)| Says::Resend { from, to }),
        1 => Just(Says::CheckClock),
        1 => any::<u8>().prop_map(Says::Identify),
        2 => (0u32..4, any::<u64>(), any::<i64>())
            .prop_map(|(boot, seq, box_ms)| Says::Receipt { boot, seq, box_ms }),
        2 => (0u32..4, 0u64..6, any::<i64>(), -1440i16..=1440)
            .prop_map(|(boot, seq, box_ms, offset)| Says::Welcome { boot, seq, box_ms, offset }),
        1 => any::<u32>().prop_map(Says::Epoch),
    ]
}

fn job<'a>(number: u8, page: u16, offset: u16, grounds: u8, part: &'a [u8]) -> Job<'a> {
    let user = "00017";
    let bit = |at: u8| grounds >> at & 1 == 1;
    let all = Grounds { notice: bit(0), basis: bit(1), age: bit(2) };
    match number {
        0 => Job::Configure(Settings { pins: bit(0), pin_tries: 1, lock_seconds: offset.max(1) }),
        1 => Job::PutUser { number: user, page: Some(page), duress: Some(offset), pin: None },
        2 => Job::RemoveUser { number: user },
        3 => Job::EraseFingers { number: user },
        4 => Job::Enrol { number: user, page, grounds: all },
        5 => Job::EnrolPin { number: user, salt: SALTED },
        6 => Job::ReadTemplate { page, offset },
        7 => Job::WriteTemplate { number: user, page, grounds: all, total: 99, offset, part },
        8 => Job::BeginUpdate { head: &[7; 112] },
        9 => Job::UpdatePart { offset: offset.into(), part },
        10 => Job::EndUpdate,
        _ => Job::SetPin { number: user, pin: None },
    }
}

impl Bench {
    fn hear(&mut self, says: &Says, epoch: &mut u32) {
        let (_, count) = self.stamp();
        let epoch_now = *epoch;
        match says {
            Says::Epoch(next) => *epoch = next.saturating_add(1),
            Says::Task { job: number, page, offset, grounds, part } => {
                self.tasks += 1;
                let job = job(*number, *page, *offset, *grounds, part);
                self.seal(&Task { epoch: epoch_now, count, id: self.tasks, job });
            }
            Says::Resend { from, to } => {
                let stamp = |(boot, seq): (u32, u64)| Stamp { boot, seq };
                let order = Order::Resend { from: stamp(*from), to: stamp(*to) };
                self.seal(&Command { epoch: epoch_now, count, order });
            }
            Says::CheckClock => {
                self.seal(&Command { epoch: epoch_now, count, order: Order::CheckClock });
            }
            Says::Identify(seconds) => {
                let order = Order::Identify { seconds: *seconds };
                self.seal(&Command { epoch: epoch_now, count, order });
            }
            Says::Receipt { boot, seq, box_ms } => {
                let punch = Stamp { boot: *boot, seq: *seq };
                let (result, reason) = (ReceiptResult::Stored, Reason::None);
                let box_ms = *box_ms;
                self.seal(&Receipt { epoch: epoch_now, count, punch, result, reason, box_ms });
            }
            Says::Welcome { boot, seq, box_ms, offset } => {
                let hello = Stamp { boot: *boot, seq: *seq };
                let (box_ms, offset_minutes) = (*box_ms, *offset);
                self.seal(&Welcome { epoch: epoch_now, count, hello, box_ms, offset_minutes });
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// It can manage the terminal, as any box can. But it invents no punch, restarts nothing,
    /// puts in no finger without grounds, and no template passes the wire in the clear.
    #[test]
    fn it_invents_nothing_and_sees_no_template_in_the_clear(
        said in prop::collection::vec(says(), 1..40)
    ) {
        let mut bench = Bench::new();
        bench.run(500);
        bench.put("00017", Some(17), None);
        let (boot, mut epoch) = (bench.m1.boot(), 1);
        let template = FingerModule::template(17);
        let no_grounds = said.iter().all(|says| match says {
            Says::Task { job: 4 | 7, grounds, .. } => *grounds != 7,
            _ => true,
        });
        for says in &said {
            bench.hear(says, &mut epoch);
            bench.run(60);
        }
        bench.run(2_000);
        prop_assert_eq!((bench.m1.counts().stored, bench.m1.waiting(), bench.m1.boot()), (0, 0, boot));
        prop_assert!(!bench.manager.wants_restart());
        let known: Vec<_> = bench.module.pages().filter(|page| ![3, 17].contains(page)).collect();
        prop_assert!(known.is_empty() || !no_grounds, "{:?} without grounds", known);
        let clear = template.windows(8).any(|part| bench.wire.windows(8).any(|w| w == part));
        prop_assert!(!clear, "a template in the clear");
        // And it still takes punches.
        let punch = bench.m1.punch(bench.now, Some("00018"), Method::Card, Outcome::Granted, None, &[]);
        prop_assert!(punch.is_ok());
    }

    /// The right keys of another site: nothing is done at all.
    #[test]
    fn from_another_site_it_has_nothing_done(said in prop::collection::vec(says(), 1..40)) {
        let mut bench = Bench::at("mo-hq", "hk-shop");
        bench.run(500);
        let mut epoch = 1;
        for says in &said {
            bench.hear(says, &mut epoch);
            bench.run(60);
        }
        bench.run(1_000);
        prop_assert!(bench.reports.is_empty() && bench.manager.users.is_empty());
        prop_assert!(bench.module.pages().eq([3, 17]));
        prop_assert!(bench.manager.template.as_bytes().is_empty());
    }
}

/// A time outside the years that punches are stored with would stop the terminal.
#[test]
fn a_time_that_cannot_be_is_not_set() {
    // The last, in 2030, can be: so the others were not set for what they are.
    let times = [i64::MAX, 4_102_444_800_000, 1, 946_684_800_000, 1_893_456_000_000];
    for (at, box_ms) in times.into_iter().enumerate() {
        let mut bench = Bench::new();
        bench.run(500);
        let before = bench.m1.read_clock(bench.now).at.seconds;
        let says = Says::Welcome { boot: bench.m1.boot(), seq: 2, box_ms, offset: 0 };
        bench.hear(&Says::CheckClock, &mut 1);
        bench.run(12);
        bench.outbox.clear();
        bench.hear(&says, &mut 1);
        bench.run(200);
        let after = bench.m1.read_clock(bench.now).at.seconds;
        let as_before = (before..before + 5).contains(&after);
        assert_eq!(as_before, at < times.len() - 1, "{box_ms}: {after}");
    }
}
