//! A face terminal as its program is: configured in a folder, paired by a link on its standard
//! input, and run until it is dropped. Its engine replays one capture.

use crate::binary::firmware;
use anyhow::{Context as _, Result};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A terminal's program, killed when dropped.
#[derive(Debug)]
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The configuration of an M2 in `folder` that knows neither its name nor the box; before its
/// engine stands somebody of this number, once, and they look at it.
pub fn configure(folder: &Path, person: &str) -> Result<PathBuf> {
    fs::create_dir_all(folder.join("captures"))?;
    let capture = format!(
        "[[capture]]\nafter_ms = 50\nperson = \"{person}\"\nliveness = \"live\"\nscore = 9800\n"
    );
    fs::write(folder.join("captures/captures.toml"), capture)?;
    let engine = firmware("muster-m2", "muster-m2-replay")?;
    let text = format!(
        "data = \"data\"\n[box]\ncredentials = \"credentials\"\n[engine]\n\
         program = \"{}\"\narguments = [\"--captures\", \"{}\"]\n",
        engine.display(),
        folder.join("captures").display()
    );
    fs::write(folder.join("m2.toml"), text)?;
    Ok(folder.join("m2.toml"))
}

/// `program --config FILE --pair` with the link on its standard input.
pub fn pair(program: &str, config: &Path, link: &str) -> Result<Output> {
    let mut command = Command::new(firmware(program, program)?);
    command.arg("--config").arg(config).arg("--pair").stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().context("no input")?.write_all(link.as_bytes())?;
    Ok(child.wait_with_output()?)
}

/// Starts a terminal's program; what it says goes beside its configuration.
pub fn run(program: &str, config: &Path) -> Result<Running> {
    let log = fs::File::create(config.with_extension("log"))?;
    let mut command = Command::new(firmware(program, program)?);
    let command = command.arg("--config").arg(config).env("RUST_LOG", "debug");
    Ok(Running(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?))
}
