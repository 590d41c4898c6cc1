//! The running gateway's side of the control socket.

use super::{Facts, Line, MAX_REQUEST, ROWS_UNDER_WAY, Refused, Request, execute};
use crate::exit;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;
use tracing::Instrument as _;

/// Commands at once.
const MAX_CONNECTIONS: usize = 16;
/// A request must be here within this.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// A reader that takes no row for this long is left.
const STALLED: Duration = Duration::from_secs(60);

/// Serves until `shutdown` turns true; the socket goes with it.
pub(crate) fn serve(
    path: &Path,
    facts: Facts,
    mut shutdown: watch::Receiver<bool>,
) -> io::Result<()> {
    // The ledger's lock is held, so whoever left this socket is gone.
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    let path = path.to_owned();
    tokio::spawn(async move {
        tokio::select! {
            () = accept(listener, facts) => {}
            _ = shutdown.wait_for(|stop| *stop) => {}
        }
        let _ = std::fs::remove_file(path);
    });
    Ok(())
}

async fn accept(listener: UnixListener, facts: Facts) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let facts = facts.clone();
        tokio::spawn(async move {
            let _ = converse(stream, facts).await;
            drop(place);
        });
    }
}

async fn converse(stream: UnixStream, facts: Facts) -> io::Result<()> {
    let asker = stream.peer_cred()?.uid();
    let facts = Facts { actor: execute::actor(asker), ..facts };
    let (read, mut write) = stream.into_split();
    let mut text = String::new();
    let mut read = BufReader::new(read.take(MAX_REQUEST as u64));
    match timeout(REQUEST_TIME, read.read_line(&mut text)).await {
        Ok(read) => read?,
        Err(_) => return Ok(()),
    };
    let (rows, mut waiting) = mpsc::channel(ROWS_UNDER_WAY);
    let span = tracing::info_span!("command", by = facts.actor);
    let answered = async move {
        match serde_json::from_str::<Request>(&text) {
            Ok(request) => execute::execute(&facts, request, rows).await,
            Err(_) => Err(Refused::new(
                exit::UNAVAILABLE,
                "the running gateway does not know this command; restart it with this version",
            )),
        }
    };
    let task = tokio::spawn(answered.instrument(span));
    while let Some(row) = waiting.recv().await {
        send(&mut write, &Line::Row(row)).await?;
    }
    let last = match task.await {
        Ok(Ok(result)) => Line::Result(result),
        Ok(Err(refused)) => Line::Error(refused),
        Err(_) => Line::Error(Refused::new(exit::SOFTWARE, "the command failed in the gateway")),
    };
    send(&mut write, &last).await
}

async fn send(write: &mut (impl tokio::io::AsyncWrite + Unpin), line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    timeout(STALLED, write.write_all(&text)).await.map_err(|_| io::ErrorKind::TimedOut)?
}
