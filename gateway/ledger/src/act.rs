//! Acts: everything the journal holds besides attendance facts. Stored as JSON objects, so that a
//! field can be added later and an export is what was stored. Change by adding only.

use crate::digest::Digest;
use crate::legal::{
    Baseline, Elsewhere, Erasure, Notice, PackRequest, PaperFiled, PolicyDraft, PolicyVersion,
    RecordApproval, Request, Reservation, RightsRequest,
};
use crate::plans::{Closing, Correction, PlanEntry, Redating};
use crate::trail::EventCursor;
use crate::{
    Account, ApiToken, Attestation, DeviceKind, Meter, OwnAccess, PauseReason, RefusalReason,
    Signer, Warden,
};
use jiff::Timestamp;
use jiff::civil::Date;
use muster_attendance::{DeviceId, PersonId};
use muster_residency::policy::Signer as SignedBy;
use muster_residency::vocab::Law;
use serde::{Deserialize, Serialize};

/// Record numbers as runs `[first, count]`, ascending.
pub(crate) type Runs = Vec<(u64, u64)>;

/// One act.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
#[allow(missing_docs)]
pub(crate) enum Act {
    /// The ledger was opened; `epoch` grows with every rollback noticed.
    Opened {
        version: String,
        site: String,
        epoch: u16,
        rolled_back: bool,
        torn_bytes: u64,
    },
    DeviceSeen {
        id: DeviceId,
        name: String,
    },
    DevicePaired {
        id: DeviceId,
        name: String,
        kind: DeviceKind,
        carrier: Option<DeviceId>,
        address: Option<u8>,
        certificate: Option<String>,
    },
    DeviceRevoked {
        id: DeviceId,
    },
    /// A new certificate; `former` holds good until the device has shown the new one. Once it has,
    /// this comes again without `former`, and with when the certificate ends, seconds since 1970.
    DeviceCertified {
        id: DeviceId,
        certificate: String,
        former: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ends: Option<i64>,
    },
    /// An entry of a terminal's event log, as the terminal told it.
    DeviceTold {
        id: DeviceId,
        boot: u32,
        seq: u64,
        /// Seconds since 1970 by the terminal's clock.
        at: i64,
        clock_unsure: bool,
        what: String,
        detail: u32,
    },
    /// What became of a task that a terminal was given: a receipt of an erasure, say.
    DeviceDid {
        id: DeviceId,
        task: String,
        person: Option<PersonId>,
        result: String,
        count: u32,
    },
    /// A profile sealed under the person's directory secret, base64; first sight or any change.
    PersonWritten {
        person: PersonId,
        sealed: String,
    },
    /// A device's number joined to a person; `sealed` holds the number.
    PersonMapped {
        device: DeviceId,
        from: Option<PersonId>,
        into: PersonId,
        sealed: String,
    },
    AccountWritten {
        actor: String,
        account: Account,
    },
    /// The code of an account's second factor was used: one of `step` (half minutes since 1970) or
    /// before is good no more.
    FactorUsed {
        actor: String,
        step: u64,
    },
    /// A program may read by a token; in place of one of the same name.
    TokenMade {
        token: ApiToken,
    },
    TokenEnded {
        actor: String,
        name: String,
    },
    SignersEnrolled {
        signers: Vec<Signer>,
    },
    /// A policy came into force (`None`: none is). Texts are whole so decisions can be replayed.
    Governed {
        governance: Option<crate::Governance>,
    },
    /// A version of the policy was accepted; it is in force from its own date on.
    PolicyAccepted {
        actor: String,
        version: Box<PolicyVersion>,
    },
    /// A decision seen for the first time; facts and `Redecided` name it by `id`.
    Decided {
        id: u32,
        decision: serde_json::Value,
    },
    /// A text seen for the first time; records made from sheets name it by `id`.
    Labelled {
        id: u32,
        text: String,
    },
    /// Held records whose outcome changed.
    Redecided {
        decision: u32,
        records: Runs,
    },
    Refused {
        device: Option<DeviceId>,
        boot: Option<u32>,
        seq: Option<u64>,
        reason: RefusalReason,
        length: u64,
        /// How many alike this stands for (refusals are journaled at a bounded rate).
        count: u64,
    },
    /// Released to a destination: the SHA-256 of each parcel's bytes, base64, in record order.
    Dispatched {
        destination: String,
        decision: Vec<u32>,
        records: Vec<u64>,
        digests: Vec<Digest>,
        /// What this export counts as, where it crosses a border.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reserved: Vec<Reservation>,
        /// [`Attestation::digest`] of what was known of the region then.
        #[serde(default)]
        attestation: Option<String>,
        /// Origin and target law of each lane that is crossed, with the records that cross it.
        #[serde(default)]
        lanes: Vec<(Law, Law, Runs)>,
    },
    /// The region's word. `receipts` only where the region gave one.
    Settled {
        destination: String,
        accepted: Runs,
        receipts: Vec<(u64, String)>,
        rejected: Vec<(u64, String)>,
    },
    Attested {
        destination: String,
        attestation: Attestation,
    },
    Paused {
        destination: String,
        reason: PauseReason,
    },
    /// Calls to a metered destination, set aside before they are made: a crash may count too many,
    /// never too few.
    Metered {
        destination: String,
        meter: Meter,
    },
    /// A record set aside after it was stored (the bytes of a retry would differ, say).
    SetAside {
        record: u64,
        reason: String,
    },
    /// The box's clock came to be trusted, or ceased to be.
    ClockTrusted {
        trusted: bool,
    },
    /// A document came into the registry of legal evidence.
    PaperFiled {
        actor: String,
        number: u32,
        paper: PaperFiled,
    },
    /// A document was taken back: it counts for nothing from now on.
    PaperWithdrawn {
        actor: String,
        number: u32,
        reason: String,
    },
    /// A version of a notice to the people concerned.
    NoticePublished {
        actor: String,
        notice: Notice,
    },
    /// People were given a version of a notice.
    NoticeGiven {
        actor: String,
        kind: String,
        version: u32,
        language: String,
        people: Vec<PersonId>,
    },
    /// A person's (or their guardian's) consent holds from a moment on, or no longer.
    ConsentSet {
        actor: String,
        person: PersonId,
        guardian: bool,
        given: bool,
        from: Timestamp,
        to: Option<Timestamp>,
    },
    /// A person restricts processing, or lifts that.
    PersonRestricted {
        actor: String,
        person: PersonId,
        on: bool,
        reason: String,
    },
    /// The day on which a person leaves; `None` takes it back.
    PersonLeaves {
        actor: String,
        person: PersonId,
        on: Option<Date>,
    },
    /// The emergency stop.
    LocalOnly {
        on: bool,
        actor: String,
    },
    /// What other systems of the company exported in a year.
    BaselineSet {
        law: Law,
        year: i16,
        baseline: Baseline,
    },
    /// Somebody asks for what two people must decide.
    RequestMade {
        request: Request,
    },
    /// The first of two stands behind a request that came without a signature.
    RequestBacked {
        id: String,
        by: SignedBy,
    },
    /// The second of the two said yes; what they decided follows in the same batch.
    RequestApproved {
        id: String,
        by: SignedBy,
    },
    /// A person asks for what is theirs.
    RightsAsked {
        actor: String,
        request: RightsRequest,
    },
    /// They have their answer.
    RightsAnswered {
        actor: String,
        number: u32,
        answer: String,
    },
    /// What is known of a person was corrected: which columns, and why. The old values are in the
    /// profile that was sealed before.
    PersonCorrected {
        actor: String,
        person: PersonId,
        columns: Vec<String>,
        reason: String,
    },
    /// A person is erased here (or on the day a statute lets them be), with what is left to do.
    PersonErased {
        erasure: Erasure,
    },
    /// One thing that an erasure left to do elsewhere is done.
    ErasedElsewhere {
        actor: String,
        request: String,
        place: Elsewhere,
    },
    /// Somebody left, and their biometric evidence with them.
    BiometricsLeft {
        person: PersonId,
        on: Date,
    },
    /// Retention destroyed the key of a month's records, or of its acts.
    MonthDestroyed {
        facts: bool,
        month: u32,
        /// The records that went with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        records: Runs,
    },
    /// A month's records are past their ceiling, and a statute wants their hours: from here on
    /// nothing but hours is shown of them.
    MonthReduced {
        month: u32,
        /// Its records: they wait for no region any more.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        records: Runs,
    },
    /// Whole segments of which every class-month is destroyed are deleted: the journal begins with
    /// this batch and record, after this chain hash, hex.
    JournalCut {
        batch: u64,
        record: u64,
        chain: String,
    },
    /// A named role let a record go.
    RecordApproved {
        record: u64,
        person: Option<PersonId>,
        approval: RecordApproval,
    },
    /// Shifts, rosters, leave, the calendar: entered, each replacing what has its key.
    PlansEntered {
        actor: String,
        at_ms: i64,
        entries: Vec<PlanEntry>,
    },
    /// An entry is taken out.
    PlanRemoved {
        actor: String,
        number: u32,
        at_ms: i64,
    },
    /// Somebody asks for a correction of a person's punches.
    CorrectionAsked {
        correction: Correction,
    },
    /// A second person decided on it.
    CorrectionDecided {
        number: u32,
        by: String,
        approved: bool,
        at_ms: i64,
    },
    /// A month's sheets were closed.
    MonthClosed {
        closing: Closing,
    },
    /// Punches that a terminal numbered and never sent are taken for lost.
    GapAccepted {
        actor: String,
        device: DeviceId,
        boot: u32,
        first: u64,
        at_ms: i64,
    },
    /// What a terminal stored while its clock was wrong counts at other times.
    Redated {
        redating: Redating,
    },
    /// What a destination had settled is queued again.
    Resent {
        actor: String,
        destination: String,
        records: Runs,
    },
    /// An auditor asks for a pack.
    PackAsked {
        request: PackRequest,
    },
    /// Another account releases it to them.
    PackReleased {
        number: u32,
        by: String,
    },
    /// A warden's device was invited or enrolled.
    WardenWritten {
        warden: Warden,
    },
    WardenEnded {
        actor: String,
        name: String,
    },
    /// An employee was handed a code for their own punches, or chose a PIN.
    AccessWritten {
        access: OwnAccess,
    },
    AccessEnded {
        actor: String,
        person: PersonId,
    },
    /// A draft of a policy waits for its signatures.
    PolicyDrafted {
        draft: Box<PolicyDraft>,
    },
    /// One of its signers signed a draft; where that was the last, its acceptance follows.
    PolicyDraftSigned {
        id: String,
        line: String,
        by: SignedBy,
    },
    /// A draft is put away.
    PolicyDraftDropped {
        actor: String,
        id: String,
    },
    /// Whoever watches over security has every event before this place.
    EventsTold {
        next: EventCursor,
    },
    /// Free-form administrative note: who did what; never personal data.
    Noted {
        actor: String,
        what: String,
    },
}

impl Act {
    /// The bytes that are journaled.
    pub(crate) fn encode(&self) -> Vec<u8> {
        // Only maps with keys that are no strings cannot be written, and acts have none.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether it is one of [`crate::Plans`].
    pub(crate) fn is_plan(&self) -> bool {
        matches!(
            self,
            Self::PlansEntered { .. }
                | Self::PlanRemoved { .. }
                | Self::CorrectionAsked { .. }
                | Self::CorrectionDecided { .. }
                | Self::MonthClosed { .. }
                | Self::GapAccepted { .. }
                | Self::Redated { .. }
        )
    }

    /// Whether it may use the reserve of a full disk: what ends something, or what must be known.
    pub(crate) fn is_essential(&self) -> bool {
        matches!(
            self,
            Self::Opened { .. }
                | Self::DeviceRevoked { .. }
                | Self::TokenEnded { .. }
                | Self::FactorUsed { .. }
                | Self::WardenEnded { .. }
                | Self::AccessEnded { .. }
                | Self::SignersEnrolled { .. }
                | Self::Governed { .. }
                | Self::PolicyAccepted { .. }
                | Self::PolicyDraftSigned { .. }
                | Self::Settled { .. }
                | Self::Paused { .. }
                | Self::Attested { .. }
                | Self::ClockTrusted { .. }
                | Self::PaperWithdrawn { .. }
                | Self::PersonErased { .. }
                | Self::BiometricsLeft { .. }
                | Self::MonthDestroyed { .. }
                | Self::MonthReduced { .. }
                | Self::JournalCut { .. }
                | Self::ConsentSet { given: false, .. }
                | Self::PersonRestricted { on: true, .. }
                | Self::LocalOnly { on: true, .. }
        )
    }
}
