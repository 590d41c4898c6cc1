//! Every region, step by step.

use super::{Finding, Inside};
use crate::config::Config;
use crate::gateway::region_of;
use muster_uplink::probe::{Seen, Step, probe};

/// Days ahead that the end of a region's certificate is told of.
const AHEAD_S: i64 = 30 * 86_400;

pub(super) async fn all(config: &Config, inside: &Inside) -> Vec<Finding> {
    let mut found = Vec::new();
    for section in &config.region {
        let destination = &section.destination;
        if inside.local_only {
            let name = format!("region {destination}");
            found.push(Finding::ok("region", &name, "not asked: the emergency stop is on"));
            continue;
        }
        let region = match region_of(config, section) {
            Ok(region) => region,
            Err(error) => {
                let name = format!("region {destination}");
                let cure = "correct the section of this region";
                found.push(Finding::broken("region", &name, format!("{error:#}"), cure));
                continue;
            }
        };
        let expected = inside.regions.get(destination).map(String::as_str);
        let (seen, ends) = probe(&region, destination, expected).await;
        found.extend(seen.into_iter().map(|step| finding(destination, step)));
        let soon = ends.filter(|at| at - crate::trust::now_ms() / 1000 < AHEAD_S);
        found.extend(soon.map(|_| {
            let name = format!("region {destination}: certificate ends");
            let cure = "tell who runs the region; records wait from then on, and nothing is lost";
            Finding::warning("region", &name, "within 30 days", cure)
        }));
    }
    found
}

fn finding(destination: &str, (step, seen): Seen) -> Finding {
    let (word, cure) = match step {
        Step::Name => ("name", "check the name in url, and the box's DNS"),
        Step::Connect => ("connect", "check port, firewall and whether the region is up"),
        Step::Tls => ("TLS", "the other side must speak TLS 1.3; check the port"),
        Step::Certificate => ("certificate", "check ca and the host in url; tell who runs it"),
        Step::Region => {
            ("region", "another region answers there: correct the address or the policy")
        }
        Step::Login => {
            ("login", "check client_cert and client_key, and that the region knows them")
        }
        Step::DryRun => ("dry run", "the region takes no messages: check its rules for the topic"),
    };
    let name = format!("region {destination}: {word}");
    match seen {
        Ok(seen) => Finding::ok("region", &name, seen),
        Err(why) => {
            let cure = format!("records wait and nothing is lost; {cure}");
            Finding::warning("region", &name, why, cure)
        }
    }
}
