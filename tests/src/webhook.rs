//! Where a box's alarms go: a web server on loopback that writes down what it is told.

use crate::device::lock;
use anyhow::Result;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Longest body that is taken, in bytes.
const MAX_BODY: usize = 64 << 10;

/// The server; its thread ends with the program.
#[derive(Debug)]
pub struct Webhook {
    port: u16,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Webhook {
    /// Starts it on a free port.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (port, heard) = (listener.local_addr()?.port(), Arc::default());
        let theirs: Arc<Mutex<Vec<Value>>> = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // What is not heard comes again.
                let _ = hear(stream, &theirs);
            }
        });
        Ok(Self { port, heard })
    }

    /// The section of the configuration that names it.
    pub fn section(&self) -> String {
        format!("[alarms]\n[alarms.webhook]\nurl = \"http://127.0.0.1:{}/hook\"\n", self.port)
    }

    /// Names of all alarms that it was told, in their order.
    pub fn names(&self) -> Vec<String> {
        let heard = lock(&self.heard);
        heard.iter().map(|told| told["name"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The alarm of this name, as it came first.
    pub fn told(&self, name: &str) -> Option<Value> {
        lock(&self.heard).iter().find(|told| told["name"] == name).cloned()
    }
}

fn hear(mut stream: TcpStream, heard: &Mutex<Vec<Value>>) -> Result<()> {
    let (_, body) = request(&mut BufReader::new(stream.try_clone()?))?;
    lock(heard).push(serde_json::from_slice(&body)?);
    Ok(stream.write_all(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")?)
}

/// Reads one HTTP request: its head's lines in small letters, and its body.
pub fn request(stream: &mut impl BufRead) -> Result<(Vec<String>, Vec<u8>)> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(Ok(0), |length| length.trim().parse())?;
    let mut body = vec![0; length.min(MAX_BODY)];
    stream.read_exact(&mut body)?;
    Ok((head, body))
}
