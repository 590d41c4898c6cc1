//! Logs: fields in the journal where systemd keeps one of standard error, else lines there. Level by
//! `RUST_LOG` (default `info`). Nothing personal above debug.
//!
//! In the journal every field of an event and of the spans around it is a field named `MUSTER_…`, as
//! `MUSTER_DEVICE` and `MUSTER_DESTINATION`: `journalctl -u muster MUSTER_DEVICE=gate-07`.

use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Before the names of fields in the journal.
const PREFIX: &str = "MUSTER";

/// Starts logging; a second call does nothing.
pub(crate) fn start() {
    let filter = filter(std::env::var("RUST_LOG").ok());
    let stream = std::env::var("JOURNAL_STREAM").ok();
    let journal = stream.filter(|stream| is(stream, io::stderr())).and_then(|_| {
        let layer = tracing_journald::layer().ok()?;
        Some(layer.with_field_prefix(Some(PREFIX.into())).with_syslog_identifier("muster".into()))
    });
    let to = tracing_subscriber::registry().with(filter);
    let _ = match journal {
        Some(journal) => to.with(journal).try_init(),
        None => {
            let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
            to.with(lines.with_ansi(io::stderr().is_terminal())).try_init()
        }
    };
}

/// What `RUST_LOG` asks for: a level, or levels by module as `info,muster_intake=debug`.
fn filter(asked: Option<String>) -> Targets {
    let asked = asked.filter(|asked| !asked.trim().is_empty());
    let asked = asked.and_then(|asked| asked.parse().ok());
    asked.unwrap_or_else(|| Targets::new().with_default(Level::INFO))
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
    fn levels_are_asked_for_by_module() {
        for (asked, info, debug_of_intake) in [
            (None, true, false),
            (Some(""), true, false),
            (Some("muster=loud"), true, false),
            (Some("warn"), false, false),
            (Some("trace"), true, true),
            (Some("info,muster_intake=debug"), true, true),
        ] {
            let filter = filter(asked.map(str::to_owned));
            assert_eq!(filter.would_enable("muster", &Level::INFO), info, "{asked:?}");
            let seen = filter.would_enable("muster_intake::serial", &Level::DEBUG);
            assert_eq!(seen, debug_of_intake, "{asked:?}");
        }
    }

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
