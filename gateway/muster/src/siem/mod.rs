//! Events for whoever watches over security: the journal's acts, without personal data, as syslog
//! (RFC 5424) over TCP or TLS, with JSON or CEF in the message.
//!
//! What was told is in the journal, so a restart and a day of outage lose nothing: every event goes
//! out at least once and in order, under an id that stays. Syslog over TCP has no receipt of its own
//! (RFC 6587), so each batch has a connection, which counts as taken in once the collector, having
//! read to its end, closes its side too. A collector that never does so is told again: such a one
//! needs a relay before it. One that dies between reading and storing loses what it had read, and
//! nobody on this side can know. No event is dropped for another's sake: while none is taken in, the
//! journal alone holds them.

mod format;

use crate::alarms::{connector, is_loopback};
use crate::config::Config;
use crate::health::Check;
use crate::watch::check;
use anyhow::{Context as _, Result, ensure};
use format::{Form, Framing};
use muster_ledger::trail::{Event, EventCursor, EventReader};
use muster_ledger::{Health, Ledger};
use muster_uplink::backoff::Backoff;
use ring::rand::{SecureRandom, SystemRandom};
use rustls::pki_types::ServerName;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;

/// How often the journal is looked at.
const EVERY: Duration = Duration::from_secs(2);
/// Events of one connection.
const MAX_EVENTS: usize = 200;
/// Time for one connection, from its opening to the collector's closing.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of an answer that are read; a collector has nothing to say.
const MAX_ANSWER: u64 = 64 << 10;
/// RFC 5425's port, and the one that RFC 3195 left to syslog over TCP.
const TLS_PORT: u16 = 6514;
const TCP_PORT: u16 = 601;

/// `[siem]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Section {
    /// `tls://HOST[:PORT]` or `tcp://HOST[:PORT]`.
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) format: Form,
    #[serde(default)]
    pub(crate) framing: Framing,
    /// Who may vouch for the host.
    pub(crate) ca: Option<PathBuf>,
    /// Take `tcp://` to another machine: anybody on the way can then read and change what is told.
    #[serde(default)]
    pub(crate) plaintext: bool,
}

/// What is wrong with the section: found by `check` before it hurts.
pub(crate) fn problem(section: &Section, site: &str) -> Option<anyhow::Error> {
    Collector::new(section, site).err()
}

/// Why nothing is taken in, for `/healthz`; `None` while all is well.
#[derive(Clone, Default)]
pub(crate) struct Standing(Arc<Mutex<Option<String>>>);

impl Standing {
    fn set(&self, cause: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = cause;
    }

    pub(crate) fn check(&self) -> Check {
        let cause = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let health = if cause.is_some() { Health::Degraded } else { Health::Ok };
        let cure = "events wait in the journal and go out when the collector answers; look after \
                    it, or correct [siem]";
        check("siem", health, cause, cure)
    }
}

/// Tells until the gateway stops. Without the section nothing is started.
pub(crate) fn start(
    config: &Config,
    ledger: Ledger,
    standing: Standing,
    stopped: watch::Receiver<bool>,
) -> Result<()> {
    let Some(section) = &config.siem else { return Ok(()) };
    let collector = Collector::new(section, &config.site.site)?;
    tokio::spawn(async move {
        let mut stopped = stopped;
        let (reader, unsent, looked) = (None, None, EventCursor::default());
        let tells = Teller { ledger, collector, standing, reader, unsent, looked }.run();
        tokio::select! {
            () = tells => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
    });
    Ok(())
}

struct Teller {
    ledger: Ledger,
    collector: Collector,
    standing: Standing,
    /// `None` before the first look, and after one that failed.
    reader: Option<EventReader>,
    /// What was read and not taken in yet, with the place behind it.
    unsent: Option<(Vec<Event>, EventCursor)>,
    /// Where the last look that found nothing ended.
    looked: EventCursor,
}

impl Teller {
    async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let pause = match self.step().await {
                Ok(true) => Duration::ZERO,
                Ok(false) => EVERY,
                Err(error) => {
                    metrics::counter!("muster_siem_failures_total").increment(1);
                    tracing::warn!("events wait for the SIEM: {error:#}");
                    self.standing.set(Some(format!("{error:#}")));
                    tokio::time::sleep(backoff.next(random())).await;
                    continue;
                }
            };
            backoff.reset();
            self.standing.set(None);
            tokio::time::sleep(pause).await;
        }
    }

    /// Tells the next events; false at the end of the journal.
    async fn step(&mut self) -> Result<bool> {
        let (events, next) = match self.unsent.take() {
            Some(unsent) => unsent,
            None => self.read().await?,
        };
        if events.is_empty() {
            return Ok(std::mem::replace(&mut self.looked, next) != next);
        }
        let (events, next) = self.unsent.insert((events, next));
        let sent = tokio::time::timeout(PATIENCE, self.collector.send(events)).await;
        sent.context("the collector did not close the connection in time")??;
        metrics::counter!("muster_siem_events_total").increment(events.len() as u64);
        let next = *next;
        self.unsent = None;
        self.ledger.note_events_told(next).await?;
        Ok(true)
    }

    async fn read(&mut self) -> Result<(Vec<Event>, EventCursor)> {
        let (reader, ledger) = (self.reader.take(), self.ledger.clone());
        let work = move || {
            let mut reader = match reader {
                Some(reader) => reader,
                None => ledger.trail().events(ledger.events_told())?,
            };
            let read = reader.next(MAX_EVENTS)?;
            anyhow::Ok((reader, read))
        };
        let (reader, read) = tokio::task::spawn_blocking(work).await??;
        self.reader = Some(reader);
        Ok(read)
    }
}

/// Where events go.
struct Collector {
    host: String,
    port: u16,
    tls: Option<TlsConnector>,
    form: Form,
    framing: Framing,
    site: String,
}

impl Collector {
    fn new(section: &Section, site: &str) -> Result<Self> {
        let uri: hyper::Uri = section.url.parse().context("[siem] url is no address")?;
        let host = uri.host().context("[siem] url names no host")?.trim_matches(['[', ']']);
        let tls = match uri.scheme_str() {
            Some("tls") => Some(connector(section.ca.as_deref())?),
            Some("tcp") => None,
            _ => anyhow::bail!("[siem] url: begin it with tls:// or tcp://"),
        };
        ensure!(
            tls.is_some() || section.plaintext || is_loopback(host),
            "[siem] url: use tls://, tcp:// on 127.0.0.1, or plaintext = true on a line that \
             nobody else can reach"
        );
        Ok(Self {
            port: uri.port_u16().unwrap_or(if tls.is_some() { TLS_PORT } else { TCP_PORT }),
            host: host.to_owned(),
            tls,
            form: section.format,
            framing: section.framing,
            site: site.to_owned(),
        })
    }

    /// Succeeds once the collector has read all of it.
    async fn send(&self, events: &[Event]) -> Result<()> {
        let frame = |event| self.framing.frame(&format::message(self.form, &self.site, event));
        let bytes: Vec<u8> = events.iter().flat_map(frame).collect();
        let address = (self.host.as_str(), self.port);
        let stream = TcpStream::connect(address).await.context("no connection to the collector")?;
        match &self.tls {
            None => deliver(stream, &bytes).await,
            Some(tls) => {
                let name = ServerName::try_from(self.host.clone())?;
                deliver(tls.connect(name, stream).await.context("TLS")?, &bytes).await
            }
        }
    }
}

async fn deliver(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await?;
    stream.shutdown().await?;
    let mut answer = stream.take(MAX_ANSWER);
    match tokio::io::copy(&mut answer, &mut tokio::io::sink()).await {
        // Many end TLS without saying so.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(()),
        Err(error) => Err(error).context("the collector broke the connection"),
        Ok(read) => {
            ensure!(read < MAX_ANSWER, "what answers there is no collector");
            Ok(())
        }
    }
}

/// Spreads retries; not secret.
fn random() -> u64 {
    let mut bytes = [0; 8];
    let _ = SystemRandom::new().fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_encrypted_or_said_to_be_plain() {
        let check = |url: &str, plaintext, good: bool| {
            let (format, framing, ca) = (Form::Json, Framing::Octets, None);
            let section = Section { url: url.into(), format, framing, ca, plaintext };
            assert_eq!(problem(&section, "mo-hq").is_none(), good, "{url}");
        };
        check("tcp://127.0.0.1:1514", false, true);
        check("tcp://[::1]:1514", false, true);
        check("tcp://siem.example", false, false);
        check("tcp://siem.example", true, true);
        check("udp://127.0.0.1", false, false);
        check("siem.example:6514", false, false);
        check("tcp://", true, false);
    }
}
