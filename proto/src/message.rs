//! The messages, version 1: what they hold and how they are laid out.
//!
//! Every message is a fixed part followed by fields. The fixed part is packed little-endian in
//! the order of the struct: a terminal without a heap writes and reads it in one pass, with no
//! table and no library, and a common punch takes 20 bytes. Each field after it is a tag byte,
//! a u32 length and that many bytes; readers skip tags they do not know and count them, which is
//! how version 1 grows. Stamp and liveness of a check-in are in the seal's header, not here: a
//! C1 needs them, the seal covers them, and nothing is sent twice.
//!
//! Values outside their range are errors, never clamped. Nothing here may be read before its seal
//! was verified: outside this crate these bytes exist only inside [`crate::seal::Sealed`].

mod check_in;
mod from_box;
mod hello;
mod note;
mod task;
pub(crate) mod wire;

pub use check_in::{
    CheckIn, ClockState, Direction, Evidence, EvidenceKind, Evidences, MAX_EVIDENCE, MAX_MEDIA,
    MAX_PERSON_CHARS, Method, Outcome, check_person,
};
pub use from_box::{Command, Order, Reason, Receipt, ReceiptResult, Welcome};
pub use hello::{DeviceKind, Hello, MAX_FIRMWARE};
pub use note::{Happened, Note, Noted};
pub use task::{
    Grounds, HASH, IMAGE_HEAD, Job, MAX_DATA, MAX_NUMBER, MAX_PART, MAX_TASK, Report, SALT,
    Settings, Task, TaskReason, TaskResult, Verifier,
};

use crate::seal::Header;
use wire::{Reader, Writer};

/// Place of a message in its sender's life: the pair that is never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Stamp {
    /// A device's boot number, or the box's epoch: grows with every start, from 1.
    pub boot: u32,
    /// A number within the boot or epoch, from 1 to [`Stamp::MAX_SEQ`].
    pub seq: u64,
}

impl Stamp {
    /// Highest sequence number: the nonce has room for 56 bits.
    pub const MAX_SEQ: u64 = (1 << 56) - 1;
}

/// An instant by the sender's clock, with the offset it shows to people.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LocalTime {
    /// Seconds since 1970-01-01T00:00:00Z, within the years 1 to 9999.
    pub seconds: i64,
    /// Offset from UTC in minutes, -1440 to 1440.
    pub offset_minutes: i16,
}

impl LocalTime {
    const SECONDS: core::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_207_200;
    const OFFSETS: core::ops::RangeInclusive<i16> = -1440..=1440;

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = Self { seconds: r.i64()?, offset_minutes: r.i16()? };
        at.check()
    }

    fn check(self) -> Result<Self, DecodeError> {
        if !Self::SECONDS.contains(&self.seconds) || !Self::OFFSETS.contains(&self.offset_minutes) {
            return Err(DecodeError::Value { field: "time" });
        }
        Ok(self)
    }

    fn write(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        w.put(&self.seconds.to_le_bytes())?;
        w.put(&self.offset_minutes.to_le_bytes())
    }
}

/// What a message is; the byte in the seal's header. The high bit is set on what the box sends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// A punch sent as it happened.
    LivePunch = 0x01,
    /// A punch that had waited at the terminal.
    StoredPunch = 0x02,
    /// A terminal introducing itself.
    Hello = 0x03,
    /// An entry of a terminal's event log.
    Note = 0x04,
    /// What a terminal says of a task.
    Report = 0x05,
    /// The box's word on a punch.
    Receipt = 0x81,
    /// The box's answer to a Hello.
    Welcome = 0x82,
    /// Something the box wants done.
    Command = 0x83,
    /// Something the box wants done, and to hear of.
    Task = 0x84,
    /// The box's word on an entry of an event log.
    Noted = 0x85,
}

impl Kind {
    /// From the byte in the header.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0x01 => Self::LivePunch,
            0x02 => Self::StoredPunch,
            0x03 => Self::Hello,
            0x81 => Self::Receipt,
            0x82 => Self::Welcome,
            0x83 => Self::Command,
            0x04 => Self::Note,
            0x05 => Self::Report,
            0x84 => Self::Task,
            0x85 => Self::Noted,
            _ => return None,
        })
    }

    /// Whether the box sends it.
    pub const fn from_box(self) -> bool {
        self as u8 & 0x80 != 0
    }

    /// Whether its seal is bound to the site too: these carry templates.
    pub const fn binds_site(self) -> bool {
        matches!(self, Self::Report | Self::Task)
    }
}

/// A message as the seal sees it.
pub trait Message<'a>: Sized {
    /// Kind and stamp under which it is sealed.
    fn kind_and_stamp(&self) -> (Kind, Stamp);
    /// Whether a sealed message of this kind is one of these.
    fn is(kind: Kind) -> bool;
    /// Writes the body.
    fn write(&self, w: &mut Writer<'_>) -> Result<(), EncodeError>;
    /// Reads the body; `header` has been verified with it.
    fn read(header: Header, r: &mut Reader<'a>) -> Result<Self, DecodeError>;
}

/// A message's bytes are not what version 1 allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside a field.
    #[error("the message is cut short")]
    Truncated,
    /// A field holds a value that version 1 does not give a meaning, or that breaks its bounds.
    #[error("the message's {field} is out of range")]
    Value {
        /// Which.
        field: &'static str,
    },
    /// Granted or duress without a person.
    #[error("only a denied punch may lack its person")]
    PersonMissing,
    /// More pieces of evidence than [`MAX_EVIDENCE`].
    #[error("the message has more than {MAX_EVIDENCE} pieces of evidence")]
    TooMuchEvidence,
}

/// A message cannot be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The buffer is too small.
    #[error("the buffer is too small for the message")]
    NoRoom,
    /// What was to be written breaks a rule of the message.
    #[error(transparent)]
    Invalid(#[from] DecodeError),
    /// A sequence number, boot number or counter of 0, or above [`Stamp::MAX_SEQ`].
    #[error("boot and sequence numbers start at 1 and stay below 2^56")]
    Stamp,
    /// A message whose seal binds the site, and keys of no site.
    #[error("this message can only be sealed for a device whose site is known")]
    NoSite,
}

/// Skips fields with tags that this version does not know; returns how many.
fn skip_fields(r: &mut Reader<'_>) -> Result<u32, DecodeError> {
    let mut unknown = 0;
    while let Some(_field) = r.field()? {
        unknown += 1;
    }
    Ok(unknown)
}
