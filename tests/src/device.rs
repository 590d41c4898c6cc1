//! Simulated MQTT terminals on the loopback listener that know exactly which of their punches were
//! receipted. Each runs in a thread of its own and finds the gateway again after each restart.

use crate::mqtt::{self, Decoder, Packet};
use crate::punch::punch;
use anyhow::{Context as _, Result, bail, ensure};
use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long connecting may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// How long a read waits before something else is looked at.
const READ_WAIT: Duration = Duration::from_millis(5);
/// Pause between two tries to connect.
const RETRY: Duration = Duration::from_millis(10);

/// What a terminal does about punches without a receipt when it has to connect anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum After {
    /// Sends them again under their numbers, oldest first.
    Resend,
    /// Sends them again under their numbers, newest first, marked as duplicates.
    ResendBackwards,
    /// Forgets them and goes on.
    Forget,
    /// Was switched off: forgets them and begins a new boot.
    Reboot,
}

/// How a terminal behaves.
#[derive(Clone, Debug)]
pub struct Habits {
    /// Its name.
    pub name: String,
    /// What its punches are made from.
    pub seed: u64,
    /// Punches without a receipt at a time.
    pub window: usize,
    /// See [`After`].
    pub after: After,
    /// Pause between two looks at the connection: bounds its rate.
    pub pause: Duration,
}

/// Where the gateway listens now; shared by all that look for it.
#[derive(Clone, Debug, Default)]
pub struct Way(Arc<Mutex<Option<SocketAddr>>>);

impl Way {
    /// The gateway is here, or nowhere.
    pub fn set(&self, address: Option<SocketAddr>) {
        *lock(&self.0) = address;
    }

    fn get(&self) -> Option<SocketAddr> {
        *lock(&self.0)
    }
}

/// What was sent: for each boot, whether the punch under each number, from 1, was receipted.
pub type Sent = BTreeMap<u32, Vec<bool>>;

/// A running terminal.
#[derive(Debug)]
pub struct Device {
    habits: Habits,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    sent: Mutex<Sent>,
    /// First breach of protocol seen.
    breach: Mutex<Option<String>>,
    stop: AtomicBool,
    /// No new punches.
    drain: AtomicBool,
    /// Everything sent has its receipt and nothing new comes.
    drained: AtomicBool,
}

impl Device {
    /// Switches it on.
    pub fn start(habits: Habits, way: &Way) -> Self {
        let shared = Arc::new(Shared::default());
        let (way, theirs, h) = (way.clone(), shared.clone(), habits.clone());
        let thread = std::thread::spawn(move || Terminal::new(h, theirs).run(&way));
        Self { habits, shared, thread: Some(thread) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.habits.name
    }

    /// What it has sent up to now.
    pub fn sent(&self) -> Sent {
        lock(&self.shared.sent).clone()
    }

    /// How many were receipted.
    pub fn receipted(&self) -> u64 {
        let sent = lock(&self.shared.sent);
        sent.values().map(|boot| boot.iter().filter(|acked| **acked).count() as u64).sum()
    }

    /// Makes no more punches and waits until what it has sent is receipted.
    pub fn drain(&self, limit: Duration) -> Result<()> {
        self.shared.drain.store(true, SeqCst);
        let asked = Instant::now();
        while !self.shared.drained.load(SeqCst) {
            ensure!(asked.elapsed() < limit, "{}: no receipts within {limit:?}", self.name());
            std::thread::sleep(READ_WAIT);
        }
        Ok(())
    }

    /// An error where the gateway broke the protocol towards it.
    pub fn breach(&self) -> Result<()> {
        match &*lock(&self.shared.breach) {
            Some(what) => bail!("{}: {what}", self.name()),
            None => Ok(()),
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
        if let Some(thread) = self.thread.take() {
            // Its panic was printed when it came.
            let _ = thread.join();
        }
    }
}

/// What runs in the thread.
struct Terminal {
    habits: Habits,
    shared: Arc<Shared>,
    topic: String,
    boot: u32,
    next_seq: u64,
    /// By packet number, less one.
    in_flight: Vec<Option<(u32, u64)>>,
    again: VecDeque<(u32, u64)>,
}

impl Terminal {
    fn new(habits: Habits, shared: Arc<Shared>) -> Self {
        let topic = format!("muster/1/{}/checkin", habits.name);
        let in_flight = vec![None; habits.window];
        Self { habits, shared, topic, boot: 1, next_seq: 1, in_flight, again: VecDeque::new() }
    }

    fn run(mut self, way: &Way) {
        while !self.shared.stop.load(SeqCst) {
            if let Some(address) = way.get() {
                // A broken connection is what these tests are about.
                let _ = self.session(address);
                self.reconnecting();
            }
            std::thread::sleep(RETRY);
        }
    }

    fn session(&mut self, address: SocketAddr) -> Result<()> {
        let mut stream = TcpStream::connect_timeout(&address, CONNECT_LIMIT)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(READ_WAIT))?;
        stream.set_write_timeout(Some(CONNECT_LIMIT))?;
        stream.write_all(&mqtt::connect(&self.habits.name, 60))?;
        let mut decoder = Decoder::default();
        let asked = Instant::now();
        loop {
            match decoder.next_packet()? {
                Some(Packet::ConnAck(0)) => break,
                Some(other) => return self.breach(format!("answered CONNECT with {other:?}")),
                None => self.read(&mut stream, &mut decoder)?,
            }
            ensure!(asked.elapsed() < CONNECT_LIMIT, "no CONNACK");
        }
        while !self.shared.stop.load(SeqCst) {
            let batch = self.fill();
            stream.write_all(&batch)?;
            self.read(&mut stream, &mut decoder)?;
            self.acknowledge(&mut decoder)?;
            std::thread::sleep(self.habits.pause);
        }
        Ok(())
    }

    fn read(&self, stream: &mut TcpStream, decoder: &mut Decoder) -> Result<()> {
        let mut bytes = [0; 4096];
        match stream.read(&mut bytes) {
            Ok(0) => bail!("closed"),
            Ok(len) => decoder.push(bytes.get(..len).unwrap_or_default()),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(e) => return Err(e.into()),
        }
        ensure!(!self.shared.stop.load(SeqCst), "stopped");
        Ok(())
    }

    /// PUBLISH packets up to the window; noted as sent before they are.
    fn fill(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let duplicate = self.habits.after == After::ResendBackwards && !self.again.is_empty();
        let mut sent = lock(&self.shared.sent);
        for (index, slot) in self.in_flight.iter_mut().enumerate().filter(|(_, s)| s.is_none()) {
            let (boot, seq) = match self.again.pop_front() {
                Some(stamp) => stamp,
                None if self.shared.drain.load(SeqCst) => break,
                None => {
                    self.next_seq += 1;
                    (self.boot, self.next_seq - 1)
                }
            };
            let numbers = sent.entry(boot).or_default();
            if numbers.len() < seq as usize {
                numbers.push(false);
            }
            *slot = Some((boot, seq));
            let payload = punch(self.habits.seed, &self.habits.name, boot, seq).json(boot, seq);
            let id = index as u16 + 1;
            bytes.extend(mqtt::publish(&self.topic, id, duplicate, payload.as_bytes()));
        }
        if self.shared.drain.load(SeqCst) && self.in_flight.iter().all(Option::is_none) {
            self.shared.drained.store(true, SeqCst);
        }
        bytes
    }

    fn acknowledge(&mut self, decoder: &mut Decoder) -> Result<()> {
        while let Some(packet) = decoder.next_packet()? {
            let Packet::PubAck(id) = packet else { continue };
            let slot = self.in_flight.get_mut(usize::from(id).wrapping_sub(1));
            let Some((boot, seq)) = slot.and_then(Option::take) else {
                return self.breach(format!("PUBACK of {id}, which is not in flight"));
            };
            let mut sent = lock(&self.shared.sent);
            let acked = sent.get_mut(&boot).and_then(|numbers| numbers.get_mut(seq as usize - 1));
            *acked.context("a punch that was not sent")? = true;
        }
        Ok(())
    }

    /// Decides what becomes of punches without a receipt.
    fn reconnecting(&mut self) {
        let mut open: Vec<_> = self.in_flight.iter_mut().filter_map(Option::take).collect();
        open.extend(self.again.drain(..));
        open.sort_unstable();
        match self.habits.after {
            After::Resend => {}
            After::ResendBackwards => open.reverse(),
            After::Forget => open.clear(),
            After::Reboot => {
                open.clear();
                // A boot without punches needs no successor.
                if self.next_seq > 1 {
                    (self.boot, self.next_seq) = (self.boot + 1, 1);
                }
            }
        }
        self.again = open.into();
    }

    fn breach(&self, what: String) -> Result<()> {
        lock(&self.shared.breach).get_or_insert(what.clone());
        bail!(what)
    }
}

/// A lock that outlives a panic elsewhere: the test fails by that panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
