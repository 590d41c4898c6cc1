//! The user list: numbers, pages of the fingerprint module, and PIN verifiers, in flash.
//!
//! - The flash is two halves. Records are appended to one; when it is full, or somebody was
//!   erased, what counts is written to the other, whose head is written last, and the first half
//!   is erased. So a power cut leaves the old list or the new one, and an erased person's records
//!   are gone from the chip when [`UserList::remove`] returns.
//! - Every record is sealed with ChaCha20-Poly1305 under a key from the pairing secret: a stolen
//!   chip gives neither numbers nor verifiers. The nonce is a keyed hash of place and contents,
//!   stored beside the record: the same nonce only ever seals the same bytes in the same place.
//! - Memory holds an index of pages and checksums of numbers; a look-up reads the record.
//!
//! Limits: `USERS` users, numbers of [`MAX_NUMBER`] bytes, one half holds [`per_half`] records.

mod record;

pub use record::ListKey;

use crate::CRC;
use embedded_storage::nor_flash::NorFlash;
use muster_proto::message::{MAX_NUMBER, Settings, Verifier};
use record::{
    BODY, NO_PAGE, PUT, RECORD, REMOVED, SETTINGS, parse_settings, parse_user, place_of,
    settings_body, user_body,
};
use zeroize::Zeroize;

/// First bytes of a half in use.
const MAGIC: [u8; 4] = *b"MuUL";

/// The list cannot be used or changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UsersError {
    /// Fewer than two sectors, or write units that records do not fit.
    #[error("this flash's sectors, write units or size do not fit the user list")]
    Geometry,
    /// The flash does not answer, or does not take writes.
    #[error("the flash does not answer; replace the flash chip")]
    Flash,
    /// As many users as there is room for.
    #[error("the user list is full")]
    Full,
    /// Another user has that page.
    #[error("that page of the fingerprint module is another user's")]
    PageTaken,
    /// The number does not fit.
    #[error("a user's number has 1 to {MAX_NUMBER} bytes")]
    Number,
}

/// A user. No `Debug`; wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Their number.
    pub number: heapless::String<MAX_NUMBER>,
    /// The page of their finger.
    pub page: Option<u16>,
    /// The page of the finger they use under duress.
    pub duress: Option<u16>,
    /// Their PIN's verifier.
    pub pin: Option<Verifier>,
}

impl User {
    /// A user with a number alone.
    pub fn new(number: &str) -> Result<Self, UsersError> {
        let fits = !number.is_empty();
        let number = heapless::String::try_from(number).ok().filter(|_| fits);
        let number = number.ok_or(UsersError::Number)?;
        Ok(Self { number, page: None, duress: None, pin: None })
    }

    /// The pages of their fingers.
    pub fn pages(&self) -> impl Iterator<Item = u16> {
        [self.page, self.duress].into_iter().flatten()
    }
}

impl Drop for User {
    fn drop(&mut self) {
        // Safe code cannot wipe a string in place but by filling it anew.
        let length = self.number.len();
        self.number.clear();
        for _ in 0..length {
            let _ = self.number.push('\0');
        }
        if let Some(pin) = &mut self.pin {
            pin.hash.zeroize();
        }
    }
}

/// Where a user's record lies.
#[derive(Clone, Copy)]
struct Entry {
    record: u16,
    page: u16,
    duress: u16,
    /// CRC-32C of the number.
    tag: u32,
}

/// The list on a flash of its own.
pub struct UserList<F, const USERS: usize> {
    flash: F,
    key: ListKey,
    generation: u32,
    /// Which half is in use.
    half: u32,
    /// The record to be written next.
    next: u16,
    index: heapless::Vec<Entry, USERS>,
    settings: Settings,
}

/// Records of one half of `capacity` bytes, its head not counted.
pub const fn per_half(capacity: usize, erase_size: usize) -> usize {
    let sectors = capacity / erase_size / 2;
    (sectors * erase_size / RECORD).saturating_sub(1)
}

impl<F: NorFlash, const USERS: usize> UserList<F, USERS> {
    const FITS: bool = RECORD.is_multiple_of(F::WRITE_SIZE) && RECORD.is_multiple_of(F::READ_SIZE);

    /// Finds the list in `flash`; blank flash, or one sealed under another key, is an empty list.
    pub fn open(flash: F, key: ListKey) -> Result<Self, UsersError> {
        let room = per_half(flash.capacity(), F::ERASE_SIZE);
        // All users, their settings, and one to be added before the half is compacted.
        if !Self::FITS || room < USERS + 2 || room > usize::from(u16::MAX) {
            return Err(UsersError::Geometry);
        }
        let (generation, half, next) = (0, 0, 0);
        let (index, settings) = (heapless::Vec::new(), Settings::SHIPPED);
        let mut list = Self { flash, key, generation, half, next, index, settings };
        let heads = [list.head(0)?, list.head(1)?];
        match heads.iter().max().copied().flatten() {
            Some(generation) => {
                list.generation = generation;
                list.half = u32::from(heads[1] == Some(generation));
                list.read_all()?;
            }
            None => list.compact()?,
        }
        Ok(list)
    }

    /// How many users there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// How the terminal is to behave.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Finds a user by their number.
    pub fn find(&mut self, number: &str) -> Option<User> {
        let at = self.place(number)?;
        self.user(self.index.get(at)?.record)
    }

    /// Finds the user whose finger is on `page`, and whether it is the one for use under duress.
    pub fn by_page(&mut self, page: u16) -> Option<(User, bool)> {
        let fits = |e: &&Entry| page != NO_PAGE && (e.page == page || e.duress == page);
        let entry = *self.index.iter().find(fits)?;
        Some((self.user(entry.record)?, entry.duress == page))
    }

    /// Adds a user, or changes them. In flash when this returns.
    pub fn put(&mut self, user: &User) -> Result<(), UsersError> {
        let at = self.place(&user.number);
        let others = self.index.iter().enumerate().filter(|(i, _)| Some(*i) != at);
        let mut taken = others.flat_map(|(_, e)| [e.page, e.duress]);
        if taken.any(|page| page != NO_PAGE && user.pages().any(|own| own == page)) {
            return Err(UsersError::PageTaken);
        }
        if at.is_none() && self.index.is_full() {
            return Err(UsersError::Full);
        }
        let record = self.append(&user_body(user, PUT))?;
        let entry = entry(user, record);
        match at.and_then(|at| self.index.get_mut(at)) {
            Some(place) => *place = entry,
            None => drop(self.index.push(entry)),
        }
        Ok(())
    }

    /// Erases a user: nothing of them is left on the chip when this returns. False if there is
    /// no such user.
    pub fn remove(&mut self, number: &str) -> Result<bool, UsersError> {
        let Some(at) = self.place(number) else { return Ok(false) };
        let user = User::new(number)?;
        self.append(&user_body(&user, REMOVED))?;
        self.index.swap_remove(at);
        self.compact()?;
        Ok(true)
    }

    /// Changes how the terminal is to behave.
    pub fn configure(&mut self, settings: Settings) -> Result<(), UsersError> {
        self.append(&settings_body(settings))?;
        self.settings = settings;
        Ok(())
    }

    /// The flash back.
    pub fn into_flash(self) -> F {
        self.flash
    }

    fn place(&mut self, number: &str) -> Option<usize> {
        let tag = CRC.checksum(number.as_bytes());
        for at in 0..self.index.len() {
            let entry = *self.index.get(at)?;
            let same = |user: User| user.number == number;
            if entry.tag == tag && self.user(entry.record).is_some_and(same) {
                return Some(at);
            }
        }
        None
    }

    fn user(&mut self, record: u16) -> Option<User> {
        let (_, body) = self.read(self.half, record).ok().flatten()?;
        parse_user(&body)
    }

    /// The generation of a half that is in use.
    fn head(&mut self, half: u32) -> Result<Option<u32>, UsersError> {
        let mut bytes = [0; 16];
        let at = self.offset(half, None);
        self.flash.read(at, &mut bytes).map_err(|_| UsersError::Flash)?;
        let (checked, rest) = bytes.split_at(8);
        let sum = CRC.checksum(checked).to_le_bytes();
        let [a, b, c, d] = [checked[4], checked[5], checked[6], checked[7]];
        let whole = checked[..4] == MAGIC && rest[..4] == sum;
        Ok(whole.then_some(u32::from_le_bytes([a, b, c, d])))
    }

    fn read_all(&mut self) -> Result<(), UsersError> {
        let room = per_half(self.flash.capacity(), F::ERASE_SIZE) as u16;
        for record in 0..room {
            match self.read(self.half, record)? {
                Some((kind, body)) => self.replay(record, kind, &body),
                None if self.is_blank(record)? => continue,
                None => {}
            }
            self.next = record + 1;
        }
        Ok(())
    }

    fn replay(&mut self, record: u16, kind: u8, body: &[u8; BODY]) {
        if kind == SETTINGS {
            self.settings = parse_settings(body).unwrap_or(self.settings);
            return;
        }
        let Some(user) = parse_user(body) else { return };
        let tag = CRC.checksum(user.number.as_bytes());
        let at = self.place(&user.number);
        // Checked again, as a later record of the same user lies elsewhere.
        let at = at.filter(|at| self.index.get(*at).is_some_and(|e| e.tag == tag));
        match (kind, at) {
            (PUT, Some(at)) => self.index.iter_mut().skip(at).take(1).for_each(|e| {
                *e = entry(&user, record);
            }),
            (PUT, None) => drop(self.index.push(entry(&user, record))),
            (_, Some(at)) => drop(self.index.swap_remove(at)),
            (_, None) => {}
        }
    }

    /// Writes a record behind the last, in the other half if this one is full.
    fn append(&mut self, body: &[u8; BODY]) -> Result<u16, UsersError> {
        let room = per_half(self.flash.capacity(), F::ERASE_SIZE) as u16;
        for _ in 0..room {
            if self.next >= room {
                self.compact()?;
            }
            if self.next >= room {
                return Err(UsersError::Full);
            }
            let record = self.next;
            self.next += 1;
            if self.write(self.half, self.generation, record, body)? {
                return Ok(record);
            }
        }
        Err(UsersError::Flash)
    }

    /// Writes what counts to the other half and erases this one.
    fn compact(&mut self) -> Result<(), UsersError> {
        self.try_compact().inspect_err(|_| {
            // The index may point into the other half already.
            self.index.clear();
            let _ = self.read_all();
        })
    }

    fn try_compact(&mut self) -> Result<(), UsersError> {
        let (old, new) = (self.half, 1 - self.half);
        let generation = self.generation.wrapping_add(1);
        self.erase(new)?;
        let mut next = 0;
        let body = settings_body(self.settings);
        next = self.copy(new, generation, next, &body)? + 1;
        for at in 0..self.index.len() {
            let Some(&Entry { record, .. }) = self.index.get(at) else { break };
            let (_, body) = self.read(old, record)?.ok_or(UsersError::Flash)?;
            let record = self.copy(new, generation, next, &body)?;
            next = record + 1;
            self.index.iter_mut().skip(at).take(1).for_each(|e| e.record = record);
        }
        let mut head = [0xFF; 16];
        head[..4].copy_from_slice(&MAGIC);
        head[4..8].copy_from_slice(&generation.to_le_bytes());
        let sum = CRC.checksum(&head[..8]);
        head[8..12].copy_from_slice(&sum.to_le_bytes());
        let at = self.offset(new, None);
        let _ = self.flash.write(at, &head);
        if self.head(new)? != Some(generation) {
            return Err(UsersError::Flash);
        }
        (self.half, self.generation, self.next) = (new, generation, next);
        self.erase(old)
    }

    fn copy(
        &mut self,
        half: u32,
        generation: u32,
        mut record: u16,
        body: &[u8; BODY],
    ) -> Result<u16, UsersError> {
        let room = per_half(self.flash.capacity(), F::ERASE_SIZE) as u16;
        while record < room {
            if self.write(half, generation, record, body)? {
                return Ok(record);
            }
            record += 1;
        }
        Err(UsersError::Flash)
    }

    fn erase(&mut self, half: u32) -> Result<(), UsersError> {
        let length = (self.flash.capacity() / F::ERASE_SIZE / 2 * F::ERASE_SIZE) as u32;
        let from = half * length;
        self.flash.erase(from, from + length).map_err(|_| UsersError::Flash)
    }

    /// Where a record lies, or the half's head.
    fn offset(&self, half: u32, record: Option<u16>) -> u32 {
        let length = (self.flash.capacity() / F::ERASE_SIZE / 2 * F::ERASE_SIZE) as u32;
        let at = record.map_or(0, |record| 1 + u32::from(record));
        half * length + at * RECORD as u32
    }

    /// Seals and writes a record; whether it can be read back.
    fn write(
        &mut self,
        half: u32,
        generation: u32,
        record: u16,
        body: &[u8; BODY],
    ) -> Result<bool, UsersError> {
        let bytes = self.key.seal(&place_of(generation, record), body).ok_or(UsersError::Flash)?;
        let at = self.offset(half, Some(record));
        let _ = self.flash.write(at, &bytes);
        let mut back = [0; RECORD];
        self.flash.read(at, &mut back).map_err(|_| UsersError::Flash)?;
        Ok(back == bytes)
    }

    fn is_blank(&mut self, record: u16) -> Result<bool, UsersError> {
        let mut bytes = [0; RECORD];
        let at = self.offset(self.half, Some(record));
        self.flash.read(at, &mut bytes).map_err(|_| UsersError::Flash)?;
        Ok(bytes.iter().all(|&b| b == 0xFF))
    }

    /// A record's kind and contents; nothing where it is blank, torn or another's.
    fn read(&mut self, half: u32, record: u16) -> Result<Option<(u8, [u8; BODY])>, UsersError> {
        let mut bytes = [0; RECORD];
        let at = self.offset(half, Some(record));
        self.flash.read(at, &mut bytes).map_err(|_| UsersError::Flash)?;
        // While the other half is being written, this one still bears the old generation.
        let generation = if half == self.half { self.generation } else { return Ok(None) };
        Ok(self.key.open(&bytes, &place_of(generation, record)))
    }
}

fn entry(user: &User, record: u16) -> Entry {
    let page = |page: Option<u16>| page.unwrap_or(NO_PAGE);
    let tag = CRC.checksum(user.number.as_bytes());
    Entry { record, page: page(user.page), duress: page(user.duress), tag }
}

#[cfg(test)]
mod tests;
