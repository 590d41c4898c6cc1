//! What the targets share: messages sealed by the layout in README.md, and not by the crate that
//! is looked at.
#![forbid(unsafe_code)]

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use muster_proto::message::Message;
use muster_proto::seal::{HEADER_LEN, Keys, OVERHEAD, Sealed};

/// The keys of the device `x` at the site `s`, with a secret of zeros.
pub fn keys() -> Keys {
    let mut keys = Keys::derive(&[0; 32], "x").unwrap();
    keys.set_site("s").unwrap();
    keys
}

/// A body under a good seal: version 1, this kind, boot 1, seq 1, for that device and site.
pub fn sealed(kind: u8, body: &[u8]) -> Vec<u8> {
    let info: &[u8] = if kind & 0x80 == 0 { b"up/x" } else { b"down/x" };
    let mut key = [0; 32];
    let hkdf = hkdf::Hkdf::<sha2::Sha256>::new(Some(b"muster pairing 1"), &[0; 32]);
    hkdf.expand(info, &mut key).unwrap();
    let mut wire = vec![1, kind, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    let mut nonce = Nonce::default();
    nonce.copy_from_slice(&wire[1..13]);
    let mut aad = wire.clone();
    // Reports and tasks are bound to the site.
    aad.extend(if matches!(kind, 0x05 | 0x84) { &b"x/s"[..] } else { b"x" });
    wire.extend(body);
    let cipher = ChaCha20Poly1305::new(&key.into());
    let (_, text) = wire.split_at_mut(HEADER_LEN);
    let tag = cipher.encrypt_inout_detached(&nonce, &aad, text.into()).unwrap();
    wire.extend(tag);
    wire
}

/// A message that is read can be written again, and is no longer then: fields that were skipped
/// are gone.
pub fn check<'a, M: Message<'a>>(wire: &'a mut [u8], keys: &Keys) {
    let room = wire.len();
    if let Ok(message) = Sealed::<M>::parse(wire).unwrap().open(keys) {
        let mut again = vec![0; room];
        assert!(keys.seal(&message, &mut again).is_ok_and(|len| (OVERHEAD..=room).contains(&len)));
    }
}
