//! The MQTT listener: MQTT 3.1.1 and 5, over TLS 1.3 with client certificates, and in plaintext on
//! loopback.
//!
//! It is no broker: a client may publish check-ins and subscribe to what the box says to it, and
//! nothing else. An acknowledgement means that the check-in is on disk. What cannot be taken now is
//! not acknowledged: a full disk is waited for, and for anything else the connection is closed
//! after a pause, so that the client sends it again. See [`session`] for what of MQTT is offered.

mod chunk;
mod client;
mod connection;
mod dialogue;
mod listener;
mod packet;
mod rate;
mod registry;
mod session;

pub use listener::ListenError;
pub(crate) use listener::{Listener, Secured};

use crate::ingest::Ingest;
use crate::limits::Limits;
use registry::Registry;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// What all connections share.
pub(crate) struct Gate {
    ingest: Arc<Ingest>,
    limits: Limits,
    registry: Arc<Registry>,
    /// One permit for each connection that may be open.
    seats: Arc<Semaphore>,
    /// One permit for each byte of payload that may be in flight.
    budget: Arc<Semaphore>,
    shutdown: watch::Receiver<bool>,
}

impl Gate {
    pub(crate) fn new(
        ingest: Arc<Ingest>,
        limits: Limits,
        budget: Arc<Semaphore>,
        shutdown: watch::Receiver<bool>,
    ) -> Arc<Self> {
        let seats = Arc::new(Semaphore::new(limits.connections));
        Arc::new(Self { ingest, limits, registry: Arc::default(), seats, budget, shutdown })
    }
}
