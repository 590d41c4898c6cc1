//! A load generator that costs as little as can be: it shares the processors with what it loads.
//! One thread, one epoll; every message lies ready in its place, and only number, person and day
//! are patched: 5,000 people over 28 days, so that views have rows as they would.

use crate::terminal::padded_check_in;
use anyhow::{Context as _, Result, bail, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use muster_tests::mqtt;
use muster_tests::punch::now_s;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// People who punch.
const PEOPLE: u64 = 5_000;
/// Days that punches are spread over.
const DAYS: u64 = 28;
/// The month of those days lies this far back.
const MONTH_S: i64 = 35 * 86_400;
/// Numbers have as many digits from here on, so that patching keeps lengths.
const FIRST_SEQ: u64 = 1_000_000_000;
/// How long a server may stay silent under load.
const SILENCE: Duration = Duration::from_secs(20);
/// Acknowledgements of one connection that a latency is taken of: one in so many.
const SAMPLE: u64 = 16;

/// Number of a person as check-ins write it.
pub(crate) fn people() -> impl Iterator<Item = String> {
    (0..PEOPLE).map(|person| format!("{person:05}"))
}

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Connections, each a terminal of its own.
    pub(crate) connections: usize,
    /// Messages without acknowledgement of each.
    pub(crate) window: usize,
    /// Not twice for one gateway, so that no punch is a repetition.
    pub(crate) boot: u32,
}

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// Warm-up, then this long.
    Time(Duration, Duration),
    /// So many acknowledgements, from the first.
    Count(u64),
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Acknowledgements while it was measured.
    pub(crate) acknowledged: u64,
    /// How long that was.
    pub(crate) took: Duration,
    /// Time to the acknowledgement, of a sample.
    pub(crate) latencies: Vec<Duration>,
}

impl Seen {
    /// Acknowledgements a second.
    pub(crate) fn rate(&self) -> f64 {
        self.acknowledged as f64 / self.took.as_secs_f64()
    }
}

/// Loads `address`.
pub(crate) fn run(address: SocketAddr, load: Load, until: Until) -> Result<Seen> {
    let mut poll = Poll::new()?;
    let mut connections = (0..load.connections)
        .map(|number| Connection::open(address, load, number, &poll))
        .collect::<Result<Vec<_>>>()?;
    let mut events = Events::with_capacity(load.connections);
    let mut meter = Meter::new(until);
    for connection in &mut connections {
        connection.send_all()?;
    }
    loop {
        poll.poll(&mut events, Some(SILENCE))?;
        ensure!(!events.is_empty(), "nothing acknowledged for {SILENCE:?}");
        for event in &events {
            let connection = connections.get_mut(event.token().0).context("no such token")?;
            let count = connection.work(&mut meter)?;
            meter.acknowledged(count);
        }
        if meter.is_over() {
            return Ok(meter.seen);
        }
    }
}

struct Meter {
    until: Until,
    from: Option<Instant>,
    begun: Instant,
    seen: Seen,
}

impl Meter {
    fn new(until: Until) -> Self {
        let begun = Instant::now();
        let from = matches!(until, Until::Count(_)).then_some(begun);
        Self { until, from, begun, seen: Seen::default() }
    }

    fn acknowledged(&mut self, count: u64) {
        if self.from.is_some() {
            self.seen.acknowledged += count;
        }
    }

    fn is_over(&mut self) -> bool {
        let now = Instant::now();
        if let (None, Until::Time(warm_up, _)) = (self.from, self.until)
            && now - self.begun >= warm_up
        {
            self.from = Some(now);
            self.seen.latencies.clear();
        }
        let Some(from) = self.from else { return false };
        self.seen.took = now - from;
        match self.until {
            Until::Time(_, time) => self.seen.took >= time,
            Until::Count(count) => self.seen.acknowledged >= count,
        }
    }
}

/// Digits within a message.
#[derive(Clone, Copy)]
struct Place {
    at: usize,
    digits: usize,
}

impl Place {
    /// The digits that follow `before`.
    fn after(message: &[u8], before: &str, digits: usize) -> Result<Self> {
        let found = message.windows(before.len()).position(|w| w == before.as_bytes());
        Ok(Self { at: found.context("a member is missing")? + before.len(), digits })
    }

    /// Only the last of them.
    fn last(self, digits: usize) -> Self {
        Self { at: self.at + self.digits - digits, digits }
    }

    fn put(self, message: &mut [u8], mut number: u64) {
        for digit in message.iter_mut().skip(self.at).take(self.digits).rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
    }
}

/// One terminal.
struct Connection {
    stream: TcpStream,
    /// The window's messages, one after the other.
    messages: Vec<u8>,
    len: usize,
    /// Where in a message they lie.
    seq: Place,
    person: Place,
    day: Place,
    number: u64,
    next_seq: u64,
    out: Vec<u8>,
    /// The start of an acknowledgement that came in pieces.
    rest: Vec<u8>,
    /// When the first message of the window was sent, and how often it was.
    first: (Instant, u64),
}

impl Connection {
    fn open(address: SocketAddr, load: Load, number: usize, poll: &Poll) -> Result<Self> {
        let name = format!("bench-{number:04}");
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.write_all(&mqtt::connect(&name, 60))?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer)?;
        ensure!(answer == [0x20, 2, 0, 0], "CONNECT was answered with {answer:?}");
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, Token(number), interest)?;
        let topic = format!("muster/1/{name}/checkin");
        let payload = padded_check_in(load.boot, FIRST_SEQ, 0, now_s() - MONTH_S);
        let message =
            |slot: usize| mqtt::publish(&topic, slot as u16 + 1, false, payload.as_bytes());
        let one = message(0);
        Ok(Self {
            stream,
            messages: (0..load.window).flat_map(message).collect(),
            len: one.len(),
            seq: Place::after(&one, "\"seq\":", 10)?,
            person: Place::after(&one, "\"person\":\"", 5)?,
            // After the year and month, as 2026-11-.
            day: Place::after(&one, "\"at\":\"", 10)?.last(2),
            number: number as u64,
            next_seq: FIRST_SEQ,
            out: Vec::with_capacity(one.len() * load.window),
            rest: Vec::with_capacity(4),
            first: (Instant::now(), 0),
        })
    }

    fn send_all(&mut self) -> Result<()> {
        for slot in 0..self.messages.len() / self.len {
            self.put(slot);
        }
        self.flush()
    }

    /// Reads what came, answers each acknowledgement with the next message.
    fn work(&mut self, meter: &mut Meter) -> Result<u64> {
        let (mut bytes, mut count) = ([0; 8192], 0);
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(len) => {
                    count += self.take(bytes.get(..len).unwrap_or_default(), meter)?;
                    if len < bytes.len() {
                        break;
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) => return Err(e.into()),
            }
        }
        self.flush()?;
        Ok(count)
    }

    fn take(&mut self, bytes: &[u8], meter: &mut Meter) -> Result<u64> {
        let joined;
        let bytes = if self.rest.is_empty() {
            bytes
        } else {
            joined = [&self.rest, bytes].concat();
            &joined
        };
        let (whole, rest) = bytes.as_chunks::<4>();
        for ack in whole {
            let &[0x40, 2, high, low] = ack else { bail!("expected PUBACK, found {ack:?}") };
            let slot = usize::from(u16::from_be_bytes([high, low])).wrapping_sub(1);
            if slot == 0 && self.first.1.is_multiple_of(SAMPLE) {
                meter.seen.latencies.push(self.first.0.elapsed());
            }
            self.put(slot);
        }
        self.rest = rest.to_vec();
        Ok(whole.len() as u64)
    }

    /// Numbers the message of a slot and puts it in line.
    fn put(&mut self, slot: usize) {
        let Some(message) = self.messages.get_mut(slot * self.len..(slot + 1) * self.len) else {
            return;
        };
        let (seq, number) = (self.next_seq, self.number);
        self.next_seq += 1;
        self.seq.put(message, seq);
        self.person.put(message, (seq * 7 + number * 101) % PEOPLE);
        self.day.put(message, seq / 64 % DAYS + 1);
        self.out.extend_from_slice(message);
        if slot == 0 {
            self.first = (Instant::now(), self.first.1 + 1);
        }
    }

    fn flush(&mut self) -> Result<()> {
        let mut sent = 0;
        while let Some(left) = self.out.get(sent..).filter(|left| !left.is_empty()) {
            match self.stream.write(left) {
                Ok(len) => sent += len,
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) => return Err(e.into()),
            }
        }
        self.out.drain(..sent);
        Ok(())
    }
}
