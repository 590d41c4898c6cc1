//! `muster backup` and `muster restore`.

use crate::backup::recovery;
use crate::backup::restore::{self, Done};
use crate::backup::take::Taken;
use crate::cli::{BackupArgs, RestoreArgs};
use crate::control::Request;
use crate::exit::Outcome;
use std::io::{IsTerminal as _, Write as _};

pub(super) fn backup(args: &BackupArgs) -> Outcome {
    let to = std::path::absolute(&args.to)?;
    let answer = super::ask(&args.at, Request::Backup { to, new_sheets: args.new_sheets })?.result;
    let taken: Taken = serde_json::from_value(answer.clone())?;
    let asks = std::io::stdin().is_terminal() && !args.at.json;
    if let Some(sheets) = &taken.sheets
        && !asks
    {
        eprintln!(
            "muster: recovery sheets were made and lie in {}; print them, keep them apart, and \
             delete that file",
            sheets.display()
        );
    }
    if args.at.json {
        return super::print_json(&answer);
    }
    let mut lines = vec![format!(
        "{} records in {}: {} new, {} in all, read back and checked",
        taken.records,
        taken.file.display(),
        bytes(taken.added),
        bytes(taken.bytes)
    )];
    lines.extend(taken.set_aside.map(|aside| {
        format!("the backup that was there is damaged and was set aside as {}", aside.display())
    }));
    if let Some(sheets) = taken.sheets.filter(|_| asks) {
        let site = super::load(&args.at)?.site.site;
        super::init::hand_out(&site, &sheets, &recovery::made(&sheets)?)?;
    }
    super::print_lines(lines)
}

pub(super) fn restore(args: &RestoreArgs) -> Outcome {
    let shown = std::io::stderr().is_terminal() && !args.at.json;
    let mut done = 0;
    let mut told = |more: u64| {
        done += more;
        if shown {
            eprint!("\r{} read ", bytes(done));
            let _ = std::io::stderr().flush();
        }
    };
    let done = restore::restore(args, &mut told);
    if shown {
        eprintln!();
    }
    let done = done?;
    if args.at.json { super::print_json(&done) } else { super::print_lines(lines(&done)) }
}

fn lines(done: &Done) -> Vec<String> {
    match done {
        Done::Drilled(drilled) => vec![format!(
            "the backup of {} restores: {} files came back as they were, {} records, {}",
            at(drilled.made_ms),
            drilled.files,
            drilled.journal.records,
            if drilled.journal.whole { "the chain is whole" } else { "the chain has damage" }
        )],
        Done::Restored(restored) => {
            let mut lines = vec![
                format!("restored       {} as of {}", restored.site, at(restored.made_ms)),
                format!("data           {}, {} records", restored.data.display(), restored.records),
                format!("configuration  {}", restored.config.display()),
            ];
            if restored.erased_again > 0 {
                lines.push(format!("erased again   {} people", restored.erased_again));
            }
            if restored.damaged_batches > 0 {
                let damaged = restored.damaged_batches;
                lines.push(format!("damage         {damaged} batches, from before the backup"));
            }
            let kept = restored.kept.as_ref();
            lines.extend(kept.map(|kept| format!("kept aside     {}", kept.display())));
            lines.push("not restored   biometric evidence: no backup holds any".to_owned());
            lines.push("root key       keys/root.key in the data folder; seal it with".to_owned());
            lines.push("               systemd-creds where this machine has a TPM".to_owned());
            lines.push(format!(
                "next           muster doctor --config {0}, then start the gateway; terminals",
                restored.config.display()
            ));
            lines.push("               send again what they have kept".to_owned());
            lines
        }
    }
}

fn at(ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Bytes for people.
fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{} KiB", count >> 10),
        _ => format!("{} MiB", count >> 20),
    }
}
