//! The ledger against a simple model of itself, under generated actions: nothing lost, nothing
//! twice, the outbox agrees after every reopening.

use crate::setting::{NOW_MS, Setting, connected, employee, policy, punch};
use muster_attendance::{Attendance, DeviceId, DeviceTime, EventId, PersonId};
use muster_ledger::{Ledger, Outbox, Parcel, Settlement, Verdict};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Sequence numbers in use: few, so that they meet again.
const SEQS: u64 = 40;

#[derive(Clone, Debug)]
enum Action {
    /// Punches by sequence number and content; content 0 is the honest one.
    Commit(Vec<(u64, u8)>),
    /// Takes parcels and answers by these: 0 accepted, 1 unknown, 2 dropped, 3 refused.
    Send(Vec<u8>),
    Policy(bool),
    Crash,
}

fn action() -> impl Strategy<Value = Action> {
    let punches = prop::collection::vec((0..SEQS, prop_oneof![4 => Just(0u8), 1 => 1u8..3]), 1..12);
    prop_oneof![
        6 => punches.prop_map(Action::Commit),
        4 => prop::collection::vec(0u8..4, 1..10).prop_map(Action::Send),
        2 => any::<bool>().prop_map(Action::Policy),
        1 => Just(Action::Crash),
    ]
}

/// What should be.
#[derive(Default)]
struct Model {
    /// By sequence number and content.
    stored: BTreeMap<(u64, u8), EventId>,
    /// The content that came first under a sequence number.
    first: BTreeMap<u64, u8>,
    refused: BTreeSet<EventId>,
    accepted: BTreeSet<EventId>,
    /// All bytes a region ever saw.
    seen: BTreeMap<EventId, Vec<u8>>,
}

impl Model {
    fn note(&mut self, (seq, content): (u64, u8), verdict: &Verdict) {
        let known = self.stored.get(&(seq, content)).copied();
        let fresh_seq = !self.first.contains_key(&seq);
        match (verdict, known) {
            (Verdict::Again(committed), Some(id)) => assert_eq!(committed.id(), id),
            (Verdict::New(committed), None) if fresh_seq => {
                self.first.insert(seq, content);
                self.store((seq, content), committed.id());
            }
            (Verdict::Quarantined(committed), None) if !fresh_seq => {
                self.store((seq, content), committed.id());
            }
            _ => panic!("{verdict:?} for {seq}/{content}, known as {known:?}"),
        }
    }

    fn store(&mut self, punch: (u64, u8), id: EventId) {
        assert!(!self.stored.values().any(|&other| other == id), "{id} twice");
        self.stored.insert(punch, id);
    }

    fn see(&mut self, parcel: &Parcel) {
        let bytes = parcel.bytes().to_vec();
        let before = self.seen.entry(parcel.key()).or_insert_with(|| bytes.clone());
        assert_eq!(*before, bytes, "other bytes under one id");
        assert!(!self.accepted.contains(&parcel.key()), "sent again after it was settled");
    }

    /// Records that a policy lets go and no region has had.
    fn owed(&self) -> BTreeSet<EventId> {
        let honest = self.first.iter().map(|(&seq, &content)| self.stored[&(seq, content)]);
        honest.filter(|id| !self.refused.contains(id) && !self.accepted.contains(id)).collect()
    }
}

struct Run {
    setting: Setting,
    ledger: Ledger,
    outbox: Outbox,
    device: DeviceId,
    person: PersonId,
    version: u32,
    model: Model,
}

impl Run {
    async fn new() -> Self {
        let setting = Setting::new();
        let (ledger, _) = setting.open();
        crate::setting::govern(&ledger, 1, "mo-hr").await;
        ledger.directory().import(vec![employee("17")]).await.unwrap();
        let device = ledger.devices().intern("gate").unwrap();
        let person = ledger.directory().exchange(device, "17").await.unwrap();
        let outbox = connected(&ledger).await;
        Self { setting, ledger, outbox, device, person, version: 1, model: Model::default() }
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::Commit(punches) => self.commit(&punches).await,
            Action::Send(answers) => {
                self.send(&answers).await;
            }
            Action::Policy(on) => self.govern(on).await,
            Action::Crash => {
                let crashed = self.setting.crash("model");
                let (ledger, recovery) = crashed.open();
                assert!(recovery.damaged.is_empty() && !recovery.rolled_back, "{recovery:?}");
                let old = std::mem::replace(&mut self.ledger, ledger);
                self.outbox = connected(&self.ledger).await;
                old.close().await;
                self.setting = crashed;
            }
        }
    }

    async fn commit(&mut self, punches: &[(u64, u8)]) {
        let facts = punches.iter().map(|&(seq, content)| self.fact(seq, content)).collect();
        let verdicts = self.ledger.committer().commit(facts).await.unwrap();
        for (&punch, verdict) in punches.iter().zip(&verdicts) {
            self.model.note(punch, verdict);
        }
    }

    fn fact(&self, seq: u64, content: u8) -> Attendance {
        let seconds = NOW_MS / 1000 - 60 * i64::from(content);
        let at = DeviceTime { seconds, offset_minutes: 480 };
        Attendance { at, live: seq.is_multiple_of(2), ..punch(self.device, seq, self.person) }
    }

    async fn govern(&mut self, on: bool) {
        self.version += 1;
        let governance = on.then(|| policy(self.version, "mo-hr"));
        self.ledger.govern("test", governance).await.unwrap();
    }

    /// Takes parcels if there are any and answers them.
    async fn send(&mut self, answers: &[u8]) -> usize {
        let next = self.outbox.next(answers.len());
        let Ok(parcels) = tokio::time::timeout(Duration::from_millis(30), next).await else {
            return 0;
        };
        let mut settled = Vec::new();
        let parcels = parcels.unwrap();
        let count = parcels.len();
        for (parcel, answer) in parcels.into_iter().zip(answers) {
            self.model.see(&parcel);
            let key = parcel.key();
            match answer {
                0 => {
                    self.model.accepted.insert(key);
                    settled.push((parcel, Settlement::Accepted { receipt: None }));
                }
                1 => settled.push((parcel, Settlement::Unknown)),
                2 => drop(parcel),
                _ => {
                    self.model.refused.insert(key);
                    settled.push((parcel, Settlement::Rejected { reason: "no".into() }));
                }
            }
        }
        self.outbox.settle(settled).await.unwrap();
        count
    }

    /// With the policy on again, all that is owed goes out, and nothing else.
    async fn finish(mut self) {
        self.govern(true).await;
        let owed = self.model.owed();
        for _ in 0..200 {
            if self.model.accepted.is_superset(&owed) {
                break;
            }
            self.send(&[0; 64]).await;
        }
        assert!(self.model.owed().is_empty(), "never sent: {:?}", self.model.owed());
        assert_eq!(self.send(&[0; 64]).await, 0);
        let status = self.ledger.status();
        let apart = self.model.stored.len() - self.model.first.len() + self.model.refused.len();
        assert_eq!(status.quarantined, apart as u64);
        let mo_hr = &status.destinations[0];
        assert_eq!(
            (mo_hr.backlog, mo_hr.settled, mo_hr.rejected),
            (0, self.model.accepted.len() as u64, self.model.refused.len() as u64)
        );
        self.ledger.close().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_ledger_agrees_with_its_model(actions in prop::collection::vec(action(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new().await;
            for action in actions {
                run.act(action).await;
            }
            run.finish().await;
        });
    }
}
