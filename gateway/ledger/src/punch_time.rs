//! When a punch counts as made: the terminal's time where it can be used, else the box's.

use muster_attendance::{Attendance, DeviceClock};

/// A terminal's time may lie this far behind its receipt, in days: a year off line and a month.
const MAX_BEHIND_DAYS: i64 = 400;
/// And this far ahead, in minutes: two clocks never quite agree.
const MAX_AHEAD_MINUTES: i64 = 10;

/// Whether the terminal's own time of the punch can be used.
pub(crate) fn is_usable(punch: &Attendance) -> bool {
    let received = punch.received_ms.div_euclid(1000);
    let earliest = received.saturating_sub(MAX_BEHIND_DAYS * 86_400);
    let latest = received.saturating_add(MAX_AHEAD_MINUTES * 60);
    punch.clock == DeviceClock::Ok && (earliest..=latest).contains(&punch.at.seconds)
}

/// Seconds since 1970 at which the punch counts as made.
pub(crate) fn effective_seconds(punch: &Attendance) -> i64 {
    if is_usable(punch) { punch.at.seconds } else { punch.received_ms.div_euclid(1000) }
}

/// A stored punch of unusable time waits until it is re-dated; a live one has the box's time.
pub(crate) fn must_wait(punch: &Attendance) -> bool {
    !punch.live && !is_usable(punch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_attendance::{DeviceId, DeviceTime, Method, Outcome};

    fn check(seconds: i64, clock: DeviceClock, usable: bool) {
        let punch = Attendance {
            device: DeviceId(1),
            boot: 1,
            seq: 1,
            person: None,
            at: DeviceTime { seconds, offset_minutes: 0 },
            received_ms: 1_800_000_000_999,
            method: Method::Pin,
            outcome: Outcome::Granted,
            direction: None,
            live: false,
            clock,
        };
        assert_eq!(is_usable(&punch), usable, "{seconds}");
        assert_eq!(must_wait(&punch), !usable);
        let effective = if usable { seconds } else { 1_800_000_000 };
        assert_eq!(effective_seconds(&punch), effective);
    }

    #[test]
    fn times_far_from_their_receipt_cannot_be_used() {
        let received = 1_800_000_000;
        check(received, DeviceClock::Ok, true);
        check(received, DeviceClock::Unsure, false);
        check(received + 600, DeviceClock::Ok, true);
        check(received + 601, DeviceClock::Ok, false);
        check(received - 400 * 86_400, DeviceClock::Ok, true);
        check(received - 400 * 86_400 - 1, DeviceClock::Ok, false);
        check(0, DeviceClock::Ok, false);
        check(i64::MIN, DeviceClock::Ok, false);
        check(i64::MAX, DeviceClock::Ok, false);
    }
}
