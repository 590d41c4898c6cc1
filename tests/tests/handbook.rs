//! What is written for people is true: every command of the handbook, the README and the shipped
//! units is one that the program takes, and every link leads to a page and a heading.

use anyhow::{Context as _, Result, ensure};
use muster_tests::binary::{Build, gateway};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The names of the checks of `/healthz`, without what follows a name, as which port.
const OF_HEALTHZ: &[&str] = &[
    "journal",
    "views",
    "disk",
    "policy",
    "expiry",
    "local-only",
    "rights",
    "destination",
    "serial",
    "broker",
    "egress",
    "siem",
    "terminals",
    "vault",
    "renewal",
];

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The handbook's pages, and the README.
fn pages() -> Result<Vec<PathBuf>> {
    let folder = project().join("deploy/handbook/src");
    let entries = fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    let entries = entries.into_iter().map(|entry| entry.path());
    let mut pages: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    pages.push(project().join("README.md"));
    Ok(pages)
}

/// The lines of shell in a page: continued ones as one, without comments.
fn shell(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = false;
    for line in text.replace("\\\n", " ").lines().map(str::trim) {
        match line.strip_prefix("```") {
            Some(kind) => open = kind == "sh",
            None if open => lines.push(line.split(" #").next().unwrap_or_default().to_owned()),
            None => {}
        }
    }
    lines
}

/// The part of a line that is the gateway's, cut at what belongs to the shell.
fn command(line: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let program = words.first()?;
    let ours = ["muster", "/usr/bin/muster"].contains(program);
    ours.then(|| {
        words[1..].iter().take_while(|word| !word.starts_with(['|', '>'])).copied().collect()
    })
}

/// What units start, and what the pages tell people to type.
fn commands() -> Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    for page in pages()? {
        let text = fs::read_to_string(&page)?;
        let inline = text.split('`').skip(1).step_by(2).filter(|code| code.starts_with("muster "));
        let inline = inline.map(|code| code.split_whitespace().collect::<Vec<_>>().join(" "));
        let lines: Vec<String> = shell(&text).into_iter().chain(inline).collect();
        found.extend(lines.into_iter().map(|line| (page.clone(), line)));
    }
    for entry in fs::read_dir(project().join("deploy/systemd"))? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        let started = text.lines().filter_map(|line| line.strip_prefix("ExecStart="));
        found.extend(started.map(|line| (path.clone(), line.to_owned())));
    }
    Ok(found)
}

#[test]
fn every_command_is_one_that_the_program_takes() -> Result<()> {
    let muster = gateway(Build::Real)?;
    let (mut taken, mut refused) = (0, Vec::new());
    for (page, line) in commands()? {
        let Some(words) = command(&line) else { continue };
        // With --help in the end nothing is done, but all before it is parsed.
        let output = Command::new(&muster).args(&words).arg("--help").output()?;
        taken += 1;
        if !output.status.success() {
            let said =
                String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("").to_owned();
            refused.push(format!("{}: {line}: {said}", page.display()));
        }
    }
    ensure!(refused.is_empty(), "{refused:#?}");
    ensure!(taken > 30, "only {taken} commands found");
    Ok(())
}

/// As mdBook and GitHub name a heading.
fn anchor(heading: &str) -> String {
    let heading = heading.to_lowercase();
    let kept = heading.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
        _ => None,
    });
    kept.collect()
}

fn headings(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| Some(line.strip_prefix('#')?.trim_start_matches('#').trim()))
        .map(anchor)
        .collect()
}

#[test]
fn every_link_leads_somewhere() -> Result<()> {
    let mut seen = 0;
    for page in pages()? {
        let text = fs::read_to_string(&page)?;
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            seen += 1;
            leads_somewhere(&page, target)
                .with_context(|| format!("{}: {target}", page.display()))?;
        }
    }
    ensure!(seen > 10, "only {seen} links found");
    Ok(())
}

fn leads_somewhere(page: &Path, target: &str) -> Result<()> {
    ensure!(!target.contains("://"), "the handbook stands by itself, without the network");
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let folder = page.parent().context("no folder")?;
    let file = if file.is_empty() { page.to_owned() } else { folder.join(file) };
    ensure!(file.exists(), "there is no such file");
    let known = heading.is_empty() || headings(&fs::read_to_string(&file)?).contains(heading);
    ensure!(known, "there is no such heading");
    Ok(())
}

#[test]
fn every_page_is_in_the_summary() -> Result<()> {
    let folder = project().join("deploy/handbook/src");
    let summary = fs::read_to_string(folder.join("SUMMARY.md"))?;
    for page in pages()? {
        let name = page.file_name().context("no name")?.to_string_lossy().into_owned();
        let known = summary.contains(&format!("({name})"));
        ensure!(known || ["SUMMARY.md", "README.md"].contains(&&*name), "{name} is missing");
    }
    Ok(())
}

/// The kinds of alarms, which name their place in the runbook.
const ALARMS: &[&str] =
    &["tamper", "leak-attempt", "region-mismatch", "lost-device", "disk", "certificate"];

/// What an alert rule or an alarm names is in the runbook.
#[test]
fn every_alert_leads_to_its_heading() -> Result<()> {
    let known = headings(&fs::read_to_string(project().join("deploy/handbook/src/runbook.md"))?);
    let rules = fs::read_to_string(project().join("deploy/dashboards/muster.rules.yml"))?;
    let named = rules.split("(runbook: ").skip(1).filter_map(|rest| rest.split(')').next());
    let named: Vec<&str> = named.chain(ALARMS.iter().copied()).collect();
    ensure!(named.len() > 15, "only {named:?}");
    for name in named {
        ensure!(known.contains(name), "the runbook has no heading {name}");
    }
    Ok(())
}

/// What the doctor and `/healthz` find leads to a heading that says what to do.
#[test]
fn every_check_has_its_heading() -> Result<()> {
    let folder = TempDir::new()?;
    let muster = gateway(Build::Real)?;
    let init = ["init", "--yes", "--site", "mo-hq", "--jurisdiction", "MO", "--dir"];
    let made = Command::new(&muster).args(init).arg(folder.path()).output()?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let config = folder.path().join("gateway.toml");
    let report =
        Command::new(&muster).args(["doctor", "--json", "--config"]).arg(config).output()?;
    let report: Value = serde_json::from_slice(&report.stdout)?;
    let checks = report["checks"].as_array().context("no checks")?;
    ensure!(checks.len() > 10, "{report}");
    let page = project().join("deploy/README.md");
    for check in checks {
        let link = check["runbook"].as_str().with_context(|| format!("no link: {check}"))?;
        leads_somewhere(&page, link).with_context(|| link.to_owned())?;
    }
    let known = headings(&fs::read_to_string(project().join("deploy/handbook/src/runbook.md"))?);
    for name in OF_HEALTHZ {
        ensure!(known.contains(*name), "the runbook has no heading {name}");
    }
    Ok(())
}
