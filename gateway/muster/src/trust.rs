//! How far the box's own clock may be trusted, as `[clock] trust` says.
//!
//! `ntp` follows systemd-timesyncd's stamp (its file is touched at each synchronisation) and, where
//! another client keeps the time, the kernel's word through `timedatectl`. `rtc` wants a clock
//! chip that agrees with the system. Checked every [`EVERY`], never on a hot path.

use crate::config::Trust;
use muster_ledger::{Clock, ClockTrust};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often the answer is looked up again.
const EVERY: Duration = Duration::from_secs(30);
/// A synchronisation is good for this long.
const SYNC_HOLDS: Duration = Duration::from_secs(24 * 3600);
/// How far a clock chip may be off.
const RTC_AGREES_S: i64 = 120;

const TIMESYNC_STAMP: &str = "/run/systemd/timesync/synchronized";
const RTC: &str = "/sys/class/rtc/rtc0/since_epoch";

/// The clock for the ledger, and the task that keeps its trust current.
pub(crate) fn clock(trust: Trust) -> Clock {
    if trust == Trust::Assume {
        return Clock::new(|| (now_ms(), ClockTrust::Trusted));
    }
    let trusted = Arc::new(AtomicBool::new(trusted_now(trust)));
    let watched = Arc::downgrade(&trusted);
    std::thread::spawn(move || {
        // Ends with the clock.
        while let Some(trusted) = watched.upgrade() {
            trusted.store(trusted_now(trust), Ordering::Relaxed);
            drop(trusted);
            std::thread::sleep(EVERY);
        }
    });
    Clock::new(move || {
        let trust = match trusted.load(Ordering::Relaxed) {
            true => ClockTrust::Trusted,
            false => ClockTrust::Untrusted,
        };
        (now_ms(), trust)
    })
}

/// Milliseconds since 1970 by the system's clock; 0 before it.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Whether the clock is trusted now, and whose word that is.
pub(crate) fn source(trust: Trust) -> (bool, &'static str) {
    let source = match trust {
        Trust::Assume => "trust = \"assume\"",
        Trust::Ntp if timesync_stamp_is_fresh() => "systemd-timesyncd",
        Trust::Ntp => "the kernel's NTP state",
        Trust::Rtc => "the clock chip",
    };
    (trusted_now(trust), source)
}

fn trusted_now(trust: Trust) -> bool {
    match trust {
        Trust::Assume => true,
        Trust::Ntp => timesync_stamp_is_fresh() || kernel_says_synchronised(),
        Trust::Rtc => rtc_agrees(),
    }
}

fn timesync_stamp_is_fresh() -> bool {
    let stamp = std::fs::metadata(TIMESYNC_STAMP).and_then(|m| m.modified());
    stamp.ok().and_then(|at| at.elapsed().ok()).is_some_and(|age| age < SYNC_HOLDS)
}

fn kernel_says_synchronised() -> bool {
    Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        .output()
        .is_ok_and(|out| out.stdout.trim_ascii() == b"yes")
}

fn rtc_agrees() -> bool {
    let chip = std::fs::read_to_string(RTC).ok().and_then(|s| s.trim().parse::<i64>().ok());
    chip.is_some_and(|chip| (chip - now_ms() / 1000).abs() <= RTC_AGREES_S)
}
