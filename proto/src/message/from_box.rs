//! What the box sends.

use super::check_in::byte_enum;
use super::wire::{Reader, Writer};
use super::{DecodeError, EncodeError, Kind, Message, Stamp, skip_fields};
use crate::seal::Header;

byte_enum! {
    /// What became of a punch.
    ReceiptResult, "result":
    /// On the box's disk, for the first time.
    Stored = 1,
    /// It had been stored before.
    Again = 2,
    /// Stored, but set apart for a person to look at.
    Quarantined = 3,
    /// Never to be accepted; the refusal is journaled. Do not send it again.
    Refused = 4,
    /// Not now: send it again later.
    Busy = 5,
}

impl ReceiptResult {
    /// Whether the terminal may forget the punch: everything but [`ReceiptResult::Busy`].
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Busy)
    }
}

/// Why a punch was refused, set apart or put off.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reason {
    /// No reason needed.
    None,
    /// The message broke a rule of its layout.
    Malformed,
    /// A version or kind that the box does not read.
    Unsupported,
    /// The same stamp was used for another punch.
    Conflict,
    /// The terminal's clock cannot be right.
    Clock,
    /// The device is not paired, or no longer.
    Unpaired,
    /// More evidence than the box takes.
    TooLarge,
    /// The box's disk is full.
    DiskFull,
    /// The box is shutting down or restarting.
    ShuttingDown,
    /// A later box's reason that this version has no word for.
    Other(u8),
}

impl Reason {
    const TABLE: [Self; 9] = [
        Self::None,
        Self::Malformed,
        Self::Unsupported,
        Self::Conflict,
        Self::Clock,
        Self::Unpaired,
        Self::TooLarge,
        Self::DiskFull,
        Self::ShuttingDown,
    ];

    /// From the byte on the wire.
    pub fn from_byte(byte: u8) -> Self {
        Self::TABLE.get(usize::from(byte)).copied().unwrap_or(Self::Other(byte))
    }

    /// The byte on the wire.
    pub fn byte(self) -> u8 {
        match self {
            Self::Other(byte) => byte,
            known => Self::TABLE.iter().position(|r| *r == known).unwrap_or(0) as u8,
        }
    }
}

/// The box's word on one punch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The box's epoch.
    pub epoch: u32,
    /// The box's counter within the epoch, apart for each device.
    pub count: u64,
    /// The punch.
    pub punch: Stamp,
    /// What became of it.
    pub result: ReceiptResult,
    /// Why, where it was not stored.
    pub reason: Reason,
    /// The box's clock, milliseconds since 1970-01-01T00:00:00Z; 0 while it does not trust it.
    pub box_ms: i64,
}

impl<'a> Message<'a> for Receipt {
    fn kind_and_stamp(&self) -> (Kind, Stamp) {
        (Kind::Receipt, Stamp { boot: self.epoch, seq: self.count })
    }

    fn is(kind: Kind) -> bool {
        kind == Kind::Receipt
    }

    fn write(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        w.put(&self.punch.boot.to_le_bytes())?;
        w.put(&self.punch.seq.to_le_bytes())?;
        w.put(&[self.result as u8, self.reason.byte()])?;
        w.put(&self.box_ms.to_le_bytes())
    }

    fn read(header: Header, r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let receipt = Self {
            epoch: header.stamp.boot,
            count: header.stamp.seq,
            punch: Stamp { boot: r.u32()?, seq: r.u64()? },
            result: ReceiptResult::from_byte(r.u8()?)?,
            reason: Reason::from_byte(r.u8()?),
            box_ms: r.i64()?,
        };
        skip_fields(r)?;
        Ok(receipt)
    }
}

/// The box's answer to a Hello, which it names: so it is fresh, and from it alone a terminal takes
/// the box's epoch and sets its clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Welcome {
    /// The box's epoch.
    pub epoch: u32,
    /// The box's counter within the epoch, apart for each device.
    pub count: u64,
    /// Boot and count of the Hello.
    pub hello: Stamp,
    /// The box's clock, milliseconds since 1970-01-01T00:00:00Z; 0 while it does not trust it.
    pub box_ms: i64,
    /// Offset from UTC that the terminal shall show, minutes, -1440 to 1440.
    pub offset_minutes: i16,
}

impl<'a> Message<'a> for Welcome {
    fn kind_and_stamp(&self) -> (Kind, Stamp) {
        (Kind::Welcome, Stamp { boot: self.epoch, seq: self.count })
    }

    fn is(kind: Kind) -> bool {
        kind == Kind::Welcome
    }

    fn write(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        check_offset(self.offset_minutes)?;
        w.put(&self.hello.boot.to_le_bytes())?;
        w.put(&self.hello.seq.to_le_bytes())?;
        w.put(&self.box_ms.to_le_bytes())?;
        w.put(&self.offset_minutes.to_le_bytes())
    }

    fn read(header: Header, r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let welcome = Self {
            epoch: header.stamp.boot,
            count: header.stamp.seq,
            hello: Stamp { boot: r.u32()?, seq: r.u64()? },
            box_ms: r.i64()?,
            offset_minutes: check_offset(r.i16()?)?,
        };
        skip_fields(r)?;
        Ok(welcome)
    }
}

fn check_offset(minutes: i16) -> Result<i16, DecodeError> {
    if !(-1440..=1440).contains(&minutes) {
        return Err(DecodeError::Value { field: "offset" });
    }
    Ok(minutes)
}

/// What the box wants done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Say Hello and set the clock by the Welcome. There is no command that carries a time: one
    /// held back on the line would set the clock wrong.
    CheckClock,
    /// Send all punches from the first to the last again, both included, receipted or not.
    Resend {
        /// First.
        from: Stamp,
        /// Last.
        to: Stamp,
    },
    /// Beep and blink, so that people can find it.
    Identify {
        /// For so many seconds.
        seconds: u8,
    },
}

const CHECK_CLOCK: u8 = 1;
const RESEND: u8 = 2;
const IDENTIFY: u8 = 3;

/// An order on its way to a terminal. Orders are not receipted: each can be repeated without harm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Command {
    /// The box's epoch.
    pub epoch: u32,
    /// The box's counter within the epoch, apart for each device.
    pub count: u64,
    /// What to do.
    pub order: Order,
}

impl<'a> Message<'a> for Command {
    fn kind_and_stamp(&self) -> (Kind, Stamp) {
        (Kind::Command, Stamp { boot: self.epoch, seq: self.count })
    }

    fn is(kind: Kind) -> bool {
        kind == Kind::Command
    }

    fn write(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        match self.order {
            Order::CheckClock => w.put(&[CHECK_CLOCK]),
            Order::Identify { seconds } => w.put(&[IDENTIFY, seconds]),
            Order::Resend { from, to } => {
                w.put(&[RESEND])?;
                for stamp in [from, to] {
                    w.put(&stamp.boot.to_le_bytes())?;
                    w.put(&stamp.seq.to_le_bytes())?;
                }
                Ok(())
            }
        }
    }

    fn read(header: Header, r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let order = match r.u8()? {
            CHECK_CLOCK => Order::CheckClock,
            IDENTIFY => Order::Identify { seconds: r.u8()? },
            RESEND => Order::Resend {
                from: Stamp { boot: r.u32()?, seq: r.u64()? },
                to: Stamp { boot: r.u32()?, seq: r.u64()? },
            },
            _ => return Err(DecodeError::Value { field: "order" }),
        };
        skip_fields(r)?;
        Ok(Self { epoch: header.stamp.boot, count: header.stamp.seq, order })
    }
}
