//! Pairing at the wall: one-time codes, and the terminals that come with them (the words between
//! the two are in `muster_proto::pairing`).
//!
//! A code lives in memory alone, for [`LIFE`]: a restart of the box forgets it. It has 48 bits, and
//! whoever guesses is answered by [`ANSWERED`] at once and [`WRONG`] later: some two thousand tries
//! while a code lives. It is spent by the first key that comes with it; that same key is answered
//! again, since an answer may be lost on its way. What is paired is what the person at the box said:
//! of the terminal's request nothing counts but its key.
//!
//! A device renews its certificate here too, by showing the one it has (see [`Pairings`]).

mod exchange;

use crate::alarms::{AlarmReason, Alarms};
use crate::authority::{
    Authority, AuthorityError, Lasts, Pairing, RENEWED_BEFORE, digest, ends, requested_key,
};
use crate::{Handles, metric};
use muster_ledger::{ClockTrust, DeviceKind, DeviceState, DevicesError};
use muster_proto::pairing::{CODE_DIGITS, PIN, code_digits};
use rcgen::PublicKeyData as _;
use ring::digest::{SHA256, digest as hashed};
use ring::rand::{SecureRandom as _, SystemRandom};
use rustls::pki_types::CertificateDer;
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Semaphore};
use zeroize::Zeroizing;

/// How long a code can be used.
pub const LIFE: Duration = Duration::from_secs(10 * 60);
/// Codes at once; the oldest gives way.
pub const MAX_CODES: usize = 64;
/// Terminals answered at once.
pub const ANSWERED: usize = 4;
/// What a wrong code waits for its answer.
pub const WRONG: Duration = Duration::from_secs(1);
/// So many wrong codes within [`LIFE`] are no typing errors: somebody guesses, and it is an alarm.
pub const GUESSES: usize = 10;

type Hash = [u8; 32];

/// A code, as it is shown once.
pub struct OneTime {
    /// The digits in groups of four.
    pub code: Zeroizing<String>,
    /// The first bytes of SHA-256 over the authority's certificate.
    pub pin: [u8; PIN],
    /// All of it.
    pub fingerprint: [u8; 32],
}

/// Why a terminal is not paired or its certificate not renewed: said to whoever stands there.
#[derive(Debug, thiserror::Error)]
pub enum PairingError {
    /// A code that is not there.
    #[error("this code is not known, was used, or is too old; make a new one at the box")]
    Code,
    /// An M2 with the code of a C1, say.
    #[error("this code is for another kind of device; make one for this kind at the box")]
    Kind,
    /// An M1 has no network.
    #[error(
        "an M1 or a reader is paired by its card or its files: muster device pair --out, \
         then muster device card"
    )]
    NoNetwork,
    /// No terminal finds the box there.
    #[error("{0} is no host name or address that a terminal could reach the box by")]
    Host(String),
    /// Whoever asks to have a certificate renewed has none that counts.
    #[error("this certificate is not the one that the box knows; pair the device again")]
    Stranger,
    /// Not what a terminal says.
    #[error("the box does not understand this terminal; update it")]
    Strange,
    /// The box is not able to.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// The codes that are open. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Pairings {
    shared: Arc<Shared>,
}

struct Shared {
    handles: Handles,
    /// Held while a terminal is paired: of two with one code, one waits and is then refused.
    codes: Mutex<Vec<Code>>,
    answers: Semaphore,
    wrong: std::sync::Mutex<Wrong>,
    alarms: Arc<Alarms>,
}

/// When wrong codes came: the last [`GUESSES`] of them.
#[derive(Default)]
struct Wrong(VecDeque<Instant>);

impl Wrong {
    /// Notes one more; whether somebody guesses.
    fn note(&mut self, now: Instant) -> bool {
        self.0.push_back(now);
        if self.0.len() > GUESSES {
            self.0.pop_front();
        }
        let first = self.0.front().filter(|_| self.0.len() == GUESSES);
        first.is_some_and(|first| now.duration_since(*first) < LIFE)
    }
}

struct Code {
    hash: Hash,
    pairing: Pairing,
    made: Instant,
    /// Whose key used it up, and what was answered.
    used: Option<(Hash, Zeroizing<String>)>,
}

impl Pairings {
    pub(crate) fn new(handles: Handles, alarms: Arc<Alarms>) -> Self {
        let (answers, codes) = (Semaphore::new(ANSWERED), Mutex::default());
        let wrong = std::sync::Mutex::default();
        // So that the first of a kind is an increase.
        ["paired", "renewal", "wrong-code", "refused"].iter().for_each(|result| count(result, 0));
        Self { shared: Arc::new(Shared { handles, codes, answers, wrong, alarms }) }
    }

    /// A code came that there is not.
    fn note_wrong(&self) {
        let mut wrong = self.shared.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.note(Instant::now()) {
            let now_ms = self.shared.handles.clock.now_ms();
            self.shared.alarms.raise(None, AlarmReason::Guessed, now_ms);
        }
    }

    /// Makes a code for a device that is to be; one for the same name before is of no use then.
    pub async fn open(&self, pairing: Pairing) -> Result<OneTime, PairingError> {
        let Handles { devices, keyring, .. } = &self.shared.handles;
        if !matches!(pairing.kind, DeviceKind::M2 | DeviceKind::C1) {
            return Err(PairingError::NoNetwork);
        }
        muster_proto::seal::check_name(&pairing.name).map_err(|_| AuthorityError::Name)?;
        if devices.find(&pairing.name).is_some_and(|d| d.state == DeviceState::Paired) {
            return Err(AuthorityError::from(DevicesError::Exists(pairing.name)).into());
        }
        let fingerprint = Authority::open(keyring).map_err(PairingError::from)?.fingerprint()?;
        let code = code()?;
        let hash = hash(code.as_bytes());
        let mut codes = self.shared.codes.lock().await;
        codes.retain(|open| open.is_alive() && open.pairing.name != pairing.name);
        if codes.len() >= MAX_CODES {
            codes.remove(0);
        }
        codes.push(Code { hash, pairing, made: Instant::now(), used: None });
        drop(codes);
        tokio::spawn(forget(Arc::downgrade(&self.shared)));
        let mut pin = [0; PIN];
        pin.copy_from_slice(&fingerprint[..PIN]);
        Ok(OneTime { code: grouped(&code), pin, fingerprint })
    }

    /// Pairs the terminal that made `request`, or answers it again.
    async fn redeem(
        &self,
        typed: &str,
        kind: DeviceKind,
        request: &str,
    ) -> Result<Zeroizing<String>, PairingError> {
        let key = requested_key(request)?;
        let key_hash = hash(key.der_bytes());
        let typed = code_digits(typed).ok_or(PairingError::Code)?;
        let mut codes = self.shared.codes.lock().await;
        codes.retain(Code::is_alive);
        let code = codes.iter_mut().find(|code| code.hash == hash(&typed));
        let code = code.ok_or(PairingError::Code)?;
        match &code.used {
            Some((by, answer)) if *by == key_hash => return Ok(answer.clone()),
            Some(_) => {
                tracing::warn!(device = code.pairing.name, "a used pairing code came again");
                return Err(PairingError::Code);
            }
            None => {}
        }
        if code.pairing.kind != kind {
            return Err(PairingError::Kind);
        }
        let Handles { devices, keyring, clock, .. } = &self.shared.handles;
        let authority = Authority::open(keyring).map_err(PairingError::from)?;
        let pairing = code.pairing.clone();
        // Behind a C1 nothing but check-ins gets through.
        let lasts = match pairing.carrier {
            Some(_) => Lasts::ForEver,
            None => Lasts::from_now(clock),
        };
        let made = authority.certify(devices, keyring, pairing, &key, lasts).await?;
        let answer = exchange::Paired {
            name: &code.pairing.name,
            ca: authority.ca_pem(),
            certificate: &made.certificate_pem,
            secret: &made.secret_hex,
        };
        let answer = answer.line();
        code.used = Some((key_hash, answer.clone()));
        tracing::info!(device = code.pairing.name, "paired by code");
        Ok(answer)
    }

    /// A new certificate for the device that showed `shown`; `None` while that is good for longer
    /// than [`RENEWED_BEFORE`], or nobody knows what time it is.
    async fn renew(
        &self,
        shown: &CertificateDer<'_>,
        request: &str,
    ) -> Result<Option<String>, PairingError> {
        let key = requested_key(request)?;
        let Handles { devices, keyring, clock, .. } = &self.shared.handles;
        let name = crate::authority::common_name(shown).ok_or(PairingError::Stranger)?;
        let device = devices.find(&name).filter(|d| d.state == DeviceState::Paired);
        let device = device.ok_or(PairingError::Stranger)?;
        let known = [&device.certificate, &device.former];
        let digest_shown = digest(shown);
        if !known.iter().any(|known| known.as_deref() == Some(digest_shown.as_str())) {
            return Err(PairingError::Stranger);
        }
        let left = ends(shown).map(|end| end.saturating_sub(clock.now_ms() / 1000));
        let due = left.is_some_and(|left| left <= RENEWED_BEFORE.as_secs() as i64);
        if !due || clock.trust() != ClockTrust::Trusted {
            return Ok(None);
        }
        let authority = Authority::open(keyring).map_err(PairingError::from)?;
        let made = authority.signed(&name, device.kind, &key, Lasts::from_now(clock))?;
        let certified = devices.certify(device.id, digest(made.der()), digest_shown).await;
        certified.map_err(AuthorityError::from)?;
        tracing::info!(device = name, "a certificate is renewed");
        Ok(Some(made.pem()))
    }
}

/// What a code's answer holds is secret: it goes with the code.
async fn forget(shared: Weak<Shared>) {
    tokio::time::sleep(LIFE).await;
    if let Some(shared) = shared.upgrade() {
        shared.codes.lock().await.retain(Code::is_alive);
    }
}

impl Code {
    fn is_alive(&self) -> bool {
        self.made.elapsed() < LIFE
    }
}

fn hash(bytes: &[u8]) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(hashed(&SHA256, bytes).as_ref());
    hash
}

/// Random digits.
fn code() -> Result<Zeroizing<String>, PairingError> {
    let mut bytes = Zeroizing::new([0; CODE_DIGITS / 2]);
    SystemRandom::new().fill(bytes.as_mut()).map_err(|_| AuthorityError::Random)?;
    Ok(Zeroizing::new(crate::authority::hex(bytes.as_ref())))
}

fn grouped(code: &str) -> Zeroizing<String> {
    let mut shown = Zeroizing::new(String::with_capacity(code.len() + code.len() / 4));
    for (at, digit) in code.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            shown.push('-');
        }
        shown.push(digit);
    }
    shown
}

/// Counts answers by what they say.
fn count(result: &'static str, times: u64) {
    metrics::counter!(metric::PAIRINGS, "result" => result).increment(times);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_wrong_codes_within_the_life_of_one_are_guesses() {
        let start = Instant::now();
        let at = |minutes: u64| start + Duration::from_secs(60 * minutes);
        let mut wrong = Wrong::default();
        let few = (1..GUESSES).any(|_| wrong.note(at(0)));
        assert!(!few, "somebody mistypes");
        assert!(wrong.note(at(1)) && wrong.note(at(2)), "the tenth, and on");
        assert!(!wrong.note(at(11)), "it was long quiet");
        let mut slow = Wrong::default();
        assert!(!(0..100).any(|n| slow.note(at(2 * n))), "one in two minutes");
    }
}
