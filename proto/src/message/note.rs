//! What a terminal has to tell beside punches: the entries of its event log.

use super::check_in::ClockState;
use super::wire::{Reader, Writer};
use super::{DecodeError, EncodeError, Kind, LocalTime, Message, Stamp, skip_fields};
use crate::seal::Header;

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Happened {
    /// The terminal started; the detail is its firmware's version number.
    Started,
    /// Its case was opened.
    Tampered,
    /// Its clock has lost power, or was never set.
    ClockLost,
    /// A punch was refused because the queue is full; the detail is how many wait.
    QueueFull,
    /// The fingerprint module does not answer.
    SensorLost,
    /// Messages came that bear this terminal's name and do not open: of another box, of another
    /// site, or changed. The detail is how many.
    SealRefused,
    /// Messages came again that had come before. The detail is how many.
    Replayed,
    /// The keypad was locked after wrong PINs.
    PinsLocked,
    /// An enrolment was asked for without notice, basis or age on record.
    EnrolRefused,
    /// Templates were erased; the detail is how many.
    Erased,
    /// A firmware image was refused; the detail is the reason, as a report has it.
    UpdateRefused,
    /// A firmware image was taken; the detail is its version.
    UpdateTaken,
    /// A new image did not prove itself and the one before runs again; the detail is its version.
    RolledBack,
    /// Something that this version has no word for.
    Other(u8),
}

impl Happened {
    const TABLE: [Self; 13] = [
        Self::Started,
        Self::Tampered,
        Self::ClockLost,
        Self::QueueFull,
        Self::SensorLost,
        Self::SealRefused,
        Self::Replayed,
        Self::PinsLocked,
        Self::EnrolRefused,
        Self::Erased,
        Self::UpdateRefused,
        Self::UpdateTaken,
        Self::RolledBack,
    ];

    /// From the byte on the wire, which counts from 1.
    pub fn from_byte(byte: u8) -> Self {
        let known = usize::from(byte).checked_sub(1).and_then(|at| Self::TABLE.get(at));
        known.copied().unwrap_or(Self::Other(byte))
    }

    /// The byte on the wire.
    pub fn byte(self) -> u8 {
        match self {
            Self::Other(byte) => byte,
            known => Self::TABLE.iter().position(|h| *h == known).map_or(0, |at| at as u8 + 1),
        }
    }
}

/// An entry of the event log. It goes again until the box says that it is noted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Note {
    /// The terminal's boot number.
    pub boot: u32,
    /// Number of the entry within the boot, from 1. Apart from the punches' numbers.
    pub seq: u64,
    /// When, by the terminal.
    pub at: LocalTime,
    /// Whether the terminal trusted its clock.
    pub clock: ClockState,
    /// What.
    pub what: Happened,
    /// More of it, by what happened; 0 where there is no more.
    pub detail: u32,
}

impl Note {
    /// Boot and number.
    pub fn stamp(&self) -> Stamp {
        Stamp { boot: self.boot, seq: self.seq }
    }
}

impl<'a> Message<'a> for Note {
    fn kind_and_stamp(&self) -> (Kind, Stamp) {
        (Kind::Note, self.stamp())
    }

    fn is(kind: Kind) -> bool {
        kind == Kind::Note
    }

    fn write(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.at.check()?.write(w)?;
        w.put(&[self.clock as u8, self.what.byte()])?;
        w.put(&self.detail.to_le_bytes())
    }

    fn read(header: Header, r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let at = LocalTime::read(r)?;
        let clock = ClockState::from_byte(r.u8()?)?;
        let what = Happened::from_byte(r.u8()?);
        let detail = r.u32()?;
        skip_fields(r)?;
        let Stamp { boot, seq } = header.stamp;
        Ok(Self { boot, seq, at, clock, what, detail })
    }
}

/// The box's word that an entry is on its disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Noted {
    /// The box's epoch.
    pub epoch: u32,
    /// The box's counter within the epoch, apart for each device.
    pub count: u64,
    /// The entry.
    pub note: Stamp,
}

impl<'a> Message<'a> for Noted {
    fn kind_and_stamp(&self) -> (Kind, Stamp) {
        (Kind::Noted, Stamp { boot: self.epoch, seq: self.count })
    }

    fn is(kind: Kind) -> bool {
        kind == Kind::Noted
    }

    fn write(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        w.put(&self.note.boot.to_le_bytes())?;
        w.put(&self.note.seq.to_le_bytes())
    }

    fn read(header: Header, r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let (epoch, count) = (header.stamp.boot, header.stamp.seq);
        let note = Stamp { boot: r.u32()?, seq: r.u64()? };
        skip_fields(r)?;
        Ok(Self { epoch, count, note })
    }
}
