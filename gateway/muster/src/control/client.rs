//! The command line's side: ask the running gateway, or do it here.

use super::{Facts, Line, ROWS_UNDER_WAY, Refused, Request, execute};
use crate::config::Config;
use crate::exit::{self, Failure, OrExit as _};
use crate::store;
use serde_json::Value;
use std::io;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

/// Rows and result of a request.
pub(crate) struct Answer {
    pub(crate) rows: Vec<Value>,
    pub(crate) result: Value,
}

/// Asks and gathers: for requests whose rows are few.
pub(crate) async fn call(config: &Config, request: Request) -> Result<Answer, Failure> {
    let mut rows = Vec::new();
    let result = call_streaming(config, request, |row| {
        rows.push(row);
        Ok(())
    })
    .await?;
    Ok(Answer { rows, result })
}

/// Asks and hands over each row as it comes.
pub(crate) async fn call_streaming(
    config: &Config,
    request: Request,
    row: impl FnMut(Value) -> io::Result<()>,
) -> Result<Value, Failure> {
    match UnixStream::connect(config.socket()).await {
        Ok(stream) => remote(stream, &request, row).await,
        Err(_) => here(config, request, row).await,
    }
}

async fn remote(
    mut stream: UnixStream,
    request: &Request,
    mut row: impl FnMut(Value) -> io::Result<()>,
) -> Result<Value, Failure> {
    let mut text = serde_json::to_vec(request)?;
    text.push(b'\n');
    stream.write_all(&text).await.or_exit(exit::UNAVAILABLE)?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await.or_exit(exit::UNAVAILABLE)? {
        match serde_json::from_str(&line).or_exit(exit::UNAVAILABLE)? {
            Line::Row(value) => row(value)?,
            Line::Result(value) => return Ok(value),
            Line::Error(refused) => return Err(Failure::new(refused.code, refused)),
        }
    }
    let gone =
        anyhow::anyhow!("the gateway stopped in mid-answer; look at its log, then try again");
    Err(Failure::new(exit::UNAVAILABLE, gone))
}

async fn here(
    config: &Config,
    request: Request,
    mut row: impl FnMut(Value) -> io::Result<()>,
) -> Result<Value, Failure> {
    let (ledger, _) = store::open(config).or_exit(exit::UNAVAILABLE)?;
    let facts = Facts::offline(config.clone(), ledger.clone());
    let (rows, mut waiting) = mpsc::channel(ROWS_UNDER_WAY);
    let task = tokio::spawn(async move { execute(&facts, request, rows).await });
    while let Some(value) = waiting.recv().await {
        row(value)?;
    }
    let result: Result<Value, Refused> = task.await?;
    ledger.close().await;
    result.map_err(|refused| Failure::new(refused.code, refused))
}
