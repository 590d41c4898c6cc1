//! The meters of what leaves, after records really crossed a border: how many people and records,
//! how near the numbers at which something changes, and the day on which they would be reached.

use crate::driver::{Driver, Screen};
use crate::end;
use crate::stage::{Stage, account};
use anyhow::{Context as _, Result, ensure};
use jiff::ToSpan as _;
use jiff::civil::Date;
use muster_tests::office::{self, REGION, as_text};
use muster_tests::region::{Looks, Region};
use muster_tests::site::Site;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// In another jurisdiction than the site.
const ABROAD: &str = "ap-southeast-1";
/// Papers that the law of the site asks for before anything goes abroad.
const PAPERS: [&str; 2] = ["hk-pics", "dpa"];
/// Who punches; as many are one short of the early alarm with what other systems exported.
const PEOPLE: u64 = 20;
const ALARM: u64 = 10_000;
/// Punches of each.
const EACH: u64 = 2;
/// For them to arrive.
const PATIENCE: Duration = Duration::from_secs(30);
/// Columns of the meter's table that are held against the picture.
const METER: &str = "const table = [...document.querySelectorAll('section')].find((one) =>
        one.querySelector('h2').textContent === arguments[0]);
    const rows = [...table.querySelectorAll('tbody tr')].map((row) =>
        [...row.cells].map((cell) => cell.textContent));
    const texts = [...table.querySelectorAll('svg text')].map((text) => text.textContent);
    return [rows, texts, table.querySelectorAll('svg rect').length];";

fn number(n: u64) -> String {
    format!("{:05}", 300 + n)
}

/// A box whose policy lets everything of an employee go abroad, with the papers on file, and what
/// other systems of the company exported this year.
fn abroad(folder: &Path) -> Result<(Stage, Region, String)> {
    let region = Region::start(ABROAD, folder, Looks::Closely)?;
    let (stage, code) = Stage::with(office::reaching(&region), |site, keys| {
        let code = account(site, "a.dpo", &["dpo"])?;
        office::import(site, (0..PEOPLE).map(number))?;
        let region = format!("region = \"{ABROAD}\"");
        office::publish_changed(site, keys, |text| {
            text.replace(&format!("region = \"{REGION}\""), &region)
        })?;
        let paper = keys.join("paper.pdf");
        std::fs::write(&paper, "a paper")?;
        for kind in PAPERS {
            let paper = ["papers", "add", as_text(&paper)?, "--type", kind, "--lane", "*"];
            let dates = ["--from", "2026-01-01", "--to", "2046-01-01"];
            let told = site.muster(&[&paper[..], &dates].concat())?;
            office::approve(site, keys, &told, &["a.dpo", "b.admin"])?;
        }
        others(site)?;
        Ok(code)
    })?;
    for n in 0..PEOPLE * EACH {
        stage.punch_of(n + 1, &number(n % PEOPLE))?;
    }
    let until = Instant::now() + PATIENCE;
    while region.arrived().count < PEOPLE * EACH {
        ensure!(Instant::now() < until, "{} arrived", region.arrived().count);
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok((stage, region, code))
}

/// Today where the law counts its years.
fn today() -> Result<Date> {
    Ok(jiff::Timestamp::now().in_tz("Asia/Hong_Kong")?.date())
}

/// As many of other systems that this box's people alone would bring the number once more.
fn others(site: &Site) -> Result<()> {
    let (year, persons) = (today()?.year().to_string(), (ALARM - PEOPLE - 1).to_string());
    let law = ["counters", "baseline", "--law", "HK", "--year", &year, "--persons", &persons];
    let rest = ["--sensitive", "0", "--records", "0", "--source", "HR"];
    site.muster(&[&law[..], &rest].concat()).map(drop)
}

/// The day on which one person more is there, at the pace of the year so far; empty after its end.
fn forecast(own: u64, wanted: u64, today: Date) -> Result<String> {
    let passed = u64::try_from(today.day_of_year())?;
    let day = (1..).find(|day| day * own >= wanted * passed).context("never")?;
    let day = today.first_of_year().checked_add((i64::try_from(day)? - 1).days())?;
    Ok(if day.year() == today.year() { day.to_string() } else { String::new() })
}

#[test]
fn the_meters_count_what_crossed_a_border_and_tell_the_day() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (stage, _region, code) = abroad(folder.path())?;
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let page = driver.browser(Screen::Desktop, "en").await?;
        stage.enter(&page, "a.dpo", &code).await?.context("an app")?;
        page.go(&format!("{}/reports/thresholds", stage.page()?)).await?;
        let told = page.client.execute(METER, vec![json!("Threshold meter")]).await?;
        meter(&told).with_context(|| told.to_string())?;
        page.look("thresholds-exported").await?;
        end(page).await
    })
}

/// Two rows, two bars, and the same in both.
fn meter(told: &Value) -> Result<()> {
    let (rows, texts) = (&told[0], &told[1]);
    let day = forecast(PEOPLE, PEOPLE + 1, today()?)?;
    let year = today()?.year().to_string();
    let (persons, total) = (PEOPLE.to_string(), ALARM - 1);
    let records = (PEOPLE * EACH).to_string();
    let (alarm, all) = (ALARM.to_string(), total.to_string());
    let people = &rows[0];
    for (at, expect) in [(0, "HK"), (1, &year), (4, &persons), (6, &all), (7, &alarm), (9, &day)] {
        ensure!(people[at] == *expect, "column {at}: {}, not {expect}", people[at]);
    }
    let of_records = &rows[1];
    for (at, expect) in [(4, records.as_str()), (6, &records), (7, "100000"), (9, "")] {
        ensure!(of_records[at] == *expect, "column {at}: {}, not {expect}", of_records[at]);
    }
    ensure!(rows[2].is_null() && told[2] == 4, "a track and its part for each row");
    let drawn = |at: usize| texts[at].as_str().unwrap_or_default();
    ensure!(drawn(0).contains(&format!("HK · {year}")), "{}", drawn(0));
    ensure!(drawn(1).contains(&format!("{all} / {alarm}")) && drawn(1).contains(&day));
    ensure!(drawn(3) == format!("{records} / 100000"), "{}", drawn(3));
    Ok(())
}
