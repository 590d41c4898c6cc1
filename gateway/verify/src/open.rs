//! `muster-verify open`: parcels that a box sealed to a customer's key, opened one a line.

use crate::say;
use muster_report::sealing::Opener;
use serde_json::Value;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::process::ExitCode;

const USAGE: &str = "\
Opens parcels that a box sealed to your key: what a region got, from FILE or standard input, as
JSON objects and arrays one after the other. Prints each parcel on a line of its own. Exit 0: all
are open; 1: some could not be opened (which, on standard error); 2: unreadable.

Usage: muster-verify open --key PRIVATE.pem --destination NAME [FILE]

--key          the private half of the key that the box seals to (X25519, PEM)
--destination  the destination's name in the policy: the last part of the MQTT topic

Example: mosquitto_sub … -t attendance/mo-hq/sg-tenant | muster-verify open --key customer.key \\
         --destination sg-tenant
";
/// Largest private key read, bytes.
const MAX_KEY: u64 = 4096;

/// Reads the arguments and opens what comes.
pub(crate) fn run(mut words: impl Iterator<Item = String>) -> ExitCode {
    let (mut key, mut destination, mut file) = (None, None, None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" | "-h" => return say(0, USAGE),
            "--key" => key = words.next(),
            "--destination" => destination = words.next(),
            _ if file.is_none() && !word.starts_with('-') => file = Some(word),
            _ => return say(64, USAGE),
        }
    }
    let Some((key, destination)) = key.zip(destination) else { return say(64, USAGE) };
    let opened = opener(&key).and_then(|opener| {
        let from: Box<dyn Read> = match file {
            Some(file) => Box::new(File::open(&file).map_err(|e| format!("{file}: {e}"))?),
            None => Box::new(io::stdin()),
        };
        all(&opener, &destination, from)
    });
    match opened {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => say(2, &format!("cannot open: {error}\n")),
    }
}

fn opener(path: &str) -> Result<Opener, String> {
    let mut pem = zeroize::Zeroizing::new(String::new());
    let file = File::open(path).map_err(|e| format!("{path}: {e}"))?;
    file.take(MAX_KEY).read_to_string(&mut pem).map_err(|e| format!("{path}: {e}"))?;
    Opener::from_pem(&pem).map_err(|e| format!("{path}: {e}"))
}

/// Opens each parcel as it comes and says how many would not open.
fn all(opener: &Opener, destination: &str, from: impl Read) -> Result<u64, String> {
    let (mut number, mut closed) = (0u64, 0u64);
    let values = serde_json::Deserializer::from_reader(BufReader::new(from)).into_iter::<Value>();
    for value in values {
        let parcels = match value.map_err(|e| format!("after parcel {number}: {e}"))? {
            Value::Array(parcels) => parcels,
            one => vec![one],
        };
        for parcel in parcels {
            number += 1;
            match opener.open(destination, parcel.to_string().as_bytes()) {
                Ok(plain) => line(&plain).map_err(|e| e.to_string())?,
                Err(error) => {
                    closed += 1;
                    // Nobody listens: the exit code says it.
                    let _ = writeln!(io::stderr(), "parcel {number}: {error}");
                }
            }
        }
    }
    Ok(closed)
}

fn line(plain: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(plain)?;
    out.write_all(b"\n")?;
    out.flush()
}
