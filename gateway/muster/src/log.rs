//! Logs: fields in the journal where systemd keeps one of standard error, else lines there. Level by
//! `RUST_LOG` (default `info`). Nothing personal above debug.
//!
//! In the journal every field of an event and of the spans around it is a field named `MUSTER_…`, as
//! `MUSTER_DEVICE` and `MUSTER_DESTINATION`: `journalctl -u muster MUSTER_DEVICE=gate-07`.

use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Before the names of fields in the journal.
const PREFIX: &str = "MUSTER";

/// Starts logging; a second call does nothing.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let stream = std::env::var("JOURNAL_STREAM").ok();
    let journal = stream.filter(|stream| is(stream, io::stderr())).and_then(|_| {
        let layer = tracing_journald::layer().ok()?;
        Some(layer.with_field_prefix(Some(PREFIX.into())).with_syslog_identifier("muster".into()))
    });
    let _ = match journal {
        Some(journal) => tracing_subscriber::registry().with(filter).with(journal).try_init(),
        None => tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal())
            .finish()
            .try_init(),
    };
}

/// Whether a stream is the one that `JOURNAL_STREAM` names, as device and inode (systemd.exec(5)):
/// whoever started this may have led it elsewhere since.
fn is(named: &str, stream: impl AsFd) -> bool {
    let named = named
        .split_once(':')
        .and_then(|(dev, ino)| Some((dev.parse::<u64>().ok()?, ino.parse::<u64>().ok()?)));
    let found = rustix::fs::fstat(stream).ok().map(|stat| (stat.st_dev, stat.st_ino));
    named.is_some() && named == found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn the_journal_is_known_by_device_and_inode() {
        let file = tempfile::tempfile().unwrap();
        let meta = file.metadata().unwrap();
        let right = format!("{}:{}", meta.dev(), meta.ino());
        assert!(is(&right, &file));
        for wrong in ["", ":", "1", "x:y", &format!("{}:{}", meta.dev(), meta.ino() + 1)] {
            assert!(!is(wrong, &file), "{wrong}");
        }
    }
}
