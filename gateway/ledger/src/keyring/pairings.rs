//! One pairing secret a device, in `devices`.
//!
//! A slot is 128 bytes: two halves of a generation (4, little-endian, from 1) and a sealed secret
//! (60). A new secret goes into the half that is not in force, and the old one is destroyed only
//! after the new one is durable: a crash in between leaves one of the two whole.

use super::slots::{self, DESTROYED, Derived, SEALED_LEN, SlotFile};
use super::{KeyringError, Secret};
use muster_attendance::DeviceId;
use ring::aead::LessSafeKey;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Devices a box holds at most; numbers run from 1.
pub(super) const MAX_DEVICES: u32 = 65_536;
const HALF: usize = 4 + SEALED_LEN;
const SLOT: usize = 2 * HALF;

/// The devices' secrets.
pub(super) struct Pairings {
    file: SlotFile,
    key: LessSafeKey,
    putting: Mutex<()>,
}

/// What a slot holds now.
struct Current {
    half: usize,
    generation: u32,
    secret: Secret,
}

impl Pairings {
    /// Opens `dir/devices`.
    pub(super) fn open(
        dir: &Path,
        derived: &Derived,
        read_only: bool,
    ) -> Result<Self, KeyringError> {
        let file = SlotFile::open(&dir.join("devices"), read_only)?;
        Ok(Self { file, key: derived.key("devices")?, putting: Mutex::new(()) })
    }

    /// The secret of `device`.
    pub(super) fn find(&self, device: DeviceId) -> Result<Secret, KeyringError> {
        self.current(device).map(|current| current.secret)
    }

    /// Puts a new secret in force and destroys the one before.
    pub(super) fn put(&self, device: DeviceId, secret: &Secret) -> Result<(), KeyringError> {
        let _one_at_a_time = self.putting.lock().unwrap_or_else(PoisonError::into_inner);
        let old = match self.current(device) {
            Ok(current) => Some((current.half, current.generation)),
            Err(KeyringError::Gone | KeyringError::Damaged) => None,
            Err(e) => return Err(e),
        };
        let (half, generation) = old.map_or((0, 1), |(half, g)| (1 - half, g.saturating_add(1)));
        let mut bytes = [0; HALF];
        bytes[..4].copy_from_slice(&generation.to_le_bytes());
        let sealed = slots::seal(&self.key, &aad(device, half, generation), secret)?;
        bytes[4..].copy_from_slice(&sealed);
        let slot = offset(device)?;
        self.file.write(slot + (half * HALF) as u64, &bytes)?;
        match old {
            Some((half, _)) => self.file.write(slot + (half * HALF + 4) as u64, &DESTROYED),
            None => Ok(()),
        }
    }

    /// The half of the highest generation that opens.
    fn current(&self, device: DeviceId) -> Result<Current, KeyringError> {
        let mut slot = [0; SLOT];
        self.file.read(offset(device)?, &mut slot)?;
        let mut found = Err(KeyringError::Gone);
        for (half, bytes) in slot.chunks_exact(HALF).enumerate() {
            let generation = bytes.first_chunk().map_or(0, |g| u32::from_le_bytes(*g));
            let sealed = bytes.get(4..).unwrap_or_default();
            match slots::open(&self.key, &aad(device, half, generation), sealed) {
                Ok(secret) => found = newer(found, Current { half, generation, secret }),
                Err(KeyringError::Damaged) if found.is_err() => found = Err(KeyringError::Damaged),
                Err(_) => {}
            }
        }
        found
    }
}

fn newer(found: Result<Current, KeyringError>, other: Current) -> Result<Current, KeyringError> {
    Ok(found.ok().filter(|f| f.generation > other.generation).unwrap_or(other))
}

fn offset(device: DeviceId) -> Result<u64, KeyringError> {
    if device.0 == 0 || device.0 > MAX_DEVICES {
        return Err(KeyringError::Full(MAX_DEVICES as u64));
    }
    Ok((device.0 as u64 - 1) * SLOT as u64)
}

fn aad(device: DeviceId, half: usize, generation: u32) -> [u8; 9] {
    let mut aad = [half as u8; 9];
    aad[..4].copy_from_slice(&device.0.to_le_bytes());
    aad[4..8].copy_from_slice(&generation.to_le_bytes());
    aad
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &Path) -> Pairings {
        Pairings::open(dir, &Derived::new(&[1; 32]), false).unwrap()
    }

    #[test]
    fn the_last_secret_is_in_force() {
        let dir = tempfile::tempdir().unwrap();
        for round in 1..=9u8 {
            open(dir.path()).put(DeviceId(3), &Secret([round; 32])).unwrap();
            assert_eq!(open(dir.path()).find(DeviceId(3)).unwrap().expose(), &[round; 32]);
        }
        for none in [0, 1, 2, 4, MAX_DEVICES, MAX_DEVICES + 1] {
            assert!(open(dir.path()).find(DeviceId(none)).is_err(), "{none}");
        }
    }

    #[test]
    fn a_torn_change_leaves_the_old_or_the_new() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("devices");
        open(dir.path()).put(DeviceId(1), &Secret([1; 32])).unwrap();
        let before = std::fs::read(&path).unwrap();
        open(dir.path()).put(DeviceId(1), &Secret([2; 32])).unwrap();
        let after = std::fs::read(&path).unwrap();
        let mut middle = before.clone();
        middle.resize(SLOT, 0);
        for at in 0..=2 * HALF {
            let mut torn = middle.clone();
            let new = at.min(HALF);
            torn[HALF..HALF + new].copy_from_slice(&after[HALF..HALF + new]);
            let old = at - new;
            torn[..old].copy_from_slice(&after[..old]);
            std::fs::write(&path, torn).unwrap();
            let secret = open(dir.path()).find(DeviceId(1)).unwrap();
            assert_eq!(secret.expose(), &[if at >= HALF { 2 } else { 1 }; 32], "{at}");
        }
    }
}
