//! The boot loader of the M1: chooses an image, brings it to where it runs, and starts it.
//!
//! Images lie in two slots on the card ([`muster_terminal::update`]); one runs from the chip's own
//! flash. [`choose`] names a slot whose image is signed and whole, and goes back from one that did
//! not prove itself. If that is not what the chip's flash holds, it is written there, word by word,
//! and read back: a power cut in the middle leaves a difference, and the next start writes again.
//! Without a card, or with none of its images, what the chip's flash holds is started.
#![no_std]
#![no_main]

// What only the terminal uses of the board.
#[allow(dead_code, unused_imports)]
mod board;
mod card;
#[allow(dead_code)]
mod ring;
#[allow(dead_code)]
mod screen;

use board::{BOARD, BootBoard, CardBus, CodeFlash, PAGE, Watchdog, say, start_anew, start_image};
use card::Card;
use core::cell::RefCell;
use core::panic::PanicInfo;
use cortex_m::peripheral::SCB;
use cortex_m_rt::entry;
use embedded_storage::nor_flash::NorFlash;
use muster_terminal::card::{BLOCK, CardFlash};
use muster_terminal::layout::Parts;
use muster_terminal::provision::Identity;
use muster_terminal::update::{Choice, Trust, choose, slot_base};
use zeroize::Zeroize as _;

#[entry]
fn main() -> ! {
    if let Some(BootBoard { mut watchdog, card_bus, mut code }) = BootBoard::start() {
        // Without a card, or without one of ours, there is nothing to choose from.
        let _ = install(card_bus, &mut code, &mut watchdog);
        start_image(&code);
    }
    SCB::sys_reset()
}

/// Brings the chosen image to where it runs.
fn install(card_bus: CardBus, code: &mut CodeFlash, watchdog: &mut Watchdog) -> Option<()> {
    let mut card = Card::start(card_bus).ok()?;
    let mut block = [0; BLOCK];
    let identity = Identity::read(&mut card, &mut block).ok()?;
    let (key, blocks) = (*identity.firmware_key, identity.blocks);
    block.zeroize();
    let flash = RefCell::new(CardFlash::open(card.with_blocks(blocks)).ok()?);
    let mut firmware = Parts::of(&flash)?.firmware;
    let choice = choose(&mut firmware, &Trust { key, board: BOARD }).ok()??;
    watchdog.feed();
    if is_there(&mut firmware, &choice, code)? {
        return Some(());
    }
    say("boot: writing an image\r\n");
    write(&mut firmware, &choice, code, watchdog)?;
    if !is_there(&mut firmware, &choice, code)? {
        say("boot: the image cannot be read back\r\n");
        start_anew();
    }
    Some(())
}

/// Calls `each` with the offset and the value of every word of an image, until it says no; gives
/// whether it never did. Nothing if the card fails.
fn words<F: NorFlash>(
    firmware: &mut F,
    choice: &Choice,
    mut each: impl FnMut(u32, u32) -> bool,
) -> Option<bool> {
    let base = slot_base(firmware, choice.slot);
    let mut chunk = [0xFF; BLOCK];
    for offset in (0..choice.length).step_by(BLOCK) {
        let length = BLOCK.min((choice.length - offset) as usize);
        chunk.fill(0xFF);
        firmware.read(base + offset, chunk.get_mut(..length)?).ok()?;
        for (at, word) in (offset..).step_by(4).zip(chunk.as_chunks::<4>().0) {
            if at < choice.length && !each(at, u32::from_le_bytes(*word)) {
                return Some(false);
            }
        }
    }
    Some(true)
}

fn is_there<F: NorFlash>(firmware: &mut F, choice: &Choice, code: &CodeFlash) -> Option<bool> {
    words(firmware, choice, |at, word| code.word(at) == word)
}

fn write<F: NorFlash>(
    firmware: &mut F,
    choice: &Choice,
    code: &mut CodeFlash,
    watchdog: &mut Watchdog,
) -> Option<bool> {
    words(firmware, choice, |at, word| {
        if at.is_multiple_of(PAGE) {
            watchdog.feed();
            code.erase(at);
        }
        code.write(at, word);
        true
    })
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    SCB::sys_reset()
}
