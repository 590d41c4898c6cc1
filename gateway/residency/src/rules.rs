//! A policy and its law pack, made ready for deciding.

use crate::decision::Code;
use crate::facts::{Facts, Paper};
use crate::law_pack::{Gate, LawPack};
use crate::policy::{Destination, KeepWord, Permit, Policy, Profile, Reduce, Site};
use crate::vocab::{
    Class, Connector, Counter, Field, FieldSet, Law, ProfileKind, RecordMethod, ResidencyEvidence,
    TimePrecision,
};
use jiff::{SignedDuration, Timestamp};

/// A policy and its law pack, compiled. Cheap to read, immutable.
#[derive(Debug)]
pub struct Rules {
    pub(crate) policy: Policy,
    pub(crate) pack: LawPack,
    policy_hash: [u8; 32],
    law_pack_hash: [u8; 32],
    pub(crate) never: FieldSet,
    pub(crate) strip: FieldSet,
    pub(crate) places: Vec<Place>,
    pub(crate) forms: Vec<Form>,
    /// Permits by class, as positions in the policy.
    permits: Vec<Vec<usize>>,
}

/// A destination, resolved.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) id: Code,
    pub(crate) region: Code,
    /// Law and GBA flag of its region; `None` if the catalogue does not know the region.
    pub(crate) law: Option<(Law, bool)>,
    /// True without residency evidence: read as the mainland besides its own region (R05).
    pub(crate) unproved: bool,
}

/// A profile, resolved.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) id: Code,
    /// Known fields that may leave, in the profile's order.
    pub(crate) fields: Vec<Field>,
    pub(crate) kind: ProfileKind,
    pub(crate) k_min: Option<u64>,
    pub(crate) time_precision: TimePrecision,
}

/// What becomes of biometric evidence on the box.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    /// Sealed in the vault for so many days.
    Vault {
        /// Days from the punch.
        days: u32,
    },
    /// Destroyed at once.
    Discard,
}

/// How long a class is kept on the box.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetentionRule {
    /// Days until it goes, or is reduced.
    pub ceiling_days: u32,
    /// Days a statute wants; 0 if none is known.
    pub floor_days: u32,
    /// What is left between ceiling and floor.
    pub then: Option<Reduce>,
}

/// What distinguishes two decisions of one person under one revision of the shared facts.
///
/// Besides [`Rules`], a decision depends on: the site, the clock's trust, signers, papers, regions,
/// unquoted destinations and local-only (all shared: bump a revision when one changes), the time
/// (bump it at [`Rules::next_change`]), the person's own facts, basis, consent, guardian, notice
/// and approval (bump that person's revision), and this key. So memoise by person, revision and
/// key; nothing else of a record matters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MemoKey {
    class: Option<Class>,
    method: Option<RecordMethod>,
    fields: FieldSet,
    sensitive: bool,
    cell_size: Option<u64>,
    age: Age,
    bands: [u8; 3],
}

/// Where a check time lies against DingTalk's horizon.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Age {
    Absent,
    Within,
    Beyond,
}

impl Rules {
    /// Compiles a policy under a law pack. Never fails: what does not fit together holds at
    /// run time (I-11); the publish-time checks find it beforehand.
    pub fn new(policy: Policy, law_pack: LawPack) -> Self {
        let places = policy.destinations.iter().map(|d| place(d, &law_pack)).collect();
        let forms = policy.profiles.iter().map(form).collect();
        let permits = Class::ALL.iter().map(|&class| permits_for(&policy, class)).collect();
        Self {
            policy_hash: policy.hash(),
            law_pack_hash: law_pack.hash(),
            never: law_pack.never(),
            strip: law_pack.strip(),
            places,
            forms,
            permits,
            policy,
            pack: law_pack,
        }
    }

    /// The same rules, in force always: for comparing versions, whose dates are compared apart.
    pub fn undated(&self) -> Self {
        let mut policy = self.policy.clone();
        policy.header.effective_from = Timestamp::MIN;
        policy.header.effective_until = Timestamp::MAX;
        Self::new(policy, self.pack.clone())
    }

    /// The policy as it was read.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The law pack as it was read.
    pub fn law_pack(&self) -> &LawPack {
        &self.pack
    }

    /// The policy's name.
    pub fn policy_id(&self) -> &str {
        &self.policy.header.id
    }

    /// The policy's version.
    pub fn policy_version(&self) -> u32 {
        self.policy.header.version
    }

    /// SHA-256 over the policy's canonical form.
    pub fn policy_hash(&self) -> [u8; 32] {
        self.policy_hash
    }

    /// SHA-256 over the law pack's canonical form.
    pub fn law_pack_hash(&self) -> [u8; 32] {
        self.law_pack_hash
    }

    /// The policy's destinations.
    pub fn destinations(&self) -> &[Destination] {
        &self.policy.destinations
    }

    /// The destination of this id.
    pub fn destination(&self, id: &str) -> Option<&Destination> {
        self.policy.destinations.iter().find(|d| d.id == id)
    }

    /// The law of a destination's region; `None` if either is unknown.
    pub fn destination_jurisdiction(&self, id: &str) -> Option<Law> {
        self.places.iter().find(|p| p.id.as_str() == id)?.law.map(|(law, _)| law)
    }

    /// The policy's sites.
    pub fn sites(&self) -> &[Site] {
        &self.policy.sites
    }

    /// The site of this id.
    pub fn site(&self, id: &str) -> Option<&Site> {
        self.policy.sites.iter().find(|s| s.id == id)
    }

    /// The profile of this id, with its fields in order and its time precision.
    pub fn profile(&self, id: &str) -> Option<&Profile> {
        self.policy.profiles.iter().find(|p| p.id == id)
    }

    /// What becomes of biometric evidence of `method` at `site`, under the laws of the place and
    /// of the controller; unknown sites discard.
    pub fn biometric_rule(&self, site: &str, method: RecordMethod) -> Keep {
        self.site(site).map_or(Keep::Discard, |site| {
            self.biometric_under(&[site.jurisdiction, site.controller], method)
        })
    }

    /// What becomes of biometric evidence of `method` under all of `laws`: the strictest.
    pub fn biometric_under(&self, laws: &[Law], method: RecordMethod) -> Keep {
        let days = laws.iter().map(|&law| self.vault_days(law, method)).min();
        match days {
            Some(days) if days > 0 => Keep::Vault { days },
            _ => Keep::Discard,
        }
    }

    /// How long records of `class` are kept under `law`; `None` if the policy does not say.
    pub fn retention(&self, class: Class, law: Law) -> Option<RetentionRule> {
        let rows = || {
            let of_class = self.policy.retention.iter().filter(move |r| r.class == class);
            of_class.filter(move |r| r.law.is_none_or(|l| l == law))
        };
        let ceiling = rows().flat_map(|r| [Some(r.local_days), r.purpose_days]).flatten().min()?;
        let statutes = self.pack.floor.iter().filter(|f| f.law == law && f.class == class);
        let floor = rows().filter_map(|r| r.floor_days).chain(statutes.map(|f| f.days)).max();
        let then = rows().find_map(|r| r.then);
        Some(RetentionRule { ceiling_days: ceiling, floor_days: floor.unwrap_or(0), then })
    }

    /// The next moment after `now` at which time alone may change a decision: the policy's dates
    /// and the papers' dates and ages. DingTalk's horizon is per record and in [`MemoKey`].
    pub fn next_change(&self, now: Timestamp, papers: &[Paper]) -> Option<Timestamp> {
        let header = &self.policy.header;
        let dated = papers.iter().flat_map(|p| [Some(p.from), Some(p.to)].into_iter().flatten());
        let aged = papers.iter().flat_map(|p| self.ages(&p.kind).filter_map(|days| past(p, days)));
        let policy = [header.effective_from, header.effective_until];
        policy.into_iter().chain(dated).chain(aged).filter(|&at| at > now).min()
    }

    /// See [`MemoKey`].
    pub fn memo_key(&self, facts: &Facts<'_>) -> MemoKey {
        let record = facts.record;
        let has_dingtalk =
            self.policy.destinations.iter().any(|d| d.connector == Connector::Dingtalk);
        let age = match record.check_time {
            _ if !has_dingtalk => Age::Within,
            None => Age::Absent,
            Some(at) if self.beyond_horizon(at, facts.now) => Age::Beyond,
            Some(_) => Age::Within,
        };
        MemoKey {
            class: record.class,
            method: record.method,
            fields: record.fields,
            sensitive: record.sensitive,
            cell_size: record.cell_size,
            age,
            bands: [
                self.band(facts, Counter::CnExportPersons),
                self.band(facts, Counter::CnExportSensitive),
                self.band(facts, Counter::CnExportRecords),
            ],
        }
    }

    /// True if DingTalk no longer takes a punch of this time.
    pub(crate) fn beyond_horizon(&self, at: Timestamp, now: Timestamp) -> bool {
        now.duration_since(at) > days(self.pack.deliver.dingtalk_max_age_days)
    }

    /// Permits that can match a record of `class`, with their places in the policy.
    pub(crate) fn permits(&self, class: Class) -> impl Iterator<Item = &Permit> {
        let list = self.permits.get(class as usize).map_or(&[][..], Vec::as_slice);
        list.iter().filter_map(|&i| self.policy.permits.get(i))
    }

    /// The gates of an origin law, if the pack has any.
    pub(crate) fn gates(&self, law: Law) -> Option<&[Gate]> {
        self.pack.lane.get(&law).map(Vec::as_slice).filter(|gates| !gates.is_empty())
    }

    /// A counter's value with this record included.
    pub(crate) fn counted(facts: &Facts<'_>, counter: Counter) -> u64 {
        let this = u64::from(!facts.already_counted);
        match counter {
            Counter::CnExportPersons => facts.counters.persons.saturating_add(this),
            Counter::CnExportSensitive => facts.counters.sensitive.saturating_add(this),
            Counter::CnExportRecords => facts.counters.records.saturating_add(1),
        }
    }

    /// How many thresholds a counter has passed.
    fn band(&self, facts: &Facts<'_>, counter: Counter) -> u8 {
        let value = Self::counted(facts, counter);
        let own = self.policy.limits.iter().filter(|l| l.counter == counter);
        let own = own.flat_map(|l| [l.warn, l.approve]).flatten();
        let t = &self.pack.threshold;
        let law: &[u64] = match counter {
            Counter::CnExportPersons => &[t.cn_persons_scc, t.cn_persons_assessment],
            Counter::CnExportSensitive => &[t.cn_sensitive_assessment],
            Counter::CnExportRecords => &[],
        };
        let passed = own.chain(law.iter().copied()).filter(|&at| value >= at).count();
        u8::try_from(passed).unwrap_or(u8::MAX)
    }

    pub(crate) fn vault_days(&self, law: Law, method: RecordMethod) -> u32 {
        if law == Law::CN && method == RecordMethod::Face {
            return 0; // The law wants faces to stay in the device (invariant I-14).
        }
        let wanted = self.policy.biometric.iter().filter(|b| b.law == law && b.method == method);
        let wanted =
            wanted.map(|b| if b.keep == KeepWord::Vault { b.days.unwrap_or(0) } else { 0 });
        let ceilings = self.pack.biometric.iter().filter(|c| c.law == law && c.method == method);
        let ceiling = ceilings.map(|c| c.max_days).min().unwrap_or(u32::MAX);
        wanted.min().unwrap_or(0).min(ceiling)
    }

    fn ages(&self, kind: &str) -> impl Iterator<Item = u32> {
        self.pack.lane.values().flatten().filter_map(move |g| g.max_age_days.get(kind).copied())
    }
}

/// A number of days of 24 hours.
pub(crate) fn days(n: u32) -> SignedDuration {
    SignedDuration::from_secs(i64::from(n) * 86_400)
}

/// The first moment at which a paper is older than `n` days.
fn past(paper: &Paper, n: u32) -> Option<Timestamp> {
    let last = paper.from.checked_add(days(n)).ok()?;
    last.checked_add(SignedDuration::from_nanos(1)).ok()
}

fn place(destination: &Destination, pack: &LawPack) -> Place {
    let law = pack.region.get(&destination.region).map(|r| (r.jurisdiction, r.gba));
    let evidence: Option<ResidencyEvidence> = destination.residency_evidence;
    Place {
        id: destination.id.as_str().into(),
        region: destination.region.as_str().into(),
        law,
        unproved: evidence.is_none(),
    }
}

fn form(profile: &Profile) -> Form {
    let known = profile.fields.iter().filter_map(|name| Field::from_word(name));
    Form {
        id: profile.id.as_str().into(),
        fields: known.filter(|f| f.may_leave()).collect(),
        kind: profile.kind,
        k_min: profile.k_min,
        time_precision: profile.time_precision.unwrap_or(TimePrecision::Minute),
    }
}

fn permits_for(policy: &Policy, class: Class) -> Vec<usize> {
    let all = policy.permits.iter().enumerate();
    all.filter(|(_, p)| p.when.may_match_class(class)).map(|(i, _)| i).collect()
}
