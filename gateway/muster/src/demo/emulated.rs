//! The M1's bare-metal image in QEMU, its serial port carried to the box's pseudo-terminal.

use super::pty::{Counted, M1, Pty};
use super::terminals::ADDRESS;
use crate::command::card::{self, Owner};
use anyhow::{Context as _, Result, bail};
use muster_intake::authority::Credentials;
use muster_terminal::sim::{EMULATOR, Emulator, FingerModule, Setup};
use muster_terminal::terminal::User;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

/// Where `firmware/build` puts the image, below the project's folder.
const BUILT: &str = "firmware/m1/target/thumbv7m-none-eabi/release/muster-m1.flash";
/// Pause between two looks at both ends of the line.
const TICK: Duration = Duration::from_millis(1);
/// How long a start may take.
const START: Duration = Duration::from_secs(30);
const CARD_MEBIBYTES: u32 = 1;
const SCORE: u16 = 97;

/// The image: as named, else where it is built, seen from here or from the program's own folder.
pub(super) fn find(named: Option<&Path>) -> Result<PathBuf> {
    let program = std::env::current_exe().unwrap_or_default();
    let mut places: Vec<PathBuf> = program.ancestors().map(|folder| folder.join(BUILT)).collect();
    places.insert(0, BUILT.into());
    let found = match named {
        Some(file) => Some(file.to_owned()).filter(|file| file.is_file()),
        None => places.into_iter().find(|file| file.is_file()),
    };
    found.with_context(|| {
        let place = named.unwrap_or(Path::new(BUILT)).display();
        format!("no M1 image at {place}: build it with firmware/build m1, or name one with --image")
    })
}

/// Makes the M1's card in `folder` and switches it on.
pub(super) fn start(
    folder: &Path,
    image: &Path,
    line: Pty,
    made: &Credentials,
    users: &[(u16, &str)],
) -> Result<M1> {
    let (name, secret_hex) = (&made.name, &made.secret_hex);
    let owner = Owner { name, secret_hex, address: ADDRESS, site: "" };
    let user = |&(page, number): &(u16, _)| (page, User { number, duress: false });
    let listed: Vec<_> = users.iter().map(user).collect();
    let file = folder.join("m1.img");
    crate::store::write_private(&file, &card::make(&owner, &listed, None, CARD_MEBIBYTES)?)?;
    let setup = Setup { image: image.to_owned(), card: file, sockets: folder.to_owned() };
    let module = Arc::new(Mutex::new(FingerModule::new(users.iter().map(|(page, _)| *page))));
    let started = Emulator::start(&setup, &module);
    let (machine, stream) = started.map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow::anyhow!(
            "{EMULATOR} is not installed: on Debian, apt-get install qemu-system-arm"
        ),
        _ => error.into(),
    })?;
    let ready = machine.wait(START, |seen| {
        seen.lines.iter().any(|(_, line)| line.starts_with("ready ")).then_some(())
    });
    if ready.is_none() {
        let said: Vec<_> = machine.seen().lines.iter().map(|(_, line)| line.clone()).collect();
        bail!("the M1 does not come into service: {}", said.join("; "));
    }
    Ok(M1::live(move |counted, pressed, stop| {
        Life { machine, module, stream, line, counted, pressed }.run(stop);
    }))
}

struct Life {
    machine: Emulator,
    module: Arc<Mutex<FingerModule>>,
    stream: UnixStream,
    line: Pty,
    counted: Arc<Counted>,
    pressed: mpsc::Receiver<u16>,
}

impl Life {
    fn run(mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            carry(&mut self.line.master, &mut self.stream);
            carry(&mut self.stream, &mut self.line.master);
            let mut module = lock(&self.module);
            if module.is_free()
                && let Ok(page) = self.pressed.try_recv()
            {
                module.press(page, SCORE);
            }
            drop(module);
            self.count();
            thread::sleep(TICK);
        }
    }

    /// From the newest lines of the machine's own log: `stored BOOT/NUMBER …`, `receipted COUNT`.
    fn count(&self) {
        let seen = self.machine.seen();
        let newest = |word| {
            let mut lines = seen.lines.iter().rev();
            lines.find_map(|(_, line)| line.strip_prefix(word))
        };
        let stored = newest("stored ").and_then(|rest| rest.split_once('/'));
        let stored = stored.and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
        let receipted = newest("receipted ").and_then(|count| count.parse().ok());
        self.counted.punches.store(stored.unwrap_or(0), Ordering::Relaxed);
        self.counted.receipted.store(receipted.unwrap_or(0), Ordering::Relaxed);
    }
}

/// What one end has said goes to the other; a full line loses bytes, as a wire does.
fn carry(from: &mut impl Read, to: &mut impl Write) {
    let mut bytes = [0; 4096];
    if let Ok(len @ 1..) = from.read(&mut bytes) {
        let _ = to.write_all(bytes.get(..len).unwrap_or_default());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
