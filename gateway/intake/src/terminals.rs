//! What a terminal is given to do: users, enrolment, templates for other terminals of the site,
//! erasure, firmware.
//!
//! A template that a terminal hands over is sealed into the vault, or kept for as long as it takes
//! to put it into another terminal of this site, and has no other way: it is never returned from
//! here. An enrolment needs [`OnRecord`], which only exists where notice, basis and age do.

use crate::ingest::Ingest;
use crate::split::{BiometricEvidence, EvidenceKind};
use crate::tasks::Told;
use muster_attendance::{Attendance, DeviceClock, DeviceId, DeviceTime, Method, Outcome, PersonId};
use muster_ledger::{CommitError, Device, DeviceKind, DeviceState, Did, PersonProfile};
use muster_proto::message::{
    ClockState, Grounds, Happened, IMAGE_HEAD, Job, MAX_DATA, MAX_PART, Note, Order, SALT,
    Settings, Stamp, TaskReason, TaskResult, Verifier,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// How long a task may take, somebody putting a finger on the glass included.
pub const TASK_LIMIT: Duration = Duration::from_secs(90);
/// A task goes again after so long without a report.
const AGAIN: Duration = Duration::from_secs(2);
/// Bytes of a template, at most: what a terminal's fingerprint module gives.
const MAX_TEMPLATE: usize = 1_536;

/// Why a terminal did not do it.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// No such terminal here.
    #[error("there is no paired terminal named {0} at this site; `muster device list` shows them")]
    Unknown(String),
    /// The box does not know its own site.
    #[error("the box has no site that terminals know; set [box] site")]
    Site,
    /// It does not answer.
    #[error("{0} does not answer; see whether it has power and a line")]
    Silent(String),
    /// It refused.
    #[error("{terminal} refused: {}", reason_text(.reason))]
    Refused {
        /// Which.
        terminal: String,
        /// Why.
        reason: TaskReason,
    },
    /// It said what makes no sense.
    #[error("{0} answered what makes no sense; update its firmware")]
    Strange(String),
    /// What is to be sent breaks a rule.
    #[error("{0}")]
    Invalid(&'static str),
    /// The journal did not take it.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Notice, basis and age of a person are on record: only then may their finger be taken.
#[derive(Clone, Copy, Debug)]
pub struct OnRecord(());

/// What is missing for an enrolment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no finger may be taken: {}", missing(.notice, .basis, .age))]
pub struct NotOnRecord {
    /// No notice was given.
    pub notice: bool,
    /// There is no basis for biometrics.
    pub basis: bool,
    /// The age is not known.
    pub age: bool,
}

fn missing(notice: &bool, basis: &bool, age: &bool) -> String {
    let all = [
        (notice, "no notice was given"),
        (basis, "there is no legal basis for biometrics"),
        (age, "the age is not known"),
    ];
    let texts: Vec<_> = all.iter().filter(|(gone, _)| **gone).map(|(_, text)| *text).collect();
    format!("{}; put it on record, or let the person use a card or a PIN", texts.join(", "))
}

impl OnRecord {
    /// Looks at what is on record: the notice given to the person and the basis for biometrics
    /// (apart from the one for attendance) by their papers' ids, the age in the directory.
    pub fn check(
        profile: &PersonProfile,
        notice: Option<&str>,
        basis: Option<&str>,
    ) -> Result<Self, NotOnRecord> {
        let gone = |paper: Option<&str>| paper.is_none_or(|id| id.trim().is_empty());
        let missing = NotOnRecord {
            notice: gone(notice),
            basis: gone(basis),
            age: gone(profile.age_band.as_deref()),
        };
        let any = missing.notice || missing.basis || missing.age;
        if any { Err(missing) } else { Ok(Self(())) }
    }

    fn grounds(self) -> Grounds {
        Grounds { notice: true, basis: true, age: true }
    }
}

/// A user as a terminal keeps them.
#[derive(Clone, Default)]
pub struct TerminalUser {
    /// Their number, 1 to 48 bytes.
    pub number: String,
    /// The page of their finger.
    pub page: Option<u16>,
    /// The page of the finger they use under duress.
    pub duress: Option<u16>,
    /// Their PIN's verifier.
    pub pin: Option<Verifier>,
}

/// What terminals are given to do. Cheap to clone.
#[derive(Clone)]
pub struct Terminals {
    ingest: Arc<Ingest>,
}

impl Terminals {
    pub(crate) fn new(ingest: Arc<Ingest>) -> Self {
        Self { ingest }
    }

    /// Tells a terminal how to behave.
    pub async fn configure(&self, name: &str, settings: Settings) -> Result<(), TerminalError> {
        self.at(name)?.done(Job::Configure(settings)).await.map(|_| ())
    }

    /// Adds a user, or changes them.
    pub async fn put_user(&self, name: &str, user: &TerminalUser) -> Result<(), TerminalError> {
        let TerminalUser { number, page, duress, pin } = user;
        let (number, page, duress, pin) = (number.as_str(), *page, *duress, *pin);
        self.at(name)?.done(Job::PutUser { number, page, duress, pin }).await.map(|_| ())
    }

    /// Lets a user choose a PIN at the terminal; gives its verifier, for other terminals.
    pub async fn enrol_pin(
        &self,
        name: &str,
        number: &str,
        salt: [u8; SALT],
    ) -> Result<Verifier, TerminalError> {
        let terminal = self.at(name)?;
        let hash = terminal.done(Job::EnrolPin { number, salt }).await?;
        let hash = hash.first_chunk().ok_or_else(|| terminal.strange())?;
        Ok(Verifier { salt, hash: *hash })
    }

    /// Has a finger taken and kept on `page`; its template is sealed into the vault where the
    /// policy keeps such. The enrolment is journaled.
    pub async fn enrol(
        &self,
        name: &str,
        number: &str,
        page: u16,
        on_record: OnRecord,
    ) -> Result<(), TerminalError> {
        let terminal = self.at(name)?;
        let person = self.person(&terminal, number);
        let grounds = on_record.grounds();
        let enrolled = terminal.done(Job::Enrol { number, page, grounds }).await;
        terminal.journal("enrol", person, enrolled.as_ref().err(), 1).await?;
        enrolled?;
        let template = terminal.template(page).await?;
        terminal.seal(person, template).await;
        Ok(())
    }

    /// Puts the template on `page` of one terminal into another of this site.
    pub async fn copy(
        &self,
        from: &str,
        page: u16,
        to: &str,
        user: (&str, u16),
        on_record: OnRecord,
    ) -> Result<(), TerminalError> {
        let (source, target) = (self.at(from)?, self.at(to)?);
        let (number, page_there) = user;
        let person = self.person(&target, number);
        let template = source.template(page).await?;
        let written = target.write(number, page_there, on_record.grounds(), &template).await;
        target.journal("copy", person, written.as_ref().err(), 1).await?;
        written
    }

    /// Has a user's fingers erased, and the user too if `and_user`; how many templates went. The
    /// terminal's receipt of it is journaled.
    pub async fn erase(
        &self,
        name: &str,
        number: &str,
        and_user: bool,
    ) -> Result<u16, TerminalError> {
        let terminal = self.at(name)?;
        let person = self.person(&terminal, number);
        let job = match and_user {
            true => Job::RemoveUser { number },
            false => Job::EraseFingers { number },
        };
        let erased = terminal.done(job).await;
        let counted = erased.as_ref().ok().and_then(|data| data.first_chunk());
        let count = counted.map(|bytes| u16::from_le_bytes(*bytes));
        let known = u32::from(count.unwrap_or_default());
        terminal.journal("erase", person, erased.as_ref().err(), known).await?;
        erased?;
        count.ok_or_else(|| terminal.strange())
    }

    /// Sends a firmware image with its signed head. The terminal starts it at its next start.
    pub async fn update(
        &self,
        name: &str,
        head: &[u8; IMAGE_HEAD],
        image: &[u8],
    ) -> Result<(), TerminalError> {
        let terminal = self.at(name)?;
        let sent = terminal.update(head, image).await;
        terminal.journal("update", None, sent.as_ref().err(), 0).await?;
        sent
    }

    /// Asks a terminal to send again what it still keeps, receipted or not, from this boot and
    /// number on, or everything: as after a restore, which has lost what came since the backup.
    /// What the box has is receipted again and stored once. A terminal that is away is told when
    /// it greets; forgotten when the box stops.
    pub fn ask_again(&self, name: &str, since: Option<(u32, u64)>) -> Result<(), TerminalError> {
        let terminal = self.at(name)?;
        let (boot, seq) = since.unwrap_or_default();
        self.want_again(terminal.device, Stamp { boot, seq });
        Ok(())
    }

    /// The same of every paired terminal that keeps what was receipted; gives how many there are.
    pub fn ask_all_again(&self) -> usize {
        let devices = self.ingest.handles().devices.list();
        let keepers = devices.iter().filter(|device| keeps_punches(device));
        keepers.map(|device| self.want_again(device.id, Stamp::default())).count()
    }

    fn want_again(&self, device: DeviceId, from: Stamp) {
        self.ingest.tasks().want_again(device, from);
        self.ingest.order_again(device, from);
    }

    /// Has a terminal ask for the time now and set its clock by the answer.
    pub fn set_clock(&self, name: &str) -> Result<(), TerminalError> {
        let terminal = self.at(name)?;
        self.ingest.order(terminal.device, Order::CheckClock);
        Ok(())
    }

    /// Has a terminal beep and blink for so many seconds, so that somebody finds it.
    pub fn identify(&self, name: &str, seconds: u8) -> Result<(), TerminalError> {
        let terminal = self.at(name)?;
        self.ingest.order(terminal.device, Order::Identify { seconds });
        Ok(())
    }

    fn at(&self, name: &str) -> Result<AtTerminal<'_>, TerminalError> {
        let found = self.ingest.handles().devices.find(name);
        let here = found.filter(keeps_punches);
        let device = here.ok_or_else(|| TerminalError::Unknown(name.to_owned()))?.id;
        Ok(AtTerminal { ingest: &self.ingest, name: name.to_owned(), device })
    }

    fn person(&self, terminal: &AtTerminal<'_>, number: &str) -> Option<PersonId> {
        self.ingest.handles().directory.known(terminal.device, number)
    }
}

/// Whether a device is an M1 of ours: these have users, and keep punches after their receipts.
fn keeps_punches(device: &Device) -> bool {
    device.state == DeviceState::Paired && device.kind == DeviceKind::M1
}

/// One terminal, and the way to it.
struct AtTerminal<'a> {
    ingest: &'a Ingest,
    name: String,
    device: DeviceId,
}

impl AtTerminal<'_> {
    fn strange(&self) -> TerminalError {
        TerminalError::Strange(self.name.clone())
    }

    /// Has a job done; gives the data of the report.
    async fn done(&self, job: Job<'_>) -> Result<Zeroizing<Vec<u8>>, TerminalError> {
        let tasks = self.ingest.tasks();
        let _turn = tasks.turn(self.device).await;
        let id = tasks.number();
        let mut reports = tasks.ask(self.device, id);
        let until = Instant::now() + TASK_LIMIT;
        let told = loop {
            let sealed = self.ingest.seals().task(self.device, id, job);
            tasks.send(self.device, sealed.ok_or(TerminalError::Site)?);
            match tokio::time::timeout(AGAIN, reports.recv()).await {
                Ok(Some(told)) if told.result != TaskResult::Working => break Some(told),
                Ok(Some(_)) => tokio::time::sleep(AGAIN / 4).await,
                Ok(None) | Err(_) => {}
            }
            if Instant::now() >= until {
                break None;
            }
        };
        tasks.forget(self.device);
        match told {
            None => Err(TerminalError::Silent(self.name.clone())),
            Some(Told { result: TaskResult::Done, data, .. }) => Ok(data),
            Some(Told { reason, .. }) => {
                Err(TerminalError::Refused { terminal: self.name.clone(), reason })
            }
        }
    }

    /// The template on a page, part by part.
    async fn template(&self, page: u16) -> Result<Zeroizing<Vec<u8>>, TerminalError> {
        let mut whole = Zeroizing::new(Vec::with_capacity(MAX_TEMPLATE + MAX_DATA));
        loop {
            let offset = whole.len() as u16;
            let part = self.done(Job::ReadTemplate { page, offset }).await?;
            if part.is_empty() && !whole.is_empty() {
                return Ok(whole);
            }
            if part.is_empty() || whole.len() + part.len() > MAX_TEMPLATE {
                return Err(self.strange());
            }
            whole.extend_from_slice(&part);
        }
    }

    async fn write(
        &self,
        number: &str,
        page: u16,
        grounds: Grounds,
        template: &[u8],
    ) -> Result<(), TerminalError> {
        let total = template.len() as u16;
        for (at, part) in template.chunks(MAX_PART).enumerate() {
            let offset = (at * MAX_PART) as u16;
            let job = Job::WriteTemplate { number, page, grounds, total, offset, part };
            self.done(job).await?;
        }
        Ok(())
    }

    async fn update(&self, head: &[u8; IMAGE_HEAD], image: &[u8]) -> Result<(), TerminalError> {
        self.done(Job::BeginUpdate { head }).await?;
        for (at, part) in image.chunks(MAX_PART).enumerate() {
            let offset = u32::try_from(at * MAX_PART)
                .map_err(|_| TerminalError::Invalid("the image is larger than any flash"))?;
            self.done(Job::UpdatePart { offset, part }).await?;
        }
        self.done(Job::EndUpdate).await.map(|_| ())
    }

    /// Seals an enrolled template into the vault. It has no punch: boot 0, which no punch has,
    /// and the number of a task stand for one.
    async fn seal(&self, person: Option<PersonId>, template: Zeroizing<Vec<u8>>) {
        let received_ms = self.ingest.handles().clock.now_ms();
        let attendance = Attendance {
            device: self.device,
            boot: 0,
            seq: u64::from(self.ingest.tasks().number()),
            person,
            at: DeviceTime { seconds: received_ms / 1000, offset_minutes: 0 },
            received_ms,
            method: Method::Fingerprint,
            outcome: Outcome::Granted,
            direction: None,
            live: true,
            clock: DeviceClock::Ok,
        };
        let kind = EvidenceKind::FingerprintTemplate;
        let piece = BiometricEvidence::new(kind, String::new(), template);
        self.ingest.vault().seal(vec![(attendance, piece)]).await;
    }

    async fn journal(
        &self,
        task: &str,
        person: Option<PersonId>,
        error: Option<&TerminalError>,
        count: u32,
    ) -> Result<(), TerminalError> {
        let result = match error {
            None => "done",
            Some(TerminalError::Refused { reason, .. }) => reason_word(*reason),
            Some(TerminalError::Silent(_)) => "silent",
            Some(_) => "failed",
        };
        let count = if error.is_none() { count } else { 0 };
        let did = Did { task: task.to_owned(), person, result: result.to_owned(), count };
        Ok(self.ingest.handles().devices.did(self.device, did).await?)
    }
}

fn reason_word(reason: TaskReason) -> &'static str {
    match reason {
        TaskReason::None => "refused",
        TaskReason::NoGrounds => "no-grounds",
        TaskReason::UnknownUser => "unknown-user",
        TaskReason::Full => "full",
        TaskReason::Busy => "busy",
        TaskReason::Sensor => "sensor",
        TaskReason::OutOfOrder => "out-of-order",
        TaskReason::Signature => "signature",
        TaskReason::Older => "older",
        TaskReason::Image => "image",
        TaskReason::Flash => "flash",
        TaskReason::Nobody => "nobody",
        TaskReason::NotSupported => "not-supported",
        TaskReason::PageTaken => "page-taken",
    }
}

fn reason_text(reason: &TaskReason) -> &'static str {
    match reason {
        TaskReason::None => "it gives no reason",
        TaskReason::NoGrounds => "notice, basis or age is not on record",
        TaskReason::UnknownUser => "it has no such user; add them first",
        TaskReason::Full => "it has no room; remove somebody first",
        TaskReason::Busy => "it is doing something else; try again",
        TaskReason::Sensor => "its fingerprint module does not do it; look at the module",
        TaskReason::OutOfOrder => "parts came out of order; try again",
        TaskReason::Signature => "the image is not signed by the key that it believes",
        TaskReason::Older => "the image is not newer than what has run there",
        TaskReason::Image => "the image is for another board, too large, or damaged",
        TaskReason::Flash => "its flash does not take it; replace the flash chip",
        TaskReason::Nobody => "nobody put a finger on the glass, or typed a PIN, in time",
        TaskReason::NotSupported => "it cannot do such a thing",
        TaskReason::PageTaken => "that page belongs to somebody else; choose another",
    }
}

/// An entry of an event log as the journal has it.
pub(crate) fn told(note: &Note) -> muster_ledger::Told {
    muster_ledger::Told {
        entry: (note.boot, note.seq),
        at: note.at.seconds,
        clock_unsure: note.clock == ClockState::Unsure,
        what: word(note.what).to_owned(),
        detail: note.detail,
    }
}

/// What happened, in a word.
pub(crate) fn word(what: Happened) -> &'static str {
    match what {
        Happened::Started => "started",
        Happened::Tampered => "tampered",
        Happened::ClockLost => "clock-lost",
        Happened::QueueFull => "queue-full",
        Happened::SensorLost => "sensor-lost",
        Happened::SealRefused => "seal-refused",
        Happened::Replayed => "replayed",
        Happened::PinsLocked => "pins-locked",
        Happened::EnrolRefused => "enrol-refused",
        Happened::Erased => "erased",
        Happened::UpdateRefused => "update-refused",
        Happened::UpdateTaken => "update-taken",
        Happened::RolledBack => "rolled-back",
        Happened::Other(_) => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enrolment_needs_notice_basis_and_age() {
        let adult = PersonProfile { age_band: Some("adult".into()), ..PersonProfile::default() };
        assert!(OnRecord::check(&adult, Some("N-1"), Some("B-1")).is_ok());
        let check = |profile: &PersonProfile, notice, basis, expect: [bool; 3]| {
            let NotOnRecord { notice, basis, age } =
                OnRecord::check(profile, notice, basis).unwrap_err();
            assert_eq!([notice, basis, age], expect);
        };
        check(&adult, None, Some("B-1"), [true, false, false]);
        check(&adult, Some("N-1"), Some(" "), [false, true, false]);
        check(&PersonProfile::default(), Some("N-1"), Some("B-1"), [false, false, true]);
        check(&PersonProfile::default(), None, None, [true, true, true]);
    }
}
