//! Names of the metrics that the device side counts. Labels come from fixed sets.

/// Check-ins answered, by `link` (mqtt, serial, broker) and `result` (stored, again, quarantined,
/// refused, later).
pub(crate) const CHECK_INS: &str = "muster_intake_checkins_total";
/// Refusals for good, by `reason`.
pub(crate) const REFUSALS: &str = "muster_intake_refusals_total";
/// Fields of check-ins that this version does not know; dropped.
pub(crate) const UNKNOWN_FIELDS: &str = "muster_intake_unknown_fields_total";
/// Pieces of evidence that were not kept, by `reason` (kind, policy, vault).
pub(crate) const EVIDENCE_DROPPED: &str = "muster_intake_evidence_dropped_total";
/// Open MQTT connections.
pub(crate) const MQTT_CONNECTIONS: &str = "muster_mqtt_connections";
/// MQTT connections refused or cut off, by `reason` (limit, handshake, timeout, protocol, slow,
/// identity, revoked, taken-over).
pub(crate) const MQTT_CLOSED: &str = "muster_mqtt_connections_closed_total";
/// Frames on serial lines, by `result` (good, damaged, oversized, stray).
pub(crate) const SERIAL_FRAMES: &str = "muster_serial_frames_total";
/// What devices were refused for or tell of that somebody should look into, by `reason`
/// ([`crate::alarms::AlarmReason`]).
pub(crate) const ALARMS: &str = "muster_intake_alarms_total";
/// Entries of terminals' event logs, by `what`.
pub(crate) const TERMINAL_EVENTS: &str = "muster_terminal_events_total";
/// Terminals answered that came to be paired or to renew a certificate, by `result` (paired,
/// renewal, wrong-code, refused).
pub(crate) const PAIRINGS: &str = "muster_pairings_total";
