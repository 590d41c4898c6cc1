//! Makes reports: gathers what the ledger counted, what the policy says and what people entered,
//! and puts what leaves into signed files. Everything here blocks.

use crate::config::Config;
use crate::{evidence, store};
use anyhow::{Context as _, Result, bail};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use muster_ledger::Ledger;
use muster_ledger::trail::{MAX_TRANSFERS, ReportKey, Span};
use muster_report::figures::Figures;
use muster_report::sides::{Crossing, Horizons, Sides};
use muster_report::{Document, Entered, Input, Kind, Words, pack, report};
use muster_residency::vocab::{Class, Law};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Days of one report at most.
const MAX_DAYS: i32 = 3 * 366;
/// The law's sides in one pack at most.
const MAX_SIDES: usize = 16;
/// Transfers in a sample.
const MAX_SAMPLE: usize = 25;

/// First and last day of a report.
#[derive(Clone, Copy)]
pub(crate) struct Days {
    pub(crate) from: Date,
    pub(crate) to: Date,
}

/// A pack: a tar archive, its signature's line, and the key that signed it.
pub(crate) struct Pack {
    pub(crate) tar: Vec<u8>,
    pub(crate) signature: String,
    pub(crate) public_key: String,
}

impl Pack {
    /// The archive and its signature in one file, as a page hands it over.
    pub(crate) fn bundle(self) -> Result<Vec<u8>> {
        let signature = self.signature.into_bytes();
        archive(&[("audit.tar".to_owned(), self.tar), ("audit.tar.sig".to_owned(), signature)])
    }
}

/// Where reports are made.
#[derive(Clone)]
pub(crate) struct Desk {
    ledger: Ledger,
    config: Arc<Config>,
}

impl Desk {
    pub(crate) fn new(ledger: Ledger, config: Arc<Config>) -> Self {
        Self { ledger, config }
    }

    /// The days asked for; what is left out is this month so far.
    pub(crate) fn days(&self, from: Option<Date>, to: Option<Date>) -> Result<Days> {
        let today = Timestamp::now().to_zoned(self.zone()).date();
        let to = to.unwrap_or(today);
        let days = Days { from: from.unwrap_or(to.first_of_month()), to };
        let length = days.to.since(days.from).map(|span| span.get_days()).unwrap_or(-1);
        if !(0..=MAX_DAYS).contains(&length) {
            bail!("a report is about 1 to {MAX_DAYS} days; --from comes before --to");
        }
        Ok(days)
    }

    /// One report.
    pub(crate) fn document(
        &self,
        kind: Kind,
        days: Days,
        known_at: Option<Timestamp>,
        words: Words,
    ) -> Result<Document> {
        let days = if kind == Kind::Offboarding { whole(days) } else { days };
        let figures = self.figures(days)?;
        Ok(self.made(kind, days, known_at, words, &figures))
    }

    /// The side of one law, signed.
    pub(crate) fn side(&self, law: Law, days: Days) -> Result<String> {
        let (sides, key) = (self.sides(days)?, self.key()?);
        Ok(sides.export(law, key.public_key(), &|bytes| key.sign(bytes)))
    }

    /// The key that reports are signed with, hex.
    pub(crate) fn public_key(&self) -> Result<String> {
        Ok(pack::hex(&self.key()?.public_key()))
    }

    /// Everything an auditor asks for, in one signed archive.
    pub(crate) fn pack(&self, days: Days, words: Words) -> Result<Pack> {
        let (figures, key) = (self.figures(days)?, self.key()?);
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        let apart = [Kind::Incident, Kind::Offboarding];
        for kind in Kind::ALL.into_iter().filter(|kind| !apart.contains(kind)) {
            let document = self.made(kind, days, None, words, &figures);
            let name = kind.word();
            files.push((format!("reports/{name}.json"), document.json().into_bytes()));
            files.push((format!("reports/{name}.csv"), document.csv().into_bytes()));
            files.push((format!("reports/{name}.html"), document.html(words).into_bytes()));
            let svg = document.svg().map(|svg| svg.as_bytes().to_vec());
            files.extend(svg.map(|svg| (format!("reports/{name}.svg"), svg)));
        }
        let crossings = self.crossings(days)?;
        let sides = self.sides_of(days, &crossings);
        files.push(("samples.json".into(), samples(&crossings)));
        for law in sides.laws().into_iter().take(MAX_SIDES) {
            let text = sides.export(law, key.public_key(), &|bytes| key.sign(bytes));
            files.push((format!("transfers/{law}.jsonl"), text.into_bytes()));
        }
        if let Some(governance) = self.ledger.governance() {
            files.push(("policy/policy.toml".into(), governance.policy.into_bytes()));
            files.push(("policy/policy.toml.sig".into(), governance.signatures.into_bytes()));
            files.push(("policy/lawpack.toml".into(), governance.law_pack.into_bytes()));
        }
        files.push(("journal.json".into(), self.journal()?));
        files.push(("manifest.json".into(), self.manifest(days, &files, &sides.root())));
        let tar = archive(&files)?;
        let signature = pack::signature_line(&tar, key.public_key(), &|bytes| key.sign(bytes));
        Ok(Pack { tar, signature, public_key: pack::hex(&key.public_key()) })
    }

    fn made(
        &self,
        kind: Kind,
        days: Days,
        known_at: Option<Timestamp>,
        words: Words,
        figures: &Figures,
    ) -> Document {
        let rules = self.ledger.rules();
        let input = Input {
            site: &self.config.site.site,
            zone: self.zone(),
            made_at: Timestamp::now(),
            from: days.from,
            to: days.to,
            rules: rules.as_deref(),
            figures,
            entered: Entered { evidence: self.evidence(kind), ..self.entered(known_at) },
        };
        report(kind, words, &input)
    }

    /// Pieces of biometric evidence; only an incident's report has them counted.
    fn evidence(&self, kind: Kind) -> Option<u64> {
        let asked = kind == Kind::Incident;
        asked.then(|| evidence::told(&self.config.site.data, &self.ledger.keyring())).flatten()
    }

    fn entered(&self, known_at: Option<Timestamp>) -> Entered {
        let said = &self.config.report;
        let tenths = |value: Option<f64>| value.map(|v| (v.clamp(0.0, 10.0) * 10.0).round() as u8);
        Entered {
            // Rounded down: 69.9 % are not 70 %.
            training: said.training.map(|v| (v.clamp(0.0, 10.0) * 10.0 + 1e-6).floor() as u8),
            integration: tenths(said.integration),
            exit: tenths(said.exit_readiness),
            known_at,
            evidence: None,
            key_apart: !self.config.site.data.join("keys").join("root.key").exists(),
        }
    }

    fn figures(&self, days: Days) -> Result<Figures> {
        Ok(self.ledger.trail().figures(self.span(days)?)?)
    }

    fn sides(&self, days: Days) -> Result<Sides> {
        Ok(self.sides_of(days, &self.crossings(days)?))
    }

    fn sides_of(&self, days: Days, crossings: &[Crossing]) -> Sides {
        let span = (days.from.to_string(), days.to.to_string());
        Sides::new(&self.config.site.site, span, crossings, &self.horizons(crossings))
    }

    fn crossings(&self, days: Days) -> Result<Vec<Crossing>> {
        let (crossings, more) = self.ledger.trail().crossings(self.span(days)?)?;
        if more {
            bail!(
                "there are more than {MAX_TRANSFERS} transfers in these days; ask for fewer days"
            );
        }
        Ok(crossings)
    }

    /// Since when each side may say whose records they were: the policy's retention of that law,
    /// and never shorter than its statute's floor.
    fn horizons(&self, crossings: &[Crossing]) -> Horizons {
        let Some(rules) = self.ledger.rules() else { return Horizons::new() };
        let laws: BTreeSet<Law> = crossings.iter().flat_map(|c| [c.from, c.to]).collect();
        let since = |law: Law| {
            let rule = rules.retention(Class::Event, law)?;
            let hours = i64::from(rule.ceiling_days.max(rule.floor_days)) * 24;
            Some((law, Timestamp::now().checked_sub(hours.hours()).ok()?))
        };
        laws.into_iter().filter_map(since).collect()
    }

    fn key(&self) -> Result<ReportKey> {
        self.ledger.trail().report_key().context("the key that reports are signed with")
    }

    /// From the first moment of the first day until just before the day after the last.
    fn span(&self, days: Days) -> Result<Span> {
        let start =
            |date: Date| anyhow::Ok(date.to_zoned(self.zone())?.timestamp().as_millisecond());
        Ok(Span { from_ms: start(days.from)?, to_ms: start(days.to.checked_add(1.day())?)? })
    }

    fn zone(&self) -> TimeZone {
        TimeZone::get(&store::time_zone(&self.config)).unwrap_or(TimeZone::UTC)
    }

    /// The journal as the box checks it: its own word.
    fn journal(&self) -> Result<Vec<u8>> {
        let data = &self.config.site.data;
        let report = muster_ledger::verify_journal(data, store::root_key(data)?)?;
        let value = json!({ "checked_by": "the box itself", "journal": report });
        Ok(serde_json::to_vec_pretty(&value)?)
    }

    /// What is in the pack, for people: the signature is over the whole archive.
    fn manifest(&self, days: Days, files: &[(String, Vec<u8>)], root: &str) -> Vec<u8> {
        let row = |(name, bytes): &(String, Vec<u8>)| {
            let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
            json!({ "name": name, "bytes": bytes.len(), "sha256": pack::hex(digest.as_ref()) })
        };
        let value = json!({
            "site": self.config.site.site,
            "from": days.from.to_string(),
            "to": days.to.to_string(),
            "made_by": format!("muster {}", env!("CARGO_PKG_VERSION")),
            "transfers_root": root,
            "people": "pseudonyms that differ by law; nobody is named",
            "check": "muster-verify FILE --key KEY, with the key from the box's page",
            "files": files.iter().map(row).collect::<Vec<_>>(),
        });
        serde_json::to_vec_pretty(&value).unwrap_or_default()
    }
}

/// What is still on its way may be older than the days asked for.
fn whole(days: Days) -> Days {
    Days { from: days.from.saturating_sub(MAX_DAYS.days()), ..days }
}

/// Some of the transfers, evenly spread in the journal's order, with how many they are drawn from:
/// the whole of it is in `transfers/`. People are the origin law's pseudonyms.
fn samples(crossings: &[Crossing]) -> Vec<u8> {
    let step = crossings.len().div_ceil(MAX_SAMPLE).max(1);
    let row = |c: &Crossing| {
        json!({
            "at": c.at, "event_id": c.event_id, "lane": format!("{}->{}", c.from, c.to),
            "subject": c.subjects.0, "destination": c.destination, "region": c.region,
            "digest": c.digest, "policy": c.policy, "bucket": c.bucket, "taken_at": c.taken_at,
        })
    };
    let rows: Vec<_> = crossings.iter().step_by(step).map(row).collect();
    let value = json!({
        "of": "transfers across a border",
        "population": crossings.len(),
        "sample": rows.len(),
        "how": format!("every {step}. in the journal's order, from the first"),
        "rows": rows,
    });
    serde_json::to_vec_pretty(&value).unwrap_or_default()
}

/// A tar archive that any program opens; the same files give the same bytes.
fn archive(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes.as_slice())?;
    }
    Ok(tar.into_inner()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// A box that was just set up.
    fn desk(folder: &Path) -> Desk {
        let text = "[box]\nsite = \"mo-hq\"\ntime_zone = \"Asia/Macau\"\n[clock]\ntrust = \"assume\"\n\
                    [report]\ntraining = 7.04\n";
        let config = Config::parse(text, &folder.join("gateway.toml"), folder.to_owned()).unwrap();
        let (ledger, _) = store::open(&config).unwrap();
        Desk::new(ledger, Arc::new(config))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_pack_opens_with_any_tar_and_one_flipped_byte_fails() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(folder.path());
        let words = Words::of(muster_residency::explain::Language::En);
        let days = desk.days(None, None).unwrap();
        let made = tokio::task::block_in_place(|| desk.pack(days, words)).unwrap();
        let key = pack::read_key(&made.public_key).unwrap();
        assert_eq!(pack::verify(&made.tar, &made.signature, Some(key)), Ok(key));
        let mut changed = made.tar.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        assert_eq!(pack::verify(&changed, &made.signature, Some(key)), Err(pack::Fault::Signature));
        let mut archive = tar::Archive::new(made.tar.as_slice());
        let names: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        for name in [
            "manifest.json",
            "journal.json",
            "samples.json",
            "reports/ropa.json",
            "reports/flows.svg",
        ] {
            assert!(names.iter().any(|n| n == name), "{name} in {names:?}");
        }
        assert_eq!(desk.public_key().unwrap(), made.public_key, "the same key ever after");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_box_tells_its_own_evidence_and_a_restored_one_that_of_the_box_it_stands_for() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(folder.path());
        let (data, keyring) = (desk.config.site.data.clone(), desk.ledger.keyring());
        assert_eq!(desk.evidence(Kind::Incident), Some(0));
        assert_eq!(desk.evidence(Kind::Ropa), None);
        evidence::note(&data, &keyring).unwrap();
        keyring.put_sealed_file("evidence-count", b"41").unwrap();
        assert_eq!(desk.evidence(Kind::Incident), Some(0), "its own vault is what counts");
        keyring.put_sealed_file(crate::backup::stage::RESTORED, b"1").unwrap();
        assert_eq!(desk.evidence(Kind::Incident), Some(41));
        evidence::note(&data, &keyring).unwrap();
        assert_eq!(desk.evidence(Kind::Incident), Some(41), "kept through its own backups");
        std::fs::create_dir_all(data.join("vault")).unwrap();
        std::fs::write(data.join("vault/1-face.vault"), b"not a vault file").unwrap();
        assert!(evidence::told(&data, &keyring).is_some());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn days_are_bounded_and_what_people_say_is_clamped() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(folder.path());
        let day = |text: &str| Some(text.parse::<Date>().unwrap());
        assert!(desk.days(day("2026-12-01"), day("2026-12-01")).is_ok());
        assert!(desk.days(day("2026-12-02"), day("2026-12-01")).is_err());
        assert!(desk.days(day("1990-01-01"), day("2026-12-01")).is_err());
        let entered = desk.entered(None);
        assert_eq!((entered.training, entered.exit, entered.key_apart), (Some(70), None, false));
    }
}
