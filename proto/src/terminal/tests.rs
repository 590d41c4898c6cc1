use super::*;
use crate::frame::{MAX_WIRE, wire_len};
use crate::host::{Host, Turn};
use crate::message::{CheckIn, Command, Kind, Message};
use crate::message::{Direction, Evidences, Method, Outcome, Reason, ReceiptResult};
use crate::seal::{Header, Sealed};
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};
use std::vec;
use std::vec::Vec;

const SECRET: [u8; 32] = [9; 32];
const ABOUT: About<'_> = About {
    device: DeviceKind::M1,
    clock: ClockState::Ok,
    at: LocalTime { seconds: 1_796_086_771, offset_minutes: 480 },
    firmware: "test",
};

/// Punches and whether each is receipted.
#[derive(Default)]
struct Shelf(BTreeMap<Stamp, bool>);

impl Queue for Shelf {
    fn next(&mut self, after: Stamp, which: Which) -> Option<Stamp> {
        let mut above = self.0.iter().filter(|(s, _)| **s > after);
        above.find(|(_, done)| which == Which::Kept || !**done).map(|(s, _)| *s)
    }

    fn read<'b>(&mut self, stamp: Stamp, buf: &'b mut [u8]) -> Option<CheckIn<'b>> {
        self.0.get(&stamp)?;
        buf[..5].copy_from_slice(b"00017");
        Some(CheckIn {
            boot: stamp.boot,
            seq: stamp.seq,
            person: core::str::from_utf8(&buf[..5]).ok(),
            at: ABOUT.at,
            method: Method::Fingerprint,
            outcome: Outcome::Granted,
            direction: Some(Direction::In),
            live: false,
            clock: ClockState::Ok,
            evidence: Evidences::new(),
            unknown_fields: 0,
        })
    }

    fn receipted(&mut self, stamp: Stamp) {
        if let Some(done) = self.0.get_mut(&stamp) {
            *done = true;
        }
    }

    fn backlog(&mut self) -> Backlog {
        let waiting = self.0.values().filter(|done| !**done).count() as u32;
        Backlog { next_seq: 1, oldest: self.next(Stamp::default(), Which::Waiting), waiting }
    }
}

/// A terminal with its queue.
struct M1 {
    link: Link<256, 256>,
    shelf: Shelf,
    events: Vec<Event>,
}

impl M1 {
    fn new(address: u8, name: &str, boot: u32) -> Self {
        let keys = Keys::derive(&SECRET, name).unwrap();
        Self { link: Link::new(address, keys, boot), shelf: Shelf::default(), events: Vec::new() }
    }

    fn punch(&mut self, boot: u32, seq: u64) {
        self.shelf.0.insert(Stamp { boot, seq }, false);
    }

    fn hear(&mut self, now: u64, mut rx: &[u8]) -> Vec<u8> {
        while !rx.is_empty() {
            let (taken, event) = self.link.receive(now, rx, &mut self.shelf);
            rx = &rx[taken..];
            self.events.extend(event);
        }
        let mut tx = vec![0; wire_len(256 + 65)];
        let len = self.link.speak(now, &ABOUT, &mut self.shelf, &mut tx);
        tx.truncate(len);
        tx
    }
}

/// A box with a plain memory: opens what comes and queues the answers.
struct TheBox {
    keys: Keys,
    epoch: u32,
    count: u64,
    got: Vec<(Stamp, bool)>,
    hellos: u32,
    outbox: VecDeque<Vec<u8>>,
    result: ReceiptResult,
}

impl TheBox {
    fn new(name: &str, epoch: u32) -> Self {
        let keys = Keys::derive(&SECRET, name).unwrap();
        let (got, outbox) = (Vec::new(), VecDeque::new());
        Self { keys, epoch, count: 0, got, hellos: 0, outbox, result: ReceiptResult::Stored }
    }

    fn put<'m, M: Message<'m>>(&mut self, message: &M) {
        let mut out = vec![0; 256];
        let len = self.keys.seal(message, &mut out).unwrap();
        out.truncate(len);
        self.outbox.push_back(out);
    }

    fn next(&mut self) -> (u32, u64) {
        self.count += 1;
        (self.epoch, self.count)
    }

    fn order(&mut self, order: Order) {
        let (epoch, count) = self.next();
        self.put(&Command { epoch, count, order });
    }

    fn take(&mut self, sealed: &mut [u8]) {
        if Header::peek(sealed).unwrap().kind == Kind::Hello {
            let hello = Sealed::<Hello<'_>>::parse(sealed).unwrap().open(&self.keys).unwrap();
            let answered = Stamp { boot: hello.boot, seq: hello.count };
            self.hellos += 1;
            return self.welcome(answered);
        }
        let punch = Sealed::<CheckIn<'_>>::parse(sealed).unwrap().open(&self.keys).unwrap();
        let (stamp, live) = (punch.stamp(), punch.live);
        self.got.push((stamp, live));
        let (epoch, count) = self.next();
        let (result, reason) = (self.result, Reason::None);
        self.put(&Receipt { epoch, count, punch: stamp, result, reason, box_ms: 5 });
    }

    fn welcome(&mut self, hello: Stamp) {
        let (epoch, count) = self.next();
        self.put(&Welcome { epoch, count, hello, box_ms: 1_000, offset_minutes: 60 });
    }
}

/// One line with terminals and boxes by address, bytes passing through `spoil`.
struct Line {
    now: u64,
    host: Host,
    ends: Vec<(u8, M1, TheBox)>,
}

impl Line {
    fn new(ends: Vec<(u8, M1, TheBox)>) -> Self {
        let addresses: Vec<u8> = (1..=4).collect();
        Self { now: 0, host: Host::new(&addresses, 115_200).unwrap(), ends }
    }

    fn one(m1: M1, the_box: TheBox) -> Self {
        Self::new(vec![(1, m1, the_box)])
    }

    /// Runs the line for `ms`, in jumps from one thing to do to the next.
    fn run(&mut self, ms: u64, mut spoil: impl FnMut(&mut Vec<u8>)) {
        let end = self.now + ms;
        while self.now < end {
            match self.host.turn(self.now) {
                Turn::Wait { until_ms } => self.now = until_ms.max(self.now + 1).min(end),
                Turn::Speak { address } => self.speak(address, &mut spoil),
            }
        }
    }

    fn speak(&mut self, address: u8, spoil: &mut impl FnMut(&mut Vec<u8>)) {
        let mut tx = vec![0; MAX_WIRE];
        let end = self.ends.iter_mut().find(|e| e.0 == address);
        let message = end.and_then(|(_, m1, b)| {
            let name = std::string::String::from(m1.link.keys.name());
            b.outbox.pop_front().map(|sealed| (name, sealed))
        });
        let borrowed = message.as_ref().map(|(name, sealed)| (name.as_str(), sealed.as_slice()));
        let len = self.host.speak(self.now, address, borrowed, &mut tx).unwrap();
        tx.truncate(len);
        self.now += line::wire_ms(len, 115_200);
        spoil(&mut tx);
        // All terminals on the line hear it, and each other.
        let now = self.now;
        let mut said = Vec::new();
        for (_, m1, _) in &mut self.ends {
            said.extend(m1.hear(now, &tx));
        }
        self.now += line::wire_ms(said.len(), 115_200);
        spoil(&mut said);
        let mut rx = said.as_slice();
        while !rx.is_empty() {
            let (taken, received) = self.host.receive(self.now, rx);
            rx = &rx[taken..];
            let Some(received) = received else { continue };
            let end = self.ends.iter_mut().find(|e| e.2.keys.name() == received.device);
            end.unwrap().2.take(received.sealed);
        }
        for (_, m1, _) in &mut self.ends {
            assert_eq!(m1.hear(self.now, &said), b"", "a terminal spoke unasked");
        }
    }

    fn m1(&mut self) -> &mut M1 {
        &mut self.ends[0].1
    }

    fn the_box(&mut self) -> &mut TheBox {
        &mut self.ends[0].2
    }
}

fn clean(_: &mut Vec<u8>) {}

#[test]
fn backlog_then_live_in_order_and_all_receipted() {
    let mut m1 = M1::new(1, "m1", 5);
    (1..=40).for_each(|seq| m1.punch(4, seq));
    let mut line = Line::one(m1, TheBox::new("m1", 1));
    line.run(2_000, clean);
    let now = line.now;
    line.m1().punch(5, 1);
    line.m1().link.punched(1, now);
    line.run(200, clean);
    let mut expect: Vec<_> = (1..=40).map(|seq| (Stamp { boot: 4, seq }, false)).collect();
    expect.push((Stamp { boot: 5, seq: 1 }, true));
    assert_eq!(line.the_box().got, expect);
    assert_eq!(line.the_box().hellos, 1);
    assert_eq!(line.m1().shelf.backlog().waiting, 0);
    assert_eq!(line.m1().link.in_flight(), 0);
    let welcome = line.m1().events[0];
    assert!(
        matches!(welcome, Event::Welcome { box_ms: 1_000, offset_minutes: 60, held_ms } if held_ms < 1_000)
    );
}

#[test]
fn a_punch_is_receipted_within_40_ms_at_115200_baud() {
    let mut line = Line::one(M1::new(1, "m1-north-gate", 1), TheBox::new("m1-north-gate", 1));
    line.run(5_000, clean);
    let mut took = Vec::new();
    for seq in 1..=100 {
        line.run(137 + seq, clean);
        let made = line.now;
        line.m1().punch(1, seq);
        while line.m1().shelf.backlog().waiting > 0 {
            line.run(1, clean);
        }
        took.push(line.now - made);
    }
    took.sort_unstable();
    assert!(took[50] < 40, "median {} ms, worst {} ms", took[50], took[99]);
}

#[test]
fn several_terminals_share_a_line() {
    let ends = [(1, "m1"), (2, "second"), (4, "fourth")];
    let mut line = Line::new(
        ends.map(|(a, name)| {
            let mut m1 = M1::new(a, name, 1);
            (1..=20).for_each(|seq| m1.punch(1, seq));
            (a, m1, TheBox::new(name, 1))
        })
        .into(),
    );
    line.run(5_000, clean);
    for (_, m1, the_box) in &mut line.ends {
        assert_eq!(m1.shelf.backlog().waiting, 0);
        assert_eq!(the_box.got.len(), 20);
    }
    let present: Vec<_> = line.host.terminals().collect();
    assert_eq!(present, [(1, true), (2, true), (3, false), (4, true)]);
}

#[test]
fn busy_is_tried_again_and_refused_is_not() {
    let mut m1 = M1::new(1, "m1", 1);
    m1.punch(1, 1);
    let mut line = Line::one(m1, TheBox::new("m1", 1));
    line.the_box().result = ReceiptResult::Busy;
    line.run(10_000, clean);
    let tries = line.the_box().got.len();
    assert!((3..=5).contains(&tries), "{tries}");
    line.the_box().result = ReceiptResult::Refused;
    line.run(120_000, clean);
    assert_eq!(line.the_box().got.len(), tries + 1);
    assert_eq!(line.m1().shelf.backlog().waiting, 0);
}

#[test]
fn a_range_is_sent_again_on_command() {
    let mut m1 = M1::new(1, "m1", 2);
    (1..=30).for_each(|seq| m1.punch(1, seq));
    let mut line = Line::one(m1, TheBox::new("m1", 1));
    line.run(3_000, clean);
    line.the_box().got.clear();
    let (from, to) = (Stamp { boot: 1, seq: 10 }, Stamp { boot: 1, seq: 25 });
    line.the_box().order(Order::Resend { from, to });
    line.the_box().order(Order::Identify { seconds: 3 });
    line.run(3_000, clean);
    let got: Vec<_> = line.the_box().got.iter().map(|(s, _)| s.seq).collect();
    assert_eq!(got, (10..=25).collect::<Vec<_>>());
    assert!(line.m1().events.contains(&Event::Identify { seconds: 3 }));
}

#[test]
fn nothing_is_believed_before_a_welcome_for_this_boot() {
    // A recording of all that the box said to the terminal's boot 1...
    let mut m1 = M1::new(1, "m1", 1);
    m1.punch(1, 1);
    let mut line = Line::one(m1, TheBox::new("m1", 1));
    let mut recording = Vec::new();
    line.run(1_000, |bytes| recording.push(bytes.clone()));
    assert_eq!(line.m1().shelf.backlog().waiting, 0);
    // ...played to its boot 2, which holds a punch that the box has lost.
    let mut victim = M1::new(1, "m1", 2);
    victim.punch(1, 1);
    for (now, bytes) in (0..).zip(&recording) {
        victim.hear(now, bytes);
    }
    assert_eq!(victim.shelf.backlog().waiting, 1);
    assert!(victim.events.is_empty() && victim.link.counts().replayed > 0);
}

#[test]
fn a_repeated_message_is_acted_on_once() {
    let mut line = Line::one(M1::new(1, "m1", 1), TheBox::new("m1", 1));
    line.run(1_000, clean);
    line.the_box().order(Order::Identify { seconds: 9 });
    let again = line.the_box().outbox[0].clone();
    line.the_box().outbox.push_back(again);
    line.run(1_000, clean);
    let identify = |e: &&Event| matches!(e, Event::Identify { .. });
    assert_eq!(line.m1().events.iter().filter(identify).count(), 1);
    assert_eq!(line.m1().link.counts().replayed, 1);
}

#[test]
fn a_restarted_box_gets_what_was_under_way_at_once() {
    let mut m1 = M1::new(1, "m1", 1);
    (1..=3).for_each(|seq| m1.punch(1, seq));
    let mut line = Line::one(m1, TheBox::new("m1", 7));
    line.the_box().result = ReceiptResult::Busy;
    line.run(60_000, clean);
    *line.the_box() = TheBox::new("m1", 8);
    line.the_box().order(Order::CheckClock);
    line.run(1_000, clean);
    assert_eq!(line.the_box().got.len(), 3);
    assert_eq!(line.the_box().hellos, 1);
}

#[test]
fn receipts_that_came_before_the_welcome_are_made_up_for_at_once() {
    let mut m1 = M1::new(1, "m1", 1);
    (1..=3).for_each(|seq| m1.punch(1, seq));
    let mut line = Line::one(m1, TheBox::new("m1", 1));
    // The Hello is lost, and the punches' receipts are not believed without a Welcome.
    let mut said = 0;
    line.run(HELLO_MS - 200, |bytes| {
        said += 1;
        if said == 2 {
            bytes.clear();
        }
    });
    assert_eq!((line.the_box().hellos, line.m1().shelf.backlog().waiting), (0, 3));
    line.run(400, clean);
    assert_eq!((line.the_box().hellos, line.m1().shelf.backlog().waiting), (1, 0));
}

#[test]
fn a_lost_link_comes_back_with_a_hello() {
    let mut line = Line::one(M1::new(1, "m1", 1), TheBox::new("m1", 1));
    line.run(1_000, clean);
    line.run(3_600_000, |bytes| bytes.clear());
    assert!(!line.ends[0].1.link.is_up(line.now));
    line.m1().punch(1, 1);
    line.run(15_000, clean);
    assert_eq!(line.the_box().got.len(), 1);
    assert_eq!(line.the_box().hellos, 2);
}

#[test]
fn a_late_welcome_says_how_late() {
    let mut m1 = M1::new(1, "m1", 1);
    let mut host = Host::new(&[1], 115_200).unwrap();
    let mut tx = vec![0; MAX_WIRE];
    let len = host.speak(0, 1, None, &mut tx).unwrap();
    assert!(!m1.hear(0, &tx[..len]).is_empty());
    let mut the_box = TheBox::new("m1", 1);
    the_box.welcome(Stamp { boot: 1, seq: 1 });
    let sealed = the_box.outbox.pop_front().unwrap();
    let len = host.speak(9_000, 1, Some(("m1", &sealed)), &mut tx).unwrap();
    m1.hear(9_000, &tx[..len]);
    let expect = Event::Welcome { box_ms: 1_000, offset_minutes: 60, held_ms: 9_000 };
    assert_eq!(m1.events, [expect]);
}

#[test]
fn addresses_are_checked() {
    use crate::host::AddressError;
    let all: Vec<u8> = (0..=247).collect();
    for (addresses, expect) in [
        (&[248][..], AddressError::Reserved(248)),
        (&[1, 2, 1], AddressError::Twice(1)),
        (&all, AddressError::TooMany),
    ] {
        assert_eq!(Host::new(addresses, 9_600).err(), Some(expect));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever the line does for a while, every punch arrives, and all are receipted in the end.
    #[test]
    fn a_bad_line_loses_nothing(
        punches in 1u64..40,
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0u8..4), 1..60),
    ) {
        let mut m1 = M1::new(1, "m1", 1);
        (1..=punches).for_each(|seq| m1.punch(1, seq));
        let mut line = Line::one(m1, TheBox::new("m1", 1));
        let mut damage = damage.into_iter();
        line.run(60_000, |bytes| match damage.next() {
            Some((_, 0)) => bytes.clear(),
            Some((at, 1)) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] ^= 0x41;
            }
            Some((at, 2)) => bytes.truncate(at.index(bytes.len() + 1)),
            _ => {}
        });
        line.run(60_000, clean);
        prop_assert_eq!(line.m1().shelf.backlog().waiting, 0);
        let mut got: Vec<_> = line.the_box().got.iter().map(|(s, _)| s.seq).collect();
        got.sort_unstable();
        got.dedup();
        prop_assert_eq!(got, (1..=punches).collect::<Vec<_>>());
    }

    /// Noise on the line makes neither end panic, speak out of turn, or take something for real.
    #[test]
    fn noise_does_nothing(noise in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut m1 = M1::new(1, "m1", 1);
        let mut host = Host::new(&[1], 115_200).unwrap();
        prop_assert_eq!(m1.hear(0, &noise), b"");
        prop_assert!(m1.events.is_empty());
        let mut rx = noise.as_slice();
        while !rx.is_empty() {
            let (taken, received) = host.receive(0, rx);
            prop_assert!(received.is_none() && taken > 0);
            rx = &rx[taken..];
        }
    }
}
