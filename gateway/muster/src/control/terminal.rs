//! What an M1 is given to do: users, PINs, fingers, clock, firmware; and what the journal has of it.

use super::Refused;
use super::execute::{Facts, data, unavailable, value};
use crate::exit;
use muster_intake::Terminals;
use muster_intake::terminals::{OnRecord, TerminalError, TerminalUser};
use muster_proto::message::{HASH, IMAGE_HEAD, SALT, TaskReason, Verifier};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// What can be asked of a terminal.
#[derive(Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(crate) enum TerminalRequest {
    Users {
        users: Vec<ListedUser>,
    },
    /// Without a verifier the PIN is taken away.
    Pin {
        number: String,
        verifier: Option<PinVerifier>,
    },
    Enrol {
        number: String,
        page: u16,
    },
    /// From another terminal of this site.
    Copy {
        from: String,
        from_page: u16,
        number: String,
        page: u16,
    },
    /// The user chooses a PIN at the terminal.
    ChoosePin {
        number: String,
    },
    Erase {
        number: String,
        and_user: bool,
    },
    Clock,
    Identify {
        seconds: u8,
    },
    /// Head and image.
    Update {
        signed: Vec<u8>,
    },
    Again {
        since: Option<(u32, u64)>,
    },
    Log,
}

/// A user as a terminal lists them.
#[derive(Serialize, Deserialize)]
pub(crate) struct ListedUser {
    pub(crate) number: String,
    pub(crate) page: Option<u16>,
    pub(crate) duress: Option<u16>,
}

/// What a PIN is compared with; the PIN itself is never sent.
#[derive(Serialize, Deserialize)]
pub(crate) struct PinVerifier {
    pub(crate) salt: [u8; SALT],
    pub(crate) hash: [u8; HASH],
}

type Result<T> = std::result::Result<T, Refused>;

pub(super) async fn execute(
    facts: &Facts,
    name: &str,
    request: TerminalRequest,
    rows: mpsc::Sender<Value>,
) -> Result<Value> {
    if matches!(request, TerminalRequest::Log) {
        return log(facts, name, rows).await;
    }
    let terminals = facts.terminals.as_ref().ok_or_else(|| {
        unavailable("no gateway runs here, and only that reaches terminals: start it first")
    })?;
    match request {
        TerminalRequest::Users { users } => put_users(terminals, name, users).await,
        TerminalRequest::Pin { number, verifier } => {
            let verifier = verifier.map(|PinVerifier { salt, hash }| Verifier { salt, hash });
            terminals.set_pin(name, &number, verifier).await.map_err(refused)?;
            Ok(json!({ "pin": verifier.is_some() }))
        }
        TerminalRequest::Enrol { number, page } => {
            let on_record = on_record(facts, name, &number)?;
            let enrol = || terminals.enrol(name, &number, page, on_record);
            known(terminals, name, &number, enrol).await?;
            Ok(json!({ "page": page }))
        }
        TerminalRequest::Copy { from, from_page, number, page } => {
            let on_record = on_record(facts, name, &number)?;
            let user = (number.as_str(), page);
            terminals.copy(&from, from_page, name, user, on_record).await.map_err(refused)?;
            Ok(json!({ "page": page }))
        }
        TerminalRequest::ChoosePin { number } => {
            let mut salt = [0; SALT];
            let random = SystemRandom::new().fill(&mut salt);
            random.map_err(|_| unavailable("the system gave no random bytes"))?;
            let choose = || async { terminals.enrol_pin(name, &number, salt).await.map(drop) };
            known(terminals, name, &number, choose).await?;
            Ok(json!({ "pin": true }))
        }
        TerminalRequest::Erase { number, and_user } => {
            let erased = terminals.erase(name, &number, and_user).await.map_err(refused)?;
            Ok(json!({ "templates": erased }))
        }
        TerminalRequest::Clock => {
            terminals.set_clock(name).map_err(refused)?;
            Ok(json!({ "asked": true }))
        }
        TerminalRequest::Identify { seconds } => {
            terminals.identify(name, seconds).map_err(refused)?;
            Ok(json!({ "asked": true }))
        }
        TerminalRequest::Update { signed } => update(terminals, name, &signed).await,
        TerminalRequest::Again { since } => {
            terminals.ask_again(name, since).map_err(refused)?;
            Ok(json!({ "asked": true }))
        }
        TerminalRequest::Log => Ok(Value::Null),
    }
}

/// Does `task` about a user; a terminal that does not know them is told of them first.
async fn known<F>(
    terminals: &Terminals,
    name: &str,
    number: &str,
    task: impl Fn() -> F,
) -> Result<()>
where
    F: Future<Output = std::result::Result<(), TerminalError>>,
{
    match task().await {
        Err(TerminalError::Refused { reason: TaskReason::UnknownUser, .. }) => {
            let user = TerminalUser { number: number.to_owned(), ..TerminalUser::default() };
            terminals.put_user(name, &user).await.map_err(refused)?;
            task().await.map_err(refused)
        }
        done => done.map_err(refused),
    }
}

async fn put_users(terminals: &Terminals, name: &str, users: Vec<ListedUser>) -> Result<Value> {
    let count = users.len();
    for ListedUser { number, page, duress } in users {
        let user = TerminalUser { number, page, duress, pin: None };
        terminals.put_user(name, &user).await.map_err(|error| {
            let refused = refused(error);
            Refused { message: format!("user {}: {}", user.number, refused.message), ..refused }
        })?;
    }
    Ok(json!({ "users": count }))
}

/// Notice, basis and age of the person whose finger is to be taken, as the ledger has them now.
fn on_record(facts: &Facts, name: &str, number: &str) -> Result<OnRecord> {
    let (devices, directory) = (facts.ledger.devices(), facts.ledger.directory());
    let here = devices.find(name).and_then(|device| directory.known(device.id, number));
    let person = here.or_else(|| directory.find(number)).ok_or_else(|| {
        data(format!(
            "nobody in the directory has the number {number}; `muster person import` adds people"
        ))
    })?;
    OnRecord::of(facts.ledger.enrolment_grounds(person)).map_err(data)
}

async fn update(terminals: &Terminals, name: &str, signed: &[u8]) -> Result<Value> {
    let Some((head, image)) = signed.split_first_chunk::<IMAGE_HEAD>() else {
        return Err(data("this is no signed image; firmware/sign makes one"));
    };
    terminals.update(name, head, image).await.map_err(refused)?;
    Ok(json!({ "bytes": image.len() }))
}

/// What the journal has of a device, oldest first.
async fn log(facts: &Facts, name: &str, rows: mpsc::Sender<Value>) -> Result<Value> {
    let device = facts.ledger.devices().find(name);
    let unknown =
        || data(format!("there is no device named {name}; `muster device list` shows them"));
    let id = device.ok_or_else(unknown)?.id;
    let trail = facts.ledger.trail();
    let read = tokio::task::spawn_blocking(move || trail.device_events(id)).await;
    let events = read.map_err(unavailable)?.map_err(unavailable)?;
    for event in &events {
        // Whoever asked may have gone.
        let _ = rows.send(value(event)?).await;
    }
    Ok(json!({ "events": events.len() }))
}

fn refused(error: TerminalError) -> Refused {
    let code = match error {
        TerminalError::Silent(_) | TerminalError::Strange(_) | TerminalError::Commit(_) => {
            exit::UNAVAILABLE
        }
        TerminalError::Site => exit::CONFIG,
        TerminalError::Unknown(_) | TerminalError::Refused { .. } | TerminalError::Invalid(_) => {
            exit::DATA
        }
    };
    Refused::new(code, error)
}
