//! What a terminal is told when it is installed, as it lies on its card: who it is, and whose
//! fingers are stored in its module. No image has it compiled in.
//!
//! Block 0, little-endian: `"MusterM1" | version 1 u8 | address u8 | length of the name u8 | 0 u8 |
//! blocks of the card u32 | secret 32 | name | … 0 | CRC-32C u32 at 508`. Blocks 1 to 7: `users in this block u8`, for each
//! `page u16 | 1 if under duress, else 0 u8 | length u8 | number`, then zeros, and CRC-32C at 508.
//!
//! The secret lies in the clear: whoever takes the card can be this terminal until it is revoked
//! on the box. A board whose processor can lock its own flash should keep block 0 there.

use crate::CRC;
use crate::card::{BLOCK, Blocks, CardError, PROVISION_BLOCKS};
use crate::terminal::User;

/// Blocks that hold the users.
const USER_BLOCKS: usize = PROVISION_BLOCKS as usize - 1;
const MAGIC: [u8; 8] = *b"MusterM1";
const VERSION: u8 = 1;
/// Longest name, in bytes: as box and protocol allow.
pub const MAX_NAME: usize = 128;
/// Longest number of a user, in bytes.
pub const MAX_NUMBER: usize = 48;
const BLOCKS: usize = 12;
const SECRET: usize = BLOCKS + 4;
const NAME: usize = SECRET + 32;
const SUM: usize = BLOCK - 4;

/// Who a terminal is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    /// Its name, as it was paired.
    pub name: &'a str,
    /// The pairing secret.
    pub secret: &'a [u8; 32],
    /// Its address on the serial line, 0 to 247.
    pub address: u8,
    /// Blocks of the card, which drivers read wrongly from some cards.
    pub blocks: u32,
}

/// The card does not say who the terminal is, or cannot be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The card fails.
    #[error(transparent)]
    Card(#[from] CardError),
    /// No block 0 of this version that checks.
    #[error("the card was not made for a terminal; make it with `muster device card`")]
    Foreign,
    /// A name that is empty or too long, or an address above 247.
    #[error("a name has 1 to {MAX_NAME} bytes, an address is at most 247")]
    Identity,
    /// The number of a user is empty or too long.
    #[error("the number of the user on page {0} must have 1 to {MAX_NUMBER} bytes")]
    Number(u16),
    /// More users than fit.
    #[error("the card has no room for the user on page {0}")]
    Full(u16),
}

impl<'a> Identity<'a> {
    /// Reads block 0 of a card into `block`, which the caller wipes when done with the secret.
    pub fn read(
        card: &mut impl Blocks,
        block: &'a mut [u8; BLOCK],
    ) -> Result<Self, ProvisionError> {
        card.read(0, block)?;
        Self::parse(block).ok_or(ProvisionError::Foreign)
    }

    fn parse(block: &'a [u8; BLOCK]) -> Option<Self> {
        let [address, length] = [block[9], block[10]];
        let known = block.starts_with(&MAGIC) && block[8] == VERSION && address <= 247;
        if !known || !is_whole(block) || !(1..=MAX_NAME).contains(&length.into()) {
            return None;
        }
        let blocks = u32::from_le_bytes(*block[BLOCKS..SECRET].first_chunk()?);
        let secret = block[SECRET..NAME].first_chunk()?;
        let name = core::str::from_utf8(block.get(NAME..NAME + usize::from(length))?).ok()?;
        Some(Self { name, secret, address, blocks })
    }

    /// Writes block 0 of a card.
    pub fn write(&self, card: &mut impl Blocks) -> Result<(), ProvisionError> {
        let fits = (1..=MAX_NAME).contains(&self.name.len()) && self.address <= 247;
        let mut block = [0; BLOCK];
        let name = block.get_mut(NAME..NAME + self.name.len()).filter(|_| fits);
        name.ok_or(ProvisionError::Identity)?.copy_from_slice(self.name.as_bytes());
        block[..8].copy_from_slice(&MAGIC);
        block[8..12].copy_from_slice(&[VERSION, self.address, self.name.len() as u8, 0]);
        block[BLOCKS..SECRET].copy_from_slice(&self.blocks.to_le_bytes());
        block[SECRET..NAME].copy_from_slice(self.secret);
        seal(&mut block);
        Ok(card.write(0, &block)?)
    }
}

/// Whose fingers are stored on which page of the module.
pub struct Users {
    blocks: [[u8; BLOCK]; USER_BLOCKS],
}

impl Users {
    /// Nobody.
    pub const fn new() -> Self {
        Self { blocks: [[0; BLOCK]; USER_BLOCKS] }
    }

    /// Reads the users of a card in place of those known; a block that does not check has none.
    pub fn read(&mut self, card: &mut impl Blocks) -> Result<(), ProvisionError> {
        for (number, block) in (1..).zip(&mut self.blocks) {
            card.read(number, block)?;
            if !is_whole(block) {
                block.fill(0);
            }
        }
        Ok(())
    }

    /// Writes the users to a card.
    pub fn write(&self, card: &mut impl Blocks) -> Result<(), ProvisionError> {
        for (number, block) in (1..).zip(&self.blocks) {
            let mut block = *block;
            seal(&mut block);
            card.write(number, &block)?;
        }
        Ok(())
    }

    /// Adds a user.
    pub fn add(&mut self, page: u16, user: User<'_>) -> Result<(), ProvisionError> {
        let number = user.number.as_bytes();
        if !(1..=MAX_NUMBER).contains(&number.len()) {
            return Err(ProvisionError::Number(page));
        }
        let [low, high] = page.to_le_bytes();
        let head = [low, high, user.duress.into(), number.len() as u8];
        for block in &mut self.blocks {
            let from = 1 + entries(block).map(|(_, _, bytes)| bytes).sum::<usize>();
            let end = from + head.len() + number.len();
            let Some(place) = block.get_mut(from..end).filter(|_| end <= SUM) else { continue };
            place[..head.len()].copy_from_slice(&head);
            place[head.len()..].copy_from_slice(number);
            block[0] += 1;
            return Ok(());
        }
        Err(ProvisionError::Full(page))
    }

    /// Who has the finger on this page.
    pub fn find(&self, page: u16) -> Option<User<'_>> {
        let mut all = self.blocks.iter().flat_map(entries);
        all.find(|(at, ..)| *at == page).map(|(_, user, _)| user)
    }
}

impl Default for Users {
    fn default() -> Self {
        Self::new()
    }
}

/// Page, user and bytes taken of each entry in a block, up to the first that makes no sense.
fn entries(block: &[u8; BLOCK]) -> impl Iterator<Item = (u16, User<'_>, usize)> {
    let mut rest = block.get(1..SUM).unwrap_or_default();
    (0..block[0]).map_while(move |_| {
        let (&[low, high, duress, length], after) = rest.split_first_chunk::<4>()?;
        let (number, after) = after.split_at_checked(length.into())?;
        rest = after;
        let number = core::str::from_utf8(number).ok()?;
        let user = User { number, duress: duress == 1 };
        Some((u16::from_le_bytes([low, high]), user, 4 + number.len()))
    })
}

fn seal(block: &mut [u8; BLOCK]) {
    let sum = CRC.checksum(&block[..SUM]).to_le_bytes();
    block[SUM..].copy_from_slice(&sum);
}

fn is_whole(block: &[u8; BLOCK]) -> bool {
    block[SUM..] == CRC.checksum(&block[..SUM]).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::RamCard;
    use proptest::prelude::*;

    #[test]
    fn who_a_terminal_is_comes_back() {
        let mut card = RamCard::new(8);
        let mut block = [0; BLOCK];
        let identity = Identity { name: "門口 m1", secret: &[7; 32], address: 3, blocks: 8 };
        identity.write(&mut card).unwrap();
        assert!(Identity::read(&mut card, &mut block).is_ok_and(|found| found == identity));
        let long = "n".repeat(MAX_NAME + 1);
        for (name, address) in [("", 1), (long.as_str(), 1), ("m1", 248)] {
            let wrong = Identity { name, secret: &[7; 32], address, blocks: 8 };
            assert_eq!(wrong.write(&mut card), Err(ProvisionError::Identity), "{name} {address}");
        }
    }

    #[test]
    fn a_card_made_for_something_else_is_told_apart() {
        let mut block = [0; BLOCK];
        for byte in [0, 0xFF, b'M'] {
            let mut card = RamCard::new(8);
            card.fill(byte);
            let found = Identity::read(&mut card, &mut block).err();
            assert_eq!(found, Some(ProvisionError::Foreign));
            let mut users = Users::new();
            assert_eq!(users.read(&mut card), Ok(()));
            assert!(users.find(1).is_none());
        }
        let found = Identity::read(&mut RamCard::new(0), &mut block).err();
        assert_eq!(found, Some(ProvisionError::Card(CardError::Card)));
    }

    #[test]
    fn users_fill_the_card_and_no_more() {
        let (mut card, mut users) = (RamCard::new(8), Users::new());
        let number = |page: u16| format!("{page:05}");
        let add = |users: &mut Users, page| {
            users.add(page, User { number: &number(page), duress: page % 7 == 0 })
        };
        let full = (0u16..).find_map(|page| add(&mut users, page).err().map(|why| (page, why)));
        // 507 bytes a block, 9 bytes a user, 7 blocks.
        assert_eq!(full, Some((392, ProvisionError::Full(392))));
        users.write(&mut card).unwrap();
        let mut users = Users::new();
        users.read(&mut card).unwrap();
        for page in 0..392 {
            let found = users.find(page).map(|user| (user.number.to_owned(), user.duress));
            assert_eq!(found, Some((number(page), page % 7 == 0)));
        }
        assert!(users.find(392).is_none());
        let long = "1".repeat(MAX_NUMBER + 1);
        for number in ["", &long] {
            let wrong = Users::new().add(9, User { number, duress: false });
            assert_eq!(wrong, Err(ProvisionError::Number(9)));
        }
    }

    proptest! {
        #[test]
        fn no_card_panics(bytes in prop::collection::vec(any::<u8>(), 8 * BLOCK), whole: bool) {
            let mut card = RamCard::of(bytes);
            for block in 0..8 {
                let mut bytes = [0; BLOCK];
                card.read(block, &mut bytes).unwrap();
                if whole {
                    bytes[..8].copy_from_slice(&MAGIC);
                    seal(&mut bytes);
                    card.write(block, &bytes).unwrap();
                }
            }
            let mut block = [0; BLOCK];
            let _ = Identity::read(&mut card, &mut block);
            let mut users = Users::new();
            users.read(&mut card).unwrap();
            let _ = (0..300).filter(|page| users.find(*page).is_some()).count();
        }
    }
}
