//! The terminal on a serial port.

use crate::clock::Clock;
use crate::manage::Admin;
use crate::panel::Panel;
use crate::terminal::Terminal;
use embedded_hal::digital::{InputPin, OutputPin};
use embedded_io::{Read, ReadReady, Write};
use embedded_storage::nor_flash::NorFlash;

/// Bytes taken from the port at once.
const CHUNK: usize = 64;

/// Does once what is to be done now: reads what has come, writes the answer, and marks in flash what
/// was receipted while the port sends. Call it in a
/// loop; it waits for nothing but the port taking bytes. `admin` is whoever manages it, `tx` as in
/// [`Terminal::poll`].
pub fn step<F, C, B, G, R, I, O, S, const SLOT: usize>(
    terminal: &mut Terminal<F, C, Panel<B, G, R, I, O>, SLOT>,
    port: &mut S,
    now_ms: u64,
    admin: &mut impl Admin,
    tx: &mut [u8],
) -> Result<(), S::Error>
where
    F: NorFlash,
    C: Clock,
    B: OutputPin,
    G: OutputPin,
    R: OutputPin,
    I: InputPin,
    O: InputPin,
    S: Read + ReadReady + Write,
{
    let mut rx = [0; CHUNK];
    let taken = if port.read_ready()? { port.read(&mut rx)? } else { 0 };
    let len = terminal.poll_with(now_ms, rx.get(..taken).unwrap_or_default(), tx, admin);
    if let Some(answer) = tx.get(..len).filter(|answer| !answer.is_empty()) {
        port.write_all(answer)?;
    }
    terminal.settle();
    Ok(())
}
