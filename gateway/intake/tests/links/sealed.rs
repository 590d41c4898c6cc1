//! Sealed messages over MQTT, of a device itself and through a C1.

use super::client::Client;
use super::setting::Site;
use super::tls::{greet, listen, pair};
use muster_intake::authority::Credentials;
use muster_ledger::DeviceKind;
use muster_proto::message::{
    CheckIn, ClockState, DeviceKind as Kind, Direction, Evidences, Hello, LocalTime, Message,
    Method, Outcome, Receipt, ReceiptResult, Stamp, Welcome,
};
use muster_proto::seal::{Keys, Sealed};

pub(crate) fn keys(login: &Credentials) -> Keys {
    let mut secret = [0u8; 32];
    for (byte, pair) in secret.iter_mut().zip(login.secret_hex.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    }
    Keys::derive(&secret, &login.name).unwrap()
}

pub(crate) fn punch(boot: u32, seq: u64, person: &str) -> CheckIn<'_> {
    CheckIn {
        boot,
        seq,
        person: Some(person),
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

pub(crate) fn seal<'a, M: Message<'a>>(keys: &Keys, message: &M) -> Vec<u8> {
    let mut sealed = vec![0; 4096];
    let length = keys.seal(message, &mut sealed).unwrap();
    sealed.truncate(length);
    sealed
}

/// Publishes and returns the PUBACK's code and, if the client waits for one, the receipt.
async fn say(client: &mut Client, topic: &str, message: &[u8], answered: bool) -> (u8, Vec<u8>) {
    client.publish(topic, 5, message).await;
    let code = client.puback(5).await;
    let receipt = if answered { client.message_bytes().await.1 } else { Vec::new() };
    (code, receipt)
}

fn open(keys: &Keys, receipt: &mut [u8]) -> (Stamp, ReceiptResult) {
    let receipt: Receipt = Sealed::parse(receipt).unwrap().open(keys).unwrap();
    (receipt.punch, receipt.result)
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_c1_only_the_seal_counts() {
    let site = Site::new();
    let (_intake, address) = listen(&site).await;
    let centre = pair(&site, "c1", DeviceKind::C1, None).await;
    let carried = pair(&site, "m1", DeviceKind::M1, Some("c1")).await;
    let alone = pair(&site, "m1-alone", DeviceKind::M1, None).await;
    let (mut client, _) = greet(address, &centre, true).await;
    assert_eq!(client.subscribe("muster/1/m1/receipt").await, 0);
    assert_eq!(client.subscribe("muster/1/m1-alone/receipt").await, 0x87);
    let (m1, topic) = (keys(&carried), "muster/1/m1/checkin");

    let hello = Hello {
        boot: 4,
        count: 1,
        version: 1,
        device: Kind::M1,
        clock: ClockState::Ok,
        at: LocalTime { seconds: 0, offset_minutes: 0 },
        next_seq: 1,
        oldest: None,
        waiting: 0,
        firmware: "1.0",
        unknown_fields: 0,
    };
    let (code, mut welcome) = say(&mut client, topic, &seal(&m1, &hello), true).await;
    let welcome: Welcome = Sealed::parse(&mut welcome).unwrap().open(&m1).unwrap();
    assert_eq!((code, welcome.hello), (0, Stamp { boot: 4, seq: 1 }));
    assert!(welcome.box_ms > 0 && welcome.epoch > 0);

    // Its number again with other words, and one of an earlier boot: a copy of the terminal, or
    // a recording. Neither is welcomed, and each is refused by its reason.
    for (other, reason) in [
        (Hello { waiting: 5, ..hello.clone() }, "boot-reused"),
        (Hello { boot: 3, ..hello.clone() }, "replayed"),
    ] {
        assert_eq!(say(&mut client, topic, &seal(&m1, &other), false).await.0, 0x99);
        assert_eq!(site.ledger.status().refused.get(reason), Some(&1), "{reason}");
    }

    for (seq, person, result) in [
        (1, "00017", ReceiptResult::Stored),
        (1, "00017", ReceiptResult::Again),
        (1, "00018", ReceiptResult::Quarantined),
    ] {
        let message = seal(&m1, &punch(4, seq, person));
        let (code, mut receipt) = say(&mut client, topic, &message, true).await;
        assert_eq!(code, 0);
        assert_eq!(open(&m1, &mut receipt), (Stamp { boot: 4, seq }, result));
    }

    // JSON proves nothing through a C1, nor does another device's seal, nor a broken one: and none
    // is answered with a receipt that could make the terminal forget a punch.
    let json = super::client::check_in(4, 2, "00017");
    assert_eq!(say(&mut client, topic, json.as_bytes(), false).await.0, 0x87);
    let foreign = seal(&keys(&alone), &punch(4, 2, "00017"));
    assert_eq!(say(&mut client, topic, &foreign, false).await.0, 0x87);
    let mut broken = seal(&m1, &punch(4, 2, "00017"));
    *broken.last_mut().unwrap() ^= 1;
    assert_eq!(say(&mut client, topic, &broken, false).await.0, 0x87);
    let elsewhere = "muster/1/m1-alone/checkin";
    let own = seal(&keys(&alone), &punch(4, 2, "00017"));
    assert_eq!(say(&mut client, elsewhere, &own, false).await.0, 0x87);

    // Revoked, the terminal is not heard any more, while its C1 is.
    site.ledger.devices().revoke("m1").await.unwrap();
    let message = seal(&m1, &punch(4, 3, "00017"));
    assert_eq!(say(&mut client, topic, &message, false).await.0, 0x87);
    site.has_receipted(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_may_seal_over_its_own_connection() {
    let site = Site::new();
    let (_intake, address) = listen(&site).await;
    let login = pair(&site, "m2", DeviceKind::M2, None).await;
    let (mut client, _) = greet(address, &login, false).await;
    assert_eq!(client.subscribe("muster/1/m2/receipt").await, 0);
    let (m2, topic) = (keys(&login), "muster/1/m2/checkin");
    let (_, mut receipt) = say(&mut client, topic, &seal(&m2, &punch(1, 9, "A")), true).await;
    assert_eq!(open(&m2, &mut receipt), (Stamp { boot: 1, seq: 9 }, ReceiptResult::Stored));
    let (_, receipt) = say(&mut client, topic, b"\x01garbage", true).await;
    assert!(receipt.starts_with(b"{") && receipt.windows(9).any(|w| w == b"malformed"));
}
