//! A region that keeps all it is sent, as it came out of TLS.

use crate::authority::{Authority, Server};
use crate::mqtt::{Decoder, Packet};
use anyhow::{Result, ensure};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// An MQTT server on a loopback address. It ends with the process.
#[derive(Debug)]
pub struct Tap {
    address: SocketAddr,
    ca: PathBuf,
    plain: Arc<Mutex<Vec<u8>>>,
}

impl Tap {
    /// Starts a region whose certificate names `region`; its authority goes to a file in `folder`.
    pub fn start(region: &str, folder: &Path) -> Result<Self> {
        let authority = Authority::new()?;
        let ca = folder.join("region-ca.pem");
        std::fs::write(&ca, authority.pem())?;
        let config = authority.issue(&Server::of(region))?.tls13()?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, plain) = (listener.local_addr()?, Arc::<Mutex<Vec<u8>>>::default());
        let kept = plain.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (config, kept) = (config.clone(), kept.clone());
                // A connection that breaks is the gateway's to mend.
                std::thread::spawn(move || serve(stream, config, &kept));
            }
        });
        Ok(Self { address, ca, plain })
    }

    /// Its `[[region]]` section.
    pub fn section(&self, destination: &str) -> String {
        format!(
            "[[region]]\ndestination = \"{destination}\"\nconnector = \"mqtt\"\n\
             url = \"mqtts://localhost:{}\"\nca = \"{}\"\n",
            self.address.port(),
            self.ca.display()
        )
    }

    /// What came since the last time, whichever connection it came by.
    pub fn drain(&self) -> Vec<u8> {
        std::mem::take(&mut *self.plain.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All bytes of all connections so far.
    pub fn plain(&self) -> Vec<u8> {
        self.plain.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, kept: &Mutex<Vec<u8>>) -> Result<()> {
    let mut stream = StreamOwned::new(ServerConnection::new(config)?, stream);
    let (mut decoder, mut bytes) = (Decoder::default(), vec![0; 64 << 10]);
    loop {
        let len = stream.read(&mut bytes)?;
        ensure!(len > 0, "closed");
        kept.lock().unwrap_or_else(PoisonError::into_inner).extend(&bytes[..len]);
        decoder.push(&bytes[..len]);
        while let Some(packet) = decoder.next_packet()? {
            match packet {
                Packet::Other(0x10) => stream.write_all(&[0x20, 2, 0, 0])?,
                Packet::Other(0xC0) => stream.write_all(&[0xD0, 0])?,
                Packet::Publish(_, Some(id), _) => {
                    stream.write_all(&[&[0x40, 2][..], &id.to_be_bytes()].concat())?;
                }
                _ => {}
            }
        }
        stream.flush()?;
    }
}
