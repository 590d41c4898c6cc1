//! The sealed check-in, for an M2 whose messages go through a C1 that must not read them.

use crate::check_in::{Capture, Direction, Evidence, EvidenceKind, Method, Outcome};
use muster_proto::message::{self, ClockState, Evidences, LocalTime, Receipt, ReceiptResult};
use muster_proto::seal::{Keys, MAX_SEALED, OVERHEAD, Sealed};
use zeroize::Zeroizing;

/// Bytes of a check-in beside its evidence, with room to spare.
const FRAME: usize = 1024;

/// Why a capture cannot be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Its time is not one.
    #[error("the capture's time is not as RFC 3339 has it")]
    Time,
    /// It breaks a rule of the messages.
    #[error(transparent)]
    Message(#[from] message::EncodeError),
}

/// The check-in `(boot, seq)` sealed under `keys`, as live or as one that had waited.
pub(crate) fn seal(
    keys: &Keys,
    (boot, seq): (u32, u64),
    capture: &Capture<'_>,
    live: bool,
) -> Result<Vec<u8>, SealError> {
    let pieces: Vec<_> = capture.evidence.iter().map(piece).collect();
    let evidence = Evidences::from_slice(&pieces).map_err(message::EncodeError::from)?;
    let check_in = message::CheckIn {
        boot,
        seq,
        person: capture.person,
        at: time(capture.at).ok_or(SealError::Time)?,
        method: match capture.method {
            Method::Face => message::Method::Face,
            Method::Card => message::Method::Card,
            Method::Pin => message::Method::Pin,
        },
        outcome: match capture.outcome {
            Outcome::Granted => message::Outcome::Granted,
            Outcome::Denied => message::Outcome::Denied,
            Outcome::Duress => message::Outcome::Duress,
        },
        direction: capture.direction.map(|direction| match direction {
            Direction::In => message::Direction::In,
            Direction::Out => message::Direction::Out,
        }),
        live,
        clock: if capture.unsure_clock { ClockState::Unsure } else { ClockState::Ok },
        evidence,
        unknown_fields: 0,
    };
    let evidence: usize = capture.evidence.iter().map(|e| e.data.len() + FRAME).sum();
    let mut room = Zeroizing::new(vec![0; (OVERHEAD + FRAME + evidence).min(MAX_SEALED)]);
    let length = keys.seal(&check_in, &mut room)?;
    Ok(room.get(..length).unwrap_or_default().to_vec())
}

/// Whether a message from the box is a receipt that refuses a punch for good.
pub(crate) fn is_refusal(keys: &Keys, payload: &mut [u8]) -> bool {
    let receipt = Sealed::<Receipt>::parse(payload).ok().and_then(|s| s.open(keys).ok());
    receipt.is_some_and(|receipt| receipt.result == ReceiptResult::Refused)
}

fn time(text: &str) -> Option<LocalTime> {
    let pieces = jiff::fmt::temporal::DateTimeParser::new().parse_timestamp(text).ok()?;
    let zoned = jiff::fmt::temporal::Pieces::parse(text).ok()?.to_numeric_offset()?;
    let offset_minutes = i16::try_from(zoned.seconds() / 60).ok()?;
    Some(LocalTime { seconds: pieces.as_second(), offset_minutes })
}

fn piece<'a>(evidence: &Evidence<'a>) -> message::Evidence<'a> {
    let Evidence { kind, media, data } = *evidence;
    let kind = match kind {
        EvidenceKind::FaceTemplate => message::EvidenceKind::FaceTemplate,
        EvidenceKind::FaceImage => message::EvidenceKind::FaceImage,
        EvidenceKind::Score => message::EvidenceKind::Score,
    };
    message::Evidence { kind, media, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sealed_form_says_the_same() {
        let keys = || Keys::derive(&[4; 32], "m2").unwrap();
        let data = vec![0xAB; 4_000];
        let capture = Capture {
            person: Some("00017"),
            at: "2026-12-01T08:59:31+08:00",
            method: Method::Face,
            outcome: Outcome::Granted,
            direction: Some(Direction::In),
            live: true,
            unsure_clock: false,
            evidence: &[Evidence {
                kind: EvidenceKind::FaceImage,
                media: "image/jpeg",
                data: &data,
            }],
        };
        for live in [true, false] {
            let mut sealed = seal(&keys(), (3, 7), &capture, live).unwrap();
            assert!(!sealed.windows(8).any(|w| w == [0xAB; 8]));
            let opened = Sealed::<message::CheckIn<'_>>::parse(&mut sealed).unwrap();
            let found = opened.open(&keys()).unwrap();
            assert_eq!((found.boot, found.seq, found.live), (3, 7, live));
            assert_eq!(found.at, LocalTime { seconds: 1_796_086_771, offset_minutes: 480 });
            assert_eq!(found.person, Some("00017"));
            assert_eq!(found.evidence.as_slice()[0].data.len(), 4_000);
        }
        let wrong = Capture { at: "yesterday", ..capture };
        assert!(matches!(seal(&keys(), (1, 1), &wrong, true), Err(SealError::Time)));
    }
}
