//! The small chart: punches by half hour, and its table.

use crate::board::PARTS;
use crate::words::Words;

/// The small chart: punches by half hour.
pub(super) struct Pulse {
    pub(super) bars: Vec<Bar>,
    pub(super) peak: String,
    pub(super) total: String,
    /// Hour and punches, where there are any.
    pub(super) hours: Vec<(String, String)>,
}

/// A bar in the drawing's own units.
pub(super) struct Bar {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) height: usize,
    /// Whether it is of the half hour that runs.
    pub(super) now: bool,
}

/// Height of the chart and width of a bar with its gap, in the drawing's own units.
const PULSE_HEIGHT: usize = 56;
const BAR_PITCH: usize = 10;

impl Pulse {
    /// The chart of a day's half hours; `now` is the one that runs.
    pub(super) fn of(parts: &[u32; PARTS], now: usize, t: &Words) -> Self {
        let peak = parts.iter().copied().max().unwrap_or(0).max(1) as usize;
        let bar = |(i, count): (usize, &u32)| {
            let full = *count as usize * PULSE_HEIGHT / peak;
            let height = if *count == 0 { 1 } else { full.max(3) };
            Bar { x: i * BAR_PITCH, y: PULSE_HEIGHT - height, height, now: i == now }
        };
        let hours = parts.chunks(2).enumerate().filter(|(_, hour)| hour.iter().any(|n| *n > 0));
        let hour = |(i, hour): (usize, &[u32])| {
            let count: u64 = hour.iter().map(|n| u64::from(*n)).sum();
            (format!("{i:02}:00"), t.number(count))
        };
        Self {
            bars: parts.iter().enumerate().map(bar).collect(),
            peak: t.number(parts.iter().copied().max().unwrap_or(0).into()),
            total: t.number(parts.iter().map(|n| u64::from(*n)).sum()),
            hours: hours.map(hour).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{Catalogue, Language};

    #[test]
    fn the_chart_scales_to_its_peak() {
        let mut parts = [0; PARTS];
        (parts[17], parts[18]) = (40, 1);
        let t = Words::new(Catalogue::embedded().into(), Language::English);
        let pulse = Pulse::of(&parts, 18, &t);
        assert_eq!((pulse.bars[17].height, pulse.bars[17].y), (PULSE_HEIGHT, 0));
        assert_eq!((pulse.bars[18].height, pulse.bars[0].height), (3, 1));
        assert!(pulse.bars[18].now);
        assert_eq!(pulse.hours, [("08:00".into(), "40".into()), ("09:00".into(), "1".into())]);
    }
}
