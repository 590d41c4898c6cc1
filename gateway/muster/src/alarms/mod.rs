//! Alarms: what cannot wait until somebody looks, told once, with its cure, by webhook and mail.
//!
//! Every [`EVERY`] the box is looked at and what stands is compared with what was told (see
//! [`raised`]); what is new goes to each sink through a bounded queue (see [`deliver`]) within
//! seconds. An alarm names equipment and destinations, never people. What was told is kept in the
//! data folder, so that a restart tells nothing twice; what no sink took before is told again.

mod cause;
mod deliver;
mod mail;
mod raised;
mod webhook;

pub(crate) use mail::Mail;
pub(crate) use webhook::{Webhook, connector, is_loopback};

use crate::config::Config;
use crate::sentence;
use crate::watch::Watch;
use anyhow::Result;
use cause::Observed;
use deliver::Sinks;
use muster_ledger::{Ledger, Recovery};
use muster_residency::explain::Language;
use raised::Raised;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How often the box is looked at.
const EVERY: Duration = Duration::from_secs(2);
/// Where what was told is kept, in the data folder.
const FILE: &str = "alarms.json";
/// How long a terminal may be silent where nothing is configured.
const SILENT_S: u64 = 3_600;

/// `[alarms]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Section {
    pub(crate) webhook: Option<Webhook>,
    pub(crate) mail: Option<Mail>,
    /// The language of cause and cure: en, zh-Hant, zh-Hans or pt.
    #[serde(default)]
    pub(crate) language: String,
    /// A paired terminal that was heard before and is silent for so long is lost, seconds.
    #[serde(default = "silent_after_s")]
    pub(crate) silent_after_s: u64,
}

fn silent_after_s() -> u64 {
    SILENT_S
}

/// What an alarm is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Tamper,
    LeakAttempt,
    RegionMismatch,
    LostDevice,
    Disk,
    Certificate,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Tamper,
        Self::LeakAttempt,
        Self::RegionMismatch,
        Self::LostDevice,
        Self::Disk,
        Self::Certificate,
    ];

    /// Its word, and the runbook's anchor.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Tamper => "tamper",
            Self::LeakAttempt => "leak-attempt",
            Self::RegionMismatch => "region-mismatch",
            Self::LostDevice => "lost-device",
            Self::Disk => "disk",
            Self::Certificate => "certificate",
        }
    }
}

/// Something that somebody must hear of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Alarm {
    pub(crate) kind: Kind,
    /// Which of its kind: an equipment's or a destination's name, a code.
    pub(crate) name: String,
    pub(crate) cause: String,
    pub(crate) cure: String,
    /// How often it happened, of what happens; 0 of what lasts.
    #[serde(skip)]
    count: u64,
}

impl Alarm {
    fn new(kind: Kind, name: &str, cause: impl Into<String>, cure: &str) -> Self {
        let (name, cure) = (name.to_owned(), cure.to_owned());
        Self { kind, name, cause: cause.into(), cure, count: 0 }
    }

    /// The same for people, in a language.
    fn said(&self, language: Language) -> Self {
        let (cause, cure) =
            (sentence::tell(&self.cause, language), sentence::tell(&self.cure, language));
        Self { cause, cure, ..self.clone() }
    }

    fn happened(self, count: u64) -> Self {
        Self { count, ..self }
    }

    fn key(&self) -> String {
        format!("{} {}", self.kind.word(), self.name)
    }
}

impl Section {
    /// English where nothing is said, or what is said is none of ours.
    fn language(&self) -> Language {
        Language::spoken(&self.language).unwrap_or(Language::En)
    }
}

/// Puts every kind into metrics.
pub(crate) fn count_from_zero() {
    for kind in Kind::ALL {
        metrics::counter!("muster_alarms_total", "kind" => kind.word()).increment(0);
    }
    for sink in ["webhook", "mail"] {
        for result in ["sent", "failed", "dropped"] {
            deliver::count(sink, result, 0);
        }
    }
}

/// What is wrong with the section: found by `check` before it hurts.
pub(crate) fn problem(section: &Section, site: &str) -> Option<anyhow::Error> {
    if !section.language.is_empty() && Language::spoken(&section.language).is_none() {
        return Some(anyhow::anyhow!("language: use en, zh-Hant, zh-Hans or pt"));
    }
    let webhook = section.webhook.as_ref().map(|webhook| webhook::Caller::new(webhook, site));
    let mail = section.mail.as_ref().map(|mail| mail::Sender::new(mail, site, section.language()));
    webhook.and_then(Result::err).or(mail.and_then(Result::err))
}

/// Looks and tells until the process ends. Without sinks nothing is started.
pub(crate) fn start(
    config: &Arc<Config>,
    ledger: Ledger,
    recovery: &Recovery,
    watch: Arc<Watch>,
) -> Result<()> {
    let Some(section) = config.alarms.clone() else { return Ok(()) };
    let sinks = Sinks::start(&section, &config.site.site)?;
    let file = config.site.data.join(FILE);
    let (config, recovery) = (config.clone(), recovery.clone());
    tokio::spawn(async move {
        let mut watcher = Watcher {
            raised: Raised::load(&file),
            certificates: (None, Vec::new()),
            config,
            section,
            recovery,
        };
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            watcher.look(&ledger, &watch, &sinks, &file);
        }
    });
    Ok(())
}

struct Watcher {
    raised: Raised,
    /// Problems of certificates in files, and when they were looked at.
    certificates: (Option<std::time::Instant>, Vec<crate::config::Problem>),
    config: Arc<Config>,
    section: Section,
    recovery: Recovery,
}

/// How often certificates in files are read.
const CERTIFICATES_EVERY: Duration = Duration::from_secs(60);

impl Watcher {
    fn look(&mut self, ledger: &Ledger, watch: &Watch, sinks: &Sinks, file: &Path) {
        let now = crate::trust::now_ms();
        if self.certificates.0.is_none_or(|at| at.elapsed() > CERTIFICATES_EVERY) {
            let problems = crate::doctor::certificate_problems(&self.config);
            self.certificates = (Some(std::time::Instant::now()), problems);
        }
        let alarms = cause::alarms(&Observed {
            now_ms: now,
            silent_after_ms: i64::try_from(self.section.silent_after_s).unwrap_or(i64::MAX) * 1000,
            checks: &watch.report().checks,
            status: &ledger.status(),
            devices: &ledger.devices().list(),
            terminals: &watch.terminals(),
            recovery: &self.recovery,
            certificates: &self.certificates.1,
        });
        for alarm in self.raised.step(alarms, now) {
            tracing::error!(
                kind = alarm.kind.word(),
                name = alarm.name,
                cause = alarm.cause,
                "alarm"
            );
            metrics::counter!("muster_alarms_total", "kind" => alarm.kind.word()).increment(1);
            self.raised.follow(&alarm, sinks.send(&alarm.said(self.section.language())));
        }
        if let Err(error) = self.raised.store(file) {
            tracing::warn!("what was told cannot be kept: {error:#}");
        }
    }
}
