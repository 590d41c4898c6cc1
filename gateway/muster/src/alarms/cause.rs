//! What is an alarm: from what is seen of the box to what somebody must hear. Pure.

use super::{Alarm, Kind};
use crate::config::Problem;
use crate::health::Check;
use crate::renewal;
use muster_ledger::{Device, DeviceState, Health, PauseReason, Recovery, Status, quarantine};

/// What is seen.
pub(super) struct Observed<'a> {
    pub(super) now_ms: i64,
    pub(super) silent_after_ms: i64,
    pub(super) checks: &'a [Check],
    pub(super) status: &'a Status,
    pub(super) devices: &'a [Device],
    /// What devices were refused for, or tell of.
    pub(super) terminals: &'a [muster_intake::alarms::Alarm],
    pub(super) recovery: &'a Recovery,
    pub(super) certificates: &'a [Problem],
}

/// Every alarm that stands or happened.
pub(super) fn alarms(seen: &Observed<'_>) -> Vec<Alarm> {
    let mut found = tampering(seen);
    found.extend(leaks(seen.status));
    found.extend(regions(seen.status));
    found.extend(devices(seen));
    found.extend(renewals(seen));
    found.extend(disk(seen.checks));
    found.extend(
        seen.certificates.iter().map(|problem| {
            Alarm::new(Kind::Certificate, &problem.at, &problem.what, &problem.cure)
        }),
    );
    found
}

fn tampering(seen: &Observed<'_>) -> Vec<Alarm> {
    let mut found = Vec::new();
    let at_start = |name: &str, cause: &str| {
        let cure = "find out who was at the box; muster journal verify tells where; restore the \
                    last backup if it was not you";
        Alarm::new(Kind::Tamper, name, cause, cure)
    };
    if seen.recovery.rolled_back {
        found.push(at_start("data folder", "an older data folder was put back"));
    }
    if seen.recovery.broken_chain.is_some() {
        found.push(at_start("journal", "a batch does not continue the chain: history was edited"));
    }
    found.extend(seen.terminals.iter().map(terminal));
    found
}

/// What a device was refused for, or tells of.
fn terminal(alarm: &muster_intake::alarms::Alarm) -> Alarm {
    let device = alarm.device.as_deref().unwrap_or("that is none of ours");
    let name = format!("terminal {device} {}", alarm.reason.word());
    Alarm::new(Kind::Tamper, &name, alarm.reason.cause(), alarm.reason.cure()).happened(alarm.count)
}

/// What the guard at the way out has stopped.
fn leaks(status: &Status) -> Vec<Alarm> {
    let stopped = status.set_aside.iter().filter(|(code, _)| code.starts_with(quarantine::EGRESS));
    let alarm = |(code, &count): (&String, &u64)| {
        let cause = format!("{count} parcels were stopped on their way out so far, and set aside");
        let cure = "nothing left; look at what is set aside, and tell the data protection officer";
        Alarm::new(Kind::LeakAttempt, code, cause, cure).happened(count)
    };
    stopped.map(alarm).collect()
}

fn regions(status: &Status) -> Vec<Alarm> {
    let alarm = |of: &muster_ledger::DestinationStatus| {
        let name = of.destination.as_str();
        match of.paused.as_ref()? {
            PauseReason::WrongRegion(cause) | PauseReason::WrongTenant(cause) => {
                let cure = "records wait; find out who answers there, and correct the address or \
                            the certificate";
                Some(Alarm::new(Kind::RegionMismatch, name, cause, cure))
            }
            PauseReason::Down(cause) if cause.contains("certificate") => {
                let cure = "records wait; renew the certificate that is named, here or there";
                Some(Alarm::new(Kind::Certificate, name, cause, cure))
            }
            _ => None,
        }
    };
    status.destinations.iter().filter_map(alarm).collect()
}

fn devices(seen: &Observed<'_>) -> Vec<Alarm> {
    let cure = "look after its power, cable and network: it keeps its punches. If it was stolen: \
                muster device revoke";
    let paired = seen.devices.iter().filter(|device| device.state == DeviceState::Paired);
    let silent = paired.filter(|device| {
        device.last_seen_ms.is_some_and(|at| seen.now_ms.saturating_sub(at) > seen.silent_after_ms)
    });
    let mut found: Vec<Alarm> = silent
        .map(|device| {
            let cause = "the terminal is silent for longer than [alarms] silent_after_s";
            Alarm::new(Kind::LostDevice, &device.name, cause, cure)
        })
        .collect();
    let ports = seen.checks.iter().filter(|check| {
        (check.name.starts_with("serial ") || check.name == "broker") && check.status != Health::Ok
    });
    found.extend(ports.map(|check| of_check(Kind::LostDevice, check)));
    found
}

/// Terminals whose certificates were not renewed in time.
fn renewals(seen: &Observed<'_>) -> Vec<Alarm> {
    let alarm = |(device, late): (String, renewal::Overdue)| {
        let name = format!("terminal {device}");
        Alarm::new(Kind::Certificate, &name, late.cause(), late.cure())
    };
    renewal::overdue(seen.devices, seen.now_ms).into_iter().map(alarm).collect()
}

fn disk(checks: &[Check]) -> Vec<Alarm> {
    let of = checks.iter().filter(|check| matches!(check.name.as_str(), "disk" | "journal"));
    let bad = of.filter(|check| check.status != Health::Ok);
    bad.map(|check| of_check(Kind::Disk, check)).collect()
}

fn of_check(kind: Kind, check: &Check) -> Alarm {
    let (cause, cure) = (check.cause.clone(), check.cure.as_deref());
    Alarm::new(kind, &check.name, cause.unwrap_or_default(), cure.unwrap_or_default())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use muster_intake::alarms::AlarmReason;
    use muster_ledger::{Clock, ClockTrust, Ledger, Options, RootKey};

    /// The status of a box that is well.
    fn well() -> Status {
        let folder = tempfile::tempdir().unwrap();
        let (ledger, _) = Ledger::open(Options {
            data: folder.path().join("data"),
            site: "a".into(),
            time_zone: "UTC".into(),
            root_key: RootKey::new([1; 32]),
            clock: Clock::new(|| (0, ClockTrust::Trusted)),
            views_cache_bytes: 1 << 20,
        })
        .unwrap();
        ledger.status()
    }

    fn check(change: impl Fn(&mut Status, &mut Recovery, &mut Vec<Check>), expect: &[&str]) {
        let (mut status, mut recovery, mut checks) = (well(), Recovery::default(), Vec::new());
        change(&mut status, &mut recovery, &mut checks);
        let found = alarms(&Observed {
            now_ms: 10_000,
            silent_after_ms: 5_000,
            checks: &checks,
            status: &status,
            devices: &[],
            terminals: &[],
            recovery: &recovery,
            certificates: &[],
        });
        let keys: Vec<String> = found.iter().map(Alarm::key).collect();
        assert_eq!(keys, expect);
        assert!(found.iter().all(|alarm| !alarm.cure.is_empty() && !alarm.cause.is_empty()));
    }

    fn told(device: &str, reason: AlarmReason) -> muster_intake::alarms::Alarm {
        let device = Some(device.to_owned()).filter(|device| !device.is_empty());
        muster_intake::alarms::Alarm { device, reason, last_ms: 0, count: 2 }
    }

    #[test]
    fn each_reason_of_a_terminal_is_an_alarm_of_its_own() {
        let keys = [("gate", AlarmReason::Cloned), ("", AlarmReason::Unpaired)];
        let keys = keys.map(|(device, reason)| {
            let alarm = terminal(&told(device, reason));
            assert_eq!((alarm.cause.as_str(), alarm.count), (reason.cause(), 2));
            assert_eq!(alarm.cure, reason.cure());
            alarm.key()
        });
        assert_eq!(
            keys,
            ["tamper terminal gate cloned", "tamper terminal that is none of ours unpaired",]
        );
    }

    fn bad(name: &str) -> Check {
        Check {
            name: name.into(),
            status: Health::Degraded,
            since: 0,
            cause: Some("cause".into()),
            cure: Some("cure".into()),
        }
    }

    #[test]
    fn a_terminal_that_was_heard_and_is_silent_is_lost() {
        let device = |state, last_seen_ms| Device {
            id: muster_attendance::DeviceId(1),
            name: "gate".into(),
            kind: muster_ledger::DeviceKind::M1,
            state,
            carrier: None,
            address: None,
            certificate: None,
            former: None,
            certificate_ends_s: None,
            last_seen_ms,
            records: 0,
            refused: 0,
        };
        let lost = |state, last_seen_ms| {
            let (status, recovery) = (well(), Recovery::default());
            let terminals = [told("gate", AlarmReason::Tampered)];
            let found = alarms(&Observed {
                now_ms: 10_000,
                silent_after_ms: 5_000,
                checks: &[],
                status: &status,
                devices: &[device(state, last_seen_ms)],
                terminals: &terminals,
                recovery: &recovery,
                certificates: &[],
            });
            found.iter().map(Alarm::key).collect::<Vec<_>>()
        };
        let tampered = "tamper terminal gate tampered";
        assert_eq!(lost(DeviceState::Paired, Some(4_999)), [tampered, "lost-device gate"]);
        assert_eq!(lost(DeviceState::Paired, Some(5_000)), [tampered]);
        assert_eq!(lost(DeviceState::Paired, None), [tampered]);
        assert_eq!(lost(DeviceState::Revoked, Some(0)), [tampered]);
        let ended = |device: Device| Device { certificate_ends_s: Some(9), ..device };
        let (status, recovery) = (well(), Recovery::default());
        let devices =
            [ended(device(DeviceState::Paired, None)), ended(device(DeviceState::Revoked, None))];
        let seen = Observed {
            now_ms: 10_000,
            silent_after_ms: 5_000,
            checks: &[],
            status: &status,
            devices: &devices,
            terminals: &[],
            recovery: &recovery,
            certificates: &[],
        };
        let keys: Vec<String> = alarms(&seen).iter().map(Alarm::key).collect();
        assert_eq!(keys, ["certificate terminal gate"]);
    }

    #[test]
    fn each_kind_is_known_and_nothing_else_is() {
        check(|_, _, _| {}, &[]);
        check(|_, recovery, _| recovery.rolled_back = true, &["tamper data folder"]);
        check(|_, recovery, _| recovery.broken_chain = Some(3), &["tamper journal"]);
        check(
            |status, _, _| {
                status.set_aside.insert("EGRESS-BASE64".into(), 1);
                status.set_aside.insert("SEQ-CONFLICT".into(), 1);
            },
            &["leak-attempt EGRESS-BASE64"],
        );
        check(
            |_, _, checks| checks.extend(["disk", "views", "serial /dev/a", "expiry"].map(bad)),
            &["lost-device serial /dev/a", "disk disk"],
        );
        let paused = |reason: fn(String) -> PauseReason, why: &'static str| {
            move |status: &mut Status, _: &mut Recovery, _: &mut Vec<Check>| {
                let destination = serde_json::json!({ "destination": "d" });
                let name = destination["destination"].as_str().unwrap().to_owned();
                status.destinations.push(muster_ledger::DestinationStatus {
                    destination: name,
                    backlog: 0,
                    settled: 0,
                    rejected: 0,
                    permitted: 0,
                    undeliverable: 0,
                    sealed_to: None,
                    paused: Some(reason(why.into())),
                    paused_since_ms: None,
                    last_settled_ms: None,
                    meter: None,
                    by_contract: None,
                });
            }
        };
        check(paused(PauseReason::WrongRegion, "it names another"), &["region-mismatch d"]);
        check(paused(PauseReason::Down, "invalid peer certificate: Expired"), &["certificate d"]);
        check(paused(PauseReason::Down, "connection refused"), &[]);
    }
}
