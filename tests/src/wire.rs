//! A wire between two serial ends with what wires do: it has a speed, it can be cut, and now and
//! then a byte is wrong.

use crate::random::Random;
use crate::serial::Line;
use anyhow::Result;
use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::device::lock;

/// One byte at 115,200 baud: ten bits.
const BYTE: Duration = Duration::from_nanos(86_806);
/// How often the ends are looked at.
const TICK: Duration = Duration::from_micros(300);
/// Bytes on the way in one direction; more than any frame.
const MOST: usize = 4096;

/// How the wire is.
#[derive(Debug, Default)]
pub struct Wire {
    /// Nothing passes.
    pub cut: AtomicBool,
    /// Bytes take no time: for what is not about time.
    pub fast: AtomicBool,
    /// One byte of so many is wrong; 0 for none.
    pub noise: AtomicU64,
    /// Put on the line towards the terminal as soon as it is free.
    pub garbage: Mutex<Vec<u8>>,
    /// Put on the line towards the box.
    pub garbage_up: Mutex<Vec<u8>>,
    /// Bytes that arrived at the box.
    pub carried: AtomicU64,
    /// Bytes that arrived at the terminal.
    pub carried_down: AtomicU64,
    /// All frames towards the terminal since somebody began to record.
    pub recorded: Mutex<Option<Vec<u8>>>,
    /// The same towards the box.
    pub recorded_up: Mutex<Option<Vec<u8>>>,
    terminal: Mutex<Option<UnixStream>>,
    stop: AtomicBool,
}

/// A wire with its thread.
#[derive(Debug)]
pub struct Wired {
    wire: Arc<Wire>,
    thread: Option<JoinHandle<()>>,
}

impl Wired {
    /// A wire that ends at this line on the side of the box, and nowhere yet on the other.
    pub fn new(line: Line, seed: u64) -> Self {
        let wire = Arc::new(Wire::default());
        let theirs = wire.clone();
        let thread = std::thread::spawn(move || carry(line, &theirs, Random::new(seed)));
        Self { wire, thread: Some(thread) }
    }

    /// How it is.
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Connects a terminal, or none.
    pub fn connect(&self, terminal: Option<UnixStream>) {
        *lock(&self.wire.terminal) = terminal;
    }
}

impl Drop for Wired {
    fn drop(&mut self) {
        self.wire.stop.store(true, SeqCst);
        if let Some(thread) = self.thread.take() {
            // Its panic was printed when it came.
            let _ = thread.join();
        }
    }
}

/// One direction: bytes, each with when it arrives.
#[derive(Default)]
struct Lane {
    bytes: VecDeque<(Instant, u8)>,
    free: Option<Instant>,
}

impl Lane {
    fn room(&self) -> usize {
        MOST.saturating_sub(self.bytes.len())
    }

    fn send(&mut self, bytes: &[u8], wire: &Wire) {
        let each = if wire.fast.load(SeqCst) { Duration::ZERO } else { BYTE };
        for byte in bytes {
            let begin = self.free.map_or_else(Instant::now, |free| free.max(Instant::now()));
            self.free = Some(begin + each);
            self.bytes.push_back((begin + each, *byte));
        }
    }

    /// What has arrived by now.
    fn arrived(&mut self, wire: &Wire, random: &mut Random) -> Vec<u8> {
        let now = Instant::now();
        let count = self.bytes.iter().take_while(|(due, _)| *due <= now).count();
        let noise = wire.noise.load(SeqCst);
        let bytes = self.bytes.drain(..count).map(|(_, byte)| {
            let wrong = noise > 0 && random.one_in(noise);
            if wrong { byte ^ (1 << random.below(8)) } else { byte }
        });
        let bytes: Vec<u8> = bytes.collect();
        if wire.cut.load(SeqCst) { Vec::new() } else { bytes }
    }
}

fn carry(mut line: Line, wire: &Wire, mut random: Random) {
    let (mut up, mut down) = (Lane::default(), Lane::default());
    let mut bytes = [0; 1024];
    while !wire.stop.load(SeqCst) {
        let room = down.room().min(bytes.len());
        // A line that is plugged in anew loses bytes, as a real one does.
        let len = line.read(&mut bytes[..room]).unwrap_or(0);
        down.send(&bytes[..len], wire);
        down.send(&std::mem::take(&mut *lock(&wire.garbage)), wire);
        let arrived = down.arrived(wire, &mut random);
        wire.carried_down.fetch_add(arrived.len() as u64, SeqCst);
        record(&wire.recorded, &arrived);
        let room = up.room().min(bytes.len());
        match exchange(&wire.terminal, &arrived, &mut bytes[..room]) {
            Ok(len) => up.send(&bytes[..len], wire),
            Err(_) => *lock(&wire.terminal) = None,
        }
        up.send(&std::mem::take(&mut *lock(&wire.garbage_up)), wire);
        let arrived = up.arrived(wire, &mut random);
        wire.carried.fetch_add(arrived.len() as u64, SeqCst);
        record(&wire.recorded_up, &arrived);
        line.write(&arrived);
        std::thread::sleep(TICK);
    }
}

fn record(recorded: &Mutex<Option<Vec<u8>>>, arrived: &[u8]) {
    if let Some(recorded) = &mut *lock(recorded) {
        recorded.extend(arrived);
    }
}

/// Gives a terminal what has arrived for it and takes what it sends; one that is off does neither.
fn exchange(
    terminal: &Mutex<Option<UnixStream>>,
    arrived: &[u8],
    bytes: &mut [u8],
) -> Result<usize> {
    let mut terminal = lock(terminal);
    let Some(stream) = &mut *terminal else { return Ok(0) };
    let lost = |error: std::io::Error| match error.kind() {
        ErrorKind::WouldBlock => Ok(0),
        _ => Err(error),
    };
    stream.write_all(arrived).or_else(|error| lost(error).map(drop))?;
    match stream.read(bytes) {
        Ok(0) if !bytes.is_empty() => anyhow::bail!("gone"),
        Ok(len) => Ok(len),
        Err(error) => Ok(lost(error)?),
    }
}

/// What a receiver at one speed makes of bytes that were sent at another: ten bits each, the least
/// first, between a zero and a one. What ends without that one is no byte, as UARTs have it.
pub fn misread(bytes: &[u8], sent_baud: usize, read_baud: usize) -> Vec<u8> {
    let bits: Vec<bool> = bytes
        .iter()
        .flat_map(|byte| {
            let data = (0..8).map(move |bit| byte >> bit & 1 == 1);
            [false].into_iter().chain(data).chain([true])
        })
        .collect();
    // Sixteen looks at each bit of the receiver's.
    let look = |at: usize| bits.get(at * sent_baud / (16 * read_baud)).copied().unwrap_or(true);
    let end = bits.len() * 16 * read_baud / sent_baud.max(1);
    let (mut at, mut found) = (0, Vec::new());
    while at < end {
        if look(at) {
            at += 1;
            continue;
        }
        let byte = (0..8).fold(0, |byte, bit| byte | u8::from(look(at + 24 + 16 * bit)) << bit);
        if look(at + 152) {
            found.push(byte);
        }
        at += 160;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    fn wired() -> (tempfile::TempDir, Wired, File, UnixStream) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tty");
        let wired = Wired::new(Line::plug(&path).unwrap(), 1);
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        ours.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        wired.connect(Some(theirs));
        let port = File::options().read(true).write(true).open(&path).unwrap();
        (dir, wired, port, ours)
    }

    #[test]
    fn the_right_speed_reads_what_was_sent_and_another_does_not() {
        let sent: Vec<u8> = (0..=255).collect();
        assert_eq!(misread(&sent, 115_200, 115_200), sent);
        for baud in [9_600, 57_600, 230_400] {
            let read = misread(&sent, 115_200, baud);
            assert!(!read.is_empty() && read != sent, "{baud}");
        }
    }

    #[test]
    fn bytes_take_their_time() {
        let (_dir, _wired, mut port, mut terminal) = wired();
        let (begun, mut back) = (Instant::now(), [0; 1000]);
        port.write_all(&[7; 1000]).unwrap();
        terminal.read_exact(&mut back).unwrap();
        assert_eq!(back, [7; 1000]);
        let took = begun.elapsed();
        assert!(took > BYTE * 990 && took < BYTE * 3000, "{took:?}");
    }

    #[test]
    fn a_cut_wire_and_a_noisy_one() {
        let (_dir, wired, mut port, mut terminal) = wired();
        wired.wire().cut.store(true, SeqCst);
        port.write_all(&[1; 50]).unwrap();
        let mut back = [0; 500];
        assert!(terminal.read(&mut back).is_err(), "a cut wire carries nothing");
        wired.wire().cut.store(false, SeqCst);
        wired.wire().noise.store(10, SeqCst);
        port.write_all(&[0; 500]).unwrap();
        terminal.read_exact(&mut back).unwrap();
        let wrong = back.iter().filter(|byte| **byte != 0).count();
        assert!((20..100).contains(&wrong), "{wrong}");
    }
}
