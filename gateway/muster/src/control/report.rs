//! Reports over the control socket: documents as one text, long files as rows.

use super::execute::{Facts, Result, data, unavailable};
use crate::desk::{Days, Desk};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::Date;
use muster_report::{Kind, Words};
use muster_residency::explain::Language;
use muster_residency::vocab::Law;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;

/// Bytes of a file in one row.
const CHUNK: usize = 48 << 10;

/// How a document is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    Json,
    Csv,
    Svg,
    Html,
}

/// What is asked for.
#[derive(Serialize, Deserialize)]
pub(crate) struct ReportAsked {
    pub(crate) kind: String,
    pub(crate) form: Form,
    pub(crate) from: Option<Date>,
    pub(crate) to: Option<Date>,
    pub(crate) language: String,
    pub(crate) known_at: Option<Timestamp>,
    /// One law's side of the transfers instead of a document.
    pub(crate) law: Option<String>,
}

/// One report, or one law's side in rows of lines.
pub(super) async fn report(
    facts: &Facts,
    asked: ReportAsked,
    rows: Sender<Value>,
) -> Result<Value> {
    let desk = Desk::new(facts.ledger.clone(), facts.config.clone());
    let days = desk.days(asked.from, asked.to).map_err(data)?;
    if let Some(code) = &asked.law {
        let law = Law::from_code(code).ok_or_else(|| data("--law wants a code such as MO"))?;
        let text = blocking(move || desk.side(law, days)).await?;
        return send(text.as_bytes(), rows).await;
    }
    let kind = Kind::from_word(&asked.kind).ok_or_else(|| data("there is no such report"))?;
    let words = Words::of(Language::from_tag(&asked.language));
    let document = blocking(move || desk.document(kind, days, asked.known_at, words)).await?;
    let text = match asked.form {
        Form::Json => document.json(),
        Form::Csv => document.csv(),
        Form::Html => document.html(words),
        Form::Svg => {
            let svg = document.svg().map(str::to_owned);
            svg.ok_or_else(|| data("this report has no picture; use json, csv or html"))?
        }
    };
    send(text.as_bytes(), rows).await
}

/// An audit pack in rows, with its signature as the result. That it was made is journaled.
pub(super) async fn pack(
    facts: &Facts,
    from: Option<Date>,
    to: Option<Date>,
    language: &str,
    rows: Sender<Value>,
) -> Result<Value> {
    let desk = Desk::new(facts.ledger.clone(), facts.config.clone());
    let days: Days = desk.days(from, to).map_err(data)?;
    let words = Words::of(Language::from_tag(language));
    let made = blocking(move || desk.pack(days, words)).await?;
    facts.ledger.note("-", "audit-pack-made").await.map_err(unavailable)?;
    send(&made.tar, rows).await?;
    Ok(json!({ "signature": made.signature, "public_key": made.public_key }))
}

/// The key that reports are signed with.
pub(super) async fn key(facts: &Facts) -> Result<Value> {
    let desk = Desk::new(facts.ledger.clone(), facts.config.clone());
    Ok(json!({ "public_key": blocking(move || desk.public_key()).await? }))
}

/// Sends bytes as base64, a piece a row. A reader that went away wants no more.
async fn send(bytes: &[u8], rows: Sender<Value>) -> Result<Value> {
    for piece in bytes.chunks(CHUNK) {
        if rows.send(STANDARD.encode(piece).into()).await.is_err() {
            break;
        }
    }
    Ok(json!({ "bytes": bytes.len() }))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.map_err(unavailable)?;
    done.map_err(|error| unavailable(format!("{error:#}")))
}
