//! Events for whoever watches over security: in the journal's order, from any place on.

use crate::setting::{Setting, enrol, govern};
use muster_ledger::trail::{Event, EventCursor};
use muster_ledger::{DeviceKind, Ledger};

/// Everything from a place on, so many at a time, with the place behind each reading.
fn read(ledger: &Ledger, from: EventCursor, max: usize) -> (Vec<Event>, Vec<EventCursor>) {
    let mut reader = ledger.trail().events(from).unwrap();
    let (mut all, mut places) = (Vec::new(), vec![from]);
    loop {
        let (events, next) = reader.next(max).unwrap();
        if events.is_empty() && places.last() == Some(&next) {
            return (all, places);
        }
        all.extend(events);
        places.push(next);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_in_order_from_any_place_and_after_a_restart() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    enrol(&ledger).await;
    govern(&ledger, 1, "mo-hr").await;
    for name in ["gate-01", "gate-02", "gate-03"] {
        ledger.devices().pair(name, DeviceKind::M1, None, None, None).await.unwrap();
    }
    ledger.stop("dpo").await.unwrap();
    let (all, _) = read(&ledger, EventCursor::default(), 1000);
    assert!(all.len() > 6, "{all:#?}");
    let mut ids: Vec<_> = all.iter().map(|event| event.id.clone()).collect();
    ids.dedup();
    assert_eq!(ids.len(), all.len());
    for max in [1, 2, 3] {
        let (same, places) = read(&ledger, EventCursor::default(), max);
        assert_eq!(same, all, "{max} at a time");
        for (n, place) in places.iter().enumerate() {
            let (rest, _) = read(&ledger, *place, 1000);
            assert_eq!(rest, all[(n * max).min(all.len())..], "from {place:?}");
        }
    }
    // How far was told is in the journal, and no event itself.
    let (_, places) = read(&ledger, EventCursor::default(), 4);
    ledger.note_events_told(places[1]).await.unwrap();
    let after = setting.crash("told");
    ledger.close().await;
    for _ in 0..2 {
        let (again, _) = after.open();
        assert_eq!(again.events_told(), places[1]);
        let (rest, _) = read(&again, again.events_told(), 1000);
        assert_eq!(rest[..all.len() - 4], all[4..]);
        assert!(rest.iter().all(|event| event.name != "events-told"));
        again.close().await;
    }
}
