//! Who may log in, over a restart.

use crate::setting::{NOW_MS, Setting};
use muster_ledger::{Account, Role};

#[tokio::test]
async fn a_code_that_was_used_is_good_no_more_after_a_restart() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let accounts = ledger.accounts();
    for name in ["mei", "lei"] {
        accounts.put("test", Account::new(name, vec![Role::Hr], NOW_MS), true).await.unwrap();
    }
    assert!(accounts.use_factor("mei", 100).await.unwrap());
    for step in [99, 100] {
        assert!(!accounts.use_factor("mei", step).await.unwrap(), "{step}");
    }
    let crashed = setting.crash("after");
    ledger.close().await;
    for setting in [crashed, setting] {
        let (ledger, _) = setting.open();
        let accounts = ledger.accounts();
        assert!(!accounts.use_factor("mei", 100).await.unwrap(), "used before the restart");
        assert!(accounts.use_factor("lei", 100).await.unwrap(), "another's own");
        assert!(accounts.use_factor("mei", 101).await.unwrap());
        ledger.close().await;
    }
}
