//! The communication centre: joins several M1s on serial lines and M2s on MQTT to the box over one
//! uplink.
//!
//! It polls its lines with the same state machine as the box, and listens to M2s over mutual TLS.
//! Every sealed message is put on disk before it is acknowledged and forwarded under the
//! terminal's own topic; what the box answers goes back the way the terminal came.
//! It has no terminal's key: it reads the name, boot and sequence beside a message, never the
//! message. It speaks only for the terminals it was told of, and so does the box insist.
//!
//! Limits: the forwarder's queue; [`ANSWERS`] waiting answers a terminal; [`RECENT`] messages a
//! terminal remembered so that a resend is not stored twice; [`MAX_CLIENTS`] M2s.
#![forbid(unsafe_code)]

pub mod config;
mod lights;
mod line;
mod listener;
mod relay;
mod session;

pub use lights::Lights;
pub use line::{LineError, Terminal};
pub use listener::{ListenConfig, MAX_CLIENTS};
pub use muster_forwarder::{Login, StartError};
pub use relay::{ANSWERS, RECENT};

use line::Line;
use listener::Listener;
use muster_forwarder::{Forwarder, Incoming};
use relay::Relay;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What it is paired as.
pub const KIND: &str = "c1";

/// One serial line and the terminals on it.
pub struct LineConfig {
    /// The port, as `/dev/serial/by-id/…`.
    pub port: PathBuf,
    /// Bits a second.
    pub baud: u32,
    /// Who is there.
    pub terminals: Vec<Terminal>,
}

/// The ways by which terminals reach the centre.
#[derive(Default)]
pub struct Ways {
    /// Serial lines.
    pub lines: Vec<LineConfig>,
    /// Where M2s may come in, if anywhere.
    pub listener: Option<ListenConfig>,
}

/// A running communication centre.
pub struct C1 {
    relay: Arc<Relay>,
    tasks: Vec<JoinHandle<()>>,
    listening: Option<SocketAddr>,
}

impl C1 {
    /// Starts the centre that keeps its queue in `folder`. Must run within a tokio runtime. The
    /// certificate in `credentials` is renewed in good time.
    pub fn start(
        folder: &Path,
        login: Login,
        ways: Ways,
        credentials: Option<PathBuf>,
    ) -> Result<Self, StartError> {
        std::fs::create_dir_all(folder)?;
        let Ways { lines, listener } = ways;
        let on_lines = lines.iter().flat_map(|line| &line.terminals).map(|t| &t.name);
        let clients = listener.iter().flat_map(|listener| &listener.devices);
        let carried: Vec<String> = on_lines.chain(clients).cloned().collect();
        let answers = |name: &String| ["receipt", "command"].map(|what| topic(name, what));
        let listener = listener.map(|config| Listener::bind(config, &login)).transpose()?;
        let login = Login { subscribe: carried.iter().flat_map(answers).collect(), ..login };
        let (mut forwarder, incoming) = Forwarder::start(&folder.join("queue"), login)?;
        if let Some(credentials) = credentials {
            forwarder.keep_certificate(KIND, credentials);
        }
        let relay = Arc::new(Relay::new(forwarder, carried.into_iter()));
        let mut tasks = vec![tokio::spawn(answer(incoming, relay.clone()))];
        for line in lines {
            let line = Line::new(line, relay.clone()).map_err(|e| {
                StartError::Credentials(format!("the terminals on a line do not fit: {e}"))
            })?;
            tasks.push(tokio::spawn(line.run()));
        }
        let listening = listener.as_ref().map(Listener::address);
        tasks.extend(listener.map(|listener| tokio::spawn(listener.run(relay.clone()))));
        Ok(Self { relay, tasks, listening })
    }

    /// Where it listens to M2s, with the port that was found for port 0.
    pub fn listening(&self) -> Option<SocketAddr> {
        self.listening
    }

    /// Messages that could not be put on disk since the start: their terminals keep them.
    pub fn not_stored(&self) -> u64 {
        self.relay.not_stored()
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

/// The topic of a terminal's `what`.
fn topic(name: &str, what: &str) -> String {
    format!("muster/1/{name}/{what}")
}

async fn answer(mut incoming: mpsc::Receiver<Incoming>, relay: Arc<Relay>) {
    while let Some(message) = incoming.recv().await {
        relay.answer(&message.topic, message.payload);
    }
}
