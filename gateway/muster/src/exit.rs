//! Exit codes, from sysexits.h, and how an error is told: what, why, what to do, on stderr.

use std::process::ExitCode;

/// The command was used wrongly (clap's own errors use 2).
pub(crate) const USAGE: u8 = 64;
/// An input file is not what it should be.
pub(crate) const DATA: u8 = 65;
/// Something needed is not there or does not answer.
pub(crate) const UNAVAILABLE: u8 = 69;
/// Who asks may not.
pub(crate) const NO_PERMISSION: u8 = 77;
/// The configuration cannot be used.
pub(crate) const CONFIG: u8 = 78;
/// Nobody reads the output any more: as a shell tells a death by SIGPIPE.
const CLOSED_PIPE: u8 = 128 + 13;
/// Anything else that failed.
pub(crate) const SOFTWARE: u8 = 70;

/// An error with the exit code it ends the process with.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    error: anyhow::Error,
}

/// The outcome of a command: its exit code, or a failure.
pub(crate) type Outcome = Result<ExitCode, Failure>;

impl Failure {
    pub(crate) fn new(code: u8, error: impl Into<anyhow::Error>) -> Self {
        Self { code, error: error.into() }
    }

    /// Names the file that it is about.
    pub(crate) fn of(self, file: &std::path::Path) -> Self {
        Self { error: self.error.context(file.display().to_string()), ..self }
    }

    /// Tells it on standard error, in the language of the terminal, and gives the exit code. Whoever
    /// closed the pipe has read what they wanted, as with `head`: that is no failure to tell.
    pub(crate) fn report(self) -> ExitCode {
        if self.error.chain().any(is_closed_pipe) {
            return ExitCode::from(CLOSED_PIPE);
        }
        let told = crate::sentence::here(&once(&self.error));
        let visible = told.chars().map(|c| if c == '\n' { c } else { visible(c) });
        eprintln!("muster: {}", visible.collect::<String>());
        ExitCode::from(self.code)
    }
}

/// Whether an error says that nobody reads standard output any more.
fn is_closed_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let io = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    let json = error.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
    io.or(json) == Some(std::io::ErrorKind::BrokenPipe)
}

/// An error with its causes, but those that the error before them has told already.
fn once(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if told.is_empty() {
            told = cause;
        } else if !told.ends_with(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(SOFTWARE, error)
    }
}

/// The character, or a mark where it would steer the terminal: control characters, and those that
/// turn the direction of what follows.
pub(crate) fn visible(c: char) -> char {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || turns { '\u{fffd}' } else { c }
}

/// Gives an error its exit code.
pub(crate) trait OrExit<T> {
    /// Ends with `code` where this is an error.
    fn or_exit(self, code: u8) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, code: u8) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(code, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_known_however_it_is_wrapped() {
        let closed = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        let json = serde_json::to_writer(Closed, &1).unwrap_err();
        for error in [closed().into(), anyhow::Error::new(closed()).context("x"), json.into()] {
            assert!(error.chain().any(is_closed_pipe), "{error:?}");
        }
        assert!(!anyhow::anyhow!("Broken pipe").chain().any(is_closed_pipe));
    }

    struct Closed;

    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_cause_is_told_once() {
        let check = |error: anyhow::Error, expect: &str| assert_eq!(once(&error), expect);
        check(anyhow::anyhow!("no room"), "no room");
        check(anyhow::anyhow!("no room").context("a.toml"), "a.toml: no room");
        check(anyhow::anyhow!("no room").context("a.toml: no room"), "a.toml: no room");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        for c in ['\0', '\u{1b}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200f}'] {
            assert_eq!(visible(c), '\u{fffd}', "{c:?}");
        }
        for c in ['a', ' ', '澳', '\u{301}', '—'] {
            assert_eq!(visible(c), c);
        }
    }
}
