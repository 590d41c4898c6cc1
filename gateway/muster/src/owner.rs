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

/// Groups that one user is taken to be in.
const MAX_GROUPS: usize = 64;

/// Goes on as the owner of the box's data, unless a running gateway will do the work.
///
/// # Errors
///
/// Where the system refuses the change.
pub(crate) fn go_on_as_owner(config: &Config) -> Result<()> {
    if UnixStream::connect(config.socket()).is_ok() {
        return Ok(());
    }
    look_as_owner(config)
}

/// Goes on as who typed the command, for what only they may ask of the system. The thread that calls
/// it does, and the programs that it starts.
///
/// # Errors
///
/// Where the system refuses the change.
pub(crate) fn go_on_as_who_asked() -> Result<()> {
    // Of the three the real one never changed.
    set_thread_res_uid(getuid(), getuid(), getuid())
        .and_then(|()| set_thread_res_gid(getgid(), getgid(), getgid()))
        .context("cannot go on as the user who asked")
}

/// Looks at files and ports as the owner of the box's data would, whoever asks: what root may open
/// tells nothing of what the service may.
///
/// # Errors
///
/// Where the system refuses the change.
pub(crate) fn look_as_owner(config: &Config) -> Result<()> {
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
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let mut groups = groups_of(user, &read("/etc/passwd"), &read("/etc/group"));
    groups.push(group);
    set_thread_groups(&groups)?;
    set_thread_res_gid(getgid(), group, getegid())?;
    set_thread_res_uid(getuid(), user, geteuid())
}

/// The groups that list a user, as `dialout` lists who may use serial ports. At most
/// [`MAX_GROUPS`].
fn groups_of(user: Uid, passwd: &str, group: &str) -> Vec<Gid> {
    let id = user.as_raw().to_string();
    let fields = |line: &'_ str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
    let of_user = |line: &Vec<String>| line.get(2).is_some_and(|uid| *uid == id);
    let named = passwd.lines().map(fields).find(of_user).and_then(|line| line.into_iter().next());
    let Some(name) = named else { return Vec::new() };
    let listed = group.lines().map(fields).filter_map(|line| match line.as_slice() {
        [_, _, gid, members] if members.split(',').any(|member| member == name) => gid.parse().ok(),
        _ => None,
    });
    listed.take(MAX_GROUPS).map(Gid::from_raw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_those_that_list_the_user() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\nmuster:x:990:990::/var/lib/muster:/bin/false\n";
        let group = "root:x:0:\ndialout:x:20:alice,muster\ntty:x:5:mustered\nmuster:x:990:\nbad\n";
        let check = |user: u32, expect: &[u32]| {
            let found = groups_of(Uid::from_raw(user), passwd, group);
            assert_eq!(found.iter().map(|gid| gid.as_raw()).collect::<Vec<_>>(), expect);
        };
        check(990, &[20]);
        check(0, &[]);
        check(7, &[]);
    }
}
