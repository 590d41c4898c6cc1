//! The fingerprint module: ZFM, R30x, R50x and AS608 kin on a serial port.
//!
//! Packets are `EF 01 | address u32 | packet id u8 | length u16 | data | sum u16`, big-endian; the
//! length counts data and sum, the sum counts packet id, length and data. The driver logs in with
//! a password (a module on the default password gets ours), then asks for an image again and
//! again, and has the module match what it sees. Templates stay in the module.
//!
//! Sums are checked; what does not check is dropped byte by byte until a packet does. An answer
//! that does not come in time, or an answer out of place, starts the whole again from the login.

/// Longest data part of a packet that is read, in bytes: more than any answer used here.
const MAX_DATA: usize = 32;
/// Header, packet id, length.
const HEAD: usize = 9;
const SUM: usize = 2;
/// Longest packet sent, in bytes.
pub const MAX_PACKET: usize = HEAD + 8 + SUM;
/// How long the module may take to answer, in milliseconds; a search of a full module takes most.
pub const ANSWER_MS: u64 = 2_000;
/// Pause between two looks for a finger, in milliseconds.
pub const LOOK_MS: u64 = 100;
/// Pause before a module that does not answer is tried again, in milliseconds.
pub const RETRY_MS: u64 = 1_000;

const START: [u8; 2] = [0xEF, 0x01];
const ADDRESS: [u8; 4] = [0xFF; 4];
const COMMAND: u8 = 0x01;
const ACK: u8 = 0x07;

const GEN_IMG: u8 = 0x01;
const IMG_2_TZ: u8 = 0x02;
const SEARCH: u8 = 0x04;
const SET_PWD: u8 = 0x12;
const VFY_PWD: u8 = 0x13;

const OK: u8 = 0x00;
const NO_FINGER: u8 = 0x02;
const NOT_FOUND: u8 = 0x09;
const WRONG_PASSWORD: u8 = 0x13;

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
        })
    }

    /// Takes bytes from the module and writes what to send it into `tx`, which should have
    /// [`MAX_PACKET`] bytes; returns how many, and a finger if there was one.
    pub fn poll(&mut self, now_ms: u64, rx: &[u8], tx: &mut [u8]) -> (usize, Option<Finger>) {
        let mut finger = None;
        for &byte in rx {
            if let Some((code, values)) = self.byte(byte) {
                finger = self.answer(now_ms, code, values).or(finger);
            }
        }
        if now_ms < self.due_ms {
            return (0, finger);
        }
        if core::mem::take(&mut self.awaiting) {
            self.counts.timeouts += 1;
            self.start_over(now_ms);
            return (0, finger);
        }
        (self.ask(now_ms, tx), finger)
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
        self.rx.clear();
        self.go(Step::Login, now_ms + RETRY_MS);
    }

    fn go(&mut self, step: Step, due_ms: u64) {
        self.step = step;
        self.awaiting = false;
        self.due_ms = due_ms;
    }

    fn ask(&mut self, now_ms: u64, tx: &mut [u8]) -> usize {
        let [c1, c2] = self.capacity.to_be_bytes();
        let [p1, p2, p3, p4] = self.password.to_be_bytes();
        let len = match self.step {
            Step::Login => packet(&[VFY_PWD, p1, p2, p3, p4], tx),
            Step::LoginDefault => packet(&[VFY_PWD, 0, 0, 0, 0], tx),
            Step::SetPassword => packet(&[SET_PWD, p1, p2, p3, p4], tx),
            Step::Look | Step::Lift => packet(&[GEN_IMG], tx),
            Step::Extract => packet(&[IMG_2_TZ, 1], tx),
            Step::Search => packet(&[SEARCH, 1, 0, 0, c1, c2], tx),
        };
        self.awaiting = true;
        self.due_ms = now_ms + ANSWER_MS;
        len
    }

    /// Acts on an acknowledgement with its code and the two values that a search answers.
    fn answer(&mut self, now_ms: u64, code: u8, values: [u16; 2]) -> Option<Finger> {
        if !self.awaiting {
            self.counts.strange += 1;
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

    /// Takes one byte; returns code and values of an acknowledgement that it completes.
    fn byte(&mut self, byte: u8) -> Option<(u8, [u16; 2])> {
        if self.rx.push(byte).is_err() {
            self.drop_front();
            let _ = self.rx.push(byte);
        }
        loop {
            match inspect(&self.rx) {
                Found::More => return None,
                Found::Noise => self.drop_front(),
                Found::Packet { len, ack } => {
                    self.rx.drain(..len);
                    return ack;
                }
            }
        }
    }

    fn drop_front(&mut self) {
        self.counts.noise += 1;
        self.rx.drain(..1);
    }
}

enum Found {
    /// The beginning of a packet, or nothing.
    More,
    /// The first byte begins no packet.
    Noise,
    Packet {
        len: usize,
        ack: Option<(u8, [u16; 2])>,
    },
}

fn inspect(bytes: &[u8]) -> Found {
    let start: [u8; 6] = [START[0], START[1], ADDRESS[0], ADDRESS[1], ADDRESS[2], ADDRESS[3]];
    if bytes.iter().zip(&start).any(|(a, b)| a != b) {
        return Found::Noise;
    }
    let Some(&[id, high, low]) = bytes.get(6..HEAD).and_then(|b| b.first_chunk()) else {
        return Found::More;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if !(SUM + 1..=MAX_DATA + SUM).contains(&length) {
        return Found::Noise;
    }
    let Some(rest) = bytes.get(HEAD..HEAD + length) else { return Found::More };
    let Some((data, sum)) = rest.split_last_chunk::<SUM>() else { return Found::Noise };
    if sum_of(id, length as u16, data) != u16::from_be_bytes(*sum) {
        return Found::Noise;
    }
    let word = |i: usize| match data.get(i..i + 2) {
        Some(&[a, b]) => u16::from_be_bytes([a, b]),
        _ => 0,
    };
    let ack = data.first().filter(|_| id == ACK).map(|&code| (code, [word(1), word(3)]));
    Found::Packet { len: HEAD + length, ack }
}

fn sum_of(id: u8, length: u16, data: &[u8]) -> u16 {
    let [high, low] = length.to_be_bytes();
    let head = [id, high, low];
    head.iter().chain(data).fold(0, |sum, &b| sum.wrapping_add(u16::from(b)))
}

/// Writes a command packet; returns its length, 0 if `tx` is too small.
fn packet(data: &[u8], tx: &mut [u8]) -> usize {
    let (length, len) = ((data.len() + SUM) as u16, HEAD + data.len() + SUM);
    let Some(out) = tx.get_mut(..len) else { return 0 };
    let sum = sum_of(COMMAND, length, data).to_be_bytes();
    let length = length.to_be_bytes();
    let parts: [&[u8]; 6] = [&START, &ADDRESS, &[COMMAND], &length, data, &sum];
    for (to, from) in out.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
    len
}

#[cfg(test)]
mod tests;
