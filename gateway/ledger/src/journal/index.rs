//! Where batches lie in a segment, roughly: one entry every 64 KiB, made on the way.

use super::format::BatchHeader;

/// Bytes between entries.
const SPACING: u64 = 64 << 10;
/// Segments whose entries a reader keeps: with 256 entries each, about 50 KiB.
const MAX_SEGMENTS: usize = 8;

/// What is looked for.
#[derive(Clone, Copy)]
pub(super) enum Target {
    Batch(u64),
    Record(u64),
}

impl Target {
    /// Whether a batch is the one, or past it.
    pub(super) fn reached(self, header: &BatchHeader) -> bool {
        match self {
            Target::Batch(number) => header.number >= number,
            Target::Record(number) => header.end_record() > number,
        }
    }
}

/// A batch's place in its segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) offset: u64,
    pub(super) batch: u64,
    pub(super) record: u64,
}

impl Spot {
    /// Whether the target lies here or later.
    pub(super) fn before(&self, target: Target) -> bool {
        match target {
            Target::Batch(number) => self.batch <= number,
            Target::Record(number) => self.record <= number,
        }
    }
}

/// The entries of the segments read last.
#[derive(Default)]
pub(super) struct Index {
    segments: Vec<(u64, Vec<Spot>)>,
}

impl Index {
    /// The last known spot of segment `first_batch` at or before the target.
    pub(super) fn nearest(&self, first_batch: u64, target: Target) -> Option<Spot> {
        let (_, spots) = self.segments.iter().find(|(first, _)| *first == first_batch)?;
        let after = spots.partition_point(|spot| spot.before(target));
        spots.get(after.checked_sub(1)?).copied()
    }

    /// Notes a batch that was met while walking.
    pub(super) fn note(&mut self, first_batch: u64, at: u64, header: &BatchHeader) {
        let spot = Spot { offset: at, batch: header.number, record: header.first_record };
        if let Some((_, spots)) = self.segments.iter_mut().find(|(first, _)| *first == first_batch)
        {
            if spots.last().is_none_or(|last| at >= last.offset + SPACING) {
                spots.push(spot);
            }
            return;
        }
        if self.segments.len() >= MAX_SEGMENTS {
            self.segments.remove(0);
        }
        self.segments.push((first_batch, vec![spot]));
    }
}
