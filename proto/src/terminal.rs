//! The terminal's end: what to send and when, and what to believe of what comes.
//!
//! A pure state machine over a [`Queue`] in which every punch already lies safe. The caller gives
//! it received bytes with [`Link::receive`] and then asks [`Link::speak`] for the answer, which is
//! empty unless the box polled this terminal.
//!
//! Punches go oldest first, at most [`WINDOW`] of them without a receipt; one without a receipt
//! goes again after a growing pause. Receipts may come in any order, twice, or for punches long
//! forgotten. Nothing the box sends is believed before a Welcome has answered this boot's own
//! Hello: so nothing recorded earlier can be played back after a restart (see [`crate::seal`]).

mod down;
mod event;
mod queue;

pub use event::{Aside, Event};
pub use queue::{Backlog, Queue, Which};

use crate::frame::{Decoder, Flags};
use crate::line;
use crate::message::{
    CheckIn, ClockState, DeviceKind, Hello, LocalTime, Order, Receipt, Stamp, Task, Welcome,
};
use crate::seal::{HEADER_LEN, Header, Keys, SiteError, TAG_LEN};
use crate::window::Window;
use down::{Down, TaskBody};
use zeroize::Zeroize;

/// Most punches under way without a receipt.
pub const WINDOW: usize = 8;
/// First pause before a punch is sent again, in milliseconds; doubles up to [`RESEND_MAX_MS`].
pub const RESEND_MS: u64 = 1_000;
/// Longest pause before a punch or a Hello is sent again, in milliseconds: long enough for a busy
/// box, and short enough that one on a noisy line is through within a minute.
pub const RESEND_MAX_MS: u64 = 8_000;
/// First pause before an unanswered Hello is said again, in milliseconds; doubles up to
/// [`RESEND_MAX_MS`].
pub const HELLO_MS: u64 = 2_000;
/// A Hello is said again after so many milliseconds, to check the clock.
pub const HELLO_EVERY_MS: u64 = 6 * 3_600_000;
/// Without a poll for so long, in milliseconds, the link counts as lost, and Hello is said again.
pub const LOST_MS: u64 = 30_000;
/// A punch first sent within so many milliseconds of being made goes as live.
pub const LIVE_MS: u64 = 10_000;
/// A Welcome sets the clock only if it comes within so many milliseconds of its Hello.
pub const FRESH_MS: u64 = 5_000;

/// What a terminal says of itself in a Hello.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// What it is.
    pub device: DeviceKind,
    /// Whether it trusts its clock.
    pub clock: ClockState,
    /// What its clock says.
    pub at: LocalTime,
    /// Its firmware's version, see [`Hello::firmware`].
    pub firmware: &'a str,
}

struct InFlight {
    stamp: Stamp,
    live: bool,
    due_ms: u64,
    tries: u32,
}

/// How a terminal's link is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LinkCounts {
    /// Frames for this terminal whose message did not open or was no use.
    pub refused: u64,
    /// Messages that had been seen before, or came before a Welcome.
    pub replayed: u64,
    /// Polls by the box.
    pub polls: u64,
    /// Receipts taken, those for punches that had one before included.
    pub receipts: u64,
}

/// One terminal's link to the box. `RX` is the largest frame body it takes (256 suffices for all
/// that version 1 sends down), `TX` the largest sealed message it sends.
pub struct Link<const RX: usize, const TX: usize> {
    address: u8,
    keys: Keys,
    boot: u32,
    decoder: Decoder<RX>,
    window: Option<Window>,
    epoch: u32,
    hello: HelloTimer,
    polled: bool,
    last_poll_ms: u64,
    in_flight: heapless::Vec<InFlight, WINDOW>,
    /// All waiting punches up to here are in flight or receipted.
    cursor: Stamp,
    /// What the box asked for again and has not been sent yet.
    wanted: Option<(Stamp, Stamp)>,
    /// The newest punches with the time they were made.
    fresh: heapless::Deque<(u64, u64), WINDOW>,
    plain: [u8; TX],
    sealed: [u8; TX],
    counts: LinkCounts,
    /// The last task, opened: where its body lies in the decoder's payload.
    task: Option<TaskBody>,
    /// Whether the last thing said was beside punches.
    aside: bool,
}

struct HelloTimer {
    count: u64,
    said_ms: u64,
    due_ms: u64,
    tries: u32,
}

impl<const RX: usize, const TX: usize> Link<RX, TX> {
    /// The link of the terminal at `address` (0 to 247) in its boot number `boot`, which the
    /// caller has stored and never used before.
    pub fn new(address: u8, keys: Keys, boot: u32) -> Self {
        Self {
            address,
            keys,
            boot,
            decoder: Decoder::new(),
            window: None,
            epoch: 0,
            hello: HelloTimer { count: 0, said_ms: 0, due_ms: 0, tries: 0 },
            polled: false,
            last_poll_ms: 0,
            in_flight: heapless::Vec::new(),
            cursor: Stamp::default(),
            wanted: None,
            fresh: heapless::Deque::new(),
            plain: [0; TX],
            sealed: [0; TX],
            counts: LinkCounts::default(),
            task: None,
            aside: false,
        }
    }

    /// Says at which site the terminal is: only then does it take tasks.
    pub fn set_site(&mut self, site: &str) -> Result<(), SiteError> {
        self.keys.set_site(site)
    }

    /// The task of the last [`Event::Task`].
    pub fn task(&self) -> Option<Task<'_>> {
        self.task.as_ref()?.read()
    }

    /// Says that the punch `seq` of this boot was made now, so that it may go as live.
    pub fn punched(&mut self, seq: u64, now_ms: u64) {
        if self.fresh.is_full() {
            self.fresh.pop_front();
        }
        let _ = self.fresh.push_back((seq, now_ms));
    }

    /// Says Hello at the next poll, as when the clock needs setting.
    pub fn check_clock(&mut self) {
        self.hello.due_ms = 0;
    }

    /// How many punches are under way without a receipt.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether the box has polled within [`LOST_MS`].
    pub fn is_up(&self, now_ms: u64) -> bool {
        self.counts.polls > 0 && now_ms.saturating_sub(self.last_poll_ms) < LOST_MS
    }

    /// How the link is doing.
    pub fn counts(&self) -> LinkCounts {
        self.counts
    }

    /// Takes bytes from the line, up to the end of the next message.
    ///
    /// Returns how many of `rx` were taken, and what there is to act on. Call again until all were
    /// taken, then [`Link::speak`].
    pub fn receive(
        &mut self,
        now_ms: u64,
        rx: &[u8],
        queue: &mut impl Queue,
    ) -> (usize, Option<Event>) {
        let (taken, frame) = self.decoder.push(rx);
        let Some(frame) = frame else { return (taken, None) };
        if frame.address != self.address || frame.flags.has(Flags::FROM_TERMINAL) {
            return (taken, None);
        }
        let (flags, len) = (frame.flags, frame.payload.len());
        if flags.has(Flags::POLL) {
            self.on_poll(now_ms);
        }
        if len == 0 {
            return (taken, None);
        }
        let message = self.open(len);
        (taken, message.and_then(|m| self.act(now_ms, m, queue)))
    }

    /// Writes what there is to say into `tx` and returns its length: 0 unless the box has polled
    /// since. `tx` of [`crate::frame::wire_len`]`(TX + 65)` bytes always suffices; with less, a
    /// punch too large for it is answered by an empty frame and tried again later.
    pub fn speak(
        &mut self,
        now_ms: u64,
        about: &About<'_>,
        queue: &mut impl Queue,
        tx: &mut [u8],
    ) -> usize {
        self.speak_with(now_ms, about, queue, &mut (), tx)
    }

    /// The same, with more to say than punches: the two take turns while both have something.
    pub fn speak_with(
        &mut self,
        now_ms: u64,
        about: &About<'_>,
        queue: &mut impl Queue,
        aside: &mut impl Aside,
        tx: &mut [u8],
    ) -> usize {
        if !core::mem::take(&mut self.polled) {
            return 0;
        }
        let sealed = if now_ms >= self.hello.due_ms {
            self.say_hello(now_ms, about, queue)
        } else if core::mem::take(&mut self.aside) {
            self.send_punch(now_ms, queue).or_else(|| self.say_aside(now_ms, aside))
        } else {
            self.say_aside(now_ms, aside).or_else(|| self.send_punch(now_ms, queue))
        };
        let flags = Flags::FROM_TERMINAL;
        let message = sealed.and_then(|n| self.sealed.get(..n)).map(|s| (self.keys.name(), s));
        line::frame(self.address, flags, message, tx)
            .or_else(|_| line::frame(self.address, flags, None, tx))
            .unwrap_or(0)
    }

    fn say_aside(&mut self, now_ms: u64, aside: &mut impl Aside) -> Option<usize> {
        let said = aside.say(now_ms, &self.keys, &mut self.sealed)?;
        self.aside = true;
        Some(said)
    }

    fn on_poll(&mut self, now_ms: u64) {
        if self.counts.polls > 0 && !self.is_up(now_ms) {
            self.hello.due_ms = 0;
            self.hello.tries = 0;
        }
        self.polled = true;
        self.last_poll_ms = now_ms;
        self.counts.polls += 1;
    }

    fn open(&mut self, len: usize) -> Option<Down> {
        let split = line::split(self.decoder.last_payload(len)?);
        // Somebody else's, whom the box looks for at this address.
        let other = split.as_ref().is_some_and(|(name, _)| *name != self.keys.name());
        let down = split.filter(|_| !other).and_then(|(_, s)| Down::open(s, &self.keys));
        self.counts.refused += u64::from(down.is_none() && !other);
        let down = down?;
        if let Down::Task(header) = down {
            self.keep_task(header, len);
        }
        Some(down)
    }

    /// Keeps an opened task's body: the decoder's buffer is gone with the next byte.
    fn keep_task(&mut self, header: Header, len: usize) {
        self.task = None;
        let Some((_, sealed)) = self.decoder.last_payload(len).and_then(line::split) else {
            return;
        };
        let body = sealed.get(HEADER_LEN..sealed.len().saturating_sub(TAG_LEN));
        self.task = body.and_then(|body| TaskBody::new(header, body));
        sealed.zeroize();
    }

    fn act(&mut self, now_ms: u64, message: Down, queue: &mut impl Queue) -> Option<Event> {
        if !self.admit(&message) {
            self.counts.replayed += 1;
            self.task = None;
            return None;
        }
        match message {
            Down::Welcome(welcome) => self.on_welcome(now_ms, &welcome),
            Down::Receipt(receipt) => self.on_receipt(now_ms, receipt, queue),
            Down::Command(command) => self.on_order(command.order),
            Down::Task(_) => self.task.is_some().then_some(Event::Task),
            Down::Noted(noted) => Some(Event::Noted(noted.note)),
        }
    }

    /// Whether this message is new. The first to be taken is a Welcome for a Hello of this boot.
    fn admit(&mut self, message: &Down) -> bool {
        let stamp = message.stamp();
        let ours = matches!(message, Down::Welcome(w) if self.is_ours(w.hello));
        let fresh = match &mut self.window {
            Some(window) => window.accept(stamp),
            None => ours,
        };
        if fresh && self.window.is_none() {
            self.window = Some(Window::opened_by(stamp));
        }
        if fresh && stamp.boot > self.epoch {
            self.new_epoch(stamp.boot);
        }
        fresh
    }

    fn is_ours(&self, hello: Stamp) -> bool {
        hello.boot == self.boot && (1..=self.hello.count).contains(&hello.seq)
    }

    /// The box has restarted, or it answers only a later Hello: what was under way to it, or its
    /// receipt, may be lost, so it goes again now.
    fn new_epoch(&mut self, epoch: u32) {
        if self.epoch > 0 {
            self.check_clock();
        }
        if self.epoch > 0 || self.hello.count > 1 {
            for punch in &mut self.in_flight {
                punch.due_ms = 0;
                punch.tries = 0;
            }
        }
        self.epoch = epoch;
    }

    fn on_welcome(&mut self, now_ms: u64, welcome: &Welcome) -> Option<Event> {
        let newest = Stamp { boot: self.boot, seq: self.hello.count };
        if welcome.hello != newest {
            return None;
        }
        self.hello.tries = 0;
        self.hello.due_ms = now_ms + HELLO_EVERY_MS;
        Some(Event::Welcome {
            box_ms: welcome.box_ms,
            offset_minutes: welcome.offset_minutes,
            held_ms: now_ms.saturating_sub(self.hello.said_ms),
        })
    }

    fn on_receipt(
        &mut self,
        now_ms: u64,
        receipt: Receipt,
        queue: &mut impl Queue,
    ) -> Option<Event> {
        let at = self.in_flight.iter().position(|p| p.stamp == receipt.punch);
        self.counts.receipts += 1;
        if receipt.result.is_final() {
            queue.receipted(receipt.punch);
            if let Some(at) = at {
                self.in_flight.swap_remove(at);
            }
        } else if let Some(punch) = at.and_then(|at| self.in_flight.get_mut(at)) {
            punch.due_ms = now_ms + pause(RESEND_MS, punch.tries);
        }
        Some(Event::Receipt(receipt))
    }

    fn on_order(&mut self, order: Order) -> Option<Event> {
        match order {
            Order::CheckClock => self.check_clock(),
            Order::Resend { from, to } => self.wanted = Some((from, to)),
            Order::Identify { seconds } => return Some(Event::Identify { seconds }),
        }
        None
    }

    fn say_hello(
        &mut self,
        now_ms: u64,
        about: &About<'_>,
        queue: &mut impl Queue,
    ) -> Option<usize> {
        self.hello.count += 1;
        self.hello.said_ms = now_ms;
        self.hello.due_ms = now_ms + pause(HELLO_MS, self.hello.tries);
        self.hello.tries = self.hello.tries.saturating_add(1);
        let Backlog { next_seq, oldest, waiting } = queue.backlog();
        let hello = Hello {
            boot: self.boot,
            count: self.hello.count,
            version: crate::VERSION,
            device: about.device,
            clock: about.clock,
            at: about.at,
            next_seq,
            oldest,
            waiting,
            firmware: about.firmware,
            unknown_fields: 0,
        };
        self.keys.seal(&hello, &mut self.sealed).ok()
    }

    fn send_punch(&mut self, now_ms: u64, queue: &mut impl Queue) -> Option<usize> {
        let at = self.overdue(now_ms).or_else(|| self.take_next(now_ms, queue))?;
        let punch = self.in_flight.get_mut(at)?;
        punch.due_ms = now_ms + pause(RESEND_MS, punch.tries);
        punch.tries = punch.tries.saturating_add(1);
        let (stamp, live) = (punch.stamp, punch.live);
        let sealed = match queue.read(stamp, &mut self.plain) {
            Some(check_in) => self.keys.seal(&CheckIn { live, ..check_in }, &mut self.sealed).ok(),
            None => {
                self.in_flight.swap_remove(at);
                None
            }
        };
        self.plain.zeroize();
        sealed
    }

    /// The punch under way whose receipt is most overdue.
    fn overdue(&self, now_ms: u64) -> Option<usize> {
        let punches = self.in_flight.iter().enumerate();
        let due = punches.filter(|(_, p)| p.due_ms <= now_ms);
        due.min_by_key(|(_, p)| (p.due_ms, p.stamp)).map(|(i, _)| i)
    }

    /// Puts the next punch in flight, if there is room and one waits or was asked for.
    fn take_next(&mut self, now_ms: u64, queue: &mut impl Queue) -> Option<usize> {
        if self.in_flight.is_full() {
            return None;
        }
        let stamp = self.next_waiting(queue).or_else(|| self.next_wanted(queue))?;
        let live = self.is_live(stamp, now_ms);
        self.in_flight.push(InFlight { stamp, live, due_ms: now_ms, tries: 0 }).ok()?;
        Some(self.in_flight.len() - 1)
    }

    fn next_waiting(&mut self, queue: &mut impl Queue) -> Option<Stamp> {
        // Each round passes one punch that is already in flight, so there are at most WINDOW.
        for _ in 0..=WINDOW {
            let stamp = queue.next(self.cursor, Which::Waiting)?;
            self.cursor = stamp;
            if !self.is_in_flight(stamp) {
                return Some(stamp);
            }
        }
        None
    }

    fn next_wanted(&mut self, queue: &mut impl Queue) -> Option<Stamp> {
        for _ in 0..=WINDOW {
            let (from, to) = self.wanted?;
            let found = queue.next(before(from), Which::Kept).filter(|s| *s <= to);
            self.wanted = found.map(|stamp| (after(stamp), to));
            if let Some(stamp) = found.filter(|s| !self.is_in_flight(*s)) {
                return Some(stamp);
            }
        }
        None
    }

    fn is_in_flight(&self, stamp: Stamp) -> bool {
        self.in_flight.iter().any(|p| p.stamp == stamp)
    }

    fn is_live(&self, stamp: Stamp, now_ms: u64) -> bool {
        let young =
            |&(seq, made): &(u64, u64)| seq == stamp.seq && now_ms.saturating_sub(made) < LIVE_MS;
        stamp.boot == self.boot && self.fresh.iter().any(young)
    }
}

/// `first`, doubled for each try, up to [`RESEND_MAX_MS`].
fn pause(first: u64, tries: u32) -> u64 {
    (first << tries.min(16)).min(RESEND_MAX_MS)
}

fn before(stamp: Stamp) -> Stamp {
    match stamp.seq.checked_sub(1) {
        Some(seq) => Stamp { seq, ..stamp },
        None => Stamp { boot: stamp.boot.saturating_sub(1), seq: u64::MAX },
    }
}

fn after(stamp: Stamp) -> Stamp {
    Stamp { seq: stamp.seq.saturating_add(1), ..stamp }
}

#[cfg(test)]
mod tests;
