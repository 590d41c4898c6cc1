//! People's rights: export, correct, restrict, erase, and the law's time for an answer.

use super::execute::{Facts, data, unavailable, value};
use super::legal::{find, refused, request_refused};
use super::{Refused, records};
use jiff::Timestamp;
use jiff::civil::Date;
use muster_ledger::{Elsewhere, PersonProfile, Right};
use muster_residency::vocab::Law;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;

/// What can be asked.
#[derive(Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(crate) enum RightsCommand {
    Export { id: String },
    Correct { id: String, set: Vec<(String, String)>, reason: String },
    Restrict { id: String, on: bool, reason: String },
    Leave { id: String, on: Option<Date> },
    Ask { id: String, right: Right, law: Law, received: Option<Timestamp>, days: Option<i64> },
    Answer { number: u32, answer: String },
    Requests,
    Erasures,
    ErasedAt { request: String, place: Elsewhere },
}

type Result<T> = std::result::Result<T, Refused>;

pub(super) async fn execute(
    facts: &Facts,
    command: RightsCommand,
    rows: Sender<Value>,
) -> Result<Value> {
    let (ledger, actor) = (&facts.ledger, facts.actor.as_str());
    match command {
        RightsCommand::Export { id } => export(facts, &id, rows).await,
        RightsCommand::Correct { id, set, reason } => correct(facts, &id, set, &reason).await,
        RightsCommand::Restrict { id, on, reason } => {
            let person = find(facts, &id)?;
            let proposed = ledger.restrict(actor, person, on, &reason).await;
            let proposed = proposed.map_err(request_refused)?;
            Ok(json!({ "legal": ledger.person_legal(person), "request": proposed }))
        }
        RightsCommand::Leave { id, on } => {
            ledger.set_leaving(actor, find(facts, &id)?, on).await.map_err(refused)?;
            Ok(json!({ "leaves": on }))
        }
        RightsCommand::Ask { id, right, law, received, days } => {
            let person = find(facts, &id)?;
            let received = received.unwrap_or_else(Timestamp::now);
            let asked = ledger.ask_right(actor, person, right, law, received, days);
            value(&asked.await.map_err(refused)?)
        }
        RightsCommand::Answer { number, answer } => {
            ledger.answer_right(actor, number, &answer).await.map_err(refused)?;
            Ok(json!({ "answered": number }))
        }
        RightsCommand::Requests => requests(facts),
        RightsCommand::Erasures => {
            let erasures = ledger.erasures();
            let told = erasures.iter().map(|e| json!({ "erasure": e, "erased": e.is_complete() }));
            Ok(told.collect())
        }
        RightsCommand::ErasedAt { request, place } => {
            let erasure = ledger.erased_elsewhere(actor, &request, place).await.map_err(refused)?;
            Ok(json!({ "erasure": erasure, "erased": erasure.is_complete() }))
        }
    }
}

/// All that is held: the profile, what the law knows, requests, and the hours of records that are
/// reduced to them; records go out as rows.
async fn export(facts: &Facts, id: &str, rows: Sender<Value>) -> Result<Value> {
    let person = find(facts, id)?;
    let ledger = &facts.ledger;
    let profile = records::person_since(facts, id, None, rows).await?;
    let hours = ledger.sheets().reduced_hours(person).await.map_err(unavailable)?;
    let hours =
        hours.into_iter().map(|(date, minutes)| json!({ "date": date, "worked_minutes": minutes }));
    let requests = ledger.rights_requests();
    let requests: Vec<_> = requests.into_iter().filter(|r| r.person == person).collect();
    Ok(json!({
        "person": profile,
        "legal": ledger.person_legal(person),
        "requests": requests,
        "hours": hours.collect::<Value>(),
        "exported": Timestamp::now(),
    }))
}

async fn correct(
    facts: &Facts,
    id: &str,
    set: Vec<(String, String)>,
    reason: &str,
) -> Result<Value> {
    let person = find(facts, id)?;
    let ledger = &facts.ledger;
    let profile = ledger.directory().profile(person).ok_or_else(|| data("no such person"))?;
    let mut columns = serde_json::to_value(profile).map_err(unavailable)?;
    for (column, text) in set {
        let known = columns.get_mut(&column).filter(|_| column != "person");
        let cell = known.ok_or_else(|| data(format!("{column:?} is no column to correct")))?;
        *cell = match column.as_str() {
            "employment_law" => text.split([';', ' ']).filter(|law| !law.is_empty()).collect(),
            _ if text.is_empty() => Value::Null,
            _ => Value::String(text),
        };
    }
    let profile: PersonProfile = serde_json::from_value(columns).map_err(data)?;
    let corrected = ledger.correct(&facts.actor, person, profile, reason);
    Ok(json!({ "corrected": corrected.await.map_err(refused)? }))
}

fn requests(facts: &Facts) -> Result<Value> {
    let directory = facts.ledger.directory();
    let now_ms = crate::trust::now_ms();
    let told = facts.ledger.rights_requests().into_iter().map(|request| {
        let number = directory.profile(request.person).map(|profile| profile.person);
        let overdue = request.answered_ms.is_none() && request.due_ms < now_ms;
        json!({ "request": request, "person": number, "overdue": overdue })
    });
    Ok(told.collect())
}
