//! The device side: links, verify, split, vault.
