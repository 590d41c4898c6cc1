//! The processor's clock, the count of milliseconds, and the clocks of the peripherals.
#![forbid(unsafe_code)]

use super::register::{Block, Register};
use core::cell::Cell;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use critical_section::Mutex;
use embedded_hal::delay::DelayNs;

/// Of the processor: the 200 MHz of the PLL, divided by four.
pub(super) const HZ: u32 = 50_000_000;
/// How often the PLL is asked whether it has locked: some milliseconds, then it is used as it is.
const LOCK_TRIES: u32 = 100_000;

const RIS: Register = Block::System.at(0x050);
const RCC: Register = Block::System.at(0x060);
const RESC: Register = Block::System.at(0x05C);
const RCGC0: Register = Block::System.at(0x100);
const RCGC1: Register = Block::System.at(0x104);
const RCGC2: Register = Block::System.at(0x108);

const PLL_LOCKED: u32 = 1 << 6;
const BYPASS: u32 = 1 << 11;
const USE_DIVIDER: u32 = 1 << 22;
/// Crystal, source of the oscillator, power of PLL and its output, main oscillator on.
const SOURCE: u32 = 0xF << 6 | 0x3 << 4 | 1 << 13 | 1 << 12 | 1;
/// An 8 MHz crystal on the main oscillator, everything on.
const CRYSTAL_8_MHZ: u32 = 0xE << 6;
const DIVIDER: u32 = 0xF << 23;
const DIVIDE_BY_4: u32 = 3 << 23;

static MS: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

/// Runs the processor at [`HZ`] and counts milliseconds from now on.
pub(super) fn start(mut systick: SYST) {
    RCC.change(BYPASS | USE_DIVIDER, BYPASS);
    RCC.change(SOURCE, CRYSTAL_8_MHZ);
    for _ in 0..LOCK_TRIES {
        if RIS.get() & PLL_LOCKED != 0 {
            break;
        }
    }
    RCC.change(DIVIDER | USE_DIVIDER, DIVIDE_BY_4 | USE_DIVIDER);
    RCC.change(BYPASS, 0);
    systick.set_clock_source(SystClkSource::Core);
    systick.set_reload(HZ / 1000 - 1);
    systick.clear_current();
    systick.enable_interrupt();
    systick.enable_counter();
}

/// Waits so many milliseconds, without an interrupt.
pub(super) fn pause_ms(ms: u32) {
    (0..ms).for_each(|_| cortex_m::asm::delay(HZ / 1000));
}

/// Gives the peripherals in use their clocks.
pub(super) fn feed_peripherals() {
    // Watchdog; UART 0, 1 and 2, SSI0, I2C0; GPIO A to G.
    RCGC0.change(1 << 3, 1 << 3);
    RCGC1.change(0x1017, 0x1017);
    RCGC2.change(0x7F, 0x7F);
    // The clocks need some cycles before the first access.
    cortex_m::asm::delay(16);
}

/// Why the chip started, and forgets it: bit 0 reset pin, 1 power, 2 brown-out, 3 watchdog,
/// 4 software.
pub(crate) fn take_reset_cause() -> u32 {
    let cause = RESC.get();
    RESC.set(0);
    cause
}

/// Milliseconds since the start.
pub(crate) fn now_ms() -> u64 {
    critical_section::with(|cs| MS.borrow(cs).get())
}

#[exception]
fn SysTick() {
    critical_section::with(|cs| {
        let ms = MS.borrow(cs);
        ms.set(ms.get() + 1);
    });
}

/// Waits by counting cycles.
#[derive(Clone, Copy)]
pub(crate) struct Delay;

impl DelayNs for Delay {
    fn delay_ns(&mut self, ns: u32) {
        cortex_m::asm::delay((ns / (1_000_000_000 / HZ)).max(1));
    }
}
