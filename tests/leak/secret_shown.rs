//! Keys are in no log.

use muster_ledger::{RootKey, Secret};

fn leak(root: &RootKey, secret: &Secret) -> String {
    format!("{root:?} {secret:?}")
}

fn main() {}
