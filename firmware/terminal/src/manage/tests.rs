mod hostile;

use super::*;
use crate::clock::SoftClock;
use crate::pin::verifier;
use crate::sim::{FingerModule, Pin, RamFlash};
use crate::terminal::{Config, Terminal};
use crate::update::{Head, Trust};
use crate::users::ListKey;
use ed25519_dalek::{Signer, SigningKey};
use muster_proto::frame::MAX_WIRE;
use muster_proto::host::{Host, Turn};
use muster_proto::message::{
    DeviceKind, Grounds, Hello, Kind, Message, Note, Noted, Report, Verifier, Welcome,
};
use muster_proto::seal::{Header, Keys, Sealed};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;

const SLOT: usize = 256;
const SECRET: [u8; 32] = [5; 32];
const PASSWORD: u32 = 0xC0FF_EE01;
const ON_RECORD: Grounds = Grounds { notice: true, basis: true, age: true };
const SALTED: [u8; SALT] = [3; SALT];

type Pins = crate::panel::Panel<Pin, Pin, Pin, Pin, Pin>;
type TestManager = Manager<RamFlash, RamFlash, RamFlash, 20>;

fn signer() -> SigningKey {
    SigningKey::from_bytes(&[21; 32])
}

/// A managed M1 at a site, the wire, and a box that gives it tasks.
struct Bench {
    m1: Terminal<RamFlash, SoftClock, Pins, SLOT>,
    manager: TestManager,
    sensor: Sensor,
    module: FingerModule,
    from_module: Vec<u8>,
    host: Host,
    keys: Keys,
    count: u64,
    tasks: u32,
    outbox: VecDeque<Vec<u8>>,
    reports: Vec<(u32, TaskResult, TaskReason, Vec<u8>)>,
    notes: Vec<(Happened, u32)>,
    /// Everything that the terminal sent, as it was on the wire.
    wire: Vec<u8>,
    now: u64,
}

impl Bench {
    fn new() -> Self {
        Self::at("mo-hq", "mo-hq")
    }

    /// The terminal was set up at one site, the box stands at another.
    fn at(terminal_site: &str, box_site: &str) -> Self {
        let device = DeviceKind::M1;
        let config = Config { address: 1, name: "m1", secret: &SECRET, device, firmware: "0.1.0" };
        let pins = [Pin::low(), Pin::low(), Pin::low(), Pin::high(), Pin::high()];
        let [b, g, r, i, o] = pins;
        let panel = Pins::new(b, g, r, i, o);
        let mut m1 = Terminal::new(&config, RamFlash::new(6), SoftClock::default(), panel).unwrap();
        m1.set_site(terminal_site).unwrap();
        let users = UserList::open(RamFlash::new(2), ListKey::derive(&SECRET)).unwrap();
        let log = EventLog::open(RamFlash::new(2), m1.boot()).unwrap();
        let trust = Trust { key: signer().verifying_key().to_bytes(), board: 1 };
        let updater = Updater::open(RamFlash::new(8), trust).unwrap();
        let reading = m1.read_clock(0);
        let manager = Manager::new(users, log, Some(updater), m1.boot(), reading);
        let mut keys = Keys::derive(&SECRET, "m1").unwrap();
        keys.set_site(box_site).unwrap();
        Self {
            m1,
            manager,
            sensor: Sensor::new(PASSWORD, 200).unwrap(),
            module: FingerModule::new([3, 17]),
            from_module: Vec::new(),
            host: Host::new(&[1], 115_200).unwrap(),
            keys,
            count: 0,
            tasks: 0,
            outbox: VecDeque::new(),
            reports: Vec::new(),
            notes: Vec::new(),
            wire: Vec::new(),
            now: 0,
        }
    }

    fn seal<'m, M: Message<'m>>(&mut self, message: &M) {
        let mut out = vec![0; 256];
        let len = self.keys.seal(message, &mut out).unwrap();
        out.truncate(len);
        self.outbox.push_back(out);
    }

    fn stamp(&mut self) -> (u32, u64) {
        self.count += 1;
        (1, self.count)
    }

    fn take(&mut self, sealed: &mut [u8]) {
        self.wire.extend_from_slice(sealed);
        match Header::peek(sealed).unwrap().kind {
            Kind::Hello => {
                let hello = Sealed::<Hello<'_>>::parse(sealed).unwrap().open(&self.keys).unwrap();
                let (epoch, count) = self.stamp();
                let hello = Stamp { boot: hello.boot, seq: hello.count };
                let box_ms = 1_796_086_771_000 + self.now as i64;
                self.seal(&Welcome { epoch, count, hello, box_ms, offset_minutes: 480 });
            }
            Kind::Note => {
                let note = Sealed::<Note>::parse(sealed).unwrap().open(&self.keys).unwrap();
                self.notes.push((note.what, note.detail));
                let (epoch, count) = self.stamp();
                self.seal(&Noted { epoch, count, note: note.stamp() });
            }
            Kind::Report => {
                let Ok(r) = Sealed::<Report<'_>>::parse(sealed).unwrap().open(&self.keys) else {
                    return;
                };
                self.reports.push((r.id, r.result, r.reason, r.data.to_vec()));
            }
            _ => {}
        }
    }

    /// Lets `ms` pass.
    fn run(&mut self, ms: u64) {
        let end = self.now + ms;
        while self.now < end {
            let mut to_terminal = Vec::new();
            if let Turn::Speak { address } = self.host.turn(self.now) {
                let mut tx = vec![0; MAX_WIRE];
                let message = self.outbox.pop_front();
                let message = message.as_ref().map(|m| ("m1", m.as_slice()));
                let len = self.host.speak(self.now, address, message, &mut tx).unwrap();
                to_terminal.extend_from_slice(&tx[..len]);
            }
            let mut packet = [0; MAX_PACKET];
            let from = std::mem::take(&mut self.from_module);
            let (len, _) = self.manager.drive(self.now, &mut self.sensor, &from, &mut packet);
            self.from_module = self.module.exchange(&packet[..len]);
            let mut tx = vec![0; MAX_WIRE];
            let len = self.m1.poll_with(self.now, &to_terminal, &mut tx, &mut self.manager);
            self.now += 5;
            let mut rx = &tx[..len];
            while !rx.is_empty() {
                let (taken, received) = self.host.receive(self.now, rx);
                rx = &rx[taken..];
                let sealed = received.map(|r| r.sealed.to_vec());
                sealed.into_iter().for_each(|mut s| self.take(&mut s));
            }
        }
    }

    /// Gives a task, and lets time pass until it is reported as done or refused; the last report.
    fn task(&mut self, job: Job<'_>) -> (TaskResult, TaskReason, Vec<u8>) {
        self.tasks += 1;
        self.give(self.tasks, job);
        self.finish(20_000)
    }

    fn give(&mut self, id: u32, job: Job<'_>) {
        let (epoch, count) = self.stamp();
        self.seal(&Task { epoch, count, id, job });
    }

    fn finish(&mut self, limit: u64) -> (TaskResult, TaskReason, Vec<u8>) {
        let (id, end) = (self.tasks, self.now + limit);
        while self.now < end {
            self.run(50);
            let last = self.reports.iter().rev().find(|r| r.0 == id);
            if let Some((_, result, reason, data)) = last
                && *result != TaskResult::Working
            {
                return (*result, *reason, data.clone());
            }
        }
        panic!("task {id} is not reported: {:?}", self.reports.iter().map(|r| (r.0, r.1, r.2)));
    }

    fn put(&mut self, number: &str, page: Option<u16>, pin: Option<Verifier>) {
        let put = Job::PutUser { number, page, duress: None, pin };
        assert_eq!(self.task(put).0, TaskResult::Done);
    }

    /// Enrols finger 99 on page 50.
    fn enrol(&mut self) -> (TaskResult, TaskReason, Vec<u8>) {
        self.tasks += 1;
        self.give(self.tasks, Job::Enrol { number: "00017", page: 50, grounds: ON_RECORD });
        self.run(1_500);
        for _ in 0..2 {
            self.module.press(99, 88);
            self.run(2_500);
        }
        self.finish(20_000)
    }

    fn read_template(&mut self, page: u16) -> Vec<u8> {
        let mut whole = Vec::new();
        loop {
            let offset = whole.len() as u16;
            let (result, reason, part) = self.task(Job::ReadTemplate { page, offset });
            assert_eq!((result, reason), (TaskResult::Done, TaskReason::None));
            if part.is_empty() {
                return whole;
            }
            whole.extend(part);
        }
    }
}

fn refused(why: TaskReason) -> (TaskResult, TaskReason, Vec<u8>) {
    (TaskResult::Refused, why, Vec::new())
}

#[test]
fn a_template_is_enrolled_read_and_put_into_another_terminal() {
    let mut from = Bench::new();
    from.run(2_000);
    from.put("00017", None, None);
    let (result, reason, length) = from.enrol();
    assert_eq!((result, reason), (TaskResult::Done, TaskReason::None));
    assert_eq!(length, 512u16.to_le_bytes());
    let template = from.read_template(50);
    assert_eq!(template, FingerModule::template(99));
    // Never in the clear, and forgotten once it was read.
    assert!(!from.wire.windows(8).any(|w| template.windows(8).any(|t| t == w)));
    assert!(from.manager.template.as_bytes().is_empty());
    let mut to = Bench::new();
    to.run(2_000);
    to.put("00017", None, None);
    let total = template.len() as u16;
    for (at, part) in template.chunks(88).enumerate() {
        let offset = at as u16 * 88;
        let (number, page, grounds) = ("00017", 60, ON_RECORD);
        let job = Job::WriteTemplate { number, page, grounds, total, offset, part };
        assert_eq!(to.task(job).0, TaskResult::Done, "{offset}");
    }
    assert!(to.module.pages().any(|page| page == 60));
    assert!(to.manager.user(60).is_some_and(|(user, _)| user.number == "00017"));
}

#[test]
fn no_finger_is_taken_without_notice_basis_and_age() {
    let mut bench = Bench::new();
    bench.run(1_000);
    bench.put("00017", None, None);
    for missing in 0..3 {
        let grounds = Grounds { notice: missing != 0, basis: missing != 1, age: missing != 2 };
        let job = Job::Enrol { number: "00017", page: 50, grounds };
        assert_eq!(bench.task(job), refused(TaskReason::NoGrounds));
        let (page, total, offset) = (50, 8, 0);
        let (number, part) = ("00017", &[1; 8][..]);
        let job = Job::WriteTemplate { number, page, grounds, total, offset, part };
        assert_eq!(bench.task(job), refused(TaskReason::NoGrounds));
    }
    assert!(!bench.module.pages().any(|page| page == 50));
    bench.run(5_000);
    assert!(bench.notes.contains(&(Happened::EnrolRefused, 0)));
    let stranger = Job::Enrol { number: "00018", page: 50, grounds: ON_RECORD };
    assert_eq!(bench.task(stranger), refused(TaskReason::UnknownUser));
    bench.put("00019", Some(51), None);
    let taken = Job::Enrol { number: "00017", page: 51, grounds: ON_RECORD };
    assert_eq!(bench.task(taken), refused(TaskReason::PageTaken));
}

#[test]
fn erasing_is_done_in_the_module_and_receipted() {
    let mut bench = Bench::new();
    bench.run(1_000);
    bench.put("00017", Some(17), Some(verifier(b"4711", SALTED)));
    let (result, _, erased) = bench.task(Job::EraseFingers { number: "00017" });
    assert_eq!((result, erased), (TaskResult::Done, vec![1, 0]));
    assert_eq!(bench.module.pages().collect::<Vec<_>>(), [3]);
    let user = bench.manager.users.find("00017").unwrap();
    assert!(user.page.is_none() && user.pin.is_some());
    bench.put("00018", Some(3), None);
    assert_eq!(bench.task(Job::RemoveUser { number: "00018" }).2, [1, 0]);
    assert_eq!(bench.task(Job::RemoveUser { number: "00018" }), refused(TaskReason::UnknownUser));
    assert_eq!(bench.module.pages().count(), 0);
    bench.run(5_000);
    assert_eq!(bench.notes.iter().filter(|n| n.0 == Happened::Erased).count(), 2);
}

#[test]
fn a_task_of_another_site_is_refused_and_told() {
    // The same secret and name, as of a box that was copied to another site.
    let mut bench = Bench::at("mo-hq", "hk-shop");
    bench.run(1_000);
    bench.tasks += 1;
    bench.give(1, Job::PutUser { number: "1", page: None, duress: None, pin: None });
    let (number, page, grounds, total) = ("1", 50, ON_RECORD, 88);
    let part = &[7; 88];
    bench.give(2, Job::WriteTemplate { number, page, grounds, total, offset: 0, part });
    bench.run(5_000);
    assert!(bench.reports.is_empty() && bench.manager.users.is_empty());
    assert!(bench.module.pages().eq([3, 17]));
    assert!(bench.notes.iter().any(|n| n.0 == Happened::SealRefused), "{:?}", bench.notes);
    // And so is every task where the terminal's site is not known.
    let mut bench = Bench::new();
    bench.m1.set_site("x").unwrap();
    bench.run(1_000);
    bench.give(1, Job::EndUpdate);
    bench.run(1_000);
    assert!(bench.reports.is_empty());
}

#[test]
fn a_task_that_comes_again_is_reported_again_and_not_done_again() {
    let mut bench = Bench::new();
    bench.run(1_000);
    bench.put("00017", Some(17), None);
    let id = bench.tasks;
    bench.give(id, Job::RemoveUser { number: "00017" });
    bench.run(1_000);
    assert!(bench.reports.iter().filter(|r| r.0 == id).count() == 2);
    assert_eq!(bench.manager.users.len(), 1);
    // What was recorded and is played back is not even looked at.
    let mut out = vec![0; 256];
    let job = Job::RemoveUser { number: "00017" };
    let len = bench.keys.seal(&Task { epoch: 1, count: 1, id: 99, job }, &mut out).unwrap();
    bench.outbox.push_back(out[..len].to_vec());
    bench.run(5_000);
    assert_eq!(bench.manager.users.len(), 1);
    assert!(bench.notes.iter().any(|n| n.0 == Happened::Replayed));
}

fn typed(bench: &mut Bench, keys: &str) -> Pressed {
    let mut last = Pressed::More;
    for key in keys.bytes() {
        let key = if key == b'#' { Key::Enter } else { Key::Digit(key - b'0') };
        last = bench.manager.key(bench.now, key);
    }
    last
}

#[test]
fn pins_punch_beside_the_finger_and_guessing_locks() {
    let mut bench = Bench::new();
    bench.run(1_000);
    bench.put("00017", None, Some(verifier(b"4711", SALTED)));
    bench.put("00018", Some(3), None);
    let right = typed(&mut bench, "00017#4711#");
    assert!(matches!(right, Pressed::Right(user) if user.number == "00017"));
    for _ in 0..4 {
        assert!(typed(&mut bench, "00017#4712#") == Pressed::Wrong);
    }
    assert!(typed(&mut bench, "00018#4711#") == Pressed::Wrong);
    assert!(typed(&mut bench, "00017#4711#") == Pressed::Refused);
    bench.run(5_000);
    assert!(bench.notes.contains(&(Happened::PinsLocked, 300)));
    let settings = Settings { pins: false, ..Settings::SHIPPED };
    assert_eq!(bench.task(Job::Configure(settings)).0, TaskResult::Done);
    bench.now += 400_000;
    assert!(typed(&mut bench, "00017#4711#") == Pressed::Refused);
}

#[test]
fn a_pin_is_chosen_at_the_terminal_and_only_its_verifier_leaves() {
    let mut bench = Bench::new();
    bench.run(1_000);
    bench.put("00017", None, None);
    bench.tasks += 1;
    bench.give(bench.tasks, Job::EnrolPin { number: "00017", salt: SALTED });
    bench.run(500);
    assert!(bench.manager.is_asking());
    assert!(typed(&mut bench, "00018#8642#") == Pressed::Refused);
    assert!(typed(&mut bench, "00017#8642#") == Pressed::Chosen);
    let (result, _, hash) = bench.finish(2_000);
    assert_eq!((result, &hash[..]), (TaskResult::Done, &verifier(b"8642", SALTED).hash[..]));
    assert!(matches!(typed(&mut bench, "00017#8642#"), Pressed::Right(_)));
    bench.tasks += 1;
    bench.give(bench.tasks, Job::EnrolPin { number: "00017", salt: SALTED });
    assert_eq!(bench.finish(CHOOSE_MS + 2_000), refused(TaskReason::Nobody));
}

#[test]
fn firmware_is_taken_if_it_is_signed_and_newer() {
    let mut bench = Bench::new();
    bench.run(1_000);
    let image: Vec<u8> = (0..300u32).map(|at| (at * 7) as u8).collect();
    let digest = Sha256::digest(&image).into();
    let head = Head { board: 1, version: 2, length: 300, digest };
    let stranger = SigningKey::from_bytes(&[22; 32]).sign(&head.signed()).to_bytes();
    let unsigned = head.with_signature(&stranger);
    let refusal = bench.task(Job::BeginUpdate { head: &unsigned });
    assert_eq!(refusal, refused(TaskReason::Signature));
    let signed = head.with_signature(&signer().sign(&head.signed()).to_bytes());
    assert_eq!(bench.task(Job::BeginUpdate { head: &signed }).0, TaskResult::Done);
    for (at, part) in image.chunks(88).enumerate() {
        let offset = at as u32 * 88;
        assert_eq!(bench.task(Job::UpdatePart { offset, part }).0, TaskResult::Done);
    }
    assert_eq!(bench.task(Job::EndUpdate).0, TaskResult::Done);
    assert!(bench.manager.wants_restart());
    // As after the next start, once the box has answered.
    (bench.manager.version, bench.manager.confirmed) = (2, false);
    bench.manager.welcomed();
    assert_eq!(bench.task(Job::BeginUpdate { head: &signed }), refused(TaskReason::Older));
    bench.run(5_000);
    let told = |what| bench.notes.iter().any(|n| n.0 == what);
    assert!(told(Happened::UpdateRefused) && told(Happened::UpdateTaken));
}

#[test]
fn what_happens_is_told_until_it_is_noted() {
    let mut bench = Bench::new();
    bench.manager.happened(0, Happened::Tampered, 1);
    bench.run(3_000);
    let what: Vec<_> = bench.notes.iter().map(|n| n.0).collect();
    assert_eq!(what, [Happened::Started, Happened::ClockLost, Happened::Tampered]);
    assert_eq!(bench.manager.waiting(), 0);
}

/// Frames that a stranger on the line makes: right address and name, every kind, bodies at will,
/// and what was recorded played back with bits changed.
#[test]
fn a_hostile_box_on_the_wire_gets_nothing_done_and_nothing_out() {
    use muster_proto::frame::{self, Flags};
    let mut bench = Bench::new();
    bench.run(1_000);
    bench.put("00017", Some(17), None);
    let recorded = {
        let (epoch, count) = bench.stamp();
        let mut out = vec![0; 256];
        let job = Job::ReadTemplate { page: 17, offset: 0 };
        let len = bench.keys.seal(&Task { epoch, count, id: 900, job }, &mut out).unwrap();
        out[..len].to_vec()
    };
    bench.wire.clear();
    bench.reports.clear();
    let mut random = 1u32;
    let mut next = move || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 24) as u8
    };
    for round in 0..3_000u32 {
        let mut sealed = recorded.clone();
        match round % 3 {
            0 => sealed.iter_mut().skip(14).for_each(|byte| *byte = next()),
            1 => {
                let at = usize::from(next()) % sealed.len();
                sealed[at] ^= 1 << (next() % 8);
            }
            _ => sealed.truncate(usize::from(next()) % sealed.len()),
        }
        if let Some(kind) = sealed.get_mut(1).filter(|_| round % 5 > 0) {
            *kind = [0x81, 0x82, 0x83, 0x84, 0x85, 0x05][usize::from(next()) % 6];
        }
        if sealed == recorded {
            continue;
        }
        let mut out = vec![0; 512];
        let parts = [&[2][..], b"m1", &sealed];
        let len = frame::encode(1, Flags::POLL, &parts, &mut out).unwrap();
        if round % 7 == 0 {
            out[usize::from(next()) % len] ^= 1 << (next() % 8);
        }
        let mut tx = vec![0; MAX_WIRE];
        bench.m1.poll_with(bench.now, &out[..len], &mut tx, &mut bench.manager);
        bench.now += 1;
    }
    assert!(bench.reports.is_empty() && bench.manager.template.as_bytes().is_empty());
    assert!(bench.module.pages().eq([3, 17]) && bench.manager.users.len() == 1);
    bench.run(3_000);
    assert!(bench.reports.is_empty(), "a stranger had something done");
    assert!(bench.notes.iter().any(|n| n.0 == Happened::SealRefused));
}
