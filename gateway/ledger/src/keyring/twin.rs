//! Small numbers that must survive a crash while they are overwritten: two copies in turn.
//!
//! A record is a payload of fixed size and its CRC-32C, kept at byte 0 and at byte 512 of the file
//! (two sectors). Writing overwrites the older copy in place, which needs no room on a full disk
//! once the file exists.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

const COPY_AT: [u64; 2] = [0, 512];

/// The newest whole record in the file, by `order`; `None` where there is none.
pub(crate) fn load<const N: usize, K: Ord>(
    path: &Path,
    order: impl Fn(&[u8; N]) -> K,
) -> Option<[u8; N]> {
    let file = File::open(path).ok()?;
    COPY_AT.iter().filter_map(|&at| read_copy(&file, at)).max_by_key(order)
}

/// Writes `record` over the older copy.
pub(crate) fn store<const N: usize, K: Ord>(
    path: &Path,
    record: &[u8; N],
    order: impl Fn(&[u8; N]) -> K,
    sync: bool,
) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let new = !path.exists();
    let file = options.open(path)?;
    let [first, second] = COPY_AT.map(|at| read_copy(&file, at));
    let keep_first = match (&first, &second) {
        (Some(a), Some(b)) => order(a) >= order(b),
        (first, _) => first.is_some(),
    };
    let mut bytes = [0; 512];
    let crc = crc32c::crc32c(record).to_le_bytes();
    for (into, from) in bytes.iter_mut().zip(record.iter().chain(&crc)) {
        *into = *from;
    }
    file.write_all_at(&bytes, COPY_AT[keep_first as usize])?;
    if sync {
        file.sync_all()?;
    }
    if new { super::sealed::sync_dir(path.parent().unwrap_or(Path::new(""))) } else { Ok(()) }
}

fn read_copy<const N: usize>(file: &File, at: u64) -> Option<[u8; N]> {
    let (mut record, mut crc) = ([0; N], [0; 4]);
    file.read_exact_at(&mut record, at).ok()?;
    file.read_exact_at(&mut crc, at + N as u64).ok()?;
    (crc32c::crc32c(&record) == u32::from_le_bytes(crc)).then_some(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_whole_copy_counts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("n");
        let order = |r: &[u8; 4]| u32::from_le_bytes(*r);
        assert_eq!(load(&path, order), None);
        for n in 1..=5u32 {
            store(&path, &n.to_le_bytes(), order, true).unwrap();
            assert_eq!(load(&path, order), Some(n.to_le_bytes()));
        }
        let whole = std::fs::read(&path).unwrap();
        for at in 0..8 {
            let mut torn = whole.clone();
            torn[at] ^= 1;
            std::fs::write(&path, &torn).unwrap();
            assert_eq!(load(&path, order), Some(4u32.to_le_bytes()), "newest copy damaged");
            torn[512 + at] ^= 1;
            std::fs::write(&path, &torn).unwrap();
            assert_eq!(load(&path, order), None);
        }
    }
}
