//! Moments as people write them on the command line.

use crate::config::Config;
use crate::store;
use anyhow::{Result, anyhow};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Characters of a day, as 2026-12-01.
const DAY_LEN: usize = 10;

/// `2026-12-01T00:00:00+08:00`, or a day, which begins at midnight of the site's zone.
pub(super) fn moment(config: &Config, text: &str) -> Result<Timestamp> {
    in_zone(&store::time_zone(config), text)
}

fn in_zone(zone: &str, text: &str) -> Result<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let day = (text.len() == DAY_LEN).then(|| text.parse::<Date>().ok()).flatten();
    let day = day.and_then(|day| day.to_zoned(zone).ok());
    day.map(|day| day.timestamp()).ok_or_else(|| {
        anyhow!("{text:?} is no moment; write 2026-12-01 or 2026-12-01T09:00:00+08:00")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_in_the_sites_zone() {
        let check = |text: &str, expect: Option<&str>| {
            let found = in_zone("Asia/Macau", text).ok().map(|at| at.to_string());
            assert_eq!(found.as_deref(), expect, "{text}");
        };
        check("2026-12-01", Some("2026-11-30T16:00:00Z"));
        check("2026-12-01T09:00:00+08:00", Some("2026-12-01T01:00:00Z"));
        check("2026-12-01T09:00:00", None);
        check("tomorrow", None);
        check("", None);
    }
}
