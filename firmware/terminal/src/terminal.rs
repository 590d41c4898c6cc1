//! The whole terminal: queue, clock, panel and link, one poll at a time.

use crate::clock::{Clock, Reading};
use crate::manage::Admin;
use crate::panel::{Panel, Signal};
use crate::queue::{FlashQueue, OpenError, PushError};
use crate::sensor::Finger;
use embedded_hal::digital::{InputPin, OutputPin};
use embedded_storage::nor_flash::NorFlash;
use muster_proto::message::{
    CheckIn, ClockState, DecodeError, DeviceKind, Direction, Evidence, EvidenceKind, Evidences,
    LocalTime, MAX_EVIDENCE, Method, Outcome, Receipt, ReceiptResult, Stamp,
};
use muster_proto::seal::{Keys, NameError, SiteError};
use muster_proto::terminal::{
    About, Backlog, Event, FRESH_MS, Link, LinkCounts, Queue, WINDOW, Which,
};

/// Largest frame body that a terminal takes: more than version 1 ever sends down.
const RX: usize = 256;
/// A receipt whose clock differs from ours by more than this many seconds makes us check ours.
pub const DRIFT_S: i64 = 30;
/// Pause between two such checks, in milliseconds: a clock that cannot be set must not fill the line.
pub const CHECK_MS: u64 = 60_000;
/// What a box's clock may show, in seconds since 1970: the years 2020 to 2099, as clock chips know
/// them. Punches of other times could not even be stored.
const CREDIBLE_S: core::ops::Range<i64> = 1_577_836_800..4_102_444_800;
/// How long a reading of the clock serves for the link, in milliseconds.
const READING_MS: u64 = 250;

/// What a terminal is told once, when it is paired and installed.
pub struct Config<'a> {
    /// Its address on the serial line, 0 to 247; 1 where it is alone.
    pub address: u8,
    /// Its name.
    pub name: &'a str,
    /// The pairing secret; the caller wipes its copy.
    pub secret: &'a [u8; 32],
    /// What kind of device it is.
    pub device: DeviceKind,
    /// Its firmware's version, visible ASCII, at most 32 bytes.
    pub firmware: &'static str,
}

/// The terminal cannot start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StartError {
    /// Its name is not allowed.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Its queue cannot be used.
    #[error(transparent)]
    Queue(#[from] OpenError),
}

/// A punch was refused: it does not count, and the person was told by light and sound.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PunchError {
    /// It could not be stored.
    #[error(transparent)]
    Queue(#[from] PushError),
    /// It breaks a rule.
    #[error(transparent)]
    Punch(#[from] DecodeError),
}

/// A user of the terminal, as its user list has them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct User<'a> {
    /// Their number, 1 to 48 characters.
    pub number: &'a str,
    /// Whether this finger is the one for use under duress.
    pub duress: bool,
}

/// What a terminal has done since its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Punches stored and beeped for.
    pub stored: u64,
    /// Punches not stored, and refused aloud.
    pub not_stored: u64,
    /// Punches that the box has taken off our hands, those of earlier boots included.
    pub receipted: u64,
    /// Among these, punches that it refused for good.
    pub refused: u64,
}

/// A terminal. `SLOT` is the size of a queue slot, see [`crate::queue`].
pub struct Terminal<F, C, P, const SLOT: usize> {
    queue: FlashQueue<F, SLOT>,
    clock: C,
    panel: P,
    link: Link<RX, SLOT>,
    device: DeviceKind,
    firmware: &'static str,
    counts: Counts,
    reading: Option<(u64, Reading)>,
    checked_ms: Option<u64>,
    /// Whether a punch was refused for want of room since the last poll.
    refused_full: bool,
    /// Receipts that are not marked in flash yet.
    receipts: heapless::Vec<Stamp, WINDOW>,
}

/// The queue while an answer is owed: what is receipted is marked after it, so that the flash writes
/// while the line carries the answer. Marks that a power cut prevents cost a repetition.
struct Answering<'q, F, const SLOT: usize> {
    queue: &'q mut FlashQueue<F, SLOT>,
    receipts: &'q mut heapless::Vec<Stamp, WINDOW>,
}

impl<F: NorFlash, const SLOT: usize> Queue for Answering<'_, F, SLOT> {
    fn next(&mut self, after: Stamp, which: Which) -> Option<Stamp> {
        self.queue.next(after, which)
    }

    fn read<'b>(&mut self, stamp: Stamp, buf: &'b mut [u8]) -> Option<CheckIn<'b>> {
        self.queue.read(stamp, buf)
    }

    fn receipted(&mut self, stamp: Stamp) {
        if let Err(stamp) = self.receipts.push(stamp) {
            self.queue.receipted(stamp);
        }
    }

    fn backlog(&mut self) -> Backlog {
        self.queue.backlog()
    }
}

impl<F, C, B, G, R, I, O, const SLOT: usize> Terminal<F, C, Panel<B, G, R, I, O>, SLOT>
where
    F: NorFlash,
    C: Clock,
    B: OutputPin,
    G: OutputPin,
    R: OutputPin,
    I: InputPin,
    O: InputPin,
{
    /// Starts the terminal: finds the punches in flash and raises the boot number.
    pub fn new(
        config: &Config<'_>,
        flash: F,
        clock: C,
        panel: Panel<B, G, R, I, O>,
    ) -> Result<Self, StartError> {
        let keys = || Keys::derive(config.secret, config.name);
        let queue = FlashQueue::open(flash, keys()?)?;
        let link = Link::new(config.address, keys()?, queue.boot());
        let (device, firmware) = (config.device, config.firmware);
        Ok(Self {
            queue,
            clock,
            panel,
            link,
            device,
            firmware,
            counts: Counts::default(),
            reading: None,
            checked_ms: None,
            refused_full: false,
            receipts: heapless::Vec::new(),
        })
    }

    /// Stores a punch, and only then gives the sign. Without `direction` the buttons decide.
    pub fn punch(
        &mut self,
        now_ms: u64,
        person: Option<&str>,
        method: Method,
        outcome: Outcome,
        direction: Option<Direction>,
        evidence: &[Evidence<'_>],
    ) -> Result<Stamp, PunchError> {
        let direction = direction.or(self.panel.take_direction(now_ms));
        let reading = self.clock.read(now_ms);
        let result = Evidences::from_slice(evidence).map_err(PunchError::from).and_then(|e| {
            let check_in = CheckIn {
                boot: 0,
                seq: 0,
                person,
                at: reading.at,
                method,
                outcome,
                direction,
                live: false,
                clock: reading.state,
                evidence: e,
                unknown_fields: 0,
            };
            Ok(self.queue.push(check_in)?)
        });
        let signal = match (&result, outcome) {
            (Err(_), _) => Signal::Refused,
            (Ok(_), Outcome::Denied) => Signal::Denied,
            // Under duress the terminal looks as always.
            (Ok(_), Outcome::Granted | Outcome::Duress) => Signal::Accepted,
        };
        match result {
            Ok(stamp) => {
                self.counts.stored += 1;
                self.link.punched(stamp.seq, now_ms);
            }
            Err(error) => {
                self.counts.not_stored += 1;
                self.refused_full |= matches!(error, PunchError::Queue(PushError::Full));
            }
        }
        self.panel.show(now_ms, signal);
        result
    }

    /// Makes a punch of what the fingerprint module saw, with its score and `more` as evidence.
    /// `user` looks a page up in the user list; an unknown finger, or one without a user, is
    /// denied, and that is a punch too.
    pub fn finger<'u>(
        &mut self,
        now_ms: u64,
        finger: Finger,
        user: impl FnOnce(u16) -> Option<User<'u>>,
        more: &[Evidence<'_>],
    ) -> Option<Result<Stamp, PunchError>> {
        let (found, score) = match finger {
            Finger::Unclear => {
                self.panel.show(now_ms, Signal::Denied);
                return None;
            }
            Finger::Unknown => (None, None),
            Finger::Match { page, score } => (user(page), Some(score)),
        };
        let outcome = match found {
            None => Outcome::Denied,
            Some(User { duress: true, .. }) => Outcome::Duress,
            Some(_) => Outcome::Granted,
        };
        let number = found.map(|u| u.number);
        let text = score.map(decimal);
        let score = text.as_ref().map(|text| Evidence {
            kind: EvidenceKind::Score,
            media: "text/plain",
            data: text.as_bytes(),
        });
        let mut evidence = heapless::Vec::<_, MAX_EVIDENCE>::new();
        // What does not fit is left behind: the punch counts more than its evidence.
        evidence.extend(score.into_iter().chain(more.iter().copied()).take(MAX_EVIDENCE));
        Some(self.punch(now_ms, number, Method::Fingerprint, outcome, None, &evidence))
    }

    /// Takes bytes from the box and writes the answer into `tx`; returns its length. Call it when
    /// bytes have come, and at least every 50 ms, and [`Terminal::settle`] once the answer is on its
    /// way. `tx` needs `frame::wire_len(SLOT + 65)` bytes.
    pub fn poll(&mut self, now_ms: u64, rx: &[u8], tx: &mut [u8]) -> usize {
        self.poll_with(now_ms, rx, tx, &mut ())
    }

    /// The same for a terminal that somebody manages, see [`crate::manage`].
    pub fn poll_with(
        &mut self,
        now_ms: u64,
        mut rx: &[u8],
        tx: &mut [u8],
        admin: &mut impl Admin,
    ) -> usize {
        self.settle();
        self.panel.poll(now_ms);
        while !rx.is_empty() {
            let (queue, receipts) = (&mut self.queue, &mut self.receipts);
            let (taken, event) = self.link.receive(now_ms, rx, &mut Answering { queue, receipts });
            rx = rx.get(taken..).unwrap_or_default();
            match event {
                Some(Event::Task) => {
                    if let Some(task) = self.link.task() {
                        admin.task(now_ms, &task);
                    }
                }
                Some(Event::Noted(note)) => admin.noted(note),
                Some(event) => {
                    if matches!(event, Event::Welcome { .. }) {
                        admin.welcomed();
                    }
                    self.act(now_ms, event);
                }
                None => {}
            }
        }
        let reading = self.reading(now_ms);
        admin.look(now_ms, reading, self.link.counts());
        if core::mem::take(&mut self.refused_full) {
            admin.queue_full(now_ms, self.queue.waiting());
        }
        let about = About {
            device: self.device,
            clock: reading.state,
            at: reading.at,
            firmware: self.firmware,
        };
        self.link.speak_with(now_ms, &about, &mut self.queue, admin, tx)
    }

    /// Marks in flash what was receipted. What is not marked here is marked at the next poll.
    pub fn settle(&mut self) {
        let before = self.queue.waiting();
        for stamp in core::mem::take(&mut self.receipts) {
            self.queue.receipted(stamp);
        }
        self.counts.receipted += u64::from(before - self.queue.waiting());
    }

    /// Says at which site the terminal is: only then does it take the box's tasks.
    pub fn set_site(&mut self, site: &str) -> Result<(), SiteError> {
        self.link.set_site(site)
    }

    /// The clock's reading now.
    pub fn read_clock(&mut self, now_ms: u64) -> Reading {
        self.clock.read(now_ms)
    }

    /// How many punches wait for a receipt.
    pub fn waiting(&self) -> u32 {
        self.queue.waiting()
    }

    /// The number of this boot.
    pub fn boot(&self) -> u32 {
        self.queue.boot()
    }

    /// Whether the box polls us.
    pub fn is_up(&self, now_ms: u64) -> bool {
        self.link.is_up(now_ms)
    }

    /// What it has done since its start.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// How the link is doing.
    pub fn link_counts(&self) -> LinkCounts {
        self.link.counts()
    }

    /// The queue, for its counts.
    pub fn queue(&self) -> &FlashQueue<F, SLOT> {
        &self.queue
    }

    /// The flash, the clock and the panel back, as when the terminal is switched off.
    pub fn into_parts(self) -> (F, C, Panel<B, G, R, I, O>) {
        (self.queue.into_flash(), self.clock, self.panel)
    }

    fn act(&mut self, now_ms: u64, event: Event) {
        match event {
            Event::Receipt(receipt) => self.on_receipt(now_ms, &receipt),
            Event::Identify { seconds } => self.panel.show(now_ms, Signal::Identify(seconds)),
            Event::Welcome { box_ms, offset_minutes, held_ms } => {
                if box_ms > 0 && held_ms <= FRESH_MS {
                    // The truth lies between box_ms and box_ms + held_ms.
                    let seconds = box_ms.saturating_add((held_ms / 2) as i64) / 1000;
                    if CREDIBLE_S.contains(&seconds) {
                        self.clock.set(now_ms, LocalTime { seconds, offset_minutes });
                        self.reading = None;
                    }
                }
            }
            // Those who manage have taken them.
            Event::Task | Event::Noted(_) => {}
        }
    }

    fn on_receipt(&mut self, now_ms: u64, receipt: &Receipt) {
        if receipt.result == ReceiptResult::Refused {
            self.counts.refused += 1;
        }
        let reading = self.reading(now_ms);
        let drift = (receipt.box_ms / 1000).saturating_sub(reading.at.seconds).saturating_abs();
        let doubtful = drift > DRIFT_S || reading.state == ClockState::Unsure;
        let lately = self.checked_ms.is_some_and(|ms| now_ms.saturating_sub(ms) < CHECK_MS);
        if receipt.box_ms > 0 && doubtful && !lately {
            self.checked_ms = Some(now_ms);
            self.link.check_clock();
        }
    }

    /// The clock, read anew only now and then: over I2C it takes milliseconds.
    fn reading(&mut self, now_ms: u64) -> Reading {
        match self.reading {
            Some((read_ms, reading)) if now_ms.saturating_sub(read_ms) < READING_MS => reading,
            _ => {
                let reading = self.clock.read(now_ms);
                self.reading = Some((now_ms, reading));
                reading
            }
        }
    }
}

/// A number in decimal.
fn decimal(mut number: u16) -> heapless::String<5> {
    let mut digits = heapless::String::new();
    let mut scale = 10_000;
    while scale > 0 {
        let digit = (number / scale) as u8;
        if digit > 0 || !digits.is_empty() || scale == 1 {
            let _ = digits.push(char::from(b'0' + digit));
        }
        number %= scale;
        scale /= 10;
    }
    digits
}

#[cfg(test)]
mod tests;
