//! `muster report`: prints documents, writes signed files.

use crate::cli::report::{ReportArgs, ReportFormat, ReportKind};
use crate::control::{self, Form, ReportAsked, Request};
use crate::exit::{self, Failure, OrExit as _, Outcome};
use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster_report::Kind;
use serde_json::Value;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) fn report(args: &ReportArgs) -> Outcome {
    match args.kind {
        ReportKind::Key => {
            let answer = super::ask(&args.at, Request::ReportKey)?;
            super::tell(args.at.json, &answer.result, answer.result["public_key"].as_str())
        }
        ReportKind::AuditPack => pack(args),
        ReportKind::Document(kind) => document(kind, args),
    }
}

fn document(kind: Kind, args: &ReportArgs) -> Outcome {
    let request = Request::Report(ReportAsked {
        kind: kind.word().to_owned(),
        form: match args.format.unwrap_or(ReportFormat::Json) {
            ReportFormat::Json => Form::Json,
            ReportFormat::Csv => Form::Csv,
            ReportFormat::Svg => Form::Svg,
            ReportFormat::Html => Form::Html,
        },
        from: args.from,
        to: args.to,
        language: language(args),
        known_at: args.known_at,
        law: args.law.clone(),
    });
    match &args.out {
        Some(path) => {
            let mut file = create(path)?;
            fetch(args, request, &mut file)?;
            file.sync_all()?;
            if args.at.json {
                return super::print_json(&serde_json::json!({ "file": path }));
            }
        }
        None => {
            let mut out = io::stdout().lock();
            fetch(args, request, &mut out)?;
            out.flush()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn pack(args: &ReportArgs) -> Outcome {
    let path = args.out.as_ref().ok_or_else(|| anyhow!("an audit pack wants --out FILE.tar"));
    let path = path.or_exit(exit::USAGE)?;
    let request = Request::ReportPack { from: args.from, to: args.to, language: language(args) };
    let mut file = create(path)?;
    let result = fetch(args, request, &mut file)?;
    file.sync_all()?;
    let text = |key: &str| result[key].as_str().unwrap_or_default();
    let beside = beside(path);
    let mut signature = create(&beside)?;
    signature.write_all(text("signature").as_bytes())?;
    signature.sync_all()?;
    let lines = [
        format!("{} and {}", path.display(), beside.display()),
        format!("check with: muster-verify {} --key {}", path.display(), text("public_key")),
    ];
    let key = text("public_key");
    let told = serde_json::json!({ "file": path, "signature": beside, "public_key": key });
    super::tell(args.at.json, &told, lines)
}

/// Writes the pieces of a file as they come; gives the result.
fn fetch(args: &ReportArgs, request: Request, out: &mut impl Write) -> Result<Value, Failure> {
    let config = super::load(&args.at)?;
    let write = |row: Value| {
        let piece = row.as_str().and_then(|text| STANDARD.decode(text).ok());
        out.write_all(&piece.ok_or(io::ErrorKind::InvalidData)?)
    };
    super::small_runtime(&config)?.block_on(control::call_streaming(&config, request, write))
}

fn language(args: &ReportArgs) -> String {
    args.language.clone().unwrap_or_else(|| crate::words::language().tag().to_owned())
}

fn create(path: &Path) -> Result<File, Failure> {
    let made = File::options().write(true).create_new(true).open(path);
    let made = made.with_context(|| {
        format!("cannot make {}; choose another name, or remove what is there", path.display())
    });
    made.or_exit(exit::UNAVAILABLE)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}
