//! The yardstick: mosquitto, with limits raised so that it does not drop.

use anyhow::{Context as _, Result, bail};
use muster_tests::mqtt;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to start.
const START: Duration = Duration::from_secs(10);

/// A running mosquitto; killed when dropped.
pub(crate) struct Mosquitto {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Mosquitto {
    /// Starts one that persists into `dir` with its default autosave. `more` is configuration.
    pub(crate) fn start(dir: &Path, more: &str) -> Result<Self> {
        // Its configuration cannot ask for a free port.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = dir.join("mosquitto.conf");
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\nuser root\nlog_dest none\n\
             persistence true\npersistence_location {}/\nset_tcp_nodelay true\n\
             max_inflight_messages 0\nmax_queued_messages 0\nmax_queued_bytes 0\n{more}",
            address.port(),
            dir.display()
        );
        std::fs::write(&config, text)?;
        let mut command = Command::new("mosquitto");
        let log = File::create(dir.join("mosquitto.log"))?;
        command.arg("-c").arg(&config).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().context("cannot run mosquitto: install it")?;
        let this = Self { child, address };
        let asked = Instant::now();
        while TcpStream::connect(address).is_err() {
            if asked.elapsed() > START {
                bail!("mosquitto does not start");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(this)
    }

    /// A subscriber with a session that stays, and is away: what is published is kept for it.
    pub(crate) fn keep_everything(&self) -> Result<()> {
        let mut stream = TcpStream::connect(self.address)?;
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

    /// Resident memory, in bytes.
    pub(crate) fn resident(&self) -> Result<u64> {
        muster_tests::gateway::resident(self.child.id())
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Its version, as it says it.
pub(crate) fn version() -> String {
    let output = Command::new("mosquitto").arg("-h").output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("mosquitto").to_owned()
}
