//! What `/healthz` says: each check with its state, since when, cause and cure. Recomputed at most
//! once a second, so that a monitor costs nothing.

use crate::config::Config;
use crate::egress;
use crate::health::{Check, HealthReport};
use crate::renewal::{self, Overdue};
use crate::siem;
use crate::trust::now_ms;
use muster_intake::IntakeStatus;
use muster_intake::alarms::Alarm;
use muster_intake::vault::VaultStatus;
use muster_ledger::{Health, Ledger, PauseReason};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Free bytes below which the disk is degraded.
const DISK_LOW: u64 = 512 << 20;
/// Records the views may be behind before it counts.
const VIEWS_BEHIND: u64 = 50_000;
/// Alarms that one check names.
const MAX_ALARMS: usize = 8;
/// Certificates that one check names.
const MAX_OVERDUE: usize = 8;
/// Ends that one check names.
const MAX_EXPIRING: usize = 10;
/// A report is good for this long.
const FRESH_MS: i64 = 1_000;

/// Follows the parts of one gateway.
pub(crate) struct Watch {
    ledger: Ledger,
    data: PathBuf,
    /// What terminals tried beyond the box, where somebody writes it down.
    tried: Option<PathBuf>,
    links: Links,
    /// Where somebody watches over security.
    siem: Option<siem::Standing>,
    seen: Mutex<Seen>,
}

/// How the device side is, asked anew.
pub(crate) type Links = Box<dyn Fn() -> IntakeStatus + Send + Sync>;

#[derive(Default)]
struct Seen {
    report: Option<(i64, HealthReport)>,
    since: HashMap<String, (Health, i64)>,
}

impl Watch {
    pub(crate) fn new(ledger: Ledger, config: &Config, links: Links, siem: siem::Standing) -> Self {
        let tried = config.network.as_ref().map(|network| network.tried.clone());
        let siem = config.siem.is_some().then_some(siem);
        let (data, seen) = (config.site.data.clone(), Mutex::default());
        Self { ledger, data, tried, links, siem, seen }
    }

    /// What devices were refused for, or tell of.
    pub(crate) fn terminals(&self) -> Vec<Alarm> {
        (self.links)().alarms
    }

    /// The state now.
    pub(crate) fn report(&self) -> HealthReport {
        let now = now_ms();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, report)) = &seen.report
            && (now - at).abs() < FRESH_MS
        {
            return report.clone();
        }
        let mut checks = self.checks();
        for check in &mut checks {
            let entry = seen.since.entry(check.name.clone()).or_insert((check.status, now));
            if entry.0 != check.status {
                *entry = (check.status, now);
            }
            check.since = entry.1;
        }
        let status = checks.iter().map(|c| c.status).max().unwrap_or(Health::Ok);
        let receipting = checks.iter().all(|c| c.name != "journal" || c.status != Health::Failing);
        let report = HealthReport { status, checks, receipting };
        seen.report = Some((now, report.clone()));
        report
    }

    /// Puts the checks into metrics: by the first word of their names, the worst of each.
    pub(crate) fn gauge(&self) {
        let mut worst: HashMap<String, Health> = HashMap::new();
        for check in self.report().checks {
            let word = check.name.split(' ').next().unwrap_or_default().to_owned();
            let known = worst.entry(word).or_insert(check.status);
            *known = check.status.max(*known);
        }
        for (check, status) in worst {
            let value = status as u8;
            metrics::gauge!("muster_check_status", "check" => check).set(f64::from(value));
        }
        metrics::gauge!("muster_disk_free_bytes").set(self.free() as f64);
    }

    fn free(&self) -> u64 {
        rustix::fs::statvfs(&self.data).map_or(0, |s| s.f_bavail * s.f_frsize)
    }

    fn checks(&self) -> Vec<Check> {
        let status = self.ledger.status();
        let mut checks = vec![
            check(
                "journal",
                status.journal,
                status.journal_cause.clone(),
                "punches are not receipted and wait in the terminals; free some space, or look \
                 after the disk and restart",
            ),
            check(
                "views",
                if status.views_behind > VIEWS_BEHIND { Health::Degraded } else { status.views },
                Some(format!("{} records behind", status.views_behind)),
                "punches are taken; pages wait until the indexes are built again",
            ),
            self.disk(),
            policy(&status),
            expiring(&status),
            stop(&status),
            rights(&status),
        ];
        checks.extend(status.destinations.iter().map(destination));
        checks.extend(links(&(self.links)()));
        checks.push(renewal(&renewal::overdue(&self.ledger.devices().list(), now_ms())));
        checks.extend(self.tried.iter().map(|file| egress::check(file, SystemTime::now())));
        checks.extend(self.siem.iter().map(siem::Standing::check));
        checks
    }

    fn disk(&self) -> Check {
        let free = self.free();
        let health = if free < DISK_LOW { Health::Degraded } else { Health::Ok };
        let cause = format!("{} MiB free", free >> 20);
        check("disk", health, Some(cause), "free some space on the disk that holds the data")
    }
}

fn policy(status: &muster_ledger::Status) -> Check {
    let cause = match &status.policy {
        None => Some("there is no policy".to_owned()),
        Some(_) if status.policy_holds.is_empty() => None,
        Some(policy) => Some(format!("{policy}: {}", status.policy_holds.join(", "))),
    };
    let cure = "punches are taken and held; publish a policy that is signed and in date, with a \
                trusted clock";
    if let Some(refused) = &status.policy_refused {
        let in_force = status.policy.as_deref().unwrap_or("none");
        let cause = format!("a policy was refused and {in_force} stays in force: {refused}");
        return check("policy", Health::Degraded, Some(cause), "correct it and publish it again");
    }
    let health = if cause.is_some() { Health::Degraded } else { Health::Ok };
    check("policy", health, cause, cure)
}

/// What ends within thirty days: told at 30, 7 and 1.
fn expiring(status: &muster_ledger::Status) -> Check {
    let line = |expiry: &muster_ledger::Expiry| {
        let (what, which, at) = (&expiry.what, &expiry.which, expiry.at);
        match expiry.days {
            days if days <= 0 => format!("{what} {which} ended at {at}"),
            days => format!("{what} {which} ends in {days} days, at {at}"),
        }
    };
    let lines: Vec<String> = status.expiring.iter().take(MAX_EXPIRING).map(line).collect();
    let health = if lines.is_empty() { Health::Ok } else { Health::Degraded };
    let cure = "file the paper that follows with `muster papers add`, or publish the renewed \
                policy; what rests on it is held from then on";
    check("expiry", health, Some(lines.join("; ")), cure)
}

fn rights(status: &muster_ledger::Status) -> Check {
    let overdue = status.rights_overdue;
    let health = if overdue == 0 { Health::Ok } else { Health::Degraded };
    let cause = format!("{overdue} answers to people are overdue");
    check("rights", health, Some(cause), "answer them: `muster person requests` shows which")
}

fn stop(status: &muster_ledger::Status) -> Check {
    let cause = status.local_only.as_ref().map(|stop| format!("switched on by {}", stop.by));
    let health = if cause.is_some() { Health::Degraded } else { Health::Ok };
    let cure =
        "nothing leaves; two people end it with `muster local-only off` and `muster approve`";
    check("local-only", health, cause, cure)
}

fn destination(destination: &muster_ledger::DestinationStatus) -> Check {
    let name = format!("destination {}", destination.destination);
    let (cause, cure) = match &destination.paused {
        None => return quota(&name, destination.meter.as_ref()),
        Some(PauseReason::Down(cause)) => {
            (cause, "records wait and go out by themselves when the region answers again")
        }
        Some(PauseReason::WrongRegion(cause)) => {
            (cause, "records wait; find out who answers there, and correct address or certificate")
        }
        Some(PauseReason::WrongTenant(cause)) => {
            (cause, "records wait; correct corp_id or the application's credentials, and restart")
        }
        Some(PauseReason::Quota(cause)) => (
            cause,
            "records wait until calls are allowed again; raise the quota and the limit here",
        ),
    };
    check(&name, Health::Degraded, Some(cause.clone()), cure)
}

/// A destination that works, and may run out of calls.
fn quota(name: &str, meter: Option<&muster_ledger::Meter>) -> Check {
    let runs_out = meter.and_then(|meter| Some((meter, meter.forecast_ms(now_ms())?)));
    let Some((meter, at_ms)) = runs_out else { return check(name, Health::Ok, None, "") };
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default();
    let at = at.strftime("%Y-%m-%d");
    let cause = format!("{} of {} calls used; none left on {at}", meter.calls, meter.limit);
    let cure = "raise the quota at the destination and calls_per_month here, or records will wait";
    check(name, Health::Degraded, Some(cause), cure)
}

/// The serial ports and the broker.
fn links(status: &IntakeStatus) -> Vec<Check> {
    let health = |well| if well { Health::Ok } else { Health::Degraded };
    let port = |port: &muster_intake::SerialStatus| {
        let name = format!("serial {}", port.port.display());
        let cure = "plug the adapter in, or correct the port; terminals keep their punches";
        check(&name, health(port.open), port.cause.clone(), cure)
    };
    let broker = |broker: &muster_intake::BrokerStatus| {
        let cure = "look after the broker; the box connects again by itself";
        check("broker", health(broker.connected), broker.cause.clone(), cure)
    };
    let links = status.serial.iter().map(port).chain(status.broker.iter().map(broker));
    links.chain([vault(&status.vault), terminals(&status.alarms)]).collect()
}

/// Whether evidence is kept.
fn vault(status: &VaultStatus) -> Check {
    let health = if status.degraded.is_some() { Health::Degraded } else { Health::Ok };
    let cure = "punches are taken without their evidence; free some space, or look after the folder \
                data/vault";
    check("vault", health, status.degraded.clone(), cure)
}

/// What devices were refused for, or tell of.
fn terminals(alarms: &[Alarm]) -> Check {
    let line = |alarm: &Alarm| {
        let at = jiff::Timestamp::from_millisecond(alarm.last_ms).unwrap_or_default();
        let device = alarm.device.as_deref().unwrap_or("no device of ours");
        let (cause, count) = (alarm.reason.cause(), alarm.count);
        format!("{device}: {cause} ({count} times, last {})", at.strftime("%F %T UTC"))
    };
    let named = || alarms.iter().take(MAX_ALARMS);
    let mut causes: Vec<String> = named().map(line).collect();
    if alarms.len() > MAX_ALARMS {
        causes.push(format!("and {} more", alarms.len() - MAX_ALARMS));
    }
    let mut cures: Vec<&str> = named().map(|alarm| alarm.reason.cure()).collect();
    cures.dedup();
    let health = if alarms.is_empty() { Health::Ok } else { Health::Degraded };
    check("terminals", health, Some(causes.join("; ")), &cures.join("; "))
}

/// Certificates of terminals that were not renewed in time.
fn renewal(overdue: &[(String, Overdue)]) -> Check {
    let named = || overdue.iter().take(MAX_OVERDUE);
    let mut causes: Vec<String> =
        named().map(|(device, late)| format!("{device}: {}", late.cause())).collect();
    if overdue.len() > MAX_OVERDUE {
        causes.push(format!("and {} more", overdue.len() - MAX_OVERDUE));
    }
    let mut cures: Vec<&str> = named().map(|(_, late)| late.cure()).collect();
    cures.dedup();
    let health = if overdue.is_empty() { Health::Ok } else { Health::Degraded };
    check("renewal", health, Some(causes.join("; ")), &cures.join("; "))
}

/// A check; cause and cure are told only where it is not well.
pub(crate) fn check(name: &str, status: Health, cause: Option<String>, cure: &str) -> Check {
    let well = status == Health::Ok;
    Check {
        name: name.to_owned(),
        status,
        since: 0,
        cause: cause.filter(|_| !well),
        cure: (!well).then(|| cure.to_owned()),
    }
}
