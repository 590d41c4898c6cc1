//! One serial line: the shell around `muster_proto::host`.

use crate::LineConfig;
use crate::relay::Relay;
use muster_proto::frame::MAX_WIRE;
use muster_proto::host::{AddressError, Host, Turn};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;
use tokio_serial::{SerialPortBuilderExt as _, SerialStream};

/// Waits before a port that went away is opened again, doubling.
const FIRST_REOPEN: Duration = Duration::from_millis(100);
const LONGEST_REOPEN: Duration = Duration::from_secs(5);
/// A port that takes no bytes for so long is reopened.
const STUCK: Duration = Duration::from_secs(2);

/// A terminal on a line.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terminal {
    /// Its address, 0 to 247.
    pub address: u8,
    /// Its name.
    pub name: String,
}

/// The terminals given cannot share a line.
pub type LineError = AddressError;

pub(crate) struct Line {
    port: PathBuf,
    baud: u32,
    terminals: Vec<Terminal>,
    host: Host,
    relay: Arc<Relay>,
    start: Instant,
}

impl Line {
    pub(crate) fn new(config: LineConfig, relay: Arc<Relay>) -> Result<Self, LineError> {
        let addresses: Vec<u8> = config.terminals.iter().map(|t| t.address).collect();
        Ok(Self {
            host: Host::new(&addresses, config.baud)?,
            port: config.port,
            baud: config.baud,
            terminals: config.terminals,
            relay,
            start: Instant::now(),
        })
    }

    /// Polls for ever; a port that goes away is opened again when it is back.
    pub(crate) async fn run(mut self) {
        let mut wait = FIRST_REOPEN;
        loop {
            let opened = Instant::now();
            let ended = self.serve().await;
            tracing::debug!(port = %self.port.display(), ?ended, "the line is not there");
            wait = if opened.elapsed() > LONGEST_REOPEN { FIRST_REOPEN } else { wait * 2 };
            wait = wait.min(LONGEST_REOPEN);
            tokio::time::sleep(wait).await;
        }
    }

    async fn serve(&mut self) -> io::Result<()> {
        let name = self.port.to_string_lossy().into_owned();
        let mut port = tokio_serial::new(name, self.baud).open_native_async()?;
        self.host.restart(self.now());
        let (mut tx, mut rx) = (vec![0; MAX_WIRE], vec![0; MAX_WIRE]);
        loop {
            self.wake_answered();
            match self.host.turn(self.now()) {
                Turn::Speak { address } => self.speak(&mut port, address, &mut tx).await?,
                Turn::Wait { until_ms } => {
                    let wait = Duration::from_millis(until_ms.saturating_sub(self.now()).max(1));
                    let wait = wait.min(Duration::from_millis(50));
                    match tokio::time::timeout(wait, port.read(&mut rx)).await {
                        Ok(Ok(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                        Ok(count) => self.receive(&rx[..count?]),
                        Err(_) => {}
                    }
                }
            }
        }
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    /// Terminals with a waiting answer are polled next.
    fn wake_answered(&mut self) {
        for terminal in &self.terminals {
            if self.relay.has_answer(&terminal.name) {
                self.host.wake(terminal.address);
            }
        }
    }

    async fn speak(
        &mut self,
        port: &mut SerialStream,
        address: u8,
        tx: &mut [u8],
    ) -> io::Result<()> {
        let name = self.terminals.iter().find(|t| t.address == address).map(|t| t.name.as_str());
        let answer = name.and_then(|name| Some((name, self.relay.next_answer(name)?)));
        let message = answer.as_ref().map(|(name, sealed)| (*name, sealed.as_slice()));
        let now = self.now();
        let length = match self.host.speak(now, address, message, tx) {
            Ok(length) => length,
            // An answer that fits no frame is dropped; the poll itself always fits.
            Err(_) => self.host.speak(now, address, None, tx).map_err(io::Error::other)?,
        };
        let sent = tx.get(..length).unwrap_or_default();
        tokio::time::timeout(STUCK, port.write_all(sent))
            .await
            .map_err(|_| io::ErrorKind::TimedOut)?
    }

    fn receive(&mut self, mut rx: &[u8]) {
        let now = self.now();
        while !rx.is_empty() {
            let (taken, received) = self.host.receive(now, rx);
            if let Some(message) = received {
                let _ = self.relay.forward(message.device, message.sealed);
            }
            rx = rx.get(taken.max(1)..).unwrap_or_default();
        }
    }
}
