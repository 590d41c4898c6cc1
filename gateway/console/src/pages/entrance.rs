//! In and out: log-in, the first password, logout, language.

use crate::app::Shared;
use crate::guard::{
    LANGUAGE_COOKIE, Problem, SESSION_COOKIE, VISIT_COOKIE, Visitor, see_other, set_cookie,
};
use crate::pages::{self, Shell, html};
use crate::password::{MAX_BYTES, MIN_LENGTH, code_fits, weakness};
use crate::session::Stage;
use crate::words::{Language, Words};
use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, RETRY_AFTER};
use axum::response::Response;
use muster_ledger::Account;
use serde::Deserialize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Characters of a log-in name.
const MAX_NAME: usize = 64;
/// A year, for the language's cookie.
const YEAR_SECONDS: u32 = 365 * 86_400;

type Asker = Extension<Arc<Visitor>>;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    shell: Shell,
    t: &'a Words,
    name: String,
    trouble: String,
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage<'a> {
    shell: Shell,
    t: &'a Words,
    lead: String,
    rule: String,
    trouble: String,
}

#[derive(Template)]
#[template(path = "nothing.html")]
struct NothingPage<'a> {
    shell: Shell,
    t: &'a Words,
}

/// `GET /login`.
pub(crate) async fn login_page(
    State(app): State<Shared>,
    Extension(visitor): Asker,
) -> Result<Response, Problem> {
    match visitor.seat.as_ref().map(|seat| seat.stage) {
        Some(stage) => Ok(see_other(next_step(stage))),
        None => login_form(&app, &visitor, StatusCode::OK, "", String::new()),
    }
}

fn login_form(
    app: &Shared,
    visitor: &Visitor,
    status: StatusCode,
    name: &str,
    trouble: String,
) -> Result<Response, Problem> {
    let (t, name) = (&visitor.t, name.to_owned());
    let shell = Shell::new(app, visitor, t.say("login-title"), "/login");
    html(status, &LoginPage { shell, t, name, trouble })
}

/// What somebody logs in with.
#[derive(Deserialize)]
pub(crate) struct Credentials {
    name: String,
    password: String,
}

/// `POST /login`: every answer but the right one is the same, in words and in time.
pub(crate) async fn login(
    State(app): State<Shared>,
    Extension(visitor): Asker,
    Form(form): Form<Credentials>,
) -> Result<Response, Problem> {
    let password = Zeroizing::new(form.password);
    let name: String = form.name.trim().chars().take(MAX_NAME + 1).collect();
    let account = app.handles.accounts.find(&name);
    if let Err(wait) = app.throttle.take(&name, account.is_some(), Instant::now()) {
        return too_many(&app, &visitor, &name, wait);
    }
    match entry(&app, account, &password).await? {
        Some((account, stage)) => {
            // Tries of the second factor count with those of the password until one is in.
            if matches!(stage, Stage::Member | Stage::Enrolling) {
                app.throttle.forget(&account);
            }
            tracing::info!(?stage, "log-in");
            admit(&app, &visitor, &account, stage)
        }
        None => {
            tracing::info!("log-in refused");
            let trouble = visitor.t.say("login-wrong");
            login_form(&app, &visitor, StatusCode::UNAUTHORIZED, &name, trouble)
        }
    }
}

/// Whether, and how far, a password or one-time code lets somebody in. One hash is computed
/// whatever there is.
async fn entry(
    app: &Shared,
    account: Option<Account>,
    password: &Zeroizing<String>,
) -> Result<Option<(String, Stage)>, Problem> {
    let stored = account.as_ref().and_then(|account| account.password.clone());
    let typed = Zeroizing::new(if password.len() > MAX_BYTES {
        String::new()
    } else {
        password.as_str().to_owned()
    });
    let right = app.passwords.verify(stored, typed).await.map_err(|_| Problem::Busy)?;
    let Some(account) = account.filter(|account| !account.disabled) else { return Ok(None) };
    if right {
        let stage = after_password(app, &account);
        return Ok(Some((account.name, stage)));
    }
    let code = account.one_time_code.as_deref();
    // A code is used once: while whoever came in by it sets a password, it opens nothing.
    let coded = code.is_some_and(|code| code_fits(code, password))
        && !app.sessions.enrolling(&account.name, Instant::now());
    Ok(coded.then_some((account.name, Stage::Enrolling)))
}

/// What is still owed after the password.
fn after_password(app: &Shared, account: &Account) -> Stage {
    if app.second_factor.is_waived() {
        Stage::Member
    } else if account.second_factor.is_some() {
        Stage::Code
    } else if account.needs_second_factor() {
        Stage::Pairing
    } else {
        Stage::Member
    }
}

/// Where whoever has come so far goes on.
fn next_step(stage: Stage) -> &'static str {
    match stage {
        Stage::Enrolling => "/welcome",
        Stage::Code => "/login/code",
        Stage::Pairing => "/welcome/factor",
        Stage::Member => "/",
    }
}

/// Opens a session at `stage` under a new token; the one at hand ends.
pub(crate) fn admit(
    app: &Shared,
    visitor: &Visitor,
    account: &str,
    stage: Stage,
) -> Result<Response, Problem> {
    if let Some(seat) = &visitor.seat {
        app.sessions.close(&seat.token);
    }
    let token = app.sessions.open(&app.random, account, stage, Instant::now());
    let token = token.ok_or(Problem::Internal)?;
    let mut response = see_other(next_step(stage));
    set_cookie(&mut response, SESSION_COOKIE, token.expose(), None);
    set_cookie(&mut response, VISIT_COOKIE, "", Some(0));
    Ok(response)
}

fn too_many(
    app: &Shared,
    visitor: &Visitor,
    name: &str,
    wait: Duration,
) -> Result<Response, Problem> {
    let minutes = wait.as_secs().div_ceil(60);
    let trouble = visitor.t.count("login-too-many", minutes);
    let mut response = login_form(app, visitor, StatusCode::TOO_MANY_REQUESTS, name, trouble)?;
    if let Ok(seconds) = HeaderValue::from_str(&wait.as_secs().to_string()) {
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    Ok(response)
}

/// `GET /welcome`: who came in by a one-time code chooses a password.
pub(crate) async fn welcome_page(
    State(app): State<Shared>,
    Extension(visitor): Asker,
) -> Result<Response, Problem> {
    welcome_form(&app, &visitor, StatusCode::OK, String::new())
}

fn welcome_form(
    app: &Shared,
    visitor: &Visitor,
    status: StatusCode,
    trouble: String,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let shell = Shell::new(app, visitor, t.say("welcome-title"), "/welcome");
    let lead = t.with("welcome-lead", "name", &shell.account);
    let rule = t.count("welcome-rule", MIN_LENGTH as u64);
    html(status, &WelcomePage { shell, t, lead, rule, trouble })
}

/// A password, twice.
#[derive(Deserialize)]
pub(crate) struct NewPassword {
    password: String,
    again: String,
}

/// `POST /welcome`.
pub(crate) async fn welcome(
    State(app): State<Shared>,
    Extension(visitor): Asker,
    Form(form): Form<NewPassword>,
) -> Result<Response, Problem> {
    let (password, again) = (Zeroizing::new(form.password), Zeroizing::new(form.again));
    let seat = visitor.seat.as_ref().ok_or(Problem::Missing)?;
    let hashed = match new_password(&app, &visitor, &seat.account, password, &again).await? {
        Ok(hashed) => hashed,
        Err(trouble) => {
            return welcome_form(&app, &visitor, StatusCode::UNPROCESSABLE_ENTITY, trouble);
        }
    };
    let account = save_password(&app, &seat.account, hashed).await?;
    app.sessions.close_all(&seat.account);
    admit(&app, &visitor, &seat.account, after_password(&app, &account))
}

/// Hashes a new password, or says in words why it will not do.
pub(crate) async fn new_password(
    app: &Shared,
    visitor: &Visitor,
    account: &str,
    password: Zeroizing<String>,
    again: &str,
) -> Result<Result<String, String>, Problem> {
    let trouble = if *password != again {
        Some("password-differs")
    } else {
        weakness(&password, account, &app.site)
    };
    if let Some(trouble) = trouble {
        return Ok(Err(visitor.t.count(trouble, MIN_LENGTH as u64)));
    }
    let hashed = app.passwords.hash(password).await.map_err(|_| Problem::Busy)?;
    Ok(Ok(hashed.map_err(|_| Problem::Busy)?))
}

/// Saves a hashed password; the one-time code goes. Gives the account.
pub(crate) async fn save_password(
    app: &Shared,
    name: &str,
    hashed: String,
) -> Result<Account, Problem> {
    let edit = |account: &mut Account| {
        account.password = Some(hashed);
        account.one_time_code = None;
        Ok(account.clone())
    };
    app.handles.accounts.change(name, name, edit).await.map_err(|error| {
        tracing::warn!(%error, "a password was not saved");
        Problem::NotSaved
    })
}

/// `POST /logout`.
pub(crate) async fn logout(
    State(app): State<Shared>,
    Extension(visitor): Asker,
) -> Result<Response, Problem> {
    if let Some(seat) = &visitor.seat {
        app.sessions.close(&seat.token);
    }
    let mut response = see_other("/login");
    set_cookie(&mut response, SESSION_COOKIE, "", Some(0));
    Ok(response)
}

/// `GET /`: on to the first page the roles open.
pub(crate) async fn home(
    State(app): State<Shared>,
    Extension(visitor): Asker,
) -> Result<Response, Problem> {
    if let Some(page) = pages::first_page(&visitor) {
        return Ok(see_other(page));
    }
    let t = &visitor.t;
    let shell = Shell::new(&app, &visitor, t.say("nothing-title"), "/");
    html(StatusCode::OK, &NothingPage { shell, t })
}

/// A language, and where to go on.
#[derive(Deserialize)]
pub(crate) struct Choice {
    language: String,
    to: String,
}

/// `POST /language`.
pub(crate) async fn language(Form(choice): Form<Choice>) -> Result<Response, Problem> {
    let language = Language::read(&choice.language).ok_or(Problem::Form)?;
    let mut response = see_other(if is_local(&choice.to) { &choice.to } else { "/" });
    set_cookie(&mut response, LANGUAGE_COOKIE, language.tag(), Some(YEAR_SECONDS));
    Ok(response)
}

/// Whether it is a path on this box: never another host's.
fn is_local(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && c != '\\';
    path.starts_with('/') && !path.starts_with("//") && path.len() <= 256 && path.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_paths_of_this_box_are_gone_on_to() {
        for (path, expect) in [
            ("/", true),
            ("/waiting/I-02?after=1", true),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example", false),
            ("/a\r\nSet-Cookie: x=y", false),
            ("", false),
        ] {
            assert_eq!(is_local(path), expect, "{path}");
        }
    }
}
