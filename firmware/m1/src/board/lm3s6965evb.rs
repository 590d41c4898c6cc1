//! TI's LM3S6965 evaluation board, which QEMU has as `lm3s6965evb`: pins and clocks.
//!
//! | part | where |
//! | --- | --- |
//! | box | UART0, PA0 PA1, 115,200 baud |
//! | fingerprint module | UART1, PD2 PD3, 57,600 baud |
//! | log and keypad | UART2, PG0 PG1, 115,200 baud: lines go out, keys come in as `0` to `9`, `*` and `#` |
//! | clock chip | I2C0, PB2 PB3, address 0x68 |
//! | card | SSI0, PA2 PA4 PA5, chip select PD0 |
//! | display (SSD0323) | SSI0, chip select PA3, data or command PC7; in QEMU selected while the card is not |
//! | beeper, green, red | PB0, PF0 (the board's LED), PB1 |
//! | buttons for in and out | PE2 and PE3: left and right of the board's pad, in QEMU the cursor keys |

mod card_bus;
mod clock;
mod code_flash;
mod gpio;
mod i2c;
mod register;
mod ssi;
mod uart;
mod watchdog;

pub(crate) use card_bus::CardBus;
pub(crate) use clock::{Delay, now_ms, take_reset_cause};
pub(crate) use code_flash::{CodeFlash, PAGE};
pub(crate) use uart::{BoxPort, LogPort, ModulePort};
pub(crate) use watchdog::Watchdog;

use code_flash::{IMAGE, IMAGE_BYTES};
use cortex_m::Peripherals;
use cortex_m::peripheral::SCB;
use embedded_hal::spi::SpiBus as _;
use embedded_hal_bus::spi::ExclusiveDevice;
use gpio::Pin;
use muster_terminal::panel::Panel;
use register::Block;

/// Two lights, a beeper, two buttons.
pub(crate) type Pins = Panel<Pin, Pin, Pin, Pin, Pin>;
/// The bus of the clock chip.
pub(crate) type ClockBus = i2c::Bus;
/// The display on its bus.
pub(crate) type Screen = crate::screen::Screen<ssi::Bus, Pin>;

/// The board's number, as firmware images name it.
pub(crate) const BOARD: u32 = 2;

const LOG_BAUD: u32 = 115_200;
const RAM: u32 = 0x2000_0000;
const RAM_BYTES: u32 = 64 << 10;
/// Pause before something that failed is tried again, in milliseconds.
const RETRY_MS: u32 = 2_000;
/// Bytes that give a card more than the 74 clocks it wants before the first command.
const WAKE: [u8; 16] = [0xFF; 16];

/// Everything on the board.
pub(crate) struct Board {
    pub(crate) watchdog: Watchdog,
    pub(crate) to_box: BoxPort,
    pub(crate) module: ModulePort,
    pub(crate) log: LogPort,
    pub(crate) clock_bus: ClockBus,
    pub(crate) card_bus: CardBus,
    pub(crate) screen: Screen,
    pub(crate) pins: Pins,
}

impl Board {
    /// Sets clocks and pins; nothing when called a second time.
    pub(crate) fn start() -> Option<Self> {
        let core = Peripherals::take()?;
        clock::start(core.SYST);
        clock::feed_peripherals();
        let watchdog = Watchdog::start();
        gpio::to_peripheral(Block::GpioA, 0b0011_0111);
        gpio::to_peripheral(Block::GpioB, 0b0000_1100);
        gpio::to_peripheral(Block::GpioD, 0b0000_1100);
        gpio::to_peripheral(Block::GpioG, 0b0000_0011);
        let (to_box, module, log) = uart::open(115_200, 57_600, LOG_BAUD);
        let card_bus = wake_card();
        let select_screen = Pin::output(Block::GpioA, 3, true);
        let data = Pin::output(Block::GpioC, 7, true);
        let screen = Screen::new(ssi::Bus::start(), select_screen, data);
        let pins = Panel::new(
            Pin::output(Block::GpioB, 0, false),
            Pin::output(Block::GpioF, 0, false),
            Pin::output(Block::GpioB, 1, false),
            Pin::input(Block::GpioE, 2),
            Pin::input(Block::GpioE, 3),
        );
        let clock_bus = ClockBus::start();
        Some(Self { watchdog, to_box, module, log, clock_bus, card_bus, screen, pins })
    }
}

/// The card's place on the bus, with the card awake.
fn wake_card() -> CardBus {
    let select_card = Pin::output(Block::GpioD, 0, true);
    let mut bus = ssi::Bus::start();
    bus.speed(ssi::SLOW_HZ);
    let Ok(()) = bus.write(&WAKE);
    let Ok(card) = ExclusiveDevice::new(bus, select_card, Delay);
    CardBus::new(card)
}

/// What the boot loader needs of the board.
pub(crate) struct BootBoard {
    pub(crate) watchdog: Watchdog,
    pub(crate) card_bus: CardBus,
    pub(crate) code: CodeFlash,
}

impl BootBoard {
    /// Sets clocks and the pins of card and log; nothing when called a second time.
    pub(crate) fn start() -> Option<Self> {
        let core = Peripherals::take()?;
        clock::start(core.SYST);
        clock::feed_peripherals();
        let watchdog = Watchdog::start();
        gpio::to_peripheral(Block::GpioA, 0b0011_0100);
        gpio::to_peripheral(Block::GpioG, 0b0000_0011);
        uart::open_log(LOG_BAUD);
        // The display listens on the same bus: it stays deselected.
        let _ = Pin::output(Block::GpioA, 3, true);
        Some(Self { watchdog, card_bus: wake_card(), code: CodeFlash::start() })
    }
}

/// Says something on the log's port.
pub(crate) fn say(words: &str) {
    uart::say(words);
}

/// Starts anew, after a pause: what failed may be seen, and is not tried without end.
pub(crate) fn start_anew() -> ! {
    clock::pause_ms(RETRY_MS);
    SCB::sys_reset()
}

/// Starts the image, or begins anew where there is none.
pub(crate) fn start_image(code: &CodeFlash) -> ! {
    let (stack, reset) = (code.word(0), code.word(4));
    let in_ram = (RAM..=RAM + RAM_BYTES).contains(&stack) && stack.is_multiple_of(8);
    let in_image = (IMAGE..IMAGE + IMAGE_BYTES).contains(&reset);
    if in_ram && in_image {
        register::run(IMAGE);
    }
    say("boot: no image\r\n");
    start_anew()
}
