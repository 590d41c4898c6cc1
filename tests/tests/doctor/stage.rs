//! A box, and what the doctor says of it.

use anyhow::{Context as _, Result, ensure};
use muster_tests::binary::{Build, gateway};
use muster_tests::gateway::Gateway;
use muster_tests::site::{Layout, Site};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// Where every finding's link leads.
const RUNBOOK: &str = include_str!("../../../deploy/handbook/src/runbook.md");

pub(crate) struct Stage {
    pub(crate) site: Site,
    pub(crate) folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn new(change: impl Fn(&mut Layout, &Path) -> Result<()>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut layout = Layout::new(gateway(Build::Real)?, &folder.path().join("box"));
        change(&mut layout, folder.path())?;
        Ok(Self { site: Site::init(layout)?, folder })
    }

    pub(crate) fn start(&self) -> Result<Gateway> {
        let mut gateway = self.site.start()?;
        gateway.ready(Duration::from_secs(10))?;
        Ok(gateway)
    }

    /// Changes the configuration.
    pub(crate) fn configure(&self, from: &str, to: &str) -> Result<()> {
        let text = std::fs::read_to_string(self.site.config())?;
        ensure!(text.contains(from), "{from} is not configured");
        Ok(std::fs::write(self.site.config(), text.replacen(from, to, 1))?)
    }

    /// Exit code and report.
    pub(crate) fn doctor(&self) -> Result<(i32, Value)> {
        let output = self.site.output(&["doctor", "--json"])?;
        let text = String::from_utf8_lossy(&output.stdout);
        let report = serde_json::from_str(&text).with_context(|| format!("{output:?}"))?;
        Ok((output.status.code().context("killed")?, report))
    }

    /// Everything that is not well, a line each.
    pub(crate) fn complaints(&self) -> Result<Vec<String>> {
        let (_, report) = self.doctor()?;
        let checks = report["checks"].as_array().cloned().unwrap_or_default();
        for check in &checks {
            let cured =
                check["state"] == "ok" || check["cure"].as_str().is_some_and(|c| !c.is_empty());
            ensure!(cured, "no cure: {check}");
            let kind = check["check"].as_str().unwrap_or_default();
            let link = check["runbook"].as_str().unwrap_or_default();
            ensure!(link == format!("handbook/src/runbook.md#{kind}"), "{check}");
            ensure!(RUNBOOK.contains(&format!("\n## {kind}\n")), "the runbook has no {kind}");
        }
        let bad = checks.iter().filter(|check| check["state"] != "ok");
        Ok(bad.map(line).collect())
    }
}

impl Stage {
    /// The doctor tells of this, with this cure; its link was looked at too.
    pub(crate) fn tells(&self, what: &str, cure: &str) -> Result<()> {
        let complaints = self.complaints()?;
        let found = complaints.iter().any(|line| line.contains(what) && line.contains(cure));
        ensure!(found, "{what:?} with {cure:?} is not told: {complaints:#?}");
        Ok(())
    }
}

pub(crate) fn line(check: &Value) -> String {
    let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
    format!("{} {}: {} -> {}", text("state"), text("name"), text("cause"), text("cure"))
}

pub(crate) fn until(what: &str, ready: impl Fn() -> Result<bool>) -> Result<()> {
    let asked = Instant::now();
    while !ready()? {
        ensure!(asked.elapsed() < Duration::from_secs(30), "{what}: not within 30 s");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
