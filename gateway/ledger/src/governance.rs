//! The policy in force, and who may sign one.

use muster_residency::key::TrustedSigner;
use muster_residency::policy::Signer as PolicySigner;
use muster_residency::{Rules, signature};

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
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Governance {
    /// The policy's TOML.
    pub policy: String,
    /// The law pack's TOML.
    pub law_pack: String,
    /// The `.sig` file, empty if there is none.
    pub signatures: String,
}

/// Who of the enrolled signed what `rules` were compiled from.
pub(crate) fn verified(
    governance: &Governance,
    rules: &Rules,
    enrolled: &[Signer],
) -> Vec<PolicySigner> {
    let trusted: Vec<TrustedSigner> = enrolled
        .iter()
        .map(|signer| TrustedSigner {
            person: signer.person.clone(),
            role: signer.role.clone(),
            public_key: signer.public_key,
        })
        .collect();
    signature::verify(&governance.signatures, rules.policy(), rules.law_pack(), &trusted).signers
}
