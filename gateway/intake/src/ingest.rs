//! What every link does with check-ins: verify, split, seal, commit, and only then answer.
//!
//! A link hands over all that one read brought; it becomes one request to the vault (if there is
//! evidence) and one to the committer. The order never changes: evidence is sealed before its fact
//! is committed, and an answer exists only for what is on disk.

mod answer;

pub(crate) use answer::{Answer, Later, Reply};

use crate::Handles;
use crate::alarms::{AlarmReason, Alarms};
use crate::limits::{FULL_DISK_PAUSE, MAX_PAYLOAD};
use crate::metric;
use crate::seals::Seals;
use crate::split::split;
use crate::tasks::{Greeting, Tasks};
use crate::terminals;
use crate::vault::Vault;
use crate::verify::{self, CheckIn, Incoming, Introduction, Reject, Speaker, Verified};
use futures_util::future::join_all;
use muster_attendance::{Attendance, DeviceId, PersonId};
use muster_ledger::quarantine::SEQ_CONFLICT;
use muster_ledger::{CommitError, DirectoryError, Refusal, RefusalReason, Verdict};
use muster_proto::message::{Note, Order, Stamp};
use std::ops::Range;
use std::sync::Arc;

/// Links on which a terminal's messages come in the order that it says them, and none comes twice
/// unless it was said twice: what does was recorded. Others store, forward and repeat.
const IN_ORDER: [&str; 1] = ["serial"];

/// One message of a link.
pub(crate) struct Message {
    /// Who it is of, or why it is refused before anyone reads it; `Err(None)` if that cannot be
    /// told now.
    pub(crate) who: Result<Speaker, Option<RefusalReason>>,
    /// The device that brought it, where known.
    pub(crate) device: Option<DeviceId>,
    /// Where its payload is in the bytes read; empty if it was thrown away. Ranges ascend.
    pub(crate) payload: Range<usize>,
    /// Length of the payload as sent.
    pub(crate) length: usize,
}

/// What a link wants of a full disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum OnFull {
    /// To wait for room, so that no device has to notice; the link gives up by dropping the future.
    Wait,
    /// To be told at once.
    Tell,
}

/// The way of all check-ins.
pub(crate) struct Ingest {
    handles: Handles,
    vault: Vault,
    seals: Seals,
    tasks: Tasks,
    alarms: Arc<Alarms>,
}

impl Ingest {
    pub(crate) fn new(handles: Handles, vault: Vault, seals: Seals) -> Self {
        let (tasks, alarms) = (Tasks::new(seals.epoch()), Arc::default());
        Self { handles, vault, tasks, seals, alarms }
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    pub(crate) fn alarms(&self) -> &Arc<Alarms> {
        &self.alarms
    }

    pub(crate) fn handles(&self) -> &Handles {
        &self.handles
    }

    pub(crate) fn seals(&self) -> &Seals {
        &self.seals
    }

    /// Takes the messages of one read over `link`; answers in their order. Sealed messages are
    /// opened in place: the caller wipes `bytes`.
    pub(crate) async fn take(
        &self,
        link: &'static str,
        on_full: OnFull,
        bytes: &mut [u8],
        messages: &[Message],
    ) -> Vec<Reply> {
        let mut round = self.sort(link, bytes, messages);
        if !round.slow.is_empty() {
            self.resolve(&mut round).await;
        }
        if !round.rejects.is_empty() {
            self.refuse(messages, &mut round).await;
        }
        self.note(&mut round).await;
        let Round { mut replies, punches, places, settled, now_ms, .. } = round;
        let set_aside = self.commit(on_full, punches, &places, &mut replies).await;
        for (place, device) in settled {
            if replies.get(place).is_some_and(|reply| matches!(reply.answer, Answer::Again(_))) {
                self.alarms.raise(Some(device), AlarmReason::Replayed, now_ms);
            }
        }
        for (place, attendance) in set_aside {
            let payload = messages.get(place).and_then(|m| bytes.get(m.payload.clone()));
            self.vault.set_aside(&attendance, payload.unwrap_or_default()).await;
        }
        answer::count(link, &replies);
        replies
    }

    /// Verifies each message and splits those that need nothing but a look into memory.
    fn sort<'a>(&self, link: &str, mut bytes: &'a mut [u8], messages: &[Message]) -> Round<'a> {
        let now_ms = self.handles.clock.now_ms();
        let mut round = Round::new(messages.len(), now_ms, IN_ORDER.contains(&link));
        let (mut unknown_fields, mut at) = (0, 0);
        for (place, message) in messages.iter().enumerate() {
            let range = message.payload.start - at..message.payload.end - at;
            let (before, rest) = bytes.split_at_mut(range.end);
            (bytes, at) = (rest, message.payload.end);
            let payload = before.get_mut(range.start..).unwrap_or_default();
            match self.read(message, payload) {
                Ok((sealed, Incoming::CheckIn(verified))) => {
                    let check_in = verified.get();
                    unknown_fields += check_in.unknown_fields;
                    let stamp = Stamp { boot: check_in.boot, seq: check_in.seq };
                    round.note_sealed(place, sealed.then(|| (verified.device(), stamp)));
                    if sealed {
                        self.tasks.came(verified.device(), stamp, check_in.live);
                        self.look_for_replay(&mut round, place, &verified);
                    }
                    self.place(&mut round, place, verified);
                }
                Ok((_, Incoming::Hello(said))) => self.hello(&mut round, place, message, said),
                Ok((_, Incoming::Note(note))) => round.notes.push((place, note)),
                Ok((_, Incoming::Report(report))) => {
                    if let Ok(speaker) = message.who {
                        self.tasks.reported(speaker.device(), &report);
                    }
                    round.answer(place, Answer::Heard);
                }
                Err(Some(reject)) => round.reject(place, message, reject),
                Err(None) => {}
            }
        }
        for (place, note) in &round.notes {
            let speaker = messages.get(*place).and_then(|message| message.who.ok());
            let sealed = speaker.map(|speaker| (speaker.device(), note.stamp()));
            if let Some(reply) = round.replies.get_mut(*place) {
                reply.sealed = sealed;
            }
        }
        if unknown_fields > 0 {
            metrics::counter!(metric::UNKNOWN_FIELDS).increment(unknown_fields.into());
        }
        round
    }

    /// Notes a live punch whose receipt its terminal has said that it has: it sends no such any more,
    /// so if the box has it already, somebody else did. What it repeats on request is not live.
    fn look_for_replay(&self, round: &mut Round<'_>, place: usize, said: &Verified<CheckIn<'_>>) {
        let (device, CheckIn { boot, seq, live, .. }) = (said.device(), said.get());
        let stamp = Stamp { boot: *boot, seq: *seq };
        if round.in_order && *live && self.tasks.is_settled(device, stamp) {
            round.settled.push((place, device));
        }
    }

    /// Verifies one message, and says whether it was sealed; `Err(None)` if that cannot be done
    /// now.
    fn read<'a>(
        &self,
        message: &Message,
        payload: &'a mut [u8],
    ) -> Result<(bool, Incoming<'a>), Option<Reject>> {
        let speaker = match message.who {
            Ok(_) if message.length > MAX_PAYLOAD => {
                return Err(Some(RefusalReason::Oversized.into()));
            }
            Ok(speaker) => speaker,
            Err(reason) => {
                let message = verify::claimed(payload);
                return Err(reason.map(|reason| Reject { message, ..reason.into() }));
            }
        };
        let sealed = verify::is_sealed(payload);
        let incoming = verify::message(speaker, payload, &self.seals).map_err(Some)?;
        Ok((sealed, incoming))
    }

    fn hello(&self, round: &mut Round<'_>, place: usize, message: &Message, said: Introduction) {
        let Ok(speaker) = message.who else { return };
        let (device, stamp) = (speaker.device(), said.stamp);
        let reason = match self.tasks.greeted(device, said) {
            Greeting::Twice | Greeting::Again if round.in_order => RefusalReason::Replayed,
            Greeting::New | Greeting::Twice => {
                self.handles.devices.heard(device);
                if let Some(from) = self.tasks.still_wanted(device, stamp.boot) {
                    self.order_again(device, from);
                }
                round.note_sealed(place, Some((device, stamp)));
                return round.answer(place, Answer::Hello(stamp));
            }
            // As a C1 sends after its connection went; the terminal waits for no answer to it.
            Greeting::Again => return round.answer(place, Answer::Heard),
            Greeting::Reused => RefusalReason::BootReused,
            Greeting::Earlier => RefusalReason::Replayed,
        };
        tracing::warn!(?reason, "a terminal's greeting is refused: it was copied, or reset");
        let message = Some((stamp.boot, stamp.seq));
        round.rejects.push((place, Reject { reason, message, authentic: false }));
    }

    /// Tells a terminal to send again what it keeps from this punch on; whether it can be told.
    pub(crate) fn order_again(&self, device: DeviceId, from: Stamp) -> bool {
        let to = Stamp { boot: u32::MAX, seq: Stamp::MAX_SEQ };
        self.order(device, Order::Resend { from, to })
    }

    /// Gives a terminal an order; whether it can be told.
    pub(crate) fn order(&self, device: DeviceId, order: Order) -> bool {
        let sealed = self.seals.order(device, order);
        sealed.map(|sealed| self.tasks.order(device, sealed)).is_some()
    }

    /// Journals entries of event logs; one that is journaled already is answered again.
    async fn note(&self, round: &mut Round<'_>) {
        for (place, note) in std::mem::take(&mut round.notes) {
            let sealed = round.replies.get(place).and_then(|reply| reply.sealed);
            let Some((device, stamp)) = sealed else { continue };
            if self.tasks.is_noted(device, stamp) {
                round.answer(place, Answer::Noted(stamp));
                continue;
            }
            let told = terminals::told(&note);
            tracing::warn!(what = told.what, "a terminal tells of an event");
            if let Some(reason) = AlarmReason::of_note(&note) {
                self.alarms.raise(Some(device), reason, round.now_ms);
            }
            metrics::counter!(metric::TERMINAL_EVENTS, "what" => terminals::word(note.what))
                .increment(1);
            match self.handles.devices.told(device, told).await {
                Ok(()) => {
                    self.tasks.noted(device, stamp);
                    round.answer(place, Answer::Noted(stamp));
                }
                Err(error) => tracing::warn!(%error, "an event cannot be noted now"),
            }
        }
    }

    fn place<'a>(&self, round: &mut Round<'a>, place: usize, verified: Verified<CheckIn<'a>>) {
        let check_in = verified.get();
        let person = match check_in.person.as_deref() {
            None => Some(None),
            Some(number) => self.handles.directory.known(verified.device(), number).map(Some),
        };
        match person {
            Some(person) if check_in.evidence.is_empty() => {
                let (attendance, _) = split(verified, person, round.now_ms);
                round.punch(place, attendance);
            }
            _ => round.slow.push((place, verified)),
        }
    }

    /// Exchanges numbers never seen before and seals evidence.
    async fn resolve(&self, round: &mut Round<'_>) {
        let slow = std::mem::take(&mut round.slow);
        let people = join_all(slow.iter().map(|(_, verified)| self.exchange(verified))).await;
        let mut evidence = Vec::new();
        for ((place, verified), person) in slow.into_iter().zip(people) {
            match person {
                Ok(person) => {
                    let (attendance, pieces) = split(verified, person, round.now_ms);
                    evidence.extend(pieces.into_iter().map(|piece| (attendance, piece)));
                    round.punch(place, attendance);
                }
                Err(Some(reject)) => round.rejects.push((place, reject)),
                Err(None) => {}
            }
        }
        if !evidence.is_empty() {
            self.vault.seal(evidence).await;
        }
    }

    /// The person behind a check-in's number; `Err(None)` if the box cannot tell now.
    async fn exchange(
        &self,
        verified: &Verified<CheckIn<'_>>,
    ) -> Result<Option<PersonId>, Option<Reject>> {
        let check_in = verified.get();
        let Some(number) = check_in.person.as_deref() else { return Ok(None) };
        match self.handles.directory.exchange(verified.device(), number).await {
            Ok(person) => Ok(Some(person)),
            Err(DirectoryError::Number) => Err(Some(Reject {
                reason: RefusalReason::BadPerson,
                message: Some((check_in.boot, check_in.seq)),
                authentic: true,
            })),
            Err(error) => {
                tracing::warn!(%error, "cannot take a person's number now");
                Err(None)
            }
        }
    }

    /// Journals what is refused for good.
    async fn refuse(&self, messages: &[Message], round: &mut Round<'_>) {
        for (place, reject) in std::mem::take(&mut round.rejects) {
            let Some(message) = messages.get(place) else { continue };
            let refusal = Refusal {
                device: message.device,
                message: reject.message,
                reason: reject.reason,
                length: message.length as u64,
            };
            if self.handles.committer.refuse(refusal).await.is_ok() {
                answer::count_refusal(reject.reason);
                if let Some(reason) = AlarmReason::of_refusal(reject.reason) {
                    self.alarms.raise(message.device, reason, round.now_ms);
                }
                round.answer(place, Answer::Refused(reject));
            }
        }
    }

    /// Commits and puts the answers in their places; returns what was set aside.
    async fn commit(
        &self,
        on_full: OnFull,
        punches: Vec<Attendance>,
        places: &[usize],
        replies: &mut [Reply],
    ) -> Vec<(usize, Attendance)> {
        let mut set_aside = Vec::new();
        if punches.is_empty() {
            return set_aside;
        }
        let mut verdicts = self.verdicts(on_full, &punches).await;
        for (&place, punch) in places.iter().zip(&punches) {
            let answer = match &mut verdicts {
                Ok(verdicts) => match verdicts.next() {
                    Some(verdict) => Answer::of(verdict, (punch.boot, punch.seq)),
                    None => Answer::Later(Later::Failing),
                },
                Err(later) => Answer::Later(*later),
            };
            if let Answer::Quarantined(committed) = &answer {
                set_aside.push((place, *punch));
                if committed.apart() == Some(SEQ_CONFLICT) {
                    self.alarms.raise(Some(punch.device), AlarmReason::Cloned, punch.received_ms);
                }
            }
            if let Some(reply) = replies.get_mut(place) {
                reply.answer = answer;
            }
        }
        set_aside
    }

    async fn verdicts(
        &self,
        on_full: OnFull,
        punches: &[Attendance],
    ) -> Result<std::vec::IntoIter<Verdict>, Later> {
        loop {
            match self.handles.committer.commit(punches.to_vec()).await {
                Ok(verdicts) => return Ok(verdicts.into_iter()),
                Err(CommitError::Full) if on_full == OnFull::Wait => {
                    tokio::time::sleep(FULL_DISK_PAUSE).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "punches cannot be receipted now");
                    return Err(Later::from(&error));
                }
            }
        }
    }
}

/// The messages of one read, on their way.
struct Round<'a> {
    now_ms: i64,
    in_order: bool,
    /// One for each message; what nothing else is said of is for later.
    replies: Vec<Reply>,
    punches: Vec<Attendance>,
    /// Whose answer each of `punches` is.
    places: Vec<usize>,
    slow: Vec<(usize, Verified<CheckIn<'a>>)>,
    /// Places of punches that their devices had receipts of when they came.
    settled: Vec<(usize, DeviceId)>,
    rejects: Vec<(usize, Reject)>,
    notes: Vec<(usize, Note)>,
}

impl Round<'_> {
    fn new(messages: usize, now_ms: i64, in_order: bool) -> Self {
        let later = || Reply { answer: Answer::Later(Later::Failing), sealed: None };
        Self {
            now_ms,
            in_order,
            replies: std::iter::repeat_with(later).take(messages).collect(),
            punches: Vec::with_capacity(messages),
            places: Vec::with_capacity(messages),
            slow: Vec::new(),
            settled: Vec::new(),
            rejects: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn punch(&mut self, place: usize, attendance: Attendance) {
        self.punches.push(attendance);
        self.places.push(place);
    }

    fn reject(&mut self, place: usize, message: &Message, reject: Reject) {
        if let (true, Ok(speaker), Some((boot, seq))) =
            (reject.authentic, message.who, reject.message)
        {
            self.note_sealed(place, Some((speaker.device(), Stamp { boot, seq })));
        }
        self.rejects.push((place, reject));
    }

    fn answer(&mut self, place: usize, answer: Answer) {
        if let Some(reply) = self.replies.get_mut(place) {
            reply.answer = answer;
        }
    }

    fn note_sealed(&mut self, place: usize, sealed: Option<(DeviceId, Stamp)>) {
        if let Some(reply) = self.replies.get_mut(place) {
            reply.sealed = sealed;
        }
    }
}
