//! What a vault holds, opened with the keys of its box while that is switched off.

use anyhow::Result;
use muster_intake::vault::Reader;
use muster_tests::site::Site;

/// Everything in it: evidence, and whole messages that were set aside.
pub(crate) fn open(site: &Site) -> Result<Vec<Vec<u8>>> {
    let ledger = site.ledger(0)?;
    let reader = Reader::open(site.data().join("vault"), ledger.keyring());
    let mut held = Vec::new();
    for shelved in reader.list()? {
        held.push(reader.read(&shelved)?.data.to_vec());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(ledger.close());
    Ok(held)
}
