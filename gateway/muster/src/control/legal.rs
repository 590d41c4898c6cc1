//! What concerns the law: papers, notices, consents, counters, requests and approvals.

use super::execute::{Facts, data, unavailable, value};
use super::{Refused, records};
use crate::exit;
use jiff::Timestamp;
use muster_attendance::{EventId, PersonId};
use muster_ledger::{
    Action, Baseline, CommitError, ConsentChange, LegalError, Notice, PaperFiled, RequestError,
    Role, Signer, release_text, request_text,
};
use muster_residency::vocab::Law;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What can be asked.
#[derive(Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(crate) enum LegalRequest {
    PaperAdd {
        paper: Box<PaperFiled>,
    },
    PaperWithdraw {
        number: u32,
        reason: String,
    },
    PaperList,
    ConsentSet {
        id: String,
        change: Consent,
    },
    NoticeAdd {
        notice: Notice,
    },
    NoticeGive {
        kind: String,
        version: u32,
        language: String,
        ids: Option<Vec<String>>,
    },
    NoticeList,
    CounterList,
    BaselineSet {
        law: Law,
        year: i16,
        baseline: Baseline,
    },
    Stop,
    /// The exact text that whoever asks for this has to sign.
    Prepare {
        wanted: Wanted,
    },
    Ask {
        wanted: Wanted,
        at_ms: i64,
        line: String,
    },
    Requests,
    /// Who may sign, and who of them still waits.
    Signers,
    /// The first signers of a box that has none.
    SignersFirst {
        signers: Vec<Signer>,
    },
    /// The exact text of an open request, or of a record's release.
    Text {
        request: String,
    },
    Approve {
        request: String,
        at_ms: i64,
        line: String,
    },
}

/// A change of consent on the wire.
#[derive(Serialize, Deserialize)]
pub(crate) struct Consent {
    pub(crate) guardian: bool,
    pub(crate) given: bool,
    /// Now, where absent.
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
}

/// What two people decide, people named as the terminals name them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "wanted", rename_all = "kebab-case")]
pub(crate) enum Wanted {
    LocalOnlyOff,
    Erase { id: String, biometrics_only: bool },
    WriteAccount { name: String, roles: Vec<Role>, departments: Vec<String> },
    ResetAccount { name: String },
    ChangeSigners { add: Vec<Signer>, remove: Vec<String> },
    FilePaper { paper: Box<PaperFiled> },
    LowerBaseline { law: Law, year: i16, baseline: Baseline },
    GiveConsent { id: String, guardian: bool, from: Timestamp, to: Option<Timestamp> },
    LiftRestriction { id: String, reason: String },
    GiveNotice { kind: String, version: u32, language: String, ids: Option<Vec<String>> },
}

type Result<T> = std::result::Result<T, Refused>;

pub(super) async fn execute(facts: &Facts, request: LegalRequest) -> Result<Value> {
    let (ledger, actor) = (&facts.ledger, facts.actor.as_str());
    match request {
        LegalRequest::PaperAdd { paper } => {
            let proposed = ledger.file_paper(actor, *paper).await.map_err(request_refused)?;
            let number = ledger.papers().last().map(|paper| paper.number);
            Ok(json!({ "number": number.filter(|_| proposed.is_none()), "request": proposed }))
        }
        LegalRequest::PaperWithdraw { number, reason } => {
            ledger.withdraw_paper(actor, number, &reason).await.map_err(refused)?;
            Ok(json!({ "withdrawn": number }))
        }
        LegalRequest::PaperList => value(&ledger.papers()),
        LegalRequest::ConsentSet { id, change } => consent(facts, &id, change).await,
        LegalRequest::NoticeAdd { notice } => {
            let told = json!({ "kind": notice.kind, "version": notice.version });
            ledger.publish_notice(actor, notice).await.map_err(refused)?;
            Ok(told)
        }
        LegalRequest::NoticeGive { kind, version, language, ids } => {
            let people = people(facts, ids)?;
            let action = Action::GiveNotice { kind, version, language, people };
            let proposed = ledger.propose(actor, action).await.map_err(request_refused)?;
            Ok(json!({ "request": proposed }))
        }
        LegalRequest::NoticeList => value(&ledger.notices()),
        LegalRequest::CounterList => counters(facts),
        LegalRequest::BaselineSet { law, year, baseline } => {
            let baseline = Baseline { by: actor.to_owned(), at_ms: now_ms(), ..baseline };
            let proposed = ledger.set_baseline(law, year, baseline).await;
            let proposed = proposed.map_err(request_refused)?;
            Ok(json!({ "law": law, "year": year, "request": proposed }))
        }
        LegalRequest::Stop => {
            ledger.stop(actor).await.map_err(refused)?;
            value(&ledger.local_only())
        }
        LegalRequest::Prepare { wanted } => {
            let at_ms = now_ms();
            let action = action(facts, wanted)?;
            let text = request_text(&action, &facts.config.site.site, at_ms);
            Ok(json!({ "text": text, "at_ms": at_ms }))
        }
        LegalRequest::Ask { wanted, at_ms, line } => {
            let action = action(facts, wanted)?;
            value(&ledger.ask(action, at_ms, &line).await.map_err(request_refused)?)
        }
        LegalRequest::Requests => value(&ledger.requests()),
        LegalRequest::Signers => value(&ledger.signers_since()),
        LegalRequest::SignersFirst { signers } => {
            ledger.enrol_signers(signers).await.map_err(data)?;
            value(&ledger.signers_since())
        }
        LegalRequest::Text { request } => text(facts, &request).await,
        LegalRequest::Approve { request, at_ms, line } => {
            approve(facts, &request, at_ms, &line).await
        }
    }
}

async fn consent(facts: &Facts, id: &str, change: Consent) -> Result<Value> {
    let person = find(facts, id)?;
    let Consent { guardian, given, from, to } = change;
    let from = from.unwrap_or_else(Timestamp::now);
    let change = ConsentChange { guardian, given, from, to };
    let proposed = facts.ledger.set_consent(&facts.actor, person, change).await;
    let proposed = proposed.map_err(request_refused)?;
    Ok(json!({ "legal": facts.ledger.person_legal(person), "request": proposed }))
}

fn counters(facts: &Facts) -> Result<Value> {
    let ledger = &facts.ledger;
    let rows = ledger.export_counts();
    let mut years: Vec<(Law, i16)> = rows.iter().map(|row| (row.law, row.year)).collect();
    years.extend(ledger.baselines());
    years.sort_unstable();
    years.dedup();
    let bases = years.iter().map(
        |&(law, year)| json!({ "law": law, "year": year, "baseline": ledger.baseline(law, year) }),
    );
    let bases: Vec<Value> = bases.collect();
    let meter = ledger.meter(Law::CN);
    let processed = ledger.processed();
    Ok(json!({ "exports": rows, "baselines": bases, "meter": meter, "processed": processed }))
}

/// The exact text to sign for a request, or for a record.
async fn text(facts: &Facts, request: &str) -> Result<Value> {
    let at_ms = now_ms();
    let Ok(id) = request.parse::<EventId>() else {
        let requests = facts.ledger.requests();
        let open = requests.iter().rev().find(|r| r.id == request && r.is_open(at_ms));
        let open = open.ok_or_else(|| data(RequestError::Unknown(request.to_owned())))?;
        let about = about(facts, &open.action);
        return Ok(json!({
            "text": open.text, "at_ms": at_ms, "asked_by": open.asked_by, "about": about,
        }));
    };
    let explained = records::explain(facts, request).await?;
    let word = |of: &str, key: &str| explained[of][key].as_str().unwrap_or_default().to_owned();
    let (to, policy) = (word("decision", "would_be"), word("rules", "policy_sha256"));
    let text = release_text(&id.to_string(), &to, &policy, at_ms);
    Ok(json!({ "text": text, "at_ms": at_ms, "decision": explained["decision"] }))
}

async fn approve(facts: &Facts, request: &str, at_ms: i64, line: &str) -> Result<Value> {
    let ledger = &facts.ledger;
    if let Ok(id) = request.parse::<EventId>() {
        let by = ledger.approve_record(id, at_ms, line).await.map_err(request_refused)?;
        return Ok(json!({ "record": id, "approved_by": by }));
    }
    let mut done = value(&ledger.approve(request, line).await.map_err(request_refused)?)?;
    let erasure = ledger.erasures().into_iter().find(|erasure| erasure.request == request);
    let todo = erasure.into_iter().flat_map(|erasure| erasure.todo);
    done["todo"] = todo.map(|place| place.to_string()).collect();
    Ok(done)
}

fn action(facts: &Facts, wanted: Wanted) -> Result<Action> {
    Ok(match wanted {
        Wanted::LocalOnlyOff => Action::LocalOnlyOff,
        Wanted::Erase { id, biometrics_only } => {
            Action::Erase { person: find(facts, &id)?, biometrics_only }
        }
        Wanted::WriteAccount { name, roles, departments } => {
            Action::WriteAccount { name, roles, departments }
        }
        Wanted::ResetAccount { name } => Action::ResetAccount { name },
        Wanted::ChangeSigners { add, remove } => Action::ChangeSigners { add, remove },
        Wanted::FilePaper { paper } => Action::FilePaper { paper },
        Wanted::LowerBaseline { law, year, baseline } => {
            Action::LowerBaseline { law, year, baseline }
        }
        Wanted::GiveConsent { id, guardian, from, to } => {
            Action::GiveConsent { person: find(facts, &id)?, guardian, from, to }
        }
        Wanted::LiftRestriction { id, reason } => {
            Action::LiftRestriction { person: find(facts, &id)?, reason }
        }
        Wanted::GiveNotice { kind, version, language, ids } => {
            Action::GiveNotice { kind, version, language, people: people(facts, ids)? }
        }
    })
}

fn people(facts: &Facts, ids: Option<Vec<String>>) -> Result<Option<Vec<PersonId>>> {
    ids.map(|ids| ids.iter().map(|id| find(facts, id)).collect()).transpose()
}

/// Whom an action is about, as people call them: what is signed has internal numbers.
fn about(facts: &Facts, action: &Action) -> Option<Value> {
    let (Action::Erase { person, .. }
    | Action::GiveConsent { person, .. }
    | Action::LiftRestriction { person, .. }) = action
    else {
        return None;
    };
    let profile = facts.ledger.directory().profile(*person)?;
    Some(json!({ "person": profile.person, "name": profile.name }))
}

/// The person under a number of the terminals.
pub(super) fn find(facts: &Facts, id: &str) -> Result<PersonId> {
    let found = facts.ledger.directory().find(id);
    found.ok_or_else(|| data("there is no such person; use the number the terminals send"))
}

fn now_ms() -> i64 {
    crate::trust::now_ms()
}

pub(super) fn refused(error: LegalError) -> Refused {
    match error {
        LegalError::Commit(error) => unavailable(error),
        error => data(error),
    }
}

pub(super) fn request_refused(error: RequestError) -> Refused {
    match error {
        RequestError::Commit(error @ CommitError::Invalid(_)) => data(error),
        RequestError::Commit(error) => unavailable(error),
        error @ (RequestError::Fault(_) | RequestError::TooNew { .. }) => {
            Refused::new(exit::NO_PERMISSION, error)
        }
        error => data(error),
    }
}
