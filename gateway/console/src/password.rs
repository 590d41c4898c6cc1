//! Passwords (argon2id) and the one-time code of a first log-in.
//!
//! One hash is computed at a time, on a blocking thread: each takes 19 MiB, and the box's whole
//! idle budget is 20. Whoever logs in while another does waits in a short line; a flood of tries
//! makes log-ins slow and touches nothing else.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use ring::rand::{SecureRandom, SystemRandom};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Memory of one hash in KiB, passes and lanes (OWASP's second set for argon2id).
const COST: (u32, u32, u32) = (19_456, 2, 1);
/// A stored hash that asks for more than this many KiB is refused rather than computed.
const MAX_MEMORY_KIB: u32 = 65_536;
/// Capacity asked for whatever is used: above glibc's largest mmap threshold (32 MiB on 64-bit),
/// so that the memory is always given back to the system at once. Untouched pages cost nothing.
const MIN_CAPACITY_KIB: usize = 33 * 1024;
/// How long a log-in waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a salt and of a hash.
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// Fewest characters of a new password.
pub(crate) const MIN_LENGTH: usize = 12;
/// Most bytes of a password that is looked at.
pub(crate) const MAX_BYTES: usize = 256;
/// Fewest different characters of a new password.
const MIN_DISTINCT: usize = 5;

/// Verified against where there is no account or no password, so that the answer takes the same
/// time. No password fits it.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vLW9uZS4uLg$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a password cannot be hashed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The system gave no randomness or no memory.
    #[error(
        "the password cannot be hashed now; try again, and look at the box's memory if it lasts"
    )]
    System,
}

/// Hashes a password into PHC form (`$argon2id$v=19$…`), for [`muster_ledger::Account::password`].
/// Takes some ten milliseconds and 19 MiB: call it off the async threads.
pub fn hash_password(password: &str) -> Result<String, PasswordError> {
    let mut salt = [0u8; SALT_BYTES];
    SystemRandom::new().fill(&mut salt).map_err(|_| PasswordError::System)?;
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, Some(HASH_BYTES));
    let params = params.map_err(|_| PasswordError::System)?;
    let output = compute(password.as_bytes(), &salt, &params).ok_or(PasswordError::System)?;
    let phc = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(|_| PasswordError::System)?,
        salt: Some(Salt::new(&salt).map_err(|_| PasswordError::System)?),
        hash: Some(Output::new(&output).map_err(|_| PasswordError::System)?),
    };
    Ok(phc.to_string())
}

/// A code for one first log-in: 100 random bits, shown once, kept as a digest.
pub struct OneTimeCode {
    /// As people read and type it: four groups of five characters.
    pub shown: Zeroizing<String>,
    /// For [`muster_ledger::Account::one_time_code`].
    pub digest: String,
}

impl OneTimeCode {
    /// Makes one.
    pub fn generate() -> Result<Self, PasswordError> {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let mut bytes = Zeroizing::new([0u8; 20]);
        SystemRandom::new().fill(bytes.as_mut()).map_err(|_| PasswordError::System)?;
        let mut shown = Zeroizing::new(String::with_capacity(23));
        for (i, byte) in bytes.iter().enumerate() {
            if i > 0 && i % 5 == 0 {
                shown.push('-');
            }
            shown.push(char::from(ALPHABET[usize::from(byte & 31)]));
        }
        let digest = digest(&plain(&shown));
        Ok(Self { shown, digest })
    }
}

/// Whether what was typed is the code behind `stored`: as it is, or without its hyphens and in
/// capitals. In constant time.
pub(crate) fn code_fits(stored: &str, typed: &str) -> bool {
    let typed = Zeroizing::new(typed.trim().to_owned());
    [digest(&plain(&typed)), digest(&typed)].iter().fold(false, |fits, digest| {
        fits | same(digest.as_bytes(), stored.to_ascii_lowercase().as_bytes())
    })
}

/// The digest of a code as typed.
pub(crate) fn code_digest(typed: &str) -> String {
    digest(&plain(typed))
}

/// Why a new password is not taken; each is the id of a message.
pub(crate) fn weakness(password: &str, account: &str, site: &str) -> Option<&'static str> {
    let lower = Zeroizing::new(password.to_lowercase());
    let distinct = lower.chars().collect::<std::collections::BTreeSet<_>>().len();
    if password.chars().count() < MIN_LENGTH {
        Some("password-short")
    } else if password.len() > MAX_BYTES {
        Some("password-long")
    } else if distinct < MIN_DISTINCT
        || [account, site, "muster", "password"].iter().any(|word| is_mostly(&lower, word))
    {
        Some("password-plain")
    } else {
        None
    }
}

/// Computes hashes, one at a time.
pub(crate) struct Passwords {
    turn: Arc<Semaphore>,
}

/// The line for log-ins is too long.
#[derive(Debug)]
pub(crate) struct Busy;

impl Passwords {
    pub(crate) fn new() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)) }
    }

    /// Whether `password` fits `stored`; always one whole hash, also where nothing is stored.
    pub(crate) async fn verify(
        &self,
        stored: Option<String>,
        password: Zeroizing<String>,
    ) -> Result<bool, Busy> {
        self.alone(move || match stored {
            Some(stored) => fits(&stored, &password),
            None => fits(NOBODY, &password) & false,
        })
        .await
    }

    pub(crate) async fn hash(
        &self,
        password: Zeroizing<String>,
    ) -> Result<Result<String, PasswordError>, Busy> {
        self.alone(move || hash_password(&password)).await
    }

    async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let turn = tokio::time::timeout(PATIENCE, self.turn.clone().acquire_owned());
        let permit = turn.await.map_err(|_| Busy)?.map_err(|_| Busy)?;
        let work = move || {
            let _permit = permit;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Busy)
    }
}

fn fits(stored: &str, password: &str) -> bool {
    let Ok(phc) = PasswordHash::new(stored) else { return false };
    let (Some(salt), Some(hash)) = (&phc.salt, &phc.hash) else { return false };
    let Ok(params) = Params::try_from(&phc) else { return false };
    if phc.algorithm != Algorithm::Argon2id.ident() || params.m_cost() > MAX_MEMORY_KIB {
        return false;
    }
    let computed = compute(password.as_bytes(), salt.as_ref(), &params);
    computed.is_some_and(|computed| same(&computed, hash.as_bytes()))
}

fn compute(password: &[u8], salt: &[u8], params: &Params) -> Option<[u8; HASH_BYTES]> {
    let blocks = params.block_count();
    let mut memory: Vec<Block> = Vec::new();
    memory.try_reserve_exact(blocks.max(MIN_CAPACITY_KIB)).ok()?;
    memory.resize(blocks, Block::default());
    let mut output = [0u8; HASH_BYTES];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    argon2.hash_password_into_with_memory(password, salt, &mut output, &mut memory).ok()?;
    Some(output)
}

/// Equal, in a time that depends on the lengths alone.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

/// The code without hyphens and spaces, in capitals.
fn plain(code: &str) -> Zeroizing<String> {
    let kept = code.chars().filter(|c| c.is_ascii_alphanumeric());
    Zeroizing::new(kept.map(|c| c.to_ascii_uppercase()).collect())
}

/// SHA-256 in lower-case hex.
fn digest(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `word` is there and little else is.
fn is_mostly(password: &str, word: &str) -> bool {
    let word = word.to_lowercase();
    !word.is_empty() && password.contains(&word) && password.replace(&word, "").len() < 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_alone() {
        let stored = hash_password("correct horse battery").expect("hash");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(fits(&stored, "correct horse battery"));
        for (stored, password) in [
            (stored.as_str(), "correct horse batterY"),
            (stored.as_str(), ""),
            ("", "correct horse battery"),
            ("$argon2id$v=19$m=4000000,t=2,p=1$bm9ib2R5$AAAA", "correct horse battery"),
            (NOBODY, "nobody"),
        ] {
            assert!(!fits(stored, password), "{stored}");
        }
    }

    #[test]
    fn nobody_is_verified_in_full() {
        let phc = PasswordHash::new(NOBODY).expect("a PHC string");
        let params = Params::try_from(&phc).expect("parameters");
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), COST);
        assert_eq!(phc.hash.map(|hash| hash.len()), Some(HASH_BYTES));
    }

    #[test]
    fn a_code_fits_however_it_is_typed() {
        let code = OneTimeCode::generate().expect("code");
        assert_eq!(code.shown.len(), 23);
        let shown = code.shown.as_str();
        for typed in
            [shown.to_owned(), format!(" {} ", shown.to_lowercase()), shown.replace('-', "")]
        {
            assert!(code_fits(&code.digest, &typed), "{typed}");
        }
        assert!(code_fits(&digest("as-it-is"), "as-it-is"));
        for typed in ["", "0", &shown[1..]] {
            assert!(!code_fits(&code.digest, typed));
        }
    }

    #[test]
    fn weak_passwords_are_named() {
        for (password, expect) in [
            ("correct horse battery", None),
            ("十二個字的密碼其實也可以用", None),
            ("short", Some("password-short")),
            ("aaaaaaaaaaaaaa", Some("password-plain")),
            ("password12345", Some("password-plain")),
            ("ho.mei-ho.mei", Some("password-plain")),
        ] {
            assert_eq!(weakness(password, "ho.mei", "mo-hq"), expect, "{password}");
        }
        assert_eq!(weakness(&"abcdef ".repeat(40), "a", "b"), Some("password-long"));
    }
}
