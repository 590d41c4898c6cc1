//! What is promised of delivery: 200 punches a second for ten minutes to the region's
//! acknowledgement (R61); a million held punches, decided again once a paper is filed and delivered
//! in their order, every counter equal (R62).
//!
//! `MUSTER_BENCH_SECONDS` and `MUSTER_BENCH_HELD` make them smaller, for trying them out.

use crate::bench_box::{BenchBox, stop};
use crate::load::{Load, Until, run};
use crate::region::{arrivals, punch};
use crate::table::{Row, count, ms, quantile};
use anyhow::{Context as _, Result, ensure};
use muster_tests::office::{self, DESTINATION, REGION, as_text};
use muster_tests::punch::now_s;
use muster_tests::region::{Looks, Region};
use muster_tests::site::Site;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Punches a second.
const RATE: u64 = 200;
/// Seconds of them.
const SECONDS: u64 = 600;
/// Punches that are held.
const HELD: u64 = 1_000_000;
/// How long the last may take, and how long a box may need for a million decisions.
const PATIENCE: Duration = Duration::from_secs(1800);
/// How often the region is looked at.
const TICK: Duration = Duration::from_millis(20);
const GOAL: Duration = Duration::from_millis(1200);

pub(crate) fn slo() -> Result<Vec<Row>> {
    let seconds = wanted("MUSTER_BENCH_SECONDS", SECONDS)?;
    let (bench, region) = box_with(Looks::AtTheClock, |text| text)?;
    let (gateway, _) = bench.start()?;
    let first_s = now_s() - 40_000 - (RATE * seconds) as i64;
    let sent = punch(gateway.loopback()?, "slo", first_s, RATE, seconds)?;
    let mut times = arrivals(&region, &sent)?;
    stop(gateway)?;
    let [p50, p95, p99, most] = [500, 950, 990, 1000].map(|at| quantile(&mut times, at));
    let what = format!("{RATE} punches/s for {seconds} s, punch to the region's acknowledgement");
    Ok(vec![Row {
        what,
        ours: format!(
            "p50 {}, p95 {}, p99 {}, longest {}; {} of {} arrived",
            ms(p50),
            ms(p95),
            ms(p99),
            ms(most),
            count(times.len() as f64),
            count(sent.len() as f64)
        ),
        against: String::new(),
        ratio: String::new(),
        goal: "p99 1.2 s",
        met: Some(p99 <= GOAL),
    }])
}

pub(crate) fn held() -> Result<Vec<Row>> {
    let wants_paper = |text: String| {
        text.replace("profile = \"minimal\"", "profile = \"minimal\"\nrequire = [\"dpa\"]")
    };
    let (bench, region) = box_with(Looks::InOrder, wants_paper)?;
    let (gateway, _) = bench.start()?;
    let load = Load { connections: 50, window: 20, boot: 1 };
    let held = wanted("MUSTER_BENCH_HELD", HELD)?;
    let filled = run(gateway.loopback()?, load, Until::Count(held))?;
    bench.settle_down()?;
    let stored = standing(&bench.site)?;
    ensure!(stored.held == stored.records && region.arrived().count == 0, "{stored:?}");
    ensure!(stored.records >= filled.acknowledged, "{stored:?} of {}", filled.acknowledged);
    file_paper(&bench)?;
    let begun = Instant::now();
    let took = loop {
        let arrived = region.arrived().count;
        if arrived >= stored.records {
            break begun.elapsed();
        }
        ensure!(begun.elapsed() < PATIENCE, "{arrived} of {} arrived", stored.records);
        sleep(TICK);
    };
    let end = settled(&bench.site, stored.records)?;
    stop(gateway)?;
    let (arrived, disordered) = {
        let arrived = region.arrived();
        (arrived.count, arrived.disordered)
    };
    let equal = arrived == end.settled && end.settled == end.records && end.held == 0;
    let rate = stored.records as f64 / took.as_secs_f64();
    Ok(vec![Row {
        what: format!("{} held, decided again and delivered", count(stored.records as f64)),
        ours: format!(
            "{:.1} s ({}/s) from the second signature; arrived {}, settled {}, records {}, still \
             held {}; out of order {disordered}",
            took.as_secs_f64(),
            count(rate),
            count(arrived as f64),
            count(end.settled as f64),
            count(end.records as f64),
            end.held
        ),
        against: String::new(),
        ratio: String::new(),
        goal: "counters equal, in order",
        met: Some(equal && disordered == 0),
    }])
}

/// A box under a changed policy, and its region.
fn box_with(looks: Looks, change: impl Fn(String) -> String) -> Result<(BenchBox, Region)> {
    let mut region = None;
    let bench = BenchBox::under(change, |layout, dir| {
        let started = Region::start(REGION, dir, looks)?;
        layout.more = started.section(DESTINATION);
        region = Some(started);
        Ok(())
    })?;
    Ok((bench, region.context("no region")?))
}

/// Files the paper that everything waits for, with two people's signatures.
fn file_paper(bench: &BenchBox) -> Result<()> {
    let file = bench.dir.join("dpa.pdf");
    std::fs::write(&file, "a contract")?;
    let args = ["papers", "add", as_text(&file)?, "--type", "dpa", "--lane", "*"];
    let dates = ["--from", "2020-01-01", "--to", "2036-01-01"];
    let told = bench.site.muster(&[&args[..], &dates].concat())?;
    let id = told.split([' ', ',', ':']).nth(1).context("no request")?;
    for person in ["a.dpo", "b.admin"] {
        let key = office::key(&bench.dir, person);
        bench.site.muster(&["approve", id, "--key", as_text(&key)?])?;
    }
    Ok(())
}

/// Where records stand, by the box's own count.
#[derive(Debug)]
struct Standing {
    records: u64,
    held: u64,
    settled: u64,
}

fn standing(site: &Site) -> Result<Standing> {
    let status = site.json(&["status", "--json"])?;
    let held = status["held"].as_object().context("no counts of what is held")?;
    let of = |value: &serde_json::Value| value.as_u64().unwrap_or(0);
    let destinations = status["destinations"].as_array().into_iter().flatten();
    Ok(Standing {
        records: status["records"].as_u64().context("no count of records")?,
        held: held.values().map(of).sum(),
        settled: destinations.map(|d| of(&d["settled"])).sum(),
    })
}

/// Where they stand once the box has noted the region's last word.
fn settled(site: &Site, records: u64) -> Result<Standing> {
    let begun = Instant::now();
    loop {
        let now = standing(site)?;
        if now.settled >= records || begun.elapsed() > Duration::from_secs(60) {
            return Ok(now);
        }
        sleep(TICK);
    }
}

/// A number of the environment, or the usual one.
fn wanted(variable: &str, usual: u64) -> Result<u64> {
    match std::env::var(variable) {
        Ok(text) => text.parse().with_context(|| format!("{variable}={text} is no number")),
        Err(_) => Ok(usual),
    }
}
