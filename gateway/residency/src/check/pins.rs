//! Pinned regions: where a site's records stay, whatever becomes of the rest of the policy.
//!
//! A site's `pin_regions` says once more, apart from the destinations, which regions its records
//! may reach, so that a region changed by mistake or by one hand does not pass unseen.

use super::rules::site_fits;
use super::{Finding, Findings};
use crate::law_pack::LawPack;
use crate::policy::{Policy, Site};

pub(super) fn pins(policy: &Policy, pack: &LawPack, findings: &mut Findings) {
    for site in policy.sites.iter().filter(|site| !site.pin_regions.is_empty()) {
        for region in site.pin_regions.iter().filter(|pin| !pack.region.contains_key(*pin)) {
            let values = [("region", region.as_str().into()), ("site", site.id.as_str().into())];
            findings.add(Finding::error(site.line, "pin-unknown", values));
        }
        reached(site, policy, findings);
    }
}

/// Destinations outside the pin that some permit leads this site's records to.
fn reached(site: &Site, policy: &Policy, findings: &mut Findings) {
    let pinned = site.pin_regions.join(", ");
    for destination in &policy.destinations {
        let mut permits = policy.permits.iter().filter(|p| p.to == destination.id);
        let led = permits.any(|p| site_fits(&p.when, site));
        if led && !site.pin_regions.contains(&destination.region) {
            let values = [
                ("destination", destination.id.as_str().into()),
                ("region", destination.region.as_str().into()),
                ("site", site.id.as_str().into()),
                ("pinned", pinned.as_str().into()),
            ];
            findings.add(Finding::error(destination.line, "pin-broken", values));
        }
    }
}
