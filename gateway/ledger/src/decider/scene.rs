//! What decisions rest on at a moment, in the engine's words.

use super::person::PersonFacts;
use super::{Known, Question};
use crate::journal::Content;
use crate::legal::Legal;
use crate::legal::counters::{year_ends_ms, year_of};
use crate::punch_time::effective_seconds;
use crate::state::decisions::RulesRef;
use jiff::Timestamp;
use muster_attendance::summary::{Count, DaySummary, Span, SummaryKind};
use muster_attendance::{Attendance, PersonId, Summary};
use muster_residency::facts::{Notice, Paper, Record, RegionCheck};
use muster_residency::policy::Signer as VerifiedSigner;
use muster_residency::vocab::{Basis, Class, Field, FieldSet, Law, RecordMethod};
use muster_residency::{Decision, Facts, Rules, decide};
use std::sync::Arc;

/// Everything that is the same for everybody.
pub(super) struct Scene {
    pub(super) site: String,
    pub(super) rules: Option<(Arc<Rules>, RulesRef)>,
    pub(super) signers: Vec<VerifiedSigner>,
    papers: Vec<Paper>,
    /// Destinations whose contract nothing in force quotes.
    unquoted: Vec<String>,
    local_only: bool,
    pub(super) clock_trusted: bool,
    /// The mainland's calendar year, whose exports are counted.
    pub(super) year: i16,
    pub(super) next_change_ms: i64,
}

/// A person, as decisions see them.
pub(super) struct Person {
    /// Joined persons resolved.
    pub(super) id: Option<PersonId>,
    pub(super) facts: PersonFacts,
}

impl Person {
    /// Of a record, or whoever a count is of.
    pub(super) fn of(content: &Content, known: Known<'_>) -> Self {
        match content {
            Content::Summary(Summary { kind: SummaryKind::Count(count), .. }) => {
                Self { id: None, facts: PersonFacts::of_count(count, known.labels) }
            }
            other => Self::one(other.person(), known),
        }
    }

    fn one(id: Option<PersonId>, known: Known<'_>) -> Self {
        let (resolved, profile) = id.map(known.who).unzip();
        let mut facts = PersonFacts::of(profile.flatten());
        let legal = resolved.and_then(|id| known.legal.people.get(id));
        facts.subject.restricted = legal.is_some_and(|legal| legal.restricted_ms.is_some());
        Self { id: resolved, facts }
    }

    /// Whether what is exported of them is sensitive.
    pub(super) fn is_sensitive(&self) -> bool {
        self.facts.subject.is_sensitive()
    }
}

impl Scene {
    pub(super) fn new(site: &str) -> Self {
        Self {
            site: site.to_owned(),
            rules: None,
            signers: Vec::new(),
            papers: Vec::new(),
            unquoted: Vec::new(),
            local_only: false,
            clock_trusted: false,
            year: 0,
            next_change_ms: i64::MAX,
        }
    }

    /// Takes in shared facts and the moment.
    pub(super) fn revise(&mut self, now_ms: i64, legal: &Legal) {
        let now = timestamp(now_ms);
        self.papers = legal.papers.for_engine();
        self.local_only = legal.local_only.is_some();
        self.year = year_of(Law::CN, now_ms);
        let mut next = vec![year_ends_ms(Law::CN, self.year)];
        next.extend(legal.next_change_ms(now_ms));
        if let Some((rules, _)) = &self.rules {
            self.unquoted = legal.papers.unquoted(rules, now);
            next.extend(rules.next_change(now, &self.papers).map(ceil_ms));
        }
        self.next_change_ms = next.into_iter().min().unwrap_or(i64::MAX);
    }

    /// What `rules` say of a record with everything that is not theirs out of the way.
    pub(super) fn try_out(
        &self,
        rules: &Rules,
        person: &Person,
        question: Question<'_>,
        known: Known<'_>,
    ) -> Decision {
        let signed = |person: &str, role: &str| VerifiedSigner {
            person: person.to_owned(),
            role: role.to_owned(),
        };
        let signers = [signed("a", "dpo"), signed("b", "it-admin")];
        let mut facts = self.facts(person, question, known);
        let unquoted = known.legal.papers.unquoted(rules, facts.now);
        facts.signers = &signers;
        facts.clock_trusted = true;
        facts.local_only = false;
        facts.unquoted = &unquoted;
        self.ask(rules, person, facts, known, None)
    }

    /// Asks the engine. The notice is that of the destination it names, and an approval counts
    /// for the destination that was approved.
    pub(super) fn ask(
        &self,
        rules: &Rules,
        person: &Person,
        mut facts: Facts<'_>,
        known: Known<'_>,
        approved: Option<&str>,
    ) -> Decision {
        let decision = decide(rules, &facts);
        let Some(choice) = decision.would_be() else { return decision };
        let to = choice.destination.as_str();
        let none = Default::default();
        let legal = person.id.and_then(|id| known.legal.people.get(id));
        let given = legal.map_or(&none, |legal| &legal.notices);
        // A count tells of nobody.
        if facts.record.class != Some(Class::Aggregate)
            && !known.legal.notices.tell_of(to, given, facts.now)
        {
            facts.notice = Notice::Outdated;
        }
        facts.approval = approved == Some(to);
        match facts.approval || facts.notice == Notice::Outdated {
            true => decide(rules, &facts),
            false => decision,
        }
    }

    /// What the engine is told.
    pub(super) fn facts<'a>(
        &'a self,
        person: &'a Person,
        question: Question<'_>,
        known: Known<'_>,
    ) -> Facts<'a> {
        let now = timestamp(question.now_ms);
        let record = record(question.content, person);
        let mut facts = Facts::new(now, &person.facts.subject, record);
        facts.site = Some(&self.site);
        facts.clock_trusted = self.clock_trusted;
        facts.signers = &self.signers;
        facts.basis = person.facts.basis;
        facts.papers = &self.papers;
        facts.unquoted = &self.unquoted;
        facts.local_only = self.local_only;
        facts.regions = RegionCheck::Pause;
        if facts.basis == Some(Basis::Consent)
            && let (Some(event), Some(id)) = (record.check_time, person.id)
            && let Some(legal) = known.legal.people.get(id)
        {
            facts.consent = legal.consent(event, now);
            facts.guardian_consent = legal.guardian_consents(event, now);
        }
        let counters = &known.legal.counters;
        if !counters.is_empty() {
            facts.counters = counters.counted(Law::CN, self.year);
            facts.already_counted = person.id.is_some_and(|id| {
                let (counted, sensitive) = counters.has(Law::CN, self.year, id);
                counted && (sensitive || !person.is_sensitive())
            });
        }
        facts
    }
}

/// What the engine is told of a record.
fn record(content: &Content, person: &Person) -> Record {
    match content {
        Content::Punch(punch) => punched(punch, person),
        Content::Summary(summary) => match &summary.kind {
            SummaryKind::Day(day) => dayed(Class::Daily, day, person),
            SummaryKind::Correction { device, day, .. } => {
                let mut record = dayed(Class::Correction, day, person);
                if device.is_some() {
                    record.fields = record.fields.with(Field::DeviceAlias);
                }
                record
            }
            SummaryKind::Count(count) => counted(count),
        },
    }
}

/// `fields` and those that are there.
fn with(fields: FieldSet, more: &[(bool, Field)]) -> FieldSet {
    let there = more.iter().filter(|(is_there, _)| *is_there);
    there.fold(fields, |fields, (_, field)| fields.with(*field))
}

fn punched(punch: &Attendance, person: &Person) -> Record {
    const ALWAYS: FieldSet = FieldSet::of(&[
        Field::EventId,
        Field::CheckTime,
        Field::SiteRef,
        Field::DeviceAlias,
        Field::VerifyMethod,
    ]);
    let more = [
        (punch.person.is_some(), Field::SubjectRef),
        (person.facts.platform_user_id.is_some(), Field::PlatformUserId),
        (punch.direction.is_some(), Field::Direction),
    ];
    Record {
        class: Some(Class::Event),
        fields: with(ALWAYS, &more),
        check_time: Timestamp::from_second(effective_seconds(punch)).ok(),
        method: Some(punch.method.into()),
        sensitive: false,
        cell_size: None,
    }
}

fn dayed(class: Class, day: &DaySummary, person: &Person) -> Record {
    const ALWAYS: FieldSet = FieldSet::of(&[
        Field::EventId,
        Field::SubjectRef,
        Field::SiteRef,
        Field::Date,
        Field::Week,
        Field::Period,
        Field::WorkedMinutes,
    ]);
    let more = [
        (person.facts.platform_user_id.is_some(), Field::PlatformUserId),
        (day.check.is_some(), Field::CheckTime),
        (day.direction.is_some(), Field::Direction),
        (day.shift.is_some(), Field::Shift),
    ];
    Record {
        class: Some(class),
        fields: with(ALWAYS, &more),
        check_time: day.check.and_then(|check| Timestamp::from_second(check.seconds).ok()),
        method: Some(day.method.map_or(RecordMethod::None, RecordMethod::from)),
        sensitive: false,
        cell_size: None,
    }
}

fn counted(count: &Count) -> Record {
    const ALWAYS: FieldSet = FieldSet::of(&[Field::EventId, Field::SiteRef, Field::Count]);
    let more = [
        (count.span == Span::Day, Field::Date),
        (count.span != Span::Month, Field::Week),
        (count.span != Span::Week, Field::Period),
        (count.of.group.is_some(), Field::Group),
    ];
    Record {
        class: Some(Class::Aggregate),
        fields: with(ALWAYS, &more),
        check_time: None,
        method: Some(RecordMethod::None),
        sensitive: false,
        cell_size: Some(u64::from(count.count)),
    }
}

/// The first whole millisecond at or after a moment.
fn ceil_ms(at: Timestamp) -> i64 {
    let part = i64::from(at.subsec_nanosecond().rem_euclid(1_000_000) != 0);
    at.as_millisecond() + if at.as_nanosecond() < 0 { 0 } else { part }
}

/// A moment of the box's clock; one out of range is as far away as can be.
pub(super) fn timestamp(ms: i64) -> Timestamp {
    let limit = if ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(ms).unwrap_or(limit)
}
