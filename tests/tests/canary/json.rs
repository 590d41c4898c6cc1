//! Check-ins as JSON, good ones and all the wrong ones that evidence may come in.

use crate::evidence::{Maker, Piece};
use muster_tests::punch::{now_s, rfc3339};
use serde_json::{Value, json};

/// The terminal that sends them.
pub(crate) const DEVICE: &str = "gate-1";
/// People that the box knows.
pub(crate) const PEOPLE: [&str; 4] = ["00001", "00002", "00003", "00004"];

/// A message and what must become of it.
pub(crate) struct Case {
    /// For messages of a failing test.
    pub(crate) name: &'static str,
    /// Where it is published.
    pub(crate) topic: String,
    /// What is published.
    pub(crate) payload: Vec<u8>,
    /// What the vault must hold after.
    pub(crate) kept: Vec<Vec<u8>>,
    /// Whether the region must get it.
    pub(crate) forwarded: bool,
}

/// A whole check-in: number `seq` of the first boot, made just now.
pub(crate) fn check_in(seq: u64, person: Option<&str>, method: &str, pieces: &[Piece]) -> Value {
    check_in_at(now_s() - 600, seq, person, method, pieces)
}

/// A whole check-in, made `seq` seconds after `began_s`.
pub(crate) fn check_in_at(
    began_s: i64,
    seq: u64,
    person: Option<&str>,
    method: &str,
    pieces: &[Piece],
) -> Value {
    let evidence: Vec<_> = pieces
        .iter()
        .map(|piece| json!({"kind": piece.kind, "media": piece.media, "data": piece.base64()}))
        .collect();
    let outcome = if person.is_some() { "granted" } else { "denied" };
    let mut made = json!({
        "v": 1, "boot": 1, "seq": seq, "at": rfc3339(began_s + seq as i64),
        "method": method, "outcome": outcome, "direction": "in", "live": true,
        "evidence": evidence,
    });
    if let Some(person) = person {
        made["person"] = person.into();
    }
    made
}

/// Every way in, in the order in which they are to be sent.
pub(crate) fn cases(maker: &mut Maker) -> Vec<Case> {
    let mut cases = good(maker);
    cases.extend(again(&cases, maker));
    cases.extend(misplaced(maker, 100));
    cases.extend(broken(maker, 200));
    cases.extend(misdirected(maker, 300));
    cases
}

/// What is taken, with its evidence.
fn good(maker: &mut Maker) -> Vec<Case> {
    let mut seq = 0;
    let mut case = |name, person: Option<&str>, method, pieces: Vec<Piece>| {
        seq += 1;
        let known = person.is_some_and(|person| PEOPLE.contains(&person));
        let kept = pieces.iter().map(|piece| piece.bytes.clone()).collect();
        let made = check_in(seq, person, method, &pieces);
        Case { kept, forwarded: known, ..plain(name, &made) }
    };
    vec![
        case("a face", Some(PEOPLE[0]), "face", vec![maker.face()]),
        case("a face and its vector", Some(PEOPLE[1]), "face", vec![maker.face(), maker.vector()]),
        case("a finger", Some(PEOPLE[2]), "fingerprint", vec![maker.finger(), maker.blob()]),
        case("nobody that the box knows", Some("77777"), "face", vec![maker.face()]),
        case("nobody at all", None, "fingerprint", vec![maker.finger()]),
    ]
}

/// The first again, and another under its number.
fn again(sent: &[Case], maker: &mut Maker) -> Vec<Case> {
    let first = &sent[0];
    let again = Case {
        name: "the same again",
        topic: first.topic.clone(),
        payload: first.payload.clone(),
        kept: Vec::new(),
        forwarded: false,
    };
    let other = check_in(1, Some(PEOPLE[3]), "face", &[maker.face()]);
    let mut conflict = plain("another under the same number", &other);
    conflict.kept = vec![conflict.payload.clone()];
    vec![again, conflict]
}

/// Evidence where something else belongs.
fn misplaced(maker: &mut Maker, first: u64) -> Vec<Case> {
    let fields = [
        "person",
        "method",
        "outcome",
        "direction",
        "at",
        "live",
        "clock",
        "boot",
        "seq",
        "v",
        "evidence",
    ];
    let mut cases: Vec<_> = (first..)
        .zip(fields)
        .map(|(seq, field)| {
            let mut made = check_in(seq, Some(PEOPLE[0]), "face", &[]);
            made[field] = maker.face().base64().into();
            plain("evidence in another field", &made)
        })
        .collect();
    let mut with = |name, seq, change: &dyn Fn(&mut Value, Piece)| {
        let mut made = check_in(seq, Some(PEOPLE[0]), "face", &[maker.finger()]);
        change(&mut made, maker.finger());
        cases.push(plain(name, &made));
    };
    with("evidence that is no list", 150, &|made, piece| {
        made["evidence"] = json!({"kind": piece.kind, "data": piece.base64()});
    });
    with("evidence of no kind", 151, &|made, piece| {
        made["evidence"][0]["kind"] = piece.base64().into();
    });
    with("evidence as its media", 152, &|made, piece| {
        made["evidence"][0]["media"] = piece.base64().into();
    });
    with("evidence as numbers", 153, &|made, piece| {
        made["evidence"][0]["data"] = piece.bytes.into();
    });
    with("evidence as a name", 154, &|made, piece| {
        made[piece.base64()] = true.into();
    });
    with("evidence as hex", 155, &|made, piece| {
        let hex: String = piece.bytes.iter().map(|b| format!("{b:02x}")).collect();
        made["evidence"][0]["data"] = hex.into();
    });
    let mut made = check_in(160, Some(PEOPLE[0]), "face", &[]);
    made["SanpPic"] = maker.face().base64().into();
    made["info"] = json!({"template": {"raw": maker.vector().base64()}});
    cases.push(Case { forwarded: true, ..plain("evidence in fields that nobody knows", &made) });
    cases
}

/// What is no check-in.
fn broken(maker: &mut Maker, first: u64) -> Vec<Case> {
    let whole = |maker: &mut Maker, seq| {
        check_in(first + seq, Some(PEOPLE[0]), "face", &[maker.face()]).to_string()
    };
    let cut = whole(maker, 1);
    let cut = cut[..cut.len() - 900].to_owned();
    let mut not_base64 = check_in(first + 2, Some(PEOPLE[0]), "face", &[]);
    not_base64["evidence"] = json!([{"kind": "face-image", "data": maker.face().base64() + "!"}]);
    let twice = whole(maker, 3) + &whole(maker, 4);
    let mut not_text = whole(maker, 5).into_bytes();
    not_text[20] = 0xFF;
    let huge = check_in(first + 6, Some(PEOPLE[0]), "face", &[maker.huge_face()]).to_string();
    let case = |name, payload: Vec<u8>| Case { payload, ..plain(name, &Value::Null) };
    vec![
        case("cut short", cut.into_bytes()),
        plain("no base64", &not_base64),
        case("two in one", twice.into_bytes()),
        case("not text", not_text),
        case("no JSON", maker.face().bytes),
        case("too large", huge.into_bytes()),
        case("a list of bytes", format!("{:?}", maker.finger().bytes).into_bytes()),
    ]
}

/// What is published where it does not belong.
fn misdirected(maker: &mut Maker, first: u64) -> Vec<Case> {
    let topics = [
        "muster/1/gate-2/checkin".to_owned(),
        "muster/2/gate-1/checkin".to_owned(),
        "muster/1/gate-1/receipt".to_owned(),
        "mqtt/face/basic".to_owned(),
        format!("muster/1/gate-1/checkin/{}", maker.finger().base64()),
        format!("muster/1/{}/checkin", maker.finger().base64().replace(['/', '+'], "-")),
    ];
    let misdirect = |(seq, topic): (u64, String)| {
        let made = check_in(seq, Some(PEOPLE[0]), "face", &[maker.face()]);
        Case { topic, ..plain("the wrong topic", &made) }
    };
    (first..).zip(topics).map(misdirect).collect()
}

/// A message on the terminal's own topic of which nothing is kept or sent.
fn plain(name: &'static str, made: &Value) -> Case {
    Case {
        name,
        topic: format!("muster/1/{DEVICE}/checkin"),
        payload: made.to_string().into_bytes(),
        kept: Vec::new(),
        forwarded: false,
    }
}
