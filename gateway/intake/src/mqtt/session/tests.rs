use super::*;
use proptest::prelude::*;

/// A CONNECT of `version` with clean start, 60 s keep-alive and client id `d`.
fn connect(version: Version) -> Vec<u8> {
    match version {
        Version::V3 => b"\x10\x0D\0\x04MQTT\x04\x02\0\x3C\0\x01d".to_vec(),
        Version::V5 => b"\x10\x0E\0\x04MQTT\x05\x02\0\x3C\0\0\x01d".to_vec(),
    }
}

fn open(version: Version) -> Session {
    let mut session = Session::new();
    let bytes = connect(version);
    match session.step(&bytes) {
        (used, Step::Connect(connect)) => {
            assert_eq!((used, connect.client_id.as_str()), (bytes.len(), "d"));
            assert_eq!(connect.keep_alive, 60);
            session.accept(&connect, None);
        }
        _ => panic!("no CONNECT"),
    }
    session.out.clear();
    session
}

/// Feeds `bytes` and returns what came out and whether the connection is to close.
fn feed(session: &mut Session, bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut at = 0;
    while at < bytes.len() {
        match session.step(&bytes[at..]) {
            (_, Step::Close) => {
                session.part();
                return (std::mem::take(&mut session.out), true);
            }
            (_, Step::Await(_)) => break,
            (used, Step::Subscribe { id, filters }) => {
                let code = |f: &Filter| f.refusal.unwrap_or(SubackReasonCode::GrantedQos0);
                let codes = filters.iter().map(code).collect();
                session.subscribed(id, codes);
                at += used;
            }
            (used, Step::Unsubscribe { id, filters }) => {
                session.unsubscribed(id, &vec![false; filters.len()]);
                at += used;
            }
            (used, Step::Connect(connect)) => {
                session.accept(&connect, None);
                at += used;
            }
            (used, Step::Publish { ack, .. }) => {
                session.acknowledge(ack, 0);
                at += used;
            }
            (used, _) => at += used,
        }
    }
    (std::mem::take(&mut session.out), false)
}

fn check(version: Version, bytes: &[u8], out: &[u8], closed: bool) {
    let got = feed(&mut open(version), bytes);
    assert_eq!(got, (out.to_vec(), closed), "{version:?} {bytes:02x?}");
}

use Version::{V3, V5};

#[test]
fn connack_says_what_is_offered() {
    let mut session = Session::new();
    assert_eq!(feed(&mut session, &connect(V3)), (vec![0x20, 2, 0, 0], false));
    let mut session = Session::new();
    let (out, closed) = feed(&mut session, &connect(V5));
    assert_eq!((&out[..1], &out[2..4], closed), (&[0x20][..], &[0, 0][..], false));
    for property in [[0x25, 0], [0x28, 0], [0x29, 0], [0x2A, 0]] {
        assert!(out.windows(2).any(|w| w == property), "{property:02x?} {out:02x?}");
    }
    assert!(out.windows(3).any(|w| w == [0x21, 4, 0]), "receive maximum {out:02x?}");
}

#[test]
fn bad_connects() {
    let check = |bytes: &[u8], out: &[u8]| {
        assert_eq!(feed(&mut Session::new(), bytes), (out.to_vec(), true), "{bytes:02x?}");
    };
    // Another protocol, another level.
    check(b"\x10\x0D\0\x04MQTX\x04\x02\0\x3C\0\x01d", &[0x20, 2, 0, 1]);
    check(b"\x10\x0D\0\x04MQTT\x06\x02\0\x3C\0\x01d", &[0x20, 2, 0, 1]);
    check(b"\x10\x0F\0\x06MQIsdp\x03\x02\0\x3C\0\x01d", &[0x20, 2, 0, 1]);
    check(b"\x10\x0C\0\x02hj\x05\x02\0\x3C\0\0\x01d", &[0x20, 3, 0, 0x84, 0]);
    // Reserved flag; will flags without a will; will of QoS 3.
    check(b"\x10\x0D\0\x04MQTT\x04\x03\0\x3C\0\x01d", &[]);
    check(b"\x10\x0D\0\x04MQTT\x04\x0A\0\x3C\0\x01d", &[]);
    check(b"\x10\x13\0\x04MQTT\x04\x1E\0\x3C\0\x01d\0\x01t\0\x01p", &[]);
    // Not a CONNECT first.
    check(b"\xC0\0", &[]);
    check(b"\x32\x06\0\x01t\0\x01x", &[]);
    // No name and a session to keep.
    check(b"\x10\x0C\0\x04MQTT\x04\0\0\x3C\0\0", &[0x20, 2, 0, 2]);
    // A will to be retained, and an authentication method.
    check(b"\x10\x15\0\x04MQTT\x05\x26\0\x3C\0\0\x01d\0\0\x01t\0\x01p", &[0x20, 3, 0, 0x9A, 0]);
    check(b"\x10\x12\0\x04MQTT\x05\x02\0\x3C\x04\x15\0\x01m\0\x01d", &[0x20, 3, 0, 0x8C, 0]);
    // Longer than a CONNECT may be.
    check(b"\x10\x81\x80\x01", &[]);
}

/// A CONNECT of MQTT 5 with these flags, properties and what follows the client identifier `d`.
fn connect_v5(flags: u8, properties: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut body = b"\0\x04MQTT\x05".to_vec();
    body.extend([flags, 0, 60, properties.len() as u8]);
    body.extend(properties);
    body.extend(b"\0\x01d");
    body.extend(rest);
    let mut packet = vec![0x10, body.len() as u8];
    packet.extend(body);
    packet
}

#[test]
fn a_bad_connect_of_mqtt_5_is_told_why() {
    let check = |flags, properties: &[u8], rest: &[u8], reason| {
        let packet = connect_v5(flags, properties, rest);
        let told = (vec![0x20, 3, 0, reason, 0], true);
        assert_eq!(feed(&mut Session::new(), &packet), told, "{packet:02x?}");
    };
    const MALFORMED: u8 = 0x81;
    const PROTOCOL: u8 = 0x82;
    const TOPIC: u8 = 0x90;
    // A reserved flag; a property unknown, too long, no text; something behind the payload.
    check(3, b"", b"", MALFORMED);
    check(2, b"\x7E\0", b"", MALFORMED);
    check(2, b"\x26\0\x01\xFF\0\x01b", b"", MALFORMED);
    check(2, b"", b"more", MALFORMED);
    // Values that may not be; one given twice; data of no authentication method.
    check(2, b"\x21\0\0", b"", PROTOCOL);
    check(2, b"\x27\0\0\0\0", b"", PROTOCOL);
    check(2, b"\x17\x02", b"", PROTOCOL);
    check(2, b"\x21\0\x01\x21\0\x01", b"", PROTOCOL);
    check(2, b"\x16\0\x01x", b"", PROTOCOL);
    // Wills to no topic, to many, to one with a NUL, without a payload.
    check(6, b"", b"\0\0\0\0\x01x", TOPIC);
    check(6, b"", b"\0\0\x03a/#\0\x01x", TOPIC);
    check(6, b"", b"\0\0\x01\0\0\x01x", MALFORMED);
    check(6, b"", b"\0\0\x01t", MALFORMED);
    // A password that is announced and not there.
    check(0x42, b"", b"", MALFORMED);
    check(0x42, b"", b"\0\x05pw", MALFORMED);
}

#[test]
fn a_bad_connect_of_3_1_1_gets_no_answer() {
    let check = |flags: u8, rest: &[u8]| {
        let mut body = b"\0\x04MQTT\x04".to_vec();
        body.extend([flags, 0, 60, 0, 1, b'd']);
        body.extend(rest);
        let mut packet = vec![0x10, body.len() as u8];
        packet.extend(body);
        assert_eq!(feed(&mut Session::new(), &packet), (vec![], true), "{packet:02x?}");
    };
    // A user name that is not there; a password without one; something behind the payload.
    check(0x82, b"");
    check(0x42, b"\0\x02pw");
    check(2, b"more");
    // Wills to no topic, to many, to one with a NUL.
    check(6, b"\0\0\0\x01x");
    check(6, b"\0\x01+\0\x01x");
    check(6, b"\0\x01\0\0\x01x");
}

#[test]
fn a_password_may_come_without_a_user_name_in_mqtt_5() {
    for (flags, rest) in [
        (0x42, &b"\0\x03\xFF\0p"[..]),
        (0xC2, b"\0\x01u\0\x02pw"),
        (0x46, b"\x05\x18\0\0\0\x01\0\x01t\0\x01x\0\x02pw"),
    ] {
        let (out, closed) = feed(&mut Session::new(), &connect_v5(flags, b"", rest));
        assert_eq!((&out[..1], &out[2..4], closed), (&[0x20][..], &[0, 0][..], false));
    }
}

#[test]
fn who_takes_no_answer_so_long_is_turned_away() {
    let narrow = connect_v5(2, b"\x27\0\0\0\x14", b"");
    let Step::Connect(connect) = Session::new().step(&narrow).1 else { panic!("no CONNECT") };
    let mut session = Session::new();
    session.step(&narrow);
    assert!(!session.accept(&connect, None));
    assert_eq!(session.out, [0x20, 3, 0, 0x95, 0]);
}

#[test]
fn the_last_word_comes_after_the_answers() {
    let mut session = open(V5);
    let (used, step) = session.step(b"\x34\x07\0\x01t\0\x07\0x\xD0\0");
    assert!(matches!(step, Step::Publish { ack: Ack::Pubrec(7), .. }));
    let (_, step) = session.step(&b"\x34\x07\0\x01t\0\x07\0x\xD0\0"[used..]);
    assert!(matches!(step, Step::Close));
    session.acknowledge(Ack::Pubrec(7), 0);
    session.part();
    assert_eq!(session.out, [0x50, 2, 0, 7, 0xE0, 1, 0x82]);
}

#[test]
fn only_mqtt_5_knows_how_many_may_be_under_way() {
    let publish = |session: &mut Session, version, id: u16| {
        let mut packet = if version == V5 { vec![0x34, 7] } else { vec![0x34, 6] };
        packet.extend(b"\0\x01t");
        packet.extend(id.to_be_bytes());
        packet.extend((version == V5).then_some(0));
        packet.push(b'x');
        feed(session, &packet)
    };
    for version in [V3, V5] {
        let mut session = open(version);
        for id in 1..=RECEIVE_MAXIMUM {
            assert!(!publish(&mut session, version, id).1);
        }
        // One that comes again is under way already.
        assert!(!publish(&mut session, version, 1).1);
        let (out, closed) = publish(&mut session, version, RECEIVE_MAXIMUM + 1);
        assert_eq!(closed, version == V5);
        assert!(!closed || out == [0xE0, 1, 0x93], "{out:02x?}");
    }
}

#[test]
fn pings_and_goodbyes() {
    check(V3, b"\xC0\0", &[0xD0, 0], false);
    check(V5, b"\xC0\0\xC0\0", &[0xD0, 0, 0xD0, 0], false);
    check(V3, b"\xE0\0", &[], true);
    check(V5, b"\xE0\0", &[], true);
    check(V5, b"\xE0\x01\0", &[], true);
    // Who asked for no session that stays cannot ask for one now.
    check(V5, b"\xE0\x07\0\x05\x11\0\0\0\x05", &[0xE0, 1, 0x82], true);
    check(V5, b"\xE0\x07\0\x05\x11\0\0\0\0", &[], true);
    let mut session = Session::new();
    feed(&mut session, &connect_v5(2, b"\x11\0\0\0\x05", b""));
    assert_eq!(feed(&mut session, b"\xE0\x07\0\x05\x11\0\0\0\x05"), (vec![], true));
}

#[test]
fn messages_of_all_qualities() {
    check(V3, b"\x30\x04\0\x01tx", &[], false);
    check(V3, b"\x32\x06\0\x01t\0\x07x", &[0x40, 2, 0, 7], false);
    check(V3, b"\x3A\x06\0\x01t\0\x07x", &[0x40, 2, 0, 7], false);
    check(V3, b"\x34\x06\0\x01t\0\x07x", &[0x50, 2, 0, 7], false);
    check(V5, b"\x34\x07\0\x01t\0\x07\0x\x62\x02\0\x07", &[0x50, 2, 0, 7, 0x70, 2, 0, 7], false);
    check(V5, b"\x62\x02\0\x07", &[0x70, 3, 0, 7, 0x92], false);
    check(V3, b"\x62\x02\0\x07", &[0x70, 2, 0, 7], false);
}

#[test]
fn subscriptions() {
    check(V3, b"\x82\x06\0\x01\0\x01t\x01", &[0x90, 3, 0, 1, 0], false);
    check(V3, b"\x82\x06\0\x01\0\x01#\x01", &[0x90, 3, 0, 1, 0x80], false);
    check(V5, b"\x82\x07\0\x01\0\0\x01t\x01", &[0x90, 4, 0, 1, 0, 0], false);
    check(V5, b"\x82\x07\0\x01\0\0\x01+\x01", &[0x90, 4, 0, 1, 0, 0xA2], false);
    check(V5, b"\x82\x10\0\x01\0\0\x0A$share/a/b\x01", &[0x90, 4, 0, 1, 0, 0x9E], false);
    check(V5, b"\x82\x09\0\x01\x02\x0B\x01\0\x01t\x01", &[0x90, 4, 0, 1, 0, 0xA1], false);
    check(V3, b"\xA2\x05\0\x01\0\x01t", &[0xB0, 2, 0, 1], false);
    check(V5, b"\xA2\x06\0\x01\0\0\x01t", &[0xB0, 4, 0, 1, 0, 0x11], false);
    // Bits that 3.1.1 reserves; a shared one that is deaf to itself; two identifiers.
    check(V3, b"\x82\x06\0\x01\0\x01t\x05", &[], true);
    check(V5, b"\x82\x10\0\x01\0\0\x0A$share/a/b\x05", &[0xE0, 1, 0x82], true);
    check(V5, b"\x82\x0B\0\x01\x04\x0B\x01\x0B\x02\0\x01t\x01", &[0xE0, 1, 0x82], true);
    // Without a filter, with QoS 3, with a hash in the middle, with packet id 0.
    check(V3, b"\x82\x02\0\x01", &[], true);
    check(V3, b"\x82\x06\0\x01\0\x01t\x03", &[], true);
    check(V5, b"\x82\x09\0\x01\0\0\x03#/a\x01", &[0xE0, 1, 0x8F], true);
    check(V5, b"\x82\x07\0\0\0\0\x01t\x01", &[0xE0, 1, 0x82], true);
}

#[test]
fn breaches_end_the_connection() {
    // Reserved flags; a second CONNECT; packets that only a server sends; an AUTH.
    check(V3, b"\x80\x06\0\x01\0\x01t\x01", &[], true);
    check(V5, b"\xC1\0", &[0xE0, 1, 0x81], true);
    check(V3, &connect(V3), &[], true);
    check(V5, &connect(V5), &[0xE0, 1, 0x82], true);
    check(V3, b"\xD0\0", &[], true);
    for packet in [&b"\xD0\0"[..], b"\x20\x03\0\0\0", b"\x90\x04\0\x01\0\0"] {
        check(V5, packet, &[0xE0, 1, 0x82], true);
    }
    check(V5, b"\0\0", &[0xE0, 1, 0x81], true);
    // A length longer than it need be, which 3.1.1 does not forbid.
    check(V5, b"\xC0\x80\0", &[0xE0, 1, 0x81], true);
    check(V3, b"\xC0\x80\0", &[0xD0, 0], false);
    check(V3, b"\x40\x02\0\x07", &[], true);
    check(V5, b"\x40\x02\0\x07", &[0xE0, 1, 0x82], true);
    check(V5, b"\xF0\0", &[0xE0, 1, 0x82], true);
    check(V5, b"\x33\x07\0\x01t\0\x07\0x", &[0xE0, 1, 0x9A], true);
    check(V5, b"\x32\x0A\0\x01t\0\x07\x03\x23\0\x01x", &[0xE0, 1, 0x94], true);
    check(V3, b"\x30\xFF\xFF\xFF\xFF\x01", &[], true);
    // Longer than was announced.
    check(V5, b"\x32\xFF\xFF\xFF\x01", &[0xE0, 1, 0x95], true);
}

#[test]
fn what_3_1_1_cannot_know_is_too_long_is_thrown_away_and_refused_by_number() {
    let mut session = open(V3);
    let body = MAX_PACKET + 1000;
    let mut packet = vec![0x32];
    packet.extend([
        (body & 0x7F) as u8 | 0x80,
        (body >> 7 & 0x7F) as u8 | 0x80,
        (body >> 14) as u8,
    ]);
    packet.extend(b"\0\x01t\0\x07");
    packet.resize(4 + body, 0x30);
    packet.extend(b"\xC0\0");
    let (used, step) = session.step(&packet[..1000]);
    assert!(matches!(step, Step::Oversized { ack: Ack::Puback(7), length } if length == body));
    assert_eq!(used, 1000);
    let (used, step) = session.step(&packet[1000..]);
    assert!(matches!(step, Step::Handled));
    assert_eq!(used, packet.len() - 1002);
    assert_eq!(feed(&mut session, b"\xC0\0"), (vec![0xD0, 0], false));
}

proptest! {
    #[test]
    fn nothing_panics_and_steps_go_forward(
        v5: bool,
        greeted: bool,
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut session = match (greeted, v5) {
            (true, true) => open(V5),
            (true, false) => open(V3),
            (false, _) => Session::new(),
        };
        feed(&mut session, &bytes);
    }

    #[test]
    fn damaged_packets_never_panic(v5: bool, at in 0usize..64, byte: u8) {
        let version = if v5 { V5 } else { V3 };
        let mut bytes = connect(version);
        bytes.extend(b"\x82\x07\0\x01\0\0\x01t\x01\x32\x07\0\x01t\0\x07\0x\xE0\0");
        let at = at % bytes.len();
        bytes[at] = byte;
        feed(&mut Session::new(), &bytes);
    }

    #[test]
    fn reads_may_be_cut_anywhere(v5: bool, cut in 1usize..40) {
        let version = if v5 { V5 } else { V3 };
        let properties: &[u8] = if v5 { b"\0" } else { b"" };
        let mut bytes = vec![0x32, 6 + properties.len() as u8];
        bytes.extend(b"\0\x01t\0\x07");
        bytes.extend(properties);
        bytes.extend(b"x\xC0\0");
        let cut = cut % bytes.len();
        let mut session = open(version);
        let (mut out, _) = feed(&mut session, &bytes[..cut]);
        // The connection keeps what a step did not use.
        let first = if cut >= 8 + properties.len() { 8 + properties.len() } else { 0 };
        let (rest, closed) = feed(&mut session, &bytes[first..]);
        out.extend(rest);
        prop_assert_eq!((out, closed), (vec![0x40, 2, 0, 7, 0xD0, 0], false));
    }
}
