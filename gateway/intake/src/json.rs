//! The JSON check-in: one pass over the bytes, borrowing what it can.
//!
//! Unknown fields are dropped and counted; a known field given twice, with another type or with a
//! value that has no meaning refuses the message. Nothing that was refused is repeated in an error.

mod draft;

use crate::limits::{MAX_EVIDENCE, MAX_MEDIA_CHARS, MAX_PERSON_CHARS, MAX_SEQ};
use crate::metric;
use crate::split::{BiometricEvidence, EvidenceKind};
use crate::time::rfc3339;
use crate::verify::{CheckIn, Reject};
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use draft::{Draft, EvidenceDraft, Text};
use muster_attendance::{DeviceClock, Direction, Method, Outcome};
use muster_ledger::RefusalReason::{
    self, BadPerson, BadTime, Malformed, TooSparse, UnknownVersion,
};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// The version of JSON check-ins that this box reads.
const VERSION: u64 = 1;

/// Standard base64, with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads a JSON check-in (`interfaces`: check-in over MQTT).
pub(crate) fn check_in(payload: &[u8]) -> Result<CheckIn<'_>, Reject> {
    let draft = Draft::parse(payload).map_err(|_| Malformed)?;
    let message = message(&draft);
    complete(draft).map_err(|reason| Reject { message, ..reason.into() })
}

/// Boot and sequence number of a message that is refused for another reason, where readable.
pub(crate) fn message_of(payload: &[u8]) -> Option<(u32, u64)> {
    message(&Draft::parse(payload).ok()?)
}

fn message(draft: &Draft<'_>) -> Option<(u32, u64)> {
    Some((u32::try_from(draft.boot?).ok()?, draft.seq.filter(|&seq| seq <= MAX_SEQ)?))
}

fn complete(draft: Draft<'_>) -> Result<CheckIn<'_>, RefusalReason> {
    if draft.version.ok_or(TooSparse)? != VERSION {
        return Err(UnknownVersion);
    }
    if draft.boot.is_none() || draft.seq.is_none() {
        return Err(TooSparse);
    }
    let (boot, seq) = message(&draft).ok_or(Malformed)?;
    let outcome = outcome(&draft.outcome.ok_or(TooSparse)?)?;
    Ok(CheckIn {
        boot,
        seq,
        person: person(draft.person, outcome)?,
        at: rfc3339(draft.at.ok_or(TooSparse)?.as_bytes()).ok_or(BadTime)?,
        method: method(&draft.method.ok_or(TooSparse)?)?,
        outcome,
        direction: draft.direction.map(|text| direction(&text)).transpose()?,
        live: draft.live.unwrap_or(true),
        clock: draft.clock.map_or(Ok(DeviceClock::Ok), |text| clock(&text))?,
        evidence: evidence(draft.evidence)?,
        unknown_fields: draft.unknown_fields,
    })
}

fn person(
    person: Option<Text<'_>>,
    outcome: Outcome,
) -> Result<Option<Cow<'_, str>>, RefusalReason> {
    match person {
        None if outcome == Outcome::Denied => Ok(None),
        None => Err(TooSparse),
        Some(Text(number)) if is_number(&number) => Ok(Some(number)),
        Some(_) => Err(BadPerson),
    }
}

fn is_number(number: &str) -> bool {
    let plain = number.len() <= MAX_PERSON_CHARS || number.chars().count() <= MAX_PERSON_CHARS;
    plain && !number.is_empty() && !number.chars().any(char::is_control)
}

fn method(text: &str) -> Result<Method, RefusalReason> {
    Ok(match text {
        "fingerprint" => Method::Fingerprint,
        "face" => Method::Face,
        "card" => Method::Card,
        "pin" => Method::Pin,
        "palm" => Method::Palm,
        "other" => Method::Other,
        _ => return Err(Malformed),
    })
}

fn outcome(text: &str) -> Result<Outcome, RefusalReason> {
    Ok(match text {
        "granted" => Outcome::Granted,
        "denied" => Outcome::Denied,
        "duress" => Outcome::Duress,
        _ => return Err(Malformed),
    })
}

fn direction(text: &str) -> Result<Direction, RefusalReason> {
    match text {
        "in" => Ok(Direction::In),
        "out" => Ok(Direction::Out),
        _ => Err(Malformed),
    }
}

fn clock(text: &str) -> Result<DeviceClock, RefusalReason> {
    match text {
        "ok" => Ok(DeviceClock::Ok),
        "unsure" => Ok(DeviceClock::Unsure),
        _ => Err(Malformed),
    }
}

fn evidence(drafts: Vec<EvidenceDraft<'_>>) -> Result<Vec<BiometricEvidence>, RefusalReason> {
    if drafts.len() > MAX_EVIDENCE {
        return Err(Malformed);
    }
    drafts.into_iter().filter_map(|draft| piece(draft).transpose()).collect()
}

/// One piece; `None` for a kind that this version does not know: the punch counts all the same.
fn piece(draft: EvidenceDraft<'_>) -> Result<Option<BiometricEvidence>, RefusalReason> {
    let (kind, data) = (draft.kind.ok_or(Malformed)?, draft.data.ok_or(Malformed)?);
    let data = decode(data)?;
    let media = draft.media.map(|Text(media)| media.into_owned()).unwrap_or_default();
    if media.chars().count() > MAX_MEDIA_CHARS {
        return Err(Malformed);
    }
    let Some(kind) = EvidenceKind::from_name(&kind) else {
        metrics::counter!(metric::EVIDENCE_DROPPED, "reason" => "kind").increment(1);
        return Ok(None);
    };
    Ok(Some(BiometricEvidence::new(kind, media, data)))
}

fn decode(Text(text): Text<'_>) -> Result<Zeroizing<Vec<u8>>, RefusalReason> {
    let mut data = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
    let decoded = BASE64.decode_slice(text.as_bytes(), &mut data);
    if let Cow::Owned(owned) = text {
        drop(Zeroizing::new(owned));
    }
    data.truncate(decoded.map_err(|_| Malformed)?);
    Ok(data)
}

#[cfg(test)]
mod tests;
