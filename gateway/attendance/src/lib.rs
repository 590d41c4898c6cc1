//! Attendance: the nouns that may be shown or sent, and the rules that turn punches into sheets.
//!
//! Nothing here can hold a biometric: an [`Attendance`] is the punch without its evidence. This
//! crate does no IO and keeps no clock and no randomness; time and ids come in as arguments.
#![forbid(unsafe_code)]

pub mod fact;

pub use fact::{
    Attendance, DeviceClock, DeviceId, DeviceTime, Direction, EventId, Method, Outcome, PersonId,
};
