//! An M1 on a pseudo-terminal: the firmware's own code on simulated parts, in a thread of its own.

use super::leak::Canaries;
use super::terminals::random_bytes;
use anyhow::Result;
use muster_proto::message::{Evidence, EvidenceKind};
use muster_terminal::sim::{Board, RamFlash};
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// Pause between two looks of the board; its serial buffer holds far more.
const TICK: Duration = Duration::from_millis(4);
/// Sectors of its flash.
const SECTORS: usize = 64;
const TEMPLATE: usize = 256;

/// The two ends of a pseudo-terminal; the box opens the path as a serial port.
pub(super) struct Pty {
    pub(super) master: File,
    /// Kept open, so that the line does not hang up while the box is not there.
    _slave: File,
    pub(super) path: PathBuf,
}

impl Pty {
    pub(super) fn open() -> Result<Self> {
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let path = PathBuf::from(
            rustix::pty::ptsname(&master, Vec::new())?.to_string_lossy().into_owned(),
        );
        let slave = rustix::fs::open(&path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty())?;
        let mut attributes = rustix::termios::tcgetattr(&slave)?;
        attributes.make_raw();
        rustix::termios::tcsetattr(&slave, rustix::termios::OptionalActions::Now, &attributes)?;
        let flags = rustix::fs::fcntl_getfl(&master)?;
        rustix::fs::fcntl_setfl(&master, flags | OFlags::NONBLOCK)?;
        Ok(Self { master: master.into(), _slave: slave.into(), path })
    }
}

/// What the terminal itself has counted.
#[derive(Default)]
pub(super) struct Counted {
    pub(super) punches: AtomicU64,
    pub(super) receipted: AtomicU64,
    pub(super) evidence_bytes: AtomicU64,
}

/// A running M1.
pub(super) struct M1 {
    pub(super) counted: Arc<Counted>,
    fingers: mpsc::Sender<u16>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl M1 {
    /// Switches on the M1 `name`; `users` are finger pages with the numbers of their people.
    pub(super) fn start(
        pty: Pty,
        name: &str,
        secret: &[u8; 32],
        address: u8,
        users: &[(u16, &str)],
        canaries: Arc<Canaries>,
    ) -> Result<Self> {
        let board = Board::start(name, secret, address, RamFlash::new(SECTORS), users)?;
        Ok(Self::live(move |counted, pressed, stop| {
            Life { board, pty, counted, canaries, pressed }.run(stop);
        }))
    }

    /// An M1 that lives in a thread: it gets where to count, the fingers that are pressed, and
    /// when to stop.
    pub(super) fn live(
        life: impl FnOnce(Arc<Counted>, mpsc::Receiver<u16>, &AtomicBool) + Send + 'static,
    ) -> Self {
        let counted = Arc::new(Counted::default());
        let stop = Arc::new(AtomicBool::new(false));
        let (fingers, pressed) = mpsc::channel();
        let (theirs, stopped) = (counted.clone(), stop.clone());
        let thread = thread::spawn(move || life(theirs, pressed, &stopped));
        Self { counted, fingers, stop, thread: Some(thread) }
    }

    /// Puts a finger on the glass.
    pub(super) fn press(&self, page: u16) {
        let _ = self.fingers.send(page);
    }
}

impl Drop for M1 {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Life {
    board: Board,
    pty: Pty,
    counted: Arc<Counted>,
    canaries: Arc<Canaries>,
    pressed: mpsc::Receiver<u16>,
}

impl Life {
    fn run(mut self, stop: &AtomicBool) {
        let start = Instant::now();
        let (mut rx, mut tx) = (vec![0; 4096], vec![0; Board::MAX_TX]);
        let mut template = self.template();
        while !stop.load(Ordering::Relaxed) {
            if !self.board.module.is_pressed()
                && let Ok(page) = self.pressed.try_recv()
            {
                self.board.module.press(page, 97);
            }
            let received = match self.pty.master.read(&mut rx) {
                Ok(count) => count,
                Err(e) if e.kind() == ErrorKind::WouldBlock => 0,
                Err(_) => 0,
            };
            let now_ms = start.elapsed().as_millis() as u64;
            let evidence =
                [Evidence { kind: EvidenceKind::FingerprintTemplate, media: "", data: &template }];
            let length = self.board.poll(now_ms, &rx[..received], &mut tx, &evidence);
            self.send(&tx[..length]);
            if self.count(template.len()) {
                template = self.template();
            }
            thread::sleep(TICK);
        }
    }

    /// A synthetic template: unique random bytes, remembered as a canary.
    fn template(&self) -> Vec<u8> {
        let template = random_bytes(TEMPLATE.min(Board::MAX_TEMPLATE));
        self.canaries.plant(&template);
        template
    }

    /// A full line loses bytes, as a wire does; the terminal sends again.
    fn send(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.pty.master.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(_) => return,
            }
        }
    }

    /// True if there is a new punch.
    fn count(&self, evidence: usize) -> bool {
        let counts = self.board.terminal.counts();
        let before = self.counted.punches.swap(counts.stored, Ordering::Relaxed);
        self.counted.receipted.store(counts.receipted, Ordering::Relaxed);
        let new = counts.stored - before;
        self.counted.evidence_bytes.fetch_add(new * evidence as u64, Ordering::Relaxed);
        new > 0
    }
}
