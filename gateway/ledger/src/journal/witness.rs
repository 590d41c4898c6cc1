//! What the box remembers outside its data folder, to notice an old one put back.
//!
//! `<data>.witness` holds two copies in turn (see `keyring::twin`) of: starts (u32), epoch (u16),
//! batch (u64), chain hash (32), little-endian. It is written only after the batch it names is
//! durable, so an honest journal is never behind it. Putting back a whole disk, witness included,
//! cannot be noticed here; the per-start salt of the journal's keys keeps even that harmless to
//! its encryption.

use crate::keyring::twin;
use std::path::{Path, PathBuf};

const LEN: usize = 4 + 2 + 8 + 32;

/// The last known head.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Witness {
    /// `Keyring::epoch` (starts).
    pub(crate) starts: u32,
    /// `Start::epoch` (rollbacks).
    pub(crate) epoch: u16,
    /// Last durable batch.
    pub(crate) batch: u64,
    /// Chain hash of that batch.
    pub(crate) chain: [u8; 32],
}

impl Witness {
    /// Reads the one beside `data`; `None` where there is none or it is damaged.
    pub(crate) fn load(data: &Path) -> Option<Self> {
        twin::load(&path(data), order).as_ref().and_then(decode)
    }

    /// Writes it in place; `sync` at open, rotation and close, otherwise at most every 10 s.
    pub(crate) fn store(&self, data: &Path, sync: bool) -> std::io::Result<()> {
        twin::store(&path(data), &self.encode(), order, sync)
    }

    fn encode(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[..4].copy_from_slice(&self.starts.to_le_bytes());
        bytes[4..6].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[6..14].copy_from_slice(&self.batch.to_le_bytes());
        bytes[14..].copy_from_slice(&self.chain);
        bytes
    }
}

fn decode(bytes: &[u8; LEN]) -> Option<Witness> {
    Some(Witness {
        starts: u32::from_le_bytes(*bytes.first_chunk()?),
        epoch: u16::from_le_bytes(*bytes.get(4..)?.first_chunk()?),
        batch: u64::from_le_bytes(*bytes.get(6..)?.first_chunk()?),
        chain: *bytes.get(14..)?.first_chunk()?,
    })
}

/// Starts only ever grow, and within one the epoch and the batch do.
fn order(bytes: &[u8; LEN]) -> (u32, u16, u64) {
    decode(bytes).map_or((0, 0, 0), |w| (w.starts, w.epoch, w.batch))
}

/// Where it lies.
pub(crate) fn path(data: &Path) -> PathBuf {
    let mut name = data.components().as_path().as_os_str().to_owned();
    name.push(".witness");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_from_beside_the_folder() {
        let parent = tempfile::tempdir().unwrap();
        let data = parent.path().join("data");
        assert_eq!(Witness::load(&data), None);
        for batch in 0..4 {
            let witness = Witness { starts: 7, epoch: 1, batch, chain: [batch as u8; 32] };
            witness.store(&data, batch % 2 == 0).unwrap();
            assert_eq!(Witness::load(&data), Some(witness));
        }
        assert!(parent.path().join("data.witness").exists());
    }
}
