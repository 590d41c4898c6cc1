//! Audit packs that somebody asked for, and who released them.
//!
//! An auditor reads everything and takes nothing away but a pack that the data protection officer
//! released to them: who asks never releases.

use crate::act::Act;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Requests that are kept; the oldest go first.
const MAX_PACKS: usize = 1_000;
/// How long a released pack may be fetched, in milliseconds.
const LIFE_MS: i64 = 7 * 24 * 3600 * 1000;

/// A pack that was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PackRequest {
    /// Its number, from 1.
    pub number: u32,
    /// The account that asked.
    pub asked_by: String,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// First day it is about.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// The account that released it, and when, milliseconds since 1970.
    #[serde(default)]
    pub released: Option<(String, i64)>,
}

impl PackRequest {
    /// Whether the account that asked may fetch it at `now_ms`.
    pub fn is_fetchable_by(&self, account: &str, now_ms: i64) -> bool {
        let released = self.released.as_ref().map(|(_, at_ms)| *at_ms);
        self.asked_by == account
            && released.is_some_and(|at| (at..at.saturating_add(LIFE_MS)).contains(&now_ms))
    }
}

/// All of them, by number.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Packs(BTreeMap<u32, PackRequest>);

impl Packs {
    /// By number.
    pub(crate) fn list(&self) -> Vec<PackRequest> {
        self.0.values().cloned().collect()
    }

    /// One of them.
    pub(crate) fn get(&self, number: u32) -> Option<&PackRequest> {
        self.0.get(&number)
    }

    /// The number the next one has.
    pub(crate) fn next_number(&self) -> u32 {
        self.0.last_key_value().map_or(1, |(number, _)| number.saturating_add(1))
    }

    pub(super) fn apply(&mut self, act: &Act, at_ms: i64) {
        match act {
            Act::PackAsked { request } => {
                if self.0.len() >= MAX_PACKS {
                    self.0.pop_first();
                }
                self.0.insert(request.number, request.clone());
            }
            Act::PackReleased { number, by } => {
                if let Some(request) = self.0.get_mut(number) {
                    request.released.get_or_insert((by.clone(), at_ms));
                }
            }
            _ => {}
        }
    }
}
