//! Frames on a serial line: COBS between zero bytes, an address, and a CRC-32C.
//!
//! A line may be shared (RS-485), noisy, cut in mid-frame or set to the wrong speed. So a frame
//! carries the address of the terminal it is to or from, is delimited by the one byte value that
//! cannot occur inside it, and is checked before anyone sees it. Whatever came before, the first
//! whole frame after a delimiter is found. A frame's checks find accidents; malice is the business
//! of [`crate::seal`].
//!
//! On the wire: `00 | COBS(address, flags, payload, CRC-32C little-endian) | 00`. The leading zero
//! ends whatever noise came before; two frames may share one zero.

use crc::{CRC_32_ISCSI, Crc, Digest, Table};

/// Largest payload of a frame in bytes.
///
/// Room for a check-in with two large fingerprint templates (2 KiB each at most), its seal and the
/// device's name. At 115,200 baud the largest frame takes 0.4 s. Larger evidence goes over MQTT.
pub const MAX_PAYLOAD: usize = 4096;

/// Address, flags and CRC: what a frame adds to its payload before COBS.
const OVERHEAD: usize = 2 + 4;

/// Bytes between the delimiters of the largest frame, before COBS.
pub const MAX_BODY: usize = MAX_PAYLOAD + OVERHEAD;

/// Bytes on the wire of a frame with `payload` bytes, at most.
pub const fn wire_len(payload: usize) -> usize {
    let body = payload + OVERHEAD;
    body + body / 254 + 1 + 2
}

/// Bytes on the wire of the largest frame.
pub const MAX_WIRE: usize = wire_len(MAX_PAYLOAD);

/// Addressed to all terminals on the line; none answers.
pub const BROADCAST: u8 = 0xFF;

/// Highest address of a terminal; 248 to 254 are reserved.
pub const MAX_ADDRESS: u8 = 247;

// One table of 256 words: the fastest that still fits a small terminal.
static CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISCSI);

/// The flags byte of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags(u8);

impl Flags {
    /// Sent by a terminal; absent on what the box sends. Terminals on one line hear each other.
    pub const FROM_TERMINAL: Self = Self(0x80);
    /// Box: the addressed terminal may now send one frame.
    pub const POLL: Self = Self(0x01);
    /// No flag set.
    pub const NONE: Self = Self(0);

    /// From the byte on the wire. Unknown bits are kept and mean nothing.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The byte on the wire.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether all flags of `other` are set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags and those of `other`.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A whole, checked frame, lying in the decoder's buffer.
#[derive(PartialEq, Eq, Debug)]
pub struct Frame<'a> {
    /// The terminal it is to or from, or [`BROADCAST`].
    pub address: u8,
    /// See [`Flags`].
    pub flags: Flags,
    /// What it carries, 0 to [`MAX_PAYLOAD`] bytes; mutable so that it can be opened in place.
    pub payload: &'a mut [u8],
}

/// A frame could not be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EncodeError {
    /// More payload than a frame may carry.
    #[error("the payload has {0} bytes; a frame carries at most {MAX_PAYLOAD}")]
    TooLarge(usize),
    /// The buffer is smaller than the frame.
    #[error("the buffer is too small for the frame; give it wire_len(payload) bytes")]
    NoRoom,
}

/// Writes one frame whose payload is `parts` end to end; returns its length on the wire.
///
/// `out` of [`wire_len`] bytes always suffices.
pub fn encode(
    address: u8,
    flags: Flags,
    parts: &[&[u8]],
    out: &mut [u8],
) -> Result<usize, EncodeError> {
    let len = parts.iter().map(|p| p.len()).sum();
    if len > MAX_PAYLOAD {
        return Err(EncodeError::TooLarge(len));
    }
    let mut stuffer = Stuffer::new(out)?;
    stuffer.put(&[address, flags.bits()])?;
    for part in parts {
        stuffer.put(part)?;
    }
    stuffer.finish()
}

/// Writes COBS as the bytes come, filling in each group's length once it is known.
struct Stuffer<'a> {
    out: &'a mut [u8],
    /// Where the length of the current group goes.
    code_at: usize,
    at: usize,
    digest: Digest<'static, u32, Table<1>>,
}

impl<'a> Stuffer<'a> {
    fn new(out: &'a mut [u8]) -> Result<Self, EncodeError> {
        *out.first_mut().ok_or(EncodeError::NoRoom)? = 0;
        Ok(Self { out, code_at: 1, at: 2, digest: CRC.digest() })
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.digest.update(bytes);
        bytes.iter().try_for_each(|&b| self.byte(b))
    }

    fn byte(&mut self, byte: u8) -> Result<(), EncodeError> {
        if self.at - self.code_at == 255 {
            self.close_group()?;
        }
        if byte == 0 {
            return self.close_group();
        }
        *self.out.get_mut(self.at).ok_or(EncodeError::NoRoom)? = byte;
        self.at += 1;
        Ok(())
    }

    fn close_group(&mut self) -> Result<(), EncodeError> {
        let code = (self.at - self.code_at) as u8;
        *self.out.get_mut(self.code_at).ok_or(EncodeError::NoRoom)? = code;
        self.code_at = self.at;
        self.at += 1;
        Ok(())
    }

    fn finish(mut self) -> Result<usize, EncodeError> {
        let sum = self.digest.clone().finalize().to_le_bytes();
        self.put(&sum)?;
        self.close_group()?;
        let end = self.code_at;
        *self.out.get_mut(end).ok_or(EncodeError::NoRoom)? = 0;
        Ok(end + 1)
    }
}

/// What a decoder has seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Whole frames handed out.
    pub good: u64,
    /// Runs of bytes between delimiters that were no whole frame (noise, damage, truncation).
    pub damaged: u64,
    /// Runs longer than the decoder's buffer.
    pub oversized: u64,
}

/// Finds frames in a stream of bytes. `N` is the largest body it takes: [`MAX_BODY`] in the box,
/// less in a terminal that is sent only short messages.
pub struct Decoder<const N: usize> {
    body: [u8; N],
    len: usize,
    /// Bytes left of the current COBS group; at 0 the next byte is a group's length.
    left: u8,
    /// Whether a zero follows the current group, if another group follows.
    zero_due: bool,
    state: State,
    counts: Counts,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing since the last delimiter.
    Empty,
    Filling,
    TooLong,
}

impl<const N: usize> Default for Decoder<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Decoder<N> {
    /// A decoder that has seen nothing.
    pub const fn new() -> Self {
        let counts = Counts { good: 0, damaged: 0, oversized: 0 };
        Self { body: [0; N], len: 0, left: 0, zero_due: false, state: State::Empty, counts }
    }

    /// What it has seen so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes bytes up to the end of the next whole frame.
    ///
    /// Returns how many of `bytes` were taken, and the frame. Without a frame all were taken;
    /// with one, call again with the rest. Damaged and oversized frames are counted and skipped.
    pub fn push(&mut self, bytes: &[u8]) -> (usize, Option<Frame<'_>>) {
        for (i, &byte) in bytes.iter().enumerate() {
            if byte != 0 {
                self.byte(byte);
            } else if let Some(len) = self.delimiter() {
                return (i + 1, self.frame(len));
            }
        }
        (bytes.len(), None)
    }

    /// Forgets a half-received frame, as after a pause that no frame may contain.
    pub fn reset(&mut self) {
        if self.state != State::Empty {
            self.counts.damaged += 1;
        }
        self.restart();
    }

    fn byte(&mut self, byte: u8) {
        if self.state == State::Empty {
            self.state = State::Filling;
        }
        if self.left > 0 {
            self.left -= 1;
            self.keep(byte);
            return;
        }
        if self.zero_due {
            self.keep(0);
        }
        self.left = byte - 1;
        self.zero_due = byte != 255;
    }

    fn keep(&mut self, byte: u8) {
        match self.body.get_mut(self.len) {
            Some(slot) if self.state == State::Filling => {
                *slot = byte;
                self.len += 1;
            }
            _ => self.state = State::TooLong,
        }
    }

    /// The payload's length if what came before this delimiter was a whole frame.
    fn delimiter(&mut self) -> Option<usize> {
        let (state, left, len) = (self.state, self.left, self.len);
        self.restart();
        match state {
            State::Empty => return None,
            State::TooLong => self.counts.oversized += 1,
            State::Filling if left == 0 && sum_agrees(self.body.get(..len)?) => {
                self.counts.good += 1;
                return Some(len - OVERHEAD);
            }
            State::Filling => self.counts.damaged += 1,
        }
        None
    }

    fn restart(&mut self) {
        self.state = State::Empty;
        self.len = 0;
        self.left = 0;
        self.zero_due = false;
    }

    fn frame(&mut self, payload: usize) -> Option<Frame<'_>> {
        let &[address, flags] = self.body.first_chunk()?;
        let payload = self.last_payload(payload)?;
        Some(Frame { address, flags: Flags::from_bits(flags), payload })
    }

    /// The payload of the frame handed out last, of `len` bytes; true until the next push.
    pub(crate) fn last_payload(&mut self, len: usize) -> Option<&mut [u8]> {
        self.body.get_mut(2..2 + len)
    }
}

fn sum_agrees(body: &[u8]) -> bool {
    match body.split_last_chunk::<4>() {
        Some((checked, sum)) if checked.len() >= 2 => {
            CRC.checksum(checked) == u32::from_le_bytes(*sum)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
