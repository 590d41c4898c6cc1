use super::*;
use crate::clock::{Ds1307, SoftClock};
use crate::serial;
use crate::sim::{ClockChip, Pin, RamFlash};
use embedded_io::{ErrorType, Read, ReadReady, Write};
use muster_proto::frame::{MAX_WIRE, wire_len};
use muster_proto::host::{Host, Turn};
use muster_proto::message::{Hello, Kind, Reason, Welcome};
use muster_proto::seal::{Header, Sealed};
use std::collections::VecDeque;

const SLOT: usize = 256;
const SECRET: [u8; 32] = [5; 32];
const BOX_MS: i64 = 1_796_086_771_000;
type Pins = Panel<Pin, Pin, Pin, Pin, Pin>;
type M1<C> = Terminal<RamFlash, C, Pins, SLOT>;

fn config() -> Config<'static> {
    let device = DeviceKind::M1;
    Config { address: 1, name: "m1", secret: &SECRET, device, firmware: "0.1.0" }
}

fn panel() -> (Pins, Pin) {
    let beeper = Pin::low();
    (Panel::new(beeper.clone(), Pin::low(), Pin::low(), Pin::high(), Pin::high()), beeper)
}

fn start<C: Clock>(flash: RamFlash, clock: C) -> (M1<C>, Pin) {
    let (panel, beeper) = panel();
    (Terminal::new(&config(), flash, clock, panel).unwrap(), beeper)
}

/// The two ends of a wire.
#[derive(Default)]
struct Wire {
    to_terminal: VecDeque<u8>,
    to_box: Vec<u8>,
}

impl ErrorType for Wire {
    type Error = embedded_io::ErrorKind;
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
        let len = buf.len().min(self.to_terminal.len());
        for (to, from) in buf.iter_mut().zip(self.to_terminal.drain(..len)) {
            *to = from;
        }
        Ok(len)
    }
}

impl ReadReady for Wire {
    fn read_ready(&mut self) -> Result<bool, Self::Error> {
        Ok(!self.to_terminal.is_empty())
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> {
        self.to_box.extend(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// A punch as the box read it: stamp, person, outcome, direction, live, clock, time.
type Got = (Stamp, Option<String>, Outcome, Option<Direction>, bool, ClockState, i64);

/// The box: receipts everything.
struct TheBox {
    host: Host,
    keys: Keys,
    count: u64,
    outbox: VecDeque<Vec<u8>>,
    got: Vec<Got>,
    evidence: Vec<Vec<u8>>,
    hellos: u32,
}

impl TheBox {
    fn new() -> Self {
        Self {
            host: Host::new(&[1], 115_200).unwrap(),
            keys: Keys::derive(&SECRET, "m1").unwrap(),
            count: 0,
            outbox: VecDeque::new(),
            got: Vec::new(),
            evidence: Vec::new(),
            hellos: 0,
        }
    }

    fn take(&mut self, now: u64, sealed: &mut [u8]) {
        self.count += 1;
        let (epoch, count, box_ms) = (1, self.count, BOX_MS + now as i64);
        let mut out = vec![0; 256];
        let len = if Header::peek(sealed).unwrap().kind == Kind::Hello {
            let hello = Sealed::<Hello<'_>>::parse(sealed).unwrap().open(&self.keys).unwrap();
            self.hellos += 1;
            let hello = Stamp { boot: hello.boot, seq: hello.count };
            let welcome = Welcome { epoch, count, hello, box_ms, offset_minutes: 480 };
            self.keys.seal(&welcome, &mut out).unwrap()
        } else {
            let p = Sealed::<CheckIn<'_>>::parse(sealed).unwrap().open(&self.keys).unwrap();
            let (punch, person) = (p.stamp(), p.person.map(String::from));
            let seconds = p.at.seconds;
            self.got.push((punch, person, p.outcome, p.direction, p.live, p.clock, seconds));
            self.evidence.extend(p.evidence.as_slice().iter().map(|e| e.data.to_vec()));
            let (result, reason) = (ReceiptResult::Stored, Reason::None);
            let receipt = Receipt { epoch, count, punch, result, reason, box_ms };
            self.keys.seal(&receipt, &mut out).unwrap()
        };
        out.truncate(len);
        self.outbox.push_back(out);
    }

    /// Runs box and terminal over the wire for `ms`.
    fn run<C: Clock>(&mut self, m1: &mut M1<C>, now: &mut u64, ms: u64) {
        let (mut wire, end) = (Wire::default(), *now + ms);
        while *now < end {
            if let Turn::Speak { address } = self.host.turn(*now) {
                let mut tx = vec![0; MAX_WIRE];
                let message = self.outbox.pop_front();
                let message = message.as_ref().map(|m| ("m1", m.as_slice()));
                let len = self.host.speak(*now, address, message, &mut tx).unwrap();
                wire.to_terminal.extend(&tx[..len]);
            }
            serial::step(m1, &mut wire, *now, &mut (), &mut [0; wire_len(SLOT + 65)]).unwrap();
            *now += 1;
            self.hear(*now, &std::mem::take(&mut wire.to_box));
        }
    }

    fn hear(&mut self, now: u64, mut rx: &[u8]) {
        while !rx.is_empty() {
            let (taken, received) = self.host.receive(now, rx);
            rx = &rx[taken..];
            let sealed = received.map(|r| r.sealed.to_vec());
            sealed.into_iter().for_each(|mut s| self.take(now, &mut s));
        }
    }
}

fn granted<C: Clock>(m1: &mut M1<C>, now: u64) -> Result<Stamp, PunchError> {
    m1.punch(now, Some("00017"), Method::Pin, Outcome::Granted, Some(Direction::In), &[])
}

#[test]
fn a_day_at_the_gate() {
    let (mut m1, _) = start(RamFlash::new(6), Ds1307::new(ClockChip::new()));
    let (mut the_box, mut now) = (TheBox::new(), 0);
    // Before the first Welcome the clock was never set.
    assert!(granted(&mut m1, now).is_ok());
    the_box.run(&mut m1, &mut now, 1_000);
    assert_eq!(the_box.got[0].5, ClockState::Unsure);
    assert_eq!((the_box.hellos, m1.waiting()), (1, 0));
    // Now it is set.
    let user = |page| (page == 17).then_some(User { number: "00017", duress: false });
    let finger = Finger::Match { page: 17, score: 88 };
    assert!(m1.finger(now, finger, user, &[]).is_some_and(|r| r.is_ok()));
    let forced = |_| Some(User { number: "00017", duress: true });
    assert!(m1.finger(now, finger, forced, &[]).is_some_and(|r| r.is_ok()));
    assert!(m1.finger(now, Finger::Unknown, user, &[]).is_some_and(|r| r.is_ok()));
    assert!(m1.finger(now, Finger::Unclear, user, &[]).is_none());
    the_box.run(&mut m1, &mut now, 1_000);
    let person = || Some(String::from("00017"));
    let seen: Vec<_> = the_box.got[1..].iter().map(|g| (g.1.clone(), g.2, g.4, g.5)).collect();
    let expect = [
        (person(), Outcome::Granted, true, ClockState::Ok),
        (person(), Outcome::Duress, true, ClockState::Ok),
        (None, Outcome::Denied, true, ClockState::Ok),
    ];
    assert_eq!(seen, expect);
    assert!((the_box.got[1].6 - BOX_MS / 1000).abs() <= 1);
    assert_eq!(the_box.evidence, [b"88", b"88"]);
    let expect = Counts { stored: 4, not_stored: 0, receipted: 4, refused: 0 };
    assert_eq!(m1.counts(), expect);
}

#[test]
fn the_beep_comes_after_the_flash() {
    let (mut m1, beeper) = start(RamFlash::new(4), SoftClock::default());
    let mut stored = 0;
    while granted(&mut m1, stored).is_ok() {
        assert!(beeper.is_set());
        stored += 1;
        m1.poll(stored * 10_000, &[], &mut []);
    }
    assert_eq!(stored, 32);
    // Refused aloud: still beeping when an accepted punch would long be silent.
    m1.poll(stored + 900, &[], &mut []);
    assert!(beeper.is_set());
    assert_eq!(granted(&mut m1, stored), Err(PunchError::Queue(PushError::Full)));
    assert_eq!(m1.waiting(), 32);
}

#[test]
fn punches_of_a_dark_week_come_in_order_over_restarts() {
    let mut flash = RamFlash::new(10);
    for _ in 0..4 {
        let (mut m1, _) = start(flash, SoftClock::default());
        (0..20).for_each(|i| assert!(granted(&mut m1, i).is_ok()));
        flash = m1.into_parts().0;
    }
    let (mut m1, _) = start(flash, SoftClock::default());
    let (mut the_box, mut now) = (TheBox::new(), 0);
    the_box.run(&mut m1, &mut now, 20_000);
    let stamps: Vec<_> = the_box.got.iter().map(|g| g.0).collect();
    let expect: Vec<_> =
        (1..=4).flat_map(|boot| (1..=20).map(move |seq| Stamp { boot, seq })).collect();
    assert_eq!(stamps, expect);
    assert!(the_box.got.iter().all(|g| !g.4));
    assert_eq!(m1.waiting(), 0);
}

/// The card writes while the line carries the answer.
#[test]
fn a_poll_is_answered_before_its_receipt_is_marked() {
    let (mut m1, _) = start(RamFlash::new(6), SoftClock::default());
    let (mut the_box, mut now) = (TheBox::new(), 0);
    the_box.run(&mut m1, &mut now, 1_000);
    (0..4).for_each(|_| assert!(granted(&mut m1, now).is_ok()));
    let mut waiting = 4;
    for now in now..now + 1_000 {
        let Turn::Speak { address } = the_box.host.turn(now) else { continue };
        let (mut rx, mut tx) = (vec![0; MAX_WIRE], [0; wire_len(SLOT + 65)]);
        let message = the_box.outbox.pop_front();
        let sealed = message.as_ref().map(|m| ("m1", m.as_slice()));
        let len = the_box.host.speak(now, address, sealed, &mut rx).unwrap();
        let said = m1.poll(now, &rx[..len], &mut tx);
        assert!(said > 0 && m1.waiting() == waiting);
        m1.settle();
        waiting -= u32::from(message.is_some());
        assert_eq!(m1.waiting(), waiting);
        the_box.hear(now, &tx[..said]);
    }
    assert_eq!((waiting, m1.counts().receipted), (0, 4));
}

#[test]
fn a_button_gives_the_direction() {
    let (button, (mut pins, _)) = (Pin::high(), panel());
    pins.button_out = button.clone();
    let mut m1: M1<SoftClock> =
        Terminal::new(&config(), RamFlash::new(4), SoftClock::default(), pins).unwrap();
    for up in [true, false, true] {
        button.set(up);
        m1.poll(0, &[], &mut []);
    }
    for now in [1_000, 1_100] {
        let stored = m1.punch(now, Some("1"), Method::Card, Outcome::Granted, None, &[]);
        assert!(stored.is_ok());
    }
    let mut the_box = TheBox::new();
    the_box.run(&mut m1, &mut 2_000, 1_000);
    let directions: Vec<_> = the_box.got.iter().map(|g| g.3).collect();
    assert_eq!(directions, [Some(Direction::Out), None]);
}

#[test]
fn a_clock_gone_wrong_is_set_again() {
    let (mut m1, _) = start(RamFlash::new(6), SoftClock::default());
    let (mut the_box, mut now) = (TheBox::new(), 0);
    the_box.run(&mut m1, &mut now, 1_000);
    m1.clock.set(now, LocalTime { seconds: 1_000_000_000, offset_minutes: 0 });
    assert!(granted(&mut m1, now).is_ok());
    the_box.run(&mut m1, &mut now, 1_000);
    assert_eq!(the_box.hellos, 2);
    let seconds = m1.clock.read(now).at.seconds;
    assert!((seconds - (BOX_MS / 1000 + now as i64 / 1000)).abs() <= 1);
}

#[test]
fn scores_are_decimal() {
    for (number, text) in [(0, "0"), (7, "7"), (88, "88"), (100, "100"), (65_535, "65535")] {
        assert_eq!(decimal(number).as_str(), text);
    }
}
