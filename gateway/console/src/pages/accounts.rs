//! Accounts: who may log in, made and disabled by the administrator.
//!
//! Once a policy has been published two people decide on privileged accounts: what one may not do
//! alone is refused by the ledger, and its words are shown.

use crate::access::Route;
use crate::app::{App, Shared, visible};
use crate::guard::{Problem, Visitor};
use crate::pages::own::{role_name, roles};
use crate::pages::{Badge, Shell, html};
use crate::password::OneTimeCode;
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_ledger::{Account, AccountsError, Role};
use serde::Deserialize;
use std::sync::Arc;
use zeroize::Zeroizing;

type Asker = Extension<Arc<Visitor>>;

struct Row {
    name: String,
    roles: String,
    departments: String,
    state: Badge,
    factor: bool,
    disabled: bool,
    /// Nobody has chosen a password yet.
    fresh: bool,
}

/// A role to tick.
struct Choice {
    name: &'static str,
    label: String,
    ticked: bool,
}

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage<'a> {
    shell: Shell,
    t: &'a Words,
    rows: Vec<Row>,
    choices: Vec<Choice>,
    changes: bool,
    /// What was typed, where it did not do.
    name: String,
    departments: String,
    trouble: String,
    /// An account's name and the code that is shown this once.
    made: Option<(String, Zeroizing<String>)>,
}

/// What a page says besides the list.
#[derive(Default)]
struct Said {
    trouble: String,
    made: Option<(String, Zeroizing<String>)>,
    typed: Option<Account>,
}

/// `GET /accounts`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Asker,
) -> Result<Response, Problem> {
    accounts_page(&app, &visitor, StatusCode::OK, Said::default())
}

fn accounts_page(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    said: Said,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let typed = said.typed.unwrap_or_else(|| Account::new("", Vec::new(), 0));
    let choice = |role: Role| Choice {
        name: role.name(),
        label: role_name(role, t),
        ticked: typed.roles.contains(&role),
    };
    let page = AccountsPage {
        shell: Shell::new(app, visitor, t.say("nav-accounts"), "/accounts"),
        t,
        rows: app.handles.accounts.list().iter().map(|account| row(account, t)).collect(),
        choices: Role::ALL.into_iter().map(choice).collect(),
        changes: visitor.admits(Route::AccountAdd),
        name: typed.name.clone(),
        departments: typed.departments.join("\n"),
        trouble: said.trouble,
        made: said.made,
    };
    html(status, &page)
}

fn row(account: &Account, t: &Words) -> Row {
    let (tone, label) = match account {
        Account { disabled: true, .. } => ("bad", "account-disabled"),
        Account { password: None, .. } => ("warn", "account-new"),
        _ => ("good", "account-active"),
    };
    let departments = account.departments.iter().map(|department| visible(department));
    Row {
        name: account.name.clone(),
        roles: roles(account, t),
        departments: departments.collect::<Vec<_>>().join(", "),
        state: Badge { tone, label: t.say(label) },
        factor: account.second_factor.is_some(),
        disabled: account.disabled,
        fresh: account.password.is_none(),
    }
}

/// A new account, as typed.
#[derive(Deserialize)]
struct New {
    name: String,
    departments: String,
}

/// `POST /accounts`: makes one, and shows its one-time code.
pub(crate) async fn add(
    State(app): State<Shared>,
    Extension(visitor): Asker,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let field = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, value)| value);
    let (Some(name), Some(departments)) = (field("name"), field("departments")) else {
        return Err(Problem::Form);
    };
    let form = New { name: name.trim().to_owned(), departments: departments.clone() };
    let ticked = fields.iter().filter(|(name, _)| name == "role");
    let roles: Result<Vec<Role>, _> = ticked.map(|(_, role)| role.parse()).collect();
    let roles = roles.map_err(|_| Problem::Form)?;
    let departments = form.departments.lines().map(str::trim).filter(|line| !line.is_empty());
    let departments: Vec<String> = departments.map(str::to_owned).collect();
    let code = OneTimeCode::generate().map_err(|_| Problem::Internal)?;
    let account = Account {
        departments,
        one_time_code: Some(code.digest),
        ..Account::new(&form.name, roles, app.now_ms())
    };
    let (name, typed) = (account.name.clone(), account.clone());
    if account.roles.is_empty() {
        let said =
            Said { trouble: visitor.t.say("account-no-role"), typed: Some(typed), made: None };
        return accounts_page(&app, &visitor, StatusCode::UNPROCESSABLE_ENTITY, said);
    }
    let saved = app.handles.accounts.put(actor(&visitor), account, true).await;
    told(&app, &visitor, saved, Some((name, code.shown)), Some(typed))
}

/// An account, and what to do with it.
#[derive(Deserialize)]
pub(crate) struct Which {
    name: String,
    #[serde(default)]
    disabled: bool,
}

/// `POST /accounts/switch`: disables or enables one; its sessions end.
pub(crate) async fn switch(
    State(app): State<Shared>,
    Extension(visitor): Asker,
    Form(form): Form<Which>,
) -> Result<Response, Problem> {
    let changed = app.handles.accounts.change(actor(&visitor), &form.name, |account| {
        account.disabled = form.disabled;
        Ok(())
    });
    let changed = changed.await;
    app.sessions.close_all(&form.name);
    told(&app, &visitor, changed, None, None)
}

/// `POST /accounts/code`: a new one-time code where nobody has chosen a password yet.
pub(crate) async fn code(
    State(app): State<Shared>,
    Extension(visitor): Asker,
    Form(form): Form<Which>,
) -> Result<Response, Problem> {
    let OneTimeCode { shown, digest } = OneTimeCode::generate().map_err(|_| Problem::Internal)?;
    let changed = app
        .handles
        .accounts
        .change(actor(&visitor), &form.name, |account| account.renew_code(digest));
    let changed = changed.await;
    told(&app, &visitor, changed, Some((form.name, shown)), None)
}

fn actor(visitor: &Visitor) -> &str {
    visitor.seat.as_ref().map_or("", |seat| seat.account.as_str())
}

/// The list again, with what became of a change.
fn told(
    app: &App,
    visitor: &Visitor,
    outcome: Result<(), AccountsError>,
    made: Option<(String, Zeroizing<String>)>,
    typed: Option<Account>,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let trouble = match outcome {
        Ok(()) => {
            return accounts_page(app, visitor, StatusCode::OK, Said { made, ..Said::default() });
        }
        Err(AccountsError::Commit(_)) => return Err(Problem::NotSaved),
        Err(AccountsError::Exists(_)) => t.say("account-exists"),
        Err(AccountsError::Unknown(_)) => return Err(Problem::Missing),
        Err(AccountsError::Name) => t.say("account-name-rule"),
        Err(AccountsError::Refused(_)) => t.say("account-two-people"),
        Err(AccountsError::TooLong(_) | AccountsError::Full(_) | AccountsError::Role) => {
            t.say("account-too-much")
        }
    };
    let said = Said { trouble, typed, made: None };
    accounts_page(app, visitor, StatusCode::UNPROCESSABLE_ENTITY, said)
}
