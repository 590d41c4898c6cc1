//! Regions step by step: which step fails is told, and a probe sends nothing of anybody.

use crate::stage::Stage;
use anyhow::{Result, ensure};
use muster_tests::office;
use muster_tests::region::{Looks, Region};

fn states(stage: &Stage) -> Result<Vec<String>> {
    let (_, report) = stage.doctor()?;
    let checks = report["checks"].as_array().cloned().unwrap_or_default();
    let regions = checks.iter().filter(|check| check["check"] == "region");
    Ok(regions
        .map(|check| {
            let name = check["name"].as_str().unwrap_or_default();
            let step = name.split_once(": ").map_or(name, |(_, step)| step);
            format!("{step} {}", check["state"].as_str().unwrap_or_default())
        })
        .collect())
}

#[test]
fn each_step_is_told_up_to_the_one_that_fails() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let region = Region::start(office::REGION, folder.path(), Looks::Closely)?;
    let stage = Stage::new(office::reaching(&region))?;
    office::publish(&stage.site, stage.folder.path())?;
    let all = [
        "name ok",
        "connect ok",
        "TLS ok",
        "certificate ok",
        "region ok",
        "login ok",
        "dry run ok",
    ];
    ensure!(states(&stage)? == all, "{:?}", states(&stage)?);
    let arrived = region.arrived().parcels.len();
    ensure!(arrived == 0, "{arrived} parcels arrived of a dry run");
    stage.site.muster(&["local-only", "on"])?;
    ensure!(states(&stage)? == ["region hk-payroll ok"], "the emergency stop is on");
    Ok(())
}

#[test]
fn another_region_a_closed_port_and_an_unknown_name() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let region = Region::start("cn-north", folder.path(), Looks::Closely)?;
    let stage = Stage::new(office::reaching(&region))?;
    office::publish(&stage.site, stage.folder.path())?;
    let expect = ["name ok", "connect ok", "TLS ok", "certificate ok", "region warning"];
    ensure!(states(&stage)? == expect, "{:?}", states(&stage)?);
    let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    stage.configure(&format!("localhost:{}", region.port()), &format!("localhost:{closed}"))?;
    ensure!(states(&stage)? == ["name ok", "connect warning"]);
    stage.configure(&format!("localhost:{closed}"), "no-such-host.invalid:1")?;
    ensure!(states(&stage)? == ["name warning"]);
    Ok(())
}
