//! The face terminal on embedded Linux: a capture becomes a check-in on disk, and only then may the
//! terminal beep; the forwarder brings it to the box over mutual TLS.
//!
//! Recognition is a vendor's [`engine`], a process without a network; this library never looks
//! into the evidence. [`front`] makes a punch of what it sees, [`door`] has the pins. On the box's
//! own TLS an M2 sends JSON; through a C1 it sends the sealed form, which the C1 cannot read.
#![forbid(unsafe_code)]

mod check_in;
pub mod config;
pub mod door;
pub mod engine;
pub mod front;
pub mod replay;
mod sealed;

pub use check_in::{Capture, Direction, Evidence, EvidenceKind, Method, Outcome};
pub use muster_forwarder::{Login, PushError, StartError};
pub use sealed::SealError;

use muster_forwarder::{Forwarder, Incoming, boot};
use muster_proto::seal::Keys;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

/// What it is paired as.
pub const KIND: &str = "m2";

/// How check-ins are written.
pub enum Form {
    /// As JSON, for the box's own TLS alone.
    Json,
    /// Sealed under the pairing secret.
    Sealed(Zeroizing<[u8; 32]>),
}

/// A capture was not stored: it does not count, and the person must be told.
#[derive(Debug, thiserror::Error)]
pub enum PunchError {
    /// It cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It cannot be put on disk.
    #[error(transparent)]
    Push(#[from] PushError),
}

/// A running face terminal.
pub struct M2 {
    name: String,
    boot: u32,
    next_seq: AtomicU64,
    /// To seal with; none where check-ins are JSON.
    keys: Option<Arc<Keys>>,
    forwarder: Forwarder,
    refused: Arc<AtomicU64>,
    listener: JoinHandle<()>,
}

/// The box's word on one check-in, as it comes on the receipt topic.
#[derive(Deserialize)]
struct Receipt<'a> {
    #[serde(borrow)]
    result: &'a str,
}

impl M2 {
    /// Starts the terminal that keeps its state in `folder`: boot number raised, queue opened,
    /// what waited from before on its way again. Check-ins are JSON.
    pub fn start(folder: &Path, login: Login) -> Result<Self, StartError> {
        Self::start_as(folder, login, Form::Json)
    }

    /// The same with check-ins in this form.
    pub fn start_as(folder: &Path, login: Login, form: Form) -> Result<Self, StartError> {
        std::fs::create_dir_all(folder)?;
        let keys = match form {
            Form::Json => None,
            Form::Sealed(secret) => {
                let keys = Keys::derive(&secret, &login.device);
                Some(Arc::new(keys.map_err(|e| StartError::Credentials(e.to_string()))?))
            }
        };
        let boot = boot::raise(&folder.join("boot"))?;
        let name = login.device.clone();
        let login = Login { subscribe: vec![format!("muster/1/{name}/receipt")], ..login };
        let (forwarder, incoming) = Forwarder::start(&folder.join("queue"), login)?;
        let refused = Arc::new(AtomicU64::new(0));
        let listener = tokio::spawn(count_refused(incoming, keys.clone(), refused.clone()));
        Ok(Self { name, boot, next_seq: AtomicU64::new(1), keys, forwarder, refused, listener })
    }

    /// Has the box renew the certificate in the folder `credentials` in good time.
    pub fn keep_certificate(&mut self, credentials: PathBuf) {
        self.forwarder.keep_certificate(KIND, credentials);
    }

    /// Stores a capture as a check-in; when this returns the terminal may beep. Gives its
    /// `(boot, seq)`. A capture that says that it is live goes as such if it goes at once.
    pub fn punch(&self, capture: &Capture<'_>) -> Result<(u32, u64), PunchError> {
        let seq = self.next_seq.fetch_add(1, Ordering::Relaxed);
        let topic = format!("muster/1/{}/checkin", self.name);
        let stored = self.message(seq, capture, false)?;
        match capture.live {
            true => self.forwarder.push_live(topic, self.message(seq, capture, true)?, stored)?,
            false => self.forwarder.push(topic, stored)?,
        };
        Ok((self.boot, seq))
    }

    fn message(&self, seq: u64, capture: &Capture<'_>, live: bool) -> Result<Vec<u8>, SealError> {
        match &self.keys {
            Some(keys) => sealed::seal(keys, (self.boot, seq), capture, live),
            None => Ok(check_in::json(self.boot, seq, &Capture { live, ..*capture })),
        }
    }

    /// Check-ins the box has on its disk, since the start.
    pub fn receipted(&self) -> u64 {
        self.forwarder.acknowledged()
    }

    /// Check-ins that wait for the box.
    pub fn waiting(&self) -> usize {
        self.forwarder.waiting()
    }

    /// Check-ins the box refused for good; they are among the receipted.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Drop for M2 {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn count_refused(
    mut incoming: mpsc::Receiver<Incoming>,
    keys: Option<Arc<Keys>>,
    refused: Arc<AtomicU64>,
) {
    while let Some(mut message) = incoming.recv().await {
        let is_refusal = match &keys {
            Some(keys) => sealed::is_refusal(keys, &mut message.payload),
            None => {
                let receipt = serde_json::from_slice::<Receipt<'_>>(&message.payload);
                receipt.is_ok_and(|receipt| receipt.result == "refused")
            }
        };
        refused.fetch_add(u64::from(is_refusal), Ordering::Relaxed);
    }
}
