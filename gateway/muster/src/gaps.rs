//! Punches that a terminal numbered and the box never got are asked for again by themselves, where
//! the terminal keeps what it sent. What it has lost for good stays a gap on the page, until
//! somebody accepts that.

use crate::trust::now_ms;
use muster_attendance::DeviceId;
use muster_intake::Terminals;
use muster_ledger::{DeviceKind, DeviceState, Gap, Ledger};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::watch;

/// How often gaps are looked at.
const EVERY: Duration = Duration::from_secs(60);
/// What is missing for less than this may be on its way.
const GRACE_MS: i64 = 2 * 60_000;
/// The same gap is asked for again after this long.
const AGAIN_MS: i64 = 6 * 3_600_000;

/// A gap: which terminal, its start, the first punch that is missing.
type Key = (DeviceId, u32, u64);

/// Asks for what is missing, until the end.
pub(crate) async fn follow(
    ledger: Ledger,
    terminals: Terminals,
    mut stopped: watch::Receiver<bool>,
) {
    let (mut asked, started_ms) = (HashMap::new(), now_ms());
    loop {
        ask(&ledger, &terminals, &mut asked, started_ms);
        if tokio::time::timeout(EVERY, stopped.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}

fn ask(ledger: &Ledger, terminals: &Terminals, asked: &mut HashMap<Key, i64>, started_ms: i64) {
    let keeps = |kind, state| kind == DeviceKind::M1 && state == DeviceState::Paired;
    let devices = ledger.devices().list().into_iter().filter(|d| keeps(d.kind, d.state));
    let missing: Vec<_> = devices.map(|d| (d.id, d.name, ledger.plans().gaps(d.id))).collect();
    let all: Vec<Key> = missing
        .iter()
        .flat_map(|(id, _, gaps)| gaps.iter().map(|gap| (*id, gap.boot, gap.first)))
        .collect();
    asked.retain(|key, _| all.contains(key));
    for (id, name, gaps) in &missing {
        let Some(from) = due(*id, gaps, asked, (started_ms, now_ms())) else { continue };
        match terminals.ask_again(name, Some(from)) {
            Ok(()) => tracing::info!(terminal = name, ?from, "asked again for what is missing"),
            Err(error) => tracing::debug!(terminal = name, %error, "cannot be asked again"),
        }
    }
}

/// From which punch on a terminal is to be asked, and that it was.
fn due(
    device: DeviceId,
    gaps: &[Gap],
    asked: &mut HashMap<Key, i64>,
    (started, now): (i64, i64),
) -> Option<(u32, u64)> {
    // What was missing when the box started is on no way to it.
    let lasts = |gap: &&Gap| gap.noticed_ms < started || now - gap.noticed_ms >= GRACE_MS;
    let mut first = None;
    for gap in gaps.iter().filter(lasts) {
        let key = (device, gap.boot, gap.first);
        if asked.get(&key).is_none_or(|at| now - at >= AGAIN_MS) {
            asked.insert(key, now);
            let from = (gap.boot, gap.first);
            first = Some(first.map_or(from, |first: (u32, u64)| first.min(from)));
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_asked_for_once_it_lasts_and_again_only_later() {
        let gap = |boot, first| Gap { boot, first, last: first + 3, since: 0, noticed_ms: 0 };
        let (gate, mut asked) = (DeviceId(1), HashMap::new());
        let gaps = [gap(2, 40), gap(1, 90)];
        assert_eq!(due(gate, &gaps, &mut asked, (0, GRACE_MS - 1)), None, "on its way, perhaps");
        assert_eq!(due(gate, &gaps, &mut asked, (0, GRACE_MS)), Some((1, 90)), "the oldest on");
        assert_eq!(due(gate, &gaps, &mut asked, (0, GRACE_MS + 60_000)), None);
        assert_eq!(due(DeviceId(2), &gaps, &mut asked, (0, GRACE_MS)), Some((1, 90)));
        assert_eq!(due(gate, &gaps, &mut asked, (0, GRACE_MS + AGAIN_MS)), Some((1, 90)));
        let (yard, started) = (DeviceId(3), 5);
        assert_eq!(due(yard, &gaps, &mut asked, (started, 6)), Some((1, 90)), "from before");
        assert_eq!(due(gate, &[], &mut asked, (0, 2 * AGAIN_MS)), None);
    }
}
