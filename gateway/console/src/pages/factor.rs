//! The second factor: its code at log-in, its enrolment, and the recovery codes.

use crate::app::{App, Shared};
use crate::guard::{Problem, Seat, Visitor};
use crate::pages::entrance::admit;
use crate::pages::{Shell, html};
use crate::password::{OneTimeCode, code_fits};
use crate::session::{Secret, Stage};
use crate::totp::{self, SECRET_BYTES};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_ledger::Account;
use ring::rand::SecureRandom as _;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Instant;
use zeroize::Zeroizing;

/// Recovery codes that are made at a time.
const RECOVERY_CODES: usize = 8;

type Asker = Extension<Arc<Visitor>>;

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage<'a> {
    shell: Shell,
    t: &'a Words,
    trouble: String,
    box_time: String,
}

#[derive(Template)]
#[template(path = "factor.html")]
struct FactorPage<'a> {
    shell: Shell,
    t: &'a Words,
    trouble: String,
    box_time: String,
    /// The picture: its width in modules, and its dark ones as one path.
    width: usize,
    path: String,
    /// The secret in groups of four.
    secret: Zeroizing<String>,
}

#[derive(Template)]
#[template(path = "recovery.html")]
struct RecoveryPage<'a> {
    shell: Shell,
    t: &'a Words,
    codes: Vec<Zeroizing<String>>,
}

/// A code, as typed.
#[derive(Deserialize)]
pub(crate) struct Typed {
    code: String,
}

/// `GET /login/code`.
pub(crate) async fn code_page(
    State(app): State<Shared>,
    Extension(visitor): Asker,
) -> Result<Response, Problem> {
    code_form(&app, &visitor, StatusCode::OK, "")
}

fn code_form(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    trouble: &str,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let trouble = if trouble.is_empty() { String::new() } else { t.say(trouble) };
    let shell = Shell::new(app, visitor, t.say("code-title"), "/login/code");
    html(status, &CodePage { shell, t, trouble, box_time: box_time(app) })
}

/// `POST /login/code`: the app's code, or a recovery code, which is then gone.
pub(crate) async fn code(
    State(app): State<Shared>,
    Extension(visitor): Asker,
    Form(form): Form<Typed>,
) -> Result<Response, Problem> {
    let typed = Zeroizing::new(form.code);
    let seat = visitor.seat.as_ref().ok_or(Problem::Missing)?;
    if app.throttle.take(&seat.account, true, Instant::now()).is_err() {
        return code_form(&app, &visitor, StatusCode::TOO_MANY_REQUESTS, "code-too-many");
    }
    let account = app.handles.accounts.find(&seat.account).ok_or(Problem::Missing)?;
    let secret = app.handles.accounts.factor(&account);
    let right = match secret {
        Some(secret) => app.takes_code(&seat.account, &secret, &typed).await?,
        None => false,
    };
    if !right && !recover(&app, &account, &typed).await? {
        tracing::info!("second factor refused");
        return code_form(&app, &visitor, StatusCode::UNAUTHORIZED, "code-wrong");
    }
    app.throttle.forget(&seat.account);
    admit(&app, &visitor, &seat.account, Stage::Member)
}

/// Uses up the recovery code that was typed, if it is one.
async fn recover(app: &Shared, account: &Account, typed: &str) -> Result<bool, Problem> {
    let fits = |stored: &String| code_fits(stored, typed);
    if !account.recovery.iter().fold(false, |found, stored| found | fits(stored)) {
        return Ok(false);
    }
    let name = &account.name;
    let taken = app.handles.accounts.change(name, name, |account| {
        let before = account.recovery.len();
        account.recovery.retain(|stored| !fits(stored));
        Ok(account.recovery.len() < before)
    });
    tracing::info!("a recovery code was used");
    taken.await.map_err(|_| Problem::NotSaved)
}

/// `GET /welcome/factor`: the picture for the app.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Asker,
) -> Result<Response, Problem> {
    factor_form(&app, &visitor, StatusCode::OK, "")
}

fn factor_form(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    trouble: &str,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let seat = visitor.seat.as_ref().ok_or(Problem::Missing)?;
    let secret = pairing(app, seat)?;
    let address = totp::address(&seat.account, &app.site, &secret);
    let (width, path) = crate::qr::draw(address.as_bytes()).ok_or(Problem::Internal)?;
    let mut grouped = Zeroizing::new(String::new());
    for (i, c) in totp::base32(&secret).chars().enumerate() {
        if i > 0 && i % 4 == 0 {
            grouped.push(' ');
        }
        grouped.push(c);
    }
    let page = FactorPage {
        shell: Shell::new(app, visitor, t.say("factor-title"), "/welcome/factor"),
        t,
        trouble: if trouble.is_empty() { String::new() } else { t.say(trouble) },
        box_time: box_time(app),
        width,
        path,
        secret: grouped,
    };
    html(status, &page)
}

/// The secret that this session enrols: the same for as long as it does.
fn pairing(app: &App, seat: &Seat) -> Result<Secret, Problem> {
    let mut bytes = Zeroizing::new(vec![0; SECRET_BYTES]);
    app.random.fill(bytes.as_mut()).map_err(|_| Problem::Internal)?;
    app.sessions.pair(&seat.token, Arc::new(bytes)).ok_or(Problem::Missing)
}

/// `POST /welcome/factor`: a code of the app shows that it has the secret.
pub(crate) async fn pair(
    State(app): State<Shared>,
    Extension(visitor): Asker,
    Form(form): Form<Typed>,
) -> Result<Response, Problem> {
    let typed = Zeroizing::new(form.code);
    let seat = visitor.seat.as_ref().ok_or(Problem::Missing)?;
    let secret = pairing(&app, seat)?;
    if app.throttle.take(&seat.account, true, Instant::now()).is_err() {
        return factor_form(&app, &visitor, StatusCode::TOO_MANY_REQUESTS, "code-too-many");
    }
    if !app.takes_code(&seat.account, &secret, &typed).await? {
        return factor_form(&app, &visitor, StatusCode::UNPROCESSABLE_ENTITY, "code-wrong");
    }
    app.throttle.forget(&seat.account);
    let accounts = &app.handles.accounts;
    let sealed = accounts.seal_factor(&seat.account, &secret).map_err(|_| Problem::Internal)?;
    let (shown, digests) = recovery_codes()?;
    let first = accounts.change(&seat.account, &seat.account, |account| {
        let first = account.second_factor.is_none();
        if first {
            account.second_factor = Some(sealed);
            account.recovery = digests;
        }
        Ok(first)
    });
    // Of two who enrol at once with the same password, the second is shown the door.
    if !first.await.map_err(|_| Problem::NotSaved)? {
        app.sessions.close(&seat.token);
        return Err(Problem::Stale);
    }
    app.sessions.close_all(&seat.account);
    let mut response = admit(&app, &visitor, &seat.account, Stage::Member)?;
    let page = recovery_page(&app, &visitor, shown)?;
    let (parts, body) = page.into_parts();
    *response.status_mut() = parts.status;
    *response.body_mut() = body;
    response.headers_mut().remove(axum::http::header::LOCATION);
    response.headers_mut().extend(parts.headers);
    Ok(response)
}

/// New recovery codes: as shown, and their digests.
pub(crate) fn recovery_codes() -> Result<(Vec<Zeroizing<String>>, Vec<String>), Problem> {
    let make = |_| OneTimeCode::generate().map_err(|_| Problem::Internal);
    let codes: Vec<OneTimeCode> = (0..RECOVERY_CODES).map(make).collect::<Result<_, _>>()?;
    Ok(codes.into_iter().map(|code| (code.shown, code.digest)).unzip())
}

/// The page that shows recovery codes this once.
pub(crate) fn recovery_page(
    app: &App,
    visitor: &Visitor,
    codes: Vec<Zeroizing<String>>,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let shell = Shell::bare(app, visitor, t.say("recovery-title"));
    html(StatusCode::OK, &RecoveryPage { shell, t, codes })
}

/// The box's time, since codes go by it.
fn box_time(app: &App) -> String {
    app.zone.clock_seconds(app.now_ms())
}
