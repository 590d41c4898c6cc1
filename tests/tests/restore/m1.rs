//! An M1, the firmware's own code: what it had receipted after the backup it sends again by itself.

use crate::stage::{Stage, ok, until};
use anyhow::{Result, ensure};
use muster_tests::ledgerbook::{Claim, compare};
use muster_tests::random::Random;
use muster_tests::serial::{M1, Wiring};
use std::path::PathBuf;
use std::time::Duration;

const NAME: &str = "m1-door";
const SEED: u64 = 23;
const DRAIN: Duration = Duration::from_secs(30);

#[test]
fn a_restored_box_asks_its_terminals_again() -> Result<()> {
    let line = tempfile::tempdir()?;
    let port: PathBuf = line.path().join("tty-m1");
    let stage = Stage::new(|layout, _| {
        layout.serial = vec![port.clone()];
        Ok(())
    })?;
    let credentials = stage.site.pair("m1", NAME, stage.folder.path())?;
    let gateway = stage.start()?;
    let m1 = M1::start(Wiring {
        name: NAME.to_owned(),
        credentials,
        port: port.clone(),
        random: Random::new(SEED),
        seed: SEED,
        pause: Duration::from_millis(40),
    })?;
    until("punches", || Ok(stage.records()? > 10))?;
    let file = stage.backup("m1.backup")?;
    let in_backup = stage.records()?;
    until("more punches", || Ok(stage.records()? > in_backup + 10))?;
    m1.drain(DRAIN)?;
    let all = stage.records()?;
    gateway.kill()?;
    stage.lose_data()?;
    ok(stage.restore(&file, &[])?)?;
    ensure!(stage.records()? < all, "the backup was to be older");
    let gateway = stage.start()?;
    until("what the terminal kept", || Ok(stage.records()? >= all))?;
    gateway.terminate(Duration::from_secs(10))?;
    let found = compare(&stage.site, vec![Claim::of_m1(&m1, SEED, true)], None)?;
    found.hold()?;
    ensure!(found.records == all, "{found:?}");
    Ok(())
}
