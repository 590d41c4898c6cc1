//! Accounts by the command line, with and without a gateway that runs: who makes which alone, and
//! what two people decide.

use anyhow::{Context as _, Result, ensure};
use muster_tests::binary::{Build, gateway};
use muster_tests::office::{self, as_text, key};
use muster_tests::site::{Layout, Site};
use serde_json::Value;
use std::time::Duration;

const START: Duration = Duration::from_secs(10);

fn site(dir: &tempfile::TempDir) -> Result<Site> {
    let mut layout = Layout::new(gateway(Build::Real)?, &dir.path().join("box"));
    layout.log = dir.path().join("gateway.log");
    office::make_keys(&mut layout, dir.path())?;
    Site::init(layout)
}

/// A command that is refused with this exit code, and says why.
fn refused(site: &Site, args: &[&str], code: i32, tells: &str) -> Result<()> {
    let output = site.output(args)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(code), "{args:?}: {} {said}", output.status);
    ensure!(said.contains(tells), "{args:?} says {said}, not {tells}");
    Ok(())
}

fn account(site: &Site, name: &str) -> Result<Value> {
    let list = site.json(&["user", "list", "--json"])?;
    let mut accounts = list.as_array().into_iter().flatten();
    accounts.find(|account| account["name"] == name).cloned().context("no such account")
}

fn code(printed: &str) -> &str {
    printed.split("one-time code ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("")
}

#[test]
fn accounts_are_made_listed_and_shut_out_with_and_without_a_gateway() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let site = site(&dir)?;
    let add = ["user", "add", "ho.mei", "--role", "hr", "--department", "Kitchen"];
    let first = site.muster(&add)?;
    assert_eq!(code(&first).len(), 23, "{first}");
    refused(&site, &add, 65, "already an account")?;
    refused(&site, &["user", "add", "x", "--role", "root"], 2, "a role is one of")?;
    refused(&site, &["user", "add", "a b", "--role", "hr"], 65, "1 to 64 characters")?;
    let mut running = site.start()?;
    running.ready(START)?;
    let listed = account(&site, "ho.mei")?;
    assert_eq!(listed["roles"], serde_json::json!(["hr"]));
    assert_eq!(listed["departments"], serde_json::json!(["Kitchen"]));
    assert!(!listed.to_string().contains("argon2") && listed["logs_in"] == false);
    assert_ne!(code(&site.muster(&["user", "code", "ho.mei"])?), code(&first));
    site.muster(&["user", "disable", "ho.mei"])?;
    assert_eq!(account(&site, "ho.mei")?["disabled"], true);
    running.kill()?;
    assert_eq!(account(&site, "ho.mei")?["disabled"], true, "after a kill");
    site.muster(&["user", "enable", "ho.mei"])?;
    assert_eq!(account(&site, "ho.mei")?["disabled"], false);
    refused(&site, &["user", "disable", "nobody"], 65, "no account")
}

#[test]
fn after_the_first_policy_two_people_make_who_administers() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let site = site(&dir)?;
    site.muster(&["user", "add", "lam.kit", "--role", "dpo"])?;
    office::import(&site, ["1".to_owned()].into_iter())?;
    office::publish(&site, dir.path())?;
    let add = ["user", "add", "second", "--role", "it-admin"];
    refused(&site, &add, 77, "two people")?;
    site.muster(&["user", "add", "hr.one", "--role", "hr"])?;
    let asker = key(dir.path(), "b.admin");
    let asked = site.muster(&[&add[..], &["--key", as_text(&asker)?]].concat())?;
    let id = asked.split([' ', ',']).nth(1).context("a request")?;
    refused(&site, &["approve", id, "--key", as_text(&asker)?], 77, "")?;
    assert!(account(&site, "second").is_err(), "asked is not made");
    let officer = key(dir.path(), "a.dpo");
    site.muster(&["approve", id, "--key", as_text(&officer)?])?;
    assert_eq!(account(&site, "second")?["roles"], serde_json::json!(["it-admin"]));
    assert_eq!(code(&site.muster(&["user", "code", "second"])?).len(), 23);

    let asked = site.muster(&["user", "reset", "second", "--key", as_text(&officer)?])?;
    let id = asked.split([' ', ',']).nth(1).context("a request")?;
    site.muster(&["approve", id, "--key", as_text(&asker)?])?;
    let export = site.muster(&["journal", "export"])?;
    ensure!(export.contains("write-account") && export.contains("reset-account"));
    Ok(())
}
