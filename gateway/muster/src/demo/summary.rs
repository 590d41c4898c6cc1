//! What the demo came to, counted at the far ends: terminals and regions.

use super::terminals::Tally;
use serde::Serialize;
use std::collections::BTreeMap;

/// The counts, as `--json` prints them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Summary {
    punches: u64,
    receipted: u64,
    forwarded: BTreeMap<String, u64>,
    held: BTreeMap<String, u64>,
    lost: u64,
    biometric_bytes_in: u64,
    biometric_bytes_out: u64,
}

impl Summary {
    /// `held` counts each record once, under its first reason. What is receipted, and neither at a
    /// region nor held, is lost.
    pub(super) fn new(
        tally: Tally,
        forwarded: BTreeMap<String, u64>,
        held: BTreeMap<String, u64>,
        biometric_bytes_out: u64,
    ) -> Self {
        let found = forwarded.values().sum::<u64>() + held.values().sum::<u64>();
        Self {
            punches: tally.punches,
            receipted: tally.receipted,
            lost: tally.receipted.saturating_sub(found),
            forwarded,
            held,
            biometric_bytes_in: tally.evidence_bytes,
            biometric_bytes_out,
        }
    }

    /// Everything is where it should be.
    pub(super) fn is_settled(&self) -> bool {
        self.punches == self.receipted && self.lost == 0
    }

    /// The product kept its promises.
    pub(super) fn is_clean(&self) -> bool {
        self.is_settled() && self.biometric_bytes_out == 0
    }

    /// One line for the live view.
    pub(super) fn line(&self) -> String {
        let sum = |counts: &BTreeMap<String, u64>| counts.values().sum::<u64>();
        format!(
            "punches {:>5} | receipted {:>5} | forwarded {:>5} | held {:>4}",
            self.punches,
            self.receipted,
            sum(&self.forwarded),
            sum(&self.held)
        )
    }

    #[allow(clippy::print_stdout)]
    pub(super) fn print(&self) {
        println!("punches made          {:>8}", self.punches);
        println!("receipted             {:>8}", self.receipted);
        for (destination, count) in &self.forwarded {
            println!("arrived at {destination:<10} {count:>8}");
        }
        for (reason, count) in &self.held {
            println!("held, {reason:<15} {count:>8}");
        }
        println!("lost                  {:>8}", self.lost);
        println!("biometric bytes in    {:>8}", self.biometric_bytes_in);
        println!("biometric bytes out   {:>8}", self.biometric_bytes_out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(receipted: u64, forwarded: u64, held: u64, leaked: u64, expect: (u64, bool)) {
        let tally = Tally { punches: 10, receipted, evidence_bytes: 1 };
        let counts = |n| BTreeMap::from([("x".to_owned(), n)]);
        let summary = Summary::new(tally, counts(forwarded), counts(held), leaked);
        assert_eq!((summary.lost, summary.is_clean()), expect);
    }

    #[test]
    fn lost_is_what_is_nowhere() {
        check(10, 8, 2, 0, (0, true));
        check(10, 7, 2, 0, (1, false));
        check(9, 8, 2, 0, (0, false));
        check(10, 8, 2, 5, (0, false));
    }
}
