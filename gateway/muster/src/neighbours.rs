//! The site's other boxes: who was last seen at each, so that one list has everybody in an alarm.
//!
//! This box asks them, over TLS and by a token that only reads, a few times a minute; what it last
//! heard is kept in memory with its time, however old. A browser talks to this box alone (note 12
//! of `deploy/decisions`). Nothing here waits for long, and nothing else waits for it.

use crate::alarms::connector;
use crate::config::Neighbour as Section;
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper::{Request, Uri, header};
use hyper_util::rt::TokioIo;
use muster_console::{Neighbour, Roll};
use rustls::pki_types::ServerName;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// Where a box tells of its people.
const PATH: &str = "/api/v1/onsite";
/// Pause between two questions.
const EVERY: Duration = Duration::from_secs(15);
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer: some 50,000 people.
const MAX_ANSWER: usize = 16 << 20;
/// Boxes that one asks.
pub(crate) const MAX_BOXES: usize = 16;

/// A box to ask, with its files read.
struct Caller {
    host: String,
    port: u16,
    tls: TlsConnector,
    token: Zeroizing<String>,
}

/// What was last heard of every box; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Neighbours(Arc<Mutex<Vec<Neighbour>>>);

impl Neighbours {
    /// Asks every box of the configuration until `stopped`.
    pub(crate) fn start(sections: &[Section], stopped: &watch::Receiver<bool>) -> Self {
        let all = Self::default();
        for (place, section) in sections.iter().enumerate().take(MAX_BOXES) {
            let silent = Neighbour { name: section.name.clone(), roll: None, cause: None };
            all.lock().push(silent);
            // Punches are taken whatever is wrong here; the list says that this box is silent.
            match Caller::new(&section.url, &section.ca, &section.token_file) {
                Ok(caller) => drop(tokio::spawn(ask(caller, all.clone(), place, stopped.clone()))),
                Err(error) => all.note(place, Err(error)),
            }
        }
        all
    }

    /// As they are now.
    pub(crate) fn now(&self) -> Vec<Neighbour> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Neighbour>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, place: usize, told: Result<Roll>) {
        let mut all = self.lock();
        let Some(known) = all.get_mut(place) else { return };
        match told {
            Ok(roll) => (known.roll, known.cause) = (Some(roll), None),
            Err(error) => {
                let cause = format!("{error:#}");
                if known.cause.as_ref() != Some(&cause) {
                    tracing::warn!(neighbour = known.name, "does not tell who is there: {cause}");
                }
                known.cause = Some(cause);
            }
        }
    }
}

async fn ask(caller: Caller, all: Neighbours, place: usize, mut stopped: watch::Receiver<bool>) {
    loop {
        let told = tokio::time::timeout(PATIENCE, caller.call()).await;
        all.note(place, told.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer in time"))));
        if tokio::time::timeout(EVERY, stopped.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}

impl Caller {
    fn new(url: &str, ca: &Path, token_file: &Path) -> Result<Self> {
        let uri: Uri = url.parse().context("url is no address")?;
        ensure!(uri.scheme_str() == Some("https"), "url: use https://HOST:PORT");
        let host = uri.host().context("url names no host")?.trim_matches(['[', ']']).to_owned();
        Ok(Self {
            port: uri.port_u16().unwrap_or(443),
            host,
            tls: connector(Some(ca))?,
            token: crate::store::read_secret(token_file)?,
        })
    }

    async fn call(&self) -> Result<Roll> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let stream = self.tls.connect(ServerName::try_from(self.host.clone())?, stream).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let request = Request::get(PATH)
            .header(header::HOST, format!("{}:{}", self.host, self.port))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.as_str()))
            .body(Empty::<Bytes>::new())?;
        let told = async {
            let answer = sender.send_request(request).await?;
            let status = answer.status().as_u16();
            ensure!(status == 200, "answered with status {status}; is the token still good?");
            let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!("the answer broke off: {error}"))?;
            serde_json::from_slice(&body.to_bytes()).context("the answer is no list")
        };
        let told = told.await;
        connection.abort();
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_that_falls_silent_keeps_what_it_last_told() {
        let all = Neighbours::default();
        all.lock().push(Neighbour { name: "east".into(), roll: None, cause: None });
        all.note(0, Err(anyhow::anyhow!("refused")));
        assert!(all.now()[0].roll.is_none() && all.now()[0].cause.is_some());
        all.note(0, Ok(Roll { unnamed: 3, ..Roll::default() }));
        all.note(0, Err(anyhow::anyhow!("refused")));
        let east = &all.now()[0];
        assert_eq!(east.roll.as_ref().map(|roll| roll.unnamed), Some(3));
        assert_eq!(east.cause.as_deref(), Some("refused"));
        all.note(7, Ok(Roll::default()));
    }

    #[test]
    fn only_encrypted_addresses_are_asked() {
        for url in ["http://10.0.0.7:8443", "10.0.0.7", "https://"] {
            let made = Caller::new(url, Path::new("/none"), Path::new("/none"));
            assert!(made.is_err(), "{url}");
        }
    }
}
