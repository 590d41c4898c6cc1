//! A display with an SSD0323: six rows of 21 characters, of which one is drawn at a time.
#![forbid(unsafe_code)]

use core::convert::Infallible;
use embedded_graphics::Pixel;
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::ascii::FONT_6X10;
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::{DrawTarget, Drawable as _, OriginDimensions, Point, Size};
use embedded_graphics::text::{Baseline, Text};
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiBus;

/// Rows of text.
pub(crate) const ROWS: usize = 6;
/// Characters in a row.
pub(crate) const COLUMNS: usize = 21;
/// One row of text; what is longer is cut off.
pub(crate) type Row = heapless::String<COLUMNS>;

const WIDTH: usize = 128;
const ROW_HEIGHT: usize = 10;
/// Two pixels of four bits in a byte.
const ROW_BYTES: usize = WIDTH / 2;

const SET_COLUMNS: u8 = 0x15;
const SET_ROWS: u8 = 0x75;
/// Off; contrast; full current; remap of lines and nibbles as this panel is wired; first line and
/// offset 0; normal; 64 lines; timings and voltages as its data sheet has them; on.
const START: [u8; 25] = [
    0xAE, 0x81, 0x3F, 0x86, 0xA0, 0x52, 0xA1, 0x00, 0xA2, 0x00, 0xA4, 0xA8, 0x3F, 0xB1, 0x22, 0xB2,
    0x46, 0xB3, 0x41, 0xBF, 0x0D, 0xBE, 0x00, 0xE3, 0xAF,
];

/// The display. A bus or pin that fails leaves it as it was: it shows, and decides nothing.
pub(crate) struct Screen<S, P> {
    bus: S,
    select: P,
    data: P,
    shown: [Option<Row>; ROWS],
}

impl<S: SpiBus, P: OutputPin> Screen<S, P> {
    /// The display on this bus, selected when `select` is low; `data` is low for commands.
    pub(crate) fn new(bus: S, select: P, data: P) -> Self {
        Self { bus, select, data, shown: [const { None }; ROWS] }
    }

    /// Switches it on, dark. Whatever else is on the bus must be deselected.
    pub(crate) fn start(&mut self) {
        self.send(false, &START);
        self.send(false, &[SET_COLUMNS, 0, 63, SET_ROWS, 0, 63]);
        (0..64).for_each(|_| self.send(true, &[0; ROW_BYTES]));
    }

    /// Draws the first of these rows that shows something else, if there is one.
    pub(crate) fn show(&mut self, rows: &[Row; ROWS]) {
        let changed =
            rows.iter().zip(&self.shown).position(|(row, shown)| Some(row) != shown.as_ref());
        let Some(number) = changed else { return };
        let (Some(row), Some(shown)) = (rows.get(number), self.shown.get_mut(number)) else {
            return;
        };
        *shown = Some(row.clone());
        let mut strip = Strip { bytes: [0; ROW_BYTES * ROW_HEIGHT] };
        let style = MonoTextStyle::new(&FONT_6X10, BinaryColor::On);
        let Ok(_) = Text::with_baseline(row, Point::zero(), style, Baseline::Top).draw(&mut strip);
        let top = (number * ROW_HEIGHT) as u8;
        self.send(false, &[SET_COLUMNS, 0, 63, SET_ROWS, top, top + ROW_HEIGHT as u8 - 1]);
        self.send(true, &strip.bytes);
    }

    fn send(&mut self, data: bool, bytes: &[u8]) {
        let _ = self.data.set_state(data.into());
        let _ = self.select.set_low();
        let _ = self.bus.write(bytes);
        let _ = self.bus.flush();
        let _ = self.select.set_high();
    }
}

/// The pixels of one row.
struct Strip {
    bytes: [u8; ROW_BYTES * ROW_HEIGHT],
}

impl OriginDimensions for Strip {
    fn size(&self) -> Size {
        Size::new(WIDTH as u32, ROW_HEIGHT as u32)
    }
}

impl DrawTarget for Strip {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        for Pixel(Point { x, y }, color) in pixels {
            let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { continue };
            let byte = self.bytes.get_mut(y * ROW_BYTES + x / 2).filter(|_| x < WIDTH);
            let nibble = if x % 2 == 0 { 0xF0 } else { 0x0F };
            match (byte, color) {
                (Some(byte), BinaryColor::On) => *byte |= nibble,
                (Some(byte), BinaryColor::Off) => *byte &= !nibble,
                (None, _) => {}
            }
        }
        Ok(())
    }
}
