//! A real mosquitto: a region, a site's broker, a yardstick.

use anyhow::{Context as _, Result, bail};
use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to start.
const START: Duration = Duration::from_secs(10);

/// A running mosquitto; killed when dropped.
#[derive(Debug)]
pub struct Mosquitto {
    child: Child,
    config: PathBuf,
    /// Where it listens, on loopback.
    pub address: SocketAddr,
}

impl Mosquitto {
    /// Starts one whose files lie in `dir`, an absolute path. `more` is configuration: first of all
    /// of its listener, then of anything.
    pub fn start(dir: &Path, more: &str) -> Result<Self> {
        // Its configuration cannot ask for a free port.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = dir.join("mosquitto.conf");
        let text =
            format!("listener {} 127.0.0.1\nuser root\nlog_dest none\n{more}", address.port());
        std::fs::write(&config, text)?;
        let child = spawn(&config, address)?;
        Ok(Self { child, config, address })
    }

    /// Kills it, with all that it only remembers, and starts it again at the same address.
    pub fn restart(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        self.child = spawn(&self.config, self.address)?;
        Ok(())
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(config: &Path, address: SocketAddr) -> Result<Child> {
    let log = File::options().create(true).append(true).open(config.with_extension("log"))?;
    let mut command = Command::new("mosquitto");
    command.arg("-c").arg(config).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let mut child = command.spawn().context("cannot run mosquitto: install it")?;
    let asked = Instant::now();
    while TcpStream::connect(address).is_err() {
        if asked.elapsed() > START {
            // It may be gone already.
            let _ = child.kill();
            let _ = child.wait();
            bail!("mosquitto does not start with {}", config.display());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(child)
}
