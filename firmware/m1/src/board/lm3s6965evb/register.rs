//! The registers of the chip's peripherals and its fault handler: the only file with unsafe code.
//!
//! A [`Register`] can only lie in one of the blocks named here, which are peripherals and no
//! memory, and none of them reads or writes memory by itself: this chip has no DMA outside its
//! Ethernet, which is not used. So no access to one can break what the compiler relies on.
#![allow(unsafe_code)]

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::{NVIC, SCB, SYST};
use cortex_m_rt::exception;

/// A block of peripheral registers; the value is its address.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Block {
    Watchdog = 0x4000_0000,
    GpioA = 0x4000_4000,
    GpioB = 0x4000_5000,
    GpioC = 0x4000_6000,
    GpioD = 0x4000_7000,
    GpioE = 0x4002_4000,
    GpioF = 0x4002_5000,
    GpioG = 0x4002_6000,
    Ssi0 = 0x4000_8000,
    Uart0 = 0x4000_C000,
    Uart1 = 0x4000_D000,
    Uart2 = 0x4000_E000,
    I2c0 = 0x4002_0000,
    Flash = 0x400F_D000,
    System = 0x400F_E000,
}

/// One register of 32 bits.
#[derive(Clone, Copy)]
pub(super) struct Register(u32);

impl Block {
    /// The register at this offset in bytes: a multiple of 4 below 4,096, else it does not compile
    /// where it is a constant, and panics where it is not.
    pub(super) const fn at(self, offset: u32) -> Register {
        assert!(offset < 0x1000 && offset.is_multiple_of(4));
        Register(self as u32 + offset)
    }
}

impl Register {
    /// Reads it.
    pub(super) fn get(self) -> u32 {
        // SAFETY: aligned, and in a block of peripheral registers; see the module.
        unsafe { (self.0 as *const u32).read_volatile() }
    }

    /// Writes it.
    pub(super) fn set(self, value: u32) {
        // SAFETY: aligned, and in a block of peripheral registers; see the module.
        unsafe { (self.0 as *mut u32).write_volatile(value) }
    }

    /// Changes the bits of `mask` to those of `value`.
    pub(super) fn change(self, mask: u32, value: u32) {
        self.set(self.get() & !mask | value & mask);
    }
}

/// Bytes of the chip's flash.
const CODE: u32 = 256 << 10;

/// A word of the chip's flash, which begins at 0; all ones beyond it.
pub(super) fn code_word(address: u32) -> u32 {
    if !address.is_multiple_of(4) || address > CODE - 4 {
        return u32::MAX;
    }
    // SAFETY: aligned and within the flash, which is there to be read and which the compiler knows
    // nothing of but its constants; volatile, as the boot loader writes it. Address 0 is the first
    // word of the vectors.
    unsafe { core::ptr::with_exposed_provenance::<u32>(address as usize).read_volatile() }
}

/// Leaves everything to the program whose vectors lie at `vectors`. The caller has looked at them.
pub(super) fn run(vectors: u32) -> ! {
    // SAFETY: nothing of this program runs any more: interrupts that it let through are stopped
    // first, and the program that begins sets up stack and memory for itself.
    unsafe {
        let mut core = cortex_m::Peripherals::steal();
        SYST::disable_interrupt(&mut core.SYST);
        core.SCB.vtor.write(vectors);
        cortex_m::asm::bootload(core::ptr::with_exposed_provenance(vectors as usize))
    }
}

/// Lets an interrupt through.
pub(super) fn unmask(interrupt: impl InterruptNumber) {
    // SAFETY: critical sections here stop all interrupts and do not count on one being masked.
    unsafe { NVIC::unmask(interrupt) }
}

/// A fault, as of a stack that ran out of RAM: starts anew at once.
// The runtime wants it unsafe, since it runs at any moment and without a sound stack; it touches
// nothing but the register that resets.
#[exception(trampoline = false)]
unsafe fn HardFault() -> ! {
    SCB::sys_reset()
}
