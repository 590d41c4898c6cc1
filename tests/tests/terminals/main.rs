//! The box gives terminals of its site something to do: over a real line, with the firmware's own
//! code at its far end, into a real ledger and vault.

mod bench;

use bench::{Bench, SITE, wait};
use muster_intake::EvidenceKind;
use muster_intake::terminals::{TerminalError, TerminalUser};
use muster_proto::message::{Happened, Settings, TaskReason};
use muster_terminal::sim::FingerModule;
use std::time::Duration;

const GATE: &str = "m1-gate";
/// The finger that is enrolled, and the page for it at each terminal.
const FINGER: u16 = 99;
const PAGE: u16 = 50;
const PAGE_THERE: u16 = 60;

fn user(number: &str, page: Option<u16>) -> TerminalUser {
    TerminalUser { number: number.into(), page, ..TerminalUser::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finger_is_enrolled_used_elsewhere_on_the_site_and_erased() {
    let bench = Bench::new(&[("m1-gate", SITE), ("m1-yard", SITE)]).await;
    let terminals = bench.intake.terminals();
    let person = bench.person("00017").await;
    for name in ["m1-gate", "m1-yard"] {
        terminals.put_user(name, &user("00017", None)).await.unwrap();
    }
    let on_record = bench.on_record(person).await;
    let enrol = terminals.enrol("m1-gate", "00017", PAGE, on_record);
    let press = async {
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(2_500)).await;
            bench.press("m1-gate", FINGER);
        }
    };
    tokio::join!(enrol, press).0.unwrap();
    // Sealed into the vault for that person, and in clear in no file.
    let template = FingerModule::template(FINGER);
    let kept = bench.vault();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].0, kept[0].1), (EvidenceKind::FingerprintTemplate, Some(person)));
    assert_eq!(kept[0].2, template);
    bench.nothing_in_clear(&template);

    let to = ("00017", PAGE_THERE);
    terminals.copy("m1-gate", PAGE, "m1-yard", to, on_record).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    bench.press("m1-yard", FINGER);
    bench.has_receipted(1).await;
    assert_eq!(bench.last_person(), Some(person));

    assert_eq!(terminals.erase("m1-gate", "00017", false).await.unwrap(), 1);
    assert_eq!(terminals.erase("m1-yard", "00017", true).await.unwrap(), 1);
    let refused = terminals.erase("m1-yard", "00017", true).await.unwrap_err();
    let unknown = TaskReason::UnknownUser;
    assert!(matches!(refused, TerminalError::Refused { reason, .. } if reason == unknown));
    assert!(bench.pages("m1-gate").is_empty() && bench.pages("m1-yard").is_empty());
    let done = bench.acts("device-did");
    let tasks: Vec<_> = done.iter().map(|act| (&act["task"], &act["result"])).collect();
    let expect = [
        ("enrol", "done"),
        ("copy", "done"),
        ("erase", "done"),
        ("erase", "done"),
        ("erase", "unknown-user"),
    ];
    assert_eq!(tasks.len(), expect.len());
    assert!(tasks.iter().zip(expect).all(|((t, r), (et, er))| **t == et && **r == er), "{tasks:?}");
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_of_another_site_takes_nothing_and_the_box_hears_of_it() {
    // Paired with this box, its secret and all, but set up for another site.
    let bench = Bench::new(&[("m1-gate", SITE), ("m1-away", "hk-shop")]).await;
    let terminals = bench.intake.terminals();
    terminals.configure("m1-gate", Settings::SHIPPED).await.unwrap();
    let somebody = user("00017", None);
    let task = terminals.put_user("m1-away", &somebody);
    let waited = tokio::time::timeout(Duration::from_secs(4), task).await;
    assert!(waited.is_err(), "a terminal of another site did it");
    let told = bench.told("seal-refused").await;
    assert_eq!(told["id"], bench.id("m1-away"));
    let unknown = terminals.put_user("m1-nowhere", &user("1", None)).await.unwrap_err();
    assert!(matches!(unknown, TerminalError::Unknown(_)));
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_without_a_line_loses_and_invents_nothing() {
    let bench = Bench::new(&[(GATE, SITE)]).await;
    punch(&bench, 1).await;
    let stored = bench.cut_for_an_hour(GATE, FINGER).await;
    assert_eq!(stored, 60);
    wait("all of the hour is there", || bench.punches() == 61).await;
    let (first, last) = bench.punch_times();
    let spread = last - first;
    assert!((58 * 60..62 * 60).contains(&spread), "{spread} s from the first to the last");
    assert_eq!(bench.quarantined(), 0);
    punch(&bench, 62).await;
    bench.end().await;
}

/// A box put back to what a backup had asks for what came since: the terminal still has it.
#[tokio::test(flavor = "multi_thread")]
async fn receipted_punches_come_again_when_asked_for_and_are_stored_once() {
    let bench = Bench::new(&[(GATE, SITE)]).await;
    for count in 1..=2 {
        punch(&bench, count).await;
    }
    let kept = bench.keep();
    for count in 3..=4 {
        punch(&bench, count).await;
    }
    let bench = bench.put_back(kept).await;
    assert_eq!(bench.punches(), 2, "the box is as it was");
    let terminals = bench.intake.terminals();
    assert_eq!(terminals.ask_all_again(), 1);
    wait("all four are there", || bench.punches() == 4).await;
    wait("each has a second receipt", || bench.receipts(GATE) == 8).await;
    // Asked once more from the third on, two come, and nothing is stored twice.
    terminals.ask_again(GATE, Some((1, 3))).unwrap();
    wait("two more receipts", || bench.receipts(GATE) == 10).await;
    assert_eq!(bench.punches(), 4);
    assert!(matches!(terminals.ask_again("m1-none", None), Err(TerminalError::Unknown(_))));
    bench.end().await;
}

async fn punch(bench: &Bench, count: u64) {
    tokio::time::sleep(Duration::from_millis(900)).await;
    bench.press(GATE, FINGER);
    wait("it is stored", || bench.punches() == count).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_terminal_tells_is_journaled_once_with_what_happened() {
    let bench = Bench::new(&[("m1-gate", SITE)]).await;
    bench.happened("m1-gate", Happened::Tampered, 7);
    let told = bench.told("tampered").await;
    assert_eq!((&told["detail"], &told["id"]), (&7.into(), &bench.id("m1-gate")));
    tokio::time::sleep(Duration::from_secs(3)).await;
    let all = bench.acts("device-told");
    let mut entries: Vec<_> = all.iter().map(|act| (&act["boot"], &act["seq"])).collect();
    let count = entries.len();
    entries.dedup();
    assert_eq!((entries.len(), count), (3, 3), "started, clock-lost, tampered: {all:?}");
    bench.end().await;
}
