//! Whose the box's files are. The service runs as a user of its own, and administrators type
//! commands as root: what root wrote, the service could not read at its next start. So a command
//! that opens the box itself goes on as the owner of the data folder. Threads inherit it, so it is
//! done before the first one starts. The real user stays, for the journal's name of who acted.

use crate::config::Config;
use anyhow::{Context as _, Result};
use rustix::process::{Gid, Uid, getegid, geteuid, getgid, getuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Goes on as the owner of the box's data, unless a running gateway will do the work.
///
/// # Errors
///
/// Where the system refuses the change.
pub(crate) fn go_on_as_owner(config: &Config) -> Result<()> {
    if UnixStream::connect(config.socket()).is_ok() {
        return Ok(());
    }
    let data = &config.site.data;
    match owner(data) {
        Some((user, group)) if geteuid().is_root() && !user.is_root() => become_owner(user, group)
            .with_context(|| format!("cannot go on as the owner of {}", data.display())),
        _ => Ok(()),
    }
}

/// Owner and group of a folder that exists.
fn owner(folder: &Path) -> Option<(Uid, Gid)> {
    let folder = fs::metadata(folder).ok()?;
    Some((Uid::from_raw(folder.uid()), Gid::from_raw(folder.gid())))
}

/// Groups first: without root's rights they could not be changed any more.
fn become_owner(user: Uid, group: Gid) -> rustix::io::Result<()> {
    set_thread_groups(&[group])?;
    set_thread_res_gid(getgid(), group, getegid())?;
    set_thread_res_uid(getuid(), user, geteuid())
}
