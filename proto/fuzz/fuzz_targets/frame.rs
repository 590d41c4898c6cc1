//! Whatever comes over a line: the decoder does not panic, what it hands out encodes to a frame
//! that decodes to the same, and a good frame behind the noise is found.
#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_proto::frame::{Decoder, Flags, MAX_BODY, MAX_WIRE, encode};

fn frames(mut bytes: &[u8]) -> Vec<(u8, u8, Vec<u8>)> {
    let mut decoder = Decoder::<MAX_BODY>::new();
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (taken, frame) = decoder.push(bytes);
        bytes = &bytes[taken..];
        found.extend(frame.map(|f| (f.address, f.flags.bits(), f.payload.to_vec())));
    }
    found
}

fuzz_target!(|noise: &[u8]| {
    let mut wire = noise.to_vec();
    let mut out = vec![0; MAX_WIRE];
    for (address, flags, payload) in frames(noise) {
        let len = encode(address, Flags::from_bits(flags), &[&payload], &mut out).unwrap();
        assert_eq!(frames(&out[..len]), [(address, flags, payload)]);
    }
    let len = encode(9, Flags::POLL, &[b"good"], &mut out).unwrap();
    wire.extend(&out[..len]);
    assert_eq!(frames(&wire).last(), Some(&(9, 1, b"good".to_vec())));
});
