//! A box in a folder: set up with `muster init`, spoken to with muster's commands.

use crate::gateway::Gateway;
use crate::punch::now_s;
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use muster_ledger::{Clock, ClockTrust, Ledger, Options, RootKey};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// How a box is made.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The gateway's program.
    pub binary: PathBuf,
    /// Everything of the box goes here.
    pub dir: PathBuf,
    /// Standard error of the gateway goes here, appended.
    pub log: PathBuf,
    /// Serial ports.
    pub serial: Vec<PathBuf>,
    /// Listen for TLS terminals too.
    pub tls: bool,
    /// Show the page.
    pub page: bool,
    /// More of the configuration: `[[region]]` sections.
    pub more: String,
    /// Signers, each as `person:role:file`.
    pub signers: Vec<String>,
    /// What its programs have for a clock, where it is not the machine's.
    clock: Option<Behind>,
}

/// A clock that is behind; programs know nothing of that.
#[derive(Clone, Debug)]
struct Behind {
    days: u32,
    /// What the programs are started with.
    library: String,
}

impl Layout {
    /// A box in `dir` with a loopback listener and nothing else.
    pub fn new(binary: PathBuf, dir: &Path) -> Self {
        let dir = dir.to_owned();
        let log = dir.join("gateway.log");
        Self {
            binary,
            dir,
            log,
            serial: Vec::new(),
            tls: false,
            page: false,
            more: String::new(),
            signers: Vec::new(),
            clock: None,
        }
    }

    /// Sets the clock of its programs so many days behind; 0 is on time.
    pub fn set_behind(&mut self, days: u32) -> Result<()> {
        // The wrapper would be a process between, and end without it: only what it sets is wanted.
        let sets = ["-f", "-1d", "printenv", "LD_PRELOAD"];
        let told = Command::new("faketime").args(sets).output().context("faketime")?.stdout;
        let library = String::from_utf8(told)?.trim().to_owned();
        self.clock = Some(Behind { days, library }).filter(|_| days > 0);
        Ok(())
    }

    /// The gateway's program with its clock.
    pub(crate) fn program(&self) -> Command {
        let mut command = Command::new(&self.binary);
        if let Some(Behind { days, library }) = &self.clock {
            command.env("LD_PRELOAD", library).env("FAKETIME", format!("-{days}d"));
            // What measures spans goes on as it does.
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        command
    }

    /// The configuration.
    fn toml(&self) -> String {
        let mut text = format!(
            "[box]\nsite = \"{}\"\ndata = \"data\"\ntime_zone = \"Asia/Hong_Kong\"\n\
             [mqtt]\nloopback = \"127.0.0.1:0\"\n",
            Site::NAME
        );
        if self.tls {
            text += "listen = \"127.0.0.1:0\"\n";
        }
        text += "[clock]\ntrust = \"assume\"\n[metrics]\nlisten = \"127.0.0.1:0\"\n";
        if self.page {
            text += "[console]\nlisten = \"127.0.0.1:0\"\n";
        }
        text += "[policy]\nfile = \"policy.toml\"\nlaw_pack = \"lawpack.toml\"\n";
        for port in &self.serial {
            text += &format!("[[serial]]\nport = \"{}\"\nbaud = 115200\n", port.display());
        }
        text + &self.more
    }
}

/// A command that runs; killed when dropped.
#[derive(Debug)]
pub struct Begun(Child);

impl Begun {
    /// Whether it still does.
    pub fn is_running(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where the box says that it is.
const TIME_ZONE: &str = "Asia/Hong_Kong";

/// A box that was set up.
#[derive(Clone, Debug)]
pub struct Site {
    layout: Layout,
}

impl Site {
    /// Its name, as policies write it.
    pub const NAME: &str = "hk-test";

    /// Sets a box up: `muster init`, then the configuration of `layout`.
    pub fn init(layout: Layout) -> Result<Self> {
        let site = Self { layout };
        let dir = &site.layout.dir;
        std::fs::create_dir_all(dir)?;
        let mut args: Vec<&OsStr> = vec!["init".as_ref(), "--yes".as_ref(), "--dir".as_ref()];
        args.push(dir.as_ref());
        for (key, value) in
            [("--site", Self::NAME), ("--jurisdiction", "HK"), ("--time-zone", TIME_ZONE)]
        {
            args.extend([OsStr::new(key), OsStr::new(value)]);
        }
        for signer in &site.layout.signers {
            args.extend([OsStr::new("--signer"), OsStr::new(signer)]);
        }
        site.ok(site.command(args))?;
        Self::set_up(site.layout)
    }

    /// A box that `muster init` made already, with the configuration of `layout`.
    pub fn set_up(layout: Layout) -> Result<Self> {
        let site = Self { layout };
        std::fs::write(site.config(), site.layout.toml())?;
        Ok(site)
    }

    /// The ledger of a box whose gateway does not run, its clock `behind_s` seconds behind.
    pub fn ledger(&self, behind_s: i64) -> Result<Ledger> {
        let key = std::fs::read(self.data().join("keys/root.key"))?;
        let key = <[u8; 32]>::try_from(key).map_err(|_| anyhow!("the root key is odd"))?;
        let (ledger, _) = Ledger::open(Options {
            data: self.data(),
            site: Self::NAME.to_owned(),
            time_zone: TIME_ZONE.to_owned(),
            root_key: RootKey::new(key),
            clock: Clock::new(move || ((now_s() - behind_s) * 1_000, ClockTrust::Trusted)),
            views_cache_bytes: 1 << 20,
        })?;
        Ok(ledger)
    }

    /// How it was made.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Its configuration file.
    pub fn config(&self) -> PathBuf {
        self.layout.dir.join("gateway.toml")
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.layout.dir.join("data")
    }

    /// The same box served by another program.
    pub fn with_binary(mut self, binary: PathBuf) -> Self {
        self.layout.binary = binary;
        self
    }

    /// The same box with its clock so many days behind; 0 is on time.
    pub fn behind(&self, days: u32) -> Result<Self> {
        let mut site = self.clone();
        site.layout.set_behind(days)?;
        Ok(site)
    }

    /// Starts the gateway; see [`Gateway::ready`].
    pub fn start(&self) -> Result<Gateway> {
        Gateway::spawn(self)
    }

    /// Runs `muster ARGS --config …` and gives what it printed; an error where it failed.
    pub fn muster(&self, args: &[&str]) -> Result<String> {
        let output = self.output(args)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("muster {}: {}\n{said}{text}", args.join(" "), output.status);
        }
        Ok(text)
    }

    /// The same with `input` on its standard input.
    pub fn muster_fed(&self, args: &[&str], input: &[u8]) -> Result<String> {
        let mut command = self.command(args.iter().map(OsStr::new));
        command.arg("--config").arg(self.config()).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        child.stdin.take().context("no input")?.write_all(input)?;
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "muster {}: {said}", args.join(" "));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs `muster ARGS`, a command that needs no box.
    pub fn away(&self, args: &[&str]) -> Result<()> {
        self.ok(self.command(args.iter().map(OsStr::new)))
    }

    /// Runs `muster ARGS --config …`.
    pub fn output(&self, args: &[&str]) -> Result<Output> {
        let mut command = self.command(args.iter().map(OsStr::new));
        Ok(command.arg("--config").arg(self.config()).output()?)
    }

    /// The same, without waiting for it.
    pub fn begin(&self, args: &[&str]) -> Result<Begun> {
        let mut command = self.command(args.iter().map(OsStr::new));
        command.arg("--config").arg(self.config()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Begun(command.spawn()?))
    }

    /// What a command with `--json` says.
    pub fn json(&self, args: &[&str]) -> Result<Value> {
        let text = self.muster(args)?;
        serde_json::from_str(&text)
            .with_context(|| format!("muster {} is not JSON", args.join(" ")))
    }

    /// Runs a command that prints a line per thing, and gives the lines one by one: an export can
    /// be larger than memory should be.
    pub fn lines(&self, args: &[&str], mut take: impl FnMut(&str) -> Result<()>) -> Result<()> {
        let mut command = self.command(args.iter().map(OsStr::new));
        command.arg("--config").arg(self.config()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let out = child.stdout.take().context("no output")?;
        let taken = BufReader::new(out).lines().try_for_each(|line| take(&line?));
        if taken.is_err() {
            child.kill()?;
        }
        let status = child.wait()?;
        taken?;
        if !status.success() {
            bail!("muster {}: {status}", args.join(" "));
        }
        Ok(())
    }

    /// Pairs a device and gives the folder of its credentials, outside the box.
    pub fn pair(&self, kind: &str, name: &str, out: &Path) -> Result<PathBuf> {
        let folder = out.join(name);
        let at = folder.to_str().context("a folder's name is not text")?;
        self.muster(&["device", "pair", "--kind", kind, "--name", name, "--out", at])?;
        Ok(folder)
    }

    fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = self.layout.program();
        command.args(args).stdin(Stdio::null()).env("RUST_LOG", "warn");
        command
    }

    fn ok(&self, mut command: Command) -> Result<()> {
        let output = command.output().context("cannot run the gateway's program")?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            bail!("{command:?}: {}\n{said}", output.status);
        }
        Ok(())
    }
}
