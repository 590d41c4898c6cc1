//! Bodies under a good seal, made by the layout in README.md and not by this crate: no body
//! panics, and one that is read is written the same way but for skipped fields.
#![no_main]

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use libfuzzer_sys::fuzz_target;
use muster_proto::message::{CheckIn, Command, Hello, Message, Receipt, Welcome};
use muster_proto::seal::{HEADER_LEN, Keys, OVERHEAD, Sealed};

const KINDS: [u8; 6] = [0x01, 0x02, 0x03, 0x81, 0x82, 0x83];

/// Sealed by hand: version 1, this kind, boot 1, seq 1, for the device `x`.
fn sealed(kind: u8, body: &[u8]) -> Vec<u8> {
    let info: &[u8] = if kind & 0x80 == 0 { b"up/x" } else { b"down/x" };
    let mut key = [0; 32];
    let hkdf = hkdf::Hkdf::<sha2::Sha256>::new(Some(b"muster pairing 1"), &[0; 32]);
    hkdf.expand(info, &mut key).unwrap();
    let mut wire = vec![1, kind, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    let mut nonce = Nonce::default();
    nonce.copy_from_slice(&wire[1..13]);
    let mut aad = wire.clone();
    aad.push(b'x');
    wire.extend(body);
    let cipher = ChaCha20Poly1305::new(&key.into());
    let (_, text) = wire.split_at_mut(HEADER_LEN);
    let tag = cipher.encrypt_inout_detached(&nonce, &aad, text.into()).unwrap();
    wire.extend(tag);
    wire
}

fn check<'a, M: Message<'a>>(wire: &'a mut [u8], keys: &Keys) {
    let room = wire.len();
    if let Ok(message) = Sealed::<M>::parse(wire).unwrap().open(keys) {
        let mut again = vec![0; room];
        assert!(keys.seal(&message, &mut again).is_ok_and(|len| (OVERHEAD..=room).contains(&len)));
    }
}

fuzz_target!(|input: (u8, &[u8])| {
    let kind = KINDS[usize::from(input.0) % KINDS.len()];
    let keys = Keys::derive(&[0; 32], "x").unwrap();
    let mut wire = sealed(kind, input.1);
    match kind {
        0x03 => check::<Hello<'_>>(&mut wire, &keys),
        0x81 => check::<Receipt>(&mut wire, &keys),
        0x82 => check::<Welcome>(&mut wire, &keys),
        0x83 => check::<Command>(&mut wire, &keys),
        _ => check::<CheckIn<'_>>(&mut wire, &keys),
    }
});
