//! Pairing at the wall and renewing a certificate, from the device's side; what is said is in
//! `muster_proto::pairing`.
//!
//! The device's key is made here and never leaves. It is on disk before the code is spent, so that
//! a power cut or a lost answer costs another try with the same link and nothing else. All of it
//! blocks, for 20 seconds at most on each step.

use crate::sender::{Login, StartError};
use crate::tls;
use muster_proto::pairing::{ALPN, BOX_NAME, Link, MAX_LINE};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// For connecting, and for each read and write.
const PATIENCE: Duration = Duration::from_secs(20);
/// Who the device is and where the box stands, as pairing left it beside the credentials.
pub(crate) const PAIRED: &str = "paired.toml";
/// Certificate and key in one file, so that a renewal is whole or not there.
pub(crate) const RENEWED: &str = "renewed.pem";
/// The key while a code is being spent.
const PENDING: &str = "pairing.key";

/// Why a device is not paired, or its certificate not renewed.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// Not what the box shows.
    #[error(
        "this is no pairing link; it reads muster-pair://HOST:PORT/#CODE.FINGERPRINT, from \
         `muster device pair --code` at the box"
    )]
    Link,
    /// Nobody answers there.
    #[error("the box at {0} is not reached ({1}); check cable, address and network")]
    Unreached(String, io::Error),
    /// Whoever answers is not the box, or the talk broke off.
    #[error("whoever answers at {0} is not the box that made this code, or is too old ({1})")]
    NotTheBox(String, io::Error),
    /// What the box says.
    #[error("the box refuses: {0}")]
    Refused(String),
    /// An answer that is none.
    #[error("the box's answer is not understood; update this program")]
    Strange,
    /// Keys cannot be made.
    #[error("no key or request can be made: {0}")]
    Key(#[from] rcgen::Error),
    /// Files cannot be written.
    #[error("the credentials cannot be kept: {0}")]
    Keep(#[from] io::Error),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] StartError),
}

/// Who the device is now, and where the box stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paired {
    /// Its name.
    pub name: String,
    /// The box's host name or address.
    pub host: String,
    /// Port of its TLS listener.
    pub port: u16,
}

#[derive(Serialize)]
struct Asked<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    kind: &'a str,
    request: &'a str,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    refused: Option<String>,
    name: Option<String>,
    ca: Option<String>,
    certificate: Option<String>,
    secret: Option<Zeroizing<String>>,
}

/// Spends the code of `link` for a device of `kind` (`m2` or `c1`), and leaves its credentials in
/// `folder`.
pub fn pair(link: &str, kind: &str, folder: &Path) -> Result<Paired, PairError> {
    let link = Link::parse(link).ok_or(PairError::Link)?;
    fs::create_dir_all(folder)?;
    let pending = folder.join(PENDING);
    let key = pending_key(&pending)?;
    let request = request(&key)?;
    let asked = Asked { code: Some(link.code), kind, request: &request };
    let mut config = tls::pinned(link.pin)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    let answer = ask((link.bare_host(), link.port), Arc::new(config), &asked)?;
    let (Some(name), Some(ca), Some(certificate), Some(secret)) =
        (answer.name, answer.ca, answer.certificate, answer.secret)
    else {
        return Err(PairError::Strange);
    };
    let paired = Paired { name, host: link.bare_host().to_owned(), port: link.port };
    let text = toml::to_string(&paired).map_err(|_| PairError::Strange)?;
    remove(&folder.join(RENEWED))?;
    let key = Zeroizing::new(key.serialize_pem());
    let files = [
        ("ca.pem", ca.as_bytes()),
        ("device.secret", secret.as_bytes()),
        ("device.key", key.as_bytes()),
        ("device.pem", certificate.as_bytes()),
        (PAIRED, text.as_bytes()),
    ];
    for (file, bytes) in files {
        replace(&folder.join(file), bytes)?;
    }
    remove(&pending)?;
    Ok(paired)
}

/// Asks the box for a new certificate under a new key; whether there is one now, beside the one
/// in use.
/// The box says when it is time: the device's clock may be wrong.
pub fn renew(login: &Login, kind: &str, folder: &Path) -> Result<bool, PairError> {
    let key = KeyPair::generate()?;
    let request = request(&key)?;
    let asked = Asked { code: None, kind, request: &request };
    let mut config = ClientConfig::clone(&*tls::client(login)?);
    config.alpn_protocols = vec![ALPN.to_vec()];
    let answer = ask((&login.host, login.port), Arc::new(config), &asked)?;
    let Some(certificate) = answer.certificate else { return Ok(false) };
    let both = Zeroizing::new(format!("{certificate}{}", *Zeroizing::new(key.serialize_pem())));
    replace(&folder.join(RENEWED), both.as_bytes())?;
    Ok(true)
}

/// The key that a try before made, or a new one, on disk.
fn pending_key(path: &Path) -> Result<KeyPair, PairError> {
    if let Ok(pem) = fs::read_to_string(path).map(Zeroizing::new)
        && let Ok(key) = KeyPair::from_pem(&pem)
    {
        return Ok(key);
    }
    let key = KeyPair::generate()?;
    replace(path, Zeroizing::new(key.serialize_pem()).as_bytes())?;
    Ok(key)
}

/// Of a request the box takes nothing but the key.
fn request(key: &KeyPair) -> Result<String, rcgen::Error> {
    CertificateParams::default().serialize_request(key)?.pem()
}

/// One line to the box, one line back.
fn ask(
    (host, port): (&str, u16),
    config: Arc<ClientConfig>,
    asked: &Asked<'_>,
) -> Result<Answer, PairError> {
    let at = format!("{host}:{port}");
    let stream = connect((host, port)).map_err(|e| PairError::Unreached(at.clone(), e))?;
    let name = ServerName::try_from(BOX_NAME).map_err(|_| PairError::Strange)?;
    let tls = ClientConnection::new(config, name).map_err(io::Error::other)?;
    let mut line = Zeroizing::new(serde_json::to_string(asked).map_err(|_| PairError::Strange)?);
    line.push('\n');
    let mut answer = Zeroizing::new(String::new());
    let talk = || -> io::Result<()> {
        let mut stream = StreamOwned::new(tls, stream);
        stream.write_all(line.as_bytes())?;
        stream.flush()?;
        BufReader::new(stream).take(MAX_LINE as u64).read_line(&mut answer)?;
        Ok(())
    };
    talk().map_err(|e| PairError::NotTheBox(at, e))?;
    let answer: Answer = serde_json::from_str(&answer).map_err(|_| PairError::Strange)?;
    match answer.refused {
        Some(why) => Err(PairError::Refused(why)),
        None => Ok(answer),
    }
}

fn connect(to: (&str, u16)) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in to.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A file for its owner alone, whole after a power cut: the one before or this.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    remove(Path::new(&beside))?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_is_none_spends_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let wrong = pair("https://box.example/", "m2", folder.path());
        assert!(matches!(wrong, Err(PairError::Link)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_second_try_comes_with_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        // Nobody listens on the discard port here.
        let link = "muster-pair://127.0.0.1:9/#a1b2-c3d4-e5f6.30313233343536373839616263646566";
        let try_it = || {
            let tried = pair(link, "m2", folder.path());
            assert!(matches!(tried, Err(PairError::Unreached(..))), "{tried:?}");
            fs::read(folder.path().join(PENDING)).unwrap()
        };
        assert_eq!(try_it(), try_it());
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(folder.path().join(PENDING)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
