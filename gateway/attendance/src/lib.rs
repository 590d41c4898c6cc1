//! Attendance: the nouns that may be shown or sent, and the rules that turn punches into sheets.
//!
//! Nothing here can hold a biometric: an [`Attendance`] is the punch without its evidence. This
//! crate does no IO and keeps no clock and no randomness; time and ids come in as arguments.
//!
//! # From punches to a sheet
//! [`sheet::evaluate`] takes one person's [`input::Input`] and `now`, and gives a [`sheet::Sheet`].
//! It is pure and total, and the order in which things arrived makes no difference; only the
//! roster's own order does. The way through, each step a module:
//!
//! | step | module |
//! | --- | --- |
//! | which shift a date has, at which site, in which zone | `roster` |
//! | the minutes planned: parts less breaks, holidays, leave, storms | `plan` |
//! | which corrections are in force, and on what | `correction` |
//! | a punch's time, direction, and whether it counts | `punch` |
//! | the date a punch belongs to | `workday` |
//! | repeats, and which punches make pairs | `pairing` |
//! | worked, outside, gap, break and away; late and early | `minutes` |
//! | whether the day is final, its state and its marks | `day` |
//! | sums, and what changed since a month was closed | `month`, `adjust` |
//!
//! Two rules hold everywhere. Order, windows and completeness compare seconds, while all measures
//! count minutes. And absence is never claimed before every terminal's data of that day is known
//! to be here: until then a day without punches is [`State::Unknown`].
//!
//! [`replay`] reads the same inputs from a `muster.attendance/1` document, so that any sheet can
//! be computed again later, elsewhere, or by another program.
//!
//! # What these rules leave out
//! Two shifts on one date, half holidays, punching out automatically, premiums, time made up
//! later, breaks that depend on hours worked.
#![forbid(unsafe_code)]

mod adjust;
mod code;
mod correction;
mod day;
pub mod fact;
pub mod input;
mod minutes;
mod month;
mod pairing;
mod plan;
mod punch;
pub mod replay;
mod roster;
pub mod sheet;
pub mod shift;
mod spans;
pub mod summary;
pub mod time;
mod workday;

pub use adjust::{Adjustment, Reason};
pub use code::{Code, Marks};
pub use day::{Day, DayMinutes, Due, PunchUse, State};
pub use fact::{
    Attendance, DeviceClock, DeviceId, DeviceTime, Direction, EventId, Method, Outcome, PersonId,
};
pub use month::Month;
pub use punch::Use;
pub use summary::Summary;
