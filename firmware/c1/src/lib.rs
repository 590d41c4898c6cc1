//! The communication centre: joins several M1s on serial lines to the box over one uplink.
//!
//! It polls its lines with the same state machine as the box, puts every sealed message on disk
//! and forwards it under the terminal's own topic; what the box answers goes back down the line.
//! It has no terminal's key: it reads the name, boot and sequence beside a message, never the
//! message. It speaks only for the terminals it was told of, and so does the box insist.
//!
//! Limits: the forwarder's queue; [`ANSWERS`] waiting answers a terminal; [`RECENT`] messages a
//! terminal remembered so that a resend is not stored twice.
#![forbid(unsafe_code)]

mod line;
mod relay;

pub use line::{LineError, Terminal};
pub use muster_forwarder::{Login, StartError};
pub use relay::{ANSWERS, RECENT};

use line::Line;
use muster_forwarder::{Forwarder, Incoming};
use relay::Relay;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// One serial line and the terminals on it.
pub struct LineConfig {
    /// The port, as `/dev/serial/by-id/…`.
    pub port: PathBuf,
    /// Bits a second.
    pub baud: u32,
    /// Who is there.
    pub terminals: Vec<Terminal>,
}

/// A running communication centre.
pub struct C1 {
    relay: Arc<Relay>,
    tasks: Vec<JoinHandle<()>>,
}

impl C1 {
    /// Starts the centre that keeps its queue in `folder`.
    pub fn start(folder: &Path, login: Login, lines: Vec<LineConfig>) -> Result<Self, StartError> {
        std::fs::create_dir_all(folder)?;
        let carried = || lines.iter().flat_map(|line| &line.terminals).map(|t| &t.name);
        let answers = |name| ["receipt", "command"].map(|what| format!("muster/1/{name}/{what}"));
        let login = Login { subscribe: carried().flat_map(answers).collect(), ..login };
        let (forwarder, incoming) = Forwarder::start(&folder.join("queue"), login)?;
        let relay = Arc::new(Relay::new(forwarder, carried().cloned()));
        let mut tasks = vec![tokio::spawn(answer(incoming, relay.clone()))];
        for line in lines {
            let line = Line::new(line, relay.clone()).map_err(|e| {
                StartError::Credentials(format!("the terminals on a line do not fit: {e}"))
            })?;
            tasks.push(tokio::spawn(line.run()));
        }
        Ok(Self { relay, tasks })
    }

    /// Messages the box has on its disk, since the start.
    pub fn receipted(&self) -> u64 {
        self.relay.forwarder.acknowledged()
    }

    /// Messages that wait for the box.
    pub fn waiting(&self) -> usize {
        self.relay.forwarder.waiting()
    }
}

impl Drop for C1 {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn answer(mut incoming: mpsc::Receiver<Incoming>, relay: Arc<Relay>) {
    while let Some(message) = incoming.recv().await {
        relay.answer(&message.topic, message.payload);
    }
}
