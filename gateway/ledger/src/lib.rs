//! The ledger: the journal that is the truth, and what is derived from it.
//!
//! One committer thread appends batches to an encrypted, hash-chained journal and answers only
//! after `fdatasync`. People are numbers here: what says who they are lies in the directory,
//! sealed under secrets of the keyring. `sled` holds views only and can be lost at any time.
//!
//! Handles are separate so that a room gets only what it needs: intake has [`Committer`],
//! [`Directory`], [`Devices`] and [`Keyring`]; uplink has [`Outbox`]; the page has [`Views`],
//! [`Directory`], [`Devices`] and [`Accounts`]. Limits are constants beside what they bound.
#![forbid(unsafe_code)]

mod accounts;
mod act;
mod clock;
mod committer;
mod core;
mod decider;
mod devices;
mod digest;
mod directory;
mod governance;
mod journal;
mod keyring;
mod ledger;
mod legal;
mod offline;
mod outbox;
mod plans;
mod punch_time;
pub mod quarantine;
mod sheets;
mod state;
mod status;
mod submit;
mod summaries;
mod sweeper;
mod tables;
pub mod trail;
mod views;

pub use accounts::{Account, Accounts, AccountsError, ApiToken, OwnAccess, Role, Warden};
pub use clock::{Clock, ClockTrust};
pub use committer::{CommitError, Committed, Committer, Refusal, RefusalReason, Verdict};
pub use devices::{Device, DeviceKind, DeviceState, Devices, DevicesError, Did, Told};
pub use directory::{Directory, DirectoryError, Import, PersonProfile, ProfileProblem};
pub use governance::{Governance, Signer};
pub use keyring::{Keyring, KeyringError, RootKey, Secret};
pub use ledger::{
    ConsentChange, DraftSigned, Explanation, GovernError, Ledger, LegalError, OpenError, Options,
    Recovery, Replayed, Resent, Retained, Shadow, ShadowMove, Snapshot, Steward, Tally, box_id_in,
    erasures_in, prepare_restored, sealed_file_in, witness_of,
};
pub use legal::{
    Action, Baseline, CALM, ClockWatch, Elsewhere, EnrolmentGrounds, Erasure, Expiry, ExportCount,
    LocalOnly, Notice, NoticeGiven, PackRequest, PaperError, PaperFiled, PaperOnFile, PersonLegal,
    PolicyDraft, PolicyPreview, PolicyRefused, PolicyVersion, RecordApproval, Request,
    RequestError, Right, RightsRequest, release_text, request_text,
};
pub use offline::{
    JournalDamage, JournalDeleted, JournalDestroyed, JournalReport, export_journal, verify_journal,
};
pub use outbox::{
    Attestation, Meter, Outbox, OutboxError, Parcel, PauseReason, Settlement, TransferPeer,
};
pub use plans::{
    Change, Closing, Correction, Decided, EntryProblem, Gap, LeavePart, PlanEntry, Plans,
    PlansError, Redating, WrongClock,
};
pub use sheets::{PersonSheet, Sheets, SheetsError};
pub use state::decisions::RulesRef;
pub use status::{DestinationStatus, Health, Status};
pub use summaries::SummarizeError;
pub use views::{
    CursorError, DayBoard, HeldGroup, LiveRow, PersonDay, RecordRow, RecordState, RecordsCursor,
    RecordsPage, Views, ViewsError,
};
