//! The committer's loop.

use super::batch::{Batch, Fate, MAX_PUNCHES, MAX_REQUESTS, Waiting};
use super::counts;
use super::draft::Drafter;
use super::recaller::{self, Aside};
use super::refusals::Refusals;
use super::{Answer, Committed, MAX_WAITING, Outcome, Request, Verdict};
use crate::act::Act;
use crate::core::{Core, Shared, Sweep};
use crate::journal::{Draft, Journal, JournalError, Position, Reader};
use crate::outbox::{Home, Parcel};
use crate::punch_time::effective_seconds;
use crate::state::checkpoint;
use crate::state::decisions::Ruling;
use crate::submit::Submission;
use crate::{ClockTrust, CommitError};
use muster_attendance::Attendance;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How often dates, the clock's trust, the reserve and counted refusals are looked at.
const TICK: Duration = Duration::from_secs(1);
/// Ticks between two writings of the witness.
const WITNESS_TICKS: u64 = 10;
/// Bytes of acts in one append; more go in several.
const MAX_ACT_BYTES: usize = 4 << 20;

/// What the thread is started with.
pub(crate) struct Thread {
    pub(crate) journal: Journal,
    pub(crate) epoch: u16,
    pub(crate) shared: Arc<Shared>,
    pub(crate) submissions: mpsc::UnboundedReceiver<Submission>,
}

/// Starts the thread. It ends when it is asked to, or when nobody can ask it any more.
pub(crate) fn start(thread: Thread) -> std::io::Result<mpsc::Sender<Request>> {
    let (sender, requests) = mpsc::channel(MAX_WAITING);
    let timer = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let Thread { journal, epoch, shared, submissions } = thread;
    let reader = journal.reader();
    let aside = recaller::start(shared.clone(), sender.downgrade())?;
    let mut writer = Writer {
        journal,
        epoch,
        shared: shared.clone(),
        reader,
        refusals: Refusals::default(),
        aside,
        requests,
        submissions,
        next_tick: Instant::now() + TICK,
        ticks: 0,
        closing: None,
        rotating: Vec::new(),
    };
    std::thread::Builder::new().name("muster-committer".into()).spawn(move || {
        // The state is not used after a panic but to tell of it.
        let ended = catch_unwind(AssertUnwindSafe(|| writer.run(&timer)));
        if ended.is_err() {
            shared.fail("the committer stopped on an error of its own; restart the box");
        }
        // Answers that are still owed are dropped with the queues: their senders see the failure.
        drop(writer.requests);
        drop(writer.submissions);
        shared.close();
        if let Some(done) = writer.closing {
            let _ = done.send(Ok(()));
        }
    })?;
    Ok(sender)
}

struct Writer {
    journal: Journal,
    epoch: u16,
    shared: Arc<Shared>,
    reader: Reader,
    refusals: Refusals,
    aside: SyncSender<Aside>,
    requests: mpsc::Receiver<Request>,
    submissions: mpsc::UnboundedReceiver<Submission>,
    next_tick: Instant,
    ticks: u64,
    closing: Option<Answer<()>>,
    rotating: Vec<Answer<()>>,
}

/// What ended a wait.
enum Woken {
    Request(Request),
    Submission(Submission),
    Tick,
    Ended,
}

impl Writer {
    fn run(&mut self, timer: &tokio::runtime::Runtime) {
        while self.closing.is_none() {
            let mut requests = Vec::new();
            let mut batch = Batch::default();
            match timer.block_on(self.wait()) {
                Woken::Request(request) => requests.push(request),
                Woken::Submission(submission) => batch.submission(submission),
                Woken::Tick => self.tick(&mut batch),
                Woken::Ended => {
                    self.shared.closing.store(true, Relaxed);
                    break;
                }
            }
            self.gather(&mut requests, &mut batch);
            self.commit(requests, batch);
            self.rotate_as_asked();
        }
        self.journal.keep_witness(true);
    }

    async fn wait(&mut self) -> Woken {
        let tick = tokio::time::sleep_until(self.next_tick.into());
        tokio::select! {
            biased;
            Some(submission) = self.submissions.recv() => Woken::Submission(submission),
            request = self.requests.recv() => request.map_or(Woken::Ended, Woken::Request),
            () = tick => Woken::Tick,
        }
    }

    /// Takes what waits, up to the limits. Acts submitted before a punch come along with it.
    fn gather(&mut self, requests: &mut Vec<Request>, batch: &mut Batch) {
        let mut punches = requests.iter().map(punches_of).sum::<usize>();
        while punches < MAX_PUNCHES && requests.len() < MAX_REQUESTS {
            let Ok(request) = self.requests.try_recv() else { break };
            punches += punches_of(&request);
            requests.push(request);
        }
        while batch.waiting.len() < MAX_REQUESTS {
            let Ok(submission) = self.submissions.try_recv() else { break };
            batch.submission(submission);
        }
        self.take_rotations(requests);
        let close = requests.iter().position(|request| matches!(request, Request::Close { .. }));
        if let Some(Request::Close { done }) = close.map(|at| requests.swap_remove(at)) {
            self.closing = Some(done);
            self.shared.closing.store(true, Relaxed);
        }
    }

    /// Takes out of `requests` what asks for a new segment.
    fn take_rotations(&mut self, requests: &mut Vec<Request>) {
        while let Some(at) = requests.iter().position(|r| matches!(r, Request::Rotate { .. })) {
            if let Request::Rotate { done } = requests.swap_remove(at) {
                self.rotating.push(done);
            }
        }
    }

    fn rotate_as_asked(&mut self) {
        if self.rotating.is_empty() {
            return;
        }
        let rotated = match self.shared.failure() {
            Some(why) => Err(CommitError::Failed(why)),
            None => self.rotate(self.shared.clock.now_ms()),
        };
        for done in self.rotating.drain(..) {
            let _ = done.send(rotated.clone());
        }
    }

    fn tick(&mut self, batch: &mut Batch) {
        self.next_tick = Instant::now() + TICK;
        let (now_ms, trust) = (self.shared.clock.now_ms(), self.shared.clock.trust());
        let mut core = self.shared.core();
        if core.tick(now_ms, trust) {
            core.changed();
            self.shared.wake_sweeper();
        }
        let trusted = trust == ClockTrust::Trusted;
        if core.state.legal.clock_trusted != trusted {
            batch.acts.push((Act::ClockTrusted { trusted }, true));
        }
        counts::standing(&core, self.journal.bytes());
        drop(core);
        batch.acts.extend(self.refusals.flush().into_iter().map(|act| (act, false)));
        self.journal.tend();
        self.shared.full.store(self.journal.is_full(), Relaxed);
        self.ticks += 1;
        if self.ticks.is_multiple_of(WITNESS_TICKS) {
            self.journal.keep_witness(false);
        }
    }

    fn commit(&mut self, requests: Vec<Request>, mut batch: Batch) {
        if requests.is_empty() && batch.is_empty() {
            return;
        }
        if let Some(why) = self.shared.failure() {
            refuse_all(requests, batch, &CommitError::Failed(why));
            return;
        }
        let at_ms = self.shared.clock.now_ms();
        self.draft(requests, &mut batch, at_ms);
        match self.append(&mut batch, at_ms, false) {
            Ok(first) => self.finish(batch, first, at_ms),
            Err(JournalError::Full) => {
                counts::failed("full");
                self.full(batch, at_ms);
            }
            Err(error) => self.failed(batch, &error),
        }
        if self.journal.should_rotate() && self.shared.failure().is_none() {
            // Logged there; the segment goes on.
            let _ = self.rotate(at_ms);
        }
    }

    fn draft(&mut self, requests: Vec<Request>, batch: &mut Batch, now_ms: i64) {
        let shared = self.shared.clone();
        let mut core = shared.core();
        batch.changes = core.changes;
        let mut drafter = Drafter {
            shared: &shared,
            core: &mut core,
            reader: &mut self.reader,
            refusals: &mut self.refusals,
            aside: &self.aside,
            batch,
            now_ms,
            first: self.journal.next_record(),
            named: HashSet::new(),
        };
        requests.into_iter().for_each(|request| drafter.take(request));
    }

    /// Appends the batch, decisions never named before first. Returns its first record's number.
    fn append(
        &mut self,
        batch: &mut Batch,
        at_ms: i64,
        essential: bool,
    ) -> Result<u64, JournalError> {
        let decided = self.decided();
        if decided.is_empty() && !batch.writes() {
            return Ok(self.journal.next_record());
        }
        let mut acts: Vec<Vec<u8>> = decided.iter().map(Act::encode).collect();
        acts.extend(batch.acts.iter().map(|(act, _)| act.encode()));
        let pieces = pieces(&acts);
        let mut position = Position { batch: 0, first_record: self.journal.next_record() };
        for (at, piece) in pieces.iter().enumerate() {
            let last = at + 1 == pieces.len();
            let facts = if last { &batch.facts[..] } else { &[] };
            let draft = Draft { at_ms, epoch: self.epoch, facts, acts: piece, essential };
            let began = Instant::now();
            self.shared.note_append(true);
            let appended = self.journal.append(&draft);
            self.shared.note_append(false);
            position = appended?;
            counts::append(facts.len(), began.elapsed());
        }
        let labels = decided.iter().filter(|act| matches!(act, Act::Labelled { .. })).count();
        let state = &mut self.shared.core().state;
        state.decisions.journaled(decided.len() - labels);
        state.labels.journaled(labels);
        Ok(position.first_record)
    }

    fn decided(&self) -> Vec<Act> {
        let core = self.shared.core();
        let act = |(id, ruling): (u32, &Arc<Ruling>)| Act::Decided {
            id,
            decision: serde_json::to_value(ruling.as_ref()).unwrap_or_default(),
        };
        let text = |(id, text): (u32, &str)| Act::Labelled { id, text: text.to_owned() };
        let decided = core.state.decisions.unjournaled().map(act);
        decided.chain(core.state.labels.unjournaled().map(text)).collect()
    }

    /// The batch is on disk: takes it into the state and tells who waits.
    fn finish(&mut self, batch: Batch, first: u64, at_ms: i64) {
        let Batch { facts, acts, waiting, changes } = batch;
        let shared = self.shared.clone();
        let mut core = shared.core();
        let acts: Vec<Act> = acts.into_iter().map(|(act, _)| act).collect();
        shared.apply_acts(&mut core, &acts, at_ms);
        core.state.apply_facts(self.epoch, first, &facts, true);
        shared.tables.note_punches(&facts, at_ms);
        let punches = facts.iter().filter_map(|fact| fact.content.punch());
        punches.for_each(|punch| core.stale.punch(effective_seconds(punch)));
        if core.changes != changes && !facts.is_empty() {
            core.ask_sweep(Sweep { from: first, people: None });
        }
        let mut answers = Vec::with_capacity(waiting.len());
        for waiting in waiting {
            answers.push(self.answer(&mut core, waiting, first));
        }
        drop(core);
        shared.wake_sweeper();
        shared.journal_bytes.store(self.journal.bytes(), Relaxed);
        shared.full.store(false, Relaxed);
        // Before the answers: who has one and then reads waits for views that hold it.
        shared.publish(first, self.epoch, &facts);
        answers.into_iter().for_each(Told::send);
    }

    fn answer(&self, core: &mut Core, waiting: Waiting, first: u64) -> Told {
        match waiting {
            Waiting::Commit { punches, fates, done } => {
                let pairs = punches.iter().zip(fates);
                let verdicts: Vec<Verdict> =
                    pairs.map(|(punch, fate)| self.verdict(core, punch, fate, first)).collect();
                counts::verdicts(&verdicts);
                Told::Commit(verdicts, done)
            }
            Waiting::Acts { done, .. } => Told::Acts(done),
            Waiting::Refuse { done } => Told::Refuse(done),
            Waiting::Redecide { count, done } => Told::Redecide(count, done),
            Waiting::Summarize { count, done } => Told::Summarize(count, done),
            Waiting::Dispatch { dispatch, done, .. } => {
                let home = Home::new(&self.shared, &dispatch.destination);
                let sending = dispatch.sending.into_iter();
                Told::Dispatch(sending.map(|s| Parcel::release(s, &home)).collect(), done)
            }
        }
    }

    fn verdict(&self, core: &Core, punch: &Attendance, fate: Fate, first: u64) -> Verdict {
        let committed = |record: u64, received_ms: i64| Committed {
            id: core.state.event_id(record, received_ms),
            device: punch.device,
            boot: punch.boot,
            seq: punch.seq,
            apart: None,
        };
        match fate {
            Fate::New(index) => Verdict::New(committed(first + index as u64, punch.received_ms)),
            Fate::Quarantined(index, reason) => {
                let stored = committed(first + index as u64, punch.received_ms);
                Verdict::Quarantined(Committed { apart: Some(reason), ..stored })
            }
            Fate::Again(original) => {
                Verdict::Again(committed(original.record, original.received_ms))
            }
            Fate::Refused(reason) => Verdict::Refused(reason),
        }
    }

    /// No room: punches go back to their terminals; what must be said uses the reserve.
    fn full(&mut self, batch: Batch, at_ms: i64) {
        self.shared.full.store(true, Relaxed);
        self.undo(&batch);
        let (mut essential, others) = batch.into_essential();
        others.into_iter().for_each(|waiting| waiting.refuse(CommitError::Full));
        if !essential.writes() {
            return;
        }
        match self.append(&mut essential, at_ms, true) {
            Ok(first) => {
                self.finish(essential, first, at_ms);
                self.shared.full.store(true, Relaxed);
            }
            Err(JournalError::Full) => refuse_all(Vec::new(), essential, &CommitError::Full),
            Err(error) => self.failed(essential, &error),
        }
    }

    fn failed(&mut self, batch: Batch, error: &JournalError) {
        self.undo(&batch);
        let why = match error {
            // One request over a limit is no failure of the disk.
            JournalError::TooLarge { .. } => CommitError::Invalid(error.to_string()),
            _ => {
                counts::failed("disk");
                self.shared.fail(&error.to_string());
                CommitError::Failed(error.to_string())
            }
        };
        refuse_all(Vec::new(), batch, &why);
    }

    /// Takes back what drafting noted of a batch that did not reach the disk.
    fn undo(&self, batch: &Batch) {
        let mut core = self.shared.core();
        let first = self.journal.next_record();
        for (index, fact) in batch.facts.iter().enumerate().rev() {
            if let Some(punch) = fact.content.punch() {
                core.state.dedupe.undo(punch, first + index as u64);
            }
        }
        for waiting in batch.waiting.iter().rev() {
            if let Waiting::Dispatch { dispatch, reserved, .. } = waiting {
                if let Some(reserved) = reserved {
                    core.state.legal.counters.undo(reserved);
                }
                let queue = core.state.standing.queue(&dispatch.destination);
                dispatch.sending.iter().for_each(|s| queue.hand_back(s.record));
            }
        }
    }

    fn rotate(&mut self, at_ms: i64) -> Result<(), CommitError> {
        let bytes = {
            let core = self.shared.core();
            let tables = self.shared.tables.snapshots();
            tables.and_then(|tables| checkpoint::write(&core.state, &tables))
        };
        match bytes.map(|bytes| self.journal.rotate(&bytes, at_ms)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(JournalError::Full)) => {
                self.shared.full.store(true, Relaxed);
                Err(CommitError::Full)
            }
            Ok(Err(error)) => {
                self.shared.fail(&error.to_string());
                Err(CommitError::Failed(error.to_string()))
            }
            Err(error) => {
                tracing::error!(%error, "no checkpoint: starting will take longer");
                Err(CommitError::Failed(error.to_string()))
            }
        }
    }
}

/// An answer ready to be sent, once the state is unlocked.
enum Told {
    Commit(Vec<Verdict>, Answer<Vec<Verdict>>),
    Acts(tokio::sync::oneshot::Sender<Result<(), CommitError>>),
    Refuse(Answer<()>),
    Redecide(u64, Answer<Outcome<u64>>),
    Summarize(u64, Answer<u64>),
    Dispatch(Vec<Parcel>, Answer<Outcome<Vec<Parcel>>>),
}

impl Told {
    fn send(self) {
        // Who no longer waits is not told; parcels so dropped go back to their queue.
        let _ = match self {
            Self::Commit(verdicts, done) => done.send(Ok(verdicts)).is_ok(),
            Self::Acts(done) => done.send(Ok(())).is_ok(),
            Self::Refuse(done) => done.send(Ok(())).is_ok(),
            Self::Redecide(count, done) => done.send(Ok(Outcome::Done(count))).is_ok(),
            Self::Summarize(count, done) => done.send(Ok(count)).is_ok(),
            Self::Dispatch(parcels, done) => done.send(Ok(Outcome::Done(parcels))).is_ok(),
        };
    }
}

fn punches_of(request: &Request) -> usize {
    match request {
        Request::Commit { punches, .. } | Request::Recalled { punches, .. } => punches.len(),
        _ => 0,
    }
}

fn refuse_all(requests: Vec<Request>, batch: Batch, why: &CommitError) {
    batch.waiting.into_iter().for_each(|waiting| waiting.refuse(why.clone()));
    for request in requests {
        let _ = match request {
            Request::Commit { done, .. } | Request::Recalled { done, .. } => {
                done.send(Err(why.clone())).is_ok()
            }
            Request::Refuse { done, .. } => done.send(Err(why.clone())).is_ok(),
            Request::Dispatch { done, .. } => done.send(Err(why.clone())).is_ok(),
            Request::Redecide { done, .. } => done.send(Err(why.clone())).is_ok(),
            Request::Summarize { done, .. } => done.send(Err(why.clone())).is_ok(),
            Request::Rotate { done } => done.send(Err(why.clone())).is_ok(),
            Request::Close { done } => done.send(Ok(())).is_ok(),
        };
    }
}

/// Acts in pieces of bounded size; at least one piece, which may be empty.
fn pieces(acts: &[Vec<u8>]) -> Vec<&[Vec<u8>]> {
    let mut pieces = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (at, act) in acts.iter().enumerate() {
        if size + act.len() > MAX_ACT_BYTES && at > start {
            pieces.push(&acts[start..at]);
            (start, size) = (at, 0);
        }
        size += act.len();
    }
    pieces.push(&acts[start..]);
    pieces
}
