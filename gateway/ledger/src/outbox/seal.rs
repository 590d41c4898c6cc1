//! Sealing to the customer's key, after the guard has seen the plain text and before the hash.

use super::render::{MAX_BYTES, Unfit};
use crate::quarantine::TOO_LONG;
use muster_report::sealing::Recipient;
use ring::hmac;
use zeroize::Zeroizing;

const CONTEXT: &[u8] = b"muster parcel seal 1\0";

/// Seals the parcels of one destination.
pub(super) struct Sealer {
    destination: String,
    recipient: Recipient,
    secret: Zeroizing<[u8; 32]>,
}

impl Sealer {
    /// `secret` is the destination's key of pseudonyms: it never leaves the box.
    pub(super) fn new(destination: &str, recipient: Recipient, secret: &[u8; 32]) -> Self {
        let destination = destination.to_owned();
        Self { destination, recipient, secret: Zeroizing::new(*secret) }
    }

    /// The bytes that leave: the same for the same plain text, destination and recipient.
    pub(super) fn seal(&self, plain: &[u8]) -> Result<Box<[u8]>, Unfit> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &*self.secret);
        let mut run = hmac::Context::with_key(&key);
        run.update(CONTEXT);
        run.update(self.recipient.fingerprint().as_bytes());
        run.update(plain);
        let mut seed = [0; 32];
        seed.copy_from_slice(run.sign().as_ref());
        let sealed = self.recipient.seal(&self.destination, plain, seed);
        let sealed = sealed.filter(|bytes| bytes.len() <= MAX_BYTES).ok_or(Unfit(TOO_LONG))?;
        Ok(sealed.into())
    }
}
