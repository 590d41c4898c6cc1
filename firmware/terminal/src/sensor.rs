//! The fingerprint module: ZFM, R30x, R50x and AS608 kin on a serial port.
//!
//! Packets are `EF 01 | address u32 | packet id u8 | length u16 | data | sum u16`, big-endian; the
//! length counts data and sum, the sum counts packet id, length and data. The driver logs in with
//! a password (a module on the default password gets ours), then asks for an image again and
//! again, and has the module match what it sees. Templates stay in the module, unless a [`Job`]
//! takes one out or puts one in: then they pass through the [`Template`] that the caller brings.
//!
//! Sums are checked; what does not check is dropped byte by byte until a packet does. An answer
//! that does not come in time, or an answer out of place, starts the whole again from the login.

mod packet;

use packet::{COMMAND, DATA, END, Found, HEAD, MAX_DATA, Packet, SUM, inspect, packet};
use zeroize::Zeroize;

/// Most bytes of a template.
pub const MAX_TEMPLATE: usize = 1_536;
/// Bytes of a template in one packet to the module: what every module takes as it ships.
const PART: usize = 128;
/// Longest packet sent, in bytes.
pub const MAX_PACKET: usize = HEAD + PART + SUM;
/// How long the module may take to answer, in milliseconds; a search of a full module takes most.
pub const ANSWER_MS: u64 = 2_000;
/// Pause between two looks for a finger, in milliseconds.
pub const LOOK_MS: u64 = 100;
/// Pause before a module that does not answer is tried again, in milliseconds.
pub const RETRY_MS: u64 = 1_000;
/// How long somebody may take to put a finger on the glass twice, in milliseconds.
pub const ENROL_MS: u64 = 30_000;
/// Pause between two packets of data, in milliseconds: what one takes at 57,600 baud.
const PART_MS: u64 = 25;

const GEN_IMG: u8 = 0x01;
const IMG_2_TZ: u8 = 0x02;
const SEARCH: u8 = 0x04;
const REG_MODEL: u8 = 0x05;
const STORE: u8 = 0x06;
const LOAD: u8 = 0x07;
const UP_CHAR: u8 = 0x08;
const DOWN_CHAR: u8 = 0x09;
const DELETE: u8 = 0x0C;
const SET_PWD: u8 = 0x12;
const VFY_PWD: u8 = 0x13;

const OK: u8 = 0x00;
const NO_FINGER: u8 = 0x02;
const NOT_FOUND: u8 = 0x09;
const WRONG_PASSWORD: u8 = 0x13;

/// A template on its way out of a module or into one. Wiped when dropped; no `Debug`.
#[derive(Default)]
pub struct Template(heapless::Vec<u8, MAX_TEMPLATE>);

impl Template {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Appends; false, and nothing is appended, if it does not fit.
    pub fn extend(&mut self, bytes: &[u8]) -> bool {
        self.0.extend_from_slice(bytes).is_ok()
    }

    /// Forgets it.
    pub fn wipe(&mut self) {
        self.0.as_mut_slice().zeroize();
        self.0.clear();
    }
}

impl Drop for Template {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// What the module does beside looking for fingers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Job {
    /// Takes a finger twice and keeps it on a page; the template is then in the caller's hands.
    Enrol {
        /// Where it is kept.
        page: u16,
    },
    /// Takes a template out.
    Read {
        /// Where it is kept.
        page: u16,
    },
    /// Puts the caller's template in.
    Write {
        /// Where it is to be kept.
        page: u16,
    },
    /// Erases a template.
    Delete {
        /// Where it is kept.
        page: u16,
    },
}

/// How a job ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Well.
    Done,
    /// Nobody put a finger on the glass in time.
    Nobody,
    /// The module said no, or does not answer.
    Failed,
}

/// What the module saw.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finger {
    /// It matches a stored template.
    Match {
        /// Where that is stored.
        page: u16,
        /// How well, by the module's own measure.
        score: u16,
    },
    /// A good image that matches nothing.
    Unknown,
    /// No good image; the person should try again.
    Unclear,
}

/// How the module is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Bytes that belonged to no whole packet.
    pub noise: u32,
    /// Answers that did not come.
    pub timeouts: u32,
    /// Answers that made no sense where they came.
    pub strange: u32,
}

/// A password that must not be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("0 is the password that every module ships with; choose another")]
pub struct PasswordError;

/// What was asked, or what to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Login,
    LoginDefault,
    SetPassword,
    Look,
    Extract,
    Search,
    /// After a finger: wait until it is lifted, so that it counts once.
    Lift,
    /// Jobs, by what is asked next. An enrolment looks, extracts and waits twice.
    EnrolLook(u8),
    EnrolExtract(u8),
    EnrolLift,
    Merge,
    Load,
    Upload,
    /// Data comes.
    Receive,
    Download,
    /// Data goes, from this offset on.
    Send(usize),
    Keep,
    Delete,
}

/// One module.
pub struct Sensor {
    password: u32,
    /// Templates it has room for.
    capacity: u16,
    step: Step,
    /// While an answer is awaited: until when. Otherwise: when to ask.
    awaiting: bool,
    due_ms: u64,
    rx: heapless::Vec<u8, { HEAD + MAX_DATA + SUM }>,
    ready: bool,
    counts: Counts,
    /// What is being done, and until when.
    job: Option<(Job, u64)>,
    outcome: Option<Outcome>,
}

impl Sensor {
    /// A module to be used with `password`, with room for `capacity` templates.
    pub fn new(password: u32, capacity: u16) -> Result<Self, PasswordError> {
        if password == 0 {
            return Err(PasswordError);
        }
        Ok(Self {
            password,
            capacity,
            step: Step::Login,
            awaiting: false,
            due_ms: 0,
            rx: heapless::Vec::new(),
            ready: false,
            counts: Counts::default(),
            job: None,
            outcome: None,
        })
    }

    /// Begins a job, once the module is free; false while it is not ready or does another. Poll
    /// it with [`Sensor::poll_with`] until there is an [`Sensor::outcome`].
    pub fn begin(&mut self, now_ms: u64, job: Job) -> bool {
        if !self.ready || self.job.is_some() {
            return false;
        }
        self.job = Some((job, now_ms + ENROL_MS));
        self.outcome = None;
        // What is under way is let come to its answer first.
        if !self.awaiting {
            self.go(first_step(job), now_ms);
        }
        true
    }

    /// How the job ended; told once.
    pub fn outcome(&mut self) -> Option<Outcome> {
        self.outcome.take()
    }

    /// Takes bytes from the module and writes what to send it into `tx`, which should have
    /// [`MAX_PACKET`] bytes; returns how many, and a finger if there was one.
    pub fn poll(&mut self, now_ms: u64, rx: &[u8], tx: &mut [u8]) -> (usize, Option<Finger>) {
        self.poll_with(now_ms, rx, tx, &mut Template::default())
    }

    /// The same with a template for a job to fill or to empty.
    pub fn poll_with(
        &mut self,
        now_ms: u64,
        rx: &[u8],
        tx: &mut [u8],
        template: &mut Template,
    ) -> (usize, Option<Finger>) {
        let mut finger = None;
        for &byte in rx {
            match self.byte(byte, template) {
                Some(Packet::Ack(code, values)) => {
                    finger = self.answer(now_ms, code, values, template).or(finger);
                }
                Some(Packet::Data(_, last)) => self.data(now_ms, last),
                Some(Packet::Other) | None => {}
            }
        }
        if self.job.is_some_and(|(_, until)| now_ms >= until) && !self.awaiting {
            self.end(now_ms, Outcome::Nobody);
        }
        if now_ms < self.due_ms {
            return (0, finger);
        }
        if core::mem::take(&mut self.awaiting) {
            self.counts.timeouts += 1;
            self.start_over(now_ms);
            return (0, finger);
        }
        (self.ask(now_ms, tx, template), finger)
    }

    /// Whether the module has let us in and answers.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// How the module is doing.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn start_over(&mut self, now_ms: u64) {
        self.ready = false;
        self.wipe_rx();
        if self.job.take().is_some() {
            self.outcome = Some(Outcome::Failed);
        }
        self.go(Step::Login, now_ms + RETRY_MS);
    }

    fn go(&mut self, step: Step, due_ms: u64) {
        self.step = step;
        self.awaiting = false;
        self.due_ms = due_ms;
    }

    /// The job is over; back to looking, once the finger is off.
    fn end(&mut self, now_ms: u64, outcome: Outcome) {
        self.job = None;
        self.outcome = Some(outcome);
        self.go(Step::Lift, now_ms);
    }

    fn ask(&mut self, now_ms: u64, tx: &mut [u8], template: &Template) -> usize {
        let [c1, c2] = self.capacity.to_be_bytes();
        let [p1, p2, p3, p4] = self.password.to_be_bytes();
        let [g1, g2] = self.page().to_be_bytes();
        let mut command = |data: &[u8]| packet(COMMAND, data, tx);
        let len = match self.step {
            Step::Login => command(&[VFY_PWD, p1, p2, p3, p4]),
            Step::LoginDefault => command(&[VFY_PWD, 0, 0, 0, 0]),
            Step::SetPassword => command(&[SET_PWD, p1, p2, p3, p4]),
            Step::Look | Step::Lift | Step::EnrolLook(_) | Step::EnrolLift => command(&[GEN_IMG]),
            Step::Extract => command(&[IMG_2_TZ, 1]),
            Step::Search => command(&[SEARCH, 1, 0, 0, c1, c2]),
            Step::EnrolExtract(buffer) => command(&[IMG_2_TZ, buffer]),
            Step::Merge => command(&[REG_MODEL]),
            Step::Load => command(&[LOAD, 1, g1, g2]),
            Step::Upload => command(&[UP_CHAR, 1]),
            Step::Download => command(&[DOWN_CHAR, 1]),
            Step::Keep => command(&[STORE, 1, g1, g2]),
            Step::Delete => command(&[DELETE, g1, g2, 0, 1]),
            Step::Send(at) => return self.send(now_ms, at, tx, template),
            Step::Receive => 0,
        };
        self.awaiting = true;
        self.due_ms = now_ms + ANSWER_MS;
        len
    }

    fn send(&mut self, now_ms: u64, at: usize, tx: &mut [u8], template: &Template) -> usize {
        let rest = template.as_bytes().get(at..).unwrap_or_default();
        let (part, last) = (rest.get(..PART).unwrap_or(rest), rest.len() <= PART);
        let next = if last { Step::Keep } else { Step::Send(at + PART) };
        self.go(next, now_ms + PART_MS);
        packet(if last { END } else { DATA }, part, tx)
    }

    fn page(&self) -> u16 {
        match self.job {
            Some((Job::Enrol { page } | Job::Read { page } | Job::Write { page }, _)) => page,
            Some((Job::Delete { page }, _)) => page,
            None => u16::MAX,
        }
    }

    /// Data came for the template.
    fn data(&mut self, now_ms: u64, last: bool) {
        if self.step != Step::Receive {
            self.counts.strange += 1;
        } else if last {
            self.end(now_ms, Outcome::Done);
        } else {
            self.due_ms = now_ms + ANSWER_MS;
        }
    }

    /// Acts on an acknowledgement with its code and the two values that a search answers.
    fn answer(
        &mut self,
        now_ms: u64,
        code: u8,
        values: [u16; 2],
        template: &mut Template,
    ) -> Option<Finger> {
        if !self.awaiting {
            self.counts.strange += 1;
            return None;
        }
        if let Some((job, _)) = self.job {
            self.job_answer(now_ms, job, code, template);
            return None;
        }
        let mut finger = None;
        match (self.step, code) {
            (Step::Login, OK) | (Step::SetPassword, OK) => {
                self.ready = true;
                self.go(Step::Look, now_ms);
            }
            (Step::Login, WRONG_PASSWORD) => self.go(Step::LoginDefault, now_ms),
            (Step::LoginDefault, OK) => self.go(Step::SetPassword, now_ms),
            (Step::Look, OK) => self.go(Step::Extract, now_ms),
            (Step::Lift, NO_FINGER) => self.go(Step::Look, now_ms + LOOK_MS),
            (step @ (Step::Look | Step::Lift), _) => self.go(step, now_ms + LOOK_MS),
            (Step::Extract, OK) => self.go(Step::Search, now_ms),
            (Step::Extract, _) => finger = Some(Finger::Unclear),
            (Step::Search, OK) => {
                let [page, score] = values;
                finger = Some(Finger::Match { page, score });
            }
            (Step::Search, NOT_FOUND) => finger = Some(Finger::Unknown),
            _ => {
                self.counts.strange += 1;
                self.start_over(now_ms);
            }
        }
        if finger.is_some() {
            self.go(Step::Lift, now_ms + LOOK_MS);
        }
        finger
    }

    /// Acts on an acknowledgement while a job is being done.
    fn job_answer(&mut self, now_ms: u64, job: Job, code: u8, template: &mut Template) {
        match (self.step, code) {
            (Step::EnrolLook(buffer), OK) => self.go(Step::EnrolExtract(buffer), now_ms),
            (Step::EnrolLook(_) | Step::EnrolLift, NO_FINGER) if self.step != Step::EnrolLift => {
                self.go(self.step, now_ms + LOOK_MS);
            }
            (Step::EnrolLift, NO_FINGER) => self.go(Step::EnrolLook(2), now_ms + LOOK_MS),
            (Step::EnrolLook(_) | Step::EnrolLift, _) => self.go(self.step, now_ms + LOOK_MS),
            (Step::EnrolExtract(1), OK) => self.go(Step::EnrolLift, now_ms),
            (Step::EnrolExtract(_), OK) => self.go(Step::Merge, now_ms),
            // A bad image: the person tries again while there is time.
            (Step::EnrolExtract(buffer), _) => self.go(Step::EnrolLook(buffer), now_ms + LOOK_MS),
            (Step::Merge, OK) => self.go(Step::Keep, now_ms),
            (Step::Load, OK) => self.go(Step::Upload, now_ms),
            (Step::Upload, OK) => {
                template.wipe();
                self.go(Step::Receive, now_ms + ANSWER_MS);
                self.awaiting = true;
            }
            (Step::Download, OK) => self.go(Step::Send(0), now_ms),
            (Step::Keep, OK) if matches!(job, Job::Enrol { .. }) => self.go(Step::Upload, now_ms),
            (Step::Keep | Step::Delete, OK) => self.end(now_ms, Outcome::Done),
            (step, _) if is_job(step) => self.end(now_ms, Outcome::Failed),
            // The answer to what was under way when the job began.
            _ => self.go(first_step(job), now_ms),
        }
    }

    /// Takes one byte; returns the packet that it completes. Data goes to the template.
    fn byte(&mut self, byte: u8, template: &mut Template) -> Option<Packet> {
        if self.rx.push(byte).is_err() {
            self.drop_front();
            let _ = self.rx.push(byte);
        }
        loop {
            match inspect(&self.rx) {
                Found::More => return None,
                Found::Noise => self.drop_front(),
                Found::Packet { len, what } => {
                    if let (Packet::Data(length, _), Step::Receive) = (what, self.step) {
                        let data = self.rx.get(HEAD..HEAD + length).unwrap_or_default();
                        self.counts.strange += u32::from(!template.extend(data));
                    }
                    let all = len == self.rx.len();
                    self.rx.as_mut_slice().get_mut(..len).unwrap_or_default().zeroize();
                    if all {
                        self.rx.clear()
                    } else {
                        drop(self.rx.drain(..len))
                    }
                    return Some(what);
                }
            }
        }
    }

    fn drop_front(&mut self) {
        self.counts.noise += 1;
        self.rx.drain(..1);
    }

    fn wipe_rx(&mut self) {
        self.rx.as_mut_slice().zeroize();
        self.rx.clear();
    }
}

fn first_step(job: Job) -> Step {
    match job {
        Job::Enrol { .. } => Step::EnrolLook(1),
        Job::Read { .. } => Step::Load,
        Job::Write { .. } => Step::Download,
        Job::Delete { .. } => Step::Delete,
    }
}

fn is_job(step: Step) -> bool {
    !matches!(
        step,
        Step::Login
            | Step::LoginDefault
            | Step::SetPassword
            | Step::Look
            | Step::Extract
            | Step::Search
            | Step::Lift
    )
}

#[cfg(test)]
mod tests;
