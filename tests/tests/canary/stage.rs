//! A box with everything that data could leave by: a policy in force, a region, a page, a serial
//! line, listeners of both kinds, and a log that says all it can.

use crate::json::PEOPLE;
use anyhow::{Context as _, Result, ensure};
use muster_tests::binary::{Build, gateway};
use muster_tests::gateway::Gateway;
use muster_tests::office::{self, DESTINATION, REGION};
use muster_tests::site::{Layout, Site};
use muster_tests::tap::Tap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a start may take here, with a log at its loudest.
const START: Duration = Duration::from_secs(20);
/// How long everything that may leave may take to do so.
const DRAIN: Duration = Duration::from_secs(60);
/// How long a stop may take.
const STOP: Duration = Duration::from_secs(10);

/// A box and what stands around it, all in one folder.
pub(crate) struct Stage {
    pub(crate) site: Site,
    pub(crate) region: Tap,
    /// The first administrator's one-time code.
    pub(crate) code: String,
    folder: PathBuf,
}

impl Stage {
    /// Sets a box up in `folder`: people known, policy signed and in force.
    pub(crate) fn build(folder: &Path) -> Result<Self> {
        let mut layout = Layout::new(loud(folder)?, &folder.join("box"));
        office::make_keys(&mut layout, folder)?;
        let code = first_code(&layout)?;
        let (site, region) = furnish(layout, folder)?;
        office::import(&site, PEOPLE.iter().map(|number| (*number).to_owned()))?;
        office::publish(&site, folder)?;
        Ok(Self { site, region, code, folder: folder.to_owned() })
    }

    /// The same box as it stands, keys and all, in another folder with a region of its own.
    pub(crate) fn twin(&self, folder: &Path) -> Result<Self> {
        let mut layout = Layout::new(loud(folder)?, &folder.join("box"));
        layout.signers.clone_from(&self.site.layout().signers);
        copy(&self.site.layout().dir, &layout.dir)?;
        let (site, region) = furnish(layout, folder)?;
        Ok(Self { site, region, code: self.code.clone(), folder: folder.to_owned() })
    }

    /// Where an M1 is plugged in.
    pub(crate) fn line(&self) -> PathBuf {
        self.folder.join("line")
    }

    /// Pairs an M1 and gives the folder of its credentials, outside the box.
    pub(crate) fn pair(&self, name: &str) -> Result<PathBuf> {
        self.site.pair("m1", name, &self.folder)
    }

    /// Starts the gateway and waits until it takes punches.
    pub(crate) fn start(&self) -> Result<Gateway> {
        let mut gateway = self.site.start()?;
        gateway.ready(START)?;
        Ok(gateway)
    }

    /// Waits until nothing is on its way to the region any more; how many it took.
    pub(crate) fn drain(&self) -> Result<usize> {
        let asked = Instant::now();
        loop {
            let rows = self.site.json(&["records", "--format", "json"])?;
            let rows = rows.as_array().context("records are no list")?;
            let count = |state: &str| rows.iter().filter(|row| row["state"] == state).count();
            if count("queued") == 0 {
                return Ok(count("settled"));
            }
            ensure!(asked.elapsed() < DRAIN, "{} records are still queued", count("queued"));
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Ends the gateway by SIGTERM.
    pub(crate) fn stop(gateway: Gateway) -> Result<()> {
        let status = gateway.terminate(STOP)?;
        ensure!(status.success(), "SIGTERM ended it with {status}");
        Ok(())
    }
}

/// The gateway's program, made to log everything.
fn loud(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let program = folder.join("muster-loud");
    let real = gateway(Build::Real)?;
    let text = format!("#!/bin/sh\nRUST_LOG=trace exec '{}' \"$@\"\n", real.display());
    fs::write(&program, text)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    Ok(program)
}

/// `muster init`, for the code that it prints once.
fn first_code(layout: &Layout) -> Result<String> {
    let mut command = Command::new(&layout.binary);
    command.args(["init", "--yes", "--dir"]).arg(&layout.dir);
    command.args(["--site", Site::NAME, "--jurisdiction", "HK", "--time-zone", "Asia/Hong_Kong"]);
    command.args(layout.signers.iter().flat_map(|s| [OsStr::new("--signer"), OsStr::new(s)]));
    let output = command.output()?;
    ensure!(output.status.success(), "{command:?}: {output:?}");
    let text = String::from_utf8(output.stdout)?;
    let code = text.split("one-time code ").nth(1).and_then(|rest| rest.split(' ').next());
    Ok(code.context("init prints no one-time code")?.trim().to_owned())
}

/// A region, and the box's configuration with everything on.
fn furnish(mut layout: Layout, folder: &Path) -> Result<(Site, Tap)> {
    let region = Tap::start(REGION, folder)?;
    layout.more = region.section(DESTINATION);
    layout.serial = vec![folder.join("line")];
    (layout.tls, layout.page) = (true, true);
    Ok((Site::init(layout)?, region))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let (entry, kind) = entry.and_then(|e| e.file_type().map(|kind| (e, kind)))?;
        let to = to.join(entry.file_name());
        if kind.is_dir() {
            copy(&entry.path(), &to)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
