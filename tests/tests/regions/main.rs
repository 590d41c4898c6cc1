//! Regions as they are met: good and bad certificates, a real mosquitto that loses its sessions,
//! and an HTTPS service that settles some records, refuses others and misbehaves in between.
//! Whatever happens, a record goes to the region that the policy names, or waits.

mod certificates;
mod https;
mod mosquitto;
mod sealed;
mod stage;
