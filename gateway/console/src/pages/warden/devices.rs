//! Wardens' devices: which there are, a code for a new one, and the end of one.

use crate::app::{App, Shared};
use crate::guard::{Problem, Visitor, see_other};
use crate::pages::{Badge, Shell, html};
use crate::password::OneTimeCode;
use crate::qr;
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_ledger::{Accounts, AccountsError, Warden};
use serde::Deserialize;
use std::sync::Arc;
use zeroize::Zeroizing;

/// How long a code is good.
const CODE_MINUTES: u64 = (Accounts::WARDEN_CODE_MS / 60_000).unsigned_abs();

struct Row {
    name: String,
    state: Badge,
    told: String,
}

/// A code that was made just now, to be typed or read as a picture.
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) code: Zeroizing<String>,
    /// Where it is typed.
    pub(crate) address: String,
    /// Width and path of the picture: the address with the code behind `#`, which no browser sends.
    pub(crate) picture: Option<(usize, String)>,
}

impl Made {
    /// The code of `name`, for the page at `path` of the box as `visitor` knows it.
    pub(crate) fn new(
        visitor: &Visitor,
        name: String,
        code: Zeroizing<String>,
        path: &str,
    ) -> Self {
        let address = format!("https://{}{path}", visitor.host);
        let link = Zeroizing::new(format!("{address}#{}", code.as_str()));
        Self { name, picture: qr::draw(link.as_bytes()), code, address }
    }
}

#[derive(Template)]
#[template(path = "wardens.html")]
struct WardensPage<'a> {
    shell: Shell,
    t: &'a Words,
    rows: Vec<Row>,
    made: Option<Made>,
    made_lead: String,
    name: String,
    trouble: String,
}

/// `GET /wardens`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    wardens_page(&app, &visitor, None, Ok(String::new()))
}

/// The list; with a code that was made, or with a name and why it was not taken.
fn wardens_page(
    app: &App,
    visitor: &Visitor,
    made: Option<Made>,
    refused: Result<String, (String, &str)>,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let (status, name, trouble) = match refused {
        Ok(name) => (StatusCode::OK, name, String::new()),
        Err((name, why)) => (StatusCode::UNPROCESSABLE_ENTITY, name, t.say(why)),
    };
    let wardens = app.handles.accounts.wardens();
    let page = WardensPage {
        shell: Shell::new(app, visitor, t.say("wardens-title"), "/wardens"),
        t,
        rows: wardens.iter().map(|warden| row(app, t, warden)).collect(),
        made,
        made_lead: t.count("warden-made-lead", CODE_MINUTES),
        name,
        trouble,
    };
    html(status, &page)
}

fn row(app: &App, t: &Words, warden: &Warden) -> Row {
    let now_ms = app.now_ms();
    let (tone, label) = match (warden.until_ms > now_ms, warden.digest.is_some()) {
        (true, true) => ("good", "warden-enrolled"),
        (true, false) => ("warn", "warden-invited"),
        (false, true) => ("bad", "warden-over"),
        (false, false) => ("quiet", "warden-code-over"),
    };
    let until = app.zone.stamp(warden.until_ms, now_ms, t);
    let at = app.zone.stamp(warden.at_ms, now_ms, t);
    let values = [("by", warden.by.as_str()), ("at", at.as_str()), ("until", until.as_str())];
    let (name, state) = (warden.name.clone(), Badge { tone, label: t.say(label) });
    Row { name, state, told: t.fill("warden-told", &values) }
}

/// A device's name.
#[derive(Deserialize)]
pub(crate) struct Named {
    name: String,
}

/// `POST /wardens`: a code for a device, shown once.
pub(crate) async fn invite(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(form): Form<Named>,
) -> Result<Response, Problem> {
    let OneTimeCode { shown, digest } = OneTimeCode::generate().map_err(|_| Problem::Internal)?;
    let (accounts, name) = (&app.handles.accounts, form.name.trim().to_owned());
    let invited = accounts.invite_warden(actor(&visitor), &name, digest, app.now_ms()).await;
    match invited {
        Ok(()) => {
            let made = Made::new(&visitor, name, shown, "/warden/enrol");
            wardens_page(&app, &visitor, Some(made), Ok(String::new()))
        }
        Err(AccountsError::Commit(_)) => Err(Problem::NotSaved),
        Err(error) => wardens_page(&app, &visitor, None, Err((name, why(&error)))),
    }
}

fn why(error: &AccountsError) -> &'static str {
    match error {
        AccountsError::Exists(_) => "warden-exists",
        AccountsError::Full(_) => "warden-full",
        _ => "account-name-rule",
    }
}

/// `POST /wardens/end`: the device is out at its next request, and forgets what it kept.
pub(crate) async fn end(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(form): Form<Named>,
) -> Result<Response, Problem> {
    match app.handles.accounts.end_warden(actor(&visitor), &form.name).await {
        Ok(()) => Ok(see_other("/wardens")),
        Err(AccountsError::Commit(_)) => Err(Problem::NotSaved),
        Err(_) => Err(Problem::Missing),
    }
}

fn actor(visitor: &Visitor) -> &str {
    visitor.seat.as_ref().map_or("", |seat| seat.account.as_str())
}
