//! What travels between an attendance device and the box: frames, messages, their seal, and the
//! state machines of both ends.
//!
//! No heap, no clock, no IO and no randomness: bytes, keys and the time come in as arguments, so
//! that the same code runs in a terminal without an operating system, in the gateway and in tests.
//! The bytes are described for implementers in `proto/README.md`.
//!
//! A punch goes `CheckIn` → [`seal`] → (on serial) [`frame`]. Over MQTT the sealed message is the
//! whole payload. Nothing of a sealed message but its [`seal::Header`] can be read before the seal
//! has been verified.
#![no_std]

pub mod frame;
pub mod host;
pub mod line;
pub mod message;
pub mod pairing;
pub mod seal;
pub mod terminal;
pub mod window;

#[cfg(test)]
extern crate std;

/// The version of sealed messages that this crate writes.
///
/// # Versioning policy
/// - A number is never used for two layouts. The bytes in `golden/v<N>/` are the layout's
///   definition: they are added once and never edited.
/// - What only adds information goes into a field with a new tag (see [`message`]). Readers skip
///   tags they do not know and count them, so this needs no new version. A tag is never used for
///   something else, and a field without which the rest would be misread is no such addition.
/// - A new kind of message needs no new version either: readers refuse kinds they do not know and
///   go on.
/// - All else (the fixed part of a message, the header, the seal, the meaning of a value) needs the
///   next number. The box reads every version ever published and answers each device in the version
///   of that device's `Hello`; a device needs to know only one.
/// - Frames carry no version: a change of framing would be a different line protocol.
pub const VERSION: u8 = 1;
