//! A journal in memory.

use super::batches::Piece;
use super::row::Stored;
use crate::journal::ReadError;
use std::sync::{Arc, Mutex};

#[derive(Clone)]
pub(super) struct Recorded {
    pub(super) chain: [u8; 32],
    pub(super) records: Vec<Stored>,
}

/// A cursor; the tape is shared. Batches are numbered from 1, records from 1.
#[derive(Clone, Default)]
pub(crate) struct Tape {
    pub(super) batches: Arc<Mutex<Vec<Recorded>>>,
    at: usize,
}

impl Tape {
    /// Appends a batch, numbering its records; returns the new head.
    pub(super) fn append(&self, mut records: Vec<Stored>) -> u64 {
        let mut batches = self.batches.lock().unwrap();
        let first = head(&batches);
        for (number, record) in (first..).zip(&mut records) {
            record.number = number;
        }
        let mut chain = batches.last().map_or([0; 32], |batch| batch.chain);
        chain[0] = chain[0].wrapping_add(1);
        chain[1] ^= records.len() as u8;
        batches.push(Recorded { chain, records });
        head(&batches)
    }

    pub(super) fn another(&self) -> Self {
        Self { batches: self.batches.clone(), at: 0 }
    }

    pub(super) fn seek(&mut self, batch: u64) -> Result<(), ReadError> {
        self.at = (batch as usize).saturating_sub(1);
        Ok(())
    }

    pub(super) fn next(&mut self) -> Option<Piece> {
        let batches = self.batches.lock().unwrap();
        let recorded = batches.get(self.at)?.clone();
        self.at += 1;
        Some(Piece {
            batch: self.at as u64,
            chain: recorded.chain,
            next_record: head(&batches[..self.at]),
            records: recorded.records,
        })
    }

    pub(super) fn records(&self, numbers: &[u64]) -> Vec<Stored> {
        let batches = self.batches.lock().unwrap();
        let all = batches.iter().flat_map(|batch| &batch.records);
        all.filter(|record| numbers.contains(&record.number)).copied().collect()
    }
}

fn head(batches: &[Recorded]) -> u64 {
    1 + batches.iter().map(|batch| batch.records.len() as u64).sum::<u64>()
}
