//! What a terminal is given to do: users, enrolment, templates for other terminals of the site,
//! erasure, firmware.
//!
//! A template that a terminal hands over is sealed into the vault, or kept for as long as it takes
//! to put it into another terminal of this site, and has no other way: it is never returned from
//! here. An enrolment needs [`OnRecord`], which only exists where notice, basis and age do.

mod at;
mod words;

pub(crate) use words::{told, word};

use crate::alarms::Alarm;
use crate::ingest::Ingest;
use crate::vault::VaultStatus;
use at::AtTerminal;
use muster_attendance::{DeviceId, PersonId};
use muster_ledger::{CommitError, Device, DeviceKind, DeviceState, EnrolmentGrounds};
use muster_proto::message::{
    Grounds, IMAGE_HEAD, Job, Order, SALT, Settings, Stamp, TaskReason, Verifier,
};
use std::sync::Arc;
use std::time::Duration;
use words::reason_text;

/// How long a task may take, somebody putting a finger on the glass included.
pub const TASK_LIMIT: Duration = Duration::from_secs(90);

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
    /// Takes what the ledger has on record.
    pub fn of(found: EnrolmentGrounds) -> Result<Self, NotOnRecord> {
        let missing =
            NotOnRecord { notice: !found.notice(), basis: !found.basis(), age: !found.age() };
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

    /// What devices were refused for, or tell of, that somebody should look into.
    pub fn alarms(&self) -> Vec<Alarm> {
        let handles = self.ingest.handles();
        let name = |id| Some(handles.devices.get(id)?.name);
        self.ingest.alarms().list(handles.clock.now_ms(), name)
    }

    /// How the vault is.
    pub fn vault(&self) -> VaultStatus {
        self.ingest.vault().status()
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

    /// Gives a user a PIN, or takes it away; everything else of them stays.
    pub async fn set_pin(
        &self,
        name: &str,
        number: &str,
        pin: Option<Verifier>,
    ) -> Result<(), TerminalError> {
        let terminal = self.at(name)?;
        let person = self.person(&terminal, number);
        let set = terminal.done(Job::SetPin { number, pin }).await;
        terminal.journal("pin", person, set.as_ref().err(), 0).await?;
        set.map(|_| ())
    }

    /// Lets a user choose a PIN at the terminal; gives its verifier, for other terminals.
    pub async fn enrol_pin(
        &self,
        name: &str,
        number: &str,
        salt: [u8; SALT],
    ) -> Result<Verifier, TerminalError> {
        let terminal = self.at(name)?;
        let person = self.person(&terminal, number);
        let chosen = terminal.done(Job::EnrolPin { number, salt }).await;
        terminal.journal("pin", person, chosen.as_ref().err(), 0).await?;
        let hash = chosen?;
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
