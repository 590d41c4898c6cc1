//! The plaintext listener.

use super::client::{Client, check_in};
use super::setting::Site;
use muster_intake::{Config, Intake, StartError};
use muster_ledger::DeviceState;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_check_in_is_acknowledged_once_it_is_in_the_journal() {
    let site = Site::new();
    let (intake, address) = site.loopback().await;
    for v5 in [false, true] {
        let name = format!("door-{v5}");
        let (mut client, connack) = Client::connect(address, v5, &name).await;
        assert_eq!(connack[..2], [0, 0]);
        let topic = format!("muster/1/{name}/checkin");
        client.publish(&topic, 7, check_in(1, 1, "00017").as_bytes()).await;
        assert_eq!(client.puback(7).await, 0);
        site.has_receipted(1 + u64::from(v5)).await;
        let device = site.ledger.devices().find(&name).unwrap();
        assert_eq!(device.state, DeviceState::Unpaired);
    }
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_say_what_became_of_each_message() {
    let site = Site::new();
    let (_intake, address) = site.loopback().await;
    for v5 in [false, true] {
        let name = format!("door-{v5}");
        let (mut client, _) = Client::connect(address, v5, &name).await;
        assert_eq!(client.subscribe(&format!("muster/1/{name}/receipt")).await, 0);
        let topic = format!("muster/1/{name}/checkin");
        let mut check = async |id: u16, payload: &str, code: u8, receipt: &str| {
            client.publish(&topic, id, payload.as_bytes()).await;
            assert_eq!(client.puback(id).await, if v5 { code } else { 0 }, "{payload}");
            let (to, text) = client.message().await;
            assert_eq!((to, text.as_str()), (format!("muster/1/{name}/receipt"), receipt));
        };
        let good = check_in(1, 1, "00017");
        check(1, &good, 0, r#"{"boot":1,"seq":1,"result":"stored"}"#).await;
        check(2, &good, 0, r#"{"boot":1,"seq":1,"result":"again"}"#).await;
        let other = good.replace("00017", "00018");
        check(3, &other, 0, r#"{"boot":1,"seq":1,"result":"quarantined"}"#).await;
        let bad = check_in(1, 2, "");
        let refused = r#"{"boot":1,"seq":2,"result":"refused","reason":"bad-person"}"#;
        check(4, &bad, 0x99, refused).await;
        let refused = r#"{"boot":null,"seq":null,"result":"refused","reason":"malformed"}"#;
        check(5, "{", 0x99, refused).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_use_its_own_topics_only() {
    let site = Site::new();
    let (_intake, address) = site.loopback().await;
    let (mut client, _) = Client::connect(address, true, "a").await;
    let payload = check_in(1, 1, "7");
    for (topic, code) in [
        ("muster/1/b/checkin", 0x87),
        ("muster/1/a/receipt", 0x90),
        ("attendance/mo-hq/sg", 0x90),
        ("muster/1/a/checkin", 0),
    ] {
        client.publish(topic, 3, payload.as_bytes()).await;
        assert_eq!(client.puback(3).await, code, "{topic}");
    }
    for (topic, code) in [
        ("muster/1/a/receipt", 0),
        ("muster/1/a/command", 0),
        ("muster/1/a/checkin", 0x87),
        ("muster/1/b/receipt", 0x87),
        ("muster/1/+/receipt", 0xA2),
        ("#", 0xA2),
    ] {
        assert_eq!(client.subscribe(topic).await, code, "{topic}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_window_is_answered_in_order() {
    let site = Site::new();
    let (_intake, address) = site.loopback().await;
    let (mut client, _) = Client::connect(address, false, "a").await;
    let mut bytes = Vec::new();
    for seq in 1..=2000u16 {
        let payload = check_in(1, seq.into(), &format!("{}", seq % 50));
        bytes.extend(client.publish_bytes("muster/1/a/checkin", seq, payload.as_bytes()));
    }
    client.raw(&bytes).await;
    for seq in 1..=2000u16 {
        client.puback(seq).await;
    }
    site.has_receipted(2000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_payloads_are_taken_up_to_the_bound() {
    let site = Site::new();
    let (_intake, address) = site.loopback().await;
    let padded = |seq: u64, length: usize| {
        let text = check_in(1, seq, "7");
        format!("{}{}", text, " ".repeat(length - text.len()))
    };
    for v5 in [false, true] {
        let (mut client, _) = Client::connect(address, v5, &format!("a{v5}")).await;
        let topic = format!("muster/1/a{v5}/checkin");
        client.publish(&topic, 1, padded(1, 256 * 1024).as_bytes()).await;
        assert_eq!(client.puback(1).await, 0);
        client.publish(&topic, 2, padded(2, 256 * 1024 + 1).as_bytes()).await;
        assert_eq!(client.puback(2).await, if v5 { 0x97 } else { 0 });
        client.publish(&topic, 3, padded(3, 400 * 1024).as_bytes()).await;
        match v5 {
            true => assert_eq!(client.packet().await, Some((0xE0, vec![0x95]))),
            false => assert_eq!(client.puback(3).await, 0),
        }
    }
    let status = site.ledger.status();
    assert_eq!(status.refused.get("oversized"), Some(&3), "{:?}", status.refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_connection_of_a_name_ends_the_first() {
    let site = Site::new();
    let (_intake, address) = site.loopback().await;
    let (mut first, _) = Client::connect(address, true, "a").await;
    let (mut second, _) = Client::connect(address, true, "a").await;
    assert_eq!(first.packet().await, Some((0xE0, vec![0x8E])));
    assert_eq!(first.packet().await, None);
    second.publish("muster/1/a/checkin", 1, check_in(1, 1, "7").as_bytes()).await;
    assert_eq!(second.puback(1).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn names() {
    let site = Site::new();
    let (_intake, address) = site.loopback().await;
    let (_, connack) = Client::connect(address, false, "a/b").await;
    assert_eq!(connack, [0, 2]);
    let (_, connack) = Client::connect(address, true, "a+").await;
    assert_eq!(connack[..2], [0, 0x85]);
    let (_, connack) = Client::connect(address, false, "").await;
    assert_eq!(connack, [0, 0]);
    let (_, connack) = Client::connect(address, true, "").await;
    assert_eq!(connack[..2], [0, 0]);
    let assigned = connack.windows(5).any(|w| w == b"auto-");
    assert!(assigned, "{connack:02x?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_low_quality_of_service_is_served_too() {
    let site = Site::new();
    let (_intake, address) = site.loopback().await;
    let (mut client, _) = Client::connect(address, false, "a").await;
    client.publish("muster/1/a/checkin", 0, check_in(1, 1, "7").as_bytes()).await;
    client.raw(b"\xE0\0").await;
    assert_eq!(client.packet().await, None);
    site.has_receipted(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_ends_a_connection() {
    let site = Site::new();
    let (_intake, address) = site.loopback().await;
    // Keep-alive of one second: over after one and a half.
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    socket.write_all(b"\x10\x0D\0\x04MQTT\x04\x02\0\x01\0\x01b").await.unwrap();
    let started = std::time::Instant::now();
    let mut all = Vec::new();
    socket.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, [0x20, 2, 0, 0]);
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(1400) && took < Duration::from_secs(4), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_name_is_cut_off_and_not_let_in_again() {
    let site = Site::new();
    let (_intake, address) = site.loopback().await;
    let (mut client, _) = Client::connect(address, true, "a").await;
    client.publish("muster/1/a/checkin", 1, check_in(1, 1, "7").as_bytes()).await;
    assert_eq!(client.puback(1).await, 0);
    site.ledger.devices().revoke("a").await.unwrap();
    assert_eq!(client.packet().await, Some((0xE0, vec![0x87])));
    let (_, connack) = Client::connect(address, true, "a").await;
    assert_eq!(connack[..2], [0, 0x87]);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_answers_what_was_taken_and_says_why() {
    let site = Site::new();
    let (intake, address) = site.loopback().await;
    let (mut client, _) = Client::connect(address, true, "a").await;
    client.publish("muster/1/a/checkin", 1, check_in(1, 1, "7").as_bytes()).await;
    assert_eq!(client.puback(1).await, 0);
    intake.stop().await;
    assert_eq!(client.packet().await, Some((0xE0, vec![0x8B])));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn plaintext_is_for_loopback_only() {
    let site = Site::new();
    let any = Some(([0, 0, 0, 0], 0).into());
    let data = site.data.path().to_owned();
    let config = Config { mqtt_loopback: any, data, ..Config::default() };
    let refused = Intake::start(config, site.handles()).await.err().unwrap();
    assert!(matches!(refused, StartError::Listen(_)));
    assert!(refused.to_string().contains("loopback"), "{refused}");
}
