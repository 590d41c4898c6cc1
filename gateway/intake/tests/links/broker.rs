//! An existing broker: a real mosquitto between devices and the box.

use super::client::{Client, check_in};
use super::sealed::{keys, punch, seal};
use super::setting::Site;
use super::tls::pair;
use muster_intake::{BrokerConfig, Config, Intake};
use muster_ledger::DeviceKind;
use muster_proto::message::{Command as Commanded, Order, Receipt, ReceiptResult, Stamp};
use muster_proto::seal::Sealed;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Mosquitto {
    address: SocketAddr,
    folder: tempfile::TempDir,
    child: Running,
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Mosquitto {
    async fn start() -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let folder = tempfile::tempdir().unwrap();
        let config = format!("listener {} 127.0.0.1\nallow_anonymous true\n", address.port());
        std::fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
        let child = Self::spawn(&folder, address).await;
        Self { address, folder, child }
    }

    async fn spawn(folder: &tempfile::TempDir, address: SocketAddr) -> Running {
        let spawned = Command::new("mosquitto")
            .arg("-c")
            .arg(folder.path().join("mosquitto.conf"))
            .stderr(Stdio::null())
            .spawn();
        let child = Running(spawned.expect("mosquitto is needed: apt-get install mosquitto"));
        for _ in 0..500 {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return child;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("mosquitto does not listen");
    }

    /// Kills it, with all sessions, and starts it anew.
    async fn restart(&mut self) {
        self.child.0.kill().unwrap();
        self.child.0.wait().unwrap();
        self.child = Self::spawn(&self.folder, self.address).await;
    }

    /// The box on this broker, connected.
    async fn intake(&self, site: &Site, trust_broker: bool) -> Intake {
        let broker = BrokerConfig {
            url: format!("mqtt://{}", self.address),
            client_id: "muster-mo-hq".into(),
            trust_broker,
            ..BrokerConfig::default()
        };
        let intake = site.start(Config { broker: Some(broker), ..Config::default() }).await;
        connected(&intake).await;
        intake
    }
}

async fn connected(intake: &Intake) {
    for _ in 0..3000 {
        if intake.status().broker.unwrap().connected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", intake.status().broker);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_broker_may_bring_json_and_receipts_go_back() {
    let (site, mosquitto) = (Site::new(), Mosquitto::start().await);
    let _intake = mosquitto.intake(&site, true).await;
    let (mut device, _) = Client::connect(mosquitto.address, false, "door").await;
    device.subscribe("muster/1/door/receipt").await;
    for (result, person) in [("stored", "7"), ("again", "7"), ("quarantined", "8")] {
        device.publish("muster/1/door/checkin", 0, check_in(1, 1, person).as_bytes()).await;
        let (topic, text) = device.message().await;
        assert_eq!(topic, "muster/1/door/receipt");
        assert_eq!(text, format!(r#"{{"boot":1,"seq":1,"result":"{result}"}}"#));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untrusted_broker_may_carry_seals_only() {
    let (site, mosquitto) = (Site::new(), Mosquitto::start().await);
    let intake = mosquitto.intake(&site, false).await;
    let login = pair(&site, "m2", DeviceKind::M2, None).await;
    let m2 = keys(&login);
    let (mut device, _) = Client::connect(mosquitto.address, false, "m2").await;
    device.subscribe("muster/1/m2/receipt").await;
    // None of these does more than to be refused: JSON, an unknown device, no device at all, too
    // long a payload, a broken seal.
    let topic = "muster/1/m2/checkin";
    device.publish(topic, 0, check_in(1, 1, "7").as_bytes()).await;
    device.publish("muster/1/stranger/checkin", 0, b"\x01").await;
    device.publish("muster/1//checkin", 0, b"{}").await;
    device.publish(topic, 0, &vec![b'{'; 300 * 1024]).await;
    let mut broken = seal(&m2, &punch(1, 1, "7"));
    broken[20] ^= 1;
    device.publish(topic, 0, &broken).await;
    // The good one behind them is the first to be answered.
    device.publish(topic, 0, &seal(&m2, &punch(1, 1, "7"))).await;
    let (_, mut receipt) = device.message_bytes().await;
    let receipt: Receipt = Sealed::parse(&mut receipt).unwrap().open(&m2).unwrap();
    assert_eq!((receipt.punch, receipt.result), (Stamp { boot: 1, seq: 1 }, ReceiptResult::Stored));
    let refused = site.ledger.status().refused;
    for reason in ["not-authentic", "unknown-device", "bad-topic", "oversized"] {
        assert!(refused.contains_key(reason), "{reason} {refused:?}");
    }
    assert_eq!(intake.status().broker.unwrap().messages, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_while_the_box_was_away_is_taken_afterwards() {
    let (site, mosquitto) = (Site::new(), Mosquitto::start().await);
    mosquitto.intake(&site, true).await.stop().await;
    let (mut device, _) = Client::connect(mosquitto.address, false, "door").await;
    for seq in 1..=30u16 {
        let payload = check_in(1, seq.into(), "7");
        device.publish("muster/1/door/checkin", seq, payload.as_bytes()).await;
        device.puback(seq).await;
    }
    let intake = mosquitto.intake(&site, true).await;
    site.has_receipted(30).await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_lost_the_session_is_subscribed_to_again() {
    let (site, mut mosquitto) = (Site::new(), Mosquitto::start().await);
    let intake = mosquitto.intake(&site, true).await;
    mosquitto.restart().await;
    let (mut device, _) = Client::connect(mosquitto.address, false, "door").await;
    device.subscribe("muster/1/door/receipt").await;
    // Its broker's acknowledgement means nothing: a device sends until the receipt comes.
    let mut received = false;
    for _ in 0..60 {
        device.publish("muster/1/door/checkin", 0, check_in(1, 1, "7").as_bytes()).await;
        received = !device.is_silent(Duration::from_millis(500)).await;
        if received {
            break;
        }
    }
    assert!(received);
    connected(&intake).await;
    site.has_receipted(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_for_a_terminal_go_out_over_the_broker() {
    let (site, mosquitto) = (Site::new(), Mosquitto::start().await);
    let intake = mosquitto.intake(&site, false).await;
    let m1 = keys(&pair(&site, "m1", DeviceKind::M1, None).await);
    let (mut terminal, _) = Client::connect(mosquitto.address, false, "m1").await;
    terminal.subscribe("muster/1/m1/command").await;
    intake.terminals().ask_again("m1", None).unwrap();
    let (topic, mut order) = terminal.message_bytes().await;
    assert_eq!(topic, "muster/1/m1/command");
    let order: Commanded = Sealed::parse(&mut order).unwrap().open(&m1).unwrap();
    assert!(matches!(order.order, Order::Resend { .. }));
}
