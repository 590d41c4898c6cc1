//! One line from a terminal, one line back.

use super::{PairingError, Pairings, WRONG, count};
use crate::limits::CONNECT_TIMEOUT;
use muster_ledger::DeviceKind;
use muster_proto::pairing::MAX_LINE;
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use std::io;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::time::timeout;
use zeroize::{Zeroize as _, Zeroizing};

/// What a terminal asks.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    kind: Option<DeviceKind>,
    request: String,
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.code.zeroize();
    }
}

/// What a terminal gets, once.
#[derive(Serialize)]
pub(super) struct Paired<'a> {
    pub(super) name: &'a str,
    pub(super) ca: &'a str,
    pub(super) certificate: &'a str,
    pub(super) secret: &'a str,
}

#[derive(Serialize)]
struct Renewed {
    certificate: Option<String>,
}

#[derive(Serialize)]
struct Refused {
    refused: String,
}

impl Paired<'_> {
    /// As a line.
    pub(super) fn line(&self) -> Zeroizing<String> {
        line(self)
    }
}

fn line(what: &impl Serialize) -> Zeroizing<String> {
    // Texts and nothing else: they have a form in JSON.
    let mut line = Zeroizing::new(serde_json::to_string(what).unwrap_or_default());
    line.push('\n');
    line
}

impl Pairings {
    /// Hears and answers one terminal; `shown` is the certificate that it has already.
    pub(crate) async fn answer(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        shown: Option<CertificateDer<'static>>,
    ) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut asked = Zeroizing::new(String::new());
        let mut bounded = (&mut stream).take(MAX_LINE as u64);
        timeout(CONNECT_TIMEOUT, bounded.read_line(&mut asked)).await??;
        // Whoever only listens holds no place.
        let place = self.shared.answers.acquire().await;
        let answered = self.answered(&asked, shown.as_ref()).await;
        if matches!(answered, Err(PairingError::Code)) {
            self.note_wrong();
            tokio::time::sleep(WRONG).await;
        }
        drop(place);
        let answer = answered.unwrap_or_else(|error| {
            tracing::warn!(%error, "a pairing is refused");
            line(&Refused { refused: error.to_string() })
        });
        let said = async {
            stream.write_all(answer.as_bytes()).await?;
            stream.shutdown().await
        };
        timeout(CONNECT_TIMEOUT, said).await?
    }

    async fn answered(
        &self,
        asked: &str,
        shown: Option<&CertificateDer<'static>>,
    ) -> Result<Zeroizing<String>, PairingError> {
        let asked: Asked = serde_json::from_str(asked).map_err(|_| PairingError::Strange)?;
        let answered = match (&asked.code, asked.kind, shown) {
            (Some(code), Some(kind), _) => self.redeem(code, kind, &asked.request).await,
            (None, _, Some(shown)) => {
                let renewed = self.renew(shown, &asked.request).await;
                renewed.map(|certificate| line(&Renewed { certificate }))
            }
            _ => Err(PairingError::Strange),
        };
        let result = match (&answered, &asked.code) {
            (Ok(_), Some(_)) => "paired",
            (Ok(_), None) => "renewal",
            (Err(PairingError::Code), _) => "wrong-code",
            (Err(_), _) => "refused",
        };
        count(result, 1);
        answered
    }
}
