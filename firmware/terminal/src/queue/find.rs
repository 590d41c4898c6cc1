//! Where a punch lies. From the oldest on, the ring's order is the order of age, so a look-up
//! halves the sectors and then reads one: some 20 slots of a large card, where going through the
//! ring would read thousands.

use super::{FlashQueue, Slot};
use embedded_storage::nor_flash::NorFlash;
use muster_proto::message::Stamp;
use muster_proto::terminal::Which;

/// What a start learns of the ring's order while it reads all slots.
#[derive(Default)]
pub(super) struct Order {
    first: Option<Stamp>,
    last: Option<Stamp>,
    descents: u32,
    pub(super) oldest: Option<(Stamp, u32)>,
    pub(super) oldest_waiting: Option<(Stamp, u32)>,
}

impl Order {
    /// Takes the next punch of the flash.
    pub(super) fn see(&mut self, stamp: Stamp, slot: u32, waiting: bool) {
        self.descents += u32::from(self.last.is_some_and(|last| last > stamp));
        self.first.get_or_insert(stamp);
        self.last = Some(stamp);
        let older = |than: Option<(Stamp, u32)>| match than {
            Some(known) => Some(known.min((stamp, slot))),
            None => Some((stamp, slot)),
        };
        self.oldest = older(self.oldest);
        if waiting {
            self.oldest_waiting = older(self.oldest_waiting);
        }
    }

    /// Whether stamps grow all the way round from the oldest. A sector that could not be erased
    /// breaks this.
    pub(super) fn holds(&self) -> bool {
        self.descents == 0 || self.descents == 1 && self.last < self.first
    }
}

impl<F: NorFlash, const SLOT: usize> FlashQueue<F, SLOT> {
    /// Where the punch with this stamp lies.
    pub(super) fn find(&mut self, stamp: Stamp) -> Option<u32> {
        if let Some((_, slot)) = self.recent.iter().find(|(s, _)| *s == stamp) {
            return Some(*slot);
        }
        let start = self.start_for(before(stamp));
        let found = self.first_above(start, before(stamp), Which::Kept)?;
        (found.0 == stamp).then_some(found.1)
    }

    /// A slot from which on to look for what is above `after`: nothing before it is.
    pub(super) fn start_for(&mut self, after: Stamp) -> u32 {
        if !self.in_order {
            return self.oldest;
        }
        let sectors = self.slots / Self::PER_SECTOR;
        let first = self.oldest / Self::PER_SECTOR;
        // The sector `low` begins with a punch that is not above, or is the first.
        let (mut low, mut high) = (0, self.sectors_in_use());
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            let begins = (middle..high).find_map(|at| {
                Some((at, self.first_of_sector((first + at) % sectors)?)) // a sector may be torn
            });
            match begins {
                Some((at, stamp)) if stamp <= after => low = at,
                _ => high = middle,
            }
        }
        if low == 0 { self.oldest } else { (first + low) % sectors * Self::PER_SECTOR }
    }

    /// Sectors from the oldest punch's to the head's.
    fn sectors_in_use(&self) -> u32 {
        let sectors = self.slots / Self::PER_SECTOR;
        let (first, head) = (self.oldest / Self::PER_SECTOR, self.head / Self::PER_SECTOR);
        let apart = (head + sectors - first) % sectors;
        match apart + u32::from(self.prepared) {
            // The ring is full, and the head comes to the oldest next.
            0 => sectors,
            used => used,
        }
    }

    fn first_of_sector(&mut self, sector: u32) -> Option<Stamp> {
        let first = sector * Self::PER_SECTOR;
        (first..first + Self::PER_SECTOR).find_map(|slot| match self.slot(slot) {
            Ok(Slot::Punch { stamp, .. }) => Some(stamp),
            _ => None,
        })
    }

    /// Whichever of two slots the ring comes to later, from the oldest on.
    pub(super) fn later(&self, a: u32, b: u32) -> u32 {
        let way = |slot: u32| (slot + self.slots - self.oldest) % self.slots;
        if way(a) < way(b) { b } else { a }
    }

    /// The first punch above `after`, going round the ring from `start` to the head.
    pub(super) fn first_above(
        &mut self,
        start: u32,
        after: Stamp,
        which: Which,
    ) -> Option<(Stamp, u32)> {
        let mut slot = start;
        for _ in 0..self.slots {
            if let Ok(Slot::Punch { stamp, waiting, .. }) = self.slot(slot)
                && stamp > after
                && (waiting || which == Which::Kept)
            {
                return Some((stamp, slot));
            }
            slot = (slot + 1) % self.slots;
            if slot == self.head {
                break;
            }
        }
        None
    }

    /// The sector at `first` is given up: the oldest punch lies behind it now.
    pub(super) fn pass_over(&mut self, first: u32) {
        if (first..first + Self::PER_SECTOR).contains(&self.oldest) {
            self.oldest = (first + Self::PER_SECTOR) % self.slots;
        }
    }
}

/// The highest stamp below `stamp`.
fn before(stamp: Stamp) -> Stamp {
    match stamp.seq.checked_sub(1) {
        Some(seq) => Stamp { seq, ..stamp },
        None => Stamp { boot: stamp.boot.saturating_sub(1), seq: u64::MAX },
    }
}
