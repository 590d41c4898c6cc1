//! A support bundle: what a helper elsewhere needs, and nothing personal.
//!
//! It holds the report, the program's version, health as figures, metrics, and which keys the
//! configuration sets, without their values. Names of terminals and sites, addresses and paths are
//! replaced by numbers: a terminal is often named for its place or for a person. No log goes in.

use super::{Finding, Report};
use crate::config::Config;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Bytes of metrics that are taken.
const MAX_METRICS: usize = 1 << 20;

/// Writes the bundle to a new file that only its owner may read.
pub(crate) fn write(
    path: &Path,
    report: &Report,
    config: Option<&Config>,
    metrics: &str,
) -> Result<()> {
    let report = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "state": report.state,
        "checks": report.checks.iter().map(plain).collect::<Vec<_>>(),
    });
    let keys = config.map(|config| keys(&config.path)).unwrap_or_default();
    let machine = json!({
        "kernel": fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
        "processors": std::thread::available_parallelism().map_or(0, usize::from),
        "memory": fs::read_to_string("/proc/meminfo").unwrap_or_default().lines().next(),
    });
    let parts = [
        ("doctor.json", serde_json::to_vec_pretty(&report)?),
        ("configuration.json", serde_json::to_vec_pretty(&keys)?),
        ("machine.json", serde_json::to_vec_pretty(&machine)?),
        ("metrics.txt", figures(metrics).into_bytes()),
    ];
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in parts {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        tar.append_data(&mut header, name, bytes.as_slice())?;
    }
    let bytes = tar.into_inner()?;
    crate::store::write_private(path, &bytes).context("name a file that is not there yet")
}

/// A finding by its kind and state. Names and causes may hold a place, a path or a person.
fn plain(finding: &Finding) -> Value {
    let step = finding.name.split_once(": ").map(|(_, step)| step);
    json!({ "check": finding.check, "step": step, "state": finding.state })
}

/// Every key that the configuration sets, without its value.
fn keys(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let table = text.parse::<toml::Table>().unwrap_or_default();
    let mut found = Vec::new();
    gather("", &toml::Value::Table(table), &mut found);
    found
}

fn gather(prefix: &str, value: &toml::Value, found: &mut Vec<String>) {
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(key, value)| {
            let dot = if prefix.is_empty() { "" } else { "." };
            gather(&format!("{prefix}{dot}{key}"), value, found);
        }),
        toml::Value::Array(many) if many.iter().any(toml::Value::is_table) => {
            many.iter().for_each(|value| gather(prefix, value, found));
        }
        _ => found.push(prefix.to_owned()),
    }
}

/// Metrics as they are, but for the names of destinations.
fn figures(metrics: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut plain = String::new();
    for line in metrics.get(..metrics.len().min(MAX_METRICS)).unwrap_or_default().lines() {
        let split = line.split_once("destination=\"").and_then(|(before, rest)| {
            let (name, after) = rest.split_once('"')?;
            Some((before, name, after))
        });
        match split {
            Some((before, name, after)) => {
                let known = names.iter().position(|known| *known == name);
                let number = known.unwrap_or_else(|| {
                    names.push(name);
                    names.len() - 1
                });
                plain.push_str(&format!("{before}destination=\"{number}\"{after}\n"));
            }
            None => plain.push_str(&format!("{line}\n")),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_become_numbers() {
        let text =
            "a 1\nb{destination=\"hk-payroll\"} 2\nc{x=\"1\",destination=\"hk-payroll\"} 3\n";
        let expect = "a 1\nb{destination=\"0\"} 2\nc{x=\"1\",destination=\"0\"} 3\n";
        assert_eq!(figures(text), expect);
    }

    #[test]
    fn of_the_configuration_only_keys_are_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text =
            "[box]\nsite = \"secret-place\"\n[[region]]\nurl = \"u\"\n[region.dingtalk]\nx = 1";
        fs::write(file.path(), text).unwrap();
        assert_eq!(keys(file.path()), ["box.site", "region.dingtalk.x", "region.url"]);
    }
}
