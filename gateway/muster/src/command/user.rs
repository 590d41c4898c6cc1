//! `muster user`: accounts of the page.

use super::approve::request as ask_two;
use crate::cli::{BoxArgs, UserCommand};
use crate::control::{Request, UserRequest, Wanted};
use crate::exit::{Failure, Outcome};
use serde_json::Value;

pub(super) fn user(command: UserCommand) -> Outcome {
    match command {
        UserCommand::Add { name, roles, departments, key: Some(key), at, .. } => {
            ask_two(&at, Wanted::WriteAccount { name, roles, departments }, &key)
        }
        UserCommand::Add { name, roles, departments, person, key: None, at } => {
            code(&at, &ask(&at, UserRequest::Add { name, roles, departments, person })?)
        }
        UserCommand::List { at } => {
            let accounts = ask(&at, UserRequest::List)?;
            super::tell(at.json, &accounts, lines(&accounts))
        }
        UserCommand::Disable { name, at } => switch(&at, name, true),
        UserCommand::Enable { name, at } => switch(&at, name, false),
        UserCommand::Code { name, at } => code(&at, &ask(&at, UserRequest::Code { name })?),
        UserCommand::Token { name, roles, departments, days, at } => {
            let made = ask(&at, UserRequest::Token { name, roles, departments, days })?;
            super::tell(at.json, &made, [made["token"].as_str().unwrap_or_default()])
        }
        UserCommand::Tokens { at } => {
            let tokens = ask(&at, UserRequest::Tokens)?;
            super::tell(at.json, &tokens, token_lines(&tokens))
        }
        UserCommand::EndToken { name, at } => {
            let told = ask(&at, UserRequest::EndToken { name: name.clone() })?;
            super::tell(at.json, &told, [format!("{name} is ended")])
        }
        UserCommand::Reset { name, key, at } => ask_two(&at, Wanted::ResetAccount { name }, &key),
    }
}

fn ask(at: &BoxArgs, request: UserRequest) -> Result<Value, Failure> {
    Ok(super::ask(at, Request::User { request })?.result)
}

fn switch(at: &BoxArgs, name: String, disabled: bool) -> Outcome {
    let line = format!("{name} is {}", if disabled { "shut out" } else { "let in again" });
    let told = ask(at, UserRequest::Switch { name, disabled })?;
    super::tell(at.json, &told, [line])
}

fn code(at: &BoxArgs, made: &Value) -> Outcome {
    let text = |key: &str| made[key].as_str().unwrap_or_default();
    let line = format!(
        "first login    {}, one-time code {} (shown this once)",
        text("name"),
        text("code")
    );
    super::tell(at.json, made, [line])
}

fn token_lines(tokens: &Value) -> Vec<String> {
    let text = |value: &Value| super::plain(value.as_str().unwrap_or_default());
    let line = |token: &Value| {
        let end = token["expires_ms"].as_i64().unwrap_or_default();
        let end = jiff::Timestamp::from_millisecond(end).unwrap_or_default();
        format!("{:<24} until {}  {}", text(&token["name"]), end.strftime("%F"), token["roles"])
    };
    tokens.as_array().into_iter().flatten().map(line).collect()
}

fn lines(accounts: &Value) -> Vec<String> {
    let joined = |value: &Value| {
        let names = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        names.map(super::plain).collect::<Vec<_>>().join(",")
    };
    let line = |account: &Value| {
        let state = match (&account["disabled"], &account["logs_in"]) {
            (Value::Bool(true), _) => "disabled",
            (_, Value::Bool(false)) => "new",
            _ => "active",
        };
        let factor = if account["second_factor"] == true { "second factor" } else { "-" };
        let name = super::plain(account["name"].as_str().unwrap_or_default());
        let (roles, departments) = (joined(&account["roles"]), joined(&account["departments"]));
        format!("{name:<24} {state:<9} {factor:<14} {roles:<32} {departments}")
    };
    accounts.as_array().into_iter().flatten().map(line).collect()
}
