//! Pairing a terminal at the wall: a one-time code, as a picture and as text, and whether the
//! terminal has come since. Replacing one is the same under its name: the old one is shut out in
//! the same step.

use crate::app::{App, Shared, visible};
use crate::guard::{Problem, Visitor, see_other};
use crate::pages::{Badge, Shell, html};
use crate::pairing::{NewDevice, PairingCode};
use crate::qr;
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_ledger::{Device, DeviceKind, DeviceState, DevicesError};
use serde::Deserialize;
use std::sync::Arc;

/// Terminals that are offered to be replaced, and centres to speak through.
const MAX_OFFERED: usize = 500;
/// Characters of a name.
const MAX_NAME: usize = 64;

/// A code, shown once.
struct Shown {
    name: String,
    code: PairingCode,
    minutes: String,
    picture: Option<(usize, String)>,
}

/// A terminal that is paired, and whether it was heard since.
struct Row {
    name: String,
    state: Badge,
}

#[derive(Template)]
#[template(path = "pairing.html")]
struct PairingPage<'a> {
    shell: Shell,
    t: &'a Words,
    /// Pairing by code works here.
    open: bool,
    shown: Option<Shown>,
    typed: Asked,
    carriers: Vec<String>,
    rows: Vec<Row>,
    trouble: String,
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
}

/// `GET /terminals/pair`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    pairing(&app, &visitor, StatusCode::OK, None, Asked::default(), String::new())
}

fn pairing(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    shown: Option<Shown>,
    typed: Asked,
    trouble: String,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let devices = app.handles.devices.list();
    let paired = |d: &&Device| d.state == DeviceState::Paired;
    let carriers = devices.iter().filter(paired).filter(|d| d.kind == DeviceKind::C1);
    let page = PairingPage {
        shell: Shell::new(app, visitor, t.say("pair-title"), "/terminals/pair"),
        t,
        open: app.handles.pair.is_some(),
        shown,
        typed,
        carriers: carriers.take(MAX_OFFERED).map(|d| d.name.clone()).collect(),
        rows: devices.iter().filter(paired).take(MAX_OFFERED).map(|d| row(d, t)).collect(),
        trouble,
    };
    html(status, &page)
}

fn row(device: &Device, t: &Words) -> Row {
    let (tone, label) = match device.last_seen_ms {
        None => ("warn", "pair-not-heard"),
        Some(_) => ("good", "pair-heard"),
    };
    Row { name: device.name.clone(), state: Badge { tone, label: t.say(label) } }
}

/// `POST /terminals/pair`: a code, in the answer to this form alone.
pub(crate) async fn pair(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(asked): Form<Asked>,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    let Some(make) = app.handles.pair.clone() else { return Err(Problem::Missing) };
    let kind = match asked.kind.as_str() {
        "m2" => DeviceKind::M2,
        "c1" => DeviceKind::C1,
        _ => return Err(Problem::Form),
    };
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let Some(name) = filled(&asked.name).filter(|name| name.chars().count() <= MAX_NAME) else {
        return pairing(&app, &visitor, refused, None, asked, t.say("pair-name-rule"));
    };
    let (carrier, host) = (filled(&asked.carrier), filled(&asked.host));
    let device = NewDevice { name: name.clone(), kind, carrier, host };
    let made = tokio::task::spawn_blocking(move || make(device)).await;
    match made.map_err(|_| Problem::Internal)? {
        Err(why) => pairing(&app, &visitor, refused, None, asked, visible(&why)),
        Ok(code) => {
            let minutes = t.count("pair-minutes", code.expires_in.as_secs().div_ceil(60));
            let picture = qr::draw(code.link.as_bytes());
            let shown = Shown { name, minutes, picture, code };
            pairing(&app, &visitor, StatusCode::OK, Some(shown), Asked::default(), String::new())
        }
    }
}

/// A terminal to shut out.
#[derive(Deserialize)]
pub(crate) struct Which {
    name: String,
}

/// `POST /terminals/revoke`: it is shut out at once, open connections too; what it sent stays. A
/// new one is then paired under a name of its own choice.
pub(crate) async fn revoke(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(which): Form<Which>,
) -> Result<Response, Problem> {
    match app.handles.devices.revoke(&which.name).await {
        Ok(()) => {
            let account = visitor.seat.as_ref().map_or("", |seat| seat.account.as_str());
            let noted = app.handles.plans.remark(account, "shut a terminal out on the page");
            noted.await.map_err(|_| Problem::NotSaved)?;
            Ok(see_other("/terminals/pair"))
        }
        Err(DevicesError::Commit(_)) => Err(Problem::NotSaved),
        Err(_) => Err(Problem::Missing),
    }
}
