//! The table itself: what the acts say, and counts that punches move.

use super::{Device, DeviceKind, DeviceState, Devices};
use crate::act::Act;
use muster_attendance::DeviceId;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// A terminal not heard for this long was away.
const PAUSE_MS: i64 = 2 * 60 * 1000;
/// Stands for "never" among the times of `last_seen_ms`.
const NEVER: i64 = i64::MIN;
/// Between two certificates of which both hold good.
const BOTH: char = ',';

/// All devices by number and name.
#[derive(Default)]
pub(crate) struct Table {
    /// Number `n` is at `n - 1`; `None` is a number reserved by a pairing under way.
    slots: Vec<Option<Entry>>,
    by_name: HashMap<Arc<str>, DeviceId>,
}

struct Entry {
    name: Arc<str>,
    kind: DeviceKind,
    state: DeviceState,
    carrier: Option<DeviceId>,
    address: Option<u8>,
    /// Two with [`BOTH`] between them while a new one has not been shown, the new one first.
    certificate: Option<Box<str>>,
    /// When the one that was shown last ends.
    ends: Option<i64>,
    /// Its act is in the journal.
    journaled: bool,
    last_seen_ms: AtomicI64,
    /// Since when it has been heard without a pause, and when it was heard before that.
    heard_from_ms: AtomicI64,
    silent_from_ms: AtomicI64,
    records: AtomicU64,
    refused: AtomicU64,
}

/// The journaled devices, as a checkpoint keeps them.
#[derive(Default, Serialize)]
pub(crate) struct Snapshot {
    devices: Vec<Row>,
    /// Of certificates that end. A program that does not know of them reads no further than rows.
    ends: Vec<(DeviceId, i64)>,
}

impl Snapshot {
    /// Reads what was written, by the form without ends too.
    pub(crate) fn read(bytes: &[u8]) -> postcard::Result<Self> {
        let (devices, rest) = postcard::take_from_bytes(bytes)?;
        let ends = if rest.is_empty() { Vec::new() } else { postcard::from_bytes(rest)? };
        Ok(Self { devices, ends })
    }
}

#[derive(Serialize, Deserialize)]
struct Row {
    id: DeviceId,
    name: String,
    kind: DeviceKind,
    state: DeviceState,
    carrier: Option<DeviceId>,
    address: Option<u8>,
    certificate: Option<String>,
    last_seen_ms: Option<i64>,
    records: u64,
    refused: u64,
}

impl Table {
    /// Builds the table a checkpoint holds.
    pub(crate) fn restore(snapshot: Snapshot) -> Self {
        let mut table = Self::default();
        for row in snapshot.devices {
            let mut entry = Entry::seen(&row.name);
            entry.kind = row.kind;
            entry.state = row.state;
            entry.carrier = row.carrier;
            entry.address = row.address;
            entry.certificate = row.certificate.map(Into::into);
            entry.last_seen_ms = AtomicI64::new(row.last_seen_ms.unwrap_or(NEVER));
            entry.records = AtomicU64::new(row.records);
            entry.refused = AtomicU64::new(row.refused);
            entry.journaled = true;
            table.put(row.id, entry);
        }
        for (id, ends) in snapshot.ends {
            if let Some(entry) = table.entry_mut(id) {
                entry.ends = Some(ends);
            }
        }
        table
    }

    /// What a checkpoint holds: unjournaled sightings are left out.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let journaled = || self.entries().filter(|(_, entry)| entry.journaled);
        Snapshot {
            devices: journaled().map(|(id, entry)| entry.row(id)).collect(),
            ends: journaled().filter_map(|(id, entry)| Some((id, entry.ends?))).collect(),
        }
    }

    /// Does what a journaled act says; other acts are ignored.
    pub(crate) fn apply(&mut self, act: &Act) {
        match act {
            Act::DeviceSeen { id, name } => match self.entry_mut(*id) {
                Some(entry) => entry.journaled = true,
                None => self.put(*id, Entry { journaled: true, ..Entry::seen(name) }),
            },
            Act::DevicePaired { id, name, kind, carrier, address, certificate } => {
                let mut entry = self.take(*id).unwrap_or_else(|| Entry::seen(name));
                entry.kind = *kind;
                entry.state = DeviceState::Paired;
                entry.carrier = *carrier;
                entry.address = *address;
                entry.certificate = certificate.as_deref().map(Into::into);
                entry.ends = None;
                entry.journaled = true;
                self.put(*id, entry);
            }
            Act::DeviceRevoked { id } => {
                if let Some(entry) = self.entry_mut(*id) {
                    entry.state = DeviceState::Revoked;
                }
            }
            Act::DeviceCertified { id, certificate, former, ends } => {
                if let Some(entry) = self.entry_mut(*id) {
                    if former.is_none() {
                        entry.ends = *ends;
                    }
                    let former = former.iter().map(|former| format!("{BOTH}{former}"));
                    entry.certificate =
                        Some(former.fold(certificate.clone(), |a, b| a + &b).into());
                }
            }
            _ => {}
        }
    }

    /// The number under `name` if its act is in the journal.
    pub(crate) fn journaled(&self, name: &str) -> Option<DeviceId> {
        let id = self.id(name)?;
        self.is_journaled(id).then_some(id)
    }

    /// The number under `name`.
    pub(crate) fn id(&self, name: &str) -> Option<DeviceId> {
        self.by_name.get(name).copied()
    }

    /// Whether the device's act is in the journal.
    pub(crate) fn is_journaled(&self, id: DeviceId) -> bool {
        self.entry(id).is_some_and(|entry| entry.journaled)
    }

    /// One device, counts of this moment.
    pub(crate) fn get(&self, id: DeviceId) -> Option<Device> {
        self.entry(id).map(|entry| entry.device(id))
    }

    /// Where a device stands and who carries it.
    pub(crate) fn standing(&self, id: DeviceId) -> Option<(DeviceState, Option<DeviceId>)> {
        self.entry(id).map(|entry| (entry.state, entry.carrier))
    }

    /// Up to when a device has been heard without a pause.
    pub(crate) fn heard_until(&self, id: DeviceId, now_ms: i64) -> Option<i64> {
        self.entry(id).and_then(|entry| entry.heard_until(now_ms))
    }

    /// All, by name and then number.
    pub(crate) fn list(&self) -> Vec<Device> {
        let mut list: Vec<_> = self.entries().map(|(id, entry)| entry.device(id)).collect();
        list.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        list
    }

    /// Numbers an unseen name, not journaled yet; `None` if the table is full.
    pub(crate) fn see(&mut self, name: &str) -> Option<DeviceId> {
        if let Some(id) = self.id(name) {
            return Some(id);
        }
        let id = self.reserve()?;
        self.put(id, Entry::seen(name));
        Some(id)
    }

    /// Keeps the next number free for a pairing; `None` if the table is full.
    pub(crate) fn reserve(&mut self) -> Option<DeviceId> {
        if self.slots.len() >= Devices::MAX {
            return None;
        }
        self.slots.push(None);
        Some(DeviceId(self.slots.len() as u32))
    }

    /// Counts journaled punches of a device.
    pub(crate) fn note_punches(&self, id: DeviceId, count: u64, at_ms: i64) {
        if let Some(entry) = self.entry(id) {
            entry.records.fetch_add(count, Relaxed);
            entry.note_seen(at_ms);
        }
    }

    /// Counts refusals of a device.
    pub(crate) fn note_refused(&self, id: DeviceId, count: u64) {
        if let Some(entry) = self.entry(id) {
            entry.refused.fetch_add(count, Relaxed);
        }
    }

    /// Moves last seen forward.
    pub(crate) fn note_seen(&self, id: DeviceId, at_ms: i64) {
        if let Some(entry) = self.entry(id) {
            entry.note_seen(at_ms);
        }
    }

    fn entries(&self) -> impl Iterator<Item = (DeviceId, &Entry)> {
        let numbered = self.slots.iter().zip(1u32..);
        numbered.filter_map(|(slot, n)| Some((DeviceId(n), slot.as_ref()?)))
    }

    fn entry(&self, id: DeviceId) -> Option<&Entry> {
        self.slots.get(index(id)?)?.as_ref()
    }

    fn entry_mut(&mut self, id: DeviceId) -> Option<&mut Entry> {
        self.slots.get_mut(index(id)?)?.as_mut()
    }

    fn take(&mut self, id: DeviceId) -> Option<Entry> {
        self.slots.get_mut(index(id)?)?.take()
    }

    /// Numbers beyond the bound cannot come from an honest journal and are left out.
    fn put(&mut self, id: DeviceId, entry: Entry) {
        let Some(at) = index(id).filter(|&at| at < Devices::MAX) else { return };
        if self.slots.len() <= at {
            self.slots.resize_with(at + 1, || None);
        }
        self.by_name.insert(entry.name.clone(), id);
        self.slots[at] = Some(entry);
    }
}

impl Entry {
    fn seen(name: &str) -> Self {
        Self {
            name: name.into(),
            kind: DeviceKind::Unpaired,
            state: DeviceState::Unpaired,
            carrier: None,
            address: None,
            certificate: None,
            ends: None,
            journaled: false,
            last_seen_ms: AtomicI64::new(NEVER),
            heard_from_ms: AtomicI64::new(NEVER),
            silent_from_ms: AtomicI64::new(NEVER),
            records: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    fn note_seen(&self, at_ms: i64) {
        let before = self.last_seen_ms.fetch_max(at_ms, Relaxed);
        if at_ms.saturating_sub(before) > PAUSE_MS {
            self.silent_from_ms.store(before, Relaxed);
            self.heard_from_ms.store(at_ms, Relaxed);
        }
    }

    /// Up to when it has been heard; a terminal that comes back counts as silent until it has
    /// been there for a while, since it may have stored what it will send only now.
    fn heard_until(&self, now_ms: i64) -> Option<i64> {
        let back = now_ms.saturating_sub(self.heard_from_ms.load(Relaxed)) < PAUSE_MS;
        let until = if back { &self.silent_from_ms } else { &self.last_seen_ms };
        Some(until.load(Relaxed)).filter(|&ms| ms != NEVER)
    }

    fn last_seen(&self) -> Option<i64> {
        Some(self.last_seen_ms.load(Relaxed)).filter(|&ms| ms != NEVER)
    }

    fn device(&self, id: DeviceId) -> Device {
        let mut certificates = self.certificate.iter().flat_map(|both| both.split(BOTH));
        Device {
            id,
            name: self.name.to_string(),
            kind: self.kind,
            state: self.state,
            carrier: self.carrier,
            address: self.address,
            certificate: certificates.next().map(Into::into),
            former: certificates.next().map(Into::into),
            certificate_ends_s: self.ends,
            last_seen_ms: self.last_seen(),
            records: self.records.load(Relaxed),
            refused: self.refused.load(Relaxed),
        }
    }

    fn row(&self, id: DeviceId) -> Row {
        let Device { id, name, kind, state, carrier, address, .. } = self.device(id);
        let certificate = self.certificate.as_deref().map(Into::into);
        Row {
            id,
            name,
            kind,
            state,
            carrier,
            address,
            certificate,
            last_seen_ms: self.last_seen(),
            records: self.records.load(Relaxed),
            refused: self.refused.load(Relaxed),
        }
    }
}

fn index(id: DeviceId) -> Option<usize> {
    (id.0 as usize).checked_sub(1)
}
