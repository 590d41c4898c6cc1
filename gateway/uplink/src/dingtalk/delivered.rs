//! What was delivered and is to be read back: DingTalk documents no idempotency key, so only its
//! own list can say whether a punch is there once. Pure.
//!
//! Two punches of one person that fall together at the profile's precision look alike there; they
//! are counted, not told apart.

use super::api::{ReadBack, Row};
use std::collections::BTreeMap;

/// Punches remembered at most; then they are read back at once.
pub(crate) const MAX_DELIVERED: usize = 2_000;

/// Delivered punches by user and time in milliseconds, each with how often.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    punches: BTreeMap<(String, i64), u64>,
    since_ms: Option<i64>,
}

/// What reading back found, in numbers: no names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// There as often as delivered.
    pub(crate) once: u64,
    /// There more often.
    pub(crate) doubles: u64,
    /// Not there, or less often.
    pub(crate) missing: u64,
}

impl Delivered {
    /// Notes a punch that was taken at `now_ms`.
    pub(crate) fn note(&mut self, user: &str, check_ms: i64, now_ms: i64) {
        *self.punches.entry((user.to_owned(), check_ms)).or_default() += 1;
        self.since_ms.get_or_insert(now_ms);
    }

    /// Whether it is time to read back: the oldest has waited for `after_ms`, or there are many.
    pub(crate) fn is_due(&self, now_ms: i64, after_ms: i64) -> bool {
        let waited = self.since_ms.is_some_and(|since| now_ms.saturating_sub(since) >= after_ms);
        waited || self.punches.len() >= MAX_DELIVERED
    }

    /// The calls that read all of it back.
    pub(crate) fn calls(&self) -> Vec<ReadBack> {
        let punches: Vec<_> = self.punches.keys().map(|(user, ms)| (user.as_str(), *ms)).collect();
        ReadBack::of(&punches)
    }

    /// Compares with what is there, and starts anew.
    pub(crate) fn compare(&mut self, rows: &[Row]) -> Found {
        let mut there: BTreeMap<(&str, i64), std::collections::BTreeSet<u64>> = BTreeMap::new();
        for row in rows {
            // Calls may overlap: a row counts once, by its id.
            there.entry((&row.user_id, row.user_check_time)).or_default().insert(row.id);
        }
        let mut found = Found::default();
        for ((user, ms), delivered) in &self.punches {
            let count = there.get(&(user.as_str(), *ms)).map_or(0, |ids| ids.len() as u64);
            match count.cmp(delivered) {
                std::cmp::Ordering::Equal => found.once += 1,
                std::cmp::Ordering::Greater => found.doubles += 1,
                std::cmp::Ordering::Less => found.missing += 1,
            }
        }
        *self = Self::default();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(user: &str, ms: i64, id: u64) -> Row {
        let text = format!(r#"{{"userId":"{user}","userCheckTime":{ms},"id":{id}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn what_is_there_is_compared_with_what_was_delivered() {
        let mut delivered = Delivered::default();
        for (user, ms) in [("a", 1), ("a", 2), ("b", 1), ("c", 9), ("c", 9)] {
            delivered.note(user, ms, 100);
        }
        assert!(!delivered.is_due(150, 60) && delivered.is_due(160, 60));
        assert_eq!(delivered.calls().len(), 1);
        let rows = [row("a", 1, 1), row("a", 1, 1), row("b", 1, 2), row("b", 1, 3), row("c", 9, 4)];
        let found = delivered.compare(&rows);
        assert_eq!(found, Found { once: 1, doubles: 1, missing: 2 });
        assert!(!delivered.is_due(i64::MAX, 0), "it starts anew");
    }
}
