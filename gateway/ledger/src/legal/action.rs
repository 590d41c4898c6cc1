//! What two people decide together: everything that frees records, destroys, or changes who signs.
//!
//! Which acts these are, and why others take one person, is decision 8.

use super::{Baseline, PaperFiled};
use crate::{Role, Signer};
use jiff::Timestamp;
use muster_attendance::PersonId;
use muster_residency::vocab::Law;
use serde::{Deserialize, Serialize};

/// What two people can decide.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// The emergency stop ends.
    LocalOnlyOff,
    /// A person's secrets are destroyed: of their biometric evidence alone, or all.
    Erase {
        /// Internal number.
        person: PersonId,
        /// Biometric evidence alone.
        biometrics_only: bool,
    },
    /// These and nobody else may sign.
    EnrolSigners {
        /// Who.
        signers: Vec<Signer>,
    },
    /// Some come to those who may sign, and some go.
    ChangeSigners {
        /// Who comes.
        add: Vec<Signer>,
        /// Persons who go, with all their keys.
        remove: Vec<String>,
    },
    /// An account is made, or has these roles and departments and is open from now on.
    WriteAccount {
        /// Log-in name.
        name: String,
        /// All it may do.
        roles: Vec<Role>,
        /// Departments that an `hr` sees; empty is all.
        departments: Vec<String>,
    },
    /// A lost log-in: password, second factor and recovery codes are taken away, and a one-time
    /// code can be made anew.
    ResetAccount {
        /// Log-in name.
        name: String,
    },
    /// A document comes into the registry of legal evidence.
    FilePaper {
        /// The document.
        paper: Box<PaperFiled>,
    },
    /// Fewer exports of other systems are counted than before.
    LowerBaseline {
        /// The origin law.
        law: Law,
        /// Calendar year in the law's time zone.
        year: i16,
        /// What is counted from now on.
        baseline: Baseline,
    },
    /// A person's, or their guardian's, consent is on record.
    GiveConsent {
        /// Internal number.
        person: PersonId,
        /// A guardian's.
        guardian: bool,
        /// From this moment on.
        from: Timestamp,
        /// Until just before here; `None` is until withdrawn.
        to: Option<Timestamp>,
    },
    /// A person's restriction of processing ends.
    LiftRestriction {
        /// Internal number.
        person: PersonId,
        /// Why.
        reason: String,
    },
    /// People were given a version of a notice.
    GiveNotice {
        /// Which notice.
        kind: String,
        /// Its version.
        version: u32,
        /// The language.
        language: String,
        /// Whom; `None` is everybody in the directory at the approval.
        people: Option<Vec<PersonId>>,
    },
}

impl Action {
    /// Whether it frees records and does nothing else: while the box is set up, and nothing can
    /// leave it, such an act needs nobody.
    pub(crate) fn frees_records(&self) -> bool {
        matches!(
            self,
            Self::FilePaper { .. }
                | Self::LowerBaseline { .. }
                | Self::GiveConsent { .. }
                | Self::LiftRestriction { .. }
                | Self::GiveNotice { .. }
        )
    }
}
