//! The page's certificate, as whoever opens the page first meets it: the one whose fingerprint the
//! set-up printed, so that a warning can be checked once and for all, and the same after a restart;
//! or the company's own, and then there is no warning at all.

use anyhow::{Context as _, Result, ensure};
use muster_tests::authority::{Authority, Server};
use muster_tests::binary::{Build, gateway};
use muster_tests::gateway::Gateway;
use muster_tests::site::{Layout, Site};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const START: Duration = Duration::from_secs(20);

fn openssl(args: &[&str]) -> Result<String> {
    let mut command = Command::new("openssl");
    let asked = command.args(args).stdin(Stdio::null()).stderr(Stdio::null()).output();
    Ok(String::from_utf8_lossy(&asked.context("openssl")?.stdout).into_owned())
}

/// What a browser is shown: the fingerprint as it displays it, and whether `ca` vouches.
fn shown(gateway: &Gateway, folder: &Path, ca: Option<&Path>) -> Result<(String, bool)> {
    let console = gateway.listening().console.context("no page")?.to_string();
    let mut args = vec!["s_client", "-connect", &console, "-servername", "localhost"];
    let ca = ca.and_then(Path::to_str);
    args.extend(ca.iter().flat_map(|ca| ["-CAfile", ca, "-verify_hostname", "localhost"]));
    let told = openssl(&args)?;
    let from = told.find("-----BEGIN CERTIFICATE-----").context("no certificate")?;
    let end = "-----END CERTIFICATE-----";
    let to = told.find(end).context("no certificate")? + end.len();
    let file = folder.join("shown.pem");
    std::fs::write(&file, told.get(from..to).context("no certificate")?)?;
    let file = file.to_str().context("a path")?;
    let told_of = openssl(&["x509", "-noout", "-fingerprint", "-sha256", "-in", file])?;
    let (_, fingerprint) = told_of.trim().split_once('=').context("no fingerprint")?;
    Ok((fingerprint.to_owned(), told.contains("Verify return code: 0 (ok)")))
}

#[test]
fn the_page_shows_the_certificate_whose_fingerprint_was_printed_or_the_companys_own() -> Result<()>
{
    let folder = tempfile::tempdir()?;
    let mut layout = Layout::new(gateway(Build::Real)?, &folder.path().join("box"));
    layout.page = true;
    let mut command = Command::new(&layout.binary);
    command.args(["init", "--yes", "--site", Site::NAME, "--jurisdiction", "HK", "--dir"]);
    let printed = command.arg(&layout.dir).output()?;
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    let (_, after) = printed.split_once("certificate SHA-256 ").context("none is printed")?;
    let fingerprint = after.lines().next().unwrap_or_default().trim().to_owned();
    ensure!(fingerprint.len() == 95, "{fingerprint}");

    let site = Site::set_up(layout)?;
    for start in ["first", "second"] {
        let mut running = site.start()?;
        running.ready(START)?;
        let (seen, _) = shown(&running, folder.path(), None)?;
        ensure!(seen == fingerprint, "at the {start} start {seen}, not {fingerprint}");
        running.kill()?;
    }

    // The company's own, from an authority that its computers trust.
    let (authority, at) = (Authority::new()?, folder.path());
    let own = authority.issue(&Server { host: "localhost", region: None, ..Server::of("none") })?;
    let (ca, certificate, key) = (at.join("ca.pem"), at.join("page.pem"), at.join("page.key"));
    std::fs::write(&ca, authority.pem())?;
    std::fs::write(&certificate, own.certificate)?;
    std::fs::write(&key, own.key)?;
    let config = std::fs::read_to_string(site.config())?;
    let section =
        format!("[console]\ncert = \"{}\"\nkey = \"{}\"\n", certificate.display(), key.display());
    std::fs::write(site.config(), config.replace("[console]\n", &section))?;
    let mut running = site.start()?;
    running.ready(START)?;
    let (seen, vouched) = shown(&running, folder.path(), Some(&ca))?;
    ensure!(seen != fingerprint && vouched, "the company's own is shown, and vouched for");
    Ok(())
}
