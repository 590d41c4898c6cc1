//! A region that settled and then lost what it had gets it again: same ids, same bytes.

use crate::stage::{Stage, until};
use anyhow::{Result, ensure};
use muster_tests::office;
use muster_tests::punch::people;
use muster_tests::region::{Looks, Region};
use std::time::Duration;

#[test]
fn what_a_region_lost_goes_again_under_the_same_ids() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let region = Region::start(office::REGION, folder.path(), Looks::Closely)?;
    let stage = Stage::new(office::reaching(&region))?;
    office::import(&stage.site, people())?;
    let gateway = stage.start()?;
    office::publish(&stage.site, stage.folder.path())?;
    let terminal = stage.terminal();
    until("punches", || Ok(terminal.receipted() > 100))?;
    terminal.drain(Duration::from_secs(10))?;
    let status = || stage.site.json(&["status", "--json"]);
    until("the region", || Ok(status()?["destinations"][0]["backlog"] == 0))?;
    let (before, settled) =
        (region.arrived().parcels.clone(), status()?["destinations"][0]["settled"].clone());
    region.arrived().parcels.clear();
    let resend = ["resend", "--json", "--destination", office::DESTINATION, "--since"];
    let told = stage.site.json(&[&resend[..], &["2020-01-01"]].concat())?;
    ensure!(told["records"] == before.len(), "{told}, {} had arrived", before.len());
    until("the region", || Ok(region.arrived().parcels.len() == before.len()))?;
    ensure!(region.arrived().parcels == before, "other ids or other bytes");
    until("the region's word", || Ok(status()?["destinations"][0]["backlog"] == 0))?;
    ensure!(status()?["destinations"][0]["settled"] == settled, "counted twice");
    // Nothing was settled after tomorrow, and nobody knows such a destination.
    let none = stage.site.json(&[&resend[..], &["2090-01-01"]].concat())?;
    ensure!(none["records"] == 0, "{none}");
    let unknown = stage.site.output(&["resend", "--destination", "x", "--since", "2020-01-01"])?;
    ensure!(String::from_utf8_lossy(&unknown.stderr).contains("there are: hk-payroll"));
    // And the journal tells it all the same after a start.
    gateway.terminate(Duration::from_secs(10))?;
    let gateway = stage.start()?;
    ensure!(status()?["destinations"][0]["backlog"] == 0);
    gateway.terminate(Duration::from_secs(10))?;
    muster_tests::ledgerbook::compare(&stage.site, vec![stage.claim(&terminal)], Some(&region))?
        .hold()
}
