//! What the box remembers outside its data folder, to notice an old one put back.

use std::path::Path;

/// The last known head. Lies in `<data>.witness`.
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
        let _ = data;
        todo!()
    }

    /// Writes it in place; `sync` at open, rotation and close, otherwise at most every 10 s.
    pub(crate) fn store(&self, data: &Path, sync: bool) -> std::io::Result<()> {
        let _ = (data, sync);
        todo!()
    }
}
