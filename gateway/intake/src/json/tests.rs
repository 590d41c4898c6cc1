use super::*;
use muster_attendance::DeviceTime;
use proptest::prelude::*;

const GOOD: &str = r#"{"v":1,"boot":3,"seq":1042,"person":"00017","at":"2026-12-01T08:59:31+08:00","method":"face","outcome":"granted","direction":"in","live":true,"evidence":[{"kind":"face-image","media":"image/jpeg","data":"AAEC"}]}"#;

/// `GOOD` with one part replaced.
fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replacen(from, to, 1)
}

fn check(payload: &str, expect: Result<(), RefusalReason>) {
    let got = check_in(payload.as_bytes()).map(|_| ()).map_err(|reject| reject.reason);
    assert_eq!(got, expect, "{payload}");
}

#[test]
fn a_check_in_is_read_whole() {
    let c = check_in(GOOD.as_bytes()).ok().unwrap();
    assert_eq!((c.boot, c.seq, c.person.as_deref()), (3, 1042, Some("00017")));
    assert!(matches!(c.person, Some(Cow::Borrowed(_))));
    assert_eq!(c.at, DeviceTime { seconds: 1_796_086_771, offset_minutes: 480 });
    assert_eq!((c.method, c.outcome), (Method::Face, Outcome::Granted));
    assert_eq!((c.direction, c.live, c.clock), (Some(Direction::In), true, DeviceClock::Ok));
    assert_eq!(c.unknown_fields, 0);
    let (kind, media, data) = c.evidence.into_iter().next().unwrap().into_parts();
    assert_eq!((kind, media.as_str()), (EvidenceKind::FaceImage, "image/jpeg"));
    assert_eq!(data.as_slice(), [0, 1, 2]);
}

#[test]
fn what_is_taken() {
    check(GOOD, Ok(()));
    check(&with(r#""direction":"in","#, ""), Ok(()));
    check(&with(r#""live":true,"#, ""), Ok(()));
    check(&with(r#""live":true"#, r#""live":false,"clock":"unsure""#), Ok(()));
    check(&with(r#""in""#, "null"), Ok(()));
    check(&with("granted", "duress"), Ok(()));
    check(&with(r#""person":"00017","#, "").replace("granted", "denied"), Ok(()));
    check(&with("00017", &"é".repeat(48)), Ok(()));
    check(&with("00017", r"\u0041\/7"), Ok(()));
    check(&with("AAEC", "AAE"), Ok(()));
    check(&with("AAEC", r"\/\/8="), Ok(()));
    check(&with("face-image", "iris-image"), Ok(()));
}

#[test]
fn what_is_refused() {
    check("", Err(Malformed));
    check("[]", Err(Malformed));
    check("{", Err(Malformed));
    check("{}", Err(TooSparse));
    check(&format!("{GOOD}x"), Err(Malformed));
    check(&with(r#""v":1"#, r#""v":2"#), Err(UnknownVersion));
    check(&with(r#""v":1,"#, ""), Err(TooSparse));
    check(&with(r#""boot":3,"#, ""), Err(TooSparse));
    check(&with(r#""boot":3"#, r#""boot":"3""#), Err(Malformed));
    check(&with(r#""boot":3"#, r#""boot":3,"boot":3"#), Err(Malformed));
    check(&with(r#""boot":3"#, r#""boot":-1"#), Err(Malformed));
    check(&with(r#""boot":3"#, r#""boot":4294967296"#), Err(Malformed));
    check(&with("1042", "72057594037927936"), Err(Malformed));
    check(&with("00017", ""), Err(BadPerson));
    check(&with("00017", r"a\u0000"), Err(BadPerson));
    check(&with("00017", &"é".repeat(49)), Err(BadPerson));
    check(&with(r#""person":"00017","#, ""), Err(TooSparse));
    check(&with("08:59:31", "8:59:31"), Err(BadTime));
    check(&with(r#""method":"face""#, r#""method":"iris""#), Err(Malformed));
    check(&with("granted", "ok"), Err(Malformed));
    check(&with(r#""in""#, r#""sideways""#), Err(Malformed));
    check(&with("AAEC", "A*EC"), Err(Malformed));
    check(&with(r#","data":"AAEC""#, ""), Err(Malformed));
    check(&with("image/jpeg", &"x".repeat(65)), Err(Malformed));
    check(
        &with("AAEC\"}", &format!("AAEC\"}}{}", r#",{"kind":"score","data":""}"#.repeat(8))),
        Err(Malformed),
    );
}

#[test]
fn a_refusal_names_its_message_where_it_can() {
    let reject = check_in(with("00017", "").as_bytes()).err().unwrap();
    assert_eq!(reject.message, Some((3, 1042)));
    assert_eq!(message_of(GOOD.as_bytes()), Some((3, 1042)));
    assert_eq!(message_of(b"{"), None);
}

#[test]
fn unknown_fields_are_counted_wherever_they_are() {
    let more = with(r#""v":1"#, r#""v":1,"temperature":36.6,"geo":{"lat":[1,2]}"#)
        .replace(r#""kind""#, r#""quality":9,"kind""#);
    assert_eq!(check_in(more.as_bytes()).ok().unwrap().unknown_fields, 3);
}

proptest! {
    #[test]
    fn nothing_panics(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = check_in(&payload);
    }

    #[test]
    fn damage_never_panics(at in 0..GOOD.len(), byte: u8) {
        let mut payload = GOOD.as_bytes().to_vec();
        payload[at] = byte;
        let _ = check_in(&payload);
    }

    #[test]
    fn numbers_come_through_unchanged(person in "[^\\p{Cc}]{1,48}", boot: u32, seq in 0..=MAX_SEQ) {
        let payload = serde_json::json!({
            "v": 1, "boot": boot, "seq": seq, "person": person, "at": "2026-12-01T08:59:31Z",
            "method": "card", "outcome": "granted",
        }).to_string();
        let c = check_in(payload.as_bytes()).ok().unwrap();
        prop_assert_eq!((c.boot, c.seq, c.person.as_deref()), (boot, seq, Some(person.as_str())));
    }
}
