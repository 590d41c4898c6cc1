//! The box's end of a serial line: whose turn it is, and what came.
//!
//! A pure state machine. The caller owns the port, the clock and the messages that wait to be
//! sent, and loops:
//!
//! 1. [`Host::turn`]: wait for bytes until the time it names, or
//! 2. [`Host::speak`]: write the bytes it makes, with one waiting message for that terminal;
//! 3. [`Host::receive`]: give it the bytes that came, as often as it has taken all.
//!
//! A terminal that answers is polled every [`POLL_MS`], at once after a message, and at once when
//! [`Host::wake`] says that something waits for it. One that is silent is polled less and less.
//! Each wait ends by itself, whatever comes or does not come from the line.

use crate::frame::{Counts, Decoder, EncodeError, Flags, MAX_ADDRESS, MAX_BODY, MAX_WIRE};
use crate::line;

/// Most terminals on one line: what an RS-485 driver of one unit load carries.
pub const MAX_TERMINALS: usize = 32;
/// Pause between two polls of a terminal that has nothing to say, in milliseconds.
pub const POLL_MS: u64 = 5;
/// How long a terminal may take to begin its answer, in milliseconds. USB adapters hold bytes
/// back for up to 16 ms each way.
pub const ANSWER_MS: u64 = 50;
/// Longest pause inside a frame, in milliseconds.
pub const GAP_MS: u64 = 50;
/// Longest pause between two polls of a silent terminal, in milliseconds.
pub const ABSENT_MS: u64 = 10_000;
/// Unanswered polls in a row after which a terminal counts as absent.
pub const MISSES: u32 = 3;

/// What to do now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// Call [`Host::speak`] for this terminal.
    Speak {
        /// Its address.
        address: u8,
    },
    /// Read from the port until then, then ask again.
    Wait {
        /// In milliseconds of the caller's clock.
        until_ms: u64,
    },
}

/// A message came.
#[derive(PartialEq, Eq, Debug)]
pub struct Received<'a> {
    /// From the terminal at this address.
    pub address: u8,
    /// Which says it is this device. True once the message has been opened with its key.
    pub device: &'a str,
    /// The sealed message, to be parsed with [`crate::seal::Sealed::parse`].
    pub sealed: &'a mut [u8],
}

/// The addresses given cannot be polled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AddressError {
    /// Above 247.
    #[error("address {0} is reserved; terminals have 0 to {MAX_ADDRESS}")]
    Reserved(u8),
    /// Named twice.
    #[error("address {0} is named twice")]
    Twice(u8),
    /// More than a line carries.
    #[error("more than {MAX_TERMINALS} terminals on one line")]
    TooMany,
}

struct Terminal {
    address: u8,
    due_ms: u64,
    misses: u32,
    seen: bool,
}

struct Awaited {
    address: u8,
    deadline_ms: u64,
    /// Even if bytes keep coming.
    latest_ms: u64,
}

/// One serial line as the box drives it.
pub struct Host {
    terminals: heapless::Vec<Terminal, MAX_TERMINALS>,
    awaited: Option<Awaited>,
    decoder: Decoder<MAX_BODY>,
    baud: u32,
    strays: u64,
}

impl Host {
    /// A line at `baud` with terminals at `addresses` (0 to 247); those not there cost little.
    pub fn new(addresses: &[u8], baud: u32) -> Result<Self, AddressError> {
        let mut terminals = heapless::Vec::<Terminal, MAX_TERMINALS>::new();
        for &address in addresses {
            if address > MAX_ADDRESS {
                return Err(AddressError::Reserved(address));
            }
            if terminals.iter().any(|t| t.address == address) {
                return Err(AddressError::Twice(address));
            }
            let terminal = Terminal { address, due_ms: 0, misses: 0, seen: false };
            terminals.push(terminal).map_err(|_| AddressError::TooMany)?;
        }
        Ok(Self { terminals, awaited: None, decoder: Decoder::new(), baud, strays: 0 })
    }

    /// Whose turn it is at `now_ms`.
    pub fn turn(&mut self, now_ms: u64) -> Turn {
        if let Some(awaited) = &self.awaited {
            let until_ms = awaited.deadline_ms.min(awaited.latest_ms);
            if now_ms < until_ms {
                return Turn::Wait { until_ms };
            }
            self.missed(now_ms);
        }
        match self.terminals.iter().min_by_key(|t| t.due_ms) {
            Some(t) if t.due_ms <= now_ms => Turn::Speak { address: t.address },
            Some(t) => Turn::Wait { until_ms: t.due_ms },
            None => Turn::Wait { until_ms: now_ms + ABSENT_MS },
        }
    }

    /// Writes a poll of `address` into `tx`, carrying `message` (device and sealed bytes) if there
    /// is one; returns its length. `tx` of [`MAX_WIRE`] bytes always suffices.
    pub fn speak(
        &mut self,
        now_ms: u64,
        address: u8,
        message: Option<(&str, &[u8])>,
        tx: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let len = line::frame(address, Flags::POLL, message, tx)?;
        let begin = now_ms + line::wire_ms(len, self.baud) + ANSWER_MS;
        let latest_ms = begin + 2 * line::wire_ms(MAX_WIRE, self.baud);
        self.awaited = Some(Awaited { address, deadline_ms: begin, latest_ms });
        self.decoder.reset();
        Ok(len)
    }

    /// Takes bytes from the port, up to the end of the next message.
    ///
    /// Returns how many of `rx` were taken, and the message. Call again until all were taken.
    pub fn receive(&mut self, now_ms: u64, rx: &[u8]) -> (usize, Option<Received<'_>>) {
        if let Some(awaited) = self.awaited.as_mut().filter(|_| !rx.is_empty()) {
            awaited.deadline_ms = awaited.deadline_ms.max(now_ms + GAP_MS);
        }
        let mut taken = 0;
        while let Some(rest) = rx.get(taken..).filter(|r| !r.is_empty()) {
            let (n, found) = self.decoder.push(rest);
            taken += n;
            let Some(frame) = found.filter(|f| f.flags.has(Flags::FROM_TERMINAL)) else {
                continue;
            };
            let (address, len) = (frame.address, frame.payload.len());
            let expected = self.awaited.as_ref().is_some_and(|a| a.address == address);
            if expected {
                self.awaited = None;
            } else {
                self.strays += 1;
            }
            answered(&mut self.terminals, now_ms, address, len > 0);
            if len > 0 {
                return (taken, self.received(address, len));
            }
        }
        (taken, None)
    }

    /// Says that something waits to be sent to `address`: it is polled next.
    pub fn wake(&mut self, address: u8) {
        if let Some(t) = self.terminals.iter_mut().find(|t| t.address == address) {
            t.due_ms = 0;
        }
    }

    /// Forgets what was half received and whose answer is awaited, as after the port was reopened.
    pub fn restart(&mut self, now_ms: u64) {
        self.awaited = None;
        self.decoder.reset();
        for t in &mut self.terminals {
            t.due_ms = now_ms;
            t.misses = 0;
        }
    }

    /// The terminals' addresses, and whether each answers.
    pub fn terminals(&self) -> impl Iterator<Item = (u8, bool)> {
        self.terminals.iter().map(|t| (t.address, t.seen && t.misses < MISSES))
    }

    /// What came over the line, and how many whole frames came out of turn.
    pub fn counts(&self) -> (Counts, u64) {
        (self.decoder.counts(), self.strays)
    }

    fn received(&mut self, address: u8, len: usize) -> Option<Received<'_>> {
        let payload = self.decoder.last_payload(len)?;
        let (device, sealed) = line::split(payload)?;
        Some(Received { address, device, sealed })
    }

    fn missed(&mut self, now_ms: u64) {
        let Some(awaited) = self.awaited.take() else { return };
        self.decoder.reset();
        if let Some(t) = self.terminals.iter_mut().find(|t| t.address == awaited.address) {
            t.misses = t.misses.saturating_add(1);
            let pause = POLL_MS << t.misses.saturating_sub(MISSES).min(16);
            t.due_ms = now_ms + pause.min(ABSENT_MS);
        }
    }
}

fn answered(terminals: &mut [Terminal], now_ms: u64, address: u8, message: bool) {
    if let Some(t) = terminals.iter_mut().find(|t| t.address == address) {
        t.misses = 0;
        t.seen = true;
        t.due_ms = if message { now_ms } else { now_ms + POLL_MS };
    }
}
