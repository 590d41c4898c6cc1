//! The journal against a model, with cuts, flips and crashes.

use super::verify::Report;
use super::*;
use crate::{Keyring, RootKey};
use jiff::civil::Date;
use muster_attendance::summary::{Count, Counted, DaySummary, Label, Span, Summary, SummaryKind};
use muster_attendance::{
    Attendance, DeviceClock, DeviceId, DeviceTime, Direction, Method, Outcome, PersonId,
};
use proptest::prelude::*;
use std::path::PathBuf;
use tempfile::TempDir;

/// 2026-12-01T00:00:00Z.
pub(super) const NOW_MS: i64 = 1_796_083_200_000;

pub(super) fn any_fact() -> impl Strategy<Value = Fact> {
    use Method::*;
    let method = prop::sample::select(vec![Fingerprint, Face, Card, Pin, Palm, Other]);
    let outcome = prop::sample::select(vec![Outcome::Granted, Outcome::Denied, Outcome::Duress]);
    let direction = prop::sample::select(vec![None, Some(Direction::In), Some(Direction::Out)]);
    let clock = prop::sample::select(vec![DeviceClock::Ok, DeviceClock::Unsure]);
    let who = (any::<u32>(), any::<u32>(), any::<u64>(), any::<u64>());
    let when = (any::<i64>(), -1440i16..=1440, any::<i64>());
    let rest = (any::<bool>(), clock, any::<u32>(), any::<bool>());
    (who, when, (method, outcome, direction), rest).prop_map(
        |(who, when, (method, outcome, direction), (live, clock, decision, quarantined))| {
            let punch = Attendance {
                device: DeviceId(who.0),
                boot: who.1,
                seq: who.2,
                person: Some(who.3).filter(|&p| p != 0).map(PersonId),
                at: DeviceTime { seconds: when.0, offset_minutes: when.1 },
                received_ms: when.2,
                method,
                outcome,
                direction,
                live,
                clock,
            };
            Fact::punch(punch, decision, quarantined)
        },
    )
}

/// Any record made from sheets.
pub(super) fn any_summary() -> impl Strategy<Value = Fact> {
    let label = || any::<u32>().prop_map(|n| Some(n).filter(|&n| n != 0).map(Label));
    let check = proptest::option::of((any::<i64>(), -1440i16..=1440));
    let direction = prop::sample::select(vec![None, Some(Direction::In), Some(Direction::Out)]);
    let method = prop::sample::select(vec![None, Some(Method::Face), Some(Method::Card)]);
    let day = (1u64.., check, direction, method, label(), any::<u16>()).prop_map(
        |(person, check, direction, method, shift, worked_minutes)| DaySummary {
            person: PersonId(person),
            check: check.map(|(seconds, offset_minutes)| DeviceTime { seconds, offset_minutes }),
            direction,
            method,
            shift,
            worked_minutes,
        },
    );
    let of = (1u32.., label(), label()).prop_map(|(permit, group, category)| Counted {
        permit: Label(permit),
        group,
        category,
    });
    let span = prop::sample::select(vec![Span::Day, Span::Week, Span::Month]);
    let count = (span, of, any::<u32>(), label()).prop_map(|(span, of, count, basis)| Count {
        span,
        of,
        count,
        basis,
    });
    let kind = prop_oneof![
        day.clone().prop_map(SummaryKind::Day),
        (any::<u32>(), 0u32..3, day, any::<u64>()).prop_map(|(number, device, day, stands_for)| {
            let device = Some(device).filter(|&id| id != 0).map(DeviceId);
            SummaryKind::Correction { number, device, day, stands_for }
        }),
        count.prop_map(SummaryKind::Count),
    ];
    let date = (0i16..=9999, 1i8..=12, 1i8..=28).prop_map(|(y, m, d)| Date::constant(y, m, d));
    (kind, date, any::<i64>(), any::<u32>(), any::<bool>()).prop_map(
        |(kind, date, made_ms, decision, quarantined)| {
            let content = super::Content::Summary(Summary { kind, date, made_ms });
            Fact { content, decision, quarantined }
        },
    )
}

pub(super) fn fact(seq: u64) -> Fact {
    let punch = Attendance {
        device: DeviceId(1),
        boot: 1,
        seq,
        person: Some(PersonId(seq + 1)),
        at: DeviceTime { seconds: NOW_MS / 1000, offset_minutes: 480 },
        received_ms: NOW_MS,
        method: Method::Face,
        outcome: Outcome::Granted,
        direction: None,
        live: true,
        clock: DeviceClock::Ok,
    };
    Fact::punch(punch, 1, false)
}

mod damage;
mod plain;

/// A data folder of its own, with its witness beside it.
pub(super) struct Site {
    parent: TempDir,
}

impl Site {
    fn new() -> Self {
        Self { parent: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.parent.path().join("data")
    }

    fn keyring(&self) -> Keyring {
        Keyring::open(&self.data(), RootKey::new([3; 32])).unwrap()
    }

    fn open(&self) -> (Journal, Start) {
        Journal::open(&self.data(), &self.keyring(), NOW_MS).unwrap()
    }

    fn verify(&self) -> Report {
        let keyring = Keyring::open_to_read(&self.data(), RootKey::new([3; 32])).unwrap();
        verify(&self.data(), &keyring, &mut |_| {}).unwrap()
    }

    /// Forgets what lies beside the data folder.
    fn forget(&self) {
        let _ = std::fs::remove_file(self.parent.path().join("data.witness"));
    }

    fn segments(&self) -> Vec<PathBuf> {
        let dir = std::fs::read_dir(self.data().join("journal")).unwrap();
        let mut paths: Vec<_> = dir.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|e| e == "journal"));
        paths.sort();
        paths
    }

    fn last_segment(&self) -> PathBuf {
        self.segments().pop().unwrap()
    }
}

/// What a batch holds, as the model keeps it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Content {
    number: u64,
    first_record: u64,
    facts: Vec<Fact>,
    acts: Vec<Vec<u8>>,
}

fn content(batch: Batch) -> Content {
    Content {
        number: batch.number,
        first_record: batch.first_record,
        facts: batch.facts.unwrap().iter().collect(),
        acts: batch.acts.unwrap().iter().map(<[u8]>::to_vec).collect(),
    }
}

fn drain(reader: &mut Reader) -> Vec<Content> {
    std::iter::from_fn(|| reader.next_batch().unwrap()).map(content).collect()
}

fn append(journal: &mut Journal, facts: &[Fact], acts: &[Vec<u8>]) -> Content {
    let epoch = journal.witness().epoch;
    let draft = Draft { at_ms: NOW_MS, epoch, facts, acts, essential: false };
    let Position { batch, first_record } = journal.append(&draft).unwrap();
    Content { number: batch, first_record, facts: facts.to_vec(), acts: acts.to_vec() }
}

/// Batch `n` of a fixed sequence: sizes differ, some have no facts, some no acts.
fn append_nth(journal: &mut Journal, n: u64) -> Content {
    let facts: Vec<_> = (0..n % 4).map(|i| fact(n * 10 + i)).collect();
    let acts: Vec<_> = (0..(n + 1) % 3).map(|i| vec![i as u8; (n * 7 % 50) as usize]).collect();
    append(journal, &facts, &acts)
}
