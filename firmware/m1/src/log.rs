//! A short log on a serial port of its own, for whoever installs or tests a terminal. It names
//! punches by their numbers and never people; a line that finds no room is lost. A keypad may send
//! its keys on the same port.
#![forbid(unsafe_code)]

use crate::board::LogPort;
use crate::status::Last;
use core::fmt::{Arguments, Display, Write as _};
use muster_proto::message::Stamp;
use muster_terminal::keypad::Key;

/// Longest line, in bytes.
const LINE: usize = 120;

/// The log.
pub(crate) struct Log(LogPort);

impl Log {
    pub(crate) fn new(port: LogPort) -> Self {
        Self(port)
    }

    /// The chip has started; the cause is the chip's own number for it.
    pub(crate) fn started(&mut self, cause: u32) {
        self.line(format_args!("muster-m1 {} reset {cause:#x}", env!("CARGO_PKG_VERSION")));
    }

    /// The version of the firmware that runs; 0 where it came with none.
    pub(crate) fn firmware(&mut self, version: u32) {
        self.line(format_args!("firmware {version}"));
    }

    /// The next key of the keypad.
    pub(crate) fn key(&mut self) -> Option<Key> {
        let mut byte = [0];
        (self.0.take(&mut byte) > 0).then(|| Key::from_ascii(byte[0])).flatten()
    }

    /// The terminal is in service.
    pub(crate) fn ready(&mut self, boot: u32, waiting: u32) {
        self.line(format_args!("ready boot {boot} waiting {waiting}"));
    }

    /// The terminal is out of service.
    pub(crate) fn failed(&mut self, why: &impl Display) {
        self.line(format_args!("out of service: {why}"));
    }

    /// A finger was on the glass, or a PIN typed; the sign was given after the punch was stored.
    pub(crate) fn punch(&mut self, last: Last, stored: Option<Stamp>) {
        match stored {
            Some(Stamp { boot, seq }) => self.line(format_args!("stored {boot}/{seq} {last:?}")),
            None => self.line(format_args!("not stored {last:?}")),
        }
    }

    /// The box has taken punches over: how many since the start.
    pub(crate) fn receipted(&mut self, count: u64) {
        self.line(format_args!("receipted {count}"));
    }

    fn line(&mut self, words: Arguments<'_>) {
        let mut line = heapless::String::<LINE>::new();
        // What is too long ends where the room ends.
        let _ = line.write_fmt(words);
        self.0.offer(line.as_bytes());
        self.0.offer(b"\r\n");
    }
}
