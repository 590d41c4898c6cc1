//! The sums of a sheet's dates.

use crate::day::{Day, DayMinutes, State};
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a range of dates comes to.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Month {
    /// How many days are in each state; only states that occur.
    pub days: BTreeMap<State, u32>,
    /// Sums of the days' minutes.
    #[serde(flatten)]
    pub minutes: DayMinutes,
    /// Days with late minutes.
    pub late_days: u32,
    /// Days with early minutes.
    pub early_days: u32,
    /// Dates that are not final.
    pub open: Vec<Date>,
}

impl Month {
    /// Sums up days.
    pub fn sum<'a>(days: impl IntoIterator<Item = (&'a Date, &'a Day)>) -> Self {
        let mut month = Self::default();
        for (date, day) in days {
            *month.days.entry(day.state).or_default() += 1;
            month.minutes += day.minutes;
            month.late_days += u32::from(day.minutes.late > 0);
            month.early_days += u32::from(day.minutes.early > 0);
            if !day.is_final {
                month.open.push(*date);
            }
        }
        month
    }
}
