//! The policy in force, and who may sign one.

use muster_residency as _;

/// A person who may sign policies.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Signer {
    /// Their name in policies, as `ho.mei`.
    pub person: String,
    /// Their role, as `dpo`.
    pub role: String,
    /// Ed25519 public key, 32 bytes.
    pub public_key: [u8; 32],
}

/// A policy with its law pack and the signatures that came with it, as texts: what is journaled so
/// that every decision can be replayed. The ledger parses them and verifies the signatures against
/// its own enrolled signers.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Governance {
    /// The policy's TOML.
    pub policy: String,
    /// The law pack's TOML.
    pub law_pack: String,
    /// The `.sig` file, empty if there is none.
    pub signatures: String,
}
