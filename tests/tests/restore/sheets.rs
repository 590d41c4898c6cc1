//! New recovery sheets, after old ones were lost: what is written from then on opens with the new
//! ones alone.

use crate::stage::{Stage, ok, text};
use anyhow::{Result, ensure};
use std::path::Path;

#[test]
fn lost_sheets_open_nothing_that_is_written_after() -> Result<()> {
    let stage = Stage::new(|_, _| Ok(()))?;
    let left = stage.site.layout().dir.join("recovery-sheets.txt");
    let (old, new) = (stage.file("old-sheets"), stage.file("new-sheets"));
    let (one, two) = (stage.backup("one.backup")?, stage.backup("two.backup")?);
    let fresh = |to: &Path| stage.site.output(&["backup", "--to", text(to)?, "--new-sheets"]);
    // As long as the first ones lie there, nobody has them on paper: they are not written over.
    let refused = fresh(&one)?;
    ensure!(!refused.status.success());
    ensure!(String::from_utf8_lossy(&refused.stderr).contains("delete that file"));
    drill(&stage, &one, &left)?;
    std::fs::rename(&left, &old)?;
    let made = fresh(&one)?;
    ensure!(String::from_utf8_lossy(&made.stderr).contains("recovery-sheets.txt"));
    ok(made)?;
    std::fs::rename(&left, &new)?;
    ensure!(std::fs::read(&old)? != std::fs::read(&new)?);
    drill(&stage, &one, &new)?;
    let refused = drill(&stage, &one, &old).err().map(|error| error.to_string());
    ensure!(refused.is_some_and(|said| said.contains("was sealed for the recovery sheets")));
    // The one that was not there opens with the old ones until it is written again.
    drill(&stage, &two, &old)?;
    stage.backup("two.backup")?;
    drill(&stage, &two, &new)?;
    ensure!(drill(&stage, &two, &old).is_err(), "the old sheets open what is new");
    // A running gateway makes them too.
    let _gateway = stage.start()?;
    ok(fresh(&one)?)?;
    drill(&stage, &one, &left)?;
    ensure!(drill(&stage, &one, &new).is_err());
    Ok(())
}

fn drill(stage: &Stage, backup: &Path, sheets: &Path) -> Result<()> {
    ok(stage.restore(backup, &["--drill", "--sheet", text(sheets)?])?).map(drop)
}
