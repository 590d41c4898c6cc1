//! Opening sealed messages.

use super::{CheckIn, Incoming, Introduction, Reject, Verified};
use crate::seals::Seals;
use crate::split::{BiometricEvidence, EvidenceKind};
use muster_attendance as fact;
use muster_attendance::DeviceId;
use muster_ledger::RefusalReason::{self, Malformed, NotAuthentic, UnknownVersion};
use muster_proto::message::{self, ClockState, Evidence, Hello, LocalTime};
use muster_proto::seal::{Header, Keys, OpenError, ParseError, Sealed};
use std::borrow::Cow;
use std::hash::{Hash as _, Hasher as _};
use zeroize::Zeroizing;

/// Boot and sequence number in a sealed message's header.
pub(super) fn claimed(payload: &[u8]) -> Option<(u32, u64)> {
    let stamp = Header::peek(payload).ok()?.stamp;
    Some((stamp.boot, stamp.seq))
}

/// Opens a message that is said to be of `device`.
pub(super) fn open<'a>(
    device: DeviceId,
    payload: &'a mut [u8],
    seals: &Seals,
) -> Result<Incoming<'a>, Reject> {
    let header = Header::peek(payload).map_err(unreadable)?;
    let stamp = (header.stamp.boot, header.stamp.seq);
    let reject = |(reason, authentic)| Reject { reason, message: Some(stamp), authentic };
    let keys = seals.keys(device).ok_or(reject((NotAuthentic, false)))?;
    if header.kind == message::Kind::Hello {
        let hello: Hello<'_> = opened(payload, &keys).map_err(reject)?;
        return Ok(Incoming::Hello(introduction(&hello)));
    }
    match header.kind {
        message::Kind::Note => return opened(payload, &keys).map(Incoming::Note).map_err(reject),
        message::Kind::Report => {
            return opened(payload, &keys).map(Incoming::Report).map_err(reject);
        }
        _ => {}
    }
    let check_in: message::CheckIn<'a> = opened(payload, &keys).map_err(reject)?;
    let inner = convert(check_in).map_err(|reason| reject((reason, true)))?;
    Ok(Incoming::CheckIn(Verified { device, inner }))
}

fn introduction(hello: &Hello<'_>) -> Introduction {
    let Hello { boot, count, at, next_seq, oldest, waiting, firmware, .. } = *hello;
    let mut hasher = std::hash::DefaultHasher::new();
    (at, next_seq, oldest, waiting, firmware).hash(&mut hasher);
    let of_boot = |seq| message::Stamp { boot, seq };
    let (stamp, next) = (of_boot(count), of_boot(next_seq));
    Introduction { stamp, hash: hasher.finish(), next, settled: waiting == 0 }
}

/// Opens in place; on failure, why and whether the seal held.
fn opened<'a, M: message::Message<'a>>(
    payload: &'a mut [u8],
    keys: &Keys,
) -> Result<M, (RefusalReason, bool)> {
    let sealed = Sealed::<M>::parse(payload).map_err(|_| (Malformed, false))?;
    sealed.open(keys).map_err(|error| match error {
        OpenError::Contents(_) => (Malformed, true),
        _ => (NotAuthentic, false),
    })
}

fn unreadable(error: ParseError) -> Reject {
    match error {
        ParseError::Version(_) | ParseError::Kind(_) => UnknownVersion.into(),
        ParseError::TooLarge => RefusalReason::Oversized.into(),
        _ => Malformed.into(),
    }
}

/// Field by field, so that a new one does not compile until it is thought of.
fn convert(check_in: message::CheckIn<'_>) -> Result<CheckIn<'_>, RefusalReason> {
    let message::CheckIn {
        boot,
        seq,
        person,
        at: LocalTime { seconds, offset_minutes },
        method,
        outcome,
        direction,
        live,
        clock,
        evidence,
        unknown_fields,
    } = check_in;
    Ok(CheckIn {
        boot,
        seq,
        person: person.map(Cow::Borrowed),
        at: fact::DeviceTime { seconds, offset_minutes },
        method: method_of(method),
        outcome: match outcome {
            message::Outcome::Granted => fact::Outcome::Granted,
            message::Outcome::Denied => fact::Outcome::Denied,
            message::Outcome::Duress => fact::Outcome::Duress,
        },
        direction: direction.map(|direction| match direction {
            message::Direction::In => fact::Direction::In,
            message::Direction::Out => fact::Direction::Out,
        }),
        live,
        clock: match clock {
            ClockState::Ok => fact::DeviceClock::Ok,
            ClockState::Unsure => fact::DeviceClock::Unsure,
        },
        evidence: evidence.as_slice().iter().map(piece).collect(),
        unknown_fields,
    })
}

fn method_of(method: message::Method) -> fact::Method {
    match method {
        message::Method::Fingerprint => fact::Method::Fingerprint,
        message::Method::Face => fact::Method::Face,
        message::Method::Card => fact::Method::Card,
        message::Method::Pin => fact::Method::Pin,
        message::Method::Palm => fact::Method::Palm,
        message::Method::Other => fact::Method::Other,
    }
}

fn piece(evidence: &Evidence<'_>) -> BiometricEvidence {
    let Evidence { kind, media, data } = *evidence;
    let kind = match kind {
        message::EvidenceKind::FingerprintTemplate => EvidenceKind::FingerprintTemplate,
        message::EvidenceKind::FingerprintImage => EvidenceKind::FingerprintImage,
        message::EvidenceKind::FaceTemplate => EvidenceKind::FaceTemplate,
        message::EvidenceKind::FaceImage => EvidenceKind::FaceImage,
        message::EvidenceKind::Score => EvidenceKind::Score,
    };
    BiometricEvidence::new(kind, media.to_owned(), Zeroizing::new(data.to_vec()))
}
