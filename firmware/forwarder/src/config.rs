//! What the programs' configuration files have in common: where the box is, and who we are to it.
//!
//! TOML; a key that is not known is refused, and relative paths count from the file's own folder.

use crate::pair::{PAIRED, Paired, RENEWED};
use crate::sender::{Login, StartError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes a configuration file may have.
const MAX_FILE: u64 = 256 * 1024;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that is needed cannot be read.
    #[error("{path} cannot be read: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is too long to be one.
    #[error("{0} is longer than {MAX_FILE} bytes")]
    TooLong(PathBuf),
    /// It is not TOML, or says something that is not known.
    #[error("{path}: {message}")]
    Toml {
        /// Which file.
        path: PathBuf,
        /// Line, column and what is wrong there.
        message: String,
    },
    /// Nobody paired the device yet.
    #[error(
        "{0} holds no pairing: make a code at the box with `muster device pair --code`, and give \
         its link to this program with --pair"
    )]
    NotPaired(PathBuf),
    /// Paired under another name than it is configured with.
    #[error("this device was paired as {paired} and is configured as {configured}: change one")]
    OtherName {
        /// By the box.
        paired: String,
        /// In the file.
        configured: String,
    },
    /// The pairing secret is not one.
    #[error("{0} does not hold 64 hexadecimal digits; pair the device again")]
    Secret(PathBuf),
}

/// `[box]`: where the box is, and the folder that pairing wrote or is to write.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoxConfig {
    /// Its host name or address; without it, the one that the pairing link had.
    pub host: Option<String>,
    /// Port of its TLS listener; without it, that of the link, or 8883.
    pub port: Option<u16>,
    /// Folder with `ca.pem`, `device.pem`, `device.key` and `device.secret`.
    pub credentials: PathBuf,
}

/// Where the box listens unless somebody says otherwise.
const PORT: u16 = 8883;

impl BoxConfig {
    /// The login of the device, which is `name` or what it was paired as; relative paths count
    /// from `base`.
    pub fn login(&self, name: Option<&str>, base: &Path) -> Result<Login, ConfigError> {
        let folder = base.join(&self.credentials);
        let paired = paired(&folder.join(PAIRED))?;
        if let (Some(paired), Some(name)) = (&paired, name)
            && paired.name != name
        {
            let (paired, configured) = (paired.name.clone(), name.to_owned());
            return Err(ConfigError::OtherName { paired, configured });
        }
        let port = self.port.or(paired.as_ref().map(|paired| paired.port)).unwrap_or(PORT);
        let (known, there) = paired.map(|paired| (paired.name, paired.host)).unzip();
        let missing = || ConfigError::NotPaired(folder.clone());
        let device = name.map(str::to_owned).or(known).ok_or_else(missing)?;
        let host = self.host.clone().or(there).ok_or_else(missing)?;
        let file = |file: &str| read(&folder.join(file));
        let renewed = folder.join(RENEWED).exists();
        let (certificate, key) =
            if renewed { (RENEWED, RENEWED) } else { ("device.pem", "device.key") };
        Ok(Login {
            device,
            host,
            port,
            ca_pem: file("ca.pem")?,
            certificate_pem: file(certificate)?,
            key_pem: file(key)?,
            subscribe: Vec::new(),
            certificate_name: None,
        })
    }

    /// The pairing secret, for what is sealed.
    pub fn secret(&self, base: &Path) -> Result<Zeroizing<[u8; 32]>, ConfigError> {
        let path = base.join(&self.credentials).join("device.secret");
        let text = Zeroizing::new(read(&path)?);
        secret(text.trim_ascii()).ok_or(ConfigError::Secret(path))
    }
}

/// 32 bytes from 64 hexadecimal digits.
pub fn secret(digits: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut secret = Zeroizing::new([0; 32]);
    let (pairs, rest) = digits.as_chunks::<2>();
    if pairs.len() != secret.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in secret.iter_mut().zip(pairs) {
        let digit = |d: u8| char::from(d).to_digit(16);
        *byte = (digit(*high)? * 16 + digit(*low)?) as u8;
    }
    Some(secret)
}

/// Reads a configuration file; also gives the folder that its relative paths count from.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<(T, PathBuf), ConfigError> {
    let bytes = read(path)?;
    let toml = |message: String| ConfigError::Toml { path: path.to_owned(), message };
    let text = std::str::from_utf8(&bytes).map_err(|e| toml(e.to_string()))?;
    let config = toml::from_str(text).map_err(|e| toml(e.to_string()))?;
    let base = path.parent().unwrap_or(Path::new(""));
    Ok((config, base.to_owned()))
}

/// The example in the documentation of a module, given its source: so a test can read it.
pub fn example(source: &str) -> String {
    let lines = source.lines().take_while(|line| line.starts_with("//!"));
    let lines = lines.map(|line| line.trim_start_matches("//!"));
    let inside = lines.skip_while(|line| line.trim() != "```toml").skip(1);
    inside.take_while(|line| line.trim() != "```").map(|line| format!("{line}\n")).collect()
}

/// What pairing left; `None` for a device that was given its credentials as files.
fn paired(path: &Path) -> Result<Option<Paired>, ConfigError> {
    match path.exists() {
        true => load(path).map(|(paired, _)| Some(paired)),
        false => Ok(None),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let refused = |source| ConfigError::Read { path: path.to_owned(), source };
    let length = std::fs::metadata(path).map_err(refused)?.len();
    if length > MAX_FILE {
        return Err(ConfigError::TooLong(path.to_owned()));
    }
    std::fs::read(path).map_err(refused)
}

impl From<ConfigError> for StartError {
    fn from(error: ConfigError) -> Self {
        Self::Credentials(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Whole {
        r#box: BoxConfig,
    }

    #[test]
    fn keys_that_are_not_known_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        let check = |text: &str, refused: Option<&str>| {
            std::fs::write(&path, text).unwrap();
            let found = load::<Whole>(&path).map(|(whole, _)| whole.r#box.port);
            match refused {
                None => assert_eq!(found.unwrap(), None),
                Some(word) => assert!(found.unwrap_err().to_string().contains(word)),
            }
        };
        check("[box]\nhost = \"h\"\ncredentials = \"c\"\n", None);
        check("[box]\nhost = \"h\"\ncredentials = \"c\"\nhots = 1\n", Some("hots"));
        check("[box]\nhost = \"h\"\n", Some("credentials"));
        check("[box\n", Some("line 1"));
    }

    #[test]
    fn secrets_are_64_digits() {
        assert_eq!(secret(&[b'a'; 64]).map(|s| *s), Some([0xAA; 32]));
        for wrong in [&[b'a'; 63][..], &[b'a'; 66], &[b'g'; 64], b""] {
            assert!(secret(wrong).is_none());
        }
    }
}
