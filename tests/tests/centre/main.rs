//! The communication centre as a program, with an M1 on a serial line, an M2 over mutual TLS and
//! the box behind it: it carries what it cannot read, through days without a box and its own
//! death.

#![allow(clippy::print_stdout)]

mod memory;
mod programs;
mod stage;

use anyhow::{Context as _, Result, ensure};
use memory::{Planted, files, memory};
use muster_tests::random::{Random, seed};
use stage::{M1_PUNCHES, M2_PUNCHES, Stage};
use std::time::Duration;

/// How long one step may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn it_forwards_what_it_cannot_read() -> Result<()> {
    let seed = seed();
    println!("MUSTER_SEED={seed}");
    let folder = tempfile::tempdir()?;
    let mut planted = Planted::new(Random::new(seed));
    let mut stage = Stage::build(folder.path(), &mut planted)?;

    // The box is dark: everything waits in the centre.
    let mut centre = stage.start_centre()?;
    let lobby = stage.start_lobby()?;
    stage.punch_at_gate(PATIENCE)?;
    stage.until(PATIENCE, "the centre holds all check-ins", |stage| {
        stage.waiting_at_centre() >= M1_PUNCHES + M2_PUNCHES
    })?;
    ensure!(!stage.outsider_is_heard()?, "the centre serves an M2 that it does not carry");
    unread(&planted, &stage, centre.pid()).context("while the box is dark")?;

    // The search is honest: it finds what the M2's engine holds.
    let engine = lobby.child().context("the M2 runs no engine")?;
    ensure!(!planted.find(&memory(engine)?).is_empty(), "the search finds nothing anywhere");

    // Killed in mid-flight, it goes on where it was.
    centre.kill()?;
    centre = stage.start_centre()?;
    stage.start_box()?;
    stage.until(PATIENCE, "the gate's punches have their receipts", |s| s.gate.waiting() == 0)?;
    stage.until(PATIENCE, "the centre has forwarded everything", |s| s.waiting_at_centre() == 0)?;
    unread(&planted, &stage, centre.pid()).context("after everything was forwarded")?;
    let records = stage.records()?;
    ensure!(records == stage.expected(), "the box holds\n{records:?}\nnot\n{:?}", stage.expected());
    Ok(())
}

/// Neither memory nor files of the centre hold anything planted.
fn unread(planted: &Planted, stage: &Stage, pid: u32) -> Result<()> {
    let found = planted.find(&memory(pid)?);
    ensure!(found.is_empty(), "the centre's memory holds {found:?}");
    let kept = files(&stage.centre_folder())?;
    ensure!(!kept.is_empty(), "the centre keeps no files");
    for (path, bytes) in kept {
        let found = planted.find(&bytes);
        ensure!(found.is_empty(), "{} holds {found:?}", path.display());
    }
    Ok(())
}
