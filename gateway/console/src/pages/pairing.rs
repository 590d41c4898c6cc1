//! Pairing a terminal at the wall: a one-time code, as a picture and as text, and how far the
//! terminal has come since, without loading anew. Replacing one is the same under its name: the
//! old one is shut out in the same step.

use crate::app::{App, Shared, visible};
use crate::guard::{Problem, Visitor, see_other};
use crate::pages::{Badge, Shell, html};
use crate::pairing::{NewDevice, PairingCode};
use crate::qr;
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_ledger::{Device, DeviceKind, DeviceState, DevicesError};
use serde::Deserialize;
use std::sync::Arc;

/// Terminals that are offered to be replaced, and centres to speak through.
const MAX_OFFERED: usize = 500;
/// Characters of a name.
pub(crate) const MAX_NAME: usize = 64;

/// A code, shown once.
pub(crate) struct Shown {
    name: String,
    code: PairingCode,
    minutes: String,
    picture: Option<(usize, String)>,
    /// How far the terminal is; looks again by itself.
    state: Coming,
}

/// How far a terminal is that was given a code: a part of the page that asks anew by itself until
/// its first punch is there.
#[derive(Template)]
#[template(path = "pairing_state.html")]
struct Coming {
    /// Where to ask; empty once there is nothing to wait for.
    ask: String,
    badge: Badge,
}

/// A terminal that is paired, and whether it was heard since.
struct Row {
    name: String,
    state: Badge,
    /// As the forms have it; empty for what no code is made for.
    kind: &'static str,
    carrier: String,
    address: u8,
}

#[derive(Template)]
#[template(path = "pairing.html")]
struct PairingPage<'a> {
    shell: Shell,
    t: &'a Words,
    /// Pairing by code works here.
    open: bool,
    said: Said,
    carriers: Vec<String>,
    rows: Vec<Row>,
}

/// What the page says of a form.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) shown: Option<Shown>,
    pub(crate) typed: Asked,
    /// Name of an M1, as typed.
    pub(crate) card: String,
    pub(crate) trouble: String,
}

/// A terminal, as typed.
#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    #[serde(default)]
    name: String,
    /// `m2` or `c1`.
    #[serde(default)]
    kind: String,
    #[serde(default)]
    carrier: String,
    #[serde(default)]
    host: String,
    /// Whether the one of that name is shut out first.
    #[serde(default)]
    replaces: bool,
}

/// `GET /terminals/pair`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    pairing(&app, &visitor, StatusCode::OK, Said::default())
}

pub(crate) fn pairing(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    said: Said,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let devices = app.handles.devices.list();
    let paired = |d: &&Device| d.state == DeviceState::Paired;
    let carriers = devices.iter().filter(paired).filter(|d| d.kind == DeviceKind::C1);
    let page = PairingPage {
        shell: Shell::new(app, visitor, t.say("pair-title"), "/terminals/pair"),
        t,
        open: app.handles.pair.is_some(),
        said,
        carriers: carriers.take(MAX_OFFERED).map(|d| d.name.clone()).collect(),
        rows: devices.iter().filter(paired).take(MAX_OFFERED).map(|d| row(app, d, t)).collect(),
    };
    html(status, &page)
}

fn row(app: &App, device: &Device, t: &Words) -> Row {
    let carrier = device.carrier.and_then(|id| app.handles.devices.get(id)).map(|d| d.name);
    Row {
        name: device.name.clone(),
        state: heard(device, t),
        kind: match device.kind {
            DeviceKind::M1 => "m1",
            DeviceKind::M2 => "m2",
            DeviceKind::C1 => "c1",
            _ => "",
        },
        carrier: carrier.unwrap_or_default(),
        address: device.address.unwrap_or(1),
    }
}

fn heard(device: &Device, t: &Words) -> Badge {
    let (tone, label) = match device.last_seen_ms {
        None => ("warn", "pair-not-heard"),
        Some(_) => ("good", "pair-heard"),
    };
    Badge { tone, label: t.say(label) }
}

/// How far the terminal of that name is.
fn coming(app: &App, t: &Words, name: &str) -> Coming {
    let found = app.handles.devices.find(name).filter(|d| d.state == DeviceState::Paired);
    let ask = format!("/terminals/pair/{}/live", escaped(name));
    match found {
        Some(device) if device.records > 0 => {
            let at = device.last_seen_ms.map(|ms| app.zone.clock_seconds(ms)).unwrap_or_default();
            let badge = Badge { tone: "good", label: t.with("pair-punched", "time", &at) };
            Coming { ask: String::new(), badge }
        }
        Some(_) => Coming { ask, badge: Badge { tone: "info", label: t.say("pair-came") } },
        None => Coming { ask, badge: Badge { tone: "warn", label: t.say("pair-waits") } },
    }
}

/// A name as a part of a path.
fn escaped(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes().fold(String::new(), |mut path, byte| {
        // Writing to a string cannot fail.
        let _ = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => {
                write!(path, "{}", char::from(byte))
            }
            _ => write!(path, "%{byte:02X}"),
        };
        path
    })
}

/// `GET /terminals/pair/{name}/live`: how far a terminal is.
pub(crate) async fn state(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    html(StatusCode::OK, &coming(&app, &visitor.t, &name))
}

/// `POST /terminals/pair`: a code, in the answer to this form alone.
pub(crate) async fn pair(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(asked): Form<Asked>,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let refuse = |typed: Asked, trouble: String| {
        let said = Said { typed, trouble, ..Said::default() };
        pairing(&app, &visitor, StatusCode::UNPROCESSABLE_ENTITY, said)
    };
    let Some(make) = app.handles.pair.clone() else { return Err(Problem::Missing) };
    let kind = match asked.kind.as_str() {
        "m2" => DeviceKind::M2,
        "c1" => DeviceKind::C1,
        _ => return Err(Problem::Form),
    };
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let Some(name) = filled(&asked.name).filter(|name| name.chars().count() <= MAX_NAME) else {
        return refuse(asked, t.say("pair-name-rule"));
    };
    if asked.replaces {
        shut_out(&app, &visitor, &name).await?;
    }
    let (carrier, host) = (filled(&asked.carrier), filled(&asked.host));
    let device = NewDevice { name: name.clone(), kind, carrier, host };
    let made = tokio::task::spawn_blocking(move || make(device)).await;
    match made.map_err(|_| Problem::Internal)? {
        Err(why) => refuse(asked, visible(&why)),
        Ok(code) => {
            let minutes = t.count("pair-minutes", code.expires_in.as_secs().div_ceil(60));
            let picture = qr::draw(code.link.as_bytes());
            let state = coming(&app, t, &name);
            let shown = Some(Shown { name, minutes, picture, code, state });
            pairing(&app, &visitor, StatusCode::OK, Said { shown, ..Said::default() })
        }
    }
}

/// A terminal to shut out.
#[derive(Deserialize)]
pub(crate) struct Which {
    name: String,
}

/// `POST /terminals/revoke`: it is shut out at once, open connections too; what it sent stays.
pub(crate) async fn revoke(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(which): Form<Which>,
) -> Result<Response, Problem> {
    shut_out(&app, &visitor, &which.name).await?;
    Ok(see_other("/terminals/pair"))
}

/// Shuts a terminal out, under the visitor's name.
pub(crate) async fn shut_out(app: &App, visitor: &Visitor, name: &str) -> Result<(), Problem> {
    match app.handles.devices.revoke(name).await {
        Ok(()) => {
            let account = visitor.seat.as_ref().map_or("", |seat| seat.account.as_str());
            let noted = app.handles.plans.remark(account, "shut a terminal out on the page");
            noted.await.map_err(|_| Problem::NotSaved)
        }
        Err(DevicesError::Commit(_)) => Err(Problem::NotSaved),
        Err(_) => Err(Problem::Missing),
    }
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_name_is_one_part_of_a_path() {
        for (name, expect) in
            [("gate-07", "gate-07"), ("閘 1", "%E9%96%98%201"), ("a/b?c#d%", "a%2Fb%3Fc%23d%25")]
        {
            assert_eq!(escaped(name), expect);
        }
    }
}
