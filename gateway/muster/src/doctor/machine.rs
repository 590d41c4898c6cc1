//! The machine: clock, disk, memory, and the unit that runs the gateway.

use super::{Finding, State};
use crate::config::Config;
use crate::trust;
use std::path::Path;
use std::process::Command;

/// Free bytes below which the disk is nearly full, and below which it is full for the journal.
const DISK_LOW: u64 = 512 << 20;
const DISK_FULL: u64 = 32 << 20;
/// A disk that fills within so many days is told of.
const FILLS_WITHIN_DAYS: u64 = 30;
/// Free memory below which the machine is short of it.
const MEMORY_LOW_KIB: u64 = 64 << 10;
/// No clock of a living box is before this program: 2026-01-01, seconds since 1970.
const NOT_BEFORE_S: i64 = 1_767_225_600;
const DAY_S: u64 = 86_400;

pub(super) fn clock(config: &Config) -> Vec<Finding> {
    let now = trust::now_ms() / 1000;
    if now < NOT_BEFORE_S {
        let cure = "let it synchronise (timedatectl), or set it; punches are kept and dated later";
        return vec![Finding::broken("clock", "clock", "the clock stands before 2026", cure)];
    }
    let (trusted, source) = trust::source(config.clock.trust);
    let at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    vec![match trusted {
        true => Finding::ok("clock", "clock", format!("{at}, by {source}")),
        false => Finding::warning(
            "clock",
            "clock",
            format!("{at}, which {source} does not confirm: records are held until it does"),
            "timedatectl set-ntp true, and let UDP port 123 through; without a network, a clock \
             chip and trust = \"rtc\"",
        ),
    }]
}

pub(super) fn disk(config: &Config) -> Vec<Finding> {
    let data = &config.site.data;
    let place = if data.exists() { data.as_path() } else { Path::new("/") };
    let Ok(stat) = rustix::fs::statvfs(place) else {
        let cure = "see whether the disk is mounted";
        return vec![Finding::broken("disk", "disk", "the disk does not answer", cure)];
    };
    let (free, total) = (stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize);
    let mut found = vec![room(free, total, used(data), age_days(data))];
    if stat.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY) {
        let cure = "the kernel does so after errors: back the box up, and replace the disk";
        found.push(Finding::broken("disk", "disk mount", "mounted read-only", cure));
    }
    if stat.f_files > 0 && stat.f_favail < 1000 {
        let cure = "remove many small files from this disk";
        found.push(Finding::broken("disk", "disk inodes", "no room for more files", cure));
    }
    match errors(place) {
        Some(count) if count > 0 => found.push(Finding::warning(
            "disk",
            "disk errors",
            format!("the file system has met {count} errors"),
            "back the box up now; check the file system; replace the disk if they grow",
        )),
        _ => {}
    }
    found
}

/// Room now, and for how long it lasts at the pace so far.
fn room(free: u64, total: u64, used: u64, days: u64) -> Finding {
    let pace = used / days.max(1);
    let left = free.checked_div(pace);
    let forecast = match left {
        Some(days) if days < 36_500 => format!(", for {days} days at the pace so far"),
        _ => String::new(),
    };
    let seen = format!("{} of {} MiB free{forecast}", free >> 20, total >> 20);
    let cure = "free some space on the disk that holds the data, or move to a larger one: backup, \
                restore";
    let soon = days >= 7 && left.is_some_and(|left| left < FILLS_WITHIN_DAYS);
    match free {
        0..DISK_FULL => Finding::broken("disk", "disk room", seen, cure),
        DISK_FULL..DISK_LOW => Finding::warning("disk", "disk room", seen, cure),
        _ if soon => Finding::warning("disk", "disk room", seen, cure),
        _ => Finding::ok("disk", "disk room", seen),
    }
}

/// Bytes of the data folder.
fn used(data: &Path) -> u64 {
    let (mut bytes, mut folders) = (0, vec![data.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(found) if found.is_dir() => folders.push(entry.path()),
                Ok(found) => bytes += found.len(),
                Err(_) => {}
            }
        }
    }
    bytes
}

/// Days since the box was set up.
fn age_days(data: &Path) -> u64 {
    let made = std::fs::metadata(data.join("keys/box")).and_then(|box_id| box_id.modified());
    made.ok().and_then(|at| at.elapsed().ok()).map_or(0, |age| age.as_secs() / DAY_S)
}

/// Errors that ext4 has counted on the device under `place`.
fn errors(place: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let device = std::fs::metadata(place).ok()?.dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let link = std::fs::read_link(format!("/sys/dev/block/{major}:{minor}")).ok()?;
    let name = link.file_name()?.to_str()?;
    let count = std::fs::read_to_string(format!("/sys/fs/ext4/{name}/errors_count")).ok()?;
    count.trim().parse().ok()
}

pub(super) fn memory() -> Finding {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok()
    };
    let (free, total) = (kib("MemAvailable:").unwrap_or(0), kib("MemTotal:").unwrap_or(0));
    let seen = format!("{} of {} MiB free", free >> 10, total >> 10);
    match free {
        0..MEMORY_LOW_KIB => {
            Finding::warning("memory", "memory", seen, "end what else runs on this machine")
        }
        _ => Finding::ok("memory", "memory", seen),
    }
}

/// Settings of the unit that keep what was promised; each with the value it must have.
const SETTINGS: [(&str, &str); 6] = [
    ("NoNewPrivileges", "yes"),
    ("ProtectSystem", "strict"),
    ("LimitCORE", "0"),
    ("Restart", "always"),
    ("UMask", "0077"),
    ("ProtectHome", "yes"),
];

/// How the service is set, as systemd tells it.
pub(crate) fn unit() -> Finding {
    let known = Path::new("/run/systemd/system").exists();
    let shown = Command::new("systemctl")
        .args(["show", "muster.service", "--property=LoadState,User"])
        .args(SETTINGS.map(|(name, _)| format!("--property={name}")))
        .output();
    let text = match shown {
        Ok(shown) if known => String::from_utf8_lossy(&shown.stdout).into_owned(),
        _ => return Finding::ok("unit", "unit", "no systemd here"),
    };
    let value = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
    };
    if value("LoadState") != "loaded" {
        return Finding::ok("unit", "unit", "muster.service is not installed");
    }
    let wrong = SETTINGS.iter().filter(|(name, expect)| value(name) != *expect);
    let mut wrong: Vec<String> = wrong.map(|(n, expect)| format!("{n} is not {expect}")).collect();
    if matches!(value("User"), "" | "root") {
        wrong.push("it runs as root".to_owned());
    }
    match wrong.is_empty() {
        true => Finding::new("unit", "unit", State::Ok, "muster.service, hardened as shipped"),
        false => Finding::warning(
            "unit",
            "unit",
            wrong.join(", "),
            "systemctl revert muster.service, or take this out of the drop-in",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_told_with_its_forecast() {
        let check = |free: u64, used: u64, days: u64, state: State, tells: &str| {
            let found = room(free << 20, 10_000 << 20, used << 20, days);
            assert_eq!(found.state, state, "{found:?}");
            assert!(found.cause.contains(tells), "{found:?}");
        };
        check(9_000, 100, 100, State::Ok, "for 9000 days");
        check(1_000, 1_000, 10, State::Warning, "for 10 days");
        check(400, 1, 100, State::Warning, "400 of 10000 MiB");
        check(10, 1, 100, State::Broken, "10 of 10000 MiB");
        check(9_000, 0, 0, State::Ok, "MiB free");
    }
}
