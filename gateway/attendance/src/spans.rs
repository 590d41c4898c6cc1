//! Sets of minutes, kept as their runs.
//!
//! A day has a few runs of minutes at most, so every operation is one merge over both sets'
//! edges.

/// A set of minutes since 1970-01-01T00:00Z, as sorted runs `[from, to)` that do not touch.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Minutes(Vec<(i64, i64)>);

impl Minutes {
    /// The minutes from `from` up to, not with, `to`; none where `to` is not later.
    pub(crate) fn run(from: i64, to: i64) -> Self {
        Self(if from < to { vec![(from, to)] } else { Vec::new() })
    }

    /// The union of runs in any order.
    pub(crate) fn of(mut runs: Vec<(i64, i64)>) -> Self {
        runs.retain(|(from, to)| from < to);
        runs.sort_unstable();
        runs.dedup_by(|next, run| {
            let touches = next.0 <= run.1;
            if touches {
                run.1 = run.1.max(next.1);
            }
            touches
        });
        Self(runs)
    }

    /// The number of minutes.
    pub(crate) fn size(&self) -> i64 {
        self.0.iter().map(|(from, to)| to - from).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first of the minutes.
    pub(crate) fn first(&self) -> Option<i64> {
        self.0.first().map(|(from, _)| *from)
    }

    pub(crate) fn or(&self, other: &Self) -> Self {
        Self::of(self.0.iter().chain(&other.0).copied().collect())
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        let (mut runs, mut i, mut j) = (Vec::new(), 0, 0);
        while let (Some(a), Some(b)) = (self.0.get(i), other.0.get(j)) {
            let both = (a.0.max(b.0), a.1.min(b.1));
            if both.0 < both.1 {
                runs.push(both);
            }
            if a.1 <= b.1 {
                i += 1;
            } else {
                j += 1;
            }
        }
        Self(runs)
    }

    pub(crate) fn less(&self, other: &Self) -> Self {
        let mut runs = Vec::new();
        for &(start, to) in &self.0 {
            let mut from = start;
            for &(a, b) in other.0.iter().filter(|run| run.1 > start) {
                if a >= to {
                    break;
                }
                if from < a {
                    runs.push((from, a));
                }
                from = b;
            }
            if from < to {
                runs.push((from, to));
            }
        }
        Self(runs)
    }

    /// How many minutes lie before `minute`.
    pub(crate) fn count_before(&self, minute: i64) -> i64 {
        self.0.iter().map(|(from, to)| (minute.min(*to) - from).max(0)).sum()
    }

    /// How many minutes lie at `minute` or later.
    pub(crate) fn count_from(&self, minute: i64) -> i64 {
        self.size() - self.count_before(minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn flat(set: &Minutes) -> BTreeSet<i64> {
        set.0.iter().flat_map(|(from, to)| *from..*to).collect()
    }

    fn set() -> impl Strategy<Value = Minutes> {
        prop::collection::vec((0i64..40, 0i64..40), 0..6).prop_map(Minutes::of)
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_set(a in set(), b in set(), at in -2i64..42) {
            let (x, y) = (flat(&a), flat(&b));
            prop_assert_eq!(flat(&a.or(&b)), &x | &y);
            prop_assert_eq!(flat(&a.and(&b)), &x & &y);
            prop_assert_eq!(flat(&a.less(&b)), &x - &y);
            prop_assert_eq!(a.size() as usize, x.len());
            prop_assert_eq!(a.count_before(at) as usize, x.range(..at).count());
            prop_assert_eq!(a.count_from(at) as usize, x.range(at..).count());
            prop_assert!(a.0.windows(2).all(|w| w[0].1 < w[1].0));
        }
    }
}
