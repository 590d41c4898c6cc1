//! The table itself: what the acts say, opened with the persons' own secrets.

use super::PersonProfile;
use super::seal::{Context, SealKey, from_text, to_text};
use crate::KeyringError;
use crate::act::Act;
use muster_attendance::{DeviceId, PersonId};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// Changes that are remembered one by one; whoever is further behind looks at everybody.
const MAX_CHANGES: usize = 4096;

/// Finds the key of a person.
pub(crate) type Find<'a> = &'a dyn Fn(PersonId) -> Result<SealKey, KeyringError>;

/// Everybody, by internal number and by the terminals'.
#[derive(Default)]
pub(crate) struct Table {
    /// Boxed: a table that has just grown is half empty.
    people: HashMap<PersonId, Box<Entry>>,
    by_number: HashMap<Arc<str>, PersonId>,
    /// Numbers that mean somebody else at one device.
    mapped: HashMap<DeviceId, HashMap<Box<str>, PersonId>>,
    /// Provisional persons that turned out to be somebody; one step, never a chain.
    aliases: HashMap<PersonId, PersonId>,
    /// Mappings as journaled, for the checkpoint.
    mappings: Vec<Mapping>,
    shared: HashSet<Arc<Common>>,
    revision: u64,
    changes: VecDeque<PersonId>,
}

struct Entry {
    /// Absent where the secret is there but what it sealed does not open.
    known: Option<Known>,
    /// As journaled, but for its base64.
    sealed: Box<[u8]>,
}

/// A profile, with what many share kept once.
struct Known {
    number: Arc<str>,
    name: Option<Box<str>>,
    platform_user_id: Option<Box<str>>,
    common: Arc<Common>,
}

#[derive(PartialEq, Eq, Hash)]
struct Common {
    department: Option<String>,
    category: Option<String>,
    age_band: Option<String>,
    employment_law: Vec<String>,
    account_class: Option<String>,
    basis: Option<String>,
}

/// The directory as a checkpoint keeps it: sealed.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    people: Vec<(PersonId, String)>,
    mappings: Vec<Mapping>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Mapping {
    device: DeviceId,
    from: Option<PersonId>,
    into: PersonId,
    sealed: String,
}

impl Table {
    /// Builds the table a checkpoint holds.
    pub(crate) fn restore(snapshot: Snapshot, find: Find<'_>) -> Self {
        let mut table = Self::default();
        let joined: HashSet<_> = snapshot.mappings.iter().filter_map(|m| m.from).collect();
        // A number that a joined person had and another was imported with is the other's.
        let (first, then): (Vec<_>, Vec<_>) =
            snapshot.people.into_iter().partition(|(person, _)| joined.contains(person));
        first.into_iter().chain(then).for_each(|(person, sealed)| {
            table.write(person, &sealed, find);
        });
        snapshot.mappings.into_iter().for_each(|mapping| table.join(mapping, find));
        table
    }

    /// What a checkpoint holds.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let people = self.people.iter().map(|(&person, entry)| (person, to_text(&entry.sealed)));
        Snapshot { people: people.collect(), mappings: self.mappings.clone() }
    }

    /// Does what a journaled act says; other acts are ignored.
    pub(crate) fn apply(&mut self, act: &Act, find: Find<'_>) {
        match act {
            Act::PersonWritten { person, sealed } => self.write(*person, sealed, find),
            Act::PersonMapped { device, from, into, sealed } => {
                let (device, from, into) = (*device, *from, *into);
                self.join(Mapping { device, from, into, sealed: sealed.clone() }, find);
            }
            Act::PersonErased { erasure } if erasure.is_of_all() => {
                erasure.persons.iter().for_each(|&person| self.forget(person));
            }
            _ => {}
        }
    }

    /// The person behind a terminal's number, as records name them (before joining).
    pub(crate) fn known(&self, device: DeviceId, number: &str) -> Option<PersonId> {
        if !self.mapped.is_empty()
            && let Some(&person) = self.mapped.get(&device).and_then(|own| own.get(number))
        {
            return Some(person);
        }
        self.by_number.get(number).copied()
    }

    /// The person under a number of the directory, joined ones resolved.
    pub(crate) fn find(&self, number: &str) -> Option<PersonId> {
        self.by_number.get(number).map(|&person| self.resolve(person))
    }

    /// The person under a number of the directory, unless it is only a joined one's.
    pub(crate) fn own(&self, number: &str) -> Option<PersonId> {
        let person = self.by_number.get(number).copied()?;
        (!self.aliases.contains_key(&person)).then_some(person)
    }

    /// Who a person of a record is.
    pub(crate) fn resolve(&self, person: PersonId) -> PersonId {
        self.aliases.get(&person).copied().unwrap_or(person)
    }

    /// Provisional persons joined into `person`.
    pub(crate) fn joined(&self, person: PersonId) -> Vec<PersonId> {
        let into = |(&from, &into): (&PersonId, &PersonId)| (into == person).then_some(from);
        self.aliases.iter().filter_map(into).collect()
    }

    /// Whether nobody has named this person yet.
    pub(crate) fn is_provisional(&self, person: PersonId) -> bool {
        self.known_of(person).is_some_and(|known| known.name.is_none())
    }

    /// What is known of a person, joined ones resolved.
    pub(crate) fn profile(&self, person: PersonId) -> Option<PersonProfile> {
        self.known_of(self.resolve(person)).map(Known::profile)
    }

    /// Numbers nobody has named, by number.
    pub(crate) fn unmapped(&self, limit: usize) -> Vec<(PersonId, String)> {
        let mut found: Vec<_> = self
            .people
            .iter()
            .filter(|(person, _)| !self.aliases.contains_key(person))
            .filter_map(|(&person, entry)| {
                let known = entry.known.as_ref().filter(|known| known.name.is_none())?;
                Some((person, known.number.to_string()))
            })
            .collect();
        found.sort_unstable_by(|a, b| a.1.cmp(&b.1));
        found.truncate(limit);
        found
    }

    /// Everybody who is somebody of their own, in no order.
    pub(crate) fn people(&self) -> Vec<PersonId> {
        let own = self.people.keys().filter(|person| !self.aliases.contains_key(person));
        own.copied().collect()
    }

    /// How many people.
    pub(crate) fn len(&self) -> usize {
        self.people.len()
    }

    /// Grows with every change of a person.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Who changed after `revision`; `None` means too many to say.
    pub(crate) fn changed_since(&self, revision: u64) -> Option<Vec<PersonId>> {
        let behind = usize::try_from(self.revision.saturating_sub(revision)).ok()?;
        let from = self.changes.len().checked_sub(behind)?;
        Some(self.changes.iter().skip(from).copied().collect())
    }

    /// Forgets all that names a person, once their secret is destroyed.
    pub(crate) fn forget(&mut self, person: PersonId) {
        self.people.remove(&person);
        self.by_number.retain(|_, other| *other != person);
        let aliases = &self.aliases;
        let theirs = |other: PersonId| other == person || aliases.get(&other) == Some(&person);
        self.mapped.values_mut().for_each(|own| own.retain(|_, other| !theirs(*other)));
        self.mapped.retain(|_, own| !own.is_empty());
        self.note(person);
    }

    fn known_of(&self, person: PersonId) -> Option<&Known> {
        self.people.get(&person)?.known.as_ref()
    }

    fn write(&mut self, person: PersonId, sealed: &str, find: Find<'_>) {
        let key = match find(person) {
            Ok(key) => key,
            Err(KeyringError::Gone) => return self.forget(person),
            Err(_) => return self.put(person, sealed, None),
        };
        let plain = key.open(Context::Profile(person), sealed);
        let profile = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
        self.put(person, sealed, profile);
    }

    fn put(&mut self, person: PersonId, sealed: &str, profile: Option<PersonProfile>) {
        if let Some(before) = self.known_of(person).map(|known| known.number.clone())
            && self.by_number.get(&before) == Some(&person)
        {
            self.by_number.remove(&before);
        }
        let known = profile.map(|profile| self.compact(profile));
        if let Some(known) = &known {
            self.by_number.insert(known.number.clone(), person);
        }
        // What is no base64 opens for nobody.
        let sealed = from_text(sealed).unwrap_or_default().into();
        self.people.insert(person, Box::new(Entry { known, sealed }));
        self.note(person);
    }

    fn join(&mut self, mapping: Mapping, find: Find<'_>) {
        let Mapping { device, from, into, .. } = mapping;
        let target = self.resolve(into);
        let key = find(into);
        let plain =
            key.ok().and_then(|key| key.open(Context::Number(device, into), &mapping.sealed));
        if let Some(number) = plain.as_ref().and_then(|plain| std::str::from_utf8(plain).ok()) {
            let own = self.mapped.entry(device).or_default();
            own.insert(number.into(), from.unwrap_or(target));
        }
        if let Some(from) = from.filter(|&from| from != target) {
            self.aliases.values_mut().filter(|into| **into == from).for_each(|into| *into = target);
            self.aliases.insert(from, target);
            self.note(from);
        }
        self.note(target);
        self.mappings.push(mapping);
    }

    fn compact(&mut self, profile: PersonProfile) -> Known {
        let common = Common {
            department: profile.department,
            category: profile.category,
            age_band: profile.age_band,
            employment_law: profile.employment_law,
            account_class: profile.account_class,
            basis: profile.basis,
        };
        let common = self.shared.get(&common).cloned().unwrap_or_else(|| {
            if self.shared.len().is_power_of_two() {
                self.shared.retain(|common| Arc::strong_count(common) > 1);
            }
            let common = Arc::new(common);
            self.shared.insert(common.clone());
            common
        });
        Known {
            number: profile.person.into(),
            name: profile.name.map(Into::into),
            platform_user_id: profile.platform_user_id.map(Into::into),
            common,
        }
    }

    fn note(&mut self, person: PersonId) {
        self.revision += 1;
        if self.changes.len() == MAX_CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back(person);
    }
}

impl Known {
    fn profile(&self) -> PersonProfile {
        let common = &*self.common;
        PersonProfile {
            person: self.number.to_string(),
            name: self.name.as_deref().map(Into::into),
            department: common.department.clone(),
            category: common.category.clone(),
            age_band: common.age_band.clone(),
            employment_law: common.employment_law.clone(),
            account_class: common.account_class.clone(),
            platform_user_id: self.platform_user_id.as_deref().map(Into::into),
            basis: common.basis.clone(),
        }
    }
}
