//! Certificates of terminals that should have been renewed and were not. A terminal renews its own once
//! half of its life is over ([`RENEWED_BEFORE`] its end), and has a year for it; one that has not after
//! [`GRACE_S`] has some trouble, and is told of while there is time. Pure.

use muster_intake::authority::RENEWED_BEFORE;
use muster_ledger::{Device, DeviceState};

/// How long a terminal may take over its renewal, seconds: it asks once a day.
const GRACE_S: i64 = 30 * 86_400;
/// Terminals that are told of at once.
const MAX_TOLD: usize = 200;

/// One that was not renewed in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Overdue {
    /// It is good until then, seconds since 1970.
    Ends(i64),
    /// It ended then: the terminal is shut out.
    Ended(i64),
}

impl Overdue {
    /// Of a certificate that ends at `ends`, both in seconds since 1970.
    pub(crate) fn at(ends: i64, now: i64) -> Option<Self> {
        let asked_until = ends.saturating_sub(RENEWED_BEFORE.as_secs() as i64) + GRACE_S;
        match () {
            () if now >= ends => Some(Self::Ended(ends)),
            () if now >= asked_until => Some(Self::Ends(ends)),
            () => None,
        }
    }

    /// What is wrong.
    pub(crate) fn cause(self) -> String {
        match self {
            Self::Ends(at) => {
                format!("its certificate ends on {} and was not renewed in time", date(at))
            }
            Self::Ended(at) => format!("its certificate ended on {}: it is shut out", date(at)),
        }
    }

    /// What to do.
    pub(crate) fn cure(self) -> &'static str {
        match self {
            Self::Ends(_) => {
                "restart the terminal, which asks soon after its start, and look at its log; if that \
                 does not help, revoke it and pair it anew"
            }
            Self::Ended(_) => {
                "muster device revoke, then muster device pair --code; it has kept its punches"
            }
        }
    }
}

/// The paired terminals whose certificates are overdue, by name.
pub(crate) fn overdue(devices: &[Device], now_ms: i64) -> Vec<(String, Overdue)> {
    let paired = devices.iter().filter(|device| device.state == DeviceState::Paired);
    let late = paired.filter_map(|device| {
        Some((device.name.clone(), Overdue::at(device.certificate_ends_s?, now_ms / 1000)?))
    });
    late.take(MAX_TOLD).collect()
}

fn date(seconds: i64) -> String {
    let at = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    at.strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_intake::authority::LIFETIME;

    #[test]
    fn a_terminal_has_a_month_for_its_renewal() {
        const DAY: i64 = 86_400;
        let ends = LIFETIME.as_secs() as i64;
        let check = |days_left: i64, expect: Option<Overdue>| {
            assert_eq!(Overdue::at(ends, ends - days_left * DAY), expect, "{days_left} days left");
        };
        check(730, None);
        check(336, None);
        check(335, Some(Overdue::Ends(ends)));
        check(1, Some(Overdue::Ends(ends)));
        check(0, Some(Overdue::Ended(ends)));
        check(-9, Some(Overdue::Ended(ends)));
    }
}
