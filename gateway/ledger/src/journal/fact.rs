//! One attendance fact as the journal keeps it: 64 bytes.

use muster_attendance::Attendance;

/// A punch with the decision that was in force when it was stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fact {
    /// The punch.
    pub(crate) attendance: Attendance,
    /// Number of its decision (`Act::Decided`); 0 is none.
    pub(crate) decision: u32,
    /// Stored apart: shown, never sent.
    pub(crate) quarantined: bool,
}
