//! Corrections of punches: one asks with a reason, a second person decides. The recorded punch is
//! never changed.

use jiff::civil::Date;
use muster_attendance::time::Instant;
use muster_attendance::{Direction, EventId, PersonId, input};
use serde::{Deserialize, Serialize};

/// What a correction does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Change {
    /// Makes a punch that was never recorded.
    Add { at: i64, direction: Option<Direction> },
    /// Replaces time or direction of a recorded punch.
    Set { punch: EventId, at: Option<i64>, direction: Option<Direction> },
    /// Takes a recorded punch out.
    Void { punch: EventId },
}

/// A correction on file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Correction {
    /// Its number; ids on sheets are `c` and this.
    pub number: u32,
    /// Whose.
    pub person: PersonId,
    /// The workday it is for.
    pub date: Date,
    /// What it does.
    pub change: Change,
    /// The account that asked; of the person themself `@` and the account that let them in.
    pub by: String,
    /// When, milliseconds since 1970.
    pub asked_ms: i64,
    /// Why, sealed under the person's secret; see [`crate::Directory::open_note`].
    pub reason: String,
    /// Who decided, when, and whether they said yes.
    #[serde(default)]
    pub decided: Option<Decided>,
}

/// The second person's word.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decided {
    /// The account.
    pub by: String,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Yes or no.
    pub approved: bool,
}

impl Correction {
    /// Its id on a sheet.
    pub fn id(&self) -> String {
        format!("c{}", self.number)
    }

    /// Who asks where the person themself does, let in by a code of `giver`.
    pub fn by_person(giver: &str) -> String {
        format!("@{giver}")
    }

    /// The account that let the person in who asked; `None` where an account asked.
    pub fn let_in_by(&self) -> Option<&str> {
        self.by.strip_prefix('@')
    }

    /// Whether this account asked, or let in who did: it does not decide.
    pub fn is_of(&self, account: &str) -> bool {
        self.by == account || self.let_in_by() == Some(account)
    }

    /// As the rules take it, as it was at `as_of_ms`.
    pub(super) fn input(&self, as_of_ms: i64) -> Option<input::Correction> {
        if self.asked_ms > as_of_ms {
            return None;
        }
        let decided = self.decided.as_ref().filter(|decided| decided.at_ms <= as_of_ms);
        let (op, punch, at, direction) = match self.change {
            Change::Add { at, direction } => (input::Op::Add, None, Some(at), direction),
            Change::Set { punch, at, direction } => (input::Op::Set, Some(punch), at, direction),
            Change::Void { punch } => (input::Op::Void, Some(punch), None, None),
        };
        Some(input::Correction {
            id: self.id(),
            op,
            date: Some(self.date),
            punch: punch.map(|punch| punch.to_string()),
            at: at.map(Instant::from_seconds),
            direction,
            status: match decided {
                None => input::Status::Pending,
                Some(Decided { approved: true, .. }) => input::Status::Approved,
                Some(_) => input::Status::Rejected,
            },
            by: Some(self.by.clone()),
            approver: decided.map(|decided| decided.by.clone()),
            decided_at: decided.map(|decided| Instant::from_millis(decided.at_ms)),
        })
    }
}
