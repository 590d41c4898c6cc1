//! Check-ins with evidence in every wrong place, by the million: whatever a terminal sends, no byte
//! of a template reaches a region.
//!
//! One template is planted. Each check-in carries some of it, written in some way, somewhere: as
//! evidence, in any other field, in a field that nobody knows, as a person's number; many are then
//! cut or have bytes changed. The region's plain text is searched for any 8 bytes of it in a row,
//! however they are written.

use crate::binary::{Build, gateway};
use crate::mqtt::{self, Decoder, Packet};
use crate::office;
use crate::punch::{now_s, people, rfc3339};
use crate::random::Random;
use crate::search::Canaries;
use crate::site::{Layout, Site};
use crate::tap::Tap;
use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Bytes of the template.
const TEMPLATE: usize = 480;
/// Check-ins on their way at a time.
const WINDOW: u64 = 500;
/// How long an answer may take, or the queue to drain.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of the region's plain text kept from one search to the next, so that none is cut in two.
const OVERLAP: usize = 4096;
/// One in so many carries its evidence where it belongs and is otherwise whole.
const WHOLE: u64 = 3;

/// What a run came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Check-ins sent.
    pub sent: u64,
    /// Of them, those in which the search itself finds the template.
    pub planted: u64,
    /// Connections that the box ended.
    pub hung_up: u64,
    /// Parcels that reached the region.
    pub forwarded: u64,
    /// Bytes of the region's plain text.
    pub bytes: u64,
    /// Pieces of the template in them.
    pub leaks: u64,
}

/// Sends `count` of them through a box to its region.
pub fn run(count: u64, seed: u64) -> Result<Outcome> {
    let dir = tempfile::tempdir()?;
    let tap = Tap::start(office::REGION, dir.path())?;
    let mut layout = Layout::new(gateway(Build::Real)?, &dir.path().join("box"));
    layout.more = tap.section(office::DESTINATION);
    layout.log = dir.path().join("gateway.log");
    office::make_keys(&mut layout, dir.path())?;
    let site = Site::init(layout)?;
    office::import(&site, people())?;
    office::publish(&site, dir.path())?;
    let mut running = site.start()?;
    running.ready(PATIENCE)?;
    let mut run = Run::new(tap, seed);
    let mut way = Way::open(running.loopback()?)?;
    let mut seq = 0;
    while run.outcome.sent < count {
        let window = WINDOW.min(count - run.outcome.sent);
        let made: Vec<Vec<u8>> = (0..window).map(|n| run.mutants.make(seq + n + 1)).collect();
        seq += window;
        let planted = made.iter().filter(|made| !run.canaries.find(made).is_empty());
        run.outcome.planted += planted.count() as u64;
        if !way.send(&made)? {
            run.outcome.hung_up += 1;
            way = Way::open(running.loopback()?)?;
        }
        run.outcome.sent += window;
        run.search();
    }
    drain(&site)?;
    run.search();
    Ok(run.outcome)
}

/// Waits until nothing is queued.
fn drain(site: &Site) -> Result<()> {
    let began = Instant::now();
    loop {
        let status = site.json(&["status", "--json"])?;
        let queues = status["destinations"].as_array().context("no destinations")?;
        if queues.iter().all(|queue| queue["backlog"] == 0) {
            return Ok(());
        }
        ensure!(began.elapsed() < PATIENCE, "the queue does not drain: {status}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

struct Run {
    tap: Tap,
    mutants: Mutants,
    canaries: Canaries,
    kept: Vec<u8>,
    outcome: Outcome,
}

impl Run {
    fn new(tap: Tap, seed: u64) -> Self {
        let mutants = Mutants::new(seed);
        let mut canaries = Canaries::new();
        canaries.plant("the template", &mutants.template);
        let outcome = Outcome { sent: 0, planted: 0, hung_up: 0, forwarded: 0, bytes: 0, leaks: 0 };
        Self { tap, mutants, canaries, kept: Vec::new(), outcome }
    }

    /// Looks through what came since, with a little of what came before.
    fn search(&mut self) {
        let new = self.tap.drain();
        if new.is_empty() {
            return;
        }
        let parcels = new.windows(EVENT_ID.len()).filter(|window| *window == EVENT_ID);
        self.outcome.forwarded += parcels.count() as u64;
        self.outcome.bytes += new.len() as u64;
        self.kept.extend(new);
        self.outcome.leaks += self.canaries.find(&self.kept).len() as u64;
        let from = self.kept.len().saturating_sub(OVERLAP);
        self.kept.drain(..from);
    }
}

/// In every parcel once.
const EVENT_ID: &[u8] = b"\"event_id\"";

/// A terminal's connection with many check-ins on their way.
struct Way {
    stream: TcpStream,
    decoder: Decoder,
}

impl Way {
    fn open(address: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        stream.write_all(&mqtt::connect("gate-1", 600))?;
        let mut way = Self { stream, decoder: Decoder::default() };
        ensure!(matches!(way.next()?, Some(Packet::ConnAck(0))), "no CONNACK");
        Ok(way)
    }

    /// Publishes all and waits for as many answers; false where the box hung up before.
    fn send(&mut self, made: &[Vec<u8>]) -> Result<bool> {
        let mut bytes = Vec::new();
        for (id, payload) in (1u16..).zip(made) {
            bytes.extend(mqtt::publish("muster/1/gate-1/checkin", id, false, payload));
        }
        if self.stream.write_all(&bytes).is_err() {
            return Ok(false);
        }
        let mut answered = 0;
        while answered < made.len() {
            match self.next()? {
                Some(Packet::PubAck(_)) => answered += 1,
                Some(_) => {}
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    fn next(&mut self) -> Result<Option<Packet>> {
        let mut bytes = vec![0; 64 << 10];
        loop {
            if let Some(packet) = self.decoder.next_packet()? {
                return Ok(Some(packet));
            }
            match self.stream.read(&mut bytes) {
                Ok(0) => return Ok(None),
                Ok(len) => self.decoder.push(bytes.get(..len).unwrap_or_default()),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                    return Ok(None);
                }
                Err(error) => return Err(error).context("no answer"),
            }
        }
    }
}

/// Makes check-ins that hold the template somewhere.
struct Mutants {
    random: Random,
    template: Vec<u8>,
    began_s: i64,
}

/// Fields of a check-in.
const FIELDS: [&str; 12] = [
    "v",
    "boot",
    "seq",
    "person",
    "at",
    "method",
    "outcome",
    "direction",
    "live",
    "clock",
    "evidence",
    "SanpPic",
];

impl Mutants {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let words = (0..TEMPLATE.div_ceil(8)).flat_map(|_| random.next().to_le_bytes());
        let template = words.take(TEMPLATE).collect();
        Self { random, template, began_s: now_s() - 3 * 3600 }
    }

    fn make(&mut self, seq: u64) -> Vec<u8> {
        let mut made = self.check_in(seq);
        if self.random.one_in(WHOLE) {
            return made.to_string().into_bytes();
        }
        for _ in 0..=self.random.below(2) {
            self.plant(&mut made);
        }
        let mut bytes = made.to_string().into_bytes();
        match self.random.below(6) {
            0 => self.flip(&mut bytes),
            1 => bytes.truncate(self.random.below(bytes.len() as u64) as usize),
            2 => bytes.extend_from_within(..),
            _ => {}
        }
        bytes
    }

    fn check_in(&mut self, seq: u64) -> Value {
        let person = format!("{:05}", self.random.below(64));
        let at = rfc3339(self.began_s + (seq % 9000) as i64);
        json!({
            "v": 1, "boot": 1, "seq": seq, "person": person, "at": at, "method": "face",
            "outcome": "granted", "direction": "in", "live": true,
            "evidence": [{ "kind": "face-template", "data": STANDARD.encode(&self.template) }],
        })
    }

    /// Puts some of the template where it does not belong.
    fn plant(&mut self, made: &mut Value) {
        let written = self.written();
        match self.random.below(8) {
            0..=3 => {
                let field = FIELDS.get(self.random.below(FIELDS.len() as u64) as usize);
                made[*field.unwrap_or(&"person")] = written;
            }
            // As long as a person's number may be: it fits, and is taken for one.
            4 => made["person"] = STANDARD.encode(self.piece(33)).into(),
            5 => made["evidence"] = json!([{ "kind": written, "data": "AAAA" }]),
            6 => made[written.as_str().unwrap_or("template")] = true.into(),
            _ => made["info"] = json!({ "template": [written] }),
        }
    }

    fn written(&mut self) -> Value {
        let length = 8 + self.random.below(TEMPLATE as u64 - 8) as usize;
        let piece = self.piece(length);
        match self.random.below(5) {
            0 => STANDARD.encode(&piece).into(),
            1 => piece.iter().map(|b| format!("{b:02x}")).collect::<String>().into(),
            2 => piece.iter().map(|&b| char::from(b)).collect::<String>().into(),
            3 => format!("{piece:?}").into(),
            _ => piece.into(),
        }
    }

    fn piece(&mut self, length: usize) -> Vec<u8> {
        let from = self.random.below((TEMPLATE - length) as u64 + 1) as usize;
        self.template.iter().skip(from).take(length).copied().collect()
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        for _ in 0..=self.random.below(3) {
            let at = self.random.below(bytes.len() as u64) as usize;
            let bit = self.random.below(8) as u32;
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1u8.wrapping_shl(bit);
            }
        }
    }
}
