//! A punch with its evidence, as a terminal sends it.

use super::wire::{Reader, Writer};
use super::{DecodeError, EncodeError, Kind, LocalTime, Message, Stamp};
use crate::seal::Header;

/// Longest user number, in characters.
pub const MAX_PERSON_CHARS: usize = 48;
/// Most pieces of evidence in one check-in.
pub const MAX_EVIDENCE: usize = 4;
/// Longest media type, in bytes.
pub const MAX_MEDIA: usize = 64;

/// Tag of the field that holds one piece of evidence; may occur up to [`MAX_EVIDENCE`] times.
const TAG_EVIDENCE: u8 = 1;

/// Declares an enum with one byte on the wire per variant.
macro_rules! byte_enum {
    ($(#[$meta:meta])* $name:ident, $field:literal: $($(#[$vmeta:meta])* $variant:ident = $value:literal),+ $(,)?) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum $name { $($(#[$vmeta])* $variant = $value),+ }

        impl $name {
            /// From the byte on the wire.
            pub const fn from_byte(byte: u8) -> Result<Self, DecodeError> {
                match byte {
                    $($value => Ok(Self::$variant),)+
                    _ => Err(DecodeError::Value { field: $field }),
                }
            }
        }
    };
}
pub(super) use byte_enum;

byte_enum! {
    /// How the person showed who they are.
    #[allow(missing_docs)]
    Method, "method": Fingerprint = 1, Face = 2, Card = 3, Pin = 4, Palm = 5, Other = 6,
}
byte_enum! {
    /// What the terminal decided.
    #[allow(missing_docs)]
    Outcome, "outcome": Granted = 1, Denied = 2, Duress = 3,
}
byte_enum! {
    /// Which way the person went.
    #[allow(missing_docs)]
    Direction, "direction": In = 1, Out = 2,
}
byte_enum! {
    /// What a terminal says of its own clock.
    ClockState, "clock":
    /// Set, and running since.
    Ok = 1,
    /// It lost power or was never set: its times may be wrong.
    Unsure = 2,
}
byte_enum! {
    /// What a piece of evidence is.
    #[allow(missing_docs)]
    EvidenceKind, "evidence kind":
    FingerprintTemplate = 1, FingerprintImage = 2, FaceTemplate = 3, FaceImage = 4, Score = 5,
}

/// One piece of biometric evidence. It has no `Debug`: it must not reach a log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Evidence<'a> {
    /// What it is.
    pub kind: EvidenceKind,
    /// Media type, ASCII, 0 to [`MAX_MEDIA`] bytes, as `image/jpeg`.
    pub media: &'a str,
    /// The bytes.
    pub data: &'a [u8],
}

impl<'a> Evidence<'a> {
    /// Kind byte, length byte of `media`, `media`, `data` to the end of the field.
    fn read(value: &'a [u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(value);
        let kind = EvidenceKind::from_byte(r.u8()?)?;
        let media = r.text("media type")?;
        Self { kind, media, data: r.rest() }.check()
    }

    fn check(self) -> Result<Self, DecodeError> {
        if self.media.len() > MAX_MEDIA || !self.media.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(DecodeError::Value { field: "media type" });
        }
        Ok(self)
    }

    fn write(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.check()?;
        w.field(TAG_EVIDENCE, 2 + self.media.len() + self.data.len())?;
        w.put(&[self.kind as u8])?;
        w.text(self.media)?;
        w.put(self.data)
    }
}

/// Up to [`MAX_EVIDENCE`] pieces of evidence. It has no `Debug`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Evidences<'a>(heapless::Vec<Evidence<'a>, MAX_EVIDENCE>);

impl<'a> Evidences<'a> {
    /// None.
    pub const fn new() -> Self {
        Self(heapless::Vec::new())
    }

    /// Those of `pieces`.
    pub fn from_slice(pieces: &[Evidence<'a>]) -> Result<Self, DecodeError> {
        let pieces = heapless::Vec::from_slice(pieces);
        pieces.map(Self).map_err(|_| DecodeError::TooMuchEvidence)
    }

    /// Adds a piece.
    pub fn push(&mut self, piece: Evidence<'a>) -> Result<(), DecodeError> {
        self.0.push(piece).map_err(|_| DecodeError::TooMuchEvidence)
    }

    /// The pieces.
    pub fn as_slice(&self) -> &[Evidence<'a>] {
        &self.0
    }
}

/// One punch with its evidence. It has no `Debug`: it holds a person and biometrics.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckIn<'a> {
    /// The terminal's boot number, from 1.
    pub boot: u32,
    /// Number of the punch within the boot, from 1.
    pub seq: u64,
    /// The number the terminal knows the person by: 1 to [`MAX_PERSON_CHARS`] characters, none a
    /// control character; case and leading zeros count. Absent only when denied.
    pub person: Option<&'a str>,
    /// When, by the terminal.
    pub at: LocalTime,
    /// How.
    pub method: Method,
    /// What the terminal decided.
    pub outcome: Outcome,
    /// Which way, where the terminal knows.
    pub direction: Option<Direction>,
    /// Whether it is sent as it happened; false for what had waited.
    pub live: bool,
    /// Whether the terminal trusted its clock.
    pub clock: ClockState,
    /// Biometric evidence.
    pub evidence: Evidences<'a>,
    /// Fields skipped because this version does not know their tag; 0 when writing.
    pub unknown_fields: u32,
}

impl CheckIn<'_> {
    /// Boot and sequence number.
    pub fn stamp(&self) -> Stamp {
        Stamp { boot: self.boot, seq: self.seq }
    }
}

/// Whether `person` may stand as a user number: 1 to [`MAX_PERSON_CHARS`] characters, none a
/// control character.
pub fn check_person(person: &str) -> Result<(), DecodeError> {
    let chars = person.chars().take(MAX_PERSON_CHARS + 1).count();
    if chars == 0 || chars > MAX_PERSON_CHARS || person.chars().any(char::is_control) {
        return Err(DecodeError::Value { field: "person" });
    }
    Ok(())
}

impl<'a> Message<'a> for CheckIn<'a> {
    fn kind_and_stamp(&self) -> (Kind, Stamp) {
        (if self.live { Kind::LivePunch } else { Kind::StoredPunch }, self.stamp())
    }

    fn is(kind: Kind) -> bool {
        matches!(kind, Kind::LivePunch | Kind::StoredPunch)
    }

    fn write(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        let person = self.person.unwrap_or_default();
        check_presence(self.person, self.outcome)?;
        self.at.check()?.write(w)?;
        let direction = self.direction.map_or(0, |d| d as u8);
        w.put(&[self.method as u8, self.outcome as u8, direction, self.clock as u8])?;
        w.text(person)?;
        self.evidence.as_slice().iter().try_for_each(|e| e.write(w))
    }

    fn read(header: Header, r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let at = LocalTime::read(r)?;
        let method = Method::from_byte(r.u8()?)?;
        let outcome = Outcome::from_byte(r.u8()?)?;
        let direction = match r.u8()? {
            0 => None,
            byte => Some(Direction::from_byte(byte)?),
        };
        let clock = ClockState::from_byte(r.u8()?)?;
        let person = Some(r.text("person")?).filter(|p| !p.is_empty());
        check_presence(person, outcome)?;
        let (evidence, unknown_fields) = read_evidence(r)?;
        let Stamp { boot, seq } = header.stamp;
        let live = header.kind == Kind::LivePunch;
        Ok(Self {
            boot,
            seq,
            person,
            at,
            method,
            outcome,
            direction,
            live,
            clock,
            evidence,
            unknown_fields,
        })
    }
}

fn check_presence(person: Option<&str>, outcome: Outcome) -> Result<(), DecodeError> {
    match person {
        Some(person) => check_person(person),
        None if outcome == Outcome::Denied => Ok(()),
        None => Err(DecodeError::PersonMissing),
    }
}

fn read_evidence<'a>(r: &mut Reader<'a>) -> Result<(Evidences<'a>, u32), DecodeError> {
    let (mut evidence, mut unknown) = (Evidences::new(), 0);
    while let Some((tag, value)) = r.field()? {
        match tag {
            TAG_EVIDENCE => evidence.push(Evidence::read(value)?)?,
            _ => unknown += 1,
        }
    }
    Ok((evidence, unknown))
}
