//! A drill changes nothing; a new machine takes the whole box below a folder of its own.

use crate::stage::{Stage, ok, text, until};
use anyhow::{Context as _, Result, ensure};

#[test]
fn a_drill_compares_every_digest_and_leaves_nothing() -> Result<()> {
    let stage = Stage::new(|_, _| Ok(()))?;
    let _gateway = stage.start()?;
    let terminal = stage.terminal();
    until("punches", || Ok(terminal.receipted() > 50))?;
    let backup = stage.backup("a.backup")?;
    let scratch = stage.file("scratch");
    std::fs::create_dir(&scratch)?;
    let sheets = stage.site.layout().dir.join("recovery-sheets.txt");
    let told = ok(std::process::Command::new(&stage.site.layout().binary)
        .args(["restore", "--drill", "--json", "--from"])
        .arg(&backup)
        .arg("--sheet")
        .arg(&sheets)
        .arg("--into")
        .arg(&scratch)
        .output()?)?;
    let told: serde_json::Value = serde_json::from_str(&told)?;
    ensure!(told["journal"]["whole"] == true, "{told}");
    ensure!(told["records"].as_u64() > Some(49) && told["files"].as_u64() > Some(5), "{told}");
    ensure!(std::fs::read_dir(&scratch)?.next().is_none(), "something was left");
    Ok(())
}

#[test]
fn a_new_machine_takes_the_box_with_two_sheets() -> Result<()> {
    let stage = Stage::new(|_, _| Ok(()))?;
    let paired = stage.site.pair("m2", "gate-7", stage.folder.path())?;
    let backup = stage.backup("a.backup")?;
    let sheets = std::fs::read_to_string(stage.site.layout().dir.join("recovery-sheets.txt"))?;
    let sheets: Vec<&str> = sheets.lines().filter(|line| line.split(' ').count() == 18).collect();
    ensure!(sheets.len() == 3, "{} sheets", sheets.len());
    let files = [stage.file("sheet-1"), stage.file("sheet-3")];
    std::fs::write(&files[0], sheets[0])?;
    std::fs::write(&files[1], sheets[2])?;
    std::fs::remove_dir_all(&stage.site.layout().dir)?;
    let new = stage.file("new/box");
    let binary = &stage.site.layout().binary;
    let restore = || {
        let mut command = std::process::Command::new(binary);
        command.args(["restore", "--from"]).arg(&backup).arg("--into").arg(&new);
        command
    };
    let one = restore().arg("--sheet").arg(&files[0]).output()?;
    ensure!(!one.status.success() && String::from_utf8_lossy(&one.stderr).contains("two sheets"));
    ok(restore().arg("--sheet").arg(&files[0]).arg("--sheet").arg(&files[1]).output()?)?;
    let config = new.join("gateway.toml");
    let listed = std::process::Command::new(binary)
        .args(["device", "list", "--json", "--config", text(&config)?])
        .output()?;
    ensure!(ok(listed)?.contains("gate-7"));
    ensure!(new.join("policy.toml").exists() && new.join("lawpack.toml").exists());
    // The authority is the same: the terminal goes on with what it has.
    let again = std::process::Command::new(binary)
        .args(["device", "pair", "--kind", "m2", "--name", "gate-8", "--out"])
        .arg(stage.file("gate-8"))
        .args(["--config", text(&config)?])
        .output()?;
    ok(again)?;
    let (old, new) = (paired.join("ca.pem"), stage.file("gate-8").join("ca.pem"));
    let same = std::fs::read(old).context("old")? == std::fs::read(new).context("new")?;
    ensure!(same, "the device CA is another");
    Ok(())
}
