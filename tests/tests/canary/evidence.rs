//! Synthetic evidence: bytes that exist nowhere else, in the containers that real ones come in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster_tests::random::Random;
use muster_tests::search::Canaries;
use std::ops::Range;

/// Bytes of an image.
const IMAGE: usize = 2_000;
/// Numbers of a face vector.
const VECTOR: usize = 128;
/// Minutiae of a finger.
const MINUTIAE: usize = 40;
/// Bytes of what a vendor keeps to itself about.
const BLOB: usize = 384;

/// One piece of evidence.
#[derive(Clone)]
pub(crate) struct Piece {
    /// As check-ins write it.
    pub(crate) kind: &'static str,
    /// As check-ins write it.
    pub(crate) media: &'static str,
    /// What the device sends.
    pub(crate) bytes: Vec<u8>,
    /// What no other piece has.
    unique: Range<usize>,
}

impl Piece {
    /// As JSON carries it.
    pub(crate) fn base64(&self) -> String {
        STANDARD.encode(&self.bytes)
    }

    /// What is looked for.
    pub(crate) fn unique(&self) -> &[u8] {
        &self.bytes[self.unique.clone()]
    }
}

/// Makes pieces and remembers them.
pub(crate) struct Maker {
    random: Random,
    canaries: Canaries,
    made: u32,
}

impl Maker {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), canaries: Canaries::new(), made: 0 }
    }

    /// All that was made.
    pub(crate) fn canaries(&self) -> &Canaries {
        &self.canaries
    }

    /// A face as JPEG (ITU-T T.81): SOI and a JFIF segment, then noise for a scan, then EOI.
    pub(crate) fn face(&mut self) -> Piece {
        let head = b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00";
        self.piece("face-image", "image/jpeg", head, IMAGE, b"\xFF\xD9")
    }

    /// A face that no message may be large enough for.
    pub(crate) fn huge_face(&mut self) -> Piece {
        self.piece("face-image", "image/jpeg", b"\xFF\xD8\xFF\xE0", 300_000, b"\xFF\xD9")
    }

    /// A face as the vector of a network: 32-bit floats between -1 and 1, little-endian.
    pub(crate) fn vector(&mut self) -> Piece {
        let random = &mut self.random;
        let float = |_| (random.below(2_000_000) as f32 / 1_000_000.0 - 1.0).to_le_bytes();
        let bytes: Vec<u8> = (0..VECTOR).flat_map(float).collect();
        self.remember("face-template", "", bytes, 0..VECTOR * 4)
    }

    /// A finger as ISO/IEC 19794-2:2005: the record's head, one view, six bytes a minutia.
    pub(crate) fn finger(&mut self) -> Piece {
        let length = (30 + MINUTIAE * 6) as u32;
        let mut head = b"FMR\x00 20\x00".to_vec();
        head.extend(length.to_be_bytes());
        head.extend(b"\x00\x00\x01\x00\x01\x90\x00\xC5\x00\xC5\x01\x00\x00\x00\x50\x28");
        self.piece("fingerprint-template", "", &head, MINUTIAE * 6, b"\x00\x00")
    }

    /// What a vendor alone can read.
    pub(crate) fn blob(&mut self) -> Piece {
        self.piece("fingerprint-image", "application/octet-stream", b"", BLOB, b"")
    }

    fn piece(
        &mut self,
        kind: &'static str,
        media: &'static str,
        head: &[u8],
        body: usize,
        tail: &[u8],
    ) -> Piece {
        let noise = (0..body.div_ceil(8)).flat_map(|_| self.random.next().to_le_bytes());
        let noise: Vec<u8> = noise.take(body).collect();
        let unique = head.len()..head.len() + body;
        self.remember(kind, media, [head, &noise, tail].concat(), unique)
    }

    fn remember(
        &mut self,
        kind: &'static str,
        media: &'static str,
        bytes: Vec<u8>,
        unique: Range<usize>,
    ) -> Piece {
        self.made += 1;
        self.canaries.plant(&format!("{kind} {}", self.made), &bytes[unique.clone()]);
        Piece { kind, media, bytes, unique }
    }
}
