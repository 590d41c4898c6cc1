//! What every link does with check-ins: verify, split, seal, commit, and only then answer.
//!
//! A link hands over all that one read brought; it becomes one request to the vault (if there is
//! evidence) and one to the committer. The order never changes: evidence is sealed before its fact
//! is committed, and an answer exists only for what is on disk. A full disk is waited for here, so
//! that no device has to notice; a link gives up by dropping the future.

use crate::Handles;
use crate::limits::{FULL_DISK_PAUSE, MAX_PAYLOAD};
use crate::metric;
use crate::split::{BiometricEvidence, split};
use crate::verify::{self, CheckIn, Reject, Speaker, Verified};
use futures_util::future::join_all;
use muster_attendance::{Attendance, DeviceId, PersonId};
use muster_ledger::{
    CommitError, Committed, Committer, DirectoryError, Refusal, RefusalReason, Verdict,
};
use std::ops::Range;

/// One message of a link.
pub(crate) struct Message {
    /// Who it is of, or why it is refused before anyone reads it; `Err(None)` if that cannot be
    /// told now.
    pub(crate) who: Result<Speaker, Option<RefusalReason>>,
    /// The device that brought it, where known.
    pub(crate) device: Option<DeviceId>,
    /// Where its payload is in the bytes read; empty if it was thrown away.
    pub(crate) payload: Range<usize>,
    /// Length of the payload as sent.
    pub(crate) length: usize,
}

/// What a message is answered with.
#[derive(Debug)]
pub(crate) enum Answer {
    /// On disk; the receipt consumes it.
    Stored(Committed),
    /// It was on disk before.
    Again(Committed),
    /// On disk, set apart.
    Quarantined(Committed),
    /// Refused for good, and that is on disk.
    Refused(Reject),
    /// Not taken now: no answer, the device tries again.
    Later,
}

/// The way of all check-ins.
pub(crate) struct Ingest {
    handles: Handles,
}

impl Ingest {
    pub(crate) fn new(handles: Handles) -> Self {
        Self { handles }
    }

    pub(crate) fn handles(&self) -> &Handles {
        &self.handles
    }

    /// Takes the messages of one read over `link`; answers in their order.
    pub(crate) async fn take(
        &self,
        link: &'static str,
        bytes: &[u8],
        messages: &[Message],
    ) -> Vec<Answer> {
        let mut round = self.sort(bytes, messages);
        if !round.slow.is_empty() {
            self.resolve(&mut round).await;
        }
        self.refuse(messages, &mut round).await;
        let answers = self.commit(round).await;
        count(link, &answers);
        answers
    }

    /// Verifies each message and splits those that need nothing but a look into memory.
    fn sort<'a>(&self, bytes: &'a [u8], messages: &[Message]) -> Round<'a> {
        let now = self.handles.clock.now_ms();
        let mut round = Round::new(messages.len(), now);
        let mut unknown_fields = 0;
        for (place, message) in messages.iter().enumerate() {
            let payload = bytes.get(message.payload.clone()).unwrap_or_default();
            match read(message, payload) {
                Ok(verified) => {
                    unknown_fields += verified.get().unknown_fields;
                    self.place(&mut round, place, verified);
                }
                Err(Some(reject)) => round.rejects.push((place, reject)),
                Err(None) => {}
            }
        }
        if unknown_fields > 0 {
            metrics::counter!(metric::UNKNOWN_FIELDS).increment(unknown_fields.into());
        }
        round
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
        self.seal(evidence).await;
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
            })),
            Err(error) => {
                tracing::warn!(%error, "cannot take a person's number now");
                Err(None)
            }
        }
    }

    async fn seal(&self, evidence: Vec<(Attendance, BiometricEvidence)>) {
        let dropped = evidence.len() as u64;
        if dropped > 0 {
            metrics::counter!(metric::EVIDENCE_DROPPED, "reason" => "vault").increment(dropped);
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
                count_refusal(reject.reason);
                round.answer(place, Answer::Refused(reject));
            }
        }
    }

    async fn commit(&self, mut round: Round<'_>) -> Vec<Answer> {
        let punches = std::mem::take(&mut round.punches);
        let places = std::mem::take(&mut round.places);
        let mut places = places.into_iter();
        if !punches.is_empty() {
            let ids: Vec<_> = punches.iter().map(|punch| (punch.boot, punch.seq)).collect();
            for (verdict, id) in commit(&self.handles.committer, punches).await.into_iter().zip(ids)
            {
                if let Some(place) = places.next() {
                    round.answer(place, answer(verdict, id));
                }
            }
        }
        round.answers
    }
}

fn answer(verdict: Verdict, id: (u32, u64)) -> Answer {
    match verdict {
        Verdict::New(committed) => Answer::Stored(committed),
        Verdict::Again(committed) => Answer::Again(committed),
        Verdict::Quarantined(committed) => Answer::Quarantined(committed),
        Verdict::Refused(reason) => {
            count_refusal(reason);
            Answer::Refused(Reject { reason, message: Some(id) })
        }
    }
}

/// The messages of one read, on their way.
struct Round<'a> {
    now_ms: i64,
    /// One for each message; what nothing else is said of is for later.
    answers: Vec<Answer>,
    punches: Vec<Attendance>,
    /// Whose answer each of `punches` is.
    places: Vec<usize>,
    slow: Vec<(usize, Verified<CheckIn<'a>>)>,
    rejects: Vec<(usize, Reject)>,
}

impl Round<'_> {
    fn new(messages: usize, now_ms: i64) -> Self {
        Self {
            now_ms,
            answers: std::iter::repeat_with(|| Answer::Later).take(messages).collect(),
            punches: Vec::with_capacity(messages),
            places: Vec::with_capacity(messages),
            slow: Vec::new(),
            rejects: Vec::new(),
        }
    }

    fn punch(&mut self, place: usize, attendance: Attendance) {
        self.punches.push(attendance);
        self.places.push(place);
    }

    fn answer(&mut self, place: usize, answer: Answer) {
        if let Some(slot) = self.answers.get_mut(place) {
            *slot = answer;
        }
    }
}

/// Verifies one message; `Err(None)` if that cannot be done now.
fn read<'a>(message: &Message, payload: &'a [u8]) -> Result<Verified<CheckIn<'a>>, Option<Reject>> {
    match message.who {
        Ok(_) if message.length > MAX_PAYLOAD => Err(Some(RefusalReason::Oversized.into())),
        Ok(speaker) => verify::check_in(speaker, payload).map_err(Some),
        Err(reason) => {
            Err(reason.map(|reason| Reject { reason, message: crate::json::message_of(payload) }))
        }
    }
}

/// Commits, waiting while the disk is full. Empty if nothing was committed.
async fn commit(committer: &Committer, punches: Vec<Attendance>) -> Vec<Verdict> {
    loop {
        match committer.commit(punches.clone()).await {
            Ok(verdicts) => return verdicts,
            Err(CommitError::Full) => tokio::time::sleep(FULL_DISK_PAUSE).await,
            Err(CommitError::Closed) => return Vec::new(),
            Err(error) => {
                tracing::error!(%error, "punches cannot be receipted");
                return Vec::new();
            }
        }
    }
}

fn count(link: &'static str, answers: &[Answer]) {
    let mut counts = [0u64; 5];
    for answer in answers {
        counts[match answer {
            Answer::Stored(_) => 0,
            Answer::Again(_) => 1,
            Answer::Quarantined(_) => 2,
            Answer::Refused(_) => 3,
            Answer::Later => 4,
        }] += 1;
    }
    for (count, result) in
        counts.into_iter().zip(["stored", "again", "quarantined", "refused", "later"])
    {
        if count > 0 {
            metrics::counter!(metric::CHECK_INS, "link" => link, "result" => result)
                .increment(count);
        }
    }
}

fn count_refusal(reason: RefusalReason) {
    metrics::counter!(metric::REFUSALS, "reason" => reason_name(reason)).increment(1);
}

/// The reason as devices and metrics see it.
pub(crate) fn reason_name(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::UnknownDevice => "unknown-device",
        RefusalReason::WrongDevice => "wrong-device",
        RefusalReason::Revoked => "revoked",
        RefusalReason::Malformed => "malformed",
        RefusalReason::Oversized => "oversized",
        RefusalReason::NotAuthentic => "not-authentic",
        RefusalReason::BadTopic => "bad-topic",
        RefusalReason::BadPerson => "bad-person",
        RefusalReason::BadTime => "bad-time",
        RefusalReason::TooSparse => "too-sparse",
        RefusalReason::UnknownVersion => "unknown-version",
    }
}
