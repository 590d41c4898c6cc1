//! From bytes to a check-in that is known to come from the device it names.
//!
//! A [`Verified`] check-in is made here alone, from JSON whose sender proved its name on the
//! connection, or by opening a seal under the device's own key. Nothing else in the crate can be
//! split, so nothing unproven reaches the journal.

use crate::json;
use crate::split::BiometricEvidence;
use muster_attendance::{DeviceClock, DeviceId, DeviceTime, Direction, Method, Outcome};
use muster_ledger::RefusalReason;
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

/// Something that was proven to come from `device`.
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
    /// Another device or a broker that carries the message: only a seal proves who made it.
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

/// Why a message is refused for good, and which it was as far as it could be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reject {
    pub(crate) reason: RefusalReason,
    pub(crate) message: Option<(u32, u64)>,
}

impl From<RefusalReason> for Reject {
    fn from(reason: RefusalReason) -> Self {
        Self { reason, message: None }
    }
}

/// Verifies a check-in of `speaker`.
pub(crate) fn check_in(speaker: Speaker, payload: &[u8]) -> Result<Verified<CheckIn<'_>>, Reject> {
    match speaker {
        Speaker::Itself(device) => Ok(Verified { device, inner: json::check_in(payload)? }),
        Speaker::Carried(_) => Err(RefusalReason::NotAuthentic.into()),
    }
}
