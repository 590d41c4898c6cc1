//! Signed firmware in two slots: one runs, the other takes the next image.
//!
//! - An image comes with a head: for which board, which version, how long, which SHA-256. The head
//!   is signed with Ed25519, and so is everything it says. An image that is not signed by the
//!   key this terminal believes, that is for another board, or that is not newer than the newest
//!   that ever proved itself here, is refused before its first byte is written.
//! - When all bytes are there and their hash is right, the slot is put on trial. The boot loader
//!   calls [`choose`] at each start: it starts the slot on trial up to [`TRIES`] times, and goes
//!   back to the other if the image has not called [`Updater::confirm`] by then, which it does
//!   when the box has answered it. What [`choose`] names was hashed and its signature checked.
//! - The state is a log of records in the first two sectors, like the boot number's: appended,
//!   checked, the newest counts. A power cut at any byte leaves the old image or the new one.
//!
//! The flash is [`STATE_SECTORS`] sectors of state and two slots of equal size; a slot's last
//! [`HEAD_ROOM`] bytes hold its image's head, so that the image itself begins where the slot does.

mod state;

use crate::CRC;
use ed25519_dalek::{Signature, VerifyingKey};
use embedded_storage::nor_flash::NorFlash;
use muster_proto::message::{IMAGE_HEAD, TaskReason};
use sha2::{Digest, Sha256};
use state::State;

/// Sectors at the front of the flash that hold the state.
pub const STATE_SECTORS: usize = 2;
/// Bytes at a slot's end that hold its head.
pub const HEAD_ROOM: usize = 128;
/// Starts that a new image gets to prove itself.
pub const TRIES: u8 = 3;
/// Bytes of a head that are signed.
const SIGNED: usize = 48;
/// Stands before what is signed, so that no other signature of the key passes for one.
const CONTEXT: &[u8] = b"muster firmware 1";
const MAGIC: [u8; 4] = *b"MuFW";
/// Bytes hashed at once, and the unit that writes are whole numbers of.
const CHUNK: usize = 128;
const UNIT: usize = 8;

/// One of the two slots.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Slot {
    A,
    B,
}

impl Slot {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// An image's head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// For which board.
    pub board: u32,
    /// Its version: grows with every release.
    pub version: u32,
    /// Its length in bytes.
    pub length: u32,
    /// The SHA-256 of its bytes.
    pub digest: [u8; 32],
}

impl Head {
    /// The bytes that are signed: context, then head.
    pub fn signed(&self) -> [u8; CONTEXT.len() + SIGNED] {
        let mut bytes = [0; CONTEXT.len() + SIGNED];
        let (context, head) = bytes.split_at_mut(CONTEXT.len());
        context.copy_from_slice(CONTEXT);
        head[..4].copy_from_slice(&MAGIC);
        head[4..8].copy_from_slice(&self.board.to_le_bytes());
        head[8..12].copy_from_slice(&self.version.to_le_bytes());
        head[12..16].copy_from_slice(&self.length.to_le_bytes());
        head[16..48].copy_from_slice(&self.digest);
        bytes
    }

    /// The head with its signature, as it travels and as it lies in a slot.
    pub fn with_signature(&self, signature: &[u8; 64]) -> [u8; IMAGE_HEAD] {
        let mut bytes = [0; IMAGE_HEAD];
        bytes[..SIGNED].copy_from_slice(&self.signed()[CONTEXT.len()..]);
        bytes[SIGNED..].copy_from_slice(signature);
        bytes
    }

    /// Reads a head and checks its signature.
    fn verify(bytes: &[u8; IMAGE_HEAD], key: &[u8; 32]) -> Result<Self, UpdateError> {
        let (head, signature) = bytes.split_at(SIGNED);
        let word = |at: usize| {
            let word = head.get(at..at + 4).and_then(|w| w.first_chunk::<4>());
            word.map_or(0, |w| u32::from_le_bytes(*w))
        };
        let digest = head.last_chunk::<32>().copied().unwrap_or_default();
        let found = Self { board: word(4), version: word(8), length: word(12), digest };
        let key = VerifyingKey::from_bytes(key).map_err(|_| UpdateError::Signature)?;
        let signature = Signature::from_slice(signature).map_err(|_| UpdateError::Signature)?;
        key.verify_strict(&found.signed(), &signature).map_err(|_| UpdateError::Signature)?;
        if head.get(..4) != Some(&MAGIC) {
            return Err(UpdateError::Image);
        }
        Ok(found)
    }
}

/// An image was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UpdateError {
    /// Not signed by whom this terminal believes.
    #[error("the image is not signed by the key that this terminal believes")]
    Signature,
    /// Not newer than what ever proved itself.
    #[error("the image is not newer than what has run here")]
    Older,
    /// For another board, too large, or not what its head says.
    #[error("the image is for another board, too large, or not what its head says")]
    Image,
    /// A part that does not follow the last one.
    #[error("this part does not follow the last one; begin again")]
    OutOfOrder,
    /// The flash does not take it.
    #[error("the flash does not take the image; replace the flash chip")]
    Flash,
    /// State sectors and slots do not fit the flash.
    #[error("this flash's sectors, write units or size do not fit two slots")]
    Geometry,
}

impl UpdateError {
    /// As a report says it.
    pub fn reason(self) -> TaskReason {
        match self {
            Self::Signature => TaskReason::Signature,
            Self::Older => TaskReason::Older,
            Self::Image => TaskReason::Image,
            Self::OutOfOrder => TaskReason::OutOfOrder,
            Self::Flash | Self::Geometry => TaskReason::Flash,
        }
    }
}

/// Whom a terminal believes, and what it is.
#[derive(Clone, Copy)]
pub struct Trust {
    /// The Ed25519 key that images are signed with.
    pub key: [u8; 32],
    /// Which board this is.
    pub board: u32,
}

/// What the boot loader starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Choice {
    /// The slot.
    pub slot: Slot,
    /// The version of its image.
    pub version: u32,
    /// Bytes of its image, from the slot's begin.
    pub length: u32,
    /// The version of an image that did not prove itself and was given up at this start.
    pub rolled_back: Option<u32>,
}

impl Choice {
    fn of(slot: Slot, head: &Head, rolled_back: Option<u32>) -> Self {
        Self { slot, version: head.version, length: head.length, rolled_back }
    }
}

/// Chooses what to start; `None` if neither slot holds an image that is signed and whole. Counts
/// the start of an image on trial before it says so.
pub fn choose<F: NorFlash>(flash: &mut F, trust: &Trust) -> Result<Option<Choice>, UpdateError> {
    check_geometry(flash)?;
    let mut state = state::read(flash)?;
    let mut rolled_back = None;
    if let Some(slot) = state.trial {
        let head = whole_image(flash, trust, slot)?;
        if let Some(head) = head.filter(|_| state.tries < TRIES) {
            state.tries += 1;
            state::write(flash, &mut state)?;
            return Ok(Some(Choice::of(slot, &head, rolled_back)));
        }
        rolled_back = Some(state.trial_version);
        (state.given_up, state.trial) = (rolled_back, None);
        state.tries = 0;
        state::write(flash, &mut state)?;
    }
    for slot in [state.active, state.active.other()] {
        // The other slot may only help out with the image that proved itself last: one that never
        // did is not started again, and nothing older is.
        if let Some(head) = whole_image(flash, trust, slot)?
            && (slot == state.active && head.version > state.floor || head.version == state.floor)
        {
            return Ok(Some(Choice::of(slot, &head, rolled_back)));
        }
    }
    Ok(None)
}

/// Takes images while the terminal runs.
pub struct Updater<F> {
    flash: F,
    trust: Trust,
    state: State,
    under_way: Option<UnderWay>,
}

struct UnderWay {
    head: Head,
    bytes: [u8; IMAGE_HEAD],
    written: u32,
}

impl<F: NorFlash> Updater<F> {
    /// An updater on the flash that holds both slots.
    pub fn open(mut flash: F, trust: Trust) -> Result<Self, UpdateError> {
        check_geometry(&flash)?;
        let state = state::read(&mut flash)?;
        Ok(Self { flash, trust, state, under_way: None })
    }

    /// The newest version that has proved itself; nothing older is taken.
    pub fn floor(&self) -> u32 {
        self.state.floor
    }

    /// The version of the image that runs, as [`choose`] has started it; 0 where it came with no
    /// head, as from a programmer.
    pub fn running(&mut self) -> u32 {
        if self.state.trial.is_some() {
            return self.state.trial_version;
        }
        // The boot loader has read all of it a moment ago.
        let head = stored_head(&mut self.flash, &self.trust, self.state.active);
        head.ok().flatten().map_or(0, |head| head.version)
    }

    /// The version of an image that the boot loader has given up since this was asked last.
    pub fn take_given_up(&mut self) -> Option<u32> {
        let given_up = self.state.given_up.take()?;
        // If that cannot be stored it is told once more after the next start.
        let _ = state::write(&mut self.flash, &mut self.state);
        Some(given_up)
    }

    /// Begins with an image's head; what was begun before is given up.
    pub fn begin(&mut self, head: &[u8; IMAGE_HEAD]) -> Result<(), UpdateError> {
        self.under_way = None;
        let found = Head::verify(head, &self.trust.key)?;
        let room = slot_size(&self.flash) - HEAD_ROOM;
        if found.board != self.trust.board || found.length == 0 || found.length as usize > room {
            return Err(UpdateError::Image);
        }
        let newest = whole_image(&mut self.flash, &self.trust, self.state.active)?;
        let newest = newest.map_or(0, |head| head.version).max(self.state.floor);
        if found.version <= newest {
            return Err(UpdateError::Older);
        }
        // An image on trial that is being replaced is on trial no more.
        if self.state.trial.is_some() {
            self.state.trial = None;
            state::write(&mut self.flash, &mut self.state)?;
        }
        self.under_way = Some(UnderWay { head: found, bytes: *head, written: 0 });
        Ok(())
    }

    /// Takes the next part. All parts but the last have a multiple of 8 bytes. The last one taken
    /// may come again: it is known, and nothing is written.
    pub fn part(&mut self, offset: u32, part: &[u8]) -> Result<(), UpdateError> {
        let slot = self.state.active.other();
        let under_way = self.under_way.as_mut().ok_or(UpdateError::OutOfOrder)?;
        let end = offset.checked_add(part.len() as u32).ok_or(UpdateError::OutOfOrder)?;
        if end == under_way.written && !part.is_empty() {
            return Ok(());
        }
        let last = end == under_way.head.length;
        let fits = part.len().is_multiple_of(UNIT) || last;
        if offset != under_way.written || end > under_way.head.length || part.is_empty() || !fits {
            return Err(UpdateError::OutOfOrder);
        }
        under_way.written = end;
        let base = slot_base(&self.flash, slot);
        let written = write_part(&mut self.flash, base, offset, part);
        if written.is_err() {
            self.under_way = None;
        }
        written
    }

    /// The image is whole: checks it and puts its slot on trial. Returns its version.
    pub fn end(&mut self) -> Result<u32, UpdateError> {
        let UnderWay { head, bytes, written } =
            self.under_way.take().ok_or(UpdateError::OutOfOrder)?;
        if written != head.length {
            return Err(UpdateError::OutOfOrder);
        }
        let slot = self.state.active.other();
        let base = slot_base(&self.flash, slot);
        if digest(&mut self.flash, base, head.length)? != head.digest {
            return Err(UpdateError::Image);
        }
        write_head(&mut self.flash, slot, head.length, &bytes)?;
        if whole_image(&mut self.flash, &self.trust, slot)? != Some(head) {
            return Err(UpdateError::Flash);
        }
        self.state.trial = Some(slot);
        self.state.trial_version = head.version;
        self.state.tries = 0;
        state::write(&mut self.flash, &mut self.state)?;
        Ok(head.version)
    }

    /// The image that runs has proved itself: `version` is its own. Nothing older is taken from
    /// now on.
    pub fn confirm(&mut self, version: u32) -> Result<(), UpdateError> {
        let mut state = self.state;
        if let Some(slot) = state.trial.filter(|_| state.trial_version == version) {
            (state.active, state.trial, state.tries) = (slot, None, 0);
        }
        state.floor = state.floor.max(version);
        if state != self.state {
            state::write(&mut self.flash, &mut state)?;
            self.state = state;
        }
        Ok(())
    }

    /// The flash back.
    pub fn into_flash(self) -> F {
        self.flash
    }
}

fn check_geometry<F: NorFlash>(flash: &F) -> Result<(), UpdateError> {
    let fits = UNIT.is_multiple_of(F::WRITE_SIZE)
        && UNIT.is_multiple_of(F::READ_SIZE)
        && F::ERASE_SIZE > HEAD_ROOM
        && slot_size(flash) >= 2 * F::ERASE_SIZE;
    if fits { Ok(()) } else { Err(UpdateError::Geometry) }
}

/// Bytes of a slot.
pub fn slot_size<F: NorFlash>(flash: &F) -> usize {
    (flash.capacity() / F::ERASE_SIZE).saturating_sub(STATE_SECTORS) / 2 * F::ERASE_SIZE
}

/// Where a slot begins.
pub fn slot_base<F: NorFlash>(flash: &F, slot: Slot) -> u32 {
    let first = STATE_SECTORS * F::ERASE_SIZE;
    let second = if slot == Slot::B { slot_size(flash) } else { 0 };
    (first + second) as u32
}

/// Writes a part, erasing each sector when its first byte comes.
fn write_part<F: NorFlash>(
    flash: &mut F,
    base: u32,
    offset: u32,
    part: &[u8],
) -> Result<(), UpdateError> {
    let sector = F::ERASE_SIZE as u32;
    let first_new = offset.next_multiple_of(sector);
    let end = offset + part.len() as u32;
    if first_new < end {
        let (from, to) = (base + first_new, base + end.next_multiple_of(sector));
        flash.erase(from, to).map_err(|_| UpdateError::Flash)?;
    }
    let at = base + offset;
    let (whole, rest) = part.split_at(part.len() / UNIT * UNIT);
    flash.write(at, whole).map_err(|_| UpdateError::Flash)?;
    if rest.is_empty() {
        return Ok(());
    }
    let mut unit = [0xFF; UNIT];
    for (to, from) in unit.iter_mut().zip(rest) {
        *to = *from;
    }
    flash.write(at + whole.len() as u32, &unit).map_err(|_| UpdateError::Flash)
}

/// Writes the head at the slot's end, erasing its sector unless the image reaches into it.
fn write_head<F: NorFlash>(
    flash: &mut F,
    slot: Slot,
    length: u32,
    head: &[u8; IMAGE_HEAD],
) -> Result<(), UpdateError> {
    let (base, size) = (slot_base(flash, slot), slot_size(flash) as u32);
    let last = size - F::ERASE_SIZE as u32;
    if length <= last {
        flash.erase(base + last, base + size).map_err(|_| UpdateError::Flash)?;
    }
    flash.write(base + size - HEAD_ROOM as u32, head).map_err(|_| UpdateError::Flash)
}

fn digest<F: NorFlash>(flash: &mut F, base: u32, length: u32) -> Result<[u8; 32], UpdateError> {
    let mut hash = Sha256::new();
    let mut at = 0;
    while at < length {
        let mut chunk = [0; CHUNK];
        flash.read(base + at, &mut chunk).map_err(|_| UpdateError::Flash)?;
        let left = (length - at) as usize;
        hash.update(chunk.get(..left).unwrap_or(&chunk));
        at += CHUNK as u32;
    }
    Ok(hash.finalize().into())
}

/// The head of a slot's image, if that is signed, for this board, and whole.
fn whole_image<F: NorFlash>(
    flash: &mut F,
    trust: &Trust,
    slot: Slot,
) -> Result<Option<Head>, UpdateError> {
    let Some(head) = stored_head(flash, trust, slot)? else { return Ok(None) };
    let whole = digest(flash, slot_base(flash, slot), head.length)? == head.digest;
    Ok(whole.then_some(head))
}

/// The head in a slot, if that is signed and for this board.
fn stored_head<F: NorFlash>(
    flash: &mut F,
    trust: &Trust,
    slot: Slot,
) -> Result<Option<Head>, UpdateError> {
    let (base, size) = (slot_base(flash, slot), slot_size(flash) as u32);
    let mut bytes = [0; IMAGE_HEAD];
    flash.read(base + size - HEAD_ROOM as u32, &mut bytes).map_err(|_| UpdateError::Flash)?;
    let Ok(head) = Head::verify(&bytes, &trust.key) else { return Ok(None) };
    let fits = head.length as usize <= size as usize - HEAD_ROOM && head.board == trust.board;
    Ok(fits.then_some(head))
}

#[cfg(test)]
mod tests;
