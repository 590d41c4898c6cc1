//! Evidence: sealed before its receipt, kept as the policy says, and nowhere else.

use super::client::{Client, check_in};
use super::setting::Site;
use muster_intake::vault::{Keep, Reader, Retention};
use muster_intake::{Config, EvidenceKind};
use muster_ledger::Ledger;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// `AAEC…` for bytes that occur nowhere else.
const CANARY: &[u8] = b"\xF1\x9A\x07canary-of-the-vault\x00\xEE\xC3";
const CANARY_BASE64: &str = "8ZoHY2FuYXJ5LW9mLXRoZS12YXVsdADuww==";

fn with_evidence(seq: u64, person: &str) -> String {
    let evidence = format!(
        r#","evidence":[{{"kind":"face-image","media":"image/jpeg","data":"{CANARY_BASE64}"}}]}}"#
    );
    let text = check_in(1, seq, person);
    format!("{}{evidence}", &text[..text.len() - 1])
}

async fn send(site: &Site, retention: Retention, payloads: &[String]) {
    let any = Some(([127, 0, 0, 1], 0).into());
    let config = Config { mqtt_loopback: any, retention, ..Config::default() };
    let intake = site.start(config).await;
    let address = intake.addresses().mqtt_loopback.unwrap();
    let (mut client, _) = Client::connect(address, true, "a").await;
    for payload in payloads {
        client.publish("muster/1/a/checkin", 1, payload.as_bytes()).await;
        assert_eq!(client.puback(1).await, 0, "{payload}");
    }
    intake.stop().await;
}

fn reader(site: &Site) -> Reader {
    Reader::open(site.data.path().join("vault"), site.ledger.keyring())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_in_the_vault_once_and_in_clear_nowhere() {
    let site = Site::new();
    let again = with_evidence(1, "7");
    let other = again.replace(r#""in""#, r#""out""#);
    send(&site, Retention::default(), &[again.clone(), again, other, with_evidence(2, "8")]).await;
    let reader = reader(&site);
    let entries = reader.list().unwrap();
    let faces: Vec<_> =
        entries.iter().filter(|e| e.kind == Some(EvidenceKind::FaceImage)).collect();
    assert_eq!(faces.iter().map(|e| (e.boot, e.seq)).collect::<Vec<_>>(), [(1, 1), (1, 2)]);
    for face in &faces {
        let opened = reader.read(face).unwrap();
        assert_eq!((opened.media.as_str(), opened.data.as_slice()), ("image/jpeg", CANARY));
    }
    // The message whose number was used before is kept whole, sealed.
    let aside: Vec<_> = entries.iter().filter(|e| e.kind.is_none()).collect();
    assert_eq!(aside.len(), 1);
    let opened = reader.read(aside[0]).unwrap();
    assert!(opened.data.windows(5).any(|w| w == br#""out""#));
    let clear: HashSet<&[u8]> =
        CANARY.windows(8).chain(CANARY_BASE64.as_bytes().windows(8)).collect();
    for file in files(site.data.path()) {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(8).any(|w| clear.contains(w)), "{}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_policy_discards_is_not_kept() {
    let site = Site::new();
    send(&site, Retention::new(|_| Keep::Discard), &[with_evidence(1, "7")]).await;
    assert!(reader(&site).list().unwrap().is_empty());
    site.has_receipted(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn destroying_a_persons_secret_destroys_their_evidence_alone() {
    let site = Site::new();
    send(&site, Retention::default(), &[with_evidence(1, "7"), with_evidence(2, "8")]).await;
    let person = site.ledger.directory().find("7").unwrap();
    site.ledger.keyring().destroy_vault_secret(person).await.unwrap();
    let reader = reader(&site);
    let readable = |e| reader.read(e).is_ok();
    let entries = reader.list().unwrap();
    assert_eq!(entries.iter().map(readable).collect::<Vec<_>>(), [false, true]);
    // Their punches go on; evidence that cannot be sealed is dropped.
    send(&site, Retention::default(), &[with_evidence(3, "7")]).await;
    assert_eq!(reader.list().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_tail_is_cut_off_and_writing_goes_on() {
    let site = Site::new();
    send(&site, Retention::default(), &[with_evidence(1, "7"), with_evidence(2, "7")]).await;
    let file = files(&site.data.path().join("vault")).pop().unwrap();
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 3]).unwrap();
    assert_eq!(reader(&site).list().unwrap().len(), 1);
    send(&site, Retention::default(), &[with_evidence(3, "7")]).await;
    let seqs: Vec<_> = reader(&site).list().unwrap().iter().map(|e| e.seq).collect();
    assert_eq!(seqs, [1, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_cannot_be_written_stops_no_punch() {
    let site = Site::new();
    let any = Some(([127, 0, 0, 1], 0).into());
    let mut config = Config { mqtt_loopback: any, ..Config::default() };
    config.limits.vault_bytes = 0;
    let intake = site.start(config).await;
    let address = intake.addresses().mqtt_loopback.unwrap();
    let (mut client, _) = Client::connect(address, false, "a").await;
    client.publish("muster/1/a/checkin", 1, with_evidence(1, "7").as_bytes()).await;
    assert_eq!(client.puback(1).await, 0);
    let vault = intake.status().vault;
    assert_eq!((vault.sealed, vault.dropped), (0, 1));
    assert!(vault.degraded.unwrap().contains("bound"));
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_goes_when_its_days_are_over() {
    let site = Site::new();
    send(&site, Retention::default(), &[with_evidence(1, "7")]).await;
    assert_eq!(reader(&site).list().unwrap().len(), 1);
    // The first look at the start finds what is past its time: none under 30 days, all under none.
    send(&site, Retention::default(), &[]).await;
    assert_eq!(reader(&site).list().unwrap().len(), 1);
    let file = files(&site.data.path().join("vault")).pop().unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    let (day, rest) = name.split_once('-').unwrap();
    let old = day.parse::<i64>().unwrap() - 31;
    fs::rename(&file, file.with_file_name(format!("{old}-{rest}"))).unwrap();
    let intake = site.start(Config::default()).await;
    for _ in 0..200 {
        if files(&site.data.path().join("vault")).is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    intake.stop().await;
    assert!(reader(&site).list().unwrap().is_empty());
}

/// The policy's rule can be asked for without any policy.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_policy_evidence_is_kept() {
    let site = Site::new();
    let ledger: Ledger = site.ledger.clone();
    send(&site, Retention::by_policy(ledger, "mo-hq".into()), &[with_evidence(1, "7")]).await;
    assert_eq!(reader(&site).list().unwrap().len(), 1);
}
