//! Bodies of messages under a good seal: none panics, and one that is read is written the same way
//! but for skipped fields.
#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_proto::message::{CheckIn, Command, Hello, Receipt, Welcome};
use muster_proto_fuzz::{check, keys, sealed};

const KINDS: [u8; 6] = [0x01, 0x02, 0x03, 0x81, 0x82, 0x83];

fuzz_target!(|input: (u8, &[u8])| {
    let kind = KINDS[usize::from(input.0) % KINDS.len()];
    let (keys, mut wire) = (keys(), sealed(kind, input.1));
    match kind {
        0x03 => check::<Hello<'_>>(&mut wire, &keys),
        0x81 => check::<Receipt>(&mut wire, &keys),
        0x82 => check::<Welcome>(&mut wire, &keys),
        0x83 => check::<Command>(&mut wire, &keys),
        _ => check::<CheckIn<'_>>(&mut wire, &keys),
    }
});
