//! What a dispatch counts as: who and how much crosses which border, grouped for the counters.

use super::select::Judged;
use crate::committer::Sending;
use crate::legal::Reservation;
use crate::legal::counters::year_of;
use muster_attendance::PersonId;
use muster_residency::vocab::{Bucket, Law};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One record that crosses a border.
pub(super) struct Export {
    pub(super) person: Option<PersonId>,
    pub(super) sensitive: bool,
    /// Laws it leaves.
    pub(super) origins: Vec<Law>,
    /// The mainland's mechanism.
    pub(super) bucket: Option<Bucket>,
    /// It was dispatched there before: the record is counted, the person perhaps not.
    pub(super) again: bool,
}

/// Exports of one dispatch, by record.
pub(super) struct Exports {
    now_ms: i64,
    of: HashMap<u64, Export>,
}

#[derive(Default)]
struct Group {
    persons: BTreeSet<PersonId>,
    sensitive: BTreeSet<PersonId>,
    records: u64,
}

impl Exports {
    pub(super) fn new(now_ms: i64) -> Self {
        Self { now_ms, of: HashMap::new() }
    }

    pub(super) fn add(&mut self, judged: &Judged, destination: &str) {
        if let Some(export) = judged.as_export(destination) {
            self.of.insert(judged.record(), export);
        }
    }

    /// What those that are sent and not known from before are to be counted as.
    pub(super) fn reserved(&self, sending: &[Sending]) -> Vec<Reservation> {
        let mut groups: BTreeMap<(Law, Option<Bucket>), Group> = BTreeMap::new();
        let fresh = sending.iter().filter(|sending| !sending.known);
        for export in fresh.filter_map(|sending| self.of.get(&sending.record)) {
            for &law in &export.origins {
                // The mechanisms are the mainland's alone.
                let bucket = export.bucket.filter(|_| law == Law::CN);
                let group = groups.entry((law, bucket)).or_default();
                group.persons.extend(export.person);
                group.sensitive.extend(export.person.filter(|_| export.sensitive));
                group.records += u64::from(!export.again);
            }
        }
        let reservation = |((law, bucket), group): ((Law, Option<Bucket>), Group)| Reservation {
            law,
            year: year_of(law, self.now_ms),
            bucket,
            persons: group.persons.into_iter().collect(),
            sensitive: group.sensitive.into_iter().collect(),
            records: group.records,
        };
        groups.into_iter().map(reservation).collect()
    }
}
