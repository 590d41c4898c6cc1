//! A one-time code for a device that is to be.

use super::execute::{Facts, Result, data, unavailable, value};
use muster_intake::authority::Pairing;
use muster_intake::pairing::PairingError;
use serde_json::Value;

pub(super) async fn code(facts: &Facts, pairing: Pairing, host: Option<String>) -> Result<Value> {
    let wall = facts.wall.as_ref().ok_or_else(|| {
        unavailable(
            "terminals with a code come to a running gateway that has [mqtt] listen: start it, \
             and see that gateway.toml has that line",
        )
    })?;
    let made = wall.code(pairing, host).await.map_err(|error| match error {
        PairingError::Authority(_) => unavailable(error),
        _ => data(error),
    })?;
    tracing::info!(device = made.device, by = facts.actor, "a pairing code was made");
    value(&made)
}
