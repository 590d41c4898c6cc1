//! What the administrator, the data protection officer and the auditor look after: the policy's
//! life and the emergency stop, legal evidence, approvals, a person's rights, audit packs.
//!
//! Nothing here loosens anything by one person: what frees records or destroys is proposed, and
//! takes signatures that two people make with their own keys.

pub(crate) mod approvals;
pub(crate) mod drafts;
pub(crate) mod overview;
pub(crate) mod packs;
pub(crate) mod papers;
pub(crate) mod remedies;
pub(crate) mod requests;
pub(crate) mod rights;

use crate::access::Route;
use crate::guard::{Problem, Visitor};
use crate::pages::Link;
use muster_ledger::{LegalError, RequestError};

/// The pages of this room that the visitor may open.
pub(crate) fn tabs(visitor: &Visitor, here: Route) -> Vec<Link> {
    let pages = [
        (Route::Governance, "governance-policy"),
        (Route::Remedies, "governance-remedies"),
        (Route::Papers, "governance-papers"),
        (Route::Approvals, "governance-approvals"),
        (Route::Packs, "governance-packs"),
        (Route::Journal, "journal-title"),
    ];
    let open = pages.into_iter().filter(|(route, _)| visitor.admits(*route));
    open.map(|(route, label)| Link {
        to: route.row().1.to_owned(),
        label: visitor.t.say(label),
        current: route == here,
    })
    .collect()
}

/// The account that asks.
fn account(visitor: &Visitor) -> Result<&str, Problem> {
    visitor.seat.as_ref().map(|seat| seat.account.as_str()).ok_or(Problem::Missing)
}

/// The words of a refusal; what the journal did not take is a page of its own.
fn refused(error: &RequestError) -> Result<String, Problem> {
    match error {
        RequestError::Commit(_) => Err(Problem::NotSaved),
        error => Ok(error.to_string()),
    }
}

/// The same of what one person may do.
fn legal_refused(error: &LegalError) -> Result<String, Problem> {
    match error {
        LegalError::Commit(_) => Err(Problem::NotSaved),
        error => Ok(error.to_string()),
    }
}
