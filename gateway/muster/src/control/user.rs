//! Accounts: who may log in to the page.

use super::Refused;
use super::execute::{Facts, Result, data, unavailable};
use super::legal::find;
use crate::exit;
use muster_console::{OneTimeCode, new_token};
use muster_ledger::{Account, AccountsError, ApiToken, Role};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What can be asked.
#[derive(Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(crate) enum UserRequest {
    Add { name: String, roles: Vec<Role>, departments: Vec<String>, person: Option<String> },
    List,
    Switch { name: String, disabled: bool },
    Code { name: String },
    Token { name: String, roles: Vec<Role>, departments: Vec<String>, days: u16 },
    Tokens,
    EndToken { name: String },
}

pub(super) async fn execute(facts: &Facts, request: UserRequest) -> Result<Value> {
    let (accounts, actor) = (facts.ledger.accounts(), facts.actor.as_str());
    match request {
        UserRequest::Add { name, roles, departments, person } => {
            let person = person.map(|number| find(facts, &number)).transpose()?;
            let code = OneTimeCode::generate().map_err(unavailable)?;
            let account = Account {
                departments,
                person,
                one_time_code: Some(code.digest),
                ..Account::new(&name, roles, crate::trust::now_ms())
            };
            accounts.put(actor, account, true).await.map_err(refused)?;
            Ok(json!({ "name": name, "code": code.shown.as_str() }))
        }
        UserRequest::List => Ok(accounts.list().iter().map(shown).collect()),
        UserRequest::Switch { name, disabled } => {
            let change = |account: &mut Account| {
                account.disabled = disabled;
                Ok(())
            };
            accounts.change(actor, &name, change).await.map_err(refused)?;
            Ok(json!({ "name": name, "disabled": disabled }))
        }
        UserRequest::Code { name } => {
            let OneTimeCode { shown, digest } = OneTimeCode::generate().map_err(unavailable)?;
            let change = |account: &mut Account| account.renew_code(digest);
            accounts.change(actor, &name, change).await.map_err(refused)?;
            Ok(json!({ "name": name, "code": shown.as_str() }))
        }
        UserRequest::Token { name, roles, departments, days } => {
            let (shown, digest) = new_token().map_err(unavailable)?;
            let now_ms = crate::trust::now_ms();
            let expires_ms = now_ms + i64::from(days) * 86_400_000;
            let by = actor.to_owned();
            let token = ApiToken { name, digest, roles, departments, expires_ms, by };
            accounts.make_token(token, now_ms).await.map_err(refused)?;
            Ok(json!({ "token": shown.as_str() }))
        }
        UserRequest::Tokens => {
            let shown = |token: ApiToken| {
                json!({ "name": token.name, "roles": token.roles, "departments": token.departments,
                    "expires_ms": token.expires_ms, "by": token.by })
            };
            Ok(accounts.tokens().into_iter().map(shown).collect())
        }
        UserRequest::EndToken { name } => {
            accounts.end_token(actor, &name).await.map_err(refused)?;
            Ok(json!({ "ended": name }))
        }
    }
}

/// An account without what lets somebody try passwords.
fn shown(account: &Account) -> Value {
    json!({
        "name": account.name,
        "roles": account.roles,
        "departments": account.departments,
        "disabled": account.disabled,
        "logs_in": account.password.is_some(),
        "second_factor": account.second_factor.is_some(),
        "recovery_codes": account.recovery.len(),
        "created_ms": account.created_ms,
    })
}

fn refused(error: AccountsError) -> Refused {
    match error {
        AccountsError::Commit(error) => unavailable(error),
        AccountsError::Refused(_) => Refused::new(exit::NO_PERMISSION, error),
        error => data(error),
    }
}
