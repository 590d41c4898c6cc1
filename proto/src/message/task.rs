//! What the box has a terminal do beyond receipts, and what the terminal says of it.
//!
//! A task goes again until its report comes; it bears a number of the box's choosing, and a
//! terminal that sees the number it did last reports again and does nothing. Tasks and reports
//! carry templates: their seal is bound to the site (see [`crate::seal`]).

use super::check_in::byte_enum;
use super::wire::{Reader, Writer};
use super::{DecodeError, EncodeError, Kind, Message, Stamp, skip_fields};
use crate::seal::Header;

/// Most bytes of a template or an image in one task.
pub const MAX_PART: usize = 88;
/// Most bytes of data in a report.
pub const MAX_DATA: usize = 128;
/// Longest user number in a task, in bytes: what an M1's user list keeps.
pub const MAX_NUMBER: usize = 48;
/// Longest body of a task: with the longest name of a device it fits a frame body of 256 bytes.
pub const MAX_TASK: usize = 152;
/// Bytes of a PIN verifier's salt.
pub const SALT: usize = 16;
/// Bytes of a PIN verifier's hash.
pub const HASH: usize = 32;
/// Bytes of a firmware image's head with its signature.
pub const IMAGE_HEAD: usize = 112;
/// A page that is none.
const NO_PAGE: u16 = u16::MAX;

/// What a PIN is compared against: PBKDF2-HMAC-SHA256 of its digits. It has no `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Verifier {
    /// Random, the person's own.
    pub salt: [u8; SALT],
    /// What the digits must come to.
    pub hash: [u8; HASH],
}

/// What the box has on record for an enrolment. A terminal refuses one that lacks any.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Grounds {
    /// The person was given notice.
    pub notice: bool,
    /// There is a legal basis for biometrics, apart from that for attendance.
    pub basis: bool,
    /// The person's age is known, and allows it.
    pub age: bool,
}

impl Grounds {
    /// Whether all are there.
    pub const fn complete(self) -> bool {
        self.notice && self.basis && self.age
    }

    fn byte(self) -> u8 {
        u8::from(self.notice) | u8::from(self.basis) << 1 | u8::from(self.age) << 2
    }

    fn from_byte(byte: u8) -> Result<Self, DecodeError> {
        if byte > 7 {
            return Err(DecodeError::Value { field: "grounds" });
        }
        Ok(Self { notice: byte & 1 != 0, basis: byte & 2 != 0, age: byte & 4 != 0 })
    }
}

/// How a terminal is to behave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Whether a PIN may stand for a finger.
    pub pins: bool,
    /// Wrong PINs in a row after which the keypad is locked, 1 to 20.
    pub pin_tries: u8,
    /// For so many seconds, at least 1.
    pub lock_seconds: u16,
}

impl Settings {
    /// As shipped: PINs, five tries, five minutes.
    pub const SHIPPED: Self = Self { pins: true, pin_tries: 5, lock_seconds: 300 };

    fn check(self) -> Result<Self, DecodeError> {
        if !(1..=20).contains(&self.pin_tries) || self.lock_seconds == 0 {
            return Err(DecodeError::Value { field: "settings" });
        }
        Ok(self)
    }
}

/// What is to be done. It has no `Debug`: it holds people and biometrics.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Job<'a> {
    /// Behave so from now on.
    Configure(Settings),
    /// Add a user, or change one: pages of the fingerprint module and PIN.
    PutUser {
        /// Their number.
        number: &'a str,
        /// The page of their finger.
        page: Option<u16>,
        /// The page of the finger they use under duress.
        duress: Option<u16>,
        /// Their PIN's verifier.
        pin: Option<Verifier>,
    },
    /// Erase a user with fingers and PIN. Reports how many templates went.
    RemoveUser {
        /// Their number.
        number: &'a str,
    },
    /// Erase a user's fingers alone. Reports how many templates went.
    EraseFingers {
        /// Their number.
        number: &'a str,
    },
    /// Take a user's finger and keep it on a page. Reports the template's length.
    Enrol {
        /// Their number; they are in the user list.
        number: &'a str,
        /// Where it is to be kept.
        page: u16,
        /// What is on record.
        grounds: Grounds,
    },
    /// Let a user choose a PIN. Reports the hash.
    EnrolPin {
        /// Their number; they are in the user list.
        number: &'a str,
        /// The salt of the verifier.
        salt: [u8; SALT],
    },
    /// Report part of the template on a page.
    ReadTemplate {
        /// Which.
        page: u16,
        /// Where the part begins.
        offset: u16,
    },
    /// Take part of a template from elsewhere on this site; the last part puts it on its page.
    WriteTemplate {
        /// Whose it is; they are in the user list.
        number: &'a str,
        /// Where it is to be kept.
        page: u16,
        /// What is on record.
        grounds: Grounds,
        /// Length of the whole.
        total: u16,
        /// Where the part begins.
        offset: u16,
        /// The part, 1 to [`MAX_PART`] bytes.
        part: &'a [u8],
    },
    /// Begin a firmware update: the image's head and its signature.
    BeginUpdate {
        /// [`IMAGE_HEAD`] bytes.
        head: &'a [u8; IMAGE_HEAD],
    },
    /// Take part of the image.
    UpdatePart {
        /// Where the part begins.
        offset: u32,
        /// The part, 1 to [`MAX_PART`] bytes.
        part: &'a [u8],
    },
    /// The image is whole: check it, and start it at the next start.
    EndUpdate,
    /// Give a user a PIN, or take it away; everything else of them stays.
    SetPin {
        /// Their number; they are in the user list.
        number: &'a str,
        /// Their PIN's verifier.
        pin: Option<Verifier>,
    },
}

const CONFIGURE: u8 = 1;
const PUT_USER: u8 = 2;
const REMOVE_USER: u8 = 3;
const ERASE_FINGERS: u8 = 4;
const ENROL: u8 = 5;
const ENROL_PIN: u8 = 6;
const READ_TEMPLATE: u8 = 7;
const WRITE_TEMPLATE: u8 = 8;
const BEGIN_UPDATE: u8 = 9;
const UPDATE_PART: u8 = 10;
const END_UPDATE: u8 = 11;
const SET_PIN: u8 = 12;

/// A job on its way to a terminal. It has no `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Task<'a> {
    /// The box's epoch.
    pub epoch: u32,
    /// The box's counter within the epoch, apart for each device.
    pub count: u64,
    /// The task's number, the same each time it is sent; not 0.
    pub id: u32,
    /// What is to be done.
    pub job: Job<'a>,
}

impl<'a> Message<'a> for Task<'a> {
    fn kind_and_stamp(&self) -> (Kind, Stamp) {
        (Kind::Task, Stamp { boot: self.epoch, seq: self.count })
    }

    fn is(kind: Kind) -> bool {
        kind == Kind::Task
    }

    fn write(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        w.put(&check_id(self.id)?.to_le_bytes())?;
        write_job(&self.job, w)?;
        if w.len() > MAX_TASK { Err(EncodeError::NoRoom) } else { Ok(()) }
    }

    fn read(header: Header, r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let id = check_id(r.u32()?)?;
        let job = read_job(r)?;
        skip_fields(r)?;
        Ok(Self { epoch: header.stamp.boot, count: header.stamp.seq, id, job })
    }
}

fn write_job(job: &Job<'_>, w: &mut Writer<'_>) -> Result<(), EncodeError> {
    match *job {
        Job::Configure(settings) => {
            let Settings { pins, pin_tries, lock_seconds } = settings.check()?;
            w.put(&[CONFIGURE, u8::from(pins), pin_tries])?;
            w.put(&lock_seconds.to_le_bytes())
        }
        Job::PutUser { number, page, duress, pin } => {
            write_number(PUT_USER, number, w)?;
            for page in [page, duress] {
                w.put(&page.unwrap_or(NO_PAGE).to_le_bytes())?;
            }
            write_pin(pin, w)
        }
        Job::SetPin { number, pin } => {
            write_number(SET_PIN, number, w)?;
            write_pin(pin, w)
        }
        Job::RemoveUser { number } => write_number(REMOVE_USER, number, w),
        Job::EraseFingers { number } => write_number(ERASE_FINGERS, number, w),
        Job::Enrol { number, page, grounds } => {
            write_number(ENROL, number, w)?;
            w.put(&check_page(page)?.to_le_bytes())?;
            w.put(&[grounds.byte()])
        }
        Job::EnrolPin { number, salt } => {
            write_number(ENROL_PIN, number, w)?;
            w.put(&salt)
        }
        Job::ReadTemplate { page, offset } => {
            w.put(&[READ_TEMPLATE])?;
            w.put(&check_page(page)?.to_le_bytes())?;
            w.put(&offset.to_le_bytes())
        }
        Job::WriteTemplate { number, page, grounds, total, offset, part } => {
            write_number(WRITE_TEMPLATE, number, w)?;
            w.put(&check_page(page)?.to_le_bytes())?;
            w.put(&[grounds.byte()])?;
            w.put(&total.to_le_bytes())?;
            w.put(&offset.to_le_bytes())?;
            write_part(part, w)
        }
        Job::BeginUpdate { head } => {
            w.put(&[BEGIN_UPDATE])?;
            w.put(head)
        }
        Job::UpdatePart { offset, part } => {
            w.put(&[UPDATE_PART])?;
            w.put(&offset.to_le_bytes())?;
            write_part(part, w)
        }
        Job::EndUpdate => w.put(&[END_UPDATE]),
    }
}

fn read_job<'a>(r: &mut Reader<'a>) -> Result<Job<'a>, DecodeError> {
    Ok(match r.u8()? {
        CONFIGURE => {
            let (pins, pin_tries) = (flag(r)?, r.u8()?);
            Job::Configure(Settings { pins, pin_tries, lock_seconds: r.u16()? }.check()?)
        }
        PUT_USER => {
            let number = read_number(r)?;
            let (page, duress) = (page(r.u16()?), page(r.u16()?));
            Job::PutUser { number, page, duress, pin: read_pin(r)? }
        }
        SET_PIN => Job::SetPin { number: read_number(r)?, pin: read_pin(r)? },
        REMOVE_USER => Job::RemoveUser { number: read_number(r)? },
        ERASE_FINGERS => Job::EraseFingers { number: read_number(r)? },
        ENROL => {
            let (number, page) = (read_number(r)?, check_page(r.u16()?)?);
            Job::Enrol { number, page, grounds: Grounds::from_byte(r.u8()?)? }
        }
        ENROL_PIN => Job::EnrolPin { number: read_number(r)?, salt: r.array()? },
        READ_TEMPLATE => Job::ReadTemplate { page: check_page(r.u16()?)?, offset: r.u16()? },
        WRITE_TEMPLATE => {
            let (number, page) = (read_number(r)?, check_page(r.u16()?)?);
            let grounds = Grounds::from_byte(r.u8()?)?;
            let (total, offset) = (r.u16()?, r.u16()?);
            Job::WriteTemplate { number, page, grounds, total, offset, part: read_part(r)? }
        }
        BEGIN_UPDATE => {
            let head = r.bytes(IMAGE_HEAD)?.first_chunk().ok_or(DecodeError::Truncated)?;
            Job::BeginUpdate { head }
        }
        UPDATE_PART => Job::UpdatePart { offset: r.u32()?, part: read_part(r)? },
        END_UPDATE => Job::EndUpdate,
        _ => return Err(DecodeError::Value { field: "job" }),
    })
}

fn write_pin(pin: Option<Verifier>, w: &mut Writer<'_>) -> Result<(), EncodeError> {
    w.put(&[u8::from(pin.is_some())])?;
    pin.map_or(Ok(()), |Verifier { salt, hash }| {
        w.put(&salt)?;
        w.put(&hash)
    })
}

fn read_pin(r: &mut Reader<'_>) -> Result<Option<Verifier>, DecodeError> {
    Ok(match flag(r)? {
        true => Some(Verifier { salt: r.array()?, hash: r.array()? }),
        false => None,
    })
}

fn write_number(job: u8, number: &str, w: &mut Writer<'_>) -> Result<(), EncodeError> {
    w.put(&[job])?;
    w.text(check_number(number)?)
}

fn read_number<'a>(r: &mut Reader<'a>) -> Result<&'a str, DecodeError> {
    check_number(r.text("person")?)
}

fn check_number(number: &str) -> Result<&str, DecodeError> {
    super::check_person(number)?;
    if number.len() > MAX_NUMBER {
        return Err(DecodeError::Value { field: "person" });
    }
    Ok(number)
}

fn write_part(part: &[u8], w: &mut Writer<'_>) -> Result<(), EncodeError> {
    w.put(&[check_part(part)?.len() as u8])?;
    w.put(part)
}

fn read_part<'a>(r: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let length = r.u8()?;
    check_part(r.bytes(length.into())?)
}

fn check_part(part: &[u8]) -> Result<&[u8], DecodeError> {
    if part.is_empty() || part.len() > MAX_PART {
        return Err(DecodeError::Value { field: "part" });
    }
    Ok(part)
}

fn check_id(id: u32) -> Result<u32, DecodeError> {
    if id == 0 { Err(DecodeError::Value { field: "task" }) } else { Ok(id) }
}

fn check_page(page: u16) -> Result<u16, DecodeError> {
    if page == NO_PAGE { Err(DecodeError::Value { field: "page" }) } else { Ok(page) }
}

fn page(page: u16) -> Option<u16> {
    (page != NO_PAGE).then_some(page)
}

fn flag(r: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::Value { field: "flag" }),
    }
}

byte_enum! {
    /// What became of a task.
    TaskResult, "result":
    /// It is done.
    Done = 1,
    /// It is not done, and will not be; see the reason.
    Refused = 2,
    /// It is being done: somebody has to put a finger on the glass, say.
    Working = 3,
}

byte_enum! {
    /// Why a task was refused.
    TaskReason, "reason":
    /// No reason needed.
    None = 0,
    /// Notice, basis or age is not on record.
    NoGrounds = 1,
    /// No such user.
    UnknownUser = 2,
    /// No room in the user list, or for the template.
    Full = 3,
    /// Another task is being done.
    Busy = 4,
    /// The fingerprint module does not do it.
    Sensor = 5,
    /// A part that does not follow the last one.
    OutOfOrder = 6,
    /// The image is not signed by whom this terminal believes.
    Signature = 7,
    /// The image is not newer than what runs, or older than what ran.
    Older = 8,
    /// The image is for another board, too large, or not what its head says.
    Image = 9,
    /// The flash does not take it.
    Flash = 10,
    /// Nobody put a finger on the glass, or typed a PIN, in time.
    Nobody = 11,
    /// This terminal cannot do such a thing.
    NotSupported = 12,
    /// The page belongs to somebody else.
    PageTaken = 13,
}

/// What a terminal says of a task. It has no `Debug`: it may hold part of a template.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Report<'a> {
    /// The terminal's boot number.
    pub boot: u32,
    /// Number of this report within the boot, from 1.
    pub count: u64,
    /// The task's number.
    pub id: u32,
    /// What became of it.
    pub result: TaskResult,
    /// Why, where it was refused.
    pub reason: TaskReason,
    /// What was asked for, 0 to [`MAX_DATA`] bytes.
    pub data: &'a [u8],
}

impl<'a> Message<'a> for Report<'a> {
    fn kind_and_stamp(&self) -> (Kind, Stamp) {
        (Kind::Report, Stamp { boot: self.boot, seq: self.count })
    }

    fn is(kind: Kind) -> bool {
        kind == Kind::Report
    }

    fn write(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        w.put(&check_id(self.id)?.to_le_bytes())?;
        w.put(&[self.result as u8, self.reason as u8])?;
        w.put(&[check_data(self.data)?.len() as u8])?;
        w.put(self.data)
    }

    fn read(header: Header, r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let id = check_id(r.u32()?)?;
        let result = TaskResult::from_byte(r.u8()?)?;
        let reason = TaskReason::from_byte(r.u8()?)?;
        let length = r.u8()?;
        let data = check_data(r.bytes(length.into())?)?;
        skip_fields(r)?;
        let Stamp { boot, seq } = header.stamp;
        Ok(Self { boot, count: seq, id, result, reason, data })
    }
}

fn check_data(data: &[u8]) -> Result<&[u8], DecodeError> {
    if data.len() > MAX_DATA { Err(DecodeError::Value { field: "data" }) } else { Ok(data) }
}
