//! The three PL011 serial ports, each with a ring of bytes either way that its interrupt serves.
#![forbid(unsafe_code)]

use super::clock::HZ;
use super::register::{Block, unmask};
use crate::ring::{Ring, Wire};
use lm3s6965::{Interrupt, interrupt};

const DATA: u32 = 0x00;
const FLAGS: u32 = 0x18;
const BAUD_WHOLE: u32 = 0x24;
const BAUD_64THS: u32 = 0x28;
const LINE: u32 = 0x2C;
const CONTROL: u32 = 0x30;
const LEVELS: u32 = 0x34;
const MASK: u32 = 0x38;

const RX_EMPTY: u32 = 1 << 4;
const TX_FULL: u32 = 1 << 5;
/// Framing, parity or break: no byte that anybody sent.
const BROKEN: u32 = 0b111 << 8;
const EIGHT_BITS_FIFO: u32 = 0b111 << 4;
const ENABLE_BOTH_WAYS: u32 = 1 << 9 | 1 << 8 | 1;
/// Interrupts: received enough, and received something a while ago.
const RX: u32 = 1 << 4 | 1 << 6;
const TX: u32 = 1 << 5;
/// Bytes taken by one interrupt: what the FIFO holds.
const FIFO: usize = 16;

/// How often the boot loader looks whether a byte fits.
const SAY_TRIES: u32 = 100_000;

/// Room of the ports' rings, in bytes: to and from the box, where a frame of the longest punch
/// fits; of the module, whose packets have up to 267; and of the log.
pub(crate) type BoxPort = Wire<Uart, 512, 1024>;
pub(crate) type ModulePort = Wire<Uart, 288, 160>;
pub(crate) type LogPort = Wire<Uart, 16, 256>;

static BOX: (Ring<512>, Ring<1024>) = (Ring::new(), Ring::new());
static MODULE: (Ring<288>, Ring<160>) = (Ring::new(), Ring::new());
static LOG: (Ring<16>, Ring<256>) = (Ring::new(), Ring::new());

/// One port's registers.
#[derive(Clone, Copy)]
pub(crate) struct Uart(Block);

/// Opens the ports: UART0 to the box, UART1 to the fingerprint module, UART2 for the log.
pub(super) fn open(
    box_baud: u32,
    module_baud: u32,
    log_baud: u32,
) -> (BoxPort, ModulePort, LogPort) {
    Uart(Block::Uart0).start(box_baud, Interrupt::UART0);
    Uart(Block::Uart1).start(module_baud, Interrupt::UART1);
    Uart(Block::Uart2).start(log_baud, Interrupt::UART2);
    (
        Wire::new(Uart(Block::Uart0), &BOX.0, &BOX.1),
        Wire::new(Uart(Block::Uart1), &MODULE.0, &MODULE.1),
        Wire::new(Uart(Block::Uart2), &LOG.0, &LOG.1),
    )
}

/// Says something on the log's port and waits until it is out: for the boot loader, which has no
/// interrupts and no port but this.
pub(super) fn say(words: &str) {
    let port = Uart(Block::Uart2);
    for byte in words.bytes() {
        // Bounded, should the port be dead: some milliseconds for each byte.
        for _ in 0..SAY_TRIES {
            if port.0.at(FLAGS).get() & TX_FULL == 0 {
                port.0.at(DATA).set(byte.into());
                break;
            }
        }
    }
}

/// Opens the log's port alone, without an interrupt.
pub(super) fn open_log(baud: u32) {
    Uart(Block::Uart2).set_up(baud);
}

#[interrupt]
fn UART0() {
    Uart(Block::Uart0).serve(&BOX.0, &BOX.1);
}

#[interrupt]
fn UART1() {
    Uart(Block::Uart1).serve(&MODULE.0, &MODULE.1);
}

#[interrupt]
fn UART2() {
    Uart(Block::Uart2).serve(&LOG.0, &LOG.1);
}

impl Uart {
    fn start(self, baud: u32, interrupt: Interrupt) {
        self.set_up(baud);
        self.0.at(MASK).set(RX);
        unmask(interrupt);
    }

    fn set_up(self, baud: u32) {
        let Self(block) = self;
        block.at(CONTROL).set(0);
        // The divisor is HZ / (16 baud), in 64ths, rounded.
        let divisor = (HZ * 4 + baud / 2) / baud;
        block.at(BAUD_WHOLE).set(divisor / 64);
        block.at(BAUD_64THS).set(divisor % 64);
        block.at(LINE).set(EIGHT_BITS_FIFO);
        // Interrupt at an eighth of the FIFO, so that bytes have time to be fetched.
        block.at(LEVELS).set(0);
        block.at(CONTROL).set(ENABLE_BOTH_WAYS);
    }

    fn serve<const R: usize, const T: usize>(self, rx: &Ring<R>, tx: &Ring<T>) {
        self.take_in(rx);
        self.send_on(tx);
    }

    /// Takes what has come. A full ring stops the interrupt until somebody has read, so that a
    /// line that never falls silent cannot keep the processor for itself.
    fn take_in<const R: usize>(self, rx: &Ring<R>) {
        let Self(block) = self;
        for _ in 0..FIFO {
            if block.at(FLAGS).get() & RX_EMPTY != 0 {
                return;
            }
            if rx.is_full() {
                block.at(MASK).change(RX, 0);
                return;
            }
            let word = block.at(DATA).get();
            if word & BROKEN == 0 {
                rx.push(word as u8);
            }
        }
    }

    fn send_on<const T: usize>(self, tx: &Ring<T>) {
        let Self(block) = self;
        while block.at(FLAGS).get() & TX_FULL == 0 {
            match tx.pop() {
                Some(byte) => block.at(DATA).set(byte.into()),
                None => return block.at(MASK).change(TX, 0),
            }
        }
        block.at(MASK).change(TX, TX);
    }
}

impl crate::ring::Kick for Uart {
    fn has_read(&self) {
        critical_section::with(|_| self.0.at(MASK).change(RX, RX));
    }

    fn has_written<const T: usize>(&self, tx: &Ring<T>) {
        critical_section::with(|_| self.send_on(tx));
    }
}
