//! One client's socket around a [`Dialogue`], and the requests of its check-ins that are on their
//! way to the disk.
//!
//! All that one read brings becomes one request; reading goes on while requests wait, and answers
//! are written in the order of the messages. Nothing here grows without end: see [`crate::limits`].

mod poll;

use super::Gate;
use super::chunk::Chunk;
use super::dialogue::{Dialogue, End, Entry, Flow, Identity, Round};
use super::rate::Rate;
use crate::ingest::{OnFull, Reply};
use crate::limits::{
    CONNECT_TIMEOUT, DRAIN_TIMEOUT, FULL_CHUNK, MAX_BACKLOG, MAX_BATCHES, PACKET_TIMEOUT,
    RECEIVE_MAXIMUM, REFUSAL_PAUSE, TICK, WRITE_TIMEOUT,
};
use futures_util::stream::FuturesOrdered;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

type Waiting<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Something that has nothing to do with the bytes of this connection.
enum Notice {
    Pairings,
    TakenOver,
    Orders,
    ShutDown,
}

/// What happened next.
enum Event {
    Read(std::io::Result<usize>),
    Wrote(std::io::Result<()>),
    Answered(Batch),
    Granted(Option<Chunk>),
    Notice(Notice),
    Resume,
    Tick,
}

/// Check-ins of one read, with what became of them.
struct Batch {
    chunk: Chunk,
    used: usize,
    entries: Vec<Entry>,
    replies: Vec<Reply>,
}

/// How far a connection is from its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Open,
    /// Reads nothing more; answers what it has, until the time given.
    Draining(End, Instant),
    /// Writes what is left.
    Flushing(End),
}

pub(super) struct Connection<S> {
    stream: S,
    gate: Arc<Gate>,
    dialogue: Dialogue,
    phase: Phase,
    /// Room to read into; `filled` bytes of it are not handled yet.
    chunk: Chunk,
    filled: usize,
    /// Bytes that the next step needs.
    wanted: usize,
    /// Whether a read has filled a small buffer.
    busy: bool,
    spare: Option<Chunk>,
    granting: Option<Waiting<Option<Chunk>>>,
    requests: FuturesOrdered<Waiting<Batch>>,
    /// Messages in `requests`.
    unanswered: usize,
    /// Bytes of the dialogue's output that are written.
    written: usize,
    flush: bool,
    rate: Rate,
    /// When reading may go on.
    resume: Option<Pin<Box<tokio::time::Sleep>>>,
    notice: Waiting<Notice>,
    seated: bool,
    tick: Pin<Box<tokio::time::Sleep>>,
    started: Instant,
    heard: Instant,
    /// When a packet was last whole.
    progressed: Instant,
    /// When the client last took a byte, or had none to take.
    took: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// `started` is when the client connected, before any TLS handshake.
    pub(super) fn new(stream: S, identity: Identity, gate: Arc<Gate>, started: Instant) -> Self {
        let rate = match identity {
            Identity::Loopback => gate.limits.loopback_rate,
            Identity::Certificate { .. } => gate.limits.device_rate,
        };
        Self {
            notice: notices(&gate, None),
            seated: false,
            tick: Box::pin(tokio::time::sleep_until((started + CONNECT_TIMEOUT).into())),
            rate: Rate::new(rate, started),
            stream,
            dialogue: Dialogue::new(identity, gate.clone()),
            gate,
            phase: Phase::Open,
            chunk: Chunk::base(),
            filled: 0,
            wanted: 0,
            busy: false,
            spare: None,
            granting: None,
            requests: FuturesOrdered::new(),
            unanswered: 0,
            written: 0,
            flush: false,
            resume: None,
            started,
            heard: started,
            progressed: started,
            took: started,
        }
    }

    /// Serves the client to the end.
    pub(super) async fn run(mut self) -> End {
        let end = loop {
            let event = std::future::poll_fn(|cx| self.poll(cx)).await;
            if let Some(end) = self.handle(event) {
                break end;
            }
        };
        if end == End::Identity
            && let Some(refusal) = self.dialogue.turned_away()
        {
            let _ = self.gate.ingest.handles().committer.refuse(refusal).await;
        }
        self.hang_up().await;
        end
    }

    fn handle(&mut self, event: Event) -> Option<End> {
        match event {
            Event::Read(Ok(0)) | Event::Read(Err(_)) => self.close(End::Gone),
            Event::Read(Ok(count)) => {
                self.filled += count;
                self.heard = Instant::now();
                self.advance();
            }
            Event::Wrote(Ok(())) => self.took = Instant::now(),
            Event::Wrote(Err(_)) => return Some(End::Gone),
            Event::Answered(batch) => self.answered(batch),
            Event::Granted(chunk) => self.enlarge(chunk),
            Event::Notice(notice) => self.notified(&notice),
            Event::Resume => {
                self.resume = None;
                self.advance();
            }
            Event::Tick => {
                if let Some(end) = self.tick() {
                    return Some(end);
                }
            }
        }
        if self.dialogue.session.out.len() - self.written > MAX_BACKLOG {
            return Some(End::Slow);
        }
        self.ended()
    }

    /// Whether there is nothing left to do.
    fn ended(&mut self) -> Option<End> {
        if let Phase::Draining(end, _) = self.phase
            && self.requests.is_empty()
            && self.resume.is_none()
        {
            self.dialogue.part(end);
            self.phase = Phase::Flushing(end);
        }
        match self.phase {
            Phase::Flushing(end) if self.dialogue.session.out.is_empty() && !self.flush => {
                Some(end)
            }
            _ => None,
        }
    }

    /// Reads nothing more; what was read is still answered.
    fn close(&mut self, end: End) {
        if self.phase == Phase::Open {
            self.phase = Phase::Draining(end, Instant::now() + DRAIN_TIMEOUT);
            // A client that comes straight back would make matters worse.
            self.resume = (end == End::Later).then(|| Box::pin(tokio::time::sleep(REFUSAL_PAUSE)));
            self.schedule();
        }
    }

    /// Handles the whole packets that were read, and sends their check-ins on their way.
    fn advance(&mut self) {
        let (mut at, mut round) = (0, Round::default());
        self.wanted = 0;
        while self.phase == Phase::Open && self.has_room(round.messages.len()) {
            let bytes = self.chunk.bytes.get(..self.filled).unwrap_or_default();
            let (used, flow) = self.dialogue.next(bytes, at, &mut round);
            at += used;
            match flow {
                Flow::On => {}
                Flow::Await(wanted) => {
                    self.wanted = wanted;
                    break;
                }
                Flow::Close(end) => self.close(end),
            }
        }
        self.take_seat();
        self.send(at, round);
        self.make_room();
    }

    /// Whether more messages may be read, beside `read` that are not on their way yet.
    fn has_room(&self, read: usize) -> bool {
        self.requests.len() < MAX_BATCHES
            && self.unanswered + read < usize::from(RECEIVE_MAXIMUM)
            && self.resume.is_none()
    }

    /// Once the client has a name, listens for whoever takes it.
    fn take_seat(&mut self) {
        if !self.seated
            && let Some(gone) = self.dialogue.seat()
        {
            self.seated = true;
            self.notice = notices(&self.gate, Some(gone));
            self.schedule();
            // A revocation may have come between its admission and listening for one.
            if let Flow::Close(end) = self.dialogue.reconsider() {
                self.close(end);
            }
        }
    }

    /// Makes one request of the messages in the first `used` bytes.
    fn send(&mut self, used: usize, round: Round) {
        if used > 0 {
            self.progressed = Instant::now();
        }
        if round.messages.is_empty() {
            self.chunk.bytes.copy_within(used..self.filled, 0);
            self.filled -= used;
            return;
        }
        let filled = self.filled - used;
        let next = self.next_chunk(used);
        let mut chunk = std::mem::replace(&mut self.chunk, next);
        self.filled = filled;
        self.pace(round.messages.len());
        let ingest = self.gate.ingest.clone();
        self.requests.push_back(Box::pin(async move {
            let Round { entries, messages } = round;
            let replies = ingest.take("mqtt", OnFull::Wait, &mut chunk.bytes, &messages).await;
            Batch { chunk, used: used + filled, entries, replies }
        }));
    }

    /// Room for the next read, with what was not used of the last.
    fn next_chunk(&mut self, used: usize) -> Chunk {
        self.busy |= self.filled == self.chunk.bytes.len();
        let rest = self.chunk.bytes.get(used..self.filled).unwrap_or_default();
        let spare = self.spare.take().filter(|spare| spare.suits(self.busy, rest.len()));
        let mut next =
            spare.unwrap_or_else(|| Chunk::new(self.busy, rest.len(), &self.gate.budget));
        if let Some(start) = next.bytes.get_mut(..rest.len()) {
            start.copy_from_slice(rest);
        }
        next
    }

    /// Counts `messages` on their way, and reads no more for a while if they were too many.
    fn pace(&mut self, messages: usize) {
        self.unanswered += messages;
        let now = Instant::now();
        if let Some(pause) = self.rate.spend(messages, now) {
            self.resume = Some(Box::pin(tokio::time::sleep_until((now + pause).into())));
        }
    }

    /// Asks for a larger buffer if the next packet needs one.
    fn make_room(&mut self) {
        let small = self.wanted > self.chunk.bytes.len() && self.filled > 0;
        if self.phase == Phase::Open && self.granting.is_none() && small {
            let size = self.wanted.max(FULL_CHUNK);
            self.granting = Some(Box::pin(Chunk::of(size, self.gate.budget.clone())));
        }
    }

    fn enlarge(&mut self, chunk: Option<Chunk>) {
        self.granting = None;
        let Some(mut chunk) = chunk else { return self.close(End::Later) };
        let filled = self.chunk.bytes.get(..self.filled).unwrap_or_default();
        if let Some(start) = chunk.bytes.get_mut(..filled.len()) {
            start.copy_from_slice(filled);
            self.chunk = chunk;
        }
    }

    fn answered(&mut self, batch: Batch) {
        let Batch { mut chunk, used, entries, replies } = batch;
        self.unanswered -= entries.len();
        if let Flow::Close(end) = self.dialogue.answer(&entries, replies) {
            // What follows was sent later: it may not be answered before.
            self.requests = FuturesOrdered::new();
            self.close(end);
        }
        chunk.wipe(used);
        self.spare = Some(chunk);
        if self.filled > 0 && self.phase == Phase::Open {
            self.advance();
        }
    }

    fn notified(&mut self, notice: &Notice) {
        let flow = match notice {
            Notice::ShutDown => Flow::Close(End::Shutdown),
            Notice::TakenOver => Flow::Close(End::TakenOver),
            Notice::Pairings => self.dialogue.reconsider(),
            Notice::Orders => Flow::On,
        };
        self.notice = notices(&self.gate, self.dialogue.seat());
        // What came meanwhile is no news to the new one.
        self.dialogue.give_orders();
        if let Flow::Close(end) = flow {
            self.close(end);
        }
    }

    /// Looks at the timeouts; an end here is at once.
    fn tick(&mut self) -> Option<End> {
        let now = Instant::now();
        if self.dialogue.session.out.is_empty() {
            self.took = now;
        }
        if !self.may_read() {
            (self.heard, self.progressed) = (now, now);
        }
        match self.phase {
            _ if now - self.took > WRITE_TIMEOUT => return Some(End::Slow),
            Phase::Open if self.overdue(now) => self.close(End::Timeout),
            Phase::Open => self.shrink(now),
            Phase::Draining(_, until) if now >= until => self.requests = FuturesOrdered::new(),
            Phase::Draining(..) | Phase::Flushing(_) => {}
        }
        self.schedule();
        None
    }

    fn overdue(&self, now: Instant) -> bool {
        let silent = self.dialogue.patience.is_some_and(|p| now - self.heard >= p);
        let partial = self.filled > 0 && now - self.progressed >= PACKET_TIMEOUT;
        let mute = !self.seated && now - self.started >= CONNECT_TIMEOUT;
        silent || partial || mute
    }

    /// Gives back what an idle connection does not need.
    fn shrink(&mut self, now: Instant) {
        if now - self.heard >= TICK && self.filled == 0 && self.requests.is_empty() {
            (self.busy, self.spare, self.chunk) = (false, None, Chunk::base());
        }
    }

    fn schedule(&mut self) {
        let mut next = Instant::now() + TICK;
        if let Phase::Draining(_, until) = self.phase {
            next = next.min(until);
        } else if !self.seated {
            next = next.min(self.started + CONNECT_TIMEOUT);
        } else if let Some(patience) = self.dialogue.patience {
            next = next.min(self.heard + patience);
        }
        self.tick.as_mut().reset(next.into());
    }

    /// Closes the socket so that what was written last still arrives.
    async fn hang_up(mut self) {
        /// Time and bytes that a client gets to take our last word.
        const PATIENCE: Duration = Duration::from_millis(500);
        const MAX_UNREAD: usize = 64;
        let _ = tokio::time::timeout(PATIENCE, async {
            if self.stream.shutdown().await.is_err() {
                return;
            }
            let mut unread = [0u8; 1024];
            for _ in 0..MAX_UNREAD {
                if matches!(self.stream.read(&mut unread).await, Ok(0) | Err(_)) {
                    return;
                }
            }
        })
        .await;
    }
}

fn notices(gate: &Gate, gone: Option<Arc<Notify>>) -> Waiting<Notice> {
    let mut shutdown = gate.shutdown.clone();
    let mut revision = gate.ingest.handles().devices.revision();
    revision.borrow_and_update();
    let mut news = gate.ingest.tasks().news();
    Box::pin(async move {
        let closing = async move {
            // An error means that nobody can ask to shut down any more, which is the same.
            let _ = shutdown.wait_for(|&closing| closing).await;
        };
        let Some(gone) = gone else {
            closing.await;
            return Notice::ShutDown;
        };
        tokio::select! {
            () = closing => Notice::ShutDown,
            () = gone.notified() => Notice::TakenOver,
            Ok(()) = news.changed() => Notice::Orders,
            changed = revision.changed() => match changed {
                Ok(()) => Notice::Pairings,
                Err(_) => Notice::ShutDown,
            },
        }
    })
}
