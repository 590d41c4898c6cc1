//! A real mosquitto: a region, a site's broker, a yardstick.

use crate::authority::{Authority, Server};
use crate::office::{DESTINATION, REGION};
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

/// A region of the office: a mosquitto that lets in who its authority knows, over TLS, and on `plain` who reads for the
/// test; with the box's `[[region]]` section for it.
pub fn region(folder: &Path, plain: SocketAddr) -> Result<(Mosquitto, String)> {
    let authority = Authority::new()?;
    let (server, client) = (authority.issue(&Server::of(REGION))?, authority.client("box")?);
    for (name, pem) in [
        ("ca.pem", authority.pem()),
        ("server.pem", &server.certificate),
        ("server.key", &server.key),
        ("box.pem", &client.certificate),
        ("box.key", &client.key),
    ] {
        std::fs::write(folder.join(name), pem)?;
    }
    let at = |name: &str| folder.join(name).display().to_string();
    let text = format!(
        "cafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\n\
         use_identity_as_username false\nallow_anonymous true\n\
         listener {} 127.0.0.1\nmax_queued_messages 0\n",
        at("ca.pem"),
        at("server.pem"),
        at("server.key"),
        plain.port()
    );
    let broker = Mosquitto::start(folder, &text)?;
    let section = format!(
        "[[region]]\ndestination = \"{DESTINATION}\"\nconnector = \"mqtt\"\n\
         url = \"mqtts://localhost:{}\"\nca = \"{}\"\nclient_cert = \"{}\"\nclient_key = \"{}\"\n",
        broker.address.port(),
        at("ca.pem"),
        at("box.pem"),
        at("box.key")
    );
    Ok((broker, section))
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
