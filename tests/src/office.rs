//! What people at the box do before anything leaves it: enrol signers, import staff, write a
//! policy, sign it twice, publish it.

use crate::punch::{now_s, rfc3339};
use crate::region::Region;
use crate::site::{Layout, Site};
use anyhow::{Context as _, Result};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who signs: two people in two roles, one of them the data protection officer.
const SIGNERS: [(&str, &str); 2] = [("a.dpo", "dpo"), ("b.admin", "it-admin")];
const DAY_S: i64 = 86_400;

/// The destination of the policy.
pub const DESTINATION: &str = "hk-payroll";
/// Its region: in the same jurisdiction as the site, so no lane has to be opened.
pub const REGION: &str = "onprem-hk";

/// Makes the signers' keys in `dir` and names them in `layout`; before [`Site::init`].
pub fn make_keys(layout: &mut Layout, dir: &Path) -> Result<()> {
    SIGNERS.iter().try_for_each(|(person, role)| make_key(layout, dir, person, role))
}

/// Makes one signer's key in `dir` and names it in `layout`; before [`Site::init`].
pub fn make_key(layout: &mut Layout, dir: &Path, person: &str, role: &str) -> Result<()> {
    let file = key(dir, person);
    let mut command = Command::new(&layout.binary);
    command.args(["policy", "key", "--person", person, "--role", role, "--out"]).arg(&file);
    let output = command.output().context("cannot run the gateway's program")?;
    anyhow::ensure!(output.status.success(), "{command:?}: {output:?}");
    layout.signers.push(format!("{person}:{role}:{}.pub", file.display()));
    Ok(())
}

/// What a site needs that forwards to `region`: its section, and the signers' keys.
pub fn reaching(region: &Region) -> impl Fn(&mut Layout, &Path) -> Result<()> {
    let section = region.section(DESTINATION);
    move |layout, dir| {
        layout.more.clone_from(&section);
        make_keys(layout, dir)
    }
}

/// Imports people with these numbers, of whom all is known that the policy asks for.
pub fn import(site: &Site, numbers: impl Iterator<Item = String>) -> Result<()> {
    let mut csv = "person,name,category,age_band,employment_law,account_class,basis\n".to_owned();
    for number in numbers {
        // Writing to a string cannot fail.
        let _ = writeln!(csv, "{number},Person {number},employee,adult,HK,none,contract");
    }
    let file = site.layout().dir.join("staff.csv");
    std::fs::write(&file, csv)?;
    site.muster(&["person", "import", file.to_str().context("a folder's name is not text")?])?;
    Ok(())
}

/// Writes the policy, signs it with the keys of [`make_keys`], and puts it in force.
pub fn publish(site: &Site, keys: &Path) -> Result<()> {
    publish_changed(site, keys, |text| text)
}

/// The same, changed before it is signed.
pub fn publish_changed(site: &Site, keys: &Path, change: impl Fn(String) -> String) -> Result<()> {
    let file = write_policy(site, 1, change)?;
    for (person, _) in SIGNERS {
        sign(site, &file, &key(keys, person))?;
    }
    site.muster(&["policy", "publish", as_text(&file)?])?;
    Ok(())
}

/// The policy with other permits and their profiles, in which `@TO` is the destination.
pub fn with_permits(policy: String, permits: &str) -> String {
    let (head, rest) = policy.split_once("[[permit]]").unwrap_or_default();
    let (_, biometric) = rest.split_once("[[biometric]]").unwrap_or_default();
    format!("{head}{}\n[[biometric]]{biometric}", permits.replace("@TO", DESTINATION))
}

/// Writes the policy under a number, changed.
pub fn write_policy(
    site: &Site,
    version: u32,
    change: impl Fn(String) -> String,
) -> Result<PathBuf> {
    let file = site.layout().dir.join(format!("policy-{version}.toml"));
    let numbered = policy().replace("version = 1\n", &format!("version = {version}\n"));
    std::fs::write(&file, change(numbered))?;
    Ok(file)
}

/// Signs a policy with one key.
pub fn sign(site: &Site, policy: &Path, key: &Path) -> Result<()> {
    site.muster(&["policy", "sign", as_text(policy)?, "--key", as_text(key)?])?;
    Ok(())
}

/// These signers, whose keys are in `keys`, approve what a command says it asked for.
pub fn approve(site: &Site, keys: &Path, told: &str, signers: &[&str]) -> Result<()> {
    let id = told.split([' ', ',', ':']).nth(1).context("no request")?;
    for signer in signers {
        site.muster(&["approve", id, "--key", as_text(&key(keys, signer))?])?;
    }
    Ok(())
}

/// The private key that [`make_keys`] made for a person in `keys`.
pub fn key(keys: &Path, person: &str) -> PathBuf {
    keys.join(format!("{person}.key"))
}

/// A path as an argument.
pub fn as_text(path: &Path) -> Result<&str> {
    path.to_str().context("a name is not text")
}

/// Everything of every employee goes to one destination.
fn policy() -> String {
    let (from, until) = (rfc3339(now_s() - DAY_S), rfc3339(now_s() + 90 * DAY_S));
    let site = Site::NAME;
    format!(
        r#"schema = "gw.residency/1"
[policy]
id = "{site}"
version = 1
effective_from = {from}
effective_until = {until}
default = "hold"
law_pack = "apac-eu-2026.2"
signers = [{{ person = "a.dpo", role = "dpo" }}, {{ person = "b.admin", role = "it-admin" }}]
[[site]]
id = "{site}"
jurisdiction = "HK"
controller = "HK"
gba = true
[[destination]]
id = "{DESTINATION}"
region = "{REGION}"
connector = "mqtt"
operator = "Test Payroll Limited"
remote_access_from = []
residency_evidence = "endpoint"
[[profile]]
id = "minimal"
fields = ["event_id", "subject_ref", "check_time", "direction", "site_ref"]
time_precision = "second"
[[permit]]
id = "P-STAFF"
when = {{ "subject.category" = ["employee"], "record.class" = ["attendance.event"] }}
to = "{DESTINATION}"
profile = "minimal"
[[biometric]]
law = "HK"
method = "face"
keep = "vault"
days = 30
[[biometric]]
law = "HK"
method = "fingerprint"
keep = "vault"
days = 30
"#
    )
}
