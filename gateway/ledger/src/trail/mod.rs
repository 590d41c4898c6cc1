//! The trail: what reports and exports read out of the journal from its beginning.
//!
//! Each reading walks the whole journal once or twice with a cursor of its own, beside intake and
//! without a lock on it; memory grows with the people and destinations of the span, and with what
//! was not yet settled at a time, never with the records. Journaled decisions and policies are
//! taken as they stood, so that a report of last year says what was true then.

mod acts;
mod devices;
mod events;
mod figures;
mod key;
mod transfers;

pub use acts::{ActFilter, ActKind, ActRow, MAX_ACTS};
pub use devices::{DeviceEvent, MAX_DEVICE_EVENTS};
pub use events::{Event, EventCursor, EventReader, Weight};
pub use key::ReportKey;
pub use transfers::MAX_TRANSFERS;

use crate::act::Act;
use crate::core::Shared;
use crate::journal::{Batch, Reader};
use crate::state::decisions::{RulesRef, Ruling};
use crate::{Attestation, CommitError, Governance, Keyring};
use muster_attendance::{DeviceId, PersonId};
use muster_report::figures::Figures;
use muster_report::sides::Crossing;
use muster_residency::policy::Destination;
use muster_residency::pseudonym;
use muster_residency::vocab::Law;
use std::collections::HashMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A span of time, milliseconds since 1970: from, and until just before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// From here.
    pub from_ms: i64,
    /// Until just before here.
    pub to_ms: i64,
}

impl Span {
    fn holds(&self, ms: i64) -> bool {
        (self.from_ms..self.to_ms).contains(&ms)
    }
}

/// Reads the journal for reports. Cheap to clone; readings block for as long as the journal is.
#[derive(Clone)]
pub struct Trail {
    shared: Arc<Shared>,
    keyring: Keyring,
    pseudonyms: Arc<Zeroizing<[u8; 32]>>,
}

impl Trail {
    pub(crate) fn new(
        shared: Arc<Shared>,
        keyring: Keyring,
        pseudonyms: &Zeroizing<[u8; 32]>,
    ) -> Self {
        Self { shared, keyring, pseudonyms: Arc::new(pseudonyms.clone()) }
    }

    /// What was done in `span`, in numbers. Blocks.
    pub fn figures(&self, span: Span) -> Result<Figures, CommitError> {
        let mut fold = figures::Fold::new(span, &self.shared);
        self.walk(&mut fold)?;
        Ok(fold.end())
    }

    /// Every crossing of a border dispatched in `span`, in the journal's order, and whether there
    /// were more than [`MAX_TRANSFERS`] transfers. Blocks.
    pub fn crossings(&self, span: Span) -> Result<(Vec<Crossing>, bool), CommitError> {
        let mut fold = transfers::Fold::new(span);
        self.walk(&mut fold)?;
        fold.end(&mut self.shared.reader(), &|law, person| self.subject(law, person))
    }

    /// The newest entries about a device, oldest first: at most [`MAX_DEVICE_EVENTS`]. Blocks.
    pub fn device_events(&self, device: DeviceId) -> Result<Vec<DeviceEvent>, CommitError> {
        let mut fold = devices::Fold::new(device);
        self.walk(&mut fold)?;
        Ok(fold.end())
    }

    /// The newest acts that a filter lets through, newest first: at most [`MAX_ACTS`], and how many
    /// there were. Blocks.
    pub fn acts(&self, filter: &ActFilter) -> Result<(Vec<ActRow>, u64), CommitError> {
        let mut fold = acts::Fold::new(filter);
        self.walk(&mut fold)?;
        Ok(fold.end())
    }

    /// What a person is called towards the authority of a law: differs by law.
    fn subject(&self, law: Law, person: PersonId) -> String {
        let person = self.shared.tables.directory.resolve(person);
        // No destination's name has a blank: policies cannot share these.
        let key = pseudonym::destination_key(&self.pseudonyms, &format!("law {law}"));
        pseudonym::pseudonym(&key, person).iter().map(|&c| char::from(c)).collect()
    }

    /// The key that the box signs reports with; made on first use. Blocks.
    pub fn report_key(&self) -> Result<ReportKey, crate::KeyringError> {
        ReportKey::open(&self.keyring)
    }

    fn walk(&self, fold: &mut impl Follow) -> Result<(), CommitError> {
        let mut reader: Reader = self.shared.reader();
        let mut known = Known::default();
        let failed = |error: crate::journal::ReadError| CommitError::Failed(error.to_string());
        while let Some(batch) = reader.next_batch().map_err(failed)? {
            let acts = batch.acts.iter().flat_map(|acts| acts.iter());
            for act in acts.filter_map(|bytes| serde_json::from_slice::<Act>(bytes).ok()) {
                known.take(&act);
                fold.act(&act, &batch, &known);
            }
            fold.facts(&batch, &known);
        }
        Ok(())
    }
}

/// What follows the journal: acts, then the facts of the same batch.
trait Follow {
    fn act(&mut self, act: &Act, batch: &Batch, known: &Known);
    fn facts(&mut self, batch: &Batch, known: &Known);
}

/// What the journal has said so far, as far as later entries rest on it.
#[derive(Default)]
struct Known {
    rulings: HashMap<u32, Arc<Ruling>>,
    attestations: HashMap<String, Attestation>,
    /// Destinations of each policy by its hash, hex.
    destinations: HashMap<String, Vec<Destination>>,
    /// The last policy that was told of or accepted, and from when it is in force.
    policy: Option<(RulesRef, i64)>,
}

impl Known {
    fn take(&mut self, act: &Act) {
        match act {
            Act::Decided { id, decision } => {
                if let Ok(ruling) = serde_json::from_value::<Ruling>(decision.clone()) {
                    self.rulings.insert(*id, Arc::new(ruling));
                }
            }
            Act::Attested { attestation, .. } => {
                self.attestations.insert(attestation.digest(), attestation.clone());
            }
            Act::Governed { governance } => {
                self.policy = None;
                if let Some(governance) = governance {
                    self.policy(governance, i64::MIN);
                }
            }
            Act::PolicyAccepted { version, .. } => {
                self.policy(&version.governance, version.from.as_millisecond());
            }
            _ => {}
        }
    }

    fn policy(&mut self, governance: &Governance, from_ms: i64) {
        let Ok(rules) = crate::decider::compile(governance) else { return };
        let name = RulesRef::of(&rules);
        let all = rules.destinations().to_vec();
        self.destinations.insert(name.policy_sha256.clone(), all);
        self.policy = Some((name, from_ms));
    }

    /// A destination as the policy said that a decision was made under.
    fn destination(&self, ruling: Option<&Ruling>, id: &str) -> Option<&Destination> {
        let hash = &ruling?.rules.as_ref()?.policy_sha256;
        self.destinations.get(hash)?.iter().find(|d| d.id == id)
    }
}
