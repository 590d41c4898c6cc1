//! An M1 as the firmware's own code has it, on a line of the box.

use anyhow::{Context as _, Result, ensure};
use muster_proto::message::{Method, Outcome};
use muster_terminal::keypad::Key;
use muster_terminal::manage::Pressed;
use muster_terminal::sim::{Board, RamFlash};
use muster_tests::serial::Line;
use muster_tests::site::Site;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(2);

/// An M1 in a thread, and whoever stands before it.
pub(crate) struct Terminal {
    board: Arc<Mutex<Board>>,
    begun: Instant,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Terminal {
    pub(crate) fn start(name: &str, port: &Path, secret: &[u8; 32]) -> Result<Self> {
        let mut board =
            Board::start(name, secret, 1, RamFlash::new(64), &[]).ok().context("no board")?;
        board.manage(Site::NAME, secret, [0; 32]).ok().context("no manager")?;
        let (mut line, begun) = (Line::plug(port)?, Instant::now());
        let (board, stop) = (Arc::new(Mutex::new(board)), Arc::new(AtomicBool::new(false)));
        let (theirs, stopped) = (board.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let (mut rx, mut tx) = ([0; 512], vec![0; Board::MAX_TX]);
            while !stopped.load(Ordering::Relaxed) {
                let length = line.read(&mut rx).unwrap_or_default();
                let now_ms = begun.elapsed().as_millis() as u64;
                let mut board = theirs.lock().unwrap_or_else(PoisonError::into_inner);
                let length = board.poll(now_ms, &rx[..length], &mut tx, &[]);
                drop(board);
                line.write(&tx[..length]);
                std::thread::sleep(TICK);
            }
        });
        Ok(Self { board, begun, stop, thread: Some(thread) })
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Board, u64) -> T) -> T {
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut board, self.begun.elapsed().as_millis() as u64)
    }

    /// Somebody of this number lays a finger on it.
    pub(crate) fn punch(&self, number: &str) -> Result<()> {
        let (method, outcome) = (Method::Fingerprint, Outcome::Granted);
        let done = self.with(|board, now_ms| {
            board.terminal.punch(now_ms, Some(number), method, outcome, None, &[]).is_ok()
        });
        ensure!(done, "the terminal takes no punch");
        Ok(())
    }

    /// Whether it asks for a new PIN.
    pub(crate) fn is_asking(&self) -> bool {
        self.with(|board, _| board.manager.as_ref().is_some_and(|manager| manager.is_asking()))
    }

    /// Types number and PIN; a right one punches, as on the M1.
    pub(crate) fn types(&self, keys: &str) -> bool {
        self.with(|board, now_ms| {
            let Some(manager) = &mut board.manager else { return false };
            let mut last = Pressed::More;
            for key in keys.bytes() {
                let key = if key == b'#' { Key::Enter } else { Key::Digit(key - b'0') };
                last = manager.key(now_ms, key);
            }
            match last {
                Pressed::Chosen => true,
                Pressed::Right(user) => {
                    let (method, outcome) = (Method::Pin, Outcome::Granted);
                    let who = Some(user.number.as_str());
                    board.terminal.punch(now_ms, who, method, outcome, None, &[]).is_ok()
                }
                _ => false,
            }
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
