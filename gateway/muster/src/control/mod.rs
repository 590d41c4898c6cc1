//! Commands that touch a box: one request, executed in the gateway that runs (through
//! `data/control.sock`) or, where none does, in this process on the opened ledger.
//!
//! The socket is in the data folder, mode 0600: who may open it is who may read the data. A request
//! is one line of JSON, at most [`MAX_REQUEST`]; the answer is rows, a line each, and a last line
//! with the result or the error.

mod client;
mod execute;
mod legal;
mod pairing;
mod records;
mod report;
mod rights;
mod server;
mod sheets;
mod terminal;
mod user;

pub(crate) use client::{Answer, call, call_streaming};
pub(crate) use execute::{Facts, Listening, execute};
pub(crate) use legal::{Consent, LegalRequest, Wanted};
pub(crate) use report::{Form, ReportAsked};
pub(crate) use rights::RightsCommand;
pub(crate) use server::serve;
pub(crate) use terminal::{ListedUser, PinVerifier, TerminalRequest};
pub(crate) use user::UserRequest;

use crate::cli;
use muster_ledger::{DeviceKind, Governance, PersonProfile};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

/// Bytes of one request: an import of [`muster_ledger::Directory::MAX`] people in part.
pub(crate) const MAX_REQUEST: usize = 16 << 20;

/// Rows under way to a slow reader.
pub(crate) const ROWS_UNDER_WAY: usize = 256;

/// What can be asked of a box.
#[derive(Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub(crate) enum Request {
    Status,
    DevicePair {
        name: String,
        kind: DeviceKind,
        carrier: Option<String>,
        address: Option<u8>,
    },
    DeviceCode {
        name: String,
        kind: DeviceKind,
        carrier: Option<String>,
        host: Option<String>,
    },
    DeviceList,
    DeviceRevoke {
        name: String,
    },
    Terminal {
        name: String,
        request: TerminalRequest,
    },
    PersonImport {
        people: Vec<PersonProfile>,
    },
    PersonShow {
        id: String,
    },
    PersonMap {
        device: String,
        number: String,
        id: String,
    },
    Publish {
        governance: Governance,
    },
    Explain {
        record: String,
    },
    Records {
        from: Option<jiff::civil::Date>,
        to: Option<jiff::civil::Date>,
    },
    Sheets {
        /// The first day of the month.
        month: jiff::civil::Date,
        department: Option<String>,
    },
    RebuildViews,
    Legal {
        request: LegalRequest,
    },
    Rights {
        request: RightsCommand,
    },
    User {
        request: UserRequest,
    },
    Shadow {
        governance: Governance,
    },
    History,
    ReplayDecisions,
    Report(ReportAsked),
    ReportPack {
        from: Option<jiff::civil::Date>,
        to: Option<jiff::civil::Date>,
        language: String,
    },
    ReportKey,
    Backup {
        to: PathBuf,
        #[serde(default)]
        new_sheets: bool,
    },
    Doctor,
    Resend {
        destination: String,
        since: jiff::Timestamp,
    },
}

/// A line of the answer.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Line {
    Row(Value),
    Result(Value),
    Error(Refused),
}

/// Why a command did not do what was asked.
#[derive(Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refused {
    /// What, why, what to do.
    pub(crate) message: String,
    /// The exit code to end with.
    pub(crate) code: u8,
}

impl Refused {
    pub(crate) fn new(code: u8, message: impl ToString) -> Self {
        Self { message: message.to_string(), code }
    }
}

impl From<cli::Kind> for DeviceKind {
    fn from(kind: cli::Kind) -> Self {
        match kind {
            cli::Kind::M1 => Self::M1,
            cli::Kind::M2 => Self::M2,
            cli::Kind::C1 => Self::C1,
            cli::Kind::Reader => Self::Reader,
        }
    }
}
