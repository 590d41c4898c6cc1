//! Orders and tasks reach terminals on their command topics: their own, through a C1, and through
//! a broker.

use super::client::Client;
use super::sealed::{keys, punch, seal};
use super::setting::Site;
use super::tls::{greet, listen, pair};
use muster_intake::Config;
use muster_intake::terminals::TerminalError;
use muster_ledger::DeviceKind;
use muster_proto::message::{
    Command, Job, Order, Report, Settings, Stamp, Task, TaskReason, TaskResult,
};
use muster_proto::seal::{Keys, Sealed};
use std::net::Ipv4Addr;
use std::time::Duration;

const SITE: &str = "mo-hq";
const SHORT: Duration = Duration::from_millis(300);

fn order(m1: &Keys, message: &mut [u8]) -> Order {
    let command: Command = Sealed::parse(message).unwrap().open(m1).unwrap();
    command.order
}

/// All it keeps from that punch on.
fn again(from: Stamp) -> Order {
    Order::Resend { from, to: Stamp { boot: u32::MAX, seq: Stamp::MAX_SEQ } }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_c1_hears_the_orders_of_those_it_carries_and_no_others() {
    let site = Site::new();
    let (intake, address) = listen(&site).await;
    let terminals = intake.terminals();
    let centre = pair(&site, "c1", DeviceKind::C1, None).await;
    let carried = pair(&site, "m1", DeviceKind::M1, Some("c1")).await;
    pair(&site, "m1-alone", DeviceKind::M1, None).await;
    let m1 = keys(&carried);
    // Asked before the centre is there: it is told as soon as it listens.
    terminals.ask_again("m1", None).unwrap();
    terminals.ask_again("m1-alone", None).unwrap();
    let (mut client, _) = greet(address, &centre, true).await;
    assert_eq!(client.subscribe("muster/1/m1-alone/command").await, 0x87);
    assert_eq!(client.subscribe("muster/1/m1/command").await, 0);
    let (topic, mut message) = client.message_bytes().await;
    assert_eq!(topic, "muster/1/m1/command");
    assert_eq!(order(&m1, &mut message), again(Stamp::default()));
    assert!(client.is_silent(SHORT).await, "it hears another's orders, or one twice");
    // And later at once.
    terminals.ask_again("m1", Some((3, 9))).unwrap();
    let (_, mut message) = client.message_bytes().await;
    assert_eq!(order(&m1, &mut message), again(Stamp { boot: 3, seq: 9 }));
    terminals.set_clock("m1").unwrap();
    let (_, mut message) = client.message_bytes().await;
    assert_eq!(order(&m1, &mut message), Order::CheckClock);
}

/// A task goes the same way, and its report comes back the same way.
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_on_mqtt_does_a_task_and_reports() {
    let site = Site::new();
    let loopback = Some((Ipv4Addr::LOCALHOST, 0).into());
    let config = Config { mqtt_loopback: loopback, site: SITE.into(), ..Config::default() };
    let intake = site.start(config).await;
    let address = intake.addresses().mqtt_loopback.unwrap();
    let mut m1 = keys(&pair(&site, "m1", DeviceKind::M1, None).await);
    m1.set_site(SITE).unwrap();
    let (mut client, _) = Client::connect(address, true, "m1").await;
    client.subscribe("muster/1/m1/command").await;
    client.publish("muster/1/m1/checkin", 5, &seal(&m1, &punch(1, 1, "00017"))).await;
    assert_eq!(client.puback(5).await, 0);
    let terminals = intake.terminals();
    let asked = tokio::spawn(async move { terminals.configure("m1", Settings::SHIPPED).await });
    let (_, mut message) = client.message_bytes().await;
    let task: Task<'_> = Sealed::parse(&mut message).unwrap().open(&m1).unwrap();
    assert!(task.job == Job::Configure(Settings::SHIPPED));
    let (result, reason) = (TaskResult::Refused, TaskReason::Busy);
    let report = Report { boot: 1, count: 1, id: task.id, result, reason, data: &[] };
    client.publish("muster/1/m1/checkin", 6, &seal(&m1, &report)).await;
    assert_eq!(client.puback(6).await, 0);
    let refused = asked.await.unwrap().unwrap_err();
    assert!(matches!(refused, TerminalError::Refused { reason, .. } if reason == TaskReason::Busy));
}
