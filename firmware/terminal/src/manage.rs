//! What the box manages on a terminal: users, PINs, templates, settings, the event log, firmware.
//!
//! A [`Manager`] does one [`Job`] of the box after the other and reports what became of it; a task
//! that comes again is not done again. Templates pass through its memory and are wiped; they go
//! to the box and nowhere else, sealed for this site. An enrolment, and a template from
//! elsewhere, is only taken where the box says that notice, basis and age are on record.
//!
//! The board calls [`Manager::drive`] with the fingerprint module, hands keys to
//! [`Manager::key`], looks fingers up with [`Manager::user`], and gives the manager to
//! [`crate::terminal::Terminal::poll_with`].

mod jobs;
mod say;

use crate::clock::Reading;
use crate::keypad::Key;
use crate::log::{EventLog, LogError};
use crate::pin::{Entry, Lock, Typed, verifier, verify};
use crate::sensor::{Finger, MAX_PACKET, Sensor, Template};
use crate::update::Updater;
use crate::users::{User, UserList, UsersError};
use embedded_storage::nor_flash::NorFlash;
use muster_proto::message::{
    Happened, Job, MAX_DATA, MAX_NUMBER, SALT, Settings, Stamp, Task, TaskReason, TaskResult,
};
use muster_proto::terminal::LinkCounts;
use zeroize::Zeroize;

/// The same event of a kind that others can cause is logged at most once in so many milliseconds.
pub const NOTE_PAUSE_MS: u64 = 60_000;
/// How long somebody may take to choose a PIN, in milliseconds.
pub const CHOOSE_MS: u64 = 60_000;

/// What a key came to.
#[derive(Clone, PartialEq, Eq)]
pub enum Pressed {
    /// Nothing yet.
    More,
    /// Begin again: it made no sense, or PINs are not taken now.
    Refused,
    /// The right PIN of this user: a punch.
    Right(User),
    /// A wrong PIN, or nobody's: a denied punch.
    Wrong,
    /// A PIN was chosen.
    Chosen,
}

/// What is being done for the box.
enum Work {
    Nothing,
    /// The module works on it.
    Module {
        id: u32,
        then: Then,
    },
    /// A template comes in parts.
    Incoming {
        number: heapless::String<MAX_NUMBER>,
        page: u16,
        total: u16,
    },
    /// Somebody chooses a PIN.
    Choosing {
        id: u32,
        number: heapless::String<MAX_NUMBER>,
        salt: [u8; SALT],
        until_ms: u64,
    },
}

/// What follows when the module is done.
enum Then {
    /// The user has this page now.
    Bind { number: heapless::String<MAX_NUMBER>, page: u16 },
    /// Tell part of the template.
    Tell { page: u16, offset: u16 },
    /// Erase the next page; then perhaps the user too.
    Erase { user: User, pages: heapless::Deque<u16, 2>, erased: u16, and_user: bool },
}

/// The last task, and what there is to say of it.
struct Last {
    id: u32,
    result: TaskResult,
    reason: TaskReason,
    data: heapless::Vec<u8, MAX_DATA>,
    unsaid: bool,
}

impl Drop for Last {
    fn drop(&mut self) {
        self.data.as_mut_slice().zeroize();
    }
}

/// A manager on three flashes: user list, event log, firmware.
pub struct Manager<U, L, W, const USERS: usize> {
    users: UserList<U, USERS>,
    log: EventLog<L>,
    updater: Option<Updater<W>>,
    boot: u32,
    /// Of the firmware that runs, and whether it has proved itself.
    version: u32,
    confirmed: bool,
    reports: u64,
    last: Last,
    work: Work,
    /// What the module is to do next.
    wanted: Option<crate::sensor::Job>,
    template: Template,
    /// Which page the template was read from.
    template_page: Option<u16>,
    entry: Entry,
    lock: Lock,
    reading: Reading,
    seen: LinkCounts,
    sensor_ready: bool,
    /// When an event of a kind was last logged.
    noted_ms: heapless::Vec<(Happened, u64), 8>,
    note_due_ms: u64,
    restart: bool,
}

/// What a terminal's link asks of whoever manages it.
pub trait Admin: muster_proto::terminal::Aside {
    /// A task came.
    fn task(&mut self, now_ms: u64, task: &Task<'_>);
    /// The box has an entry of the event log.
    fn noted(&mut self, note: Stamp);
    /// The time, and how the link is doing.
    fn look(&mut self, now_ms: u64, reading: Reading, link: LinkCounts);
    /// A punch was refused because so many wait.
    fn queue_full(&mut self, now_ms: u64, waiting: u32);
    /// The box has answered a greeting.
    fn welcomed(&mut self);
}

/// Nobody manages.
impl Admin for () {
    fn task(&mut self, _now_ms: u64, _task: &Task<'_>) {}
    fn noted(&mut self, _note: Stamp) {}
    fn look(&mut self, _now_ms: u64, _reading: Reading, _link: LinkCounts) {}
    fn queue_full(&mut self, _now_ms: u64, _waiting: u32) {}
    fn welcomed(&mut self) {}
}

impl<U: NorFlash, L: NorFlash, W: NorFlash, const USERS: usize> Manager<U, L, W, USERS> {
    /// A manager in boot number `boot`, with the clock's reading at the start. Without an updater,
    /// images are refused.
    pub fn new(
        users: UserList<U, USERS>,
        log: EventLog<L>,
        mut updater: Option<Updater<W>>,
        boot: u32,
        reading: Reading,
    ) -> Self {
        let version = updater.as_mut().map_or(0, Updater::running);
        let given_up = updater.as_mut().and_then(Updater::take_given_up);
        let (result, reason) = (TaskResult::Done, TaskReason::None);
        let last = Last { id: 0, result, reason, data: heapless::Vec::new(), unsaid: false };
        let mut manager = Self {
            users,
            log,
            updater,
            boot,
            version,
            confirmed: false,
            reports: 0,
            last,
            work: Work::Nothing,
            wanted: None,
            template: Template::default(),
            template_page: None,
            entry: Entry::default(),
            lock: Lock::default(),
            reading,
            seen: LinkCounts::default(),
            sensor_ready: true,
            noted_ms: heapless::Vec::new(),
            note_due_ms: 0,
            restart: false,
        };
        manager.note(0, Happened::Started, version);
        if reading.state == muster_proto::message::ClockState::Unsure {
            manager.note(0, Happened::ClockLost, 0);
        }
        if let Some(version) = given_up {
            manager.note(0, Happened::RolledBack, version);
        }
        manager
    }

    /// The user whose finger is on `page`, and whether it is the one for use under duress.
    pub fn user(&mut self, page: u16) -> Option<(User, bool)> {
        self.users.by_page(page)
    }

    /// How the terminal is to behave.
    pub fn settings(&self) -> Settings {
        self.users.settings()
    }

    /// The user list, for its counts.
    pub fn users(&mut self) -> &mut UserList<U, USERS> {
        &mut self.users
    }

    /// Entries of the event log that the box does not have.
    pub fn waiting(&self) -> u32 {
        self.log.waiting()
    }

    /// Whether a new image waits for the terminal to start again.
    pub fn wants_restart(&self) -> bool {
        self.restart
    }

    /// The version of the firmware that runs; 0 where it came with none.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The box has answered: the image that runs has proved itself.
    fn confirm(&mut self) {
        if let Some(updater) = &mut self.updater
            && !self.confirmed
        {
            // If it fails the image stays on trial, and is tried again at the next answer.
            self.confirmed = updater.confirm(self.version).is_ok();
        }
    }

    /// Something happened to the terminal: its case was opened, an image was given up.
    pub fn happened(&mut self, now_ms: u64, what: Happened, detail: u32) {
        self.note(now_ms, what, detail);
    }

    /// Lets the module do what is wanted of it. Use it in place of [`Sensor::poll`], the same way.
    pub fn drive(
        &mut self,
        now_ms: u64,
        sensor: &mut Sensor,
        rx: &[u8],
        tx: &mut [u8; MAX_PACKET],
    ) -> (usize, Option<Finger>) {
        if let Some(job) = self.wanted
            && sensor.begin(now_ms, job)
        {
            self.wanted = None;
        }
        let polled = sensor.poll_with(now_ms, rx, tx, &mut self.template);
        if let Some(outcome) = sensor.outcome() {
            self.module_done(now_ms, outcome);
        }
        if self.sensor_ready && !sensor.is_ready() && sensor.counts().timeouts > 0 {
            self.note(now_ms, Happened::SensorLost, sensor.counts().timeouts);
        }
        self.sensor_ready = sensor.is_ready();
        polled
    }

    /// Takes a key. The board makes a punch of what comes of it, with method PIN.
    pub fn key(&mut self, now_ms: u64, key: Key) -> Pressed {
        let choosing = matches!(self.work, Work::Choosing { .. });
        let closed = !self.settings().pins || !self.lock.is_open(now_ms);
        if closed && !choosing {
            return Pressed::Refused;
        }
        match self.entry.key(now_ms, key) {
            Typed::More => Pressed::More,
            Typed::Nonsense => Pressed::Refused,
            Typed::Whole { number, pin } if choosing => {
                self.choose(number.as_str(), pin.as_bytes())
            }
            Typed::Whole { number, pin } => self.pin(now_ms, number.as_str(), pin.as_bytes()),
        }
    }

    fn pin(&mut self, now_ms: u64, number: &str, pin: &[u8]) -> Pressed {
        let user = self.users.find(number);
        let against = user.as_ref().and_then(|user| user.pin);
        // The same work whether there is such a user or not.
        let right = match &against {
            Some(against) => verify(pin, against),
            None => {
                let _ = verifier(pin, [0; SALT]);
                false
            }
        };
        match user.filter(|_| right) {
            Some(user) => {
                self.lock.right();
                Pressed::Right(user)
            }
            None => {
                let settings = self.settings();
                if self.lock.wrong(now_ms, settings) {
                    self.note(now_ms, Happened::PinsLocked, settings.lock_seconds.into());
                }
                Pressed::Wrong
            }
        }
    }

    /// The person types their own number, so that nobody chooses for another by mistake.
    fn choose(&mut self, typed: &str, pin: &[u8]) -> Pressed {
        let Work::Choosing { id, number, salt, .. } = &self.work else { return Pressed::Refused };
        if number != typed {
            return Pressed::Refused;
        }
        let (id, chosen) = (*id, verifier(pin, *salt));
        let found = self.users.find(typed);
        let put = found.ok_or(TaskReason::UnknownUser).and_then(|mut user| {
            user.pin = Some(chosen);
            self.users.put(&user).map_err(reason)
        });
        self.work = Work::Nothing;
        match put {
            Ok(()) => {
                self.done(id, &chosen.hash);
                Pressed::Chosen
            }
            Err(why) => {
                self.refuse(id, why);
                Pressed::Refused
            }
        }
    }

    /// Logs an event. Kinds that others can cause at will are logged once in a while.
    fn note(&mut self, now_ms: u64, what: Happened, detail: u32) {
        let flood = matches!(
            what,
            Happened::SealRefused
                | Happened::Replayed
                | Happened::QueueFull
                | Happened::SensorLost
                | Happened::EnrolRefused
                | Happened::UpdateRefused
        );
        if flood {
            let lately = |(kind, ms): &(Happened, u64)| {
                *kind == what && now_ms.saturating_sub(*ms) < NOTE_PAUSE_MS
            };
            if self.noted_ms.iter().any(lately) {
                return;
            }
            self.noted_ms.retain(|(kind, _)| *kind != what);
            let _ = self.noted_ms.push((what, now_ms));
        }
        // A log that takes no entry must not stop the terminal.
        let _: Result<Stamp, LogError> = self.log.push(self.reading, what, detail);
        self.note_due_ms = 0;
    }

    fn done(&mut self, id: u32, data: &[u8]) {
        self.say_of(id, TaskResult::Done, TaskReason::None, data);
    }

    fn refuse(&mut self, id: u32, reason: TaskReason) {
        self.say_of(id, TaskResult::Refused, reason, &[]);
    }

    fn say_of(&mut self, id: u32, result: TaskResult, reason: TaskReason, data: &[u8]) {
        let data = heapless::Vec::from_slice(data).unwrap_or_default();
        self.last = Last { id, result, reason, data, unsaid: true };
    }

    fn wipe_template(&mut self) {
        self.template.wipe();
        self.template_page = None;
    }
}

fn reason(error: UsersError) -> TaskReason {
    match error {
        UsersError::Full => TaskReason::Full,
        UsersError::PageTaken => TaskReason::PageTaken,
        UsersError::Number => TaskReason::UnknownUser,
        UsersError::Flash | UsersError::Geometry => TaskReason::Flash,
    }
}

#[cfg(test)]
mod tests;
