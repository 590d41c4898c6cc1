//! What the page has the box do: the command line's own requests, under the account that asks.
//!
//! The page is served before everything that executes commands is there, so its hands are given to
//! it empty and are held out once the gateway stands.

use crate::command::records::write_csv;
use crate::control::{self, Facts, Refused, Request, RightsCommand, TerminalRequest};
use crate::doctor::{self, Finding, Inside, State};
use muster_console::{Command, Commands, Copies, CopyForm, Done, Look, LookState};
use std::sync::{Arc, OnceLock};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

/// Rows of a copy that are made ahead of being collected.
const ROWS_AHEAD: usize = 64;
/// Records of one copy: ten a day for fifty years.
const MAX_COPIED: usize = 200_000;

/// Empty until [`Hands::hold`].
#[derive(Clone, Default)]
pub(crate) struct Hands(Arc<OnceLock<Facts>>);

impl Hands {
    /// From now on what is asked is done.
    pub(crate) fn hold(&self, facts: Facts) {
        // Held once: a gateway stands once.
        let _ = self.0.set(facts);
    }

    /// For the page.
    pub(crate) fn commands(&self) -> Commands {
        let hands = self.clone();
        Arc::new(move |actor, command| {
            let hands = hands.clone();
            Box::pin(async move { hands.run(actor, command).await })
        })
    }

    /// Copies of what is held on one person.
    pub(crate) fn copies(&self) -> Copies {
        let hands = self.clone();
        Arc::new(move |actor, number, form| {
            let hands = hands.clone();
            Box::pin(async move { hands.copy(actor, number, form).await })
        })
    }

    async fn copy(
        &self,
        actor: String,
        id: String,
        form: CopyForm,
    ) -> Result<Zeroizing<Vec<u8>>, String> {
        let facts = self.facts(actor)?;
        let (rows, mut coming) = mpsc::channel(ROWS_AHEAD);
        let request = Request::Rights { request: RightsCommand::Export { id } };
        let collected = async {
            let mut all = Vec::new();
            while let Some(row) = coming.recv().await {
                if all.len() >= MAX_COPIED {
                    coming.close();
                    return None;
                }
                all.push(row);
            }
            Some(all)
        };
        let (held, rows) = tokio::join!(control::execute(&facts, request, rows), collected);
        let rows = rows.ok_or("that is more than a page hands over: `muster person export`")?;
        let mut held = held.map_err(|refused| refused.message)?;
        let copy = match form {
            CopyForm::Json => {
                held["records"] = rows.into();
                serde_json::to_vec_pretty(&held).map_err(|error| error.to_string())?
            }
            CopyForm::Csv => {
                let mut table = Vec::new();
                write_csv(&rows, &mut table).map_err(|error| format!("{error:#}"))?;
                table
            }
        };
        Ok(Zeroizing::new(copy))
    }

    fn facts(&self, actor: String) -> Result<Facts, String> {
        let facts = self.0.get().ok_or("the gateway is starting; ask again in a moment")?;
        Ok(Facts { actor, ..facts.clone() })
    }

    async fn run(&self, actor: String, command: Command) -> Result<Done, String> {
        let facts = self.facts(actor)?;
        let request = match command {
            Command::Doctor => return examined(&facts).await,
            Command::Acts(filter) => {
                let trail = facts.ledger.trail();
                return blocking(move || trail.acts(&filter))
                    .await
                    .map(|(rows, all)| Done::Acts(rows, all));
            }
            Command::Verify => return blocking(move || verified(&facts)).await,
            Command::Finger { terminal, number, page } => {
                at(terminal, TerminalRequest::Enrol { number, page })
            }
            Command::Pin { terminal, number } => {
                at(terminal, TerminalRequest::ChoosePin { number })
            }
            Command::Again { terminal } => at(terminal, TerminalRequest::Again { since: None }),
        };
        let done = execute(&facts, request).await;
        done.map(|_| Done::Nothing).map_err(|refused| refused.message)
    }
}

/// What takes as long as the journal is long.
async fn blocking<T: Send + 'static, E: std::fmt::Display + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(move || work().map_err(|error| format!("{error:#}")));
    done.await.map_err(|error| error.to_string())?
}

fn verified(facts: &Facts) -> anyhow::Result<Done> {
    let data = &facts.config.site.data;
    let report = muster_ledger::verify_journal(data, crate::store::root_key(data)?)?;
    let damage =
        report.first_bad.map(|bad| format!("{} at byte {}: {}", bad.segment, bad.offset, bad.why));
    Ok(Done::Verified { batches: report.batches, records: report.records, damage })
}

fn at(name: String, request: TerminalRequest) -> Request {
    Request::Terminal { name, request }
}

/// None of these requests gives rows.
async fn execute(facts: &Facts, request: Request) -> Result<serde_json::Value, Refused> {
    let (rows, _) = mpsc::channel(1);
    control::execute(facts, request, rows).await
}

/// As `muster doctor` looks at everything.
async fn examined(facts: &Facts) -> Result<Done, String> {
    let inside = execute(facts, Request::Doctor).await.map_err(|refused| refused.message);
    let inside = inside.and_then(|value| {
        serde_json::from_value::<Inside>(value).map_err(|error| error.to_string())
    });
    let report = doctor::examine(&facts.config, inside, doctor::unit()).await;
    Ok(Done::Looked(report.checks.into_iter().map(look).collect()))
}

fn look(finding: Finding) -> Look {
    let Finding { check, name, state, cause, cure, runbook } = finding;
    let state = match state {
        State::Ok => LookState::Well,
        State::Warning => LookState::Warning,
        State::Broken => LookState::Broken,
    };
    Look { check: check.to_owned(), name, state, cause, cure, runbook }
}
