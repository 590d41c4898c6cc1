//! An engine that recognises nobody: it replays captures from files. A vendor's engine goes here.
#![forbid(unsafe_code)]

use anyhow::{Result, bail};
use muster_m2::engine::serve::serve;
use muster_m2::replay::Replay;
use std::path::PathBuf;
use std::process::ExitCode;

/// `EX_USAGE` and `EX_DATAERR` of sysexits.
const USAGE: u8 = 64;
const DATA: u8 = 65;

fn main() -> ExitCode {
    muster_forwarder::program::log_to_stderr();
    let (captures, socket) = match arguments() {
        Ok(found) => found,
        Err(error) => {
            tracing::error!("{error:#}");
            return ExitCode::from(USAGE);
        }
    };
    let served =
        Replay::open(&captures).and_then(|mut replay| serve("replay", &mut replay, &socket));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::from(DATA)
        }
    }
}

fn arguments() -> Result<(PathBuf, PathBuf)> {
    let given: Vec<_> = std::env::args_os().skip(1).collect();
    match given.as_slice() {
        [one, captures, two, socket] if one == "--captures" && two == "--socket" => {
            Ok((captures.into(), socket.into()))
        }
        _ => bail!("call it as: muster-m2-replay --captures FOLDER --socket PATH"),
    }
}
