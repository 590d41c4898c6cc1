//! A backup that is not whole, or not of this box, is refused with its cause and cure, and nothing
//! is changed.

use crate::stage::{Stage, ok, text};
use anyhow::{Result, ensure};
use muster_tests::random::Random;
use std::collections::BTreeMap;
use std::path::Path;

/// Places that are damaged.
const PLACES: u64 = 60;

/// Every file below a folder with its bytes.
fn tree(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let (mut found, mut left) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => left.push(entry.path()),
                false => {
                    found.insert(entry.path().display().to_string(), std::fs::read(entry.path())?);
                }
            }
        }
    }
    Ok(found)
}

fn refused(stage: &Stage, file: &Path, args: &[&str], tells: &str) -> Result<()> {
    let output = stage.restore(file, args)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success(), "it was restored; {tells} was to be told");
    ensure!(said.contains(tells), "{tells:?} is not told: {said}");
    Ok(())
}

#[test]
fn damage_anywhere_is_refused_and_nothing_changes() -> Result<()> {
    let stage = Stage::new(|_, _| Ok(()))?;
    // Three times, so that there are places that were overwritten.
    let mut backup = stage.backup("a.backup")?;
    for _ in 0..2 {
        backup = stage.backup("a.backup")?;
    }
    let whole = std::fs::read(&backup)?;
    let before = tree(&stage.site.layout().dir)?;
    let bad = stage.file("bad.backup");
    let seed = muster_tests::random::seed();
    let mut random = Random::new(seed);
    for n in 0..PLACES {
        let mut bytes = whole.clone();
        // The headers, and then anywhere.
        let at =
            if n < 10 { random.below(1024) } else { random.below(whole.len() as u64) } as usize;
        bytes[at] ^= 1 << random.below(8);
        std::fs::write(&bad, bytes)?;
        let output = stage.restore(&bad, &["--yes"])?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(65), "byte {at} of seed {seed}: {}", output.status);
        ensure!(
            said.contains("use another copy")
                || said.contains("name the file")
                || said.contains("install that version")
                || said.contains("copy it again"),
            "byte {at}: no cure: {said}"
        );
    }
    for cut in [0, 3, 600, 1024, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&bad, &whole[..cut])?;
        let tells = if cut < 8 { "is not a backup" } else { "cut short" };
        refused(&stage, &bad, &["--yes"], tells)?;
    }
    ensure!(tree(&stage.site.layout().dir)? == before, "something changed");
    std::fs::write(&bad, &whole)?;
    ok(stage.restore(&bad, &["--yes"])?)?;
    Ok(())
}

#[test]
fn a_foreign_backup_is_refused_without_its_sheets() -> Result<()> {
    let (ours, theirs) = (Stage::new(|_, _| Ok(()))?, Stage::new(|_, _| Ok(()))?);
    let foreign = theirs.backup("theirs.backup")?;
    let before = tree(&ours.site.layout().dir)?;
    refused(&ours, &foreign, &["--yes"], "two of the recovery sheets")?;
    let our_sheets = ours.site.layout().dir.join("recovery-sheets.txt");
    let wrong = ["--yes", "--sheet", text(&our_sheets)?];
    refused(&ours, &foreign, &wrong, "use the sheets")?;
    refused(&ours, &ours.site.config(), &["--yes"], "is not a backup of Muster")?;
    ensure!(tree(&ours.site.layout().dir)? == before, "something changed");
    let sheets = theirs.site.layout().dir.join("recovery-sheets.txt");
    ok(ours.restore(&foreign, &["--yes", "--sheet", text(&sheets)?])?)?;
    Ok(())
}

#[test]
fn a_running_gateway_is_not_restored_over() -> Result<()> {
    let stage = Stage::new(|_, _| Ok(()))?;
    let _gateway = stage.start()?;
    let backup = stage.backup("a.backup")?;
    refused(&stage, &backup, &["--yes"], "stop it first")
}

#[test]
fn a_file_of_somebody_else_is_not_written_over() -> Result<()> {
    let stage = Stage::new(|_, _| Ok(()))?;
    let file = stage.file("thesis.txt");
    std::fs::write(&file, "years of work")?;
    let output = stage.site.output(&["backup", "--to", text(&file)?])?;
    ensure!(!output.status.success());
    ensure!(std::fs::read_to_string(&file)? == "years of work");
    Ok(())
}

/// Damage in the part that a later backup would keep.
#[test]
fn a_backup_with_damage_in_what_is_kept_is_written_anew() -> Result<()> {
    let stage = Stage::new(|_, _| Ok(()))?;
    let backup = stage.backup("a.backup")?;
    let whole = std::fs::read(&backup)?;
    let mut mended = 0;
    for at in (1024..whole.len()).step_by(whole.len() / 12) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&backup, bytes)?;
        let told = stage.site.muster(&["backup", "--to", text(&backup)?])?;
        mended += usize::from(told.contains("set aside"));
        ok(stage.restore(&backup, &["--drill"])?)?;
    }
    ensure!(mended > 0, "no place was in what is kept");
    Ok(())
}
