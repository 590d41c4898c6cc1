//! Every bound of the device side in one place.

use std::time::Duration;

/// Longest check-in payload, in bytes.
pub const MAX_PAYLOAD: usize = 256 * 1024;
/// Longest MQTT packet taken: a payload, its topic and its properties.
pub const MAX_PACKET: usize = MAX_PAYLOAD + 4096;
/// Longest packet before a client has said who it is.
pub const MAX_CONNECT_PACKET: usize = 16 * 1024;
/// Longest payload that is read and thrown away so that it can be refused by number (MQTT 3.1.1
/// has no other way to tell); beyond it the connection is closed.
pub const MAX_SKIPPED_PACKET: usize = 16 * 1024 * 1024;
/// Pieces of evidence in one check-in.
pub const MAX_EVIDENCE: usize = 8;
/// Characters of a person's number.
pub const MAX_PERSON_CHARS: usize = 48;
/// Characters of a piece of evidence's media type.
pub const MAX_MEDIA_CHARS: usize = 64;
/// Characters of a device's name.
pub const MAX_DEVICE_CHARS: usize = 128;
/// Highest sequence number of a check-in.
pub const MAX_SEQ: u64 = (1 << 56) - 1;
/// Messages of one connection that wait for the disk; announced to MQTT 5 clients.
pub const RECEIVE_MAXIMUM: u16 = 1024;
/// Requests of one connection that wait for the disk.
pub const MAX_BATCHES: usize = 32;
/// Read buffer of a connection that sends little; needs no budget.
pub const BASE_CHUNK: usize = 2 * 1024;
/// Read buffer of a connection that sends much small.
pub const FULL_CHUNK: usize = 16 * 1024;
/// Bytes waiting to be written to a client beyond which receipts for its people to read are left
/// out (acknowledgements are not).
pub const RECEIPT_BACKLOG: usize = 32 * 1024;
/// Bytes waiting to be written to a client beyond which it is cut off.
pub const MAX_BACKLOG: usize = 64 * 1024;
/// Time from connecting to a complete CONNECT, the TLS handshake included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time that a started packet may take to arrive.
pub const PACKET_TIMEOUT: Duration = Duration::from_secs(60);
/// Time without a byte taken by a client that owes reading.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a connection looks at its timeouts.
pub const TICK: Duration = Duration::from_secs(5);
/// Time that links have to finish when the box shuts down.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest packet that MQTT knows.
pub const MAX_MQTT_PACKET: usize = 268_435_455;
/// Acknowledgements and receipts to a broker that may wait: more than it has messages under way.
pub const BROKER_ACKS: usize = 140_000;
/// Silence after which a broker is asked whether it is still there.
pub const BROKER_KEEP_ALIVE: Duration = Duration::from_secs(20);
/// First pause before a broker is tried again; doubles up to [`BROKER_RETRY_MAX`].
pub const BROKER_RETRY_MIN: Duration = Duration::from_millis(250);
/// Longest pause before a broker is tried again.
pub const BROKER_RETRY_MAX: Duration = Duration::from_secs(15);
/// Messages of one serial line that wait for the disk; more are dropped and come again.
pub const SERIAL_REQUESTS: usize = 256;
/// Answers that wait for one terminal's next poll; the oldest goes first, its message comes again.
pub const SERIAL_ANSWERS: usize = 16;
/// Time for a serial port to take a frame, beside twice its time on the wire.
pub const SERIAL_WRITE_SLACK: Duration = Duration::from_secs(2);
/// First pause before a serial port is tried again; doubles up to [`SERIAL_RETRY_MAX`].
pub const SERIAL_RETRY_MIN: Duration = Duration::from_millis(100);
/// Longest pause before a serial port is tried again.
pub const SERIAL_RETRY_MAX: Duration = Duration::from_secs(5);
/// How often a full disk is asked again.
pub const FULL_DISK_PAUSE: Duration = Duration::from_millis(250);
/// How long a connection is kept, unread, after its punches could not be taken: a device that
/// comes back at once should not make matters worse.
pub const REFUSAL_PAUSE: Duration = Duration::from_secs(2);
/// Pause after the system refused to accept a connection (no descriptors, say).
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bounds that a site may set; the default suits a small box.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once, over all MQTT listeners.
    pub connections: usize,
    /// Bytes of payloads in flight, over all links; at least [`MAX_PACKET`].
    pub payload_bytes: usize,
    /// Bytes of the vault on disk; beyond it evidence is dropped and punches go on.
    pub vault_bytes: u64,
    /// Check-ins a second of one device with a certificate; more are delayed, never refused.
    pub device_rate: u32,
    /// Check-ins a second of one client of the plaintext listener; more are delayed.
    pub loopback_rate: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 6000,
            payload_bytes: 48 * 1024 * 1024,
            vault_bytes: 8 * 1024 * 1024 * 1024,
            device_rate: 5000,
            loopback_rate: 100_000,
        }
    }
}
