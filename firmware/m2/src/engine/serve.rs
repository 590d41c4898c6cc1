//! An [`Engine`] made into the process that the terminal spawns.

use super::wire::{Decoder, Message, WireError, write};
use super::{Engine, EngineError};
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long one sighting is waited for before the socket is looked at.
const PATIENCE: Duration = Duration::from_millis(100);

/// Connects to the terminal's socket, says `name`, and passes on what `engine` sees until the
/// terminal hangs up.
pub fn serve(name: &str, engine: &mut impl Engine, socket: &Path) -> Result<(), EngineError> {
    let mut stream = UnixStream::connect(socket)?;
    write(&Message::Ready { name: name.to_owned() }, &mut stream)?;
    let mut decoder = Decoder::default();
    expect(&mut stream, &mut decoder, |message| matches!(message, Message::Start))?;
    loop {
        let Some(mut sighting) = engine.next(PATIENCE)? else {
            if is_gone(&mut stream, &mut decoder)? {
                return Ok(());
            }
            continue;
        };
        if let Some(frame) = sighting.frame.take() {
            write(&Message::Frame(frame), &mut stream)?;
        }
        write(&Message::Result(sighting), &mut stream)?;
        let mut shown = None;
        expect(&mut stream, &mut decoder, |message| {
            if let Message::Shown(what) = message {
                shown = Some(*what);
            }
            shown.is_some()
        })?;
        shown.map_or(Ok(()), |what| engine.shown(what))?;
    }
}

/// Waits for the one message that may come now.
fn expect(
    stream: &mut UnixStream,
    decoder: &mut Decoder,
    mut is_it: impl FnMut(&Message) -> bool,
) -> Result<(), EngineError> {
    stream.set_read_timeout(None)?;
    loop {
        match decoder.take()? {
            Some(message) if is_it(&message) => return Ok(()),
            Some(_) => return Err(WireError::Value("order").into()),
            None if !decoder.read(stream)? => {
                return Err(std::io::Error::from(ErrorKind::UnexpectedEof).into());
            }
            None => {}
        }
    }
}

/// Whether the terminal has hung up.
fn is_gone(stream: &mut UnixStream, decoder: &mut Decoder) -> Result<bool, EngineError> {
    stream.set_read_timeout(Some(Duration::from_millis(1)))?;
    match decoder.read(stream) {
        Ok(more) => Ok(!more),
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
