//! A terminal introducing itself.

use super::check_in::{ClockState, byte_enum};
use super::wire::{Reader, Writer};
use super::{DecodeError, EncodeError, Kind, LocalTime, Message, Stamp};
use crate::seal::Header;

/// Longest firmware version, in bytes.
pub const MAX_FIRMWARE: usize = 32;
const TAG_FIRMWARE: u8 = 1;

byte_enum! {
    /// What kind of device it is.
    DeviceKind, "device kind":
    /// Fingerprint terminal.
    M1 = 1,
    /// Face terminal.
    M2 = 2,
    /// Communication centre.
    C1 = 3,
    /// Plain reader.
    Reader = 4,
}

/// Sent after every start, when the link comes back, and when the clock needs a check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hello<'a> {
    /// The terminal's boot number.
    pub boot: u32,
    /// Number of this Hello within the boot, from 1. Apart from the punches' numbers.
    pub count: u64,
    /// Highest version of sealed messages that the device reads.
    pub version: u8,
    /// What it is.
    pub device: DeviceKind,
    /// Whether it trusts its clock.
    pub clock: ClockState,
    /// What its clock says.
    pub at: LocalTime,
    /// The sequence number its next punch in this boot will have.
    pub next_seq: u64,
    /// Its oldest punch without a receipt.
    pub oldest: Option<Stamp>,
    /// How many punches wait for a receipt.
    pub waiting: u32,
    /// Firmware version, ASCII, 0 to [`MAX_FIRMWARE`] bytes.
    pub firmware: &'a str,
    /// Fields skipped because this version does not know their tag; 0 when writing.
    pub unknown_fields: u32,
}

impl<'a> Message<'a> for Hello<'a> {
    fn kind_and_stamp(&self) -> (Kind, Stamp) {
        (Kind::Hello, Stamp { boot: self.boot, seq: self.count })
    }

    fn is(kind: Kind) -> bool {
        kind == Kind::Hello
    }

    fn write(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        w.put(&[self.version, self.device as u8, self.clock as u8])?;
        self.at.check()?.write(w)?;
        w.put(&self.next_seq.to_le_bytes())?;
        let oldest = self.oldest.unwrap_or_default();
        w.put(&oldest.boot.to_le_bytes())?;
        w.put(&oldest.seq.to_le_bytes())?;
        w.put(&self.waiting.to_le_bytes())?;
        let firmware = check_firmware(self.firmware.as_bytes())?;
        if !firmware.is_empty() {
            w.field(TAG_FIRMWARE, firmware.len())?;
        }
        w.put(firmware.as_bytes())
    }

    fn read(header: Header, r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let version = r.u8()?;
        let device = DeviceKind::from_byte(r.u8()?)?;
        let clock = ClockState::from_byte(r.u8()?)?;
        let at = LocalTime::read(r)?;
        let next_seq = r.u64()?;
        let oldest = Stamp { boot: r.u32()?, seq: r.u64()? };
        let waiting = r.u32()?;
        let (firmware, unknown_fields) = read_firmware(r)?;
        Ok(Self {
            boot: header.stamp.boot,
            count: header.stamp.seq,
            version,
            device,
            clock,
            at,
            next_seq,
            oldest: (oldest != Stamp::default()).then_some(oldest),
            waiting,
            firmware,
            unknown_fields,
        })
    }
}

fn read_firmware<'a>(r: &mut Reader<'a>) -> Result<(&'a str, u32), DecodeError> {
    let (mut firmware, mut unknown) = ("", 0);
    while let Some((tag, value)) = r.field()? {
        match tag {
            TAG_FIRMWARE => firmware = check_firmware(value)?,
            _ => unknown += 1,
        }
    }
    Ok((firmware, unknown))
}

fn check_firmware(bytes: &[u8]) -> Result<&str, DecodeError> {
    let text = core::str::from_utf8(bytes).ok();
    let fits = |t: &&str| t.len() <= MAX_FIRMWARE && t.bytes().all(|b| b.is_ascii_graphic());
    text.filter(fits).ok_or(DecodeError::Value { field: "firmware" })
}
