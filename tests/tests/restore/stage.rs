//! A box with one terminal that keeps all it ever sent, as an M1 on its card does.

use anyhow::{Context as _, Result, ensure};
use muster_tests::binary::{Build, gateway};
use muster_tests::device::{After, Device, Habits, Way};
use muster_tests::gateway::Gateway;
use muster_tests::ledgerbook::Claim;
use muster_tests::site::{Layout, Site};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

pub(crate) const START: Duration = Duration::from_secs(10);
pub(crate) const SEED: u64 = 11;
const TERMINAL: &str = "gate-1";

pub(crate) struct Stage {
    pub(crate) site: Site,
    pub(crate) folder: tempfile::TempDir,
    way: Way,
}

impl Stage {
    pub(crate) fn new(change: impl Fn(&mut Layout, &Path) -> Result<()>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut layout = Layout::new(gateway(Build::Real)?, &folder.path().join("box"));
        change(&mut layout, folder.path())?;
        let site = Site::init(layout)?;
        Ok(Self { site, folder, way: Way::default() })
    }

    pub(crate) fn start(&self) -> Result<Gateway> {
        let mut gateway = self.site.start()?;
        gateway.ready(START)?;
        self.way.set(Some(gateway.loopback()?));
        Ok(gateway)
    }

    /// The terminal; each one started has all punches of the ones before and sends them again.
    pub(crate) fn terminal(&self) -> Device {
        let habits = Habits {
            name: TERMINAL.to_owned(),
            seed: SEED,
            window: 8,
            after: After::Resend,
            pause: Duration::from_millis(1),
        };
        Device::start(habits, &self.way)
    }

    pub(crate) fn claim(&self, device: &Device) -> Claim {
        Claim::of_device(device, SEED)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn backup(&self, name: &str) -> Result<PathBuf> {
        let file = self.file(name);
        self.site.muster(&["backup", "--to", text(&file)?])?;
        Ok(file)
    }

    /// `muster restore --from FILE ARGS --config …`.
    pub(crate) fn restore(&self, from: &Path, args: &[&str]) -> Result<Output> {
        let all: Vec<&str> =
            ["restore", "--from", text(from)?].iter().chain(args).copied().collect();
        self.site.output(&all)
    }

    /// The disk dies: nothing is left of the data folder, nor beside it.
    pub(crate) fn lose_data(&self) -> Result<()> {
        std::fs::remove_dir_all(self.site.data())?;
        let witness = self.site.layout().dir.join("data.witness");
        Ok(std::fs::remove_file(witness)?)
    }

    pub(crate) fn records(&self) -> Result<u64> {
        let status = self.site.json(&["status", "--json"])?;
        status["records"].as_u64().context("no count")
    }
}

pub(crate) fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a folder's name is not text")
}

pub(crate) fn ok(output: Output) -> Result<String> {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{}: {said}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

pub(crate) fn until(what: &str, ready: impl Fn() -> Result<bool>) -> Result<()> {
    let asked = Instant::now();
    while !ready()? {
        ensure!(asked.elapsed() < Duration::from_secs(30), "{what}: not within 30 s");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
