//! How one flash is shared: user list, event log, firmware, and the queue of punches with the rest.
//!
//! | sectors | what |
//! | --- | --- |
//! | 8 | user list, in two halves: [`MAX_USERS`] users |
//! | 2 | event log |
//! | 2 + 2 × 24 | state of the firmware, and two slots for images of up to [`MAX_IMAGE`] bytes |
//! | the rest | boot numbers, then the queue of punches |
//!
//! Boot loader, terminal and whoever prepares a card agree on it by this module alone.

use crate::region::Region;
use crate::update::{HEAD_ROOM, STATE_SECTORS};
use core::cell::RefCell;
use embedded_storage::nor_flash::NorFlash;

/// Users that an M1 has room for.
pub const MAX_USERS: usize = 100;
/// Bytes of a sector, for which the parts are measured.
pub const SECTOR: usize = 4_096;
/// Bytes of the largest firmware image.
pub const MAX_IMAGE: usize = SLOT_SECTORS * SECTOR - HEAD_ROOM;

const USER_SECTORS: usize = 8;
const LOG_SECTORS: usize = 2;
const SLOT_SECTORS: usize = 24;
const FIRMWARE_SECTORS: usize = STATE_SECTORS + 2 * SLOT_SECTORS;
const LOG: usize = USER_SECTORS;
const FIRMWARE: usize = LOG + LOG_SECTORS;
const QUEUE: usize = FIRMWARE + FIRMWARE_SECTORS;

/// The parts of a flash.
pub struct Parts<'f, F> {
    /// For [`crate::users::UserList`].
    pub users: Region<'f, F>,
    /// For [`crate::log::EventLog`].
    pub log: Region<'f, F>,
    /// For [`crate::update`].
    pub firmware: Region<'f, F>,
    /// For [`crate::queue::FlashQueue`].
    pub queue: Region<'f, F>,
}

impl<'f, F: NorFlash> Parts<'f, F> {
    /// Shares a flash out; `None` if it is too small, or has other sectors.
    pub fn of(flash: &'f RefCell<F>) -> Option<Self> {
        let sectors = flash.try_borrow().ok()?.capacity() / SECTOR;
        if F::ERASE_SIZE != SECTOR {
            return None;
        }
        Some(Self {
            users: Region::new(flash, 0, USER_SECTORS)?,
            log: Region::new(flash, LOG, LOG_SECTORS)?,
            firmware: Region::new(flash, FIRMWARE, FIRMWARE_SECTORS)?,
            queue: Region::new(flash, QUEUE, sectors.checked_sub(QUEUE)?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::RamFlash;
    use crate::update::slot_size;
    use crate::users::per_half;
    use embedded_storage::nor_flash::ReadNorFlash;

    #[test]
    fn every_part_has_its_room() {
        let flash = RefCell::new(RamFlash::new(QUEUE + 10));
        let parts = Parts::of(&flash).unwrap();
        assert!(per_half(parts.users.capacity(), SECTOR) >= MAX_USERS + 2);
        assert_eq!(slot_size(&parts.firmware) - HEAD_ROOM, MAX_IMAGE);
        assert_eq!(parts.queue.capacity(), 10 * SECTOR);
        assert!(Parts::of(&RefCell::new(RamFlash::new(QUEUE - 1))).is_none());
    }
}
