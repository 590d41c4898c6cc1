//! Keys of people who sign policies, as the texts of their files.
//!
//! The private half is a file of its owner alone (mode 0600):
//!
//! ```text
//! # …what it is and how to keep it
//! muster-signing-key-1 PERSON ROLE SEED
//! ```
//!
//! The public half, `FILE.pub`, is what a box enrols:
//!
//! ```text
//! muster-key-1 PERSON ROLE PUBLIC_KEY
//! ```
//!
//! Seed and key are 32 bytes in base64 (RFC 4648, padded). Randomness comes in as the seed.

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::signature::{Ed25519KeyPair, KeyPair};
use std::fmt;
use zeroize::Zeroizing;

/// First word of a public key's line.
pub const PUBLIC_MARK: &str = "muster-key-1";
/// First word of a private key's line.
pub const PRIVATE_MARK: &str = "muster-signing-key-1";

/// Most characters of a person's or a role's name.
pub const MAX_NAME: usize = 64;

const PRIVATE_HEAD: &str = "\
# PRIVATE: whoever has this file signs policies in the name below.
# Keep it readable by its owner alone (mode 0600), off the box, and in no backup of the box.
# If it may have been seen, have the box forget its public half and make another.
";

/// A text that is no key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// The text has no line of the format.
    #[error("not a key file of this format; make one with `muster policy key`")]
    Format,
    /// The person's or role's name cannot be used.
    #[error("a person and a role are 1 to {MAX_NAME} characters without spaces")]
    Name,
    /// The 32 bytes are not there.
    #[error("the key is damaged; take it from where it was made")]
    Damaged,
}

/// Someone who may sign on this box.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TrustedSigner {
    /// Who.
    pub person: String,
    /// As what.
    pub role: String,
    /// Ed25519 public key.
    pub public_key: [u8; 32],
}

impl TrustedSigner {
    /// Reads the text of a public key's file.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (person, role, data) = words(text, PUBLIC_MARK)?;
        let bytes = STANDARD.decode(data).map_err(|_| KeyError::Damaged)?;
        let public_key = bytes.try_into().map_err(|_| KeyError::Damaged)?;
        Ok(Self { person: person.to_owned(), role: role.to_owned(), public_key })
    }

    /// The text of a public key's file.
    pub fn to_text(&self) -> String {
        let public = STANDARD.encode(self.public_key);
        format!("{PUBLIC_MARK} {} {} {public}\n", self.person, self.role)
    }
}

/// A person's private key.
pub struct SigningKey {
    person: String,
    role: String,
    seed: Zeroizing<[u8; 32]>,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// The key of `person` in `role` from 32 random bytes.
    pub fn new(person: &str, role: &str, seed: Zeroizing<[u8; 32]>) -> Result<Self, KeyError> {
        if !is_name(person) || !is_name(role) {
            return Err(KeyError::Name);
        }
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(|_| KeyError::Damaged)?;
        Ok(Self { person: person.to_owned(), role: role.to_owned(), seed, pair })
    }

    /// Reads the text of a private key's file.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (person, role, data) = words(text, PRIVATE_MARK)?;
        let mut seed = Zeroizing::new([0; 32]);
        let mut room = Zeroizing::new([0; 48]);
        let length = STANDARD.decode_slice(data, &mut *room).map_err(|_| KeyError::Damaged)?;
        if length != seed.len() {
            return Err(KeyError::Damaged);
        }
        seed.copy_from_slice(&room[..length]);
        Self::new(person, role, seed)
    }

    /// The text of a private key's file.
    pub fn to_text(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(STANDARD.encode(*self.seed));
        let (person, role) = (&self.person, &self.role);
        Zeroizing::new(format!("{PRIVATE_HEAD}{PRIVATE_MARK} {person} {role} {}\n", *seed))
    }

    /// Who.
    pub fn person(&self) -> &str {
        &self.person
    }

    /// As what.
    pub fn role(&self) -> &str {
        &self.role
    }

    /// The public half's bytes.
    pub fn public_key(&self) -> [u8; 32] {
        let mut public = [0; 32];
        public.copy_from_slice(self.pair.public_key().as_ref());
        public
    }

    /// The public half, for enrolment.
    pub fn trusted(&self) -> TrustedSigner {
        TrustedSigner {
            person: self.person.clone(),
            role: self.role.clone(),
            public_key: self.public_key(),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.pair.sign(message).as_ref());
        signature
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} as {})", self.person, self.role)
    }
}

fn is_name(name: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    (1..=MAX_NAME).contains(&name.chars().count()) && !name.contains(odd) && !name.starts_with('#')
}

/// Person, role and data of the one line that begins with `mark`.
fn words<'a>(text: &'a str, mark: &str) -> Result<(&'a str, &'a str, &'a str), KeyError> {
    let is_content = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let mut lines = text.lines().filter(is_content);
    let (Some(line), None) = (lines.next(), lines.next()) else { return Err(KeyError::Format) };
    let words: Vec<&str> = line.trim_end().split(' ').collect();
    match words.as_slice() {
        &[first, person, role, data] if first == mark => {
            let names = is_name(person) && is_name(role);
            if names { Ok((person, role, data)) } else { Err(KeyError::Name) }
        }
        _ => Err(KeyError::Format),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_round_trip() {
        let key = SigningKey::new("ho.mei", "dpo", Zeroizing::new([9; 32])).expect("a key");
        let again = SigningKey::parse(&key.to_text()).expect("its file");
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(TrustedSigner::parse(&key.trusted().to_text()), Ok(key.trusted()));
        assert!(!format!("{key:?}").contains(&STANDARD.encode([9; 32])));
    }

    #[test]
    fn bad_files_are_refused() {
        for (text, error) in [
            ("", KeyError::Format),
            ("muster-key-1 a dpo", KeyError::Format),
            ("muster-key-1 a dpo AAAA", KeyError::Damaged),
            ("muster-key-1 a dpo AAAA\nmuster-key-1 b dpo AAAA", KeyError::Format),
            ("muster-signing-key-1 a dpo AAAA", KeyError::Format),
        ] {
            assert_eq!(TrustedSigner::parse(text), Err(error), "{text}");
        }
        let error = SigningKey::new("ho mei", "dpo", Zeroizing::new([9; 32])).err();
        assert_eq!(error, Some(KeyError::Name));
    }
}
