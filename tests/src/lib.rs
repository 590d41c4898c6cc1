//! What tests that cross rooms share: the gateway driven as a black box, simulated terminals that
//! know what was receipted, faults, and the comparison of both ends' books.
//!
//! Nothing here looks inside the gateway. Devices keep their own account of what was receipted to
//! them; [`ledgerbook`] holds it against what the box's own commands say.

pub mod authenticator;
pub mod authority;
pub mod binary;
pub mod crowd;
pub mod debugger;
pub mod device;
pub mod disk;
pub mod emulated;
pub mod faults;
pub mod gateway;
pub mod ledgerbook;
pub mod link;
pub mod m2;
pub mod mosquitto;
pub mod mqtt;
pub mod mutants;
pub mod office;
pub mod outages;
pub mod packets;
pub mod page;
pub mod punch;
pub mod random;
pub mod region;
pub mod search;
pub mod serial;
pub mod site;
pub mod stack;
pub mod subscriber;
pub mod tap;
pub mod webhook;
pub mod wire;
