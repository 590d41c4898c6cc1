//! One's own account: password and recovery codes.

use crate::app::{App, Shared};
use crate::guard::{Problem, Visitor};
use crate::pages::factor::{recovery_codes, recovery_page};
use crate::pages::{Shell, entrance, html};
use crate::session::Stage;
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_ledger::{Account, Role};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Instant;
use zeroize::Zeroizing;

type Asker = Extension<Arc<Visitor>>;

#[derive(Template)]
#[template(path = "own.html")]
struct OwnPage<'a> {
    shell: Shell,
    t: &'a Words,
    name: String,
    roles: String,
    factor: bool,
    recovery: String,
    /// Too new to approve what another asked for.
    new: bool,
    /// Who it is in the directory.
    person: String,
    trouble: String,
}

/// `GET /account`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Asker,
) -> Result<Response, Problem> {
    own_page(&app, &visitor, StatusCode::OK, String::new())
}

fn own_page(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    trouble: String,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let account = own(app, visitor)?;
    let seat = visitor.seat.as_ref().ok_or(Problem::Missing)?;
    let page = OwnPage {
        shell: Shell::new(app, visitor, t.say("own-title"), "/account"),
        t,
        roles: roles(&account, t),
        factor: account.second_factor.is_some(),
        recovery: t.count("own-recovery-left", account.recovery.len() as u64),
        name: account.name.clone(),
        new: !seat.may_approve && account.needs_second_factor(),
        person: seat.person.map(|person| app.who(person, t).shown).unwrap_or_default(),
        trouble,
    };
    html(status, &page)
}

fn own(app: &App, visitor: &Visitor) -> Result<Account, Problem> {
    let seat = visitor.seat.as_ref().ok_or(Problem::Missing)?;
    app.handles.accounts.find(&seat.account).ok_or(Problem::Missing)
}

/// An account's roles in words.
pub(crate) fn roles(account: &Account, t: &Words) -> String {
    account.roles.iter().map(|role| role_name(*role, t)).collect::<Vec<_>>().join(", ")
}

/// A role in words.
pub(crate) fn role_name(role: Role, t: &Words) -> String {
    t.say(match role {
        Role::Facilities => "role-facilities",
        Role::Hr => "role-hr",
        Role::Employee => "role-employee",
        Role::ItAdmin => "role-it-admin",
        Role::Security => "role-security",
        Role::Dpo => "role-dpo",
        Role::DpoDeputy => "role-dpo-deputy",
        Role::WorksCouncil => "role-works-council",
        Role::Auditor => "role-auditor",
    })
}

/// A role that is written as text, in words; as it is where it is none of ours.
pub(crate) fn role_word(role: &str, t: &Words) -> String {
    role.parse().map_or_else(|_| crate::app::visible(role), |role| role_name(role, t))
}

/// The password as it is, and a new one, twice.
#[derive(Deserialize)]
pub(crate) struct Change {
    current: String,
    password: String,
    again: String,
}

/// `POST /account/password`: every other session of the account ends.
pub(crate) async fn password(
    State(app): State<Shared>,
    Extension(visitor): Asker,
    Form(form): Form<Change>,
) -> Result<Response, Problem> {
    let [current, password, again] = [form.current, form.password, form.again].map(Zeroizing::new);
    let account = own(&app, &visitor)?;
    let say = |id: &str| visitor.t.say(id);
    if app.throttle.take(&account.name, true, Instant::now()).is_err() {
        return own_page(&app, &visitor, StatusCode::TOO_MANY_REQUESTS, say("code-too-many"));
    }
    let right = app.passwords.verify(account.password.clone(), current).await;
    if !right.map_err(|_| Problem::Busy)? {
        return own_page(&app, &visitor, StatusCode::UNPROCESSABLE_ENTITY, say("own-wrong"));
    }
    let made = entrance::new_password(&app, &visitor, &account.name, password, &again).await?;
    let hashed = match made {
        Ok(hashed) => hashed,
        Err(trouble) => {
            return own_page(&app, &visitor, StatusCode::UNPROCESSABLE_ENTITY, trouble);
        }
    };
    entrance::save_password(&app, &account.name, hashed).await?;
    app.throttle.forget(&account.name);
    app.sessions.close_all(&account.name);
    entrance::admit(&app, &visitor, &account.name, Stage::Member)
}

/// `POST /account/recovery`: new recovery codes; the old ones are void.
pub(crate) async fn recovery(
    State(app): State<Shared>,
    Extension(visitor): Asker,
) -> Result<Response, Problem> {
    let account = own(&app, &visitor)?;
    if account.second_factor.is_none() {
        return Err(Problem::Missing);
    }
    let (shown, digests) = recovery_codes()?;
    let saved = app.handles.accounts.change(&account.name, &account.name, |account| {
        account.recovery = digests;
        Ok(())
    });
    saved.await.map_err(|_| Problem::NotSaved)?;
    recovery_page(&app, &visitor, shown)
}
