//! What each request does, the same in the running gateway and on a ledger opened for one command.

use super::{Refused, Request, legal, pairing, records, report, rights, sheets, terminal, user};
use crate::config::Config;
use crate::doctor::Inside;
use crate::pairing::Wall;
use crate::{backup, exit, store};
use muster_intake::Terminals;
use muster_intake::alarms::Alarm;
use muster_intake::authority::{self, Authority};
use muster_ledger::{
    Devices, DevicesError, Directory, GovernError, Governance, Ledger, PersonProfile,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Where the gateway listens; all absent while none runs.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Listening {
    pub(crate) mqtt: Option<SocketAddr>,
    pub(crate) loopback: Option<SocketAddr>,
    pub(crate) console: Option<SocketAddr>,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) serial: Vec<String>,
}

/// What commands work on.
#[derive(Clone)]
pub(crate) struct Facts {
    pub(crate) config: Arc<Config>,
    pub(crate) ledger: Ledger,
    /// `None` where no gateway runs.
    pub(crate) listening: Option<Arc<Listening>>,
    /// What terminals are given to do; `None` where no gateway runs.
    pub(crate) terminals: Option<Terminals>,
    /// Makes codes for terminals; `None` where none of them can come.
    pub(crate) wall: Option<Wall>,
    /// Who asks, as acts name them: the system's user.
    pub(crate) actor: String,
}

impl Facts {
    pub(crate) fn offline(config: Config, ledger: Ledger) -> Self {
        let actor = actor(rustix::process::getuid().as_raw());
        let config = Arc::new(config);
        Self { config, ledger, listening: None, terminals: None, wall: None, actor }
    }
}

/// How acts name a user of the system.
pub(super) fn actor(uid: u32) -> String {
    format!("uid {uid}")
}

type Rows = mpsc::Sender<Value>;
pub(super) type Result<T> = std::result::Result<T, Refused>;

/// Does `request`; rows go out as they come, the result at the end.
pub(crate) async fn execute(facts: &Facts, request: Request, rows: Rows) -> Result<Value> {
    let ledger = &facts.ledger;
    match request {
        Request::Status => Ok(status(facts)),
        Request::DevicePair { name, kind, carrier, address } => {
            pair(ledger, authority::Pairing { name, kind, carrier, address }).await
        }
        Request::DeviceCode { name, kind, carrier, host } => {
            let pairing = authority::Pairing { name, kind, carrier, address: None };
            pairing::code(facts, pairing, host).await
        }
        Request::DeviceList => value(&ledger.devices().list()),
        Request::DeviceRevoke { name } => revoke(&ledger.devices(), &name).await,
        Request::Terminal { name, request } => terminal::execute(facts, &name, request, rows).await,
        Request::PersonImport { people } => import(&ledger.directory(), people).await,
        Request::PersonShow { id } => records::person(facts, &id, rows).await,
        Request::PersonMap { device, number, id } => {
            ledger.directory().map(&device, &number, &id).await.map_err(data)?;
            Ok(json!({ "mapped": true }))
        }
        Request::Publish { governance } => publish(facts, governance).await,
        Request::Explain { record } => records::explain(facts, &record).await,
        Request::Records { from, to } => records::records(facts, from, to, rows).await,
        Request::Sheets { month, department } => {
            sheets::month(facts, month, department.as_deref(), rows).await
        }
        Request::Rights { request } => rights::execute(facts, request, rows).await,
        Request::User { request } => user::execute(facts, request).await,
        Request::Shadow { governance } => value(&ledger.shadow(&governance).await.map_err(data)?),
        Request::History => value(&ledger.policy_versions()),
        Request::ReplayDecisions => value(&ledger.replay_decisions().await.map_err(unavailable)?),
        Request::Legal { request } => legal::execute(facts, request).await,
        Request::Report(asked) => report::report(facts, asked, rows).await,
        Request::ReportPack { from, to, language } => {
            report::pack(facts, from, to, &language, rows).await
        }
        Request::ReportKey => report::key(facts).await,
        Request::Backup { to, new_sheets } => backup(facts, to, new_sheets).await,
        Request::Doctor => doctor(facts).await,
        Request::Resend { destination, since } => resend(facts, &destination, since).await,
        Request::RebuildViews => {
            ledger.views().rebuild();
            Ok(json!({ "rebuilding": true }))
        }
    }
}

fn status(facts: &Facts) -> Value {
    let mut status = serde_json::to_value(facts.ledger.status()).unwrap_or_default();
    status["version"] = env!("CARGO_PKG_VERSION").into();
    status["site"] = facts.config.site.site.clone().into();
    status["running"] = facts.listening.is_some().into();
    status["listen"] = serde_json::to_value(facts.listening.as_deref()).unwrap_or_default();
    let alarms = facts.terminals.iter().flat_map(|terminals| terminals.alarms());
    let told = |alarm: Alarm| {
        let mut told = serde_json::to_value(&alarm).unwrap_or_default();
        told["cause"] = alarm.reason.cause().into();
        told["cure"] = alarm.reason.cure().into();
        told
    };
    status["alarms"] = alarms.map(told).collect();
    status
}

async fn pair(ledger: &Ledger, pairing: authority::Pairing) -> Result<Value> {
    let keyring = ledger.keyring();
    let authority = Authority::open(&keyring).map_err(unavailable)?;
    let made = authority.pair(&ledger.devices(), &keyring, pairing).await.map_err(data)?;
    Ok(json!({
        "device": made.name,
        "ca": made.ca_pem,
        "certificate": made.certificate_pem,
        "key": made.key_pem.as_str(),
        "secret": made.secret_hex.as_str(),
    }))
}

async fn revoke(devices: &Devices, name: &str) -> Result<Value> {
    devices.revoke(name).await.map_err(|e| match e {
        DevicesError::Commit(_) => unavailable(e),
        _ => data(e),
    })?;
    Ok(json!({ "revoked": name }))
}

async fn import(directory: &Directory, people: Vec<PersonProfile>) -> Result<Value> {
    value(&directory.import(people).await.map_err(data)?)
}

/// Puts a policy in force. The ledger refuses one that its enrolled signers did not sign.
async fn publish(facts: &Facts, governance: Governance) -> Result<Value> {
    let Some(place) = &facts.config.policy else {
        return Err(Refused::new(exit::CONFIG, "the configuration has no [policy]; add it first"));
    };
    let accepted = facts.ledger.govern(&facts.actor, Some(governance.clone())).await;
    accepted.map_err(|error| match error {
        GovernError::Refused(refused) => data(refused),
        GovernError::Commit(error) => unavailable(error),
    })?;
    store::replace_policy(&place.file, &governance).map_err(unavailable)?;
    let status = facts.ledger.status();
    let (policy, next) = (status.policy, status.policy_next);
    Ok(json!({ "policy": policy, "next": next, "holds": status.policy_holds }))
}

/// Writes a backup, and says of erasures whether every backup has taken them in.
async fn backup(facts: &Facts, to: PathBuf, new_sheets: bool) -> Result<Value> {
    let theirs = facts.clone();
    let taken =
        tokio::task::spawn_blocking(move || backup::take::take(&theirs, &to, new_sheets)).await;
    let taken = taken.map_err(unavailable)?.map_err(|error| unavailable(format!("{error:#}")))?;
    let settled = backup::places::settle(&facts.ledger).await;
    settled.map_err(|error| unavailable(format!("{error:#}")))?;
    value(&taken)
}

async fn resend(facts: &Facts, destination: &str, since: jiff::Timestamp) -> Result<Value> {
    let known = facts.ledger.status().destinations;
    if !known.iter().any(|known| known.destination == destination) {
        let names: Vec<_> = known.into_iter().map(|known| known.destination).collect();
        return Err(data(format!("there is no such destination; there are: {}", names.join(", "))));
    }
    let resent = facts.ledger.resend(&facts.actor, destination, since.as_millisecond()).await;
    value(&resent.map_err(legal::refused)?)
}

async fn doctor(facts: &Facts) -> Result<Value> {
    let facts = facts.clone();
    let gathered = tokio::task::spawn_blocking(move || Inside::gather(&facts)).await;
    let inside = gathered.map_err(unavailable)?;
    value(&inside.map_err(|error| unavailable(format!("{error:#}")))?)
}

pub(super) fn value(what: &impl Serialize) -> Result<Value> {
    serde_json::to_value(what).map_err(|e| Refused::new(exit::SOFTWARE, e))
}

/// The request's own fault.
pub(super) fn data(error: impl ToString) -> Refused {
    Refused::new(exit::DATA, error)
}

/// The box cannot do it now.
pub(super) fn unavailable(error: impl ToString) -> Refused {
    Refused::new(exit::UNAVAILABLE, error)
}
