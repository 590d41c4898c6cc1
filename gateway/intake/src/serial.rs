//! Terminals on serial lines: any number of ports, several addressed terminals on each.
//!
//! A port is opened by its path (`/dev/serial/by-id/…` stays the same whatever is plugged in
//! where) and exclusively. Whatever happens to it, unplugged, noisy, stuck, it is closed, and
//! tried again after a growing pause; other ports do not notice. The box polls
//! ([`muster_proto::host`]), terminals answer with sealed messages only, and what they said is
//! answered on a later poll.
//!
//! RS-485: the direction is switched by the driver, if it can; pseudo-terminals and many USB
//! adapters cannot, and the latter do it by themselves.

mod line;

use crate::ingest::Ingest;
use crate::limits::{SERIAL_RETRY_MAX, SERIAL_RETRY_MIN};
use line::Line;
use rs485::SerialRs485;
use std::collections::BTreeSet;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio_serial::{SerialPortBuilderExt, SerialStream};

/// The address of a terminal that was given none.
pub const DEFAULT_ADDRESS: u8 = 1;
/// How long a port must work before the next trouble counts as new.
const SETTLED: Duration = Duration::from_secs(10);

/// One serial port (`[[serial]]`).
#[derive(Clone, Debug)]
pub struct SerialConfig {
    /// `/dev/serial/by-id/usb-…`, or a pseudo-terminal.
    pub port: PathBuf,
    /// Bits a second; 115,200 is what terminals expect.
    pub baud: u32,
    /// Addresses of the terminals on the line, 0 to 247, at most 32; if empty, 1 and those that
    /// devices were paired with.
    pub addresses: Vec<u8>,
    /// Whether to ask the driver to switch the direction of an RS-485 line.
    pub rs485: bool,
}

/// How a port is.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct SerialStatus {
    /// Its path, as configured.
    pub port: PathBuf,
    /// Whether it is open.
    pub open: bool,
    /// Why it is not; `None` while it is.
    pub cause: Option<String>,
    /// Times it was opened since the start.
    pub opened: u64,
    /// Whole frames that came.
    pub frames: u64,
    /// Damaged, cut or oversized frames, and frames out of turn.
    pub damaged: u64,
    /// Addresses of the terminals that answer.
    pub answering: Vec<u8>,
}

/// A port's status, shared with whoever asks.
pub(crate) type SharedStatus = Arc<Mutex<SerialStatus>>;

pub(crate) fn status_of(config: &SerialConfig) -> SharedStatus {
    Arc::new(Mutex::new(SerialStatus { port: config.port.clone(), ..SerialStatus::default() }))
}

/// Why a line is left.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error("the port cannot be opened: {0}")]
    Open(#[from] tokio_serial::Error),
    #[error("the port is gone; plug the adapter in again")]
    Gone,
    #[error("the port fails: {0}")]
    Io(#[from] std::io::Error),
    #[error("the port takes no bytes; check cable and flow control")]
    Stuck,
    #[error("{0}")]
    Addresses(#[from] muster_proto::host::AddressError),
}

/// Serves one port until the box shuts down.
pub(crate) async fn serve(
    config: SerialConfig,
    ingest: Arc<Ingest>,
    status: SharedStatus,
    mut closing: watch::Receiver<bool>,
) {
    let mut pause = SERIAL_RETRY_MIN;
    loop {
        let started = tokio::time::Instant::now();
        let ended = tokio::select! {
            ended = open_and_run(&config, &ingest, &status) => ended,
            _ = closing.wait_for(|&closing| closing) => return,
        };
        if started.elapsed() > SETTLED {
            pause = SERIAL_RETRY_MIN;
        }
        if let Err(error) = ended {
            note_trouble(&config.port, &status, &error);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = closing.wait_for(|&closing| closing) => return,
            }
            pause = (pause * 2).min(SERIAL_RETRY_MAX);
        }
    }
}

/// Returns without an error when pairings have changed which addresses there are.
async fn open_and_run(
    config: &SerialConfig,
    ingest: &Arc<Ingest>,
    status: &SharedStatus,
) -> Result<(), LineError> {
    let port = open(config)?;
    let mut revision = ingest.handles().devices.revision();
    revision.borrow_and_update();
    let addresses = addresses(config, ingest);
    {
        let mut status = status.lock().unwrap_or_else(PoisonError::into_inner);
        (status.open, status.cause, status.opened) = (true, None, status.opened + 1);
    }
    tracing::info!(port = %config.port.display(), ?addresses, "serial port open");
    let line = Line::new(port, &addresses, config.baud, ingest.clone(), status.clone())?;
    let others = async {
        while revision.changed().await.is_ok() {
            if self::addresses(config, ingest) != addresses {
                return;
            }
        }
        std::future::pending().await
    };
    tokio::select! {
        ended = line.run() => Err(ended),
        () = others => Ok(()),
    }
}

fn open(config: &SerialConfig) -> Result<SerialStream, LineError> {
    let path = config.port.to_string_lossy();
    let port = tokio_serial::new(path, config.baud).open_native_async()?;
    if config.rs485 {
        switch_direction(&port, &config.port);
    }
    Ok(port)
}

/// Asks the driver to raise RTS while sending. Not every driver can, and that is no trouble.
fn switch_direction(port: &SerialStream, path: &Path) {
    let mut direction = SerialRs485::new();
    direction.set_enabled(true).set_rts_on_send(true).set_rts_after_send(false);
    if let Err(error) = direction.set_on_fd(port.as_raw_fd()) {
        tracing::debug!(port = %path.display(), %error, "the driver does not switch RS-485");
    }
}

fn addresses(config: &SerialConfig, ingest: &Ingest) -> Vec<u8> {
    if !config.addresses.is_empty() {
        return config.addresses.clone();
    }
    let paired = ingest.handles().devices.list().into_iter().filter_map(|device| device.address);
    let all: BTreeSet<u8> = std::iter::once(DEFAULT_ADDRESS).chain(paired).collect();
    all.into_iter().take(muster_proto::host::MAX_TERMINALS).collect()
}

fn note_trouble(port: &Path, status: &SharedStatus, error: &LineError) {
    let cause = error.to_string();
    let mut status = status.lock().unwrap_or_else(PoisonError::into_inner);
    if status.cause.as_ref() != Some(&cause) {
        tracing::warn!(port = %port.display(), cause, "serial port closed");
    }
    (status.open, status.cause) = (false, Some(cause));
    status.answering.clear();
}
