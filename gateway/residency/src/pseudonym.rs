//! Pseudonyms of people, one per destination, so that two destinations cannot join what they hold.
//!
//! Under GDPR and PDPO a pseudonym is still personal data. The key never leaves the box.

use muster_attendance::PersonId;
use ring::hmac;
use zeroize::Zeroizing;

/// Characters of a pseudonym.
pub const PSEUDONYM_LEN: usize = 32;

const DESTINATION_CONTEXT: &[u8] = b"muster destination key 1\0";
const PERSON_CONTEXT: &[u8] = b"muster pseudonym 1\0";
const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The key of one destination: HMAC-SHA256 of its id under the box's root key for pseudonyms.
pub fn destination_key(root: &[u8; 32], destination: &str) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&mac(root, DESTINATION_CONTEXT, destination.as_bytes()));
    key
}

/// The person's pseudonym under a destination's key: the first 160 bits of HMAC-SHA256 over the
/// person's number, as 32 lower-case characters of Crockford's base32.
pub fn pseudonym(key: &[u8; 32], person: PersonId) -> [u8; PSEUDONYM_LEN] {
    let tag = mac(key, PERSON_CONTEXT, &person.0.to_be_bytes());
    let mut text = [b'0'; PSEUDONYM_LEN];
    for (bytes, chars) in tag.chunks_exact(5).zip(text.chunks_exact_mut(8)) {
        let bits = bytes.iter().fold(0u64, |bits, &b| bits << 8 | u64::from(b));
        for (i, c) in chars.iter_mut().enumerate() {
            *c = BASE32[(bits >> (35 - 5 * i)) as usize & 31];
        }
    }
    text
}

fn mac(key: &[u8; 32], context: &[u8], data: &[u8]) -> [u8; 32] {
    let mut run = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    run.update(context);
    run.update(data);
    let mut out = [0; 32];
    out.copy_from_slice(run.sign().as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudonyms_are_stable_and_unlinkable() {
        let (a, b) = (destination_key(&[7; 32], "sg-tenant"), destination_key(&[7; 32], "hk-node"));
        let one = pseudonym(&a, PersonId(42));
        assert_eq!(one, pseudonym(&a, PersonId(42)));
        assert_ne!(one, pseudonym(&b, PersonId(42)));
        assert_ne!(one, pseudonym(&a, PersonId(43)));
        assert!(one.iter().all(|c| BASE32.contains(c)));
    }
}
