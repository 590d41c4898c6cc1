//! What terminals say, in words.

use muster_proto::message::{ClockState, Happened, Note, TaskReason};

/// A reason as the journal has it.
pub(super) fn reason_word(reason: TaskReason) -> &'static str {
    match reason {
        TaskReason::None => "refused",
        TaskReason::NoGrounds => "no-grounds",
        TaskReason::UnknownUser => "unknown-user",
        TaskReason::Full => "full",
        TaskReason::Busy => "busy",
        TaskReason::Sensor => "sensor",
        TaskReason::OutOfOrder => "out-of-order",
        TaskReason::Signature => "signature",
        TaskReason::Older => "older",
        TaskReason::Image => "image",
        TaskReason::Flash => "flash",
        TaskReason::Nobody => "nobody",
        TaskReason::NotSupported => "not-supported",
        TaskReason::PageTaken => "page-taken",
    }
}

/// A reason as people read it.
pub(super) fn reason_text(reason: &TaskReason) -> &'static str {
    match reason {
        TaskReason::None => "it gives no reason",
        TaskReason::NoGrounds => "notice, basis or age is not on record",
        TaskReason::UnknownUser => "it has no such user; add them first",
        TaskReason::Full => "it has no room; remove somebody first",
        TaskReason::Busy => "it is doing something else; try again",
        TaskReason::Sensor => "its fingerprint module does not do it; look at the module",
        TaskReason::OutOfOrder => "parts came out of order; try again",
        TaskReason::Signature => "the image is not signed by the key that it believes",
        TaskReason::Older => "the image is not newer than what has run there",
        TaskReason::Image => "the image is for another board, too large, or damaged",
        TaskReason::Flash => "its flash does not take it; replace the flash chip",
        TaskReason::Nobody => "nobody put a finger on the glass, or typed a PIN, in time",
        TaskReason::NotSupported => "it cannot do such a thing",
        TaskReason::PageTaken => "that page belongs to somebody else; choose another",
    }
}

/// An entry of an event log as the journal has it.
pub(crate) fn told(note: &Note) -> muster_ledger::Told {
    muster_ledger::Told {
        entry: (note.boot, note.seq),
        at: note.at.seconds,
        clock_unsure: note.clock == ClockState::Unsure,
        what: word(note.what).to_owned(),
        detail: note.detail,
    }
}

/// What happened, in a word.
pub(crate) fn word(what: Happened) -> &'static str {
    match what {
        Happened::Started => "started",
        Happened::Tampered => "tampered",
        Happened::ClockLost => "clock-lost",
        Happened::QueueFull => "queue-full",
        Happened::SensorLost => "sensor-lost",
        Happened::SealRefused => "seal-refused",
        Happened::Replayed => "replayed",
        Happened::PinsLocked => "pins-locked",
        Happened::EnrolRefused => "enrol-refused",
        Happened::Erased => "erased",
        Happened::UpdateRefused => "update-refused",
        Happened::UpdateTaken => "update-taken",
        Happened::RolledBack => "rolled-back",
        Happened::Other(_) => "other",
    }
}
