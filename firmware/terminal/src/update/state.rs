//! Which slot runs, which is on trial, and how old an image may be: a log of records in two
//! sectors. The newest record that checks counts; a torn one leaves the one before.

use super::{CRC, STATE_SECTORS, Slot, UpdateError};
use embedded_storage::nor_flash::NorFlash;

/// Bytes of a record: CRC-32C, number u32, floor u32, trial's version u32, active u8, trial u8,
/// tries u8, unused, version given up u32.
const RECORD: usize = 24;
const NO_SLOT: u8 = 0xFF;

/// What is known over restarts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct State {
    /// Number of the record; the highest counts.
    number: u32,
    /// Version that no image may be below.
    pub(super) floor: u32,
    /// The slot that runs.
    pub(super) active: Slot,
    /// The slot that has to prove itself.
    pub(super) trial: Option<Slot>,
    pub(super) trial_version: u32,
    /// Starts that the trial has had.
    pub(super) tries: u8,
    /// Version of an image that was given up, until that was told.
    pub(super) given_up: Option<u32>,
}

const NO_VERSION: u32 = u32::MAX;
const NEW: State = State {
    number: 0,
    floor: 0,
    active: Slot::A,
    trial: None,
    trial_version: 0,
    tries: 0,
    given_up: None,
};

fn per_sector<F: NorFlash>() -> usize {
    F::ERASE_SIZE / RECORD
}

fn offset<F: NorFlash>(sector: usize, record: usize) -> u32 {
    (sector * F::ERASE_SIZE + record * RECORD) as u32
}

/// The newest record with its sector, and where each sector's records end.
type Scan = (Option<(State, usize)>, [usize; STATE_SECTORS]);

fn scan<F: NorFlash>(flash: &mut F) -> Result<Scan, UpdateError> {
    let (mut newest, mut ends) = (None::<(State, usize)>, [0; STATE_SECTORS]);
    for (sector, end) in ends.iter_mut().enumerate() {
        for record in 0..per_sector::<F>() {
            let mut bytes = [0; RECORD];
            let at = offset::<F>(sector, record);
            flash.read(at, &mut bytes).map_err(|_| UpdateError::Flash)?;
            if bytes == [0xFF; RECORD] {
                continue;
            }
            *end = record + 1;
            if let Some(state) = decode(&bytes)
                && newest.is_none_or(|(n, _)| state.number > n.number)
            {
                newest = Some((state, sector));
            }
        }
    }
    Ok((newest, ends))
}

/// The state; as shipped where there is none.
pub(super) fn read<F: NorFlash>(flash: &mut F) -> Result<State, UpdateError> {
    Ok(scan(flash)?.0.map_or(NEW, |(state, _)| state))
}

/// Appends the state as the newest.
pub(super) fn write<F: NorFlash>(flash: &mut F, state: &mut State) -> Result<(), UpdateError> {
    let (newest, ends) = scan(flash)?;
    let mut sector = newest.map_or(0, |(_, sector)| sector);
    let mut record = ends[sector];
    if record >= per_sector::<F>() || newest.is_none() && record > 0 {
        sector = (sector + 1) % STATE_SECTORS;
        record = 0;
        let from = offset::<F>(sector, 0);
        flash.erase(from, from + F::ERASE_SIZE as u32).map_err(|_| UpdateError::Flash)?;
    }
    let number = newest.map_or(0, |(state, _)| state.number);
    state.number = number.checked_add(1).ok_or(UpdateError::Flash)?;
    let (bytes, at) = (encode(state), offset::<F>(sector, record));
    let _ = flash.write(at, &bytes);
    let mut back = [0; RECORD];
    flash.read(at, &mut back).map_err(|_| UpdateError::Flash)?;
    if back == bytes { Ok(()) } else { Err(UpdateError::Flash) }
}

fn encode(state: &State) -> [u8; RECORD] {
    let slot = |slot: Slot| if slot == Slot::A { 0 } else { 1 };
    let mut bytes = [0xFF; RECORD];
    bytes[4..8].copy_from_slice(&state.number.to_le_bytes());
    bytes[8..12].copy_from_slice(&state.floor.to_le_bytes());
    bytes[12..16].copy_from_slice(&state.trial_version.to_le_bytes());
    bytes[16] = slot(state.active);
    bytes[17] = state.trial.map_or(NO_SLOT, slot);
    bytes[18] = state.tries;
    bytes[20..].copy_from_slice(&state.given_up.unwrap_or(NO_VERSION).to_le_bytes());
    let sum = CRC.checksum(&bytes[4..]);
    bytes[..4].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8; RECORD]) -> Option<State> {
    let (sum, checked) = bytes.split_first_chunk::<4>()?;
    if CRC.checksum(checked).to_le_bytes() != *sum {
        return None;
    }
    let (number, rest) = checked.split_first_chunk::<4>()?;
    let (floor, rest) = rest.split_first_chunk::<4>()?;
    let (trial_version, rest) = rest.split_first_chunk::<4>()?;
    let (&[active, trial, tries, _], rest) = rest.split_first_chunk::<4>()?;
    let given_up = u32::from_le_bytes(*rest.first_chunk()?);
    let slot = |byte| match byte {
        0 => Some(Slot::A),
        1 => Some(Slot::B),
        _ => None,
    };
    Some(State {
        number: u32::from_le_bytes(*number),
        floor: u32::from_le_bytes(*floor),
        active: slot(active)?,
        trial: slot(trial),
        trial_version: u32::from_le_bytes(*trial_version),
        tries,
        given_up: Some(given_up).filter(|version| *version != NO_VERSION),
    })
}
