//! Where a backup is restored to: the folder of the configuration and the folder of the data.

use super::archive::Archive;
use super::files;
use crate::config::Config;
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A box to be.
pub(super) struct Target {
    /// The configuration it will have.
    pub(super) config: Config,
    /// Files to lay down, each with its bytes.
    pub(super) files: Vec<(PathBuf, Vec<u8>)>,
}

/// What the command line says of it.
pub(super) enum Wanted<'a> {
    /// This configuration stays as it is (`--config`).
    Config(&'a Path),
    /// Everything goes below this folder (`--into`).
    Into(&'a Path),
    /// The box that stands here.
    Here,
}

#[derive(Deserialize)]
struct Spots {
    #[serde(rename = "box")]
    site: Spot,
}

#[derive(Deserialize)]
struct Spot {
    data: Option<toml::Spanned<PathBuf>>,
}

/// Works out where everything goes; writes nothing.
pub(super) fn target(archive: &Archive, wanted: &Wanted<'_>) -> Result<Target> {
    if let Wanted::Config(path) = wanted {
        let config = Config::load(Some(path))?;
        return Ok(Target { files: parts(archive, &config, false)?, config });
    }
    let known = match wanted {
        Wanted::Into(folder) => Some(folder.join("gateway.toml")).filter(|path| path.exists()),
        _ => Config::load(None).ok().map(|config| config.path),
    };
    let known = known.and_then(|path| Config::load(Some(&path)).ok());
    let folder = match (wanted, &known) {
        (Wanted::Into(folder), _) => std::path::absolute(folder)?,
        (_, Some(known)) => known.folder.clone(),
        _ => PathBuf::from("/etc/muster"),
    };
    let text = archive.read("config/gateway.toml")?;
    let text = std::str::from_utf8(&text).context("the backup's configuration is no text")?;
    let inside = matches!(wanted, Wanted::Into(_));
    let text = with_data(text, &folder, known.as_ref(), inside)?;
    let path = folder.join("gateway.toml");
    let config = Config::parse(&text, &path, folder)?;
    let mut files = parts(archive, &config, true)?;
    files.push((path, text.into_bytes()));
    Ok(Target { config, files })
}

/// The configuration's text with the data folder of the box that stands there; below `folder`
/// where everything must be `inside` it.
fn with_data(text: &str, folder: &Path, known: Option<&Config>, inside: bool) -> Result<String> {
    let spots: Spots = toml::from_str(text).context("the backup's configuration")?;
    let told = spots.site.data.as_ref().map(toml::Spanned::get_ref);
    let told = folder.join(told.map_or(Path::new("data"), PathBuf::as_path));
    let data = match known {
        Some(known) => known.site.data.clone(),
        None if inside && !told.starts_with(folder) => folder.join("data"),
        None => told.clone(),
    };
    if data == told {
        return Ok(text.to_owned());
    }
    let data = data.strip_prefix(folder).unwrap_or(&data);
    let line = toml::Value::String(data.display().to_string()).to_string();
    let Some(spot) = spots.site.data else {
        return Ok(text.replacen("[box]\n", &format!("[box]\ndata = {line}\n"), 1));
    };
    let mut text = text.to_owned();
    text.replace_range(spot.span(), &line);
    Ok(text)
}

/// The files that `config` names and the backup has: all where `all`, else those of the policy and
/// what is missing. A file elsewhere on this machine that is there stays.
fn parts(archive: &Archive, config: &Config, all: bool) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = Vec::new();
    for (part, path) in files::configuration(config).into_iter().skip(1) {
        let name = format!("config/{part}");
        let ours = (all && path.starts_with(&config.folder)) || part.starts_with("policy.toml");
        if archive.list.files.contains_key(&name) && (ours || !path.exists()) {
            found.push((path, archive.read(&name)?.to_vec()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(data: &str) -> Config {
        let text = format!("[box]\nsite = \"a\"\ndata = \"{data}\"\n");
        Config::parse(&text, Path::new("/new/gateway.toml"), "/new".into()).unwrap()
    }

    #[test]
    fn the_data_folder_is_that_of_the_box_restored_onto() {
        let check = |data: &str, known: Option<&str>, inside: bool, expect: &str| {
            let text = format!("# c\n[box]\nsite = \"a\"\n{data}[mqtt]\n");
            let known = known.map(config);
            let found = with_data(&text, Path::new("/new"), known.as_ref(), inside).unwrap();
            let found = Config::parse(&found, Path::new("g"), "/new".into()).unwrap();
            assert_eq!(found.site.data, Path::new(expect), "{data} {inside}");
        };
        check("", None, true, "/new/data");
        check("data = \"state\"\n", None, true, "/new/state");
        check("data = \"/var/lib/muster\" # c\n", None, true, "/new/data");
        check("data = \"/var/lib/muster\"\n", None, false, "/var/lib/muster");
        check("data = \"/var/lib/muster\"\n", Some("/srv/m"), false, "/srv/m");
        check("", Some("/srv/m"), true, "/srv/m");
    }
}
