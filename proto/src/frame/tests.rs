use super::*;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn encoded(address: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0; wire_len(payload.len())];
    let n = encode(address, Flags::from_bits(flags), &[payload], &mut out).unwrap();
    out.truncate(n);
    out
}

/// All frames found when the bytes arrive in pieces of `step`.
fn decoded(bytes: &[u8], step: usize) -> (Vec<(u8, u8, Vec<u8>)>, Counts) {
    let mut decoder = Decoder::<MAX_BODY>::new();
    let mut found = Vec::new();
    for mut piece in bytes.chunks(step) {
        while !piece.is_empty() {
            let (taken, frame) = decoder.push(piece);
            piece = &piece[taken..];
            found.extend(frame.map(|f| (f.address, f.flags.bits(), f.payload.to_vec())));
        }
    }
    (found, decoder.counts())
}

#[test]
fn sizes_at_the_edges_of_cobs_groups() {
    for len in [0, 1, 247, 248, 249, 250, 251, 502, 503, 504, MAX_PAYLOAD - 1, MAX_PAYLOAD] {
        for fill in [0u8, 1, 0xFF] {
            let payload = vec![fill; len];
            let wire = encoded(7, 0x81, &payload);
            assert!(wire.len() <= wire_len(len), "{len} {fill}");
            let (found, counts) = decoded(&wire, 1);
            assert_eq!(found, [(7, 0x81, payload)], "{len} {fill}");
            assert_eq!(counts, Counts { good: 1, damaged: 0, oversized: 0 });
        }
    }
}

#[test]
fn too_large_and_no_room() {
    let mut out = [0; MAX_WIRE];
    let payload = [1; MAX_PAYLOAD + 1];
    let e = encode(1, Flags::NONE, &[&payload], &mut out);
    assert_eq!(e, Err(EncodeError::TooLarge(MAX_PAYLOAD + 1)));
    let need = encoded(1, 0, b"abc").len();
    for room in 0..need {
        let e = encode(1, Flags::NONE, &[b"abc"], &mut out[..room]);
        assert_eq!(e, Err(EncodeError::NoRoom), "{room}");
    }
}

#[test]
fn oversized_is_counted_and_the_next_frame_found() {
    let mut decoder = Decoder::<16>::new();
    let mut wire = encoded(1, 0, &[9; 40]);
    wire.extend(encoded(2, 0, b"ok"));
    let (taken, frame) = decoder.push(&wire);
    assert_eq!(frame.map(|f| f.address), Some(2));
    assert_eq!(taken, wire.len());
    assert_eq!(decoder.counts(), Counts { good: 1, damaged: 0, oversized: 1 });
}

#[test]
fn reset_forgets_half_a_frame() {
    let mut decoder = Decoder::<64>::new();
    let wire = encoded(1, 0, b"half");
    decoder.push(&wire[..5]);
    decoder.reset();
    let (_, frame) = decoder.push(&wire[5..]);
    assert!(frame.is_none());
    assert_eq!(decoder.counts().damaged, 2);
}

proptest! {
    #[test]
    fn round_trip(address: u8, flags: u8, payload in prop::collection::vec(any::<u8>(), 0..1200), step in 1usize..64) {
        let (found, _) = decoded(&encoded(address, flags, &payload), step);
        prop_assert_eq!(found, [(address, flags, payload)]);
    }

    #[test]
    fn never_panics_and_emits_only_what_checks(bytes in prop::collection::vec(any::<u8>(), 0..3000), step in 1usize..300) {
        for (address, flags, payload) in decoded(&bytes, step).0 {
            let mut body = vec![address, flags];
            body.extend(&payload);
            let sum = CRC.checksum(&body).to_le_bytes();
            body.extend(sum);
            prop_assert!(sum_agrees(&body));
        }
    }

    #[test]
    fn a_good_frame_after_noise_is_found(noise in prop::collection::vec(any::<u8>(), 0..6000), payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut wire = noise;
        wire.extend(encoded(3, 1, &payload));
        let (found, _) = decoded(&wire, 17);
        prop_assert_eq!(found.last(), Some(&(3, 1, payload)));
    }

    #[test]
    fn a_flipped_bit_never_passes(payload in prop::collection::vec(any::<u8>(), 0..300), at: prop::sample::Index, bit in 0u8..8) {
        let mut wire = encoded(3, 1, &payload);
        let i = at.index(wire.len());
        wire[i] ^= 1 << bit;
        // The outer delimiters may be lost without harm: another one follows.
        let outer = i == 0 || i == wire.len() - 1;
        wire.push(0);
        for found in decoded(&wire, 11).0 {
            prop_assert!(outer && found == (3, 1, payload.clone()));
        }
    }

    #[test]
    fn truncated_frames_are_never_emitted(payload in prop::collection::vec(any::<u8>(), 0..300), at: prop::sample::Index) {
        let wire = encoded(3, 1, &payload);
        let keep = at.index(wire.len() - 1);
        prop_assert_eq!(decoded(&wire[..keep], 11).0.len(), 0);
    }
}
