//! What two people decide together, and single records that a named role lets go.
//!
//! Every part is signed with an enrolled key over the exact request; nothing here trusts the
//! command line. What comes unsigned is a proposal: two signers have to stand behind it in place of
//! one. A request not approved within a day is dead, and so is an approved record that did not
//! leave within one.

use super::Action;
use crate::act::Act;
use crate::{CommitError, LegalError};
use jiff::Timestamp;
use muster_residency::approval::{self, ApprovalFault, Part};
use muster_residency::key::TrustedSigner;
use muster_residency::policy::Signer as SignedBy;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A request, and an approved record, live this long.
pub(crate) const LIFE_MS: i64 = 24 * 3600 * 1000;
/// How far the time in a request may be from the box's.
const MAX_SKEW_MS: i64 = 10 * 60 * 1000;
/// Requests that are kept, old ones go first.
const MAX_REQUESTS: usize = 2_000;
/// Bytes of a request's text.
const MAX_TEXT: usize = 64 << 10;
/// Records that may be approved and not gone.
const MAX_RECORDS: usize = 100_000;

/// A request on file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Request {
    /// What people call it: the first 12 hex digits of the hash of its text.
    pub id: String,
    /// The exact text that is signed.
    pub text: String,
    /// What is asked for.
    pub action: Action,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// The first of the two: who asked, or who first stood behind what was proposed.
    #[serde(default)]
    pub asked_by: Option<SignedBy>,
    /// Who said yes.
    #[serde(default)]
    pub approved_by: Option<SignedBy>,
    /// Who proposed it without a key, as acts name them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed_by: Option<String>,
}

/// What a signature under a request comes to.
pub(crate) enum Agreed {
    /// One of two stands behind a proposal.
    First(Request, SignedBy),
    /// Both do.
    Both(Request, SignedBy, SignedBy),
}

impl Request {
    /// True if it may still be approved.
    pub fn is_open(&self, now_ms: i64) -> bool {
        self.approved_by.is_none() && (self.at_ms..self.at_ms + LIFE_MS).contains(&now_ms)
    }
}

/// A record that a named role let go.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordApproval {
    /// Where it may go, and nowhere else.
    pub destination: String,
    /// SHA-256 of the policy it was approved under, hex.
    pub policy_sha256: String,
    /// Who said yes.
    pub by: SignedBy,
    /// Until when, milliseconds since 1970.
    pub until_ms: i64,
}

/// Why a request or an approval does not stand.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// No such request, or it is over.
    #[error("there is no open request {0}; `muster requests` shows them, and they live one day")]
    Unknown(String),
    /// The text says another time than now.
    #[error("the request is dated more than ten minutes from the box's time; make it again")]
    Time,
    /// The clock cannot say whether it is still alive.
    #[error("the box does not trust its clock: what expires cannot be approved until it does")]
    Clock,
    /// A new signer waits a day.
    #[error(
        "{person} ({role}) was enrolled less than a day ago and signs from {from} on; until then \
         let another signer do it"
    )]
    TooNew {
        /// Who.
        person: String,
        /// As what.
        role: String,
        /// From when on.
        from: Timestamp,
    },
    /// It says more than a request can.
    #[error("the request is longer than {MAX_TEXT} bytes; ask for less at a time")]
    TooLong,
    /// The same request is there already.
    #[error("this request is on file already")]
    Repeated,
    /// The signature or the pair of people does not do.
    #[error(transparent)]
    Fault(#[from] ApprovalFault),
    /// Nothing of the kind can be approved.
    #[error("{0}")]
    Refused(String),
    /// The journal did not take it.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<LegalError> for RequestError {
    fn from(error: LegalError) -> Self {
        match error {
            LegalError::Commit(error) => Self::Commit(error),
            error => Self::Refused(error.to_string()),
        }
    }
}

/// The exact text of a request.
pub fn request_text(action: &Action, site: &str, at_ms: i64) -> String {
    let action = serde_json::to_string(action).unwrap_or_default();
    format!("muster action 1\n{action}\nsite {site}\nat {at_ms}\n")
}

/// The exact text of a record's release.
pub fn release_text(record: &str, destination: &str, policy_sha256: &str, at_ms: i64) -> String {
    format!(
        "muster release 1\nrecord {record}\nto {destination}\npolicy {policy_sha256}\nat {at_ms}\n"
    )
}

/// Whether a time in a signed text is near enough.
pub(crate) fn is_timely(at_ms: i64, now_ms: i64) -> bool {
    at_ms.abs_diff(now_ms) <= MAX_SKEW_MS as u64
}

/// Requests and approved records.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Approvals {
    requests: Vec<Request>,
    records: BTreeMap<u64, RecordApproval>,
}

impl Approvals {
    /// All requests that are kept, by age.
    pub(crate) fn list(&self) -> &[Request] {
        &self.requests
    }

    /// The request of this id.
    pub(crate) fn get(&self, id: &str) -> Option<&Request> {
        self.requests.iter().rev().find(|request| request.id == id)
    }

    /// A request that can be made, not signed by anybody yet.
    pub(crate) fn draft(
        &self,
        action: Action,
        text: String,
        at_ms: i64,
    ) -> Result<Request, RequestError> {
        if text.len() > MAX_TEXT {
            return Err(RequestError::TooLong);
        }
        let id = approval::id(&text);
        if self.get(&id).is_some() {
            return Err(RequestError::Repeated);
        }
        let (asked_by, approved_by, proposed_by) = (None, None, None);
        Ok(Request { id, text, action, at_ms, asked_by, approved_by, proposed_by })
    }

    /// Checks who approves the request `id`.
    pub(crate) fn approve(
        &self,
        id: &str,
        now_ms: i64,
        line: &str,
        enrolled: &[TrustedSigner],
    ) -> Result<Agreed, RequestError> {
        let open = self.get(id).filter(|request| request.is_open(now_ms));
        let request = open.ok_or_else(|| RequestError::Unknown(id.to_owned()))?;
        let by = approval::verify(Part::Approve, &request.text, line, enrolled)?;
        let Some(first) = request.asked_by.clone() else {
            return Ok(Agreed::First(request.clone(), by));
        };
        approval::two_people(&first, &by)?;
        Ok(Agreed::Both(request.clone(), first, by))
    }

    /// The approval of a record for `destination` under a policy, if it holds at `now_ms`.
    pub(crate) fn of_record(&self, record: Option<u64>, now_ms: i64) -> Option<&RecordApproval> {
        if self.records.is_empty() {
            return None;
        }
        self.records.get(&record?).filter(|approval| now_ms < approval.until_ms)
    }

    pub(super) fn apply(&mut self, act: &Act, at_ms: i64) {
        match act {
            Act::RequestMade { request } => {
                if self.requests.len() >= MAX_REQUESTS {
                    self.requests.remove(0);
                }
                self.requests.push(request.clone());
            }
            Act::RequestBacked { id, by } => {
                if let Some(request) = self.get_mut(id) {
                    request.asked_by = Some(by.clone());
                }
            }
            Act::RequestApproved { id, by } => {
                if let Some(request) = self.get_mut(id) {
                    request.approved_by = Some(by.clone());
                }
            }
            Act::RecordApproved { record, approval, .. } => {
                self.records.retain(|_, approval| approval.until_ms > at_ms);
                if self.records.len() < MAX_RECORDS {
                    self.records.insert(*record, approval.clone());
                }
            }
            _ => {}
        }
    }

    fn get_mut(&mut self, id: &str) -> Option<&mut Request> {
        self.requests.iter_mut().rev().find(|request| request.id == id)
    }
}
