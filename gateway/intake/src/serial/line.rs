//! One open line: polls, takes what comes, and sends answers with later polls.

use super::{LineError, SharedStatus};
use crate::ingest::{Ingest, Message, OnFull, Reply};
use crate::limits::{SERIAL_ANSWERS, SERIAL_REQUESTS, SERIAL_WRITE_SLACK};
use crate::metric;
use crate::tasks::Route;
use crate::verify::Speaker;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use muster_attendance::DeviceId;
use muster_ledger::{DeviceKind, DeviceState, RefusalReason};
use muster_proto::frame::{Counts, MAX_WIRE};
use muster_proto::host::{AddressError, Host, Turn};
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio_serial::SerialStream;
use zeroize::Zeroizing;

/// A message's answer, on its way back to the terminal at an address.
struct Answered {
    address: u8,
    device: String,
    sealed: Option<Vec<u8>>,
}

type Request = Pin<Box<dyn Future<Output = Answered> + Send>>;

pub(super) struct Line {
    port: SerialStream,
    baud: u32,
    started: Instant,
    host: Box<Host>,
    ingest: Arc<Ingest>,
    status: SharedStatus,
    requests: FuturesUnordered<Request>,
    /// What waits to be said, by address.
    waiting: BTreeMap<u8, VecDeque<(String, Vec<u8>)>>,
    counted: (Counts, u64),
    /// Who spoke last at an address.
    spoke: BTreeMap<u8, (DeviceId, String)>,
    route: Route,
    news: watch::Receiver<u64>,
}

impl Line {
    pub(super) fn new(
        port: SerialStream,
        addresses: &[u8],
        baud: u32,
        ingest: Arc<Ingest>,
        status: SharedStatus,
    ) -> Result<Self, AddressError> {
        let (route, mut news) = (ingest.tasks().route(), ingest.tasks().news());
        news.mark_changed();
        Ok(Self {
            port,
            baud,
            route,
            news,
            started: Instant::now(),
            host: Box::new(Host::new(addresses, baud)?),
            ingest,
            status,
            requests: FuturesUnordered::new(),
            waiting: BTreeMap::new(),
            counted: <(Counts, u64)>::default(),
            spoke: BTreeMap::new(),
        })
    }

    /// Drives the line until it fails.
    pub(super) async fn run(mut self) -> LineError {
        loop {
            self.take_tasks();
            let turn = match self.host.turn(self.now_ms()) {
                Turn::Speak { address } => self.speak(address).await,
                Turn::Wait { until_ms } => self.listen(until_ms).await,
            };
            if let Err(error) = turn {
                return error;
            }
            self.note_counts();
        }
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    async fn speak(&mut self, address: u8) -> Result<(), LineError> {
        let mut frame = [0u8; MAX_WIRE];
        let message = self.waiting.get_mut(&address).and_then(VecDeque::pop_front);
        let parts = message.as_ref().map(|(device, sealed)| (device.as_str(), sealed.as_slice()));
        let now_ms = self.now_ms();
        let length = self
            .host
            .speak(now_ms, address, parts, &mut frame)
            .or_else(|_| self.host.speak(now_ms, address, None, &mut frame))
            .unwrap_or_default();
        let frame = frame.get(..length).unwrap_or_default();
        match tokio::time::timeout(self.write_time(length), self.port.write_all(frame)).await {
            Ok(written) => Ok(written?),
            Err(_) => Err(LineError::Stuck),
        }
    }

    /// How long writing may take: the time on the wire twice over, and some slack.
    fn write_time(&self, bytes: usize) -> Duration {
        let bits = bytes as u64 * 10;
        Duration::from_millis(2 * bits * 1000 / u64::from(self.baud.max(1))) + SERIAL_WRITE_SLACK
    }

    async fn listen(&mut self, until_ms: u64) -> Result<(), LineError> {
        let until = self.started + Duration::from_millis(until_ms);
        let mut bytes = [0u8; 1024];
        tokio::select! {
            biased;
            Some(answered) = self.requests.next() => self.answer(answered),
            read = self.port.read(&mut bytes) => match read? {
                0 => return Err(LineError::Gone),
                count => self.receive(bytes.get(..count).unwrap_or_default()),
            },
            () = tokio::time::sleep_until(until.into()) => {}
            Ok(()) = self.news.changed() => self.news.mark_changed(),
        }
        Ok(())
    }

    fn receive(&mut self, mut bytes: &[u8]) {
        let now_ms = self.now_ms();
        while !bytes.is_empty() {
            let (taken, received) = self.host.receive(now_ms, bytes);
            bytes = bytes.get(taken..).unwrap_or_default();
            let Some(received) = received else { continue };
            let (address, device) = (received.address, received.device.to_owned());
            let sealed = Zeroizing::new(received.sealed.to_vec());
            received.sealed.fill(0);
            // A terminal sends again what is not answered.
            if self.requests.len() < SERIAL_REQUESTS {
                self.requests.push(Box::pin(request(self.ingest.clone(), address, device, sealed)));
            }
        }
    }

    /// Takes what waits for terminals that are on this line, or may be.
    fn take_tasks(&mut self) {
        if !self.news.has_changed().unwrap_or(false) {
            return;
        }
        self.news.mark_unchanged();
        for device in self.ingest.tasks().addressees() {
            let Some((name, addresses)) = self.way_to(device) else { continue };
            while let Some(sealed) = self.ingest.tasks().take(device, self.route) {
                for &address in &addresses {
                    self.put(address, name.clone(), sealed.clone());
                }
            }
        }
    }

    /// A terminal's name and where it spoke on this line; else, unless a centre carries it, where
    /// it was set up to be.
    fn way_to(&self, device: DeviceId) -> Option<(String, Vec<u8>)> {
        let spoke = self.spoke.iter().find(|(_, (id, _))| *id == device);
        if let Some((address, (_, name))) = spoke {
            return Some((name.clone(), vec![*address]));
        }
        let paired = self.ingest.handles().devices.get(device)?;
        let here = paired.kind == DeviceKind::M1 && paired.carrier.is_none();
        let all = || self.host.terminals().map(|(address, _)| address).collect();
        let addresses = paired.address.map_or_else(all, |address| vec![address]);
        (here && !addresses.is_empty()).then_some((paired.name, addresses))
    }

    fn answer(&mut self, answered: Answered) {
        let Answered { address, device, sealed: Some(sealed) } = answered else { return };
        // What is sealed is an answer to a seal that held: it was that terminal that spoke.
        if let Some(found) = self.ingest.handles().devices.find(&device) {
            self.spoke.retain(|&at, (id, _)| at == address || *id != found.id);
            self.spoke.insert(address, (found.id, device.clone()));
            self.ingest.tasks().spoke(found.id, self.route);
        }
        self.put(address, device, sealed);
    }

    /// Puts a sealed message where the next poll of an address takes it.
    fn put(&mut self, address: u8, device: String, sealed: Vec<u8>) {
        let waiting = self.waiting.entry(address).or_default();
        if waiting.len() >= SERIAL_ANSWERS {
            waiting.pop_front();
        }
        waiting.push_back((device, sealed));
        self.host.wake(address);
    }

    /// Tells status and metrics what came since the last time.
    fn note_counts(&mut self) {
        let (counts, strays) = self.host.counts();
        let (before, strays_before) = std::mem::replace(&mut self.counted, (counts, strays));
        let news = [
            ("good", counts.good - before.good),
            ("damaged", counts.damaged - before.damaged),
            ("oversized", counts.oversized - before.oversized),
            ("stray", strays - strays_before),
        ];
        for (result, count) in news.into_iter().filter(|(_, count)| *count > 0) {
            metrics::counter!(metric::SERIAL_FRAMES, "result" => result).increment(count);
        }
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        status.frames += counts.good - before.good;
        status.damaged += news.iter().skip(1).map(|(_, count)| count).sum::<u64>();
        status.answering.clear();
        let answering = self.host.terminals().filter(|(_, answers)| *answers);
        status.answering.extend(answering.map(|(address, _)| address));
    }
}

/// Takes one message; only its seal can prove whose it is.
async fn request(
    ingest: Arc<Ingest>,
    address: u8,
    device: String,
    mut sealed: Zeroizing<Vec<u8>>,
) -> Answered {
    let found = ingest.handles().devices.find(&device);
    let who = match &found {
        None => Err(Some(RefusalReason::UnknownDevice)),
        Some(found) if found.state == DeviceState::Revoked => Err(Some(RefusalReason::Revoked)),
        Some(found) => Ok(Speaker::Carried(found.id)),
    };
    let length = sealed.len();
    let id = found.map(|found| found.id);
    let message = Message { who, device: id, payload: 0..length, length };
    let replies = ingest.take("serial", OnFull::Tell, &mut sealed, &[message]).await;
    let reply: Option<Reply> = replies.into_iter().next();
    Answered { address, device, sealed: reply.and_then(|reply| reply.seal(ingest.seals())) }
}
