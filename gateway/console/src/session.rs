//! Sessions: in memory, gone with the process.
//!
//! A session is an opaque token of 256 random bits in a cookie; the table holds only its SHA-256.
//! It ends after 15 minutes without a request, after 12 hours, and at logout. Time is monotonic,
//! so a clock that jumps neither ends nor prolongs a session.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SecureRandom;
use ring::{digest, hmac};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Without a request for this long, a session ends.
pub(crate) const IDLE: Duration = Duration::from_secs(15 * 60);
/// A session ends this long after log-in, whatever happens.
pub(crate) const ABSOLUTE: Duration = Duration::from_secs(12 * 60 * 60);
/// Sessions at a time; beyond it the one idle longest ends.
const MAX_SESSIONS: usize = 2_000;
/// Sessions of one account at a time; beyond it the one idle longest ends.
const MAX_PER_ACCOUNT: usize = 20;
/// Bytes of a token.
const TOKEN_BYTES: usize = 32;

/// How far a session has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// Came in by a one-time code and owes a password.
    Enrolling,
    /// Gave the password and owes the second factor's code.
    Code,
    /// Gave the password and has no second factor yet, but needs one.
    Pairing,
    /// Is in.
    Member,
}

/// A session's token as the cookie has it: 43 characters of URL-safe base64.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    /// A new random one.
    pub(crate) fn random(random: &dyn SecureRandom) -> Option<Self> {
        let mut bytes = [0u8; TOKEN_BYTES];
        random.fill(&mut bytes).ok()?;
        Some(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads one from a cookie.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut bytes = [0u8; TOKEN_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        (length == TOKEN_BYTES).then(|| Self(text.to_owned()))
    }

    /// For the cookie.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// The digest by which a token that outlives the process is kept.
    pub(crate) fn digest_hex(&self) -> String {
        self.digest().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        let digest = digest::digest(&digest::SHA256, self.0.as_bytes());
        digest.as_ref().try_into().unwrap_or_default()
    }
}

/// How long after its second factor was shown a session may sign, approve and erase.
pub(crate) const STEP_UP: Duration = Duration::from_secs(5 * 60);

/// One session.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) account: String,
    pub(crate) stage: Stage,
    /// When the second factor was shown on purpose; logging in with it does not count.
    pub(crate) stepped: Option<Instant>,
    /// The secret of a second factor while it is being enrolled.
    pub(crate) pairing: Option<Secret>,
    opened: Instant,
    seen: Instant,
}

/// The secret of a second factor.
pub(crate) type Secret = Arc<Zeroizing<Vec<u8>>>;

impl Session {
    fn alive(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.seen) < IDLE
            && now.saturating_duration_since(self.opened) < ABSOLUTE
    }
}

pub(crate) struct Sessions {
    table: Mutex<HashMap<[u8; 32], Session>>,
    csrf: hmac::Key,
}

impl Sessions {
    /// None where the system has no randomness.
    pub(crate) fn new(random: &dyn SecureRandom) -> Option<Self> {
        let csrf = hmac::Key::generate(hmac::HMAC_SHA256, random).ok()?;
        Some(Self { table: Mutex::default(), csrf })
    }

    /// Opens a session under a new token.
    pub(crate) fn open(
        &self,
        random: &dyn SecureRandom,
        account: &str,
        stage: Stage,
        now: Instant,
    ) -> Option<Token> {
        let token = Token::random(random)?;
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, session| session.alive(now));
        make_room(&mut table, |s| s.account == account, MAX_PER_ACCOUNT);
        make_room(&mut table, |_| true, MAX_SESSIONS);
        let session = Session {
            account: account.to_owned(),
            stage,
            stepped: None,
            pairing: None,
            opened: now,
            seen: now,
        };
        table.insert(token.digest(), session);
        Some(token)
    }

    /// The session of a token; `touch` counts as a request.
    pub(crate) fn find(&self, token: &Token, now: Instant, touch: bool) -> Option<Session> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let key = token.digest();
        let session = table.get_mut(&key)?;
        if !session.alive(now) {
            table.remove(&key);
            return None;
        }
        if touch {
            session.seen = now;
        }
        Some(session.clone())
    }

    /// Notes that the second factor was shown.
    pub(crate) fn step_up(&self, token: &Token, now: Instant) {
        self.change(token, |session| session.stepped = Some(now));
    }

    /// Keeps the secret of the second factor that is being enrolled; the first one stays.
    pub(crate) fn pair(&self, token: &Token, secret: Secret) -> Option<Secret> {
        self.change(token, |session| session.pairing.get_or_insert(secret).clone())
    }

    fn change<T>(&self, token: &Token, change: impl FnOnce(&mut Session) -> T) -> Option<T> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.get_mut(&token.digest()).map(change)
    }

    /// Ends a session.
    pub(crate) fn close(&self, token: &Token) {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).remove(&token.digest());
    }

    /// Ends every session of an account.
    pub(crate) fn close_all(&self, account: &str) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, session| session.account != account);
    }

    /// Whether somebody else is about to set the first password of `account`.
    pub(crate) fn enrolling(&self, account: &str, now: Instant) -> bool {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.values().any(|s| s.account == account && s.stage == Stage::Enrolling && s.alive(now))
    }

    /// The token that a form of this session or visit carries.
    pub(crate) fn csrf(&self, token: &Token) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.csrf, token.0.as_bytes()))
    }

    /// Whether a form's token belongs to this session or visit; in constant time.
    pub(crate) fn csrf_fits(&self, token: &Token, form: &str) -> bool {
        let mut tag = [0u8; 32];
        let decoded = URL_SAFE_NO_PAD.decode_slice(form, &mut tag);
        decoded.is_ok_and(|length| {
            length == tag.len() && hmac::verify(&self.csrf, token.0.as_bytes(), &tag).is_ok()
        })
    }
}

/// Ends sessions that fit, idle longest first, until one more has room.
fn make_room(table: &mut HashMap<[u8; 32], Session>, fits: impl Fn(&Session) -> bool, most: usize) {
    while table.values().filter(|s| fits(s)).count() >= most {
        let oldest = table.iter().filter(|(_, s)| fits(s)).min_by_key(|(_, s)| s.seen);
        let Some(key) = oldest.map(|(key, _)| *key) else { return };
        table.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;

    fn sessions() -> (Sessions, SystemRandom, Instant) {
        let random = SystemRandom::new();
        (Sessions::new(&random).expect("randomness"), random, Instant::now())
    }

    #[test]
    fn a_session_ends_when_idle_when_old_and_at_logout() {
        let (sessions, random, start) = sessions();
        let open = || sessions.open(&random, "mei", Stage::Member, start).expect("token");
        let token = open();
        assert!(sessions.find(&token, start + IDLE - Duration::from_secs(1), false).is_some());
        assert!(sessions.find(&token, start + IDLE, false).is_none());

        let token = open();
        let mut now = start;
        while now < start + ABSOLUTE {
            assert!(sessions.find(&token, now, true).is_some());
            now += IDLE / 2;
        }
        assert!(sessions.find(&token, now, true).is_none());

        let token = open();
        sessions.close(&token);
        assert!(sessions.find(&token, start, true).is_none());
    }

    #[test]
    fn a_step_up_and_a_pairing_belong_to_their_session() {
        let (sessions, random, now) = sessions();
        let open = || sessions.open(&random, "mei", Stage::Member, now).expect("token");
        let (a, b) = (open(), open());
        sessions.step_up(&a, now);
        let stepped = |token| sessions.find(token, now, false).and_then(|s| s.stepped);
        assert_eq!((stepped(&a), stepped(&b)), (Some(now), None));
        let secret = |n| Arc::new(Zeroizing::new(vec![n]));
        assert_eq!(sessions.pair(&a, secret(1)), Some(secret(1)));
        assert_eq!(sessions.pair(&a, secret(2)), Some(secret(1)), "the first one stays");
    }

    #[test]
    fn tokens_differ_and_only_their_digest_is_kept() {
        let (sessions, random, now) = sessions();
        let a = sessions.open(&random, "mei", Stage::Member, now).expect("token");
        let b = sessions.open(&random, "mei", Stage::Member, now).expect("token");
        assert_ne!(a.expose(), b.expose());
        assert_eq!(Token::read(a.expose()).as_ref().map(Token::expose), Some(a.expose()));
        let table = sessions.table.lock().expect("lock");
        assert!(table.contains_key(&a.digest()) && table.len() == 2);
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["", "short", &"A".repeat(44), &"!".repeat(43)] {
            assert!(Token::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_table_is_bounded() {
        let (sessions, random, now) = sessions();
        let first = sessions.open(&random, "mei", Stage::Member, now).expect("token");
        for n in 1..=MAX_PER_ACCOUNT as u64 {
            let now = now + Duration::from_secs(n);
            sessions.open(&random, "mei", Stage::Member, now).expect("token");
        }
        assert!(sessions.find(&first, now, false).is_none());
        assert_eq!(sessions.table.lock().expect("lock").len(), MAX_PER_ACCOUNT);
    }

    #[test]
    fn a_form_token_fits_its_session_alone() {
        let (sessions, random, now) = sessions();
        let a = sessions.open(&random, "mei", Stage::Member, now).expect("token");
        let b = sessions.open(&random, "mei", Stage::Member, now).expect("token");
        assert!(sessions.csrf_fits(&a, &sessions.csrf(&a)));
        for form in [sessions.csrf(&b), String::new(), a.expose().to_owned()] {
            assert!(!sessions.csrf_fits(&a, &form));
        }
    }
}
