//! A fingerprint module on a serial port, as QEMU's pseudo-terminal: `finger PORT PAGE`. Each line
//! on standard input is a press of the finger that is stored on that page.

use muster_terminal::sim::FingerModule;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

/// How well a press matches.
const SCORE: u16 = 93;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, page] = arguments.as_slice() else { return Err(usage()) };
    let page = page.parse().map_err(|_| usage())?;
    let mut port = File::options().read(true).write(true).open(port)?;
    let mut mode = tcgetattr(&port)?;
    mode.make_raw();
    tcsetattr(&port, OptionalActions::Now, &mode)?;
    let module = Arc::new(Mutex::new(FingerModule::new([page])));
    let pressed = module.clone();
    std::thread::spawn(move || {
        for _ in io::stdin().lock().lines().map_while(Result::ok) {
            pressed.lock().unwrap_or_else(PoisonError::into_inner).press(page, SCORE);
        }
    });
    let mut bytes = [0; 256];
    loop {
        let len = port.read(&mut bytes)?;
        let sent = bytes.get(..len).unwrap_or_default();
        let answer = module.lock().unwrap_or_else(PoisonError::into_inner).exchange(sent);
        port.write_all(&answer)?;
    }
}

fn usage() -> io::Error {
    io::Error::other("usage: finger PORT PAGE")
}
