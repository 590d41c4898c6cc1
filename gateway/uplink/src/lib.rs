//! Drains parcels to the regions their policy names: MQTT, HTTPS or DingTalk, always TLS 1.3.
//!
//! One worker a destination. It connects, proves by the certificate that the region is the one the
//! policy names (before a byte of application data), tells the outbox what it saw, takes what the
//! outbox releases, sends it and settles it. Delivery is at least once under a stable id; a retry
//! sends the same bytes. Whatever fails pauses the destination and never changes it.
//!
//! Limits: [`batch`] bounds messages, [`backoff`] bounds waiting, [`SETTLE_TIMEOUT`] bounds how
//! long a region may take to answer.
#![forbid(unsafe_code)]

pub mod backoff;
pub mod batch;
mod dingtalk;
mod http;
mod https;
mod isolation;
mod mqtt;
pub mod probe;
mod region;
mod tls;
mod under_way;
mod worker;

pub use region::{Connector, MAX_PINS, Quota, Region, RegionError, Tenant};
pub use worker::{Uplink, start};

use std::time::Duration;

/// How long a region may take to connect, shake hands and log in.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a region may take to answer for what was sent; after it, it goes again.
pub const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);
