//! What both ends of a serial line agree on beside frames: who may speak when, and whose a
//! message is.
//!
//! The line may be half-duplex and shared, so only the box speaks unasked. It sends a frame with
//! [`Flags::POLL`] to one terminal, with a message for it or empty; the terminal answers with one
//! frame, with a message or empty, and is silent otherwise. A point-to-point line works the same.
//! Nothing is acknowledged here: a lost punch is sent again until its receipt comes, a lost
//! receipt makes the punch come again.
//!
//! A frame's payload is empty or `length of name u8 | name | sealed message`, with the name of the
//! terminal's end in both directions: so each message finds its key whatever was plugged in where,
//! and two terminals set to one address show.
//!
//! [`Flags::POLL`]: crate::frame::Flags::POLL

use crate::frame;
use crate::seal::{MAX_NAME, MAX_SEALED, check_name};

/// Bits on the wire for one byte: start, eight, stop.
const BITS: u64 = 10;

/// Largest sealed message that fits a frame beside the longest name.
pub const MAX_SEALED_ON_LINE: usize = frame::MAX_PAYLOAD - 1 - MAX_NAME;

const _: () = assert!(MAX_SEALED_ON_LINE < MAX_SEALED && MAX_NAME < 256);

/// Milliseconds that `bytes` take at `baud`, rounded up.
pub(crate) fn wire_ms(bytes: usize, baud: u32) -> u64 {
    (bytes as u64 * BITS * 1000).div_ceil(u64::from(baud.max(1)))
}

/// Name and sealed message in a frame's payload; none where the payload is malformed.
pub fn split(payload: &mut [u8]) -> Option<(&str, &mut [u8])> {
    let (&mut len, rest) = payload.split_first_mut()?;
    let (name, sealed) = rest.split_at_mut_checked(len.into())?;
    let name = core::str::from_utf8(name).ok()?;
    check_name(name).ok()?;
    Some((name, sealed))
}

/// Writes a frame that carries `sealed` for or from the terminal `name`.
pub(crate) fn frame(
    address: u8,
    flags: frame::Flags,
    message: Option<(&str, &[u8])>,
    out: &mut [u8],
) -> Result<usize, frame::EncodeError> {
    match message {
        None => frame::encode(address, flags, &[], out),
        Some((name, sealed)) => {
            let parts = [&[name.len() as u8], name.as_bytes(), sealed];
            frame::encode(address, flags, &parts, out)
        }
    }
}
