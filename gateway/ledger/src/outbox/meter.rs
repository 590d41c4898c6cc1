//! Calls to a destination that meters them: counted in the journal, so that a restart forgets none.

use super::{Outbox, OutboxError};
use crate::act::Act;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

const SHANGHAI: Offset = Offset::constant(8);

/// Calls of one calendar month, as the destination counts months.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Meter {
    /// As `202612`.
    pub month: u32,
    /// Calls made or set aside for being made: an upper bound.
    pub calls: u64,
    /// Calls allowed in a month, as configured when this was written; 0 is no limit.
    pub limit: u64,
}

impl Meter {
    /// The month of a moment, as `202612`.
    pub fn month_at(now_ms: i64) -> u32 {
        let date = local(now_ms);
        date.year().unsigned_abs() as u32 * 100 + date.month().unsigned_abs() as u32
    }

    /// When the month of a moment ends, in milliseconds since 1970.
    pub fn month_end_ms(now_ms: i64) -> i64 {
        let next = local(now_ms).last_of_month().saturating_add(jiff::Span::new().days(1));
        start_of(next)
    }

    /// When the calls will be used up if they go on as they did so far this month; `None` if not
    /// before it ends.
    pub fn forecast_ms(&self, now_ms: i64) -> Option<i64> {
        if self.limit == 0 || self.calls == 0 || self.month != Self::month_at(now_ms) {
            return None;
        }
        let start = start_of(local(now_ms).first_of_month());
        let elapsed = i128::from(now_ms.saturating_sub(start).max(1));
        let needed = elapsed * i128::from(self.limit) / i128::from(self.calls);
        let at = i64::try_from(i128::from(start) + needed).ok()?;
        (at < Self::month_end_ms(now_ms)).then_some(at)
    }
}

/// The day in Asia/Shanghai, which keeps UTC+8 all year: the calendar by which calls are metered.
fn local(now_ms: i64) -> Date {
    let at = Timestamp::from_millisecond(now_ms).unwrap_or_default();
    SHANGHAI.to_datetime(at).date()
}

fn start_of(date: Date) -> i64 {
    let at = SHANGHAI.to_timestamp(date.at(0, 0, 0, 0));
    at.map_or(i64::MAX, |at| at.as_millisecond())
}

impl Outbox {
    /// The meter as journaled last; all zero where none was.
    pub fn meter(&self) -> Meter {
        self.shared.core().state.meters.get(&*self.destination).cloned().unwrap_or_default()
    }

    /// Journals that calls are counted up to `meter`; durable when this returns.
    pub async fn set_meter(&self, meter: Meter) -> Result<(), OutboxError> {
        let destination = self.destination.to_string();
        Ok(self.acts.submit(vec![Act::Metered { destination, meter }]).await?)
    }

    /// Journals what was found at the destination: never personal data.
    pub async fn note(&self, what: &str) -> Result<(), OutboxError> {
        let (actor, what) = (format!("uplink {}", self.destination), what.to_owned());
        Ok(self.acts.submit(vec![Act::Noted { actor, what }]).await?)
    }

    /// The box's clock, milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.shared.clock.now_ms()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_turn_in_shanghai() {
        // 2026-11-30T15:59:59.999Z is the last moment of November there.
        let last = 1_796_054_399_999;
        assert_eq!((Meter::month_at(last), Meter::month_at(last + 1)), (202_611, 202_612));
        assert_eq!(Meter::month_end_ms(last), last + 1);
    }

    #[test]
    fn the_forecast_goes_by_the_rate_of_the_month() {
        let start = 1_796_054_400_000;
        let day = 86_400_000;
        let meter = |calls, limit| Meter { month: 202_612, calls, limit };
        let after = |days: i64| start + days * day;
        assert_eq!(meter(5_000, 10_000).forecast_ms(after(10)), Some(after(20)));
        assert_eq!(meter(3_000, 10_000).forecast_ms(after(10)), None);
        assert_eq!(meter(5_000, 0).forecast_ms(after(10)), None);
        assert_eq!(meter(5_000, 10_000).forecast_ms(after(40)), None, "of another month");
    }
}
