//! The chip's own flash, where the image runs from: looked at, erased and written by the boot
//! loader alone.
#![forbid(unsafe_code)]

use super::clock::HZ;
use super::register::{Block, Register, code_word};

const ADDRESS: Register = Block::Flash.at(0x000);
const WORD: Register = Block::Flash.at(0x004);
const COMMAND: Register = Block::Flash.at(0x008);
/// Microseconds of the clock, less one: the flash times itself by it.
const MICROSECOND: Register = Block::System.at(0x140);

/// Comes with every command.
const KEY: u32 = 0xA442 << 16;
const WRITE: u32 = 1;
const ERASE: u32 = 1 << 1;
/// How often a command is looked at: an erasure takes some 20 ms. Then it has failed, and what is
/// read back says so.
const TRIES: u32 = 1_000_000;

/// Where the image begins, as its memory map has it.
pub(crate) const IMAGE: u32 = 32 << 10;
/// Bytes that it may have.
pub(crate) const IMAGE_BYTES: u32 = 96 << 10;
/// Bytes that are erased at once.
pub(crate) const PAGE: u32 = 1 << 10;

/// The place of the image, written in words of four bytes.
pub(crate) struct CodeFlash(());

impl CodeFlash {
    pub(super) fn start() -> Self {
        MICROSECOND.set(HZ / 1_000_000 - 1);
        Self(())
    }

    /// The word at this offset; all ones beyond the end.
    pub(crate) fn word(&self, offset: u32) -> u32 {
        if offset < IMAGE_BYTES { code_word(IMAGE + offset) } else { u32::MAX }
    }

    /// Erases the page that begins at this offset.
    pub(crate) fn erase(&mut self, offset: u32) {
        if offset < IMAGE_BYTES {
            ADDRESS.set(IMAGE + offset);
            Self::command(ERASE);
        }
    }

    /// Writes a word of an erased page.
    pub(crate) fn write(&mut self, offset: u32, word: u32) {
        if offset < IMAGE_BYTES {
            ADDRESS.set(IMAGE + offset);
            WORD.set(word);
            Self::command(WRITE);
        }
    }

    fn command(what: u32) {
        COMMAND.set(KEY | what);
        for _ in 0..TRIES {
            if COMMAND.get() & what == 0 {
                return;
            }
        }
    }
}
