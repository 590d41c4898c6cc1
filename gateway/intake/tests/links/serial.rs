//! Serial lines: pseudo-terminals with the protocol's own terminal at the far end.

use super::sealed::{keys, punch};
use super::setting::Site;
use super::tls::pair;
use muster_intake::{Config, Intake, SerialConfig};
use muster_ledger::DeviceKind;
use muster_proto::message::{CheckIn, ClockState, DeviceKind as Kind, LocalTime, Stamp};
use muster_proto::terminal::{About, Backlog, Event, Link, Queue, Which};
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const BOOT: u32 = 3;

/// A pseudo-terminal: the box opens `path`, the terminals have `master`.
struct Pty {
    master: File,
    _slave: File,
    path: PathBuf,
}

impl Pty {
    fn open() -> Self {
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&master).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let name = rustix::pty::ptsname(&master, Vec::new()).unwrap();
        let path = PathBuf::from(name.to_str().unwrap());
        let slave = rustix::fs::open(&path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let mut raw = rustix::termios::tcgetattr(&slave).unwrap();
        raw.make_raw();
        rustix::termios::tcsetattr(&slave, rustix::termios::OptionalActions::Now, &raw).unwrap();
        let flags = rustix::fs::fcntl_getfl(&master).unwrap();
        rustix::fs::fcntl_setfl(&master, flags | OFlags::NONBLOCK).unwrap();
        Self { master: master.into(), _slave: slave.into(), path }
    }
}

/// Punches 1 to `count`, and which of them have a receipt.
struct Memory {
    count: u64,
    receipted: BTreeSet<u64>,
}

impl Queue for Memory {
    fn next(&mut self, after: Stamp, which: Which) -> Option<Stamp> {
        let waits = |seq: &u64| which == Which::Kept || !self.receipted.contains(seq);
        let seq =
            (1..=self.count).find(|seq| Stamp { boot: BOOT, seq: *seq } > after && waits(seq));
        seq.map(|seq| Stamp { boot: BOOT, seq })
    }

    fn read<'b>(&mut self, stamp: Stamp, _buf: &'b mut [u8]) -> Option<CheckIn<'b>> {
        Some(punch(BOOT, stamp.seq, "00017"))
    }

    fn receipted(&mut self, stamp: Stamp) {
        self.receipted.insert(stamp.seq);
    }

    fn backlog(&mut self) -> Backlog {
        let oldest = self.next(Stamp::default(), Which::Waiting);
        let waiting = self.count as u32 - self.receipted.len() as u32;
        Backlog { next_seq: self.count + 1, oldest, waiting }
    }
}

struct Terminal {
    link: Link<256, 1024>,
    queue: Memory,
}

/// Terminals on one line, in a thread, until dropped.
struct Bench {
    done: Arc<AtomicUsize>,
    welcomed: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Bench {
    /// Runs `terminals` on `pty`; with `noise`, rubbish comes before every answer.
    fn run(mut pty: Pty, mut terminals: Vec<Terminal>, noise: bool) -> Self {
        let (done, welcomed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let stop = Arc::new(AtomicBool::new(false));
        let shared = (done.clone(), welcomed.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let (done, welcomed, stop) = shared;
            let (start, mut rx, mut tx) = (Instant::now(), [0; 512], [0; 4200]);
            while !stop.load(Ordering::Relaxed) {
                let count = pty.master.read(&mut rx).unwrap_or(0);
                let now = start.elapsed().as_millis() as u64;
                for terminal in &mut terminals {
                    let mut bytes = &rx[..count];
                    while !bytes.is_empty() {
                        let (taken, event) = terminal.link.receive(now, bytes, &mut terminal.queue);
                        bytes = &bytes[taken..];
                        if let Some(Event::Welcome { .. }) = event {
                            welcomed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    let about = About {
                        device: Kind::M1,
                        clock: ClockState::Ok,
                        at: LocalTime { seconds: 0, offset_minutes: 0 },
                        firmware: "1.0",
                    };
                    let length = terminal.link.speak(now, &about, &mut terminal.queue, &mut tx);
                    if noise && length > 0 {
                        let _ = pty.master.write_all(&[0x55, 0xAA, 0x00, 0x07]);
                    }
                    let _ = pty.master.write_all(&tx[..length]);
                }
                let all = terminals.iter().map(|t| t.queue.receipted.len()).sum();
                done.store(all, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Self { done, welcomed, stop, thread: Some(thread) }
    }

    async fn receipted(&self, count: usize) {
        for _ in 0..3000 {
            if self.done.load(Ordering::Relaxed) >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} of {count} receipted", self.done.load(Ordering::Relaxed));
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

async fn terminal(site: &Site, name: &str, address: u8, count: u64) -> Terminal {
    let login = pair(site, name, DeviceKind::M1, None).await;
    let link = Link::new(address, keys(&login), BOOT);
    Terminal { link, queue: Memory { count, receipted: BTreeSet::new() } }
}

fn port(path: &Path, addresses: &[u8]) -> SerialConfig {
    SerialConfig {
        port: path.to_owned(),
        baud: 115_200,
        addresses: addresses.to_vec(),
        rs485: true,
    }
}

async fn start(site: &Site, serial: Vec<SerialConfig>) -> Intake {
    site.start(Config { serial, ..Config::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn several_terminals_share_a_noisy_line_and_a_dead_port_hurts_nobody() {
    let site = Site::new();
    let pty = Pty::open();
    let missing = site.data.path().join("no-such-port");
    let intake = start(&site, vec![port(&missing, &[]), port(&pty.path, &[1, 7, 9])]).await;
    let terminals =
        vec![terminal(&site, "gate-1", 1, 40).await, terminal(&site, "gate-7", 7, 40).await];
    let bench = Bench::run(pty, terminals, true);
    bench.receipted(80).await;
    site.has_receipted(80).await;
    assert_eq!(bench.welcomed.load(Ordering::Relaxed), 2);
    let status = intake.status().serial;
    assert!(!status[0].open && status[0].cause.is_some(), "{status:?}");
    assert!(status[1].open && status[1].answering == [1, 7], "{status:?}");
    assert!(status[1].damaged > 0 && status[1].frames >= 80, "{status:?}");
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unplugged_port_is_opened_again() {
    let site = Site::new();
    let by_id = site.data.path().join("by-id");
    let first = Pty::open();
    std::os::unix::fs::symlink(&first.path, &by_id).unwrap();
    let intake = start(&site, vec![port(&by_id, &[])]).await;
    let bench = Bench::run(first, vec![terminal(&site, "gate-1", 1, 5).await], false);
    bench.receipted(5).await;
    drop(bench);
    let second = Pty::open();
    std::fs::remove_file(&by_id).unwrap();
    std::os::unix::fs::symlink(&second.path, &by_id).unwrap();
    // Another terminal now, at an address that only its pairing tells.
    let other = pair_at(&site, "gate-5", 5).await;
    let bench = Bench::run(second, vec![other], false);
    bench.receipted(5).await;
    site.has_receipted(10).await;
    assert!(intake.status().serial[0].opened >= 2);
    intake.stop().await;
}

async fn pair_at(site: &Site, name: &str, address: u8) -> Terminal {
    use muster_intake::authority::{Authority, Pairing};
    let keyring = site.ledger.keyring();
    let pairing =
        Pairing { name: name.into(), kind: DeviceKind::M1, carrier: None, address: Some(address) };
    let authority = Authority::open(&keyring).unwrap();
    let login = authority.pair(&site.ledger.devices(), &keyring, pairing).await.unwrap();
    let link = Link::new(address, keys(&login), BOOT);
    Terminal { link, queue: Memory { count: 5, receipted: BTreeSet::new() } }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_never_answered() {
    let site = Site::new();
    let elsewhere = Site::new();
    let pty = Pty::open();
    let intake = start(&site, vec![port(&pty.path, &[1, 2])]).await;
    pair(&site, "gate-1", DeviceKind::M1, None).await;
    // The right name with another secret, and a name that is not known.
    let forged = terminal(&elsewhere, "gate-1", 1, 3).await;
    let unknown = terminal(&elsewhere, "gate-2", 2, 3).await;
    let bench = Bench::run(pty, vec![forged, unknown], false);
    let mut reasons: Vec<String> = Vec::new();
    for _ in 0..500 {
        let refused = site.ledger.status().refused;
        reasons = refused.keys().cloned().collect();
        if refused.len() >= 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(reasons, ["not-authentic", "unknown-device"]);
    assert_eq!(bench.done.load(Ordering::Relaxed), 0);
    site.has_receipted(0).await;
    intake.stop().await;
}
