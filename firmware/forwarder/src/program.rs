//! What the programs have in common: a log on standard error, their arguments, exit codes.

use crate::config::ConfigError;
use crate::pair;
use muster_proto::pairing::MAX_LINE;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use zeroize::Zeroizing;

/// Of sysexits: called wrongly or with a configuration that cannot be used.
const CONFIG: u8 = 78;
/// Of sysexits: something that is needed is not there.
const UNAVAILABLE: u8 = 69;

/// What a program is.
pub struct Program<C> {
    /// Its name.
    pub name: &'static str,
    /// What it is paired as: `m2` or `c1`.
    pub kind: &'static str,
    /// Reads the configuration and the credentials that it names.
    pub read: fn(&Path) -> Result<C, ConfigError>,
    /// Of the configuration, where the credentials are to be.
    pub credentials: fn(&Path) -> Result<PathBuf, ConfigError>,
}

impl<C> Program<C> {
    /// Called as `name --config FILE`, it reads that file and goes on until it ends; with `--pair`
    /// behind it, it takes the link of a pairing from standard input, pairs the device, and ends.
    /// An error is logged, and is the exit code: 78 for the configuration, 69 for the rest.
    pub fn start<E: Display>(self, run: impl FnOnce(C) -> Result<(), E>) -> ExitCode {
        log_to_stderr();
        let Some((path, pairs)) = arguments(std::env::args_os().skip(1)) else {
            return end(&format_args!("call it as: {} --config FILE [--pair]", self.name), CONFIG);
        };
        if pairs {
            return self.pair(&path);
        }
        match (self.read)(&path) {
            Err(error) => end(&error, CONFIG),
            Ok(config) => match run(config) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => end(&error, UNAVAILABLE),
            },
        }
    }

    fn pair(&self, path: &Path) -> ExitCode {
        let folder = match (self.credentials)(path) {
            Ok(folder) => folder,
            Err(error) => return end(&error, CONFIG),
        };
        let mut link = Zeroizing::new(String::new());
        if let Err(error) = io::stdin().lock().take(MAX_LINE as u64).read_line(&mut link) {
            return end(&error, UNAVAILABLE);
        }
        match pair::pair(&link, self.kind, &folder) {
            Ok(paired) => {
                let done = format!("paired as {}: start {} now", paired.name, self.name);
                // Nobody may be there to read it.
                let _ = writeln!(io::stdout().lock(), "{done}");
                ExitCode::SUCCESS
            }
            Err(error) => end(&error, UNAVAILABLE),
        }
    }
}

/// Logs to standard error, at the level that `RUST_LOG` says.
pub fn log_to_stderr() {
    let asked = std::env::var("RUST_LOG").ok().and_then(|asked| asked.parse().ok());
    let filter = asked.unwrap_or_else(|| Targets::new().with_default(Level::ERROR));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    tracing_subscriber::registry().with(filter).with(lines).init();
}

fn end(error: &impl Display, code: u8) -> ExitCode {
    tracing::error!("{error:#}");
    ExitCode::from(code)
}

/// The configuration's file, and whether to pair.
fn arguments(mut arguments: impl Iterator<Item = OsString>) -> Option<(PathBuf, bool)> {
    let (flag, path) = (arguments.next()?, arguments.next()?);
    let pairs = arguments.next();
    let fits = flag == "--config" && arguments.next().is_none();
    let pairs = match pairs {
        None => false,
        Some(flag) if flag == "--pair" => true,
        Some(_) => return None,
    };
    fits.then(|| (path.into(), pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_nothing_else_but_to_pair() {
        let check = |given: &[&str], expect: Option<(&str, bool)>| {
            let found = arguments(given.iter().map(OsString::from));
            let expect = expect.map(|(path, pairs)| (PathBuf::from(path), pairs));
            assert_eq!(found, expect, "{given:?}");
        };
        check(&["--config", "x.toml"], Some(("x.toml", false)));
        check(&["--config", "x.toml", "--pair"], Some(("x.toml", true)));
        check(&["--config"], None);
        check(&["x.toml"], None);
        check(&["--config", "x.toml", "more"], None);
        check(&["--config", "x.toml", "--pair", "more"], None);
        check(&[], None);
    }
}
