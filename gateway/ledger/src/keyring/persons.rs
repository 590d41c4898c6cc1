//! Two secrets a person, in one slot of `persons`.
//!
//! A slot is 128 bytes: the person's number (8, little-endian), the directory secret sealed (60),
//! the vault secret sealed (60). Written once when the person is made and overwritten only to
//! destroy. In memory a person costs one map entry of 16 bytes; secrets stay on the disk, sealed,
//! until asked for.

use super::slots::{self, DESTROYED, Derived, SEALED_LEN, SlotFile};
use super::{KeyringError, Secret};
use muster_attendance::PersonId;
use ring::aead::LessSafeKey;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::Path;
use std::sync::{Mutex, PoisonError, RwLock};

/// Persons a box holds at most.
pub(super) const MAX_PERSONS: u64 = 262_144;
/// Persons one call makes at most.
const MAX_GROUP: usize = 65_536;
const SLOT: usize = 8 + 2 * SEALED_LEN;
/// Slots for which room is set aside at a time, so that a new face on a full disk has a place.
const RESERVE_SLOTS: u64 = 1024;
/// Slots read at once when opening.
const READ_SLOTS: usize = 4096;

/// Which of a person's secrets.
#[derive(Clone, Copy)]
pub(super) enum Half {
    Directory = 0,
    Vault = 1,
}

/// The persons' secrets.
pub(super) struct Persons {
    file: SlotFile,
    key: LessSafeKey,
    slots: RwLock<HashMap<u64, u32, BuildHasherDefault<Random>>>,
    room: Mutex<Room>,
}

/// Where new persons go.
struct Room {
    /// First slot never used.
    end: u64,
    /// First slot without room set aside.
    reserved: u64,
    /// Slots of destroyed persons; used again only when the file has its full size.
    free: Vec<u32>,
}

impl Persons {
    /// Opens `dir/persons` and maps who is there.
    pub(super) fn open(
        dir: &Path,
        derived: &Derived,
        read_only: bool,
    ) -> Result<Self, KeyringError> {
        let file = SlotFile::open(&dir.join("persons"), read_only)?;
        let mut room = Room { end: 0, reserved: 0, free: Vec::new() };
        let mut map = HashMap::default();
        let count = (file.len()? / SLOT as u64).min(MAX_PERSONS);
        let mut chunk = vec![0; READ_SLOTS * SLOT];
        for first in (0..count).step_by(READ_SLOTS) {
            file.read(first * SLOT as u64, &mut chunk)?;
            for (index, slot) in (first..count).zip(chunk.chunks_exact(SLOT)) {
                note(index, slot, &mut map, &mut room);
            }
        }
        room.reserved = count.max(room.end);
        let key = derived.key("persons")?;
        Ok(Self { file, key, slots: RwLock::new(map), room: Mutex::new(room) })
    }

    /// Makes `count` persons: one write and one sync unless freed slots must be used.
    pub(super) fn create(&self, count: usize) -> Result<Vec<PersonId>, KeyringError> {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = MAX_PERSONS - room.end.min(MAX_PERSONS);
        if count > MAX_GROUP || count as u64 > fresh + room.free.len() as u64 {
            return Err(KeyringError::Full(MAX_PERSONS));
        }
        let at_end = (count as u64).min(fresh) as usize;
        let mut made = self.create_at_end(&mut room, at_end)?;
        while made.len() < count {
            made.push(self.create_in_free(&mut room)?);
        }
        Ok(made)
    }

    /// One secret of a person.
    pub(super) fn secret(&self, person: PersonId, half: Half) -> Result<Secret, KeyringError> {
        let index = self.slot_of(person).ok_or(KeyringError::Gone)?;
        let mut slot = [0; SLOT];
        self.file.read(index as u64 * SLOT as u64, &mut slot)?;
        if slot[..8] != person.0.to_le_bytes() {
            return Err(KeyringError::Damaged);
        }
        let sealed = sealed_half(&slot, half);
        slots::open(&self.key, &aad(index as u64, person.0, half), sealed)
    }

    /// Destroys one secret; harmless where it is gone already.
    pub(super) fn destroy(&self, person: PersonId, half: Half) -> Result<(), KeyringError> {
        let Some(index) = self.slot_of(person) else { return Ok(()) };
        let offset = index as u64 * SLOT as u64 + 8 + half as u64 * SEALED_LEN as u64;
        self.file.write(offset, &DESTROYED)
    }

    /// Destroys both secrets and forgets the person.
    pub(super) fn destroy_both(&self, person: PersonId) -> Result<(), KeyringError> {
        let Some(index) = self.slot_of(person) else { return Ok(()) };
        self.file.write(index as u64 * SLOT as u64 + 8, &[0xFF; 2 * SEALED_LEN])?;
        self.slots.write().unwrap_or_else(PoisonError::into_inner).remove(&person.0);
        self.room.lock().unwrap_or_else(PoisonError::into_inner).free.push(index);
        Ok(())
    }

    /// Everyone who was not destroyed, in no order.
    #[cfg(test)]
    pub(super) fn all(&self) -> Vec<PersonId> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.keys().map(|&id| PersonId(id)).collect()
    }

    fn slot_of(&self, person: PersonId) -> Option<u32> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).get(&person.0).copied()
    }

    fn create_at_end(&self, room: &mut Room, count: usize) -> Result<Vec<PersonId>, KeyringError> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let mut bytes = Vec::with_capacity(count * SLOT);
        let mut made = Vec::with_capacity(count);
        for index in (room.end..).take(count) {
            let (person, slot) = self.new_slot(index)?;
            bytes.extend_from_slice(&slot);
            made.push((person.0, index as u32));
        }
        self.make_room(room, room.end + count as u64);
        self.file.write(room.end * SLOT as u64, &bytes)?;
        room.end += count as u64;
        self.slots.write().unwrap_or_else(PoisonError::into_inner).extend(made.iter().copied());
        Ok(made.into_iter().map(|(id, _)| PersonId(id)).collect())
    }

    fn create_in_free(&self, room: &mut Room) -> Result<PersonId, KeyringError> {
        let index = *room.free.last().ok_or(KeyringError::Full(MAX_PERSONS))?;
        let (person, slot) = self.new_slot(index as u64)?;
        self.file.write(index as u64 * SLOT as u64, &slot)?;
        room.free.pop();
        self.slots.write().unwrap_or_else(PoisonError::into_inner).insert(person.0, index);
        Ok(person)
    }

    fn new_slot(&self, index: u64) -> Result<(PersonId, [u8; SLOT]), KeyringError> {
        let id = self.unused_id()?;
        let mut slot = [0; SLOT];
        slot[..8].copy_from_slice(&id.to_le_bytes());
        for (half, into) in
            [Half::Directory, Half::Vault].into_iter().zip(slot[8..].chunks_exact_mut(SEALED_LEN))
        {
            let secret = slots::random_secret()?;
            into.copy_from_slice(&slots::seal(&self.key, &aad(index, id, half), &secret)?);
        }
        Ok((PersonId(id), slot))
    }

    /// A random number that nobody has; two alike within one group are one chance in 2^32.
    fn unused_id(&self) -> Result<u64, KeyringError> {
        loop {
            let mut id = [0; 8];
            slots::randomize(&mut id)?;
            let id = u64::from_le_bytes(id);
            if id != 0 && self.slot_of(PersonId(id)).is_none() {
                return Ok(id);
            }
        }
    }

    fn make_room(&self, room: &mut Room, needed: u64) {
        if needed > room.reserved {
            let until = (needed + RESERVE_SLOTS).min(MAX_PERSONS);
            let slot = SLOT as u64;
            self.file.reserve(room.reserved * slot, (until - room.reserved) * slot);
            room.reserved = until;
        }
    }
}

/// Person numbers are random already: the map need not hash them again.
#[derive(Default)]
struct Random(u64);

impl Hasher for Random {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |h, &b| h.rotate_left(8) ^ b as u64);
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id;
    }
}

fn note(
    index: u64,
    slot: &[u8],
    map: &mut HashMap<u64, u32, BuildHasherDefault<Random>>,
    room: &mut Room,
) {
    let id = slot.first_chunk().map_or(0, |id| u64::from_le_bytes(*id));
    let used = slot.iter().any(|&b| b != 0);
    if used {
        room.end = index + 1;
    }
    let gone = |half| slots::is_destroyed(sealed_half(slot, half));
    if used && gone(Half::Directory) && gone(Half::Vault) {
        room.free.push(index as u32);
    } else if id != 0 {
        map.insert(id, index as u32);
    }
}

fn sealed_half(slot: &[u8], half: Half) -> &[u8] {
    let start = 8 + half as usize * SEALED_LEN;
    slot.get(start..start + SEALED_LEN).unwrap_or_default()
}

fn aad(index: u64, id: u64, half: Half) -> [u8; 17] {
    let mut aad = [half as u8; 17];
    aad[..8].copy_from_slice(&index.to_le_bytes());
    aad[8..16].copy_from_slice(&id.to_le_bytes());
    aad
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &Path) -> Persons {
        Persons::open(dir, &Derived::new(&[1; 32]), false).unwrap()
    }

    fn gone(result: Result<Secret, KeyringError>) -> bool {
        matches!(result, Err(KeyringError::Gone))
    }

    #[test]
    fn secrets_survive_reopening_and_differ() {
        let dir = tempfile::tempdir().unwrap();
        let made = open(dir.path()).create(100).unwrap();
        let again = open(dir.path());
        let mut seen = std::collections::HashSet::new();
        for person in &made {
            for half in [Half::Directory, Half::Vault] {
                assert!(seen.insert(*again.secret(*person, half).unwrap().expose()));
            }
        }
        assert_eq!(again.all().len(), 100);
        let more = again.create(1).unwrap();
        assert!(!made.contains(&more[0]));
    }

    #[test]
    fn destroying_takes_what_was_asked_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let persons = open(dir.path());
        let made = persons.create(3).unwrap();
        persons.destroy(made[0], Half::Vault).unwrap();
        persons.destroy_both(made[1]).unwrap();
        persons.destroy_both(made[1]).unwrap();
        for persons in [persons, open(dir.path())] {
            assert!(persons.secret(made[0], Half::Directory).is_ok());
            assert!(gone(persons.secret(made[0], Half::Vault)));
            assert!(gone(persons.secret(made[1], Half::Directory)));
            assert!(gone(persons.secret(made[1], Half::Vault)));
            assert!(persons.secret(made[2], Half::Vault).is_ok());
            assert_eq!(persons.all().len(), 2);
        }
    }

    #[test]
    fn a_torn_new_slot_costs_nobody_anything() {
        let dir = tempfile::tempdir().unwrap();
        let old = open(dir.path()).create(2).unwrap();
        let path = dir.path().join("persons");
        let before = std::fs::read(&path).unwrap();
        let new = open(dir.path()).create(1).unwrap();
        let after = std::fs::read(&path).unwrap();
        for cut in 0..=SLOT {
            let mut torn = before.clone();
            torn.resize(after.len(), 0);
            torn[2 * SLOT..2 * SLOT + cut].copy_from_slice(&after[2 * SLOT..2 * SLOT + cut]);
            std::fs::write(&path, torn).unwrap();
            let persons = open(dir.path());
            assert!(old.iter().all(|p| persons.secret(*p, Half::Directory).is_ok()), "{cut}");
            assert_eq!(persons.secret(new[0], Half::Vault).is_ok(), cut == SLOT, "{cut}");
            let third = persons.create(1).unwrap();
            assert!(persons.secret(third[0], Half::Vault).is_ok());
        }
    }
}
