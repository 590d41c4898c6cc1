//! What is wrong with a configuration beyond its form: every problem, each with its cure.

use super::faults::line_of;
use super::{Config, Region};
use muster_report::sealing::Recipient;
use serde::Serialize;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// One problem.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// Where: a key, or a file with its line.
    pub(crate) at: String,
    /// What is wrong and why it matters.
    pub(crate) what: String,
    /// What to do.
    pub(crate) cure: String,
    /// The gateway cannot run with it.
    pub(crate) fatal: bool,
    /// The configuration, where it is about a line of it.
    pub(crate) file: Option<PathBuf>,
    /// That line, from 1.
    pub(crate) line: Option<usize>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.line(str::to_owned))
    }
}

impl Problem {
    /// As a line: where, what and the cure, the sentences as `tell` tells them.
    pub(crate) fn line(&self, tell: impl Fn(&str) -> String) -> String {
        let (file, line) = (self.file.as_ref(), self.line);
        let place = file.zip(line).map(|(file, line)| format!("{}:{line}: ", file.display()));
        let place = place.unwrap_or_default();
        format!("{place}{}: {}; {}", self.at, tell(&self.what), tell(&self.cure))
    }

    /// One that the gateway runs with.
    pub(crate) fn minor(
        at: impl Into<String>,
        what: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self { fatal: false, ..problem(at, what, cure) }
    }
}

fn problem(at: impl Into<String>, what: impl Into<String>, cure: impl Into<String>) -> Problem {
    let (at, what, cure) = (at.into(), what.into(), cure.into());
    Problem { at, what, cure, fatal: true, file: None, line: None }
}

/// The problems with their lines in the file that `config` was read from.
pub(crate) fn with_lines(config: &Config, mut problems: Vec<Problem>) -> Vec<Problem> {
    let text = crate::store::read_bounded(&config.path).unwrap_or_default();
    for problem in &mut problems {
        problem.line = line_of(&text, &problem.at);
        problem.file = problem.line.map(|_| config.path.clone());
    }
    problems
}

/// Everything in the configuration that `run` would stumble over. Reads files, opens no port.
pub(crate) fn check(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    found.extend(site(config));
    found.extend(listeners(config));
    found.extend(config.region.iter().enumerate().flat_map(|(i, r)| region(i, r)));
    found.extend(config.neighbour.iter().flat_map(neighbour));
    found.extend(files(config));
    found
}

/// What [`is_site`] asks for, in words.
pub(crate) const SITE_RULE: &str =
    "a site has 1 to 32 letters, digits, dots, hyphens or underscores";

/// Whether a site may have this name.
pub(crate) fn is_site(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && name.len() <= 32 && name.chars().all(fits)
}

fn site(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    if !is_site(&config.site.site) {
        let cure = "use the site's name as the policy writes it";
        found.push(problem("[box] site", SITE_RULE, cure));
    }
    if let Some(zone) = &config.site.time_zone
        && jiff::tz::TimeZone::get(zone).is_err()
    {
        found.push(problem(
            "[box] time_zone",
            format!("there is no time zone named {zone}"),
            "use a name as Asia/Macau",
        ));
    }
    found
}

fn listeners(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut loopback_only = |at: &str, address: Option<SocketAddr>, why: &str| {
        if let Some(address) = address
            && !address.ip().is_loopback()
        {
            found.push(problem(
                at,
                format!("{address} is not a loopback address, and {why}"),
                format!("use 127.0.0.1:{}", address.port()),
            ));
        }
    };
    loopback_only(
        "[mqtt] loopback",
        config.mqtt.as_ref().and_then(|m| m.loopback),
        "this listener has neither encryption nor login",
    );
    loopback_only(
        "[metrics] listen",
        config.metrics.as_ref().map(|m| m.listen),
        "health and metrics have no login",
    );
    found
}

/// The gateway runs without another box's list, and says so on its own.
fn neighbour(neighbour: &super::Neighbour) -> Vec<Problem> {
    let at = |key: &str| format!("[[neighbour]] {} {key}", neighbour.name);
    let mut found = Vec::new();
    if !neighbour.url.starts_with("https://") {
        found.push(problem(at("url"), "a token goes over it", "use https://HOST:PORT"));
    }
    let files = [("ca", &neighbour.ca), ("token_file", &neighbour.token_file)];
    found.extend(files.into_iter().filter_map(|(key, path)| readable(&at(key), path)));
    found.into_iter().map(|problem| Problem { fatal: false, ..problem }).collect()
}

fn region(index: usize, region: &Region) -> Vec<Problem> {
    let mut found = Vec::new();
    let at = |key: &str| format!("[[region]] {} ({}) {key}", index + 1, region.destination);
    let scheme = match region.connector {
        super::Connector::Mqtt => "mqtts://",
        super::Connector::Https | super::Connector::Dingtalk => "https://",
    };
    if !region.url.starts_with(scheme) {
        let what = format!("{} is not encrypted with TLS as this connector needs", region.url);
        found.push(problem(at("url"), what, format!("use {scheme}HOST:PORT")));
    }
    if region.client_cert.is_some() != region.client_key.is_some() {
        found.push(problem(
            at("client_cert, client_key"),
            "one is of no use without the other",
            "give both or none",
        ));
    }
    found.extend(tenant(region, at));
    found.extend(sealing(region, &at("seal_to")));
    let secret = region.dingtalk.as_ref().map(|tenant| &tenant.secret_file);
    let files = [
        ("client_cert", region.client_cert.as_ref()),
        ("client_key", region.client_key.as_ref()),
        ("dingtalk.secret_file", secret),
        ("ca", Some(&region.ca)),
    ];
    let files = files.into_iter().filter_map(|(key, path)| readable(&at(key), path?));
    found.extend(files);
    found
}

/// What is wrong with the key that a region's parcels are sealed to.
fn sealing(region: &Region, at: &str) -> Option<Problem> {
    let path = region.seal_to.as_ref()?;
    if region.connector == super::Connector::Dingtalk {
        let what = "DingTalk takes calls of its own and cannot open what is sealed";
        return Some(problem(at, what, "remove it, or use connector = \"mqtt\" or \"https\""));
    }
    let key = match crate::store::read_bounded(path) {
        Ok(pem) => Recipient::from_pem(&pem).map_err(|error| error.to_string()),
        Err(error) => Err(format!("{error:#}")),
    };
    let cure = "give the public half: `openssl pkey -in customer.key -pubout -out customer.pub`";
    Some(problem(at, key.err()?, cure))
}

/// What is wrong with the tenant of a region.
fn tenant(region: &Region, at: impl Fn(&str) -> String) -> Vec<Problem> {
    let mut found = Vec::new();
    let wants = region.connector == super::Connector::Dingtalk;
    if wants != region.dingtalk.is_some() {
        found.push(problem(
            at("dingtalk"),
            "this table goes with connector = \"dingtalk\", and that connector needs it",
            "give both or none",
        ));
    }
    let Some(tenant) = &region.dingtalk else { return found };
    if !tenant.token_url.starts_with("https://") {
        let what = format!("{} is not encrypted with TLS", tenant.token_url);
        found.push(problem(at("dingtalk.token_url"), what, "use https://HOST"));
    }
    if tenant.calls_per_second == 0 {
        let what = "no call would ever be made";
        found.push(problem(at("dingtalk.calls_per_second"), what, "use 1 or more"));
    }
    found.extend(open_to_others(&at("dingtalk.secret_file"), &tenant.secret_file));
    found
}

/// A secret that others on the box can read.
fn open_to_others(at: &str, path: &Path) -> Option<Problem> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    (mode & 0o077 != 0).then(|| Problem {
        fatal: false,
        ..problem(
            at,
            format!("{} can be read by other users of this box", path.display()),
            "chmod 600 it, and give the application a new secret",
        )
    })
}

fn files(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    if let Some(console) = &config.console {
        let files = [("[console] cert", &console.cert), ("[console] key", &console.key)];
        found.extend(files.into_iter().filter_map(|(at, path)| readable(at, path.as_ref()?)));
    }
    if let Some(policy) = &config.policy {
        // Without a policy the box takes punches and holds them.
        let files = [("[policy] law_pack", &policy.law_pack), ("[policy] file", &policy.file)];
        let found_here = files.into_iter().filter_map(|(at, path)| readable(at, path));
        found.extend(found_here.map(|problem| Problem { fatal: false, ..problem }));
    }
    found
}

fn readable(at: &str, path: &Path) -> Option<Problem> {
    let error = std::fs::File::open(path).err()?;
    Some(problem(
        at,
        format!("{} cannot be read ({error})", path.display()),
        "put the file there, or correct the path",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(text: &str, expect: &[&str]) {
        let config = Config::parse(text, Path::new("t"), "/nowhere".into()).unwrap();
        let found: Vec<String> = check(&config).into_iter().map(|p| p.at).collect();
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn problems_are_named() {
        check_text("[box]\nsite='a'\n[mqtt]\nloopback='127.0.0.1:0'\n", &[]);
        check_text("[box]\nsite='a b'\n[mqtt]\n", &["[box] site"]);
        check_text("[box]\nsite='a'\ntime_zone='Mars'\n[mqtt]\n", &["[box] time_zone"]);
        check_text("[box]\nsite='a'\n[mqtt]\nloopback='0.0.0.0:1883'\n", &["[mqtt] loopback"]);
        check_text("[box]\nsite='a'\n", &[]);
        check_text(
            "[box]\nsite='a'\n[mqtt]\n[[region]]\ndestination='d'\nconnector='mqtt'\n\
             url='mqtt://x'\nca='x.pem'\n",
            &["[[region]] 1 (d) url", "[[region]] 1 (d) ca"],
        );
        check_text(
            "[box]\nsite='a'\n[mqtt]\n[[region]]\ndestination='d'\nconnector='dingtalk'\n\
             url='https://x'\nca='x.pem'\n",
            &["[[region]] 1 (d) dingtalk", "[[region]] 1 (d) ca"],
        );
    }
}
