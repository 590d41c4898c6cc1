//! The SD card as blocks.
#![forbid(unsafe_code)]

use crate::board::{CardBus, Delay};
use embedded_sdmmc::{Block, BlockDevice as _, BlockIdx, SdCard};
use muster_terminal::card::{BLOCK, Blocks, CardError, PROVISION_BLOCKS};

/// A card. It has the blocks of its front part until it is told how many there are: what the
/// driver makes of a card's own word is wrong for standard-capacity cards of version 2.
pub(crate) struct Card {
    card: SdCard<CardBus, Delay>,
    count: u32,
}

impl Card {
    /// Initialises the card on this bus.
    pub(crate) fn start(bus: CardBus) -> Result<Self, CardError> {
        let card = SdCard::new(bus, Delay);
        card.get_card_type().ok_or(CardError::Card)?;
        card.spi(CardBus::speed_up);
        Ok(Self { card, count: PROVISION_BLOCKS })
    }

    /// The same card with so many blocks.
    pub(crate) fn with_blocks(self, count: u32) -> Self {
        Self { count, ..self }
    }
}

impl Blocks for Card {
    fn count(&self) -> u32 {
        self.count
    }

    fn read(&mut self, block: u32, bytes: &mut [u8; BLOCK]) -> Result<(), CardError> {
        let mut blocks = [Block::new()];
        self.card.read(&mut blocks, BlockIdx(block)).map_err(|_| CardError::Card)?;
        let [Block { contents }] = blocks;
        *bytes = contents;
        Ok(())
    }

    fn write(&mut self, block: u32, bytes: &[u8; BLOCK]) -> Result<(), CardError> {
        let blocks = [Block { contents: *bytes }];
        self.card.write(&blocks, BlockIdx(block)).map_err(|_| CardError::Card)
    }
}
