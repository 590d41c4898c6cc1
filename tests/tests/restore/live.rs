//! Punches go on while a backup is written; the box dies; what the terminal kept arrives once.

use crate::stage::{Stage, ok, text, until};
use anyhow::{Context as _, Result, ensure};
use muster_tests::ledgerbook::compare;
use muster_tests::office;
use muster_tests::punch::people;
use muster_tests::region::{Looks, Region};
use std::time::Duration;

const DRAIN: Duration = Duration::from_secs(30);

#[test]
fn an_older_backup_and_a_live_terminal_lose_nothing_and_double_nothing() -> Result<()> {
    let stage = Stage::new(|_, _| Ok(()))?;
    let gateway = stage.start()?;
    let terminal = stage.terminal();
    until("punches", || Ok(terminal.receipted() > 200))?;
    let file = stage.backup("live.backup")?;
    let then = terminal.receipted();
    let first = std::fs::metadata(&file)?.len();
    until("more punches", || Ok(terminal.receipted() > then + 400))?;
    // Only what is new is added; the keyring and the list are small.
    let told = stage.site.json(&["backup", "--json", "--to", text(&file)?])?;
    let in_backup = told["records"].as_u64().context("no count")?;
    let second = std::fs::metadata(&file)?.len();
    ensure!(second < 2 * first + 400 * 1024, "{first} bytes, then {second}");
    until("punches after the backup", || Ok(terminal.receipted() > then + 800))?;
    gateway.kill()?;
    let ids: Vec<String> = ids(&stage)?;
    drop(terminal);
    stage.lose_data()?;
    ok(stage.restore(&file, &[])?)?;
    ensure!(stage.records()? >= in_backup, "the backup has fewer records than it had");
    let gateway = stage.start()?;
    let terminal = stage.terminal();
    until("the terminal's punches", || Ok(terminal.receipted() > then + 900))?;
    terminal.drain(DRAIN)?;
    gateway.terminate(Duration::from_secs(10))?;
    compare(&stage.site, vec![stage.claim(&terminal)], None)?.hold()?;
    // A number that the lost box gave after the backup is not given again.
    let again = self::ids(&stage)?;
    let common: std::collections::HashSet<&String> = ids.iter().collect();
    let kept = again.iter().filter(|id| common.contains(id)).count() as u64;
    ensure!(kept >= in_backup && kept < ids.len() as u64, "{kept} of {} ids", ids.len());
    Ok(())
}

fn ids(stage: &Stage) -> Result<Vec<String>> {
    let rows = stage.site.json(&["records", "--format", "json"])?;
    let rows = rows.as_array().into_iter().flatten();
    Ok(rows.filter_map(|row| row["id"].as_str().map(str::to_owned)).collect())
}

#[test]
fn what_waited_for_its_region_goes_there_once_after_a_restore() -> Result<()> {
    let region_folder = tempfile::tempdir()?;
    let region = Region::start(office::REGION, region_folder.path(), Looks::Closely)?;
    let stage = Stage::new(office::reaching(&region))?;
    office::import(&stage.site, people())?;
    let gateway = stage.start()?;
    office::publish(&stage.site, stage.folder.path())?;
    region.set_up(false);
    let terminal = stage.terminal();
    until("punches", || Ok(terminal.receipted() > 100))?;
    let file = stage.backup("waiting.backup")?;
    until("more punches", || Ok(terminal.receipted() > 200))?;
    gateway.kill()?;
    drop(terminal);
    stage.lose_data()?;
    ok(stage.restore(&file, &[])?)?;
    region.set_up(true);
    let gateway = stage.start()?;
    let terminal = stage.terminal();
    until("the terminal's punches", || Ok(terminal.receipted() > 300))?;
    terminal.drain(DRAIN)?;
    until("the region", || {
        let status = stage.site.json(&["status", "--json"])?;
        Ok(status["destinations"][0]["backlog"] == 0)
    })?;
    gateway.terminate(Duration::from_secs(10))?;
    let found = compare(&stage.site, vec![stage.claim(&terminal)], Some(&region))?;
    found.hold()?;
    ensure!(found.settled * 2 > found.records, "most should leave: {found:?}");
    Ok(())
}
