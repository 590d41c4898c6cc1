//! `muster signers`: who may sign, changed by two people.

use super::approve;
use super::papers::ask;
use crate::cli::SignersCommand;
use crate::control::{LegalRequest, Wanted};
use crate::exit::{self, OrExit as _, Outcome};
use crate::words::fill;
use serde_json::Value;

pub(super) fn signers(command: SignersCommand) -> Outcome {
    match command {
        SignersCommand::List { at } => {
            let signers = ask(&at, LegalRequest::Signers)?;
            super::tell(at.json, &signers, lines(&signers))
        }
        SignersCommand::Add { signer, key, at } => {
            let signer = super::init::signer(&signer).or_exit(exit::DATA)?;
            let Some(key) = key else {
                let first = ask(&at, LegalRequest::SignersFirst { signers: vec![signer] })?;
                return super::tell(at.json, &first, lines(&first));
            };
            let wanted = Wanted::ChangeSigners { add: vec![signer], remove: Vec::new() };
            approve::request(&at, wanted, &key)
        }
        SignersCommand::Remove { person, key, at } => {
            let wanted = Wanted::ChangeSigners { add: Vec::new(), remove: vec![person] };
            approve::request(&at, wanted, &key)
        }
    }
}

fn lines(signers: &Value) -> Vec<String> {
    let line = |told: &Value| {
        let text = |key: &str| super::plain(told[0][key].as_str().unwrap_or_default());
        let from = told[1].as_i64().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        let from = from.map(|from| fill("signer-from", &[("from", &from.to_string())]));
        let from = from.map(|from| format!("  {from}")).unwrap_or_default();
        format!("{} ({}){from}", text("person"), text("role"))
    };
    signers.as_array().into_iter().flatten().map(line).collect()
}
