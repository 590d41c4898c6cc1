//! The demo's canaries: every piece of synthetic evidence that a terminal sends is remembered
//! here, and every byte that reaches a region is searched for it.
//!
//! Searched for: any 8-byte window of a piece, raw; its hex; its base64 in each of the three
//! phases.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

/// Bytes of a window of raw evidence.
const WINDOW: usize = 8;
/// Characters of a window of encoded evidence: short ones would be found by chance.
const TEXT_WINDOW: usize = 12;

/// All windows of all evidence sent so far.
#[derive(Default)]
pub(crate) struct Canaries {
    raw: RwLock<HashSet<[u8; WINDOW]>>,
    text: RwLock<HashSet<[u8; TEXT_WINDOW]>>,
}

impl Canaries {
    /// Remembers a piece of evidence before it is sent.
    pub(crate) fn plant(&self, evidence: &[u8]) {
        let mut raw = self.raw.write().unwrap_or_else(PoisonError::into_inner);
        raw.extend(windows::<WINDOW>(evidence));
        let mut text = self.text.write().unwrap_or_else(PoisonError::into_inner);
        for phase in 0..3.min(evidence.len()) {
            let encoded = STANDARD_NO_PAD.encode(&evidence[phase..]);
            text.extend(windows::<TEXT_WINDOW>(encoded.as_bytes()));
        }
        let hex: String = evidence.iter().map(|b| format!("{b:02x}")).collect();
        text.extend(windows::<TEXT_WINDOW>(hex.as_bytes()));
    }

    /// Bytes of `seen` that belong to evidence.
    pub(crate) fn found_in(&self, seen: &[u8]) -> u64 {
        let raw = self.raw.read().unwrap_or_else(PoisonError::into_inner);
        let text = self.text.read().unwrap_or_else(PoisonError::into_inner);
        let lower = seen.to_ascii_lowercase();
        let mut leaked = vec![false; seen.len()];
        for (at, window) in windows::<WINDOW>(seen).enumerate() {
            if raw.contains(&window) {
                leaked[at..at + WINDOW].fill(true);
            }
        }
        let encoded = windows::<TEXT_WINDOW>(seen).zip(windows::<TEXT_WINDOW>(&lower));
        for (at, (exact, lower)) in encoded.enumerate() {
            if text.contains(&exact) || text.contains(&lower) {
                leaked[at..at + TEXT_WINDOW].fill(true);
            }
        }
        leaked.into_iter().filter(|leaked| *leaked).count() as u64
    }
}

fn windows<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.windows(N).filter_map(|window| window.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_found_however_it_is_written() {
        let canaries = Canaries::default();
        let evidence: Vec<u8> = (0..64u8).map(|i| i.wrapping_mul(37) ^ 0x5a).collect();
        canaries.plant(&evidence);
        let hex = |upper: bool| -> String {
            let hex: String = evidence[5..30].iter().map(|b| format!("{b:02x}")).collect();
            if upper { hex.to_uppercase() } else { hex }
        };
        let padded = |before: &[u8]| {
            STANDARD_NO_PAD.encode([before, &evidence[10..40]].concat()).into_bytes()
        };
        let check = |seen: &[u8], found: bool| {
            assert_eq!(canaries.found_in(seen) > 0, found, "{}", String::from_utf8_lossy(seen));
        };
        check(&[b"x", &evidence[3..11], b"y"].concat(), true);
        check(hex(false).as_bytes(), true);
        check(hex(true).as_bytes(), true);
        check(&padded(b""), true);
        check(&padded(b"a"), true);
        check(&padded(b"ab"), true);
        check(&evidence[..7], false);
        check(br#"{"event_id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","direction":"in"}"#, false);
        check(b"", false);
    }
}
