//! Backup and restore: everything of the box but biometric evidence, sealed for its recovery sheets.
//!
//! What goes in: the journal up to a durable moment, the keyring with the root key (device
//! identities, device CA and page certificate among it), and the files of the configuration. What
//! never does: the vault. Nothing in the file is in the clear. The keyring is replaced as a whole
//! by each backup, and by the running gateway after each erasure, at every place it knows of; a
//! copy of an older backup that was carried away brings nobody back either, as long as the box's
//! old folder or a newer backup is at hand: a restore applies their erasures before use.
//!
//! Limits: [`MAX_PLACES`] places are remembered; flash drives may keep overwritten blocks out of
//! reach, sealed as they are.

pub(crate) mod archive;
mod drill;
mod files;
pub(crate) mod key;
mod list;
pub(crate) mod places;
pub(crate) mod recovery;
pub(crate) mod restore;
pub(crate) mod sheets;
pub(crate) mod stage;
pub(crate) mod take;
mod target;

/// Places that are remembered; the longest unused goes first.
const MAX_PLACES: usize = 16;
