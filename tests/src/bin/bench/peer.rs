//! The yardstick: mosquitto, with limits raised so that it does not drop.

use anyhow::Result;
use muster_tests::mosquitto::Mosquitto;
use muster_tests::mqtt;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

/// Messages under way without limit, for [`start`].
pub(crate) const UNLIMITED: u32 = 0;

/// Starts one that persists into `dir` with its default autosave, and has so many messages under way
/// to a client. `more` is configuration.
pub(crate) fn start(dir: &Path, window: u32, more: &str) -> Result<Mosquitto> {
    let text = format!(
        "allow_anonymous true\npersistence true\npersistence_location {}/\nset_tcp_nodelay true\n\
         max_inflight_messages {window}\nmax_queued_messages 0\nmax_queued_bytes 0\n{more}",
        dir.display()
    );
    Mosquitto::start(dir, &text)
}

/// A subscriber with a session that stays, and is away: what is published is kept for it.
pub(crate) fn keep_everything(peer: &Mosquitto) -> Result<()> {
    let mut stream = TcpStream::connect(peer.address)?;
    let mut connect = mqtt::connect("keeper", 0);
    // Connect flags, after fixed header, name and level: a session that stays.
    if let Some(flags) = connect.get_mut(9) {
        *flags = 0;
    }
    stream.write_all(&connect)?;
    stream.read_exact(&mut [0; 4])?;
    stream.write_all(&mqtt::subscribe(1, "muster/#"))?;
    stream.read_exact(&mut [0; 5])?;
    Ok(stream.write_all(&[0xE0, 0])?)
}

/// Its version, as it says it.
pub(crate) fn version() -> String {
    let output = Command::new("mosquitto").arg("-h").output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("mosquitto").to_owned()
}
