use super::*;
use crate::message::*;
use proptest::prelude::*;
use std::string::String;
use std::vec;
use std::vec::Vec;

const SECRET: [u8; 32] = [7; 32];

fn keys(name: &str) -> Keys {
    Keys::derive(&SECRET, name).unwrap()
}

fn sealed<'m, M: Message<'m>>(message: &M, keys: &Keys) -> Vec<u8> {
    let mut out = vec![0; 4096];
    let len = keys.seal(message, &mut out).unwrap();
    out.truncate(len);
    out
}

fn open<'a, M: Message<'a>>(bytes: &'a mut [u8], keys: &Keys) -> Result<M, OpenError> {
    Sealed::<M>::parse(bytes).map_err(|_| OpenError::Seal)?.open(keys)
}

/// A body of our choosing under a good seal.
struct Raw(Kind, Vec<u8>);

impl Message<'_> for Raw {
    fn kind_and_stamp(&self) -> (Kind, Stamp) {
        (self.0, Stamp { boot: 1, seq: 1 })
    }
    fn is(_: Kind) -> bool {
        true
    }
    fn write(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        w.put(&self.1)
    }
    fn read(_: Header, _: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Err(DecodeError::Truncated)
    }
}

fn check_in<'a>(person: Option<&'a str>, evidence: &[Evidence<'a>]) -> CheckIn<'a> {
    CheckIn {
        boot: 3,
        seq: 1042,
        person,
        at: LocalTime { seconds: 1_796_086_771, offset_minutes: 480 },
        method: Method::Fingerprint,
        outcome: if person.is_some() { Outcome::Granted } else { Outcome::Denied },
        direction: Some(Direction::In),
        live: true,
        clock: ClockState::Ok,
        evidence: Evidences::from_slice(evidence).unwrap(),
        unknown_fields: 0,
    }
}

/// The body of `message`, without its seal.
fn body<'m, M: Message<'m>>(message: &M) -> Vec<u8> {
    let mut out = vec![0; 4096];
    let mut w = Writer::new(&mut out);
    message.write(&mut w).unwrap();
    let len = w.len();
    out.truncate(len);
    out
}

fn opens(kind: Kind, body: Vec<u8>) -> Option<DecodeError> {
    let mut k = keys("m1");
    k.set_site("mo-hq").unwrap();
    let mut bytes = sealed(&Raw(kind, body), &k);
    let result = match kind {
        Kind::LivePunch | Kind::StoredPunch => open::<CheckIn<'_>>(&mut bytes, &k).map(|_| ()),
        Kind::Hello => open::<Hello<'_>>(&mut bytes, &k).map(|_| ()),
        Kind::Receipt => open::<Receipt>(&mut bytes, &k).map(|_| ()),
        Kind::Welcome => open::<Welcome>(&mut bytes, &k).map(|_| ()),
        Kind::Command => open::<Command>(&mut bytes, &k).map(|_| ()),
        Kind::Note => open::<Note>(&mut bytes, &k).map(|_| ()),
        Kind::Noted => open::<Noted>(&mut bytes, &k).map(|_| ()),
        Kind::Report => open::<Report<'_>>(&mut bytes, &k).map(|_| ()),
        Kind::Task => open::<Task<'_>>(&mut bytes, &k).map(|_| ()),
    };
    match result {
        Err(OpenError::Contents(e)) => Some(e),
        Err(OpenError::Seal) => unreachable!("the seal is good"),
        Ok(()) => None,
    }
}

#[test]
fn another_name_key_or_direction_does_not_open() {
    let punch = check_in(Some("00017"), &[]);
    let wire = sealed(&punch, &keys("m1"));
    assert!(open::<CheckIn<'_>>(&mut wire.clone(), &keys("m1")).is_ok_and(|m| m == punch));
    let stranger = Keys::derive(&[8; 32], "m1").unwrap();
    for k in [keys("m2"), keys("M1"), stranger] {
        let e = open::<CheckIn<'_>>(&mut wire.clone(), &k).err();
        assert_eq!(e, Some(OpenError::Seal));
    }
    // What went up, sent down as if the box had said it: other key, other associated data.
    let mut reflected = wire;
    reflected[1] = Kind::Receipt as u8;
    assert_eq!(open::<Receipt>(&mut reflected, &keys("m1")).err(), Some(OpenError::Seal));
}

#[test]
fn tasks_and_reports_open_at_their_own_site_alone() {
    let at = |site: &str| {
        let mut keys = keys("m1");
        keys.set_site(site).unwrap();
        keys
    };
    let job = Job::RemoveUser { number: "00017" };
    let task = Task { epoch: 1, count: 1, id: 7, job };
    let wire = sealed(&task, &at("mo-hq"));
    assert!(open::<Task<'_>>(&mut wire.clone(), &at("mo-hq")).is_ok_and(|t| t == task));
    for other in ["mo-hq2", "mo", "hk-shop"] {
        let refused = open::<Task<'_>>(&mut wire.clone(), &at(other)).err();
        assert_eq!(refused, Some(OpenError::Seal), "{other}");
    }
    // Where the site is not known none is opened, and none is sealed.
    assert_eq!(open::<Task<'_>>(&mut wire.clone(), &keys("m1")).err(), Some(OpenError::Seal));
    assert_eq!(keys("m1").seal(&task, &mut [0; 200]), Err(EncodeError::NoSite));
    let (result, reason) = (TaskResult::Done, TaskReason::None);
    let report = Report { boot: 1, count: 1, id: 7, result, reason, data: &[1, 2] };
    let wire = sealed(&report, &at("mo-hq"));
    assert!(open::<Report<'_>>(&mut wire.clone(), &at("mo-hq")).is_ok_and(|r| r == report));
    assert!(open::<Report<'_>>(&mut wire.clone(), &at("hk-shop")).is_err());
    for wrong in ["", "a\nb", &"x".repeat(MAX_SITE + 1)] {
        assert!(keys("m1").set_site(wrong).is_err());
    }
}

#[test]
fn stamps_out_of_range_are_refused() {
    let k = keys("m1");
    for (boot, seq) in [(0, 1), (1, 0), (1, Stamp::MAX_SEQ + 1), (1, u64::MAX)] {
        let punch = CheckIn { boot, seq, ..check_in(Some("1"), &[]) };
        assert_eq!(k.seal(&punch, &mut [0; 200]), Err(EncodeError::Stamp));
        let mut wire = sealed(&check_in(Some("1"), &[]), &k);
        wire[2..6].copy_from_slice(&boot.to_le_bytes());
        wire[6..14].copy_from_slice(&seq.to_le_bytes());
        assert_eq!(Header::peek(&wire), Err(ParseError::Stamp));
    }
}

#[test]
fn headers_that_cannot_be_read() {
    fn check(at: usize, byte: u8, expect: ParseError) {
        let mut wire = sealed(&check_in(Some("1"), &[]), &keys("m1"));
        wire[at] = byte;
        assert_eq!(Header::peek(&wire), Err(expect));
    }
    check(0, 2, ParseError::Version(2));
    check(0, 0, ParseError::Version(0));
    check(1, 0x06, ParseError::Kind(0x06));
    assert_eq!(Header::peek(&[1; OVERHEAD - 1]), Err(ParseError::Truncated));
    assert_eq!(Header::peek(&vec![1; MAX_SEALED + 1]), Err(ParseError::TooLarge));
    let mut wire = sealed(&check_in(Some("1"), &[]), &keys("m1"));
    let e = Sealed::<Receipt>::parse(&mut wire).err();
    assert_eq!(e, Some(ParseError::OtherKind(Kind::LivePunch)));
}

#[test]
fn names_fit_topics() {
    let longest = "x".repeat(MAX_NAME);
    for good in ["m1", "gate-2.north_a", &longest, "a@b", "~!"] {
        assert!(check_name(good).is_ok(), "{good}");
    }
    let too_long = "x".repeat(MAX_NAME + 1);
    for bad in ["", " ", "a b", "a/b", "+", "a#", "$SYS", "é", "a\n", &too_long] {
        assert!(check_name(bad).is_err() && Keys::derive(&SECRET, bad).is_err(), "{bad:?}");
    }
}

#[test]
fn bodies_cut_short_are_errors() {
    let evidence = Evidence { kind: EvidenceKind::Score, media: "text/plain", data: b"93" };
    let punch = body(&check_in(Some("00017"), &[evidence]));
    let fixed = body(&check_in(Some("00017"), &[])).len();
    for len in (0..punch.len()).filter(|&l| l != fixed) {
        let e = opens(Kind::LivePunch, punch[..len].to_vec());
        assert_eq!(e, Some(DecodeError::Truncated), "{len}");
    }
    let box_side = [
        (Kind::Receipt, body(&a_receipt())),
        (Kind::Welcome, body(&a_welcome())),
        (Kind::Command, body(&a_command(Order::Resend { from: S, to: S }))),
        (Kind::Hello, body(&Hello { firmware: "", ..a_hello("") })),
    ];
    for (kind, body) in box_side {
        for len in 0..body.len() {
            let e = opens(kind, body[..len].to_vec());
            assert_eq!(e, Some(DecodeError::Truncated), "{kind:?} {len}");
        }
        assert_eq!(opens(kind, body), None);
    }
}

#[test]
fn values_out_of_range_are_errors() {
    fn check(at: usize, bytes: &[u8], field: &'static str) {
        let mut punch = body(&check_in(Some("00017"), &[]));
        punch[at..at + bytes.len()].copy_from_slice(bytes);
        assert_eq!(opens(Kind::LivePunch, punch), Some(DecodeError::Value { field }), "{at}");
    }
    check(0, &i64::MAX.to_le_bytes(), "time");
    check(0, &i64::MIN.to_le_bytes(), "time");
    check(8, &1441i16.to_le_bytes(), "time");
    check(8, &(-1441i16).to_le_bytes(), "time");
    check(10, &[0], "method");
    check(10, &[7], "method");
    check(11, &[4], "outcome");
    check(12, &[3], "direction");
    check(13, &[0], "clock");
    check(15, b"\0", "person");
    check(15, b"\xFF", "person");
    check(15, b"\x7F", "person");
    assert_eq!(opens(Kind::Command, vec![9]), Some(DecodeError::Value { field: "order" }));
}

#[test]
fn only_denied_may_lack_its_person() {
    let mut anonymous = body(&check_in(None, &[]));
    assert_eq!(opens(Kind::LivePunch, anonymous.clone()), None);
    for outcome in [Outcome::Granted, Outcome::Duress] {
        anonymous[11] = outcome as u8;
        assert_eq!(opens(Kind::LivePunch, anonymous.clone()), Some(DecodeError::PersonMissing));
    }
    let punch = CheckIn { outcome: Outcome::Granted, ..check_in(None, &[]) };
    let e = keys("m1").seal(&punch, &mut [0; 200]);
    assert_eq!(e, Err(EncodeError::Invalid(DecodeError::PersonMissing)));
}

#[test]
fn unknown_fields_are_skipped_and_counted() {
    let mut punch = body(&check_in(Some("1"), &[]));
    punch.extend([200, 3, 0, 0, 0, 1, 2, 3]);
    punch.extend([201, 0, 0, 0, 0]);
    let k = keys("m1");
    let mut wire = sealed(&Raw(Kind::StoredPunch, punch), &k);
    assert_eq!(open::<CheckIn<'_>>(&mut wire, &k).map(|m| m.unknown_fields), Ok(2));
    let mut receipt = body(&a_receipt());
    receipt.extend([99, 1, 0, 0, 0, 0]);
    assert_eq!(opens(Kind::Receipt, receipt), None);
}

#[test]
fn a_fifth_piece_of_evidence_is_refused() {
    let mut punch = body(&check_in(Some("1"), &[]));
    for _ in 0..=MAX_EVIDENCE {
        punch.extend([1, 3, 0, 0, 0, 5, 0, 42]);
    }
    assert_eq!(opens(Kind::LivePunch, punch), Some(DecodeError::TooMuchEvidence));
}

#[test]
fn a_buffer_of_any_size_is_safe() {
    let (k, punch) = (keys("m1"), check_in(Some("00017"), &[]));
    let need = sealed(&punch, &k).len();
    let mut out = vec![0; need];
    for room in 0..need {
        assert_eq!(k.seal(&punch, &mut out[..room]), Err(EncodeError::NoRoom), "{room}");
    }
    assert_eq!(k.seal(&punch, &mut out), Ok(need));
}

const S: Stamp = Stamp { boot: 3, seq: 1042 };

fn a_receipt() -> Receipt {
    let (result, reason) = (ReceiptResult::Stored, Reason::None);
    Receipt { epoch: 2, count: 77, punch: S, result, reason, box_ms: 1_796_086_771_250 }
}

fn a_welcome() -> Welcome {
    let hello = Stamp { boot: 3, seq: 1 };
    Welcome { epoch: 2, count: 1, hello, box_ms: 1_796_086_771_250, offset_minutes: 480 }
}

fn a_command(order: Order) -> Command {
    Command { epoch: 2, count: 78, order }
}

fn a_hello(firmware: &str) -> Hello<'_> {
    Hello {
        boot: 3,
        count: 1,
        version: 1,
        device: DeviceKind::M1,
        clock: ClockState::Unsure,
        at: LocalTime { seconds: 0, offset_minutes: 0 },
        next_seq: 1,
        oldest: Some(S),
        waiting: 12,
        firmware,
        unknown_fields: 0,
    }
}

fn any_stamp() -> impl Strategy<Value = Stamp> {
    (1..=u32::MAX, 1..=Stamp::MAX_SEQ).prop_map(|(boot, seq)| Stamp { boot, seq })
}

fn any_time() -> impl Strategy<Value = LocalTime> {
    (-62_135_596_800i64..=253_402_207_200, -1440i16..=1440)
        .prop_map(|(seconds, offset_minutes)| LocalTime { seconds, offset_minutes })
}

fn any_result() -> impl Strategy<Value = ReceiptResult> {
    (1u8..=5).prop_map(|b| ReceiptResult::from_byte(b).unwrap())
}

fn any_order() -> impl Strategy<Value = Order> {
    prop_oneof![
        Just(Order::CheckClock),
        any::<u8>().prop_map(|seconds| Order::Identify { seconds }),
        (any_stamp(), any_stamp()).prop_map(|(from, to)| Order::Resend { from, to }),
    ]
}

proptest! {
    #[test]
    fn check_ins_round_trip(
        stamp in any_stamp(),
        person in "[0-9A-Za-z\u{4e00}-\u{4eff}]{1,48}",
        at in any_time(),
        (method, outcome, direction, clock) in (1u8..=6, 1u8..=3, 0u8..=2, 1u8..=2),
        live: bool,
        evidence in prop::collection::vec((1u8..=5, "[a-z/+.-]{0,64}", prop::collection::vec(any::<u8>(), 0..500)), 0..=4),
    ) {
        let pieces: Vec<_> = evidence.iter().map(|(kind, media, data)| {
            Evidence { kind: EvidenceKind::from_byte(*kind).unwrap(), media, data }
        }).collect();
        let punch = CheckIn {
            boot: stamp.boot,
            seq: stamp.seq,
            person: Some(&person),
            at,
            method: Method::from_byte(method).unwrap(),
            outcome: Outcome::from_byte(outcome).unwrap(),
            direction: Direction::from_byte(direction).ok(),
            live,
            clock: ClockState::from_byte(clock).unwrap(),
            evidence: Evidences::from_slice(&pieces).unwrap(),
            unknown_fields: 0,
        };
        let mut wire = sealed(&punch, &keys("gate"));
        prop_assert!(open::<CheckIn<'_>>(&mut wire, &keys("gate")).is_ok_and(|m| m == punch));
    }

    #[test]
    fn the_others_round_trip(
        us in any_stamp(), them in any_stamp(), result in any_result(), reason: u8, box_ms: i64,
        offset_minutes in -1440i16..=1440, order in any_order(), at in any_time(), waiting: u32,
        firmware in "[0-9a-z.+-]{0,32}",
    ) {
        let k = keys("gate");
        let (epoch, count) = (us.boot, us.seq);
        let reason = Reason::from_byte(reason);
        let receipt = Receipt { epoch, count, punch: them, result, reason, box_ms };
        prop_assert_eq!(open(&mut sealed(&receipt, &k), &k), Ok(receipt));
        let welcome = Welcome { epoch, count, hello: them, box_ms, offset_minutes };
        prop_assert_eq!(open(&mut sealed(&welcome, &k), &k), Ok(welcome));
        let command = Command { epoch, count, order };
        prop_assert_eq!(open(&mut sealed(&command, &k), &k), Ok(command));
        let hello = Hello { boot: epoch, count, at, waiting, oldest: Some(them), ..a_hello(&firmware) };
        let mut wire = sealed(&hello, &k);
        prop_assert_eq!(open(&mut wire, &k), Ok(hello));
    }

    #[test]
    fn any_changed_byte_fails_to_open(person in "[0-9]{1,8}", at: prop::sample::Index, flip in 1u8..) {
        let k = keys("gate");
        let mut wire = sealed(&check_in(Some(&person), &[]), &k);
        let i = at.index(wire.len());
        wire[i] ^= flip;
        prop_assert!(open::<CheckIn<'_>>(&mut wire, &k).is_err());
    }

    #[test]
    fn cut_sealed_messages_fail_to_open(at: prop::sample::Index) {
        let k = keys("gate");
        let mut wire = sealed(&check_in(Some("00017"), &[]), &k);
        let keep = at.index(wire.len());
        prop_assert!(open::<CheckIn<'_>>(&mut wire[..keep], &k).is_err());
    }

    #[test]
    fn no_body_panics(kind in prop::sample::select(vec![Kind::LivePunch, Kind::Hello, Kind::Receipt, Kind::Welcome, Kind::Command, Kind::Note, Kind::Noted, Kind::Report, Kind::Task]), body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = opens(kind, body);
    }

    #[test]
    fn nonces_are_one_to_one_with_kind_and_stamp(a in any_stamp(), b in any_stamp(), ka in 0usize..6, kb in 0usize..6) {
        let kinds = [Kind::LivePunch, Kind::StoredPunch, Kind::Hello, Kind::Receipt, Kind::Welcome, Kind::Command, Kind::Note, Kind::Noted, Kind::Report, Kind::Task];
        let nonce = |k: usize, stamp| Header { version: 1, kind: kinds[k], stamp }.nonce();
        prop_assert_eq!(nonce(ka, a) == nonce(kb, b), (ka, a) == (kb, b));
    }

    #[test]
    fn persons_have_1_to_48_characters(person in "[a-z\u{4e00}]{0,60}") {
        let chars = person.chars().count();
        prop_assert_eq!(check_person(&person).is_ok(), (1..=48).contains(&chars));
    }
}

#[test]
fn errors_speak_of_no_contents() {
    let shown = std::format!("{} {}", OpenError::Seal, DecodeError::Value { field: "person" });
    assert_eq!(
        shown,
        String::from(
            "the seal does not verify: wrong key, wrong device, or changed on the way the message's person is out of range"
        )
    );
}
