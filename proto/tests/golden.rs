//! Version 1 is what lies in `golden/v1/`: those bytes are never edited, and this test reads and
//! writes them. It also holds `README.md` to them.

use muster_proto::frame::{self, Decoder, Flags, MAX_BODY};
use muster_proto::message::*;
use muster_proto::seal::{Keys, Sealed};
use std::path::Path;

const DEVICE: &str = "gate-1";

/// The pairing secret of the examples: 00 01 02 … 1f.
fn keys() -> Keys {
    let secret = std::array::from_fn(|i| i as u8);
    let mut keys = Keys::derive(&secret, DEVICE).expect("the name is allowed");
    keys.set_site("mo-hq").expect("the site is allowed");
    keys
}

fn folder(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn golden_text(name: &str) -> String {
    let path = folder("golden/v1").join(name).with_extension("hex");
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn golden(name: &str) -> Vec<u8> {
    let digits: String = golden_text(name).split_whitespace().collect();
    assert!(digits.len().is_multiple_of(2), "{name}");
    let byte = |i| u8::from_str_radix(&digits[i..i + 2], 16).expect("two hex digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn hex(bytes: &[u8]) -> String {
    let line = |l: &[u8]| l.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
    bytes.chunks(16).map(line).collect::<Vec<_>>().join("\n")
}

/// Sealing gives exactly the golden bytes, and the golden bytes open to the message.
macro_rules! check {
    ($name:literal, $kind:ty, $message:expr) => {{
        let (message, expect) = ($message, golden($name));
        let mut out = vec![0; 1024];
        let len = keys().seal(&message, &mut out).expect($name);
        assert_eq!(hex(&out[..len]), hex(&expect), "{}", $name);
        let mut bytes = expect;
        let sealed = Sealed::<$kind>::parse(&mut bytes).expect($name);
        assert!(sealed.open(&keys()).expect($name) == message, "{}", $name);
    }};
}

fn punch() -> CheckIn<'static> {
    CheckIn {
        boot: 3,
        seq: 1042,
        person: Some("00017"),
        at: LocalTime { seconds: 1_796_086_771, offset_minutes: 480 },
        method: Method::Fingerprint,
        outcome: Outcome::Granted,
        direction: Some(Direction::In),
        live: true,
        clock: ClockState::Ok,
        evidence: Evidences::new(),
        unknown_fields: 0,
    }
}

#[test]
fn check_ins() {
    check!("check-in-live", CheckIn<'_>, punch());
    check!("check-in-stored", CheckIn<'_>, CheckIn { live: false, ..punch() });
    let denied = CheckIn {
        seq: 1043,
        person: None,
        outcome: Outcome::Denied,
        direction: None,
        clock: ClockState::Unsure,
        at: LocalTime { seconds: -28_800, offset_minutes: -570 },
        ..punch()
    };
    check!("check-in-denied", CheckIn<'_>, denied);
    let pieces = [
        Evidence { kind: EvidenceKind::Score, media: "text/plain", data: b"87" },
        Evidence { kind: EvidenceKind::FingerprintTemplate, media: "", data: &[0xA5; 40] },
    ];
    let evidence = Evidences::from_slice(&pieces).expect("two pieces");
    check!("check-in-evidence", CheckIn<'_>, CheckIn { seq: 1044, evidence, ..punch() });
}

#[test]
fn hello() {
    let hello = Hello {
        boot: 3,
        count: 1,
        version: 1,
        device: DeviceKind::M1,
        clock: ClockState::Ok,
        at: LocalTime { seconds: 1_796_086_770, offset_minutes: 480 },
        next_seq: 1042,
        oldest: Some(Stamp { boot: 2, seq: 900 }),
        waiting: 143,
        firmware: "1.0.0",
        unknown_fields: 0,
    };
    check!("hello", Hello<'_>, hello);
}

#[test]
fn from_the_box() {
    let (epoch, box_ms) = (2, 1_796_086_771_250);
    let punch = punch().stamp();
    let (result, reason) = (ReceiptResult::Stored, Reason::None);
    let receipt = Receipt { epoch, count: 77, punch, result, reason, box_ms };
    check!("receipt-stored", Receipt, receipt);
    let (result, reason) = (ReceiptResult::Refused, Reason::Malformed);
    check!("receipt-refused", Receipt, Receipt { count: 78, result, reason, ..receipt });
    let hello = Stamp { boot: 3, seq: 1 };
    check!("welcome", Welcome, Welcome { epoch, count: 1, hello, box_ms, offset_minutes: 480 });
    let (from, to) = (Stamp { boot: 2, seq: 900 }, Stamp { boot: 3, seq: 10 });
    for order in [Order::CheckClock, Order::Resend { from, to }, Order::Identify { seconds: 5 }] {
        match order {
            Order::CheckClock => {
                check!("command-check-clock", Command, Command { epoch, count: 79, order });
            }
            Order::Resend { .. } => {
                check!("command-resend", Command, Command { epoch, count: 80, order });
            }
            Order::Identify { .. } => {
                check!("command-identify", Command, Command { epoch, count: 81, order });
            }
        }
    }
}

#[test]
fn notes() {
    let at = LocalTime { seconds: 1_796_086_771, offset_minutes: 480 };
    let (boot, seq, clock) = (3, 9, ClockState::Ok);
    let note = Note { boot, seq, at, clock, what: Happened::Tampered, detail: 1 };
    check!("note", Note, note);
    check!("noted", Noted, Noted { epoch: 2, count: 82, note: note.stamp() });
}

#[test]
fn tasks() {
    let head: [u8; IMAGE_HEAD] = std::array::from_fn(|i| i as u8);
    let (number, page) = ("00017", 50);
    let grounds = Grounds { notice: true, basis: true, age: true };
    let pin = Some(Verifier { salt: [0x11; SALT], hash: [0x22; HASH] });
    let part = &[0xA5; 8];
    let task = |job| Task { epoch: 2, count: 90, id: 7, job };
    check!("task-configure", Task<'_>, task(Job::Configure(Settings::SHIPPED)));
    let put = Job::PutUser { number, page: Some(page), duress: None, pin };
    check!("task-put-user", Task<'_>, task(put));
    check!("task-remove-user", Task<'_>, task(Job::RemoveUser { number }));
    check!("task-erase-fingers", Task<'_>, task(Job::EraseFingers { number }));
    check!("task-enrol", Task<'_>, task(Job::Enrol { number, page, grounds }));
    check!("task-enrol-pin", Task<'_>, task(Job::EnrolPin { number, salt: [0x11; SALT] }));
    check!("task-read-template", Task<'_>, task(Job::ReadTemplate { page, offset: 128 }));
    let (total, offset) = (512, 88);
    let write = Job::WriteTemplate { number, page, grounds, total, offset, part };
    check!("task-write-template", Task<'_>, task(write));
    check!("task-begin-update", Task<'_>, task(Job::BeginUpdate { head: &head }));
    check!("task-update-part", Task<'_>, task(Job::UpdatePart { offset: 88, part }));
    check!("task-end-update", Task<'_>, task(Job::EndUpdate));
    let (result, reason) = (TaskResult::Done, TaskReason::None);
    let report = Report { boot: 3, count: 5, id: 7, result, reason, data: &[1, 0] };
    check!("report-done", Report<'_>, report);
    let (result, reason) = (TaskResult::Refused, TaskReason::NoGrounds);
    check!("report-refused", Report<'_>, Report { count: 6, result, reason, data: &[], ..report });
}

fn check_frame(name: &str, address: u8, flags: Flags, sealed: &[u8]) {
    let payload = match sealed {
        [] => Vec::new(),
        _ => [&[DEVICE.len() as u8], DEVICE.as_bytes(), sealed].concat(),
    };
    let mut out = vec![0; frame::wire_len(payload.len())];
    let len = frame::encode(address, flags, &[&payload], &mut out).expect(name);
    assert_eq!(hex(&out[..len]), hex(&golden(name)), "{name}");
    let mut decoder = Decoder::<MAX_BODY>::new();
    let (_, found) = decoder.push(&golden(name));
    let found = found.expect(name);
    assert_eq!((found.address, found.flags), (address, flags), "{name}");
    assert_eq!(found.payload, payload, "{name}");
}

#[test]
fn frames() {
    check_frame("frame-poll", 1, Flags::POLL, &[]);
    check_frame("frame-idle", 1, Flags::FROM_TERMINAL, &[]);
    check_frame("frame-check-in", 1, Flags::FROM_TERMINAL, &golden("check-in-live"));
    check_frame("frame-receipt", 1, Flags::POLL, &golden("receipt-stored"));
}

#[test]
fn the_readme_shows_these_bytes() {
    let readme = std::fs::read_to_string(folder("README.md")).expect("README.md");
    for name in ["check-in-live", "frame-poll", "frame-idle", "frame-check-in", "receipt-stored"] {
        let shown = hex(&golden(name));
        assert!(readme.contains(&shown), "README.md does not show {name}:\n{shown}");
    }
}

#[test]
fn every_golden_file_is_tested() {
    let source = include_str!("golden.rs");
    for entry in std::fs::read_dir(folder("golden/v1")).expect("golden/v1") {
        let path = entry.expect("a readable folder").path();
        let name = path.file_stem().and_then(|s| s.to_str()).expect("a plain name");
        assert!(source.contains(&format!("\"{name}\"")), "{name} is not tested");
    }
}
