//! Records made from sheets: a person's day once it is final and again when it changes, corrections
//! that are in force, counts of people. Only those that a permit of the policy in force could let
//! go are made; like punches they are decided, journaled, sent and settled.
//!
//! What was made is known from the journal alone ([`crate::state::made`]), so a crash or a restart
//! makes nothing twice. Here is only remembered which days need no look: after a start all of the
//! last 70 are looked at once. Days before the box's first record, or before a person's, say
//! something only where there are punches. Of months that retention reduced or destroyed nothing
//! is made.

mod count;
mod day;
mod stale;

pub(crate) use stale::Stale;

use crate::committer::Request;
use crate::state::made::{self, REMEMBERED_DAYS};
use crate::{CommitError, Committer, Correction, Ledger, PersonSheet, SheetsError};
use day::Reading;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use muster_attendance::PersonId;
use muster_attendance::summary::{Count, Counted, DaySummary, Span, Summary, SummaryKind};
use muster_attendance::time::{LocalTime, Zone};
use muster_residency::Rules;
use muster_residency::vocab::Class;
use muster_residency::wanted::{WantedCount, WantedSpan};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Milliseconds between two looks at one of the last days that are not final.
const RETRY_MS: i64 = 20_000;
/// Days that count as the last.
const LAST_DAYS: i64 = 3;
/// Milliseconds between two looks at an older one.
const RETRY_OLD_MS: i64 = 300_000;
/// Rest after each day that was looked at: punches and pages go first.
const REST: Duration = Duration::from_millis(20);

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum SummarizeError {
    /// Sheets cannot be computed now.
    #[error(transparent)]
    Sheets(#[from] SheetsError),
    /// The journal does not take it.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Which days need no look. Memory only.
#[derive(Default)]
pub(crate) struct Calendar {
    /// The policy that the rest holds for.
    policy: Option<[u8; 32]>,
    /// Everybody's day was final, and what it says was made.
    settled: BTreeSet<Date>,
    /// Spans that were counted so.
    counted: BTreeSet<(Span, Date)>,
    /// When a day that is not settled was looked at last.
    tried: BTreeMap<Date, i64>,
}

/// What the policy in force asks for.
struct Wanted {
    days: bool,
    corrections: bool,
    /// Whoever gets days gets corrections too.
    instead: bool,
    counts: Vec<WantedCount>,
}

impl Wanted {
    fn of(rules: &Rules, site: &str) -> Self {
        let days = rules.destinations_of(Class::Daily, site);
        let corrections = rules.destinations_of(Class::Correction, site);
        Self {
            days: !days.is_empty(),
            corrections: !corrections.is_empty(),
            instead: days.is_subset(&corrections),
            counts: rules.wanted_counts(site),
        }
    }

    fn is_empty(&self) -> bool {
        !self.days && !self.corrections && self.counts.is_empty()
    }
}

/// What one look shares.
struct Look {
    wanted: Wanted,
    zone: Zone,
    now_ms: i64,
    today: Date,
    /// The day of the box's first record.
    began: Date,
}

impl Ledger {
    /// Makes what is to be made of the sheets as they are now; how many records that were. To be
    /// called every few seconds: where nothing changed it does nothing.
    pub async fn summarize(&self) -> Result<u64, SummarizeError> {
        let Some(rules) = self.rules() else { return Ok(0) };
        let wanted = Wanted::of(&rules, &self.inner.shared.site);
        if wanted.is_empty() {
            return Ok(0);
        }
        let mut calendar = self.inner.calendar.lock().await;
        calendar.take_in(rules.policy_hash(), self.take_stale());
        let Some(look) = self.look(wanted).await? else { return Ok(0) };
        let mut made = 0;
        for date in self.dates(&calendar, &look) {
            made += self.summarize_day(&mut calendar, &look, date).await?;
            tokio::time::sleep(REST).await;
        }
        Ok(made + self.count_spans(&mut calendar, &look).await?)
    }

    fn take_stale(&self) -> Stale {
        std::mem::take(&mut self.core().stale)
    }

    async fn look(&self, wanted: Wanted) -> Result<Option<Look>, SummarizeError> {
        let shared = self.inner.shared.clone();
        let read = move || {
            let mut reader = shared.reader();
            let first = reader.next_batch()?;
            let first = first.map(|batch| batch.at_ms);
            Ok::<_, crate::journal::ReadError>(first)
        };
        let first = tokio::task::spawn_blocking(read).await.map_err(|_| CommitError::Closed)?;
        let first = first.map_err(|error| CommitError::Failed(error.to_string()))?;
        let now_ms = self.inner.shared.clock.now_ms();
        let zone = TimeZone::get(&self.inner.zone).unwrap_or(TimeZone::UTC);
        let day = |ms: i64| {
            let at = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
            at.to_zoned(zone.clone()).date()
        };
        Ok(first.map(|first| Look {
            wanted,
            zone: Zone::named(&self.inner.zone).unwrap_or(Zone::UTC),
            now_ms,
            today: day(now_ms),
            began: day(first),
        }))
    }

    /// The days to look at, ascending.
    fn dates(&self, calendar: &Calendar, look: &Look) -> Vec<Date> {
        let first = look.today.checked_sub(REMEMBERED_DAYS.days()).unwrap_or(Date::MIN);
        let complete = self.sheets().complete_until();
        let complete = complete.values().copied().min().flatten().unwrap_or(i64::MIN);
        // No day is final before every terminal's punches of it are here.
        let may_be_final =
            |date: Date| look.zone.instant(date, LocalTime::default()).seconds() <= complete;
        let days = first.series(1.day()).take_while(|date| *date < look.today);
        let due = days.filter(|date| calendar.is_due(*date, look) && may_be_final(*date));
        let mut dates: BTreeSet<Date> = due.filter(|date| self.may_tell(*date)).collect();
        if look.wanted.corrections {
            dates.extend(self.corrected_before(first, look));
        }
        dates.into_iter().collect()
    }

    /// Older days that a correction of the last weeks is for.
    fn corrected_before(&self, first: Date, look: &Look) -> Vec<Date> {
        let since_ms = look.now_ms - REMEMBERED_DAYS * 86_400_000;
        let approved = self.plans().approved(since_ms);
        let core = self.core();
        let fresh = |c: &Correction| c.date < first && !core.state.made.has_correction(c.number);
        approved.iter().filter(|correction| fresh(correction)).map(|c| c.date).collect()
    }

    /// Whether retention leaves all of the day to see.
    fn may_tell(&self, date: Date) -> bool {
        let core = self.core();
        let rights = &core.state.legal.rights;
        let month = u32::from(date.year().unsigned_abs()) * 100 + date.month() as u32;
        let gone = rights.facts_gone.last().is_some_and(|&last| month <= last);
        !gone && !rights.reduced.has_day(date)
    }

    async fn summarize_day(
        &self,
        calendar: &mut Calendar,
        look: &Look,
        date: Date,
    ) -> Result<u64, SummarizeError> {
        calendar.tried.insert(date, look.now_ms);
        let readings = self.read_day(look, date).await?;
        let all_final = readings.iter().all(|reading| reading.is_final);
        let mut summaries = Vec::new();
        let fresh = readings.iter().filter(|reading| reading.is_final);
        let began = fresh
            .map(|reading| self.tell(reading, look, date, &mut summaries))
            .fold(false, |a, b| a | b);
        if all_final {
            let there = || readings.iter().filter(|reading| reading.is_present);
            for wanted in look.wanted.counts.iter().filter(|w| w.span == WantedSpan::Day) {
                let people = there().map(|reading| reading.person);
                self.count(wanted, date, people, look.now_ms, &mut summaries);
            }
        }
        let made = self.store(summaries).await?;
        if began {
            // Whose first day this is may have been away on later ones.
            calendar.settled.retain(|settled| *settled <= date);
        }
        if all_final {
            calendar.settled.insert(date);
        }
        Ok(made)
    }

    async fn read_day(&self, look: &Look, date: Date) -> Result<Vec<Reading>, SummarizeError> {
        let people = self.directory().people();
        let mut readings = Vec::with_capacity(people.len());
        let plans = self.plans();
        let read = |sheet: PersonSheet| {
            let corrections = plans.corrections(sheet.person);
            readings.extend(day::read(&sheet, date, &corrections, &look.zone));
        };
        self.sheets().of(&people, date, date, read).await?;
        Ok(readings)
    }

    /// Adds what is new of a person's day. True if nothing was ever made of them before.
    fn tell(&self, reading: &Reading, look: &Look, date: Date, to: &mut Vec<Summary>) -> bool {
        let mut core = self.core();
        let state = &mut core.state;
        let shift = reading.shift.as_deref().and_then(|shift| state.labels.intern(shift));
        let figures = DaySummary { shift, ..reading.day };
        let digest = made::digest(&figures);
        let last = state.made.day(date, reading.person);
        let summary = |kind| Summary { kind, date, made_ms: look.now_ms };
        let changed = look.wanted.days && last.is_some_and(|last| last != digest);
        let mut stands_for = if changed && look.wanted.instead { digest } else { 0 };
        for one in &reading.corrections {
            if !look.wanted.corrections || state.made.has_correction(one.number) {
                continue;
            }
            let (check, direction) = (one.check, one.direction);
            let method = one.method.or(figures.method);
            let day = DaySummary { check, direction, method, ..figures };
            let (number, device) = (one.number, one.device);
            to.push(summary(SummaryKind::Correction { number, device, day, stands_for }));
            if stands_for != 0 {
                return false;
            }
            stands_for = 0;
        }
        let began = state.made.began(date, reading.person);
        let says = reading.is_present || reading.is_planned && began && date >= look.began;
        if look.wanted.days && (changed || last.is_none() && says) {
            to.push(summary(SummaryKind::Day(figures)));
        }
        look.wanted.days && !began && last.is_none() && says
    }

    /// Adds a count's cells of the span that begins with `first`.
    fn count(
        &self,
        wanted: &WantedCount,
        first: Date,
        people: impl Iterator<Item = PersonId>,
        now_ms: i64,
        to: &mut Vec<Summary>,
    ) {
        let directory = self.directory();
        let mut core = self.core();
        let state = &mut core.state;
        let restricts = |person: &PersonId| {
            let legal = state.legal.people.get(*person);
            legal.is_some_and(|legal| legal.restricted_ms.is_some())
        };
        let people: Vec<PersonId> = people.filter(|person| !restricts(person)).collect();
        let cells = count::cells(wanted, people.into_iter(), |person| directory.profile(person));
        let Some(permit) = state.labels.intern(&wanted.permit) else { return };
        let category = count::category(wanted).and_then(|word| state.labels.intern(word));
        let span = span(wanted.span);
        let mut counts = BTreeMap::new();
        for (of, _) in state.made.counted(first, span).filter(|(of, _)| of.permit == permit) {
            counts.insert(of, Count { span, of, count: 0, basis: None });
        }
        for (group, cell) in cells {
            let group = group.as_deref().and_then(|group| state.labels.intern(group));
            let of = Counted { permit, group, category };
            let basis = cell.basis().and_then(|basis| state.labels.intern(basis));
            counts.insert(of, Count { span, of, count: cell.count, basis });
        }
        let summary =
            |count| Summary { kind: SummaryKind::Count(count), date: first, made_ms: now_ms };
        to.extend(counts.into_values().map(summary));
    }

    /// Counts weeks and months of which every day is settled.
    async fn count_spans(
        &self,
        calendar: &mut Calendar,
        look: &Look,
    ) -> Result<u64, SummarizeError> {
        let mut made = 0;
        for reach in [WantedSpan::Week, WantedSpan::Month] {
            if !look.wanted.counts.iter().any(|wanted| wanted.span == reach) {
                continue;
            }
            for (first, last) in calendar.whole(span(reach)) {
                let there = self.there(first, last).await?;
                let mut summaries = Vec::new();
                for wanted in look.wanted.counts.iter().filter(|wanted| wanted.span == reach) {
                    self.count(wanted, first, there.iter().copied(), look.now_ms, &mut summaries);
                }
                made += self.store(summaries).await?;
                calendar.counted.insert((span(reach), first));
                tokio::time::sleep(REST).await;
            }
        }
        Ok(made)
    }

    /// Who was there on one of these days at least.
    async fn there(&self, first: Date, last: Date) -> Result<BTreeSet<PersonId>, SummarizeError> {
        let mut there = BTreeSet::new();
        let note = |sheet: PersonSheet| {
            let days = sheet.sheet.days.values().flat_map(|day| &day.punches);
            if days.into_iter().any(|punch| punch.used != muster_attendance::Use::None) {
                there.insert(sheet.person);
            }
        };
        self.sheets().of(&self.directory().people(), first, last, note).await?;
        Ok(there)
    }

    async fn store(&self, mut summaries: Vec<Summary>) -> Result<u64, CommitError> {
        {
            let core = self.core();
            summaries.retain(|summary| !core.state.made.has(summary));
        }
        let mut made = 0;
        for some in summaries.chunks(Committer::MAX_BATCH) {
            let summaries = some.to_vec();
            made += self.committer().ask(|done| Request::Summarize { summaries, done }).await?;
        }
        metrics::counter!("muster_summaries_made_total").increment(made);
        Ok(made)
    }
}

impl Calendar {
    /// Takes in what changed since.
    fn take_in(&mut self, policy: [u8; 32], stale: Stale) {
        if self.policy != Some(policy) {
            *self = Self { policy: Some(policy), ..Self::default() };
        }
        if stale.is_empty() {
            return;
        }
        self.settled.retain(|date| !stale.concerns(*date));
        self.tried.retain(|date, _| !stale.concerns(*date));
        let settled = &self.settled;
        self.counted.retain(|(span, first)| {
            let (first, last) = span.around(*first);
            first.series(1.day()).take_while(|date| *date <= last).all(|d| settled.contains(&d))
        });
    }

    fn is_due(&self, date: Date, look: &Look) -> bool {
        let last = look.today.checked_sub(LAST_DAYS.days()).unwrap_or(Date::MIN);
        let retry = if date >= last { RETRY_MS } else { RETRY_OLD_MS };
        let waits = |&tried: &i64| (0..retry).contains(&(look.now_ms - tried));
        !self.settled.contains(&date) && !self.tried.get(&date).is_some_and(waits)
    }

    /// Spans of which every day is settled and that are not counted yet.
    fn whole(&self, span: Span) -> Vec<(Date, Date)> {
        let spans: BTreeSet<_> = self.settled.iter().map(|date| span.around(*date)).collect();
        let whole = |&(first, last): &(Date, Date)| {
            !self.counted.contains(&(span, first))
                && first
                    .series(1.day())
                    .take_while(|date| *date <= last)
                    .all(|date| self.settled.contains(&date))
        };
        spans.into_iter().filter(whole).collect()
    }
}

fn span(wanted: WantedSpan) -> Span {
    match wanted {
        WantedSpan::Day => Span::Day,
        WantedSpan::Week => Span::Week,
        WantedSpan::Month => Span::Month,
    }
}
