//! Signatures over what leaves as a file, and checking them without the box.
//!
//! A file `F` has its signature in `F.sig`: one line of three words,
//! `muster-report-1 PUBLIC_KEY SIGNATURE`, both in lower-case hex. The signature is Ed25519 over the
//! text `muster-report-1`, the SHA-256 of the file in hex, and its length, a line each.

use ring::digest::{Context, SHA256};
use ring::signature::{ED25519, UnparsedPublicKey};

/// First word of a signature's line.
const MARK: &str = "muster-report-1";

/// Why something is not what a box signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not of the form that is checked here.
    #[error("this is not of the form that a box writes; was it changed, or cut short?")]
    Form,
    /// The signature does not fit.
    #[error("the signature does not fit: something was changed after the box signed it")]
    Signature,
    /// Signed by another key than the one that was named.
    #[error("signed by another key than the one that was given: by {0}")]
    Key(String),
    /// An entry that does not hang under the root, or is out of place.
    #[error("entry {0} does not hang under the signed root, or is out of place")]
    Entry(u64),
    /// Entries that the head counts are not there.
    #[error("lane {lane} has {found} entries, and the signed head counts {expected}")]
    Missing {
        /// The lane.
        lane: String,
        /// Entries that are there.
        found: u64,
        /// Entries that should be.
        expected: u64,
    },
}

/// The line of `F.sig` for a file of these bytes.
pub fn signature_line(bytes: &[u8], key: [u8; 32], sign: &dyn Fn(&[u8]) -> [u8; 64]) -> String {
    format!("{MARK} {} {}\n", hex(&key), hex(&sign(statement(bytes).as_bytes())))
}

/// Checks a file against the line of its `.sig`; gives the key that signed it. `expected` is the
/// box's key, where it is known from elsewhere.
pub fn verify(bytes: &[u8], line: &str, expected: Option<[u8; 32]>) -> Result<[u8; 32], Fault> {
    let words: Vec<&str> = line.strip_suffix('\n').ok_or(Fault::Form)?.split(' ').collect();
    let [MARK, key, signature] = words[..] else { return Err(Fault::Form) };
    let key: [u8; 32] = unhex(key).ok_or(Fault::Form)?;
    let signature: [u8; 64] = unhex(signature).ok_or(Fault::Form)?;
    verify_key(&key, expected, statement(bytes).as_bytes(), &signature)?;
    Ok(key)
}

fn statement(bytes: &[u8]) -> String {
    format!("{MARK}\n{}\n{}\n", hex(&sha256(&[bytes])), bytes.len())
}

/// Checks a signature, and that the key is the one that is expected.
pub(crate) fn verify_key(
    key: &[u8; 32],
    expected: Option<[u8; 32]>,
    message: &[u8],
    signature: &[u8; 64],
) -> Result<(), Fault> {
    if expected.is_some_and(|expected| expected != *key) {
        return Err(Fault::Key(hex(key)));
    }
    UnparsedPublicKey::new(&ED25519, key).verify(message, signature).map_err(|_| Fault::Signature)
}

/// A key as people write it: 64 hex digits, in any case, blanks around.
pub fn read_key(text: &str) -> Option<[u8; 32]> {
    unhex(&text.trim().to_ascii_lowercase())
}

/// SHA-256 over `parts`, one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(n.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

/// Exactly `N` bytes of lower-case hex.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}
