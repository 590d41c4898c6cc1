//! Pairing, revoking and renewing, on a journal in memory.

use super::*;
use crate::ClockTrust;
use crate::submit::testing::Applier;

fn devices(applier: &Applier) -> Devices {
    let clock = Clock::new(|| (1_000, ClockTrust::Trusted));
    Devices::new(Table::default(), applier.acts.clone(), clock)
}

fn started() -> (Devices, Applier) {
    let applier = Applier::new();
    let devices = devices(&applier);
    let target = devices.clone();
    applier.start(move |act| target.apply(act));
    (devices, applier)
}

fn acts(applier: &Applier) -> Vec<String> {
    let tag = |act: &Act| serde_json::to_value(act).unwrap()["act"].as_str().unwrap().into();
    applier.journal.lock().unwrap().iter().map(tag).collect()
}

#[test]
fn names_that_topics_cannot_carry_are_refused() {
    let (devices, _applier) = started();
    for name in ["", "a/b", "a+", "#", "tab\t", "nul\0", &"x".repeat(129)] {
        assert!(matches!(devices.intern(name), Err(DevicesError::Name)), "{name:?}");
    }
    assert!(devices.intern(&"é".repeat(128)).is_ok());
}

#[tokio::test]
async fn an_unseen_name_is_journaled_once_and_keeps_its_number() {
    let (devices, applier) = started();
    let a = devices.intern("gate-1").unwrap();
    assert_eq!(devices.intern("gate-1").unwrap(), a);
    let b = devices.intern("gate-2").unwrap();
    assert_ne!(a, b);
    devices.pair("m1", DeviceKind::M1, None, Some(3), None).await.unwrap();
    assert_eq!(acts(&applier), ["device-seen", "device-seen", "device-paired"]);
    assert_eq!(devices.get(a).unwrap().state, DeviceState::Unpaired);
}

#[tokio::test]
async fn a_sighting_the_full_disk_refused_is_queued_again() {
    let (devices, applier) = started();
    applier.fail_next(CommitError::Full);
    let id = devices.intern("gate").unwrap();
    while !devices.is_journaled(id) {
        assert_eq!(devices.intern("gate").unwrap(), id);
        tokio::task::yield_now().await;
    }
    assert_eq!(acts(&applier), ["device-seen"]);
}

#[tokio::test]
async fn revoking_frees_the_name_and_moves_the_revision() {
    let (devices, _applier) = started();
    let mut revision = devices.revision();
    let first = devices.pair("m2", DeviceKind::M2, None, None, None).await.unwrap();
    let again = devices.pair("m2", DeviceKind::M2, None, None, None).await;
    assert!(matches!(again, Err(DevicesError::Exists(name)) if name == "m2"));
    devices.revoke("m2").await.unwrap();
    assert!(revision.has_changed().unwrap());
    assert_eq!(*revision.borrow_and_update(), 2);
    let second = devices.pair("m2", DeviceKind::M2, None, None, None).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(devices.get(first).unwrap().state, DeviceState::Revoked);
    assert_eq!(devices.find("m2").unwrap().id, second);
    assert!(matches!(devices.revoke("none").await, Err(DevicesError::Unknown(_))));
}

#[tokio::test]
async fn a_carrier_must_be_paired() {
    let (devices, _applier) = started();
    let lost = devices.pair("m1", DeviceKind::M1, Some(DeviceId(9)), None, None).await;
    assert!(matches!(lost, Err(DevicesError::Carrier)));
    let c1 = devices.pair("c1", DeviceKind::C1, None, None, None).await.unwrap();
    let m1 = devices.pair("m1", DeviceKind::M1, Some(c1), Some(1), None).await.unwrap();
    assert_eq!(devices.standing(m1), Some((DeviceState::Paired, Some(c1))));
}

#[tokio::test]
async fn a_snapshot_brings_back_what_was_journaled() {
    let (devices, applier) = started();
    let seen = devices.intern("seen").unwrap();
    devices.pair("m1", DeviceKind::M1, None, Some(7), Some("ab".into())).await.unwrap();
    devices.note_punches(seen, 5, 77);
    let refused = Act::Refused {
        device: Some(seen),
        boot: None,
        seq: None,
        reason: crate::RefusalReason::Malformed,
        length: 3,
        count: 2,
    };
    devices.apply(&refused);
    let restored = Table::restore(devices.snapshot());
    assert_eq!(restored.list(), devices.list());
    let device = restored.get(seen).unwrap();
    assert_eq!((device.records, device.refused, device.last_seen_ms), (5, 2, Some(77)));
    let mut replayed = Table::default();
    applier.journal.lock().unwrap().iter().for_each(|act| replayed.apply(act));
    assert_eq!(replayed.id("m1"), restored.id("m1"));
}

#[test]
fn the_table_is_bounded() {
    let applier = Applier::new();
    let devices = devices(&applier);
    for n in 0..Devices::MAX {
        devices.intern(&format!("d{n}")).unwrap();
    }
    assert!(matches!(devices.intern("one more"), Err(DevicesError::Full(_))));
}

#[tokio::test]
async fn a_renewed_certificate_ends_the_one_before_once_it_is_shown() {
    let (devices, applier) = started();
    let id = devices.pair("m2", DeviceKind::M2, None, None, Some("a".into())).await.unwrap();
    let certificates = |devices: &Devices| {
        let device = devices.get(id).unwrap();
        (device.certificate.unwrap(), device.former)
    };
    devices.certify(id, "b".into(), "a".into()).await.unwrap();
    assert_eq!(certificates(&devices), ("b".to_owned(), Some("a".to_owned())));
    let snapshot = devices.snapshot();
    let restored =
        Devices::new(Table::restore(snapshot), applier.acts.clone(), devices.shared.clock.clone());
    assert_eq!(certificates(&restored), ("b".to_owned(), Some("a".to_owned())));
    assert_eq!(devices.get(id).unwrap().certificate_ends_s, None, "it was not shown");
    devices.shown(id, "b", Some(77));
    while devices.get(id).unwrap().former.is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!(certificates(&devices), ("b".to_owned(), None));
    assert_eq!(acts(&applier), ["device-paired", "device-certified", "device-certified"]);
    let bytes = postcard::to_stdvec(&devices.snapshot()).unwrap();
    let back = Table::restore(Snapshot::read(&bytes).unwrap());
    assert_eq!(back.get(id).unwrap().certificate_ends_s, Some(77));
    // The form without ends: rows alone.
    let rows = postcard::to_stdvec(&Vec::<u8>::new()).unwrap();
    assert!(Table::restore(Snapshot::read(&rows).unwrap()).list().is_empty());
}
