//! What the programs have in common: a log on standard error, one argument, exit codes.

use crate::config::ConfigError;
use std::ffi::OsString;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Of sysexits: called wrongly or with a configuration that cannot be used.
const CONFIG: u8 = 78;
/// Of sysexits: something that is needed is not there.
const UNAVAILABLE: u8 = 69;

/// Runs the program `name`: called as `name --config FILE`, it reads that file and goes on until
/// it ends. An error is logged, and is the exit code: 78 for the configuration, 69 for the rest.
pub fn start<C, E: Display>(
    name: &str,
    read: impl FnOnce(&Path) -> Result<C, ConfigError>,
    run: impl FnOnce(C) -> Result<(), E>,
) -> ExitCode {
    log_to_stderr();
    let Some(path) = config_file(std::env::args_os().skip(1)) else {
        return end(&format_args!("call it as: {name} --config FILE"), CONFIG);
    };
    match read(&path) {
        Err(error) => end(&error, CONFIG),
        Ok(config) => match run(config) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => end(&error, UNAVAILABLE),
        },
    }
}

/// Logs to standard error, at the level that `RUST_LOG` says.
pub fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

fn end(error: &impl Display, code: u8) -> ExitCode {
    tracing::error!("{error:#}");
    ExitCode::from(code)
}

fn config_file(mut arguments: impl Iterator<Item = OsString>) -> Option<PathBuf> {
    match (arguments.next(), arguments.next(), arguments.next()) {
        (Some(flag), Some(path), None) if flag == "--config" => Some(path.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_argument_and_no_other() {
        let check = |arguments: &[&str], expect: Option<&str>| {
            let found = config_file(arguments.iter().map(OsString::from));
            assert_eq!(found, expect.map(PathBuf::from), "{arguments:?}");
        };
        check(&["--config", "x.toml"], Some("x.toml"));
        check(&["--config"], None);
        check(&["x.toml"], None);
        check(&["--config", "x.toml", "more"], None);
        check(&[], None);
    }
}
