//! A region: an MQTT server over TLS 1.3 whose certificate names its region, and which keeps its
//! own account of what arrived.

use crate::authority::{Authority, Server};
use crate::device::lock;
use crate::mqtt::{Decoder, Seen};
use crate::random::mix;
use anyhow::{Result, ensure};
use muster_attendance::EventId;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a silent connection is kept: longer than any keep-alive here.
const SILENCE: Duration = Duration::from_secs(60);
/// Bytes read at once.
const CHUNK: usize = 64 * 1024;
/// Parcels that are kept whole.
const MAX_KEPT: usize = 64;
/// Begins each parcel's time.
const TIME: &[u8] = b"\"check_time\":\"";
/// Begins each parcel's id.
const ID: &[u8] = b"\"event_id\":\"";

/// How closely a region looks at what arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Looks {
    /// Reads every parcel: same id, same bytes.
    Closely,
    /// Notes each parcel's `check_time` with the moment it came.
    AtTheClock,
    /// Counts parcels, and those whose record was stored before one that came before.
    InOrder,
}

/// What has arrived.
#[derive(Debug, Default)]
pub struct Arrived {
    /// Parcels, each as often as it came.
    pub count: u64,
    /// Parcels by id, with a digest of their content.
    pub parcels: HashMap<String, u64>,
    /// Ids that came a second time with another content.
    pub changed: Vec<String>,
    /// The first parcels as they came, where they are read.
    pub first: Vec<Value>,
    /// Parcels whose record was stored before one that came before, where order is looked at.
    pub disordered: u64,
    /// The highest record that came, where order is looked at.
    highest: u64,
    /// When parcels came that tell a `check_time`, with where in `texts` it ends.
    moments: Vec<(usize, Instant)>,
    /// Those times, one after the other.
    texts: Vec<u8>,
}

/// A region on a loopback address. It ends with the process.
pub struct Region {
    address: SocketAddr,
    ca: PathBuf,
    shared: Arc<Shared>,
}

struct Shared {
    config: Arc<ServerConfig>,
    looks: Looks,
    up: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
    arrived: Mutex<Arrived>,
}

impl Region {
    /// Starts a region whose certificate names `region`; its authority goes to `dir/region-ca.pem`.
    pub fn start(region: &str, dir: &Path, looks: Looks) -> Result<Self> {
        let ca = dir.join("region-ca.pem");
        let authority = Authority::new()?;
        std::fs::write(&ca, authority.pem())?;
        let config = authority.issue(&Server::of(region))?.tls13()?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (up, open, arrived) = (AtomicBool::new(true), Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { config, looks, up, open, arrived });
        let theirs = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                theirs.clone().take(stream);
            }
        });
        Ok(Self { address, ca, shared })
    }

    /// Its `[[region]]` section.
    pub fn section(&self, destination: &str) -> String {
        format!(
            "[[region]]\ndestination = \"{destination}\"\nconnector = \"mqtt\"\n\
             url = \"mqtts://localhost:{}\"\nca = \"{}\"\n",
            self.port(),
            self.ca.display()
        )
    }

    /// Where it listens, on loopback.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Takes it down, cutting what is connected, or brings it back.
    pub fn set_up(&self, up: bool) {
        self.shared.up.store(up, SeqCst);
        if !up {
            for stream in lock(&self.shared.open).drain(..) {
                // It may be closed already.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    /// What has arrived, for as long as the guard is held.
    pub fn arrived(&self) -> std::sync::MutexGuard<'_, Arrived> {
        lock(&self.shared.arrived)
    }
}

impl Shared {
    fn take(self: Arc<Self>, stream: TcpStream) {
        if !self.up.load(SeqCst) {
            return;
        }
        if let Ok(clone) = stream.try_clone() {
            lock(&self.open).push(clone);
        }
        // A connection that breaks is the gateway's to mend.
        std::thread::spawn(move || self.serve(stream));
    }

    fn serve(&self, stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE))?;
        let mut stream = StreamOwned::new(ServerConnection::new(self.config.clone())?, stream);
        let (mut decoder, mut bytes) = (Decoder::default(), vec![0; CHUNK]);
        loop {
            let len = stream.read(&mut bytes)?;
            ensure!(len > 0, "closed");
            decoder.push(bytes.get(..len).unwrap_or_default());
            let mut answer = Vec::new();
            while let Some(packet) = decoder.next_seen()? {
                self.answer(packet, &mut answer);
            }
            ensure!(self.up.load(SeqCst), "down");
            stream.write_all(&answer)?;
            stream.flush()?;
        }
    }

    fn answer(&self, packet: Seen<'_>, answer: &mut Vec<u8>) {
        match packet {
            Seen::Other(0x10) => answer.extend([0x20, 2, 0, 0]),
            Seen::Other(0xC0) => answer.extend([0xD0, 0]),
            Seen::Publish(_, id, payload) => {
                self.look(payload);
                if let Some(id) = id {
                    answer.extend([0x40, 2]);
                    answer.extend(id.to_be_bytes());
                }
            }
            _ => {}
        }
    }

    fn look(&self, payload: &[u8]) {
        let mut arrived = lock(&self.arrived);
        match self.looks {
            Looks::AtTheClock => arrived.clock(payload, Instant::now()),
            Looks::InOrder => texts(payload, ID).for_each(|id| arrived.follow(id)),
            Looks::Closely => match serde_json::from_slice(payload) {
                Ok(Value::Array(parcels)) => parcels.iter().for_each(|p| arrived.book(p)),
                Ok(parcel) => arrived.book(&parcel),
                Err(_) => arrived.changed.push("a payload that is not JSON".to_owned()),
            },
        }
    }
}

impl Arrived {
    /// `check_time` of parcels and when they came, where the clock is looked at.
    pub fn times(&self) -> impl Iterator<Item = (&str, Instant)> {
        let starts = std::iter::once(0).chain(self.moments.iter().map(|(end, _)| *end));
        starts.zip(&self.moments).filter_map(|(start, &(end, came))| {
            Some((std::str::from_utf8(self.texts.get(start..end)?).ok()?, came))
        })
    }

    fn clock(&mut self, payload: &[u8], now: Instant) {
        let before = self.moments.len();
        for time in texts(payload, TIME) {
            self.texts.extend(time.bytes());
            self.moments.push((self.texts.len(), now));
        }
        // What has no time counts as one: a bridge sends what it was given.
        self.count += (self.moments.len() - before).max(1) as u64;
    }

    /// Ids carry the number of their record in the journal; what is no id is out of order.
    fn follow(&mut self, id: &str) {
        self.count += 1;
        match id.parse::<EventId>().ok().map(EventId::number).filter(|n| *n > self.highest) {
            Some(number) => self.highest = number,
            None => self.disordered += 1,
        }
    }

    fn book(&mut self, parcel: &Value) {
        self.count += 1;
        if self.first.len() < MAX_KEPT {
            self.first.push(parcel.clone());
        }
        let id = parcel["event_id"].as_str().unwrap_or("no event_id").to_owned();
        let digest = parcel.to_string().bytes().fold(0, |h, b| mix(h ^ u64::from(b)));
        if *self.parcels.entry(id.clone()).or_insert(digest) != digest {
            self.changed.push(id);
        }
    }
}

/// What follows each `before` up to the next quote.
fn texts<'a>(payload: &'a [u8], before: &'a [u8]) -> impl Iterator<Item = &'a str> {
    memchr::memmem::find_iter(payload, before).filter_map(move |at| {
        let rest = payload.get(at + before.len()..)?;
        std::str::from_utf8(rest.get(..memchr::memchr(b'"', rest)?)?).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_out_of_order_is_counted() {
        let mut arrived = Arrived::default();
        // The third was received later and stored before the second; the last is no id.
        let ids =
            [(5, 1), (5, 3), (6, 2), (4, 4)].map(|(ms, n)| EventId::new(ms, 1, n).to_string());
        for id in ids.iter().map(String::as_str).chain(["x"]) {
            let payload = format!(r#"[{{"event_id":"{id}"}}]"#);
            texts(payload.as_bytes(), ID).for_each(|id| arrived.follow(id));
        }
        assert_eq!((arrived.count, arrived.disordered), (5, 2));
    }

    #[test]
    fn times_are_kept_with_the_moment_they_came() {
        let mut arrived = Arrived::default();
        let now = Instant::now();
        arrived.clock(br#"[{"check_time":"a"},{"check_time":"bc","x":1}]"#, now);
        arrived.clock(b"no parcel", now);
        assert_eq!(arrived.count, 3);
        assert_eq!(arrived.times().collect::<Vec<_>>(), [("a", now), ("bc", now)]);
    }

    #[test]
    fn a_changed_parcel_is_noticed() {
        let mut arrived = Arrived::default();
        for text in [r#"{"event_id":"a","x":1}"#, r#"{"x":1,"event_id":"a"}"#] {
            arrived.book(&serde_json::from_str(text).unwrap());
        }
        assert_eq!((arrived.count, arrived.parcels.len(), arrived.changed.len()), (2, 1, 0));
        arrived.book(&serde_json::from_str(r#"{"event_id":"a","x":2}"#).unwrap());
        assert_eq!(arrived.changed, ["a"]);
    }
}
