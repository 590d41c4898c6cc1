//! An M1 terminal on a pseudo-terminal: the firmware's own code on simulated parts. It keeps its
//! punches in simulated flash, so they outlive gateway, line and its own power.

use crate::device::lock;
use crate::punch::{Punch, punch};
use crate::random::Random;
use anyhow::{Context as _, Result, bail, ensure};
use muster_proto::message::{Direction, Evidence, EvidenceKind, Method, Outcome, Stamp};
use muster_terminal::sim::{Board, RamFlash};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Sectors of flash: some hundred punches.
const SECTORS: usize = 64;
/// How often the board is polled.
const POLL: Duration = Duration::from_millis(2);
/// Its address on the line.
const ADDRESS: u8 = 1;

/// A serial line with our end in hand; the other end has a path that stays over replugging, as
/// under `/dev/serial/by-id`.
#[derive(Debug)]
pub struct Line {
    path: PathBuf,
    ours: File,
}

impl Line {
    /// Plugs a new line in at `path`.
    pub fn plug(path: &Path) -> Result<Self> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let mut mode = tcgetattr(&ours)?;
        mode.make_raw();
        tcsetattr(&ours, OptionalActions::Now, &mode)?;
        fcntl_setfl(&ours, fcntl_getfl(&ours)? | OFlags::NONBLOCK)?;
        let name = ptsname(&ours, Vec::new())?;
        let theirs = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes())).to_owned();
        let new = path.with_extension("new");
        // It may be left from before.
        let _ = std::fs::remove_file(&new);
        std::os::unix::fs::symlink(theirs, &new)?;
        std::fs::rename(&new, path)?;
        Ok(Self { path: path.to_owned(), ours: ours.into() })
    }

    /// What has come; plugs in anew where the other end was closed.
    pub fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        match self.ours.read(bytes) {
            Ok(len) => Ok(len),
            Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(_) => {
                *self = Self::plug(&self.path)?;
                Ok(0)
            }
        }
    }

    /// Sends; what a full line does not take is lost, as on a wire.
    pub fn write(&mut self, bytes: &[u8]) {
        let _ = self.ours.write_all(bytes);
    }
}

/// A running M1.
#[derive(Debug)]
pub struct M1 {
    name: String,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stored: Mutex<BTreeMap<(u32, u64), u64>>,
    waiting: AtomicU64,
    refused: AtomicU64,
    drain: AtomicBool,
    stop: AtomicBool,
    failed: Mutex<Option<String>>,
}

/// What an M1 is started with.
pub struct Wiring {
    /// Its name.
    pub name: String,
    /// The folder that `muster device pair` wrote.
    pub credentials: PathBuf,
    /// The path of the line.
    pub port: PathBuf,
    /// Chooses when it punches and when its power fails.
    pub random: Random,
    /// What its punches are made from.
    pub seed: u64,
    /// Mean pause between two punches.
    pub pause: Duration,
}

impl M1 {
    /// Plugs the line in and switches the terminal on.
    pub fn start(wiring: Wiring) -> Result<Self> {
        let secret = secret(&wiring.credentials)?;
        let line = Line::plug(&wiring.port)?;
        let shared = Arc::new(Shared::default());
        let (name, theirs) = (wiring.name.clone(), shared.clone());
        let thread = std::thread::spawn(move || {
            if let Err(error) = Running::run(wiring, secret, line, &theirs) {
                lock(&theirs.failed).get_or_insert(format!("{error:#}"));
            }
        });
        Ok(Self { name, shared, thread: Some(thread) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every punch that it beeped for, with the number its content was made from.
    pub fn stored(&self) -> BTreeMap<(u32, u64), u64> {
        lock(&self.shared.stored).clone()
    }

    /// Punches that the box refused for good.
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(SeqCst)
    }

    /// Makes no more punches and waits until all have their receipt.
    pub fn drain(&self, limit: Duration) -> Result<()> {
        self.shared.drain.store(true, SeqCst);
        let asked = Instant::now();
        // One more poll: a punch may just be being stored.
        std::thread::sleep(POLL * 10);
        while self.shared.waiting.load(SeqCst) > 0 {
            self.check()?;
            let waiting = self.shared.waiting.load(SeqCst);
            ensure!(asked.elapsed() < limit, "{}: {waiting} without receipt", self.name);
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// An error where the terminal itself failed.
    pub fn check(&self) -> Result<()> {
        match &*lock(&self.shared.failed) {
            Some(what) => bail!("{}: {what}", self.name),
            None => Ok(()),
        }
    }
}

impl Drop for M1 {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
        if let Some(thread) = self.thread.take() {
            // Its panic was printed when it came.
            let _ = thread.join();
        }
    }
}

/// The punch that an M1 makes of this number: fingerprints of people.
pub fn m1_punch(seed: u64, name: &str, number: u64) -> Punch {
    let person = Some(format!("{:05}", number % 150));
    Punch { person, method: "fingerprint", outcome: "granted", ..punch(seed, name, 1, number) }
}

/// What runs in the thread.
struct Running {
    wiring: Wiring,
    secret: [u8; 32],
    board: Board,
    number: u64,
    began: Instant,
}

impl Running {
    fn run(wiring: Wiring, secret: [u8; 32], mut line: Line, shared: &Shared) -> Result<()> {
        let board = Self::switch_on(&wiring.name, &secret, RamFlash::new(SECTORS))?;
        let mut me = Self { wiring, secret, board, number: 0, began: Instant::now() };
        let (mut rx, mut tx) = ([0; 512], vec![0; Board::MAX_TX]);
        let mut due = Instant::now();
        while !shared.stop.load(SeqCst) {
            let len = line.read(&mut rx)?;
            let got = rx.get(..len).unwrap_or_default();
            let len = me.board.poll(me.now_ms(), got, &mut tx, &[]);
            line.write(tx.get(..len).unwrap_or_default());
            if Instant::now() >= due && !shared.drain.load(SeqCst) {
                due = Instant::now() + me.wiring.random.duration(me.wiring.pause * 2);
                me.punch(shared);
                if me.wiring.random.one_in(100) {
                    me = me.power_cycle()?;
                }
            }
            shared.waiting.store(u64::from(me.board.terminal.waiting()), SeqCst);
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    fn switch_on(name: &str, secret: &[u8; 32], flash: RamFlash) -> Result<Board> {
        let board = Board::start(name, secret, ADDRESS, flash, &[]);
        board.map_err(|e| anyhow::anyhow!("the terminal does not start: {e}"))
    }

    fn power_cycle(self) -> Result<Self> {
        let Self { wiring, secret, board, number, began } = self;
        let board = Self::switch_on(&wiring.name, &secret, board.power_off())?;
        Ok(Self { wiring, secret, board, number, began })
    }

    fn now_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    /// Makes a punch; one that does not fit the flash is refused at the terminal, and is none.
    fn punch(&mut self, shared: &Shared) {
        let (now_ms, number) = (self.now_ms(), self.number + 1);
        let made = m1_punch(self.wiring.seed, &self.wiring.name, number);
        let evidence: Vec<_> = made.evidence.iter().map(|(_, data)| template(data)).collect();
        let stamp = self.board.terminal.punch(
            now_ms,
            made.person.as_deref(),
            Method::Fingerprint,
            Outcome::Granted,
            made.direction.map(|d| if d == "in" { Direction::In } else { Direction::Out }),
            &evidence,
        );
        if let Ok(Stamp { boot, seq }) = stamp {
            self.number = number;
            lock(&shared.stored).insert((boot, seq), number);
        }
        shared.refused.store(self.board.terminal.counts().refused, SeqCst);
    }
}

fn template(data: &[u8]) -> Evidence<'_> {
    Evidence { kind: EvidenceKind::FingerprintTemplate, media: "", data }
}

/// The pairing secret, in hex in the credentials.
pub fn secret(credentials: &Path) -> Result<[u8; 32]> {
    let text = std::fs::read_to_string(credentials.join("device.secret"))?;
    let text = text.trim();
    let byte = |i: usize| text.get(2 * i..2 * i + 2).and_then(|s| u8::from_str_radix(s, 16).ok());
    let bytes: Option<Vec<u8>> = (0..32).map(byte).collect();
    bytes.and_then(|b| b.try_into().ok()).context("the pairing secret is not 64 hex digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_plugged_in_again_when_the_other_end_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tty");
        let mut line = Line::plug(&path).unwrap();
        let mut bytes = [0; 16];
        for word in [b"one", b"two"] {
            let mut theirs = File::options().read(true).write(true).open(&path).unwrap();
            theirs.write_all(word).unwrap();
            let begun = Instant::now();
            while line.read(&mut bytes).unwrap() == 0 {
                assert!(begun.elapsed() < Duration::from_secs(5));
            }
            assert_eq!(&bytes[..3], word);
            let before = std::fs::read_link(&path).unwrap();
            drop(theirs);
            assert_eq!(line.read(&mut bytes).unwrap(), 0);
            assert_ne!(std::fs::read_link(&path).unwrap(), before);
        }
    }
}
