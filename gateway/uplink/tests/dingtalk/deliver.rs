//! What arrives, and what is said of it.

use crate::server::{Fault, Server};
use crate::setting::{Setting, Way, start, until};
use muster_ledger::PauseReason;
use muster_uplink::Quota;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn four_fields_are_enough_and_the_region_is_by_contract() {
    let (server, setting) = (Server::start().await, Setting::new().await);
    setting.punch(&["1", "2", "3"]).await;
    let worker = start(&setting, &server, Way::default());
    until("all settled", || setting.destination().settled == 3).await;
    let status = setting.destination();
    assert_eq!(status.by_contract, Some(true));
    assert_eq!((status.backlog, status.rejected), (0, 0));
    {
        let account = server.account();
        assert_eq!(account.wrong, Vec::<String>::new());
        assert_eq!(account.uploads[0]["userid"], "user-1");
        assert_eq!(account.uploads[0]["device_id"], "gate-07");
        let at = account.uploads[0]["user_check_time"].as_i64().unwrap();
        assert_eq!(at % 60_000, 0, "the profile's precision is a minute");
        assert_eq!(account.stored().values().sum::<usize>(), 3);
        assert_eq!(account.tokens, 1);
    }
    worker.stop().await;
    let journal = setting.journal();
    let attested = journal.lines().find(|line| line.contains("\"attested\"")).unwrap();
    assert!(attested.contains("\"contract\"") && attested.contains("\"names\":[\"localhost\"]"));
    assert!(attested.contains("All data stays in Macau."), "the clause is quoted");
    assert!(attested.contains("\"regions\":[]") && !attested.contains("\"endpoint\""));
    assert!(journal.contains("call-1"), "the call's id is the receipt");
    assert!(!journal.contains("the secret") && !journal.contains("token-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_quoted_clause_nothing_goes() {
    let server = Server::start().await;
    let setting = Setting::unquoted().await;
    setting.punch(&["1"]).await;
    let worker = start(&setting, &server, Way::default());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(server.account().uploads.len(), 0);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_company_stops_it_before_a_punch() {
    let (server, setting) = (Server::start().await, Setting::new().await);
    server.account().token_corp = Some("ding-theirs".into());
    setting.punch(&["1"]).await;
    let worker = start(&setting, &server, Way::default());
    let paused = || matches!(setting.destination().paused, Some(PauseReason::WrongTenant(_)));
    until("paused", paused).await;
    assert_eq!(server.account().uploads.len(), 0);
    assert_eq!(setting.destination().backlog, 1);
    server.account().token_corp = Some(crate::server::CORP.into());
    until("mended, it goes on", || setting.destination().settled == 1).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_pinned_gets_nothing() {
    let (server, setting) = (Server::start().await, Setting::new().await);
    setting.punch(&["1"]).await;
    let pins = vec!["00".repeat(32)];
    let worker = start(&setting, &server, Way { pins, ..Way::default() });
    let paused = || matches!(setting.destination().paused, Some(PauseReason::WrongRegion(_)));
    until("paused", paused).await;
    assert_eq!(server.account().tokens, 0, "not even a token was asked for");
    worker.stop().await;
    let pins = vec!["00".repeat(32), server.pin.clone()];
    let worker = start(&setting, &server, Way { pins, ..Way::default() });
    until("the pinned key is taken", || setting.destination().settled == 1).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_month_s_calls_are_counted_over_a_restart() {
    let (server, setting) = (Server::start().await, Setting::new().await);
    setting.punch(&["1", "2", "3", "4", "5", "6"]).await;
    let quota = Quota { month: 5, second: 1000 };
    let worker = start(&setting, &server, Way { quota, ..Way::default() });
    let paused = |s: &Setting| matches!(s.destination().paused, Some(PauseReason::Quota(_)));
    until("the quota is spent", || paused(&setting)).await;
    worker.stop().await;
    let made = server.account().uploads.len();
    assert_eq!(made, 5, "connecting is no call");
    let meter = setting.destination().meter.unwrap();
    assert_eq!((meter.month, meter.calls, meter.limit), (202_612, 5, 5));
    let setting = setting.restart().await;
    assert_eq!(setting.destination().meter.unwrap().calls, 5);
    let worker = start(&setting, &server, Way { quota, ..Way::default() });
    until("still spent", || paused(&setting)).await;
    worker.stop().await;
    assert_eq!(server.account().uploads.len(), made, "no call too many");
    setting.pass(Duration::from_secs(31 * 86_400));
    let worker = start(&setting, &server, Way { quota, ..Way::default() });
    until("a new month", || setting.destination().backlog == 0).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_keep_their_pace() {
    let (server, setting) = (Server::start().await, Setting::new().await);
    setting.punch(&["1", "2", "3", "4", "5"]).await;
    let quota = Quota { month: 0, second: 10 };
    let worker = start(&setting, &server, Way { quota, ..Way::default() });
    until("all settled", || setting.destination().settled == 5).await;
    let times = server.account().times.clone();
    let took = times[4] - times[0];
    assert!(took >= Duration::from_millis(350), "{took:?}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_back_finds_doubles_and_losses() {
    let (server, setting) = (Server::start().await, Setting::new().await);
    server.account().script = [Fault::None, Fault::Doubled, Fault::Lost].into();
    setting.punch(&["1", "2", "3"]).await;
    let way = Way { read_back: Duration::from_secs(60), ..Way::default() };
    let worker = start(&setting, &server, way);
    until("all settled", || setting.destination().settled == 3).await;
    setting.pass(Duration::from_secs(61));
    until("read back", || !server.account().lists.is_empty()).await;
    worker.stop().await;
    let journal = setting.journal();
    assert!(journal.contains("read back: 1 there more than once, 1 not there"), "{journal}");
    assert_eq!(server.account().wrong, Vec::<String>::new());
}
