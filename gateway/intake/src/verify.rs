//! From bytes to a check-in that is known to come from the device it names.
//!
//! A [`Verified`] check-in is made here alone, from JSON whose sender proved its name on the
//! connection, or by opening a seal under the device's own key. Nothing else in the crate can be
//! split, so nothing unproven reaches the journal.

mod sealed;

use crate::json;
use crate::seals::Seals;
use crate::split::BiometricEvidence;
use muster_attendance::{DeviceClock, DeviceId, DeviceTime, Direction, Method, Outcome};
use muster_ledger::RefusalReason;
use muster_proto::message::{Note, Report, Stamp};
use std::borrow::Cow;

/// A check-in as it came, evidence included. Every field goes to one side in [`crate::split`].
pub(crate) struct CheckIn<'a> {
    pub(crate) boot: u32,
    pub(crate) seq: u64,
    /// The terminals' number of the person, 1 to 48 characters; present unless denied.
    pub(crate) person: Option<Cow<'a, str>>,
    pub(crate) at: DeviceTime,
    pub(crate) method: Method,
    pub(crate) outcome: Outcome,
    pub(crate) direction: Option<Direction>,
    pub(crate) live: bool,
    pub(crate) clock: DeviceClock,
    pub(crate) evidence: Vec<BiometricEvidence>,
    /// Fields that this version does not know; counted and dropped.
    pub(crate) unknown_fields: u32,
}

/// Something that was proven to come from a device.
pub(crate) struct Verified<T> {
    device: DeviceId,
    inner: T,
}

impl<'a> Verified<CheckIn<'a>> {
    pub(crate) fn device(&self) -> DeviceId {
        self.device
    }

    pub(crate) fn get(&self) -> &CheckIn<'a> {
        &self.inner
    }

    pub(crate) fn into_inner(self) -> (DeviceId, CheckIn<'a>) {
        (self.device, self.inner)
    }
}

/// Who brought a message, and what that is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Speaker {
    /// The device itself: its certificate, or its name on the plaintext loopback listener.
    Itself(DeviceId),
    /// Another device, a shared line or a broker carries the message: only a seal proves whose it
    /// is.
    Carried(DeviceId),
}

impl Speaker {
    /// The device that the message is said to be of.
    pub(crate) fn device(self) -> DeviceId {
        match self {
            Self::Itself(device) | Self::Carried(device) => device,
        }
    }
}

/// A message that was proven to come from a device.
pub(crate) enum Incoming<'a> {
    /// A punch.
    CheckIn(Verified<CheckIn<'a>>),
    /// A terminal introducing itself.
    Hello(Introduction),
    /// An entry of its event log.
    Note(Note),
    /// What it says of a task.
    Report(Report<'a>),
}

/// What a terminal's Hello says that matters here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Introduction {
    /// Its number.
    pub(crate) stamp: Stamp,
    /// Tells one Hello from another with the same number.
    pub(crate) hash: u64,
    /// The punch that the terminal makes next.
    pub(crate) next: Stamp,
    /// Whether it has the receipt of every punch before.
    pub(crate) settled: bool,
}

/// Why a message is refused for good, and which it was as far as it could be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reject {
    pub(crate) reason: RefusalReason,
    pub(crate) message: Option<(u32, u64)>,
    /// Whether the seal held: only then may the answer be sealed for the device, because a
    /// terminal forgets a punch that is refused for good.
    pub(crate) authentic: bool,
}

impl From<RefusalReason> for Reject {
    fn from(reason: RefusalReason) -> Self {
        Self { reason, message: None, authentic: false }
    }
}

/// Whether a payload is a sealed message rather than JSON, which begins with a brace or with space
/// before it.
pub(crate) fn is_sealed(payload: &[u8]) -> bool {
    !matches!(payload.first(), None | Some(b'{' | b' ' | b'\t' | b'\r' | b'\n'))
}

/// Boot and sequence number that a payload claims, proven or not.
pub(crate) fn claimed(payload: &[u8]) -> Option<(u32, u64)> {
    if is_sealed(payload) { sealed::claimed(payload) } else { json::message_of(payload) }
}

/// Verifies a message of `speaker`. A sealed one is opened in place.
pub(crate) fn message<'a>(
    speaker: Speaker,
    payload: &'a mut [u8],
    seals: &Seals,
) -> Result<Incoming<'a>, Reject> {
    if is_sealed(payload) {
        return sealed::open(speaker.device(), payload, seals);
    }
    match speaker {
        Speaker::Itself(device) => {
            Ok(Incoming::CheckIn(Verified { device, inner: json::check_in(payload)? }))
        }
        Speaker::Carried(_) => {
            Err(Reject { message: json::message_of(payload), ..RefusalReason::NotAuthentic.into() })
        }
    }
}
