//! Simulated parts: the real code of this crate runs on them in tests and in the demo.

mod board;
mod card;
mod chip;
mod code_flash;
mod emulator;
mod flash;
mod module;
mod pin;

pub use board::{BOARD, Board, BoardManager, Unfit};
pub use card::RamCard;
pub use chip::ClockChip;
pub use code_flash::CodeFlash;
pub use emulator::{Emulator, PROGRAM as EMULATOR, Seen, Setup};
pub use flash::{PowerCut, RamFlash};
pub use module::FingerModule;
pub use pin::Pin;
