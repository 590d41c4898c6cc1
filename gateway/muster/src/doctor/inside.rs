//! What only the box itself knows: gathered where the ledger is open, told through the control
//! socket.

use super::Finding;
use crate::backup::places::{self, Place};
use crate::backup::recovery;
use crate::config::Config;
use crate::control::Facts;
use crate::renewal::Overdue;
use crate::store;
use anyhow::Result;
use muster_ledger::{DeviceState, JournalReport, Status, verify_journal};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// A terminal that was not heard for so long is told of.
const SILENT_MS: i64 = 24 * 3_600_000;
/// A backup older than so is told of.
const BACKUP_OLD_MS: i64 = 36 * 3_600_000;
/// Records that the views may be behind.
const VIEWS_BEHIND: u64 = 50_000;
/// Where the kernel shows a TPM.
const TPM: &str = "/dev/tpmrm0";
/// Silent terminals that are named one by one.
const MAX_DEVICES: usize = 200;

/// All of it; nothing personal.
#[derive(Serialize, Deserialize)]
pub(crate) struct Inside {
    /// Whether a gateway runs.
    running: bool,
    /// Where its metrics are.
    metrics: Option<SocketAddr>,
    status: Value,
    /// The region that the policy names for each destination that is configured.
    pub(crate) regions: BTreeMap<String, String>,
    pub(crate) local_only: bool,
    devices: Vec<Terminal>,
    /// Why the journal cannot be verified, or where its damage is.
    journal: Verified,
    places: Vec<Place>,
    /// What is wrong with the latest backup.
    backup_damage: Option<String>,
    /// Erasures that backups have not taken in.
    pending: usize,
    vault_bytes: u64,
    /// Why evidence is not kept, as the gateway says or the folder shows.
    #[serde(default)]
    vault_trouble: Option<String>,
    /// The root key comes from systemd's credentials and not from a file beside the data.
    sealed_root: bool,
    /// Days until the page's own certificate ends, where the box made it.
    page_days: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Terminal {
    name: String,
    revoked: bool,
    last_seen_ms: Option<i64>,
    refused: u64,
    /// When its certificate ends, seconds since 1970.
    #[serde(default)]
    certificate_ends_s: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Verified {
    batches: u64,
    damage: Option<String>,
}

impl Inside {
    /// Where the gateway's metrics are.
    pub(crate) fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Gathers it. Blocks while the journal is read.
    pub(crate) fn gather(facts: &Facts) -> Result<Self> {
        let (ledger, config) = (&facts.ledger, &facts.config);
        let status: Status = ledger.status();
        let region = |section: &crate::config::Region| {
            let expected = ledger.outbox(&section.destination).expected_region()?;
            Some((section.destination.clone(), expected))
        };
        let data = &config.site.data;
        let devices = ledger.devices().list().into_iter().map(|device| Terminal {
            name: device.name,
            revoked: device.state == DeviceState::Revoked,
            last_seen_ms: device.last_seen_ms,
            refused: device.refused,
            certificate_ends_s: device.certificate_ends_s,
        });
        Ok(Self {
            running: facts.listening.is_some(),
            metrics: facts.listening.as_ref().and_then(|listening| listening.metrics),
            regions: config.region.iter().filter_map(region).collect(),
            local_only: status.local_only.is_some(),
            status: serde_json::to_value(&status)?,
            devices: devices.collect(),
            journal: verified(verify_journal(data, store::root_key(data)?)?),
            backup_damage: places::inspect(&ledger.keyring()),
            places: places::known(&ledger.keyring())?,
            pending: ledger.pending_in_backups().len(),
            vault_bytes: folder_bytes(&data.join("vault")),
            vault_trouble: vault_trouble(facts),
            sealed_root: !data.join("keys/root.key").exists(),
            page_days: crate::page_certificate::days_left(config, ledger),
        })
    }
}

fn verified(report: JournalReport) -> Verified {
    let damage = report.first_bad.map(|bad| {
        format!("{} batches, first in {} at byte {}", report.damaged, bad.segment, bad.offset)
    });
    Verified { batches: report.batches, damage }
}

/// Why evidence is not kept: the running gateway's word, or what its folder looks like.
fn vault_trouble(facts: &Facts) -> Option<String> {
    let says = facts.terminals.as_ref().and_then(|terminals| terminals.vault().degraded);
    let folder = facts.config.site.data.join("vault");
    let unreadable = || match std::fs::read_dir(&folder) {
        // It is made with the first piece of evidence.
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Some(format!("{} cannot be read: {error}", folder.display()))
        }
        _ => None,
    };
    says.or_else(unreadable)
}

fn folder_bytes(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|found| found.len()).sum()
}

/// What is to be said of it.
pub(super) fn findings(config: &Config, inside: &Inside) -> Vec<Finding> {
    let mut found = vec![gateway(inside), journal(inside), views(inside), vault(inside)];
    found.extend(policy(inside));
    found.extend(devices(inside));
    found.extend(renewals(inside));
    found.push(root_key(inside));
    found.extend(page(inside));
    found.extend(backup(config, inside));
    found
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn gateway(inside: &Inside) -> Finding {
    match inside.running {
        true => Finding::ok("gateway", "gateway", "running"),
        false => Finding::broken(
            "gateway",
            "gateway",
            "not running: punches wait in the terminals",
            "systemctl start muster; journalctl -u muster tells why it ended",
        ),
    }
}

fn journal(inside: &Inside) -> Finding {
    let status = &inside.status;
    let cure =
        "free some space, or look after the disk, and restart; punches wait in the terminals";
    match (text(status, "journal"), &inside.journal.damage) {
        ("ok", None) => {
            let (records, batches) = (&status["records"], inside.journal.batches);
            Finding::ok(
                "journal",
                "journal",
                format!("whole: {records} records, {batches} batches"),
            )
        }
        ("ok", Some(damage)) => Finding::warning(
            "journal",
            "journal",
            format!("damage: {damage}; what is named is skipped, never guessed"),
            "check the disk; ask the terminals again, or restore a backup from before",
        ),
        _ => Finding::broken("journal", "journal", text(status, "journal_cause"), cure),
    }
}

fn views(inside: &Inside) -> Finding {
    let behind = inside.status["views_behind"].as_u64().unwrap_or(0);
    let well = text(&inside.status, "views") == "ok" && behind <= VIEWS_BEHIND;
    let seen = match text(&inside.status, "views_cause") {
        "" => format!("{behind} records behind"),
        cause => format!("{behind} records behind: {cause}"),
    };
    match well {
        true => Finding::ok("views", "views", seen),
        false => {
            let cure = "punches are taken; wait, or build them again: muster journal rebuild-views";
            Finding::warning("views", "views", seen, cure)
        }
    }
}

fn vault(inside: &Inside) -> Finding {
    match &inside.vault_trouble {
        None => {
            let seen = format!("{} MiB of sealed evidence", inside.vault_bytes >> 20);
            Finding::ok("vault", "vault", seen)
        }
        Some(trouble) => {
            let cure = "punches are taken without their evidence; give data/vault back to the user of \
                        the service, or free some space, and restart";
            Finding::warning("vault", "vault", trouble, cure)
        }
    }
}

fn policy(inside: &Inside) -> Vec<Finding> {
    let status = &inside.status;
    let cure = "publish a policy that is signed and in date; until then punches are taken and held";
    let holds: Vec<&str> =
        status["policy_holds"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut found = vec![match (status["policy"].as_str(), holds.is_empty()) {
        (None, _) => Finding::warning("policy", "policy", "there is none: nothing leaves", cure),
        (Some(policy), true) => Finding::ok("policy", "policy", policy),
        (Some(policy), false) => {
            let cause = format!("{policy} lets nothing leave: {}", holds.join(", "));
            Finding::warning("policy", "policy", cause, cure)
        }
    }];
    if let Some(refused) = status["policy_refused"].as_str() {
        let cure = "correct it and publish it again; what was in force stays so";
        found.push(Finding::warning("policy", "policy file", format!("refused: {refused}"), cure));
    }
    for expiry in status["expiring"].as_array().into_iter().flatten() {
        let name = format!("{} {}", text(expiry, "what"), text(expiry, "which"));
        let cause = format!("ends on {}", text(expiry, "at"));
        let cure = "file what follows it with `muster papers add`, or publish the renewed policy";
        found.push(Finding::warning("papers", &name, cause, cure));
    }
    found
}

fn devices(inside: &Inside) -> Vec<Finding> {
    let now = crate::trust::now_ms();
    let paired = inside.devices.iter().filter(|device| !device.revoked);
    let mut found: Vec<Finding> = paired.map(|device| terminal(device, now)).collect();
    if found.is_empty() {
        let cure = "pair one: muster device pair --kind m1 --name gate-1";
        found.push(Finding::warning("device", "devices", "no terminal is paired", cure));
    }
    found.truncate(MAX_DEVICES);
    found
}

fn terminal(device: &Terminal, now: i64) -> Finding {
    let name = format!("device {}", device.name);
    let cure = "look after its power, its cable and its network; it keeps its punches. Lost or \
                stolen: muster device revoke";
    match device.last_seen_ms {
        None => Finding::warning("device", &name, "paired and never heard", cure),
        Some(at) if now - at > SILENT_MS => {
            let hours = (now - at) / 3_600_000;
            Finding::warning("device", &name, format!("silent for {hours} hours"), cure)
        }
        Some(_) => {
            let seen = format!("heard within a day, {} refusals since set-up", device.refused);
            Finding::ok("device", &name, seen)
        }
    }
}

/// Terminals whose certificates were not renewed in time.
fn renewals(inside: &Inside) -> Vec<Finding> {
    let now = crate::trust::now_ms() / 1000;
    let paired = inside.devices.iter().filter(|device| !device.revoked);
    let late = paired.filter_map(|device| {
        let name = format!("certificate of device {}", device.name);
        let late = Overdue::at(device.certificate_ends_s?, now)?;
        Some(match late {
            Overdue::Ended(_) => Finding::broken("renewal", &name, late.cause(), late.cure()),
            Overdue::Ends(_) => Finding::warning("renewal", &name, late.cause(), late.cure()),
        })
    });
    late.take(MAX_DEVICES).collect()
}

fn root_key(inside: &Inside) -> Finding {
    let seen = "a file beside the data: a stolen disk holds its own key";
    match (inside.sealed_root, std::path::Path::new(TPM).exists()) {
        (true, _) => Finding::ok("root-key", "root key", "a credential of systemd"),
        (false, false) => Finding::ok("root-key", "root key", format!("no TPM here; {seen}")),
        (false, true) => Finding::warning(
            "root-key",
            "root key",
            seen,
            "systemd-creds encrypt --name=muster-root-key DATA/keys/root.key \
             /etc/credstore.encrypted/muster-root-key, delete the file, and restart",
        ),
    }
}

fn page(inside: &Inside) -> Option<Finding> {
    let days = inside.page_days?;
    let cure = "restart the gateway: it makes a new one and logs its fingerprint; tell people, or \
                give the company's own in [console]";
    Some(match days {
        ..30 => Finding::warning(
            "certificate",
            "the page's certificate",
            format!("ends in {days} days"),
            cure,
        ),
        _ => Finding::ok("certificate", "the page's certificate", format!("good for {days} days")),
    })
}

fn backup(config: &Config, inside: &Inside) -> Vec<Finding> {
    let now = crate::trust::now_ms();
    let records = inside.status["records"].as_u64().unwrap_or(0);
    let cure = "muster backup --to /var/backups/muster; systemctl enable --now muster-backup.timer";
    let evidence = format!("{} MiB of evidence, which no backup holds", inside.vault_bytes >> 20);
    let mut found = vec![match inside.places.last() {
        None => Finding::warning(
            "backup",
            "backup",
            format!(
                "none. If the disk died now: all {records} records would be lost, and {evidence}"
            ),
            cure,
        ),
        Some(place) => {
            let (hours, lost) =
                ((now - place.made_ms) / 3_600_000, records.saturating_sub(place.records));
            let seen = format!(
                "{hours} hours old, in {}. If the disk died now: {lost} records since, unless \
                 terminals still have them, and {evidence}",
                place.path.display()
            );
            match now - place.made_ms > BACKUP_OLD_MS {
                true => Finding::warning("backup", "backup", seen, cure),
                false => Finding::ok("backup", "backup", seen),
            }
        }
    }];
    if let Some(damage) = &inside.backup_damage {
        let cure = "muster backup --to that place writes a new one and sets this one aside";
        found.push(Finding::warning("backup", "latest backup", damage, cure));
    }
    if inside.pending > 0 {
        let cause = format!("{} erasures wait for backups made before them", inside.pending);
        let cure = "plug in the disk of each place that is known and run muster backup on it";
        found.push(Finding::warning("backup", "erasures in backups", cause, cure));
    }
    if let Some(file) = recovery::lie_beside(&config.folder) {
        let cause = format!("the recovery sheets still lie in {}", file.display());
        let cure = "print them, keep the three apart, and delete the file";
        found.push(Finding::warning("recovery", "recovery sheets", cause, cure));
    }
    found
}
