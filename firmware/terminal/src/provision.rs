//! What a terminal is told when it is installed, as it lies on its card: who it is, at which site,
//! and whose firmware it believes. No image has it compiled in.
//!
//! Block 0, little-endian: `"MusterM1" | version 2 u8 | address u8 | length of the name u8 | length
//! of the site u8 | blocks of the card u32 | secret 32 | Ed25519 key 32 | name | site | … 0 |
//! CRC-32C u32 at 508`. A key of zeros is none: such a terminal takes no firmware over the wire.
//!
//! The secret lies in the clear: whoever takes the card can be this terminal until it is revoked
//! on the box. A board whose processor can lock its own flash should keep block 0 there.

use crate::CRC;
use crate::card::{BLOCK, Blocks, CardError};
use muster_proto::seal::MAX_SITE;

const MAGIC: [u8; 8] = *b"MusterM1";
const VERSION: u8 = 2;
/// Longest name, in bytes: as box and protocol allow.
pub const MAX_NAME: usize = 128;
const BLOCKS: usize = 12;
const SECRET: usize = BLOCKS + 4;
const KEY: usize = SECRET + 32;
const NAME: usize = KEY + 32;
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
    /// The site that it stands at; without one it takes no tasks.
    pub site: &'a str,
    /// The Ed25519 key that its firmware is signed with; zeros for none.
    pub firmware_key: &'a [u8; 32],
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
    /// A name that is empty, a name or site that is too long, or an address above 247.
    #[error("a name has 1 to {MAX_NAME} bytes, a site up to {MAX_SITE}, an address is at most 247")]
    Identity,
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

    /// Takes block 0 apart; `None` if it is none of this version.
    pub fn parse(block: &'a [u8; BLOCK]) -> Option<Self> {
        let &[version, address, name, site] = block.get(MAGIC.len()..)?.first_chunk()?;
        let (name, site) = (usize::from(name), usize::from(site));
        let known = block.starts_with(&MAGIC) && version == VERSION && address <= 247;
        let fits = (1..=MAX_NAME).contains(&name) && site <= MAX_SITE;
        if !known || !fits || !is_whole(block) {
            return None;
        }
        let text =
            |from: usize, length: usize| core::str::from_utf8(block.get(from..from + length)?).ok();
        let blocks = u32::from_le_bytes(*block.get(BLOCKS..)?.first_chunk()?);
        let secret = block.get(SECRET..)?.first_chunk()?;
        let firmware_key = block.get(KEY..)?.first_chunk()?;
        let (name, site) = (text(NAME, name)?, text(NAME + name, site)?);
        Some(Self { name, secret, address, site, firmware_key, blocks })
    }

    /// Writes block 0 of a card.
    pub fn write(&self, card: &mut impl Blocks) -> Result<(), ProvisionError> {
        let Self { name, secret, address, site, firmware_key, blocks } = *self;
        let fits = (1..=MAX_NAME).contains(&name.len()) && site.len() <= MAX_SITE && address <= 247;
        if !fits {
            return Err(ProvisionError::Identity);
        }
        let mut block = [0; BLOCK];
        let head = [VERSION, address, name.len() as u8, site.len() as u8];
        let parts: [&[u8]; 7] = [
            &MAGIC,
            &head,
            &blocks.to_le_bytes(),
            secret,
            firmware_key,
            name.as_bytes(),
            site.as_bytes(),
        ];
        for (to, from) in block.iter_mut().zip(parts.into_iter().flatten()) {
            *to = *from;
        }
        seal(&mut block);
        Ok(card.write(0, &block)?)
    }
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

    const M1: Identity<'_> = Identity {
        name: "門口 m1",
        secret: &[7; 32],
        address: 3,
        site: "mo-hq",
        firmware_key: &[9; 32],
        blocks: 8,
    };

    #[test]
    fn who_a_terminal_is_comes_back() {
        let mut card = RamCard::new(8);
        let mut block = [0; BLOCK];
        let long = ("n".repeat(MAX_NAME + 1), "s".repeat(MAX_SITE + 1));
        for identity in [M1, Identity { site: "", ..M1 }, Identity { site: &long.1[1..], ..M1 }] {
            identity.write(&mut card).unwrap();
            assert!(Identity::read(&mut card, &mut block).is_ok_and(|found| found == identity));
        }
        for wrong in [
            Identity { name: "", ..M1 },
            Identity { name: &long.0, ..M1 },
            Identity { site: &long.1, ..M1 },
            Identity { address: 248, ..M1 },
        ] {
            assert_eq!(wrong.write(&mut card), Err(ProvisionError::Identity));
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
        }
        let found = Identity::read(&mut RamCard::new(0), &mut block).err();
        assert_eq!(found, Some(ProvisionError::Card(CardError::Card)));
    }

    proptest! {
        #[test]
        fn no_card_panics(bytes in prop::collection::vec(any::<u8>(), BLOCK), whole: bool) {
            let mut bytes: [u8; BLOCK] = bytes.try_into().unwrap();
            if whole {
                bytes[..9].copy_from_slice(b"MusterM1\x02");
                seal(&mut bytes);
            }
            let mut card = RamCard::of(bytes.to_vec());
            let mut block = [0; BLOCK];
            let _ = Identity::read(&mut card, &mut block);
        }
    }
}
