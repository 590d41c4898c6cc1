//! What the threads and handles share: the state behind one lock that is never held over IO to the
//! journal's tail, the tables, the clock.

use crate::act::Act;
use crate::decider::{Decided, Decider, Known, Question};
use crate::journal::{Content, Fact, Reader};
use crate::legal::counters::Undo;
use crate::legal::{Concerns, Legal, Reservation};
use crate::state::State;
use crate::summaries::Stale;
use crate::tables::Tables;
use crate::{Clock, ClockTrust, LiveRow};
use muster_attendance::{EventId, PersonId};
use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{broadcast, watch};

/// Punches a slow live board may be behind before it misses some.
const MAX_LIVE: usize = 1024;

/// Which open records are to be decided again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sweep {
    /// From this record on.
    pub(crate) from: u64,
    /// Of these people alone; `None` is of all.
    pub(crate) people: Option<HashSet<PersonId>>,
}

impl Sweep {
    fn merge(&mut self, other: Self) {
        self.from = self.from.min(other.from);
        self.people = match (self.people.take(), other.people) {
            (Some(mut a), Some(b)) => {
                a.extend(b);
                Some(a)
            }
            _ => None,
        };
    }
}

/// What the lock guards.
pub(crate) struct Core {
    pub(crate) state: State,
    pub(crate) decider: Decider,
    /// Grows whenever anything a decision rests on changes, one person's facts included.
    pub(crate) changes: u64,
    /// Grows whenever exports are reserved.
    pub(crate) reservations: u64,
    /// When the version of the policy in force began; `None` where there is none.
    began_ms: Option<i64>,
    /// When the next one takes over.
    switches_ms: Option<i64>,
    sweep: Option<Sweep>,
    /// Days whose sheets may have changed.
    pub(crate) stale: Stale,
    pub(crate) closed: bool,
}

impl Core {
    pub(crate) fn new(state: State, decider: Decider) -> Self {
        Self {
            state,
            decider,
            changes: 0,
            reservations: 0,
            began_ms: None,
            switches_ms: None,
            sweep: None,
            stale: Stale::default(),
            closed: false,
        }
    }

    /// Decides where a record may go; `record` is its number, if it has one yet.
    pub(crate) fn decide(
        &mut self,
        content: &Content,
        record: Option<u64>,
        now_ms: i64,
        tables: &Tables,
    ) -> Decided {
        if self.is_switch_due(now_ms) {
            self.govern(now_ms);
        }
        let State { decisions, standing, legal, labels, .. } = &mut self.state;
        let question = Question { content, record, now_ms };
        let who = |person| tables.who(person);
        let known = Known { who: &who, legal, labels };
        self.decider.decide(question, known, decisions, standing)
    }

    /// Takes in the clock. True if that may have changed decisions.
    pub(crate) fn tick(&mut self, now_ms: i64, trust: ClockTrust) -> bool {
        let switched = self.is_switch_due(now_ms);
        if switched {
            self.govern(now_ms);
        }
        self.decider.tick(now_ms, trust, &self.state.legal) || switched
    }

    /// Reserves exports that are being drafted; how to take that back.
    pub(crate) fn reserve(&mut self, destination: &str, reserved: &[Reservation]) -> Option<Undo> {
        if reserved.is_empty() {
            return None;
        }
        self.reservations += 1;
        Some(self.state.legal.counters.reserve(destination, reserved))
    }

    /// Legal facts that concern everybody changed.
    pub(crate) fn legal_changed(&mut self, now_ms: i64) {
        self.decider.revise(now_ms, &self.state.legal);
        self.changed();
    }

    /// A shared fact changed: everything open is decided again, and destinations look again.
    pub(crate) fn changed(&mut self) {
        self.changes += 1;
        self.ask_sweep(Sweep { from: 0, people: None });
        self.wake_outboxes();
    }

    /// Facts of one person changed.
    pub(crate) fn person_changed(&mut self, person: PersonId) {
        self.changes += 1;
        self.decider.forget(person);
        self.ask_sweep(Sweep { from: 0, people: Some(HashSet::from([person])) });
    }

    /// Adds to what is to be decided again. The sweeper is woken by [`Shared::wake_sweeper`].
    pub(crate) fn ask_sweep(&mut self, sweep: Sweep) {
        match &mut self.sweep {
            Some(waiting) => waiting.merge(sweep),
            None => self.sweep = Some(sweep),
        }
    }

    /// Wakes every destination's worker.
    pub(crate) fn wake_outboxes(&self) {
        self.state.standing.queues().iter().for_each(|queue| queue.changed.notify_one());
    }
}

/// The shared parts.
pub(crate) struct Shared {
    core: Mutex<Core>,
    sweep_asked: Condvar,
    pub(crate) tables: Tables,
    pub(crate) clock: Clock,
    pub(crate) site: String,
    failure: OnceLock<String>,
    /// Stopping was asked for: what is not answered was not taken.
    pub(crate) closing: AtomicBool,
    pub(crate) full: AtomicBool,
    pub(crate) receipted: AtomicU64,
    pub(crate) journal_bytes: AtomicU64,
    /// Milliseconds after `started` at which the append under way began, plus one; 0 is none.
    appending: AtomicU64,
    started: Instant,
    reader: Mutex<Reader>,
    live: broadcast::Sender<LiveRow>,
    head: watch::Sender<u64>,
    /// True while the emergency stop is on; may be ahead of the journal, never behind it.
    pub(crate) stop: watch::Sender<bool>,
}

impl Shared {
    pub(crate) fn new(
        core: Core,
        tables: Tables,
        clock: Clock,
        site: String,
        reader: Reader,
    ) -> Arc<Self> {
        let head = reader.head_record();
        let stop = watch::Sender::new(core.state.legal.local_only.is_some());
        Arc::new(Self {
            core: Mutex::new(core),
            sweep_asked: Condvar::new(),
            tables,
            clock,
            site,
            failure: OnceLock::new(),
            closing: AtomicBool::new(false),
            full: AtomicBool::new(false),
            receipted: AtomicU64::new(0),
            journal_bytes: AtomicU64::new(0),
            appending: AtomicU64::new(0),
            started: Instant::now(),
            reader: Mutex::new(reader),
            live: broadcast::Sender::new(MAX_LIVE),
            head: watch::Sender::new(head),
            stop,
        })
    }

    /// The state. A panic of another holder is no reason to fall silent here: `failure` tells it.
    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A cursor of its own over the journal.
    pub(crate) fn reader(&self) -> Reader {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).another()
    }

    /// Why the journal takes nothing until a restart.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.get().cloned()
    }

    /// Notes the first failure; it stays.
    pub(crate) fn fail(&self, why: &str) {
        if self.failure.set(why.to_owned()).is_ok() {
            tracing::error!(why, "the journal takes nothing more until a restart");
        }
    }

    /// Notes that an append begins or has ended, so that a disk that hangs is noticed.
    pub(crate) fn note_append(&self, begins: bool) {
        let now = self.started.elapsed().as_millis() as u64 + 1;
        self.appending.store(if begins { now } else { 0 }, Relaxed);
    }

    /// How long the append under way has taken.
    pub(crate) fn append_takes(&self) -> Duration {
        let since = self.appending.load(Relaxed);
        let now = self.started.elapsed().as_millis() as u64 + 1;
        Duration::from_millis(if since == 0 { 0 } else { now.saturating_sub(since) })
    }

    /// New punches as they happen.
    pub(crate) fn live(&self) -> broadcast::Receiver<LiveRow> {
        self.live.subscribe()
    }

    /// The number the next record will have, whenever it grows.
    pub(crate) fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Tells of durable facts.
    pub(crate) fn publish(&self, first: u64, epoch: u16, facts: &[Fact]) {
        let punches = facts.iter().filter(|fact| fact.content.punch().is_some()).count();
        self.receipted.fetch_add(punches as u64, Relaxed);
        self.head.send_replace(first + facts.len() as u64);
        if self.live.receiver_count() > 0 {
            for (record, fact) in (first..).zip(facts) {
                let Some(&attendance) = fact.content.punch() else { continue };
                let id = EventId::new(attendance.received_ms, epoch, record);
                // Nobody listening any more is no harm.
                let _ = self.live.send(LiveRow { id, attendance });
            }
        }
    }

    /// Wakes the sweeper.
    pub(crate) fn wake_sweeper(&self) {
        self.sweep_asked.notify_all();
    }

    /// Waits for a sweep to do; `None` at the end.
    pub(crate) fn next_sweep(&self) -> Option<Sweep> {
        let mut core = self.core();
        loop {
            if core.closed {
                return None;
            }
            if let Some(sweep) = core.sweep.take() {
                return Some(sweep);
            }
            core = self.sweep_asked.wait(core).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends waiting: sweeper and outboxes.
    pub(crate) fn close(&self) {
        let mut core = self.core();
        core.closed = true;
        core.wake_outboxes();
        self.wake_sweeper();
    }

    /// Takes durable acts into tables and state, live. `at_ms` is their batch's time.
    pub(crate) fn apply_acts(&self, core: &mut Core, acts: &[Act], at_ms: i64) {
        let mut people = BTreeSet::new();
        let (mut governed, mut legal) = (false, false);
        for act in acts {
            match Legal::concerns(act) {
                Concerns::Nobody => {}
                Concerns::All => legal = true,
                Concerns::Person(person) => {
                    people.insert(person);
                    people.extend(self.tables.directory.joined(person));
                    legal |= matches!(act, Act::ConsentSet { .. });
                }
            }
            match act {
                Act::PersonWritten { person, .. } => {
                    // A person seen for the first time has no records yet.
                    let directory = &self.tables.directory;
                    if directory.profile(*person).is_some() {
                        people.insert(*person);
                        people.extend(directory.joined(*person));
                    }
                }
                Act::PersonMapped { from, into, .. } => {
                    people.extend(from.iter().chain([into]).copied());
                }
                Act::Governed { .. } | Act::PolicyAccepted { .. } | Act::SignersEnrolled { .. } => {
                    governed = true
                }
                _ => {}
            }
            self.tables.apply(act);
            let date_of = |number| Some(self.tables.plans.correction(number)?.date);
            core.stale.act(act, date_of);
            core.state.apply_act(act, at_ms);
            self.note_attestation(core, act);
        }
        people.into_iter().for_each(|person| core.person_changed(person));
        if governed {
            core.govern(self.clock.now_ms());
        } else if legal {
            core.legal_changed(self.clock.now_ms());
        }
        if acts.iter().any(|act| matches!(act, Act::LocalOnly { .. })) {
            self.stop.send_replace(core.state.legal.local_only.is_some());
        }
    }

    fn note_attestation(&self, core: &mut Core, act: &Act) {
        match act {
            Act::Attested { destination, attestation } => {
                let queue = core.state.standing.queue(destination);
                queue.attested = Some(attestation.clone());
                queue.changed.notify_one();
            }
            Act::Paused { destination, .. } => {
                core.state.standing.queue(destination).attested = None;
            }
            _ => {}
        }
    }
}

impl Core {
    /// Puts in force what is to be in force at `now_ms`; texts that do not parse hold everything.
    pub(crate) fn govern(&mut self, now_ms: i64) {
        let versions = &self.state.legal.versions;
        self.switches_ms = versions.scheduled(now_ms).map(|v| v.from.as_millisecond());
        let version = versions.in_force(now_ms).filter(|_| self.state.governance.is_some());
        self.began_ms = version.map(|v| v.from.as_millisecond());
        let governance = match version {
            Some(version) => Some(&version.governance),
            None => self.state.governance.as_ref(),
        };
        let rules = governance.and_then(|governance| crate::decider::compile(governance).ok());
        let signers = match (version, governance, &rules) {
            (Some(version), ..) => version.signers.clone(),
            (None, Some(governance), Some(rules)) => {
                crate::governance::verified(governance, rules, &self.state.signers)
            }
            _ => Vec::new(),
        };
        if let Some(rules) = &rules {
            for destination in rules.destinations() {
                self.state.standing.queue_number(&destination.id);
            }
        }
        self.decider.govern(rules, signers, now_ms, &self.state.legal);
        self.changed();
    }

    /// Another version takes over, or the clock went back behind the beginning of this one.
    fn is_switch_due(&self, now_ms: i64) -> bool {
        self.switches_ms.is_some_and(|at| now_ms >= at)
            || self.began_ms.is_some_and(|at| now_ms < at)
    }
}
