//! What decisions rest on besides the rules, the directory and the clock: legal evidence, what
//! people consented to and were told, counters of exports, approvals, and the emergency stop.
//!
//! All of it is a function of the acts in the journal, kept whole in every checkpoint as JSON, so
//! that a later version can add members. No IO and no clock: times come with the acts. Limits
//! stand beside what they bound.

mod action;
pub(crate) mod approvals;
pub(crate) mod counters;
pub(crate) mod drafts;
pub(crate) mod enrol;
pub(crate) mod expiry;
pub(crate) mod packs;
pub(crate) mod papers;
pub(crate) mod people;
pub(crate) mod reduced;
pub(crate) mod retention;
pub(crate) mod rights;
pub(crate) mod signers;
pub(crate) mod versions;
mod words;

pub use action::Action;
pub use approvals::{RecordApproval, Request, RequestError, release_text, request_text};
pub(crate) use counters::Reservation;
pub use counters::{Baseline, ExportCount};
pub use drafts::PolicyDraft;
pub use enrol::EnrolmentGrounds;
pub use expiry::Expiry;
pub use packs::PackRequest;
pub use papers::{PaperError, PaperFiled, PaperOnFile};
pub use people::{Notice, NoticeGiven, PersonLegal};
pub use retention::{CALM, ClockWatch};
pub use rights::{Elsewhere, Erasure, Right, RightsRequest};
pub use versions::{PolicyPreview, PolicyRefused, PolicyVersion};

use crate::act::Act;
use crate::trail::EventCursor;
use approvals::Approvals;
use counters::Counters;
use drafts::Drafts;
use muster_attendance::PersonId;
use packs::Packs;
use papers::Papers;
use people::{Notices, People};
use retention::Steps;
use rights::Rights;
use serde::{Deserialize, Serialize};
use signers::Newcomers;
use std::collections::BTreeMap;
use versions::Versions;

/// The state.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Legal {
    pub(crate) papers: Papers,
    pub(crate) people: People,
    pub(crate) notices: Notices,
    pub(crate) counters: Counters,
    pub(crate) approvals: Approvals,
    pub(crate) versions: Versions,
    pub(crate) drafts: Drafts,
    pub(crate) newcomers: Newcomers,
    pub(crate) packs: Packs,
    pub(crate) rights: Rights,
    /// Records taken in, by calendar year of the site's zone.
    pub(crate) processed: BTreeMap<i16, u64>,
    pub(crate) local_only: Option<LocalOnly>,
    pub(crate) steps: Steps,
    /// How far events were told; nothing is decided by it.
    pub(crate) events_told: EventCursor,
    /// As last journaled; what is decided rests on it.
    pub(crate) clock_trusted: bool,
}

/// The emergency stop is on: nothing leaves.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LocalOnly {
    /// Milliseconds since 1970 since when.
    pub since_ms: i64,
    /// Who switched it on.
    pub by: String,
}

/// Whom a change of these facts concerns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Concerns {
    /// Nobody's decision.
    Nobody,
    /// One person's.
    Person(PersonId),
    /// Everybody's.
    All,
}

impl Legal {
    /// Takes in a durable act.
    pub(crate) fn apply(&mut self, act: &Act, at_ms: i64) {
        match act {
            Act::PaperFiled { actor, number, paper } => {
                self.papers.file(*number, paper.clone(), actor, at_ms);
            }
            Act::PaperWithdrawn { number, .. } => self.papers.withdraw(*number, at_ms),
            Act::ClockTrusted { trusted } => self.clock_trusted = *trusted,
            Act::LocalOnly { on, actor } => {
                let by = actor.clone();
                self.local_only = on.then_some(LocalOnly { since_ms: at_ms, by });
            }
            Act::PolicyAccepted { version, .. } => {
                self.versions.accept(PolicyVersion::clone(version), at_ms);
                self.drafts.apply(act, at_ms);
            }
            Act::EventsTold { next } => self.events_told = *next,
            Act::NoticePublished { notice, .. } => self.notices.publish(notice.clone()),
            Act::BaselineSet { law, year, baseline } => {
                self.counters.set_baseline(*law, *year, baseline.clone());
            }
            Act::RequestMade { .. }
            | Act::RequestBacked { .. }
            | Act::RequestApproved { .. }
            | Act::RecordApproved { .. } => self.approvals.apply(act, at_ms),
            Act::PackAsked { .. } | Act::PackReleased { .. } => self.packs.apply(act, at_ms),
            Act::PolicyDrafted { .. }
            | Act::PolicyDraftSigned { .. }
            | Act::PolicyDraftDropped { .. } => self.drafts.apply(act, at_ms),
            act => {
                self.people.apply(act, at_ms);
                self.rights.apply(act, at_ms);
            }
        }
    }

    /// Whether the set-up of the box is over: a policy was accepted. Until then nothing leaves.
    pub(crate) fn is_set_up(&self) -> bool {
        !self.versions.list().is_empty()
    }

    /// Whom `act` concerns.
    pub(crate) fn concerns(act: &Act) -> Concerns {
        match act {
            Act::PaperFiled { .. }
            | Act::PaperWithdrawn { .. }
            | Act::LocalOnly { .. }
            | Act::NoticePublished { .. }
            | Act::NoticeGiven { .. }
            | Act::BaselineSet { .. }
            | Act::RecordApproved { person: None, .. } => Concerns::All,
            Act::ConsentSet { person, .. }
            | Act::PersonRestricted { person, .. }
            | Act::RecordApproved { person: Some(person), .. } => Concerns::Person(*person),
            Act::PersonErased { erasure } => {
                erasure.persons.first().map_or(Concerns::Nobody, |person| Concerns::Person(*person))
            }
            _ => Concerns::Nobody,
        }
    }

    /// The next moment after `now_ms` at which a consent or notice begins or ends.
    pub(crate) fn next_change_ms(&self, now_ms: i64) -> Option<i64> {
        self.people
            .next_change_ms(now_ms)
            .into_iter()
            .chain(self.notices.next_change_ms(now_ms))
            .min()
    }
}
