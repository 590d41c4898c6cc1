//! Who was erased stays erased, whichever backup comes back.

use crate::stage::{Stage, ok, text, until};
use anyhow::{Result, ensure};
use muster_tests::office;
use std::path::Path;

const NAME: &str = "Person 00017";

fn stage() -> Result<Stage> {
    let stage = Stage::new(office::make_keys)?;
    office::import(&stage.site, ["00016", "00017"].map(String::from).into_iter())?;
    Ok(stage)
}

/// Two people erase somebody.
fn erase(stage: &Stage) -> Result<String> {
    let (admin, dpo) =
        (office::key(stage.folder.path(), "b.admin"), office::key(stage.folder.path(), "a.dpo"));
    let asked = stage.site.muster(&["person", "erase", "00017", "--key", text(&admin)?])?;
    let id = asked.split_whitespace().nth(1).unwrap_or_default().trim_matches(',').to_owned();
    stage.site.muster(&["approve", &id, "--key", text(&dpo)?])?;
    Ok(id)
}

fn is_known(stage: &Stage, number: &str) -> Result<bool> {
    Ok(stage.site.output(&["person", "show", number])?.status.success())
}

fn waits_for_backups(stage: &Stage) -> Result<bool> {
    Ok(stage.site.muster(&["person", "erasures"])?.contains("backups"))
}

#[test]
fn an_older_backup_over_the_same_box_brings_nobody_back() -> Result<()> {
    let stage = stage()?;
    let backup = stage.backup("a.backup")?;
    let carried_away = stage.file("carried-away.backup");
    std::fs::copy(&backup, &carried_away)?;
    erase(&stage)?;
    ensure!(!is_known(&stage, "00017")?);
    let refused = stage.restore(&carried_away, &[])?;
    ensure!(!refused.status.success(), "it did not ask first");
    ensure!(String::from_utf8_lossy(&refused.stderr).contains("--yes"), "no cure");
    let told = ok(stage.restore(&carried_away, &["--yes"])?)?;
    ensure!(told.contains("erased again   1"), "{told}");
    ensure!(!is_known(&stage, "00017")? && is_known(&stage, "00016")?);
    let kept = std::fs::read_dir(&stage.site.layout().dir)?.filter_map(Result::ok);
    let kept = kept.filter(|e| e.file_name().to_string_lossy().contains(".before-restore-"));
    ensure!(kept.count() == 2, "the data folder and its witness should be kept");
    Ok(())
}

#[test]
fn a_newer_backup_tells_an_older_one_whom_the_box_has_erased() -> Result<()> {
    let stage = stage()?;
    let older = stage.backup("older.backup")?;
    erase(&stage)?;
    let newer = stage.backup("newer.backup")?;
    ensure!(waits_for_backups(&stage)?, "the older backup still has the keys");
    stage.lose_data()?;
    ok(stage.restore(&older, &["--erased-in", text(&newer)?])?)?;
    ensure!(!is_known(&stage, "00017")? && is_known(&stage, "00016")?);
    Ok(())
}

#[test]
fn the_running_gateway_takes_the_keys_of_the_erased_out_of_every_backup() -> Result<()> {
    let stage = stage()?;
    let _gateway = stage.start()?;
    let backup = stage.backup("a.backup")?;
    let id = erase(&stage)?;
    until("the backup", || Ok(!waits_for_backups(&stage)?))?;
    ensure!(!stage.site.muster(&["person", "erasures"])?.contains("backups"), "{id}");
    drop(_gateway);
    stage.lose_data()?;
    let told = ok(stage.restore(&backup, &[])?)?;
    ensure!(!told.contains("erased again"), "the backup knew already: {told}");
    ensure!(!is_known(&stage, "00017")? && is_known(&stage, "00016")?);
    Ok(())
}

#[test]
fn nothing_in_a_backup_is_in_the_clear() -> Result<()> {
    let stage = stage()?;
    let backup = stage.backup("a.backup")?;
    let root = std::fs::read(stage.site.data().join("keys/root.key"))?;
    let bytes = std::fs::read(&backup)?;
    let config = std::fs::read_to_string(stage.site.config())?;
    let planted: [&[u8]; 5] =
        [NAME.as_bytes(), b"00017", &root, b"PRIVATE KEY", &config.as_bytes()[..20]];
    for what in planted {
        ensure!(!contains(&bytes, what), "{} is in the backup", String::from_utf8_lossy(what));
    }
    ensure!(mode(&backup)? == 0o600);
    ensure!(mode(&stage.site.layout().dir.join("recovery-sheets.txt"))? == 0o600);
    Ok(())
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

fn mode(path: &Path) -> Result<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o777)
}
