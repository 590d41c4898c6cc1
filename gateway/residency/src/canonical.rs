//! The canonical form of policies and law packs, and its hash.
//!
//! The form is compact JSON with the members in the order of the types, times in UTC, and absent
//! lists written as empty ones; comments and layout do not count.

use serde::Serialize;

/// SHA-256 over the canonical form.
pub(crate) fn hash<T: Serialize>(value: &T) -> [u8; 32] {
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

/// A hash as people see it: `sha256:` and 64 lower-case hex digits.
pub fn hash_text(hash: &[u8; 32]) -> String {
    hash.iter().fold(String::from("sha256:"), |mut text, byte| {
        text.push(char::from_digit((byte >> 4).into(), 16).unwrap_or('0'));
        text.push(char::from_digit((byte & 15).into(), 16).unwrap_or('0'));
        text
    })
}
