//! `muster papers`, `consent`, `notice` and `counters`: what the law asks to have on file.

use super::moment::moment;
use crate::cli::{
    BoxArgs, ConsentCommand, CountersCommand, NoticeCommand, PaperArgs, PapersCommand,
};
use crate::control::{Consent, LegalRequest, Wanted};
use crate::exit::{self, Failure, OrExit as _, Outcome};
use crate::words::{fill, language, say};
use anyhow::{Context as _, Result, anyhow, bail};
use muster_ledger::{Baseline, Notice, PaperFiled};
use muster_residency::facts::Lane;
use muster_residency::vocab::Law;
use serde_json::Value;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Largest document that is hashed, bytes.
const MAX_DOCUMENT: u64 = 1 << 30;

pub(super) fn papers(command: PapersCommand) -> Outcome {
    match command {
        PapersCommand::Add(args) => add(*args),
        PapersCommand::List { at } => {
            let papers = ask(&at, LegalRequest::PaperList)?;
            super::tell(at.json, &papers, lines(&papers))
        }
        PapersCommand::Withdraw { number, reason, at } => {
            let told = ask(&at, LegalRequest::PaperWithdraw { number, reason })?;
            let line = fill("told-withdrawn", &[("number", &number.to_string())]);
            super::tell(at.json, &told, [line])
        }
    }
}

fn add(args: PaperArgs) -> Outcome {
    let config = super::load(&args.at)?;
    let lane = Lane::from_text(&args.lane)
        .ok_or_else(|| anyhow!("{:?} is not a lane; write *, MO->SG, MO->* or *->SG", args.lane));
    let paper = PaperFiled {
        lane: lane.or_exit(exit::USAGE)?,
        from: moment(&config, &args.from).or_exit(exit::USAGE)?,
        to: moment(&config, &args.to).or_exit(exit::USAGE)?,
        sha256: sha256(&args.file).or_exit(exit::DATA)?,
        file: file_name(&args.file),
        kind: args.kind,
        filing_number: args.filing_number,
        parties: args.party,
        destination: args.destination,
        clause: args.clause,
        decision: args.decision,
        module: args.module,
    };
    paper.check().map_err(|why| anyhow!(why.told(language()))).or_exit(exit::DATA)?;
    let (sha256, paper) = (paper.sha256.clone(), Box::new(paper));
    if let Some(key) = args.key {
        return super::approve::request(&args.at, Wanted::FilePaper { paper }, &key);
    }
    let added = ask(&args.at, LegalRequest::PaperAdd { paper })?;
    let number = added["number"].to_string();
    let done = fill("told-on-file", &[("number", &number), ("sha256", &sha256)]);
    super::approve::proposed(&args.at, &added, done)
}

fn lines(papers: &Value) -> Vec<String> {
    let now = jiff::Timestamp::now();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), super::plain);
    let line = |paper: &Value| {
        let time = |key: &str| paper[key].as_str().and_then(|t| t.parse::<jiff::Timestamp>().ok());
        let state = match (time("from"), time("to")) {
            _ if !paper["withdrawn_ms"].is_null() => "paper-withdrawn",
            (Some(from), _) if now < from => "paper-to-come",
            (_, Some(to)) if now >= to => "paper-ended",
            _ => "paper-in-force",
        };
        let [kind, lane, from, to] = ["type", "lane", "from", "to"].map(|key| text(&paper[key]));
        let (number, state) = (paper["number"].to_string(), say(state));
        let span = fill("paper-span", &[("from", &from), ("to", &to)]);
        format!("{number:>4}  {state:<9}  {kind:<18} {lane:<8}  {span}")
    };
    papers.as_array().into_iter().flatten().map(line).collect()
}

pub(super) fn consent(command: ConsentCommand) -> Outcome {
    let ConsentCommand::Set { id, given, withdrawn: _, guardian, from, to, key, at } = command;
    let config = super::load(&at)?;
    let time = |text: Option<String>| text.map(|text| moment(&config, &text)).transpose();
    let from = time(from).or_exit(exit::USAGE)?;
    let to = time(to).or_exit(exit::USAGE)?;
    if let Some(key) = key.filter(|_| given) {
        let from = from.unwrap_or_else(jiff::Timestamp::now);
        let wanted = Wanted::GiveConsent { id, guardian, from, to };
        return super::approve::request(&at, wanted, &key);
    }
    let change = Consent { guardian, given, from, to };
    let told = ask(&at, LegalRequest::ConsentSet { id, change })?;
    super::approve::proposed(&at, &told, say("told-consent"))
}

pub(super) fn notice(command: NoticeCommand) -> Outcome {
    match command {
        NoticeCommand::Add { file, kind, number, language, destination, from, at } => {
            let config = super::load(&at)?;
            let notice = Notice {
                kind,
                version: number,
                from: moment(&config, &from).or_exit(exit::USAGE)?,
                languages: language,
                destinations: destination,
                sha256: sha256(&file).or_exit(exit::DATA)?,
            };
            let told = ask(&at, LegalRequest::NoticeAdd { notice })?;
            super::tell(at.json, &told, [say("told-notice-published")])
        }
        NoticeCommand::Give { kind, number, language, all, ids, key, at } => {
            let (ids, version) = ((!all).then_some(ids), number);
            if let Some(key) = key {
                let wanted = Wanted::GiveNotice { kind, version, language, ids };
                return super::approve::request(&at, wanted, &key);
            }
            let given = ask(&at, LegalRequest::NoticeGive { kind, version, language, ids })?;
            super::approve::proposed(&at, &given, say("told-notice-given"))
        }
        NoticeCommand::List { at } => {
            let notices = ask(&at, LegalRequest::NoticeList)?;
            let line = |n: &Value| {
                let text = |key: &str| super::plain(n[key].as_str().unwrap_or_default());
                let (version, to) = (n["version"].to_string(), n["destinations"].to_string());
                let (kind, from) = (text("kind"), text("from"));
                let values = [("kind", &kind), ("version", &version), ("from", &from), ("to", &to)];
                fill("notice-line", &values.map(|(key, value)| (key, value.as_str())))
            };
            super::tell(at.json, &notices, notices.as_array().into_iter().flatten().map(line))
        }
    }
}

pub(super) fn counters(command: CountersCommand) -> Outcome {
    match command {
        CountersCommand::List { at } => {
            let counters = ask(&at, LegalRequest::CounterList)?;
            super::tell(at.json, &counters, counted(&counters))
        }
        CountersCommand::Baseline { law, year, persons, sensitive, records, source, key, at } => {
            let known = Law::from_code(&law).ok_or_else(|| anyhow!("{law:?} is not a law, as CN"));
            let (by, at_ms) = (String::new(), 0);
            let baseline = Baseline { persons, sensitive, records, source, by, at_ms };
            let law = known.or_exit(exit::USAGE)?;
            if let Some(key) = key {
                let wanted = Wanted::LowerBaseline { law, year, baseline };
                return super::approve::request(&at, wanted, &key);
            }
            let told = ask(&at, LegalRequest::BaselineSet { law, year, baseline })?;
            super::approve::proposed(&at, &told, say("told-baseline"))
        }
    }
}

fn counted(counters: &Value) -> Vec<String> {
    let bases = counters["baselines"].as_array().cloned().unwrap_or_default();
    let line = |row: &Value| {
        let same = |base: &&Value| base["law"] == row["law"] && base["year"] == row["year"];
        let base = bases.iter().find(same).map(|base| &base["baseline"]);
        count_line(row, base.is_none_or(Value::is_null))
    };
    let exports = counters["exports"].as_array().into_iter().flatten().map(line);
    let marks = counters["meter"].as_array().into_iter().flatten().map(mark_line);
    exports.chain(marks).collect()
}

/// Exports of one year under one law to one destination.
fn count_line(row: &Value, lower_bound: bool) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| say("counter-all"), super::plain);
    let (law, to) = (text(&row["law"]), format!("{:<16}", text(&row["destination"])));
    let bucket = format!("{:<10}", row["bucket"].as_str().unwrap_or_default());
    let [year, persons, sensitive, records] =
        ["year", "persons", "sensitive", "records"].map(|key| row[key].to_string());
    let values = [
        ("law", &law),
        ("year", &year),
        ("to", &to),
        ("bucket", &bucket),
        ("persons", &persons),
        ("sensitive", &sensitive),
        ("records", &records),
    ];
    let line = fill("counter-line", &values.map(|(key, value)| (key, value.as_str())));
    if lower_bound { format!("{line} {}", say("counter-bound-none")) } else { line }
}

/// One mark of the threshold meter.
fn mark_line(mark: &Value) -> String {
    let scale = say(if mark["scale"] == "legal" { "counter-legal" } else { "counter-early" });
    let threshold = mark["threshold"].as_str().map_or_else(String::new, super::plain);
    let (count, at) = (mark["count"].to_string(), mark["at"].to_string());
    let values = [("scale", &scale), ("threshold", &threshold), ("count", &count), ("at", &at)];
    let mut line = fill("counter-mark", &values.map(|(key, value)| (key, value.as_str())));
    if mark["alarm"] == true {
        line = format!("{} {line}", say("counter-alarm"));
    }
    if mark["lower_bound"] == true {
        line = format!("{line} {}", say("counter-bound"));
    }
    match mark["forecast"].as_str() {
        Some(day) => format!("{line}, {}", fill("counter-forecast", &[("day", day)])),
        None => line,
    }
}

pub(super) fn ask(at: &BoxArgs, request: LegalRequest) -> Result<Value, Failure> {
    Ok(super::ask(at, crate::control::Request::Legal { request })?.result)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// SHA-256 of a file, lower-case hex.
fn sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    if file.metadata()?.len() > MAX_DOCUMENT {
        bail!("{} is larger than 1 GiB; this is not what is meant", path.display());
    }
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => context.update(&buffer[..read]),
        }
    }
    let digest = context.finish();
    Ok(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}
