//! Every way out of a box: what it sends, shows, writes and answers.

use anyhow::Result;
use muster_tests::gateway::Gateway;
use muster_tests::page::Page;
use muster_tests::site::Site;
use std::fs;
use std::path::Path;

/// Records of which the decision is asked.
const EXPLAINED: usize = 8;

/// What came out, by the way it took.
pub(crate) type Exits = Vec<(String, Vec<u8>)>;

/// What a running box shows to those who ask: commands, metrics, health, every page.
pub(crate) fn asked(site: &Site, gateway: &Gateway, page: &mut Page) -> Result<Exits> {
    let mut exits = metrics(gateway)?;
    for args in [
        "records --format json",
        "records --format csv",
        "journal verify --json",
        "journal export",
        "status --json",
        "status",
        "device list --json",
        "device list",
        "person show 00001 --json",
        "person show 77777 --json",
        "check",
        "report ropa --format html",
        "report transfers --format csv",
        "report flows --format svg",
        "report access",
        "report incident",
        "report statement",
        "report transfers --law MO",
    ] {
        exits.push(command(site, &args.split(' ').collect::<Vec<_>>())?);
    }
    let rows = site.json(&["records", "--format", "json"])?;
    let ids = rows.as_array().into_iter().flatten().filter_map(|row| row["id"].as_str());
    for id in ids.take(EXPLAINED) {
        exits.push(command(site, &["policy", "explain", id])?);
    }
    exits.extend(crate::page::all(page)?);
    Ok(exits)
}

/// What monitoring sees; it begins anew with each start.
pub(crate) fn metrics(gateway: &Gateway) -> Result<Exits> {
    let paths = ["/metrics", "/healthz", "/nothing"];
    let get = |path| Ok((format!("metrics {path}"), gateway.http(path)?.1.into_bytes()));
    paths.into_iter().map(get).collect()
}

/// Both streams of a command, whatever it thinks of its question.
fn command(site: &Site, args: &[&str]) -> Result<(String, Vec<u8>)> {
    let output = site.output(args)?;
    Ok((format!("muster {}", args.join(" ")), [output.stdout, output.stderr].concat()))
}

/// Every file of the box, its log among them. Those of the vault too: sealed, they show nothing.
pub(crate) fn files(site: &Site) -> Result<Exits> {
    let mut exits = Vec::new();
    walk(&site.layout().dir, &mut exits)?;
    Ok(exits)
}

fn walk(folder: &Path, exits: &mut Exits) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), exits)?;
        } else if kind.is_file() {
            exits.push((entry.path().display().to_string(), fs::read(entry.path())?));
        }
    }
    Ok(())
}
