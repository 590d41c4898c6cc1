//! A box with staff and a signed policy, so that every punch is decided to be forwarded.

use crate::load::people;
use anyhow::{Result, ensure};
use muster_tests::binary::{Build, gateway};
use muster_tests::gateway::Gateway;
use muster_tests::office;
use muster_tests::site::{Layout, Site};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a start or a stop may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long views may need to come up to the journal.
const VIEWS: Duration = Duration::from_secs(600);

/// A box in a folder, which goes with it unless it is kept.
pub(crate) struct BenchBox {
    pub(crate) site: Site,
    pub(crate) dir: PathBuf,
    _temporary: Option<TempDir>,
}

impl BenchBox {
    /// Sets it up; `change` has the last word on how.
    pub(crate) fn new(change: impl FnOnce(&mut Layout, &Path) -> Result<()>) -> Result<Self> {
        Self::under(|policy| policy, change)
    }

    /// The same under another policy.
    pub(crate) fn under(
        policy: impl Fn(String) -> String,
        change: impl FnOnce(&mut Layout, &Path) -> Result<()>,
    ) -> Result<Self> {
        let temporary = folder()?;
        let dir = temporary.path().to_owned();
        let site = set_up(&dir, policy, change)?;
        Ok(Self { site, dir, _temporary: Some(temporary) })
    }

    /// The box that an earlier run left in `dir`, or a new one that is left there.
    pub(crate) fn kept(
        dir: &Path,
        change: impl FnOnce(&mut Layout, &Path) -> Result<()>,
    ) -> Result<Self> {
        let site = if dir.join("box").exists() {
            Site::set_up(layout(dir, change)?)?
        } else {
            std::fs::create_dir_all(dir)?;
            set_up(dir, |policy| policy, change)?
        };
        Ok(Self { site, dir: dir.to_owned(), _temporary: None })
    }

    /// Starts the gateway; how long until it was ready.
    pub(crate) fn start(&self) -> Result<(Gateway, Duration)> {
        let mut gateway = self.site.start()?;
        let took = gateway.ready(PATIENCE)?;
        Ok((gateway, took))
    }

    /// Waits until the views are where the journal is: their filling is no part of what comes next.
    pub(crate) fn settle_down(&self) -> Result<()> {
        let begun = Instant::now();
        while self.site.json(&["status", "--json"])?["views_behind"].as_u64() != Some(0) {
            ensure!(begun.elapsed() < VIEWS, "the views do not come up to the journal");
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}

fn set_up(
    dir: &Path,
    policy: impl Fn(String) -> String,
    change: impl FnOnce(&mut Layout, &Path) -> Result<()>,
) -> Result<Site> {
    let mut layout = layout(dir, change)?;
    office::make_keys(&mut layout, dir)?;
    let site = Site::init(layout)?;
    office::import(&site, people())?;
    office::publish_changed(&site, dir, policy)?;
    Ok(site)
}

fn layout(dir: &Path, change: impl FnOnce(&mut Layout, &Path) -> Result<()>) -> Result<Layout> {
    let mut layout = Layout::new(gateway(Build::Real)?, &dir.join("box"));
    layout.log = dir.join("gateway.log");
    change(&mut layout, dir)?;
    Ok(layout)
}

/// How much of `count` is done: all of it, or where `MUSTER_BENCH_PART` is a number, that part, so
/// that a program can be tried in seconds; what it measures then says little.
pub(crate) fn part(count: u64) -> u64 {
    let parts = std::env::var("MUSTER_BENCH_PART").ok().and_then(|parts| parts.parse().ok());
    (count / parts.unwrap_or(1).max(1)).max(1)
}

/// Stops a gateway as a service manager does.
pub(crate) fn stop(gateway: Gateway) -> Result<()> {
    let status = gateway.terminate(PATIENCE)?;
    ensure!(status.success(), "SIGTERM: {status}");
    Ok(())
}

/// A folder on a real disk: `MUSTER_BENCH_DIR`, or where temporary files go.
pub(crate) fn folder() -> Result<TempDir> {
    let place = std::env::var_os("MUSTER_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    Ok(tempfile::Builder::new().prefix("muster-bench-").tempdir_in(place)?)
}

/// Bytes of all files under a folder, as the disk counts them.
pub(crate) fn disk_bytes(folder: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let mut total = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let data = entry.metadata()?;
        total += if data.is_dir() { disk_bytes(&entry.path())? } else { data.blocks() * 512 };
    }
    Ok(total)
}
