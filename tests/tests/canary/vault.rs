//! What a vault holds, opened with the keys of its box while that is switched off.

use anyhow::Result;
use muster_intake::vault::Reader;
use muster_ledger::{Clock, ClockTrust, Ledger, Options, RootKey};
use muster_tests::punch::now_s;
use muster_tests::site::Site;

/// Everything in it: evidence, and whole messages that were set aside.
pub(crate) fn open(site: &Site) -> Result<Vec<Vec<u8>>> {
    let key = std::fs::read(site.data().join("keys/root.key"))?;
    let key = <[u8; 32]>::try_from(key).map_err(|_| anyhow::anyhow!("the root key is odd"))?;
    let (ledger, _) = Ledger::open(Options {
        data: site.data(),
        site: Site::NAME.to_owned(),
        time_zone: "Asia/Hong_Kong".to_owned(),
        root_key: RootKey::new(key),
        clock: Clock::new(|| (now_s() * 1_000, ClockTrust::Trusted)),
        views_cache_bytes: 1 << 20,
    })?;
    let reader = Reader::open(site.data().join("vault"), ledger.keyring());
    let mut held = Vec::new();
    for shelved in reader.list()? {
        held.push(reader.read(&shelved)?.data.to_vec());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(ledger.close());
    Ok(held)
}
