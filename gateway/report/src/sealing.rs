//! Parcels sealed to a customer's key, so that who runs the broker or the host on the way cannot
//! read them.
//!
//! HPKE (RFC 9180) in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. The
//! info is [`INFO`], the associated data the destination's name, the plain text the parcel's JSON
//! filled with spaces to a multiple of [`BLOCK`] bytes, so that lengths tell little. What travels is
//! `{"sealed_to":"<fingerprint>","sealed":"<base64 of encapsulated key and cipher text>"}`; the
//! fingerprint is the first 16 hex digits of SHA-256 over the 32 bytes of the public key.
//!
//! Sealing draws no chance: the ephemeral key comes from a seed that only the box has, so that a
//! retry has the same bytes; equal plain texts to one destination look equal. What it hides is the content; not when, how many and to whom. Whoever
//! has the public key can seal, so a sealed parcel proves nothing of who made it: TLS does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _};
use ring::{digest, hmac};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::fmt;
use zeroize::Zeroizing;

/// HPKE's info.
pub const INFO: &[u8] = b"muster parcel 1";
/// Plain texts are filled to a multiple of so many bytes.
pub const BLOCK: usize = 32;
/// Longest PEM text read.
const MAX_PEM: usize = 4096;
/// Bytes of a key.
const KEY: usize = 32;
/// Bytes of an encapsulated key.
const ENCAPPED: usize = 32;
/// What stands before the 32 bytes of an X25519 key in DER (RFC 8410).
const PUBLIC_DER: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00];
const PRIVATE_DER: &[u8] = &[
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20,
];

type Kem = X25519HkdfSha256;

/// Why a text is no key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this is no {0} of X25519 in PEM; `openssl genpkey -algorithm X25519` makes a pair")]
pub struct KeyError(&'static str);

/// Why a sealed parcel cannot be opened.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OpenError {
    /// It is not what the box sends.
    #[error("this is no sealed parcel")]
    Form,
    /// It was sealed to another key.
    #[error("it was sealed to the key {0}, and this one is {1}")]
    OtherKey(String, String),
    /// Changed on the way, or sent to another destination.
    #[error("it was changed, or it is of another destination")]
    Changed,
}

/// A parcel as it travels.
#[derive(Serialize, Deserialize)]
struct Sealed {
    sealed_to: String,
    sealed: String,
}

/// Whoever may open: their public key.
#[derive(Clone)]
pub struct Recipient {
    key: <Kem as hpke::Kem>::PublicKey,
    fingerprint: String,
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.fingerprint)
    }
}

impl Recipient {
    /// Reads a public key in PEM.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let wrong = KeyError("public key");
        let bytes = der(pem, "PUBLIC KEY", PUBLIC_DER).ok_or(wrong)?;
        let key = <Kem as hpke::Kem>::PublicKey::from_bytes(&*bytes).map_err(|_| wrong)?;
        let made = Self { fingerprint: fingerprint(&key), key };
        // Some points are no key that anything could be sealed to.
        made.seal("", b"", [0; 32]).map(|_| ()).ok_or(wrong)?;
        Ok(made)
    }

    /// Says which key it is, in 16 hex digits.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Seals one parcel to this key. `seed` must be secret and another one for every other plain
    /// text; the same three make the same bytes. `None` only where HPKE refuses the key, which
    /// [`Recipient::from_pem`] does before.
    pub fn seal(&self, destination: &str, plain: &[u8], seed: [u8; 32]) -> Option<Vec<u8>> {
        let mut filled = plain.to_vec();
        filled.resize(plain.len().next_multiple_of(BLOCK), b' ');
        let (encapped, cipher) =
            hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Kem>(
                &OpModeS::Base,
                &self.key,
                INFO,
                &filled,
                destination.as_bytes(),
                &mut Seeded::new(seed),
            )
            .ok()?;
        let mut bytes = encapped.to_bytes().to_vec();
        bytes.extend_from_slice(&cipher);
        let sealed = Sealed { sealed_to: self.fingerprint.clone(), sealed: STANDARD.encode(bytes) };
        serde_json::to_vec(&sealed).ok()
    }
}

/// Whoever opens: their private key.
pub struct Opener {
    key: <Kem as hpke::Kem>::PrivateKey,
    fingerprint: String,
}

impl Opener {
    /// Reads a private key in PEM (PKCS #8).
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let wrong = KeyError("private key");
        let bytes = der(pem, "PRIVATE KEY", PRIVATE_DER).ok_or(wrong)?;
        let key = <Kem as hpke::Kem>::PrivateKey::from_bytes(&*bytes).map_err(|_| wrong)?;
        Ok(Self { fingerprint: fingerprint(&Kem::sk_to_pk(&key)), key })
    }

    /// Opens one sealed parcel that came for `destination`: the parcel's JSON.
    pub fn open(&self, destination: &str, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let Sealed { sealed_to, sealed } =
            serde_json::from_slice(sealed).map_err(|_| OpenError::Form)?;
        if sealed_to != self.fingerprint {
            return Err(OpenError::OtherKey(sealed_to, self.fingerprint.clone()));
        }
        let bytes = STANDARD.decode(sealed).map_err(|_| OpenError::Form)?;
        let (encapped, cipher) = bytes.split_at_checked(ENCAPPED).ok_or(OpenError::Form)?;
        let encapped = <Kem as hpke::Kem>::EncappedKey::from_bytes(encapped);
        let mut plain = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
            &OpModeR::Base,
            &self.key,
            &encapped.map_err(|_| OpenError::Form)?,
            INFO,
            cipher,
            destination.as_bytes(),
        )
        .map_err(|_| OpenError::Changed)?;
        plain.truncate(plain.trim_ascii_end().len());
        Ok(plain)
    }
}

fn fingerprint(key: &<Kem as hpke::Kem>::PublicKey) -> String {
    let hash = digest::digest(&digest::SHA256, &key.to_bytes());
    crate::pack::hex(hash.as_ref().first_chunk::<8>().unwrap_or(&[0; 8]))
}

/// The key in a PEM block of this kind, whose DER begins with `prefix`.
fn der(pem: &str, kind: &str, prefix: &[u8]) -> Option<Zeroizing<[u8; KEY]>> {
    let (begin, end) = (format!("-----BEGIN {kind}-----"), format!("-----END {kind}-----"));
    let body = pem.get(..pem.len().min(MAX_PEM))?.split_once(&begin)?.1.split_once(&end)?.0;
    let body = Zeroizing::new(body.split_ascii_whitespace().collect::<String>());
    let der = Zeroizing::new(STANDARD.decode(body.as_bytes()).ok()?);
    let key = der.strip_prefix(prefix)?;
    Some(Zeroizing::new(key.try_into().ok()?))
}

/// Numbers drawn from a seed: HMAC-SHA256 over a counter.
struct Seeded {
    seed: Zeroizing<[u8; 32]>,
    drawn: u64,
}

impl Seeded {
    fn new(seed: [u8; 32]) -> Self {
        Self { seed: Zeroizing::new(seed), drawn: 0 }
    }
}

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, wanted: &mut [u8]) -> Result<(), Infallible> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &*self.seed);
        for part in wanted.chunks_mut(32) {
            let tag = hmac::sign(&key, &self.drawn.to_be_bytes());
            part.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
            self.drawn += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Seeded {}

#[cfg(test)]
mod tests {
    use super::*;

    // Made with `openssl genpkey -algorithm X25519`, for this test alone.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEICjZXk5rbHWk5wZINIxuwSKtc6+CoTRX9msP918UfOhO\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEAhGvItKTnt0pStsFCvJl5LhQkL7YMYuzvCvqXN9C2cyk=\n-----END PUBLIC KEY-----\n";
    const PARCEL: &[u8] = br#"{"event_id":"01J8","direction":"in"}"#;

    fn sealed(destination: &str, seed: u8) -> Vec<u8> {
        let recipient = Recipient::from_pem(PUBLIC).unwrap();
        recipient.seal(destination, PARCEL, [seed; 32]).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_with_the_key_and_for_its_destination_alone() {
        let opener = Opener::from_pem(PRIVATE).unwrap();
        let travels = sealed("sg-tenant", 1);
        assert!(!travels.windows(8).any(|w| PARCEL.windows(8).any(|p| p == w)));
        assert_eq!(opener.open("sg-tenant", &travels).unwrap(), PARCEL);
        assert_eq!(opener.open("my-tenant", &travels), Err(OpenError::Changed));
        assert_eq!(opener.open("sg-tenant", PARCEL), Err(OpenError::Form));
        for at in (0..travels.len()).filter(|at| travels[*at].is_ascii_alphanumeric()) {
            let mut changed = travels.clone();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(opener.open("sg-tenant", &changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_bytes_and_another_one_others() {
        assert_eq!(sealed("sg-tenant", 1), sealed("sg-tenant", 1));
        assert_ne!(sealed("sg-tenant", 1), sealed("sg-tenant", 2));
    }

    #[test]
    fn lengths_are_told_in_blocks_only() {
        let recipient = Recipient::from_pem(PUBLIC).unwrap();
        let length = |plain: usize| recipient.seal("d", &vec![b'x'; plain], [3; 32]).unwrap().len();
        assert_eq!(length(33), length(64));
        assert!(length(65) > length(64) && length(288) <= 512 && length(289) > 512);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let zero = format!(
            "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEA{}=\n-----END PUBLIC KEY-----",
            "A".repeat(43)
        );
        for text in
            ["", "x", PRIVATE, &zero, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"]
        {
            assert!(Recipient::from_pem(text).is_err(), "{text}");
        }
        assert!(Opener::from_pem(PUBLIC).is_err());
        let other = Opener::from_pem(PRIVATE).unwrap();
        let foreign = br#"{"sealed_to":"0000000000000000","sealed":""}"#;
        assert!(matches!(other.open("d", foreign), Err(OpenError::OtherKey(..))));
    }
}
