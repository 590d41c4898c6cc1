//! The state as bytes, so that a start need not read the whole journal.

use super::decisions::{Decisions, Ruling};
use super::dedupe::Dedupe;
use super::labels::Labels;
use super::made::Made;
use super::standing::{KeptStanding, Standing};
use super::{State, Year};
use crate::legal::Legal;
use crate::{Governance, Meter, Signer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Grows whenever the form does. Where a version is not known, the journal is read instead.
const VERSION: u16 = 3;
/// The form before legal facts and meters.
const WITHOUT_LEGAL: u16 = 1;
/// The form before records made from sheets.
const WITHOUT_SUMMARIES: u16 = 2;

#[derive(Serialize, Deserialize)]
struct Kept {
    dedupe: Dedupe,
    standing: KeptStanding,
    /// Rulings as JSON.
    decisions: Vec<(u32, String)>,
    governance: Option<Governance>,
    signers: Vec<Signer>,
    refused: BTreeMap<String, u64>,
    next_record: u64,
    epochs: Vec<(u64, u16)>,
}

/// A checkpoint cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckpointError {
    /// The bytes are not a checkpoint of this version.
    #[error("a checkpoint of version {0}, this program reads {VERSION}")]
    Version(u16),
    /// The bytes do not parse.
    #[error("the checkpoint does not parse")]
    Damaged,
}

/// Builds a checkpoint of `state` and of the tables beside it (`tables` is theirs alone).
pub(crate) fn write(state: &State, tables: &[Vec<u8>]) -> Result<Vec<u8>, CheckpointError> {
    let json = |ruling: &Ruling| serde_json::to_string(ruling).unwrap_or_default();
    let kept = Kept {
        dedupe: state.dedupe.clone(),
        standing: state.standing.keep(),
        decisions: state.decisions.all().map(|(n, ruling)| (n, json(ruling))).collect(),
        governance: state.governance.clone(),
        signers: state.signers.clone(),
        refused: state.refused.clone(),
        next_record: state.next_record,
        epochs: state.epochs.clone(),
    };
    let legal = serde_json::to_string(&state.legal).map_err(|_| CheckpointError::Damaged)?;
    let made = (&state.labels, &state.made);
    postcard::to_stdvec(&(VERSION, kept, tables, legal, &state.meters, made))
        .map_err(|_| CheckpointError::Damaged)
}

/// Reads what [`write()`] made.
pub(crate) fn read(bytes: &[u8]) -> Result<(State, Vec<Vec<u8>>), CheckpointError> {
    let (version, rest) =
        postcard::take_from_bytes::<u16>(bytes).map_err(|_| CheckpointError::Damaged)?;
    let damaged = |_| CheckpointError::Damaged;
    let ((kept, tables), rest) = match version {
        VERSION | WITHOUT_LEGAL | WITHOUT_SUMMARIES => {
            postcard::take_from_bytes::<(Kept, Vec<Vec<u8>>)>(rest).map_err(damaged)?
        }
        other => return Err(CheckpointError::Version(other)),
    };
    let Later { legal, meters, labels, made } = later(version, rest)?;
    let mut standing = Standing::restore(kept.standing).ok_or(CheckpointError::Damaged)?;
    let mut decisions = Decisions::default();
    for (number, json) in kept.decisions {
        if let Ok(ruling) = serde_json::from_str(&json) {
            decisions.put(number, ruling, |destination| standing.queue_number(destination));
        }
    }
    let state = State {
        dedupe: kept.dedupe,
        standing,
        decisions,
        labels,
        made,
        governance: kept.governance,
        signers: kept.signers,
        legal,
        refused: kept.refused,
        meters,
        next_record: kept.next_record,
        epochs: kept.epochs,
        year: Year::default(),
    };
    Ok((state, tables))
}

/// What later forms added.
#[derive(Default)]
struct Later {
    legal: Legal,
    meters: BTreeMap<String, Meter>,
    labels: Labels,
    made: Made,
}

fn later(version: u16, rest: &[u8]) -> Result<Later, CheckpointError> {
    if version == WITHOUT_LEGAL {
        return Ok(Later::default());
    }
    let damaged = |_| CheckpointError::Damaged;
    let ((json, meters), rest) =
        postcard::take_from_bytes::<(String, BTreeMap<String, Meter>)>(rest).map_err(damaged)?;
    let legal = serde_json::from_str(&json).map_err(|_| CheckpointError::Damaged)?;
    let (labels, made) = match version {
        WITHOUT_SUMMARIES => Default::default(),
        _ => postcard::from_bytes(rest).map_err(damaged)?,
    };
    Ok(Later { legal, meters, labels, made })
}
