//! What goes wrong on the way: nothing is lost, nothing is sent a second time.

use crate::server::{Fault, Server};
use crate::setting::{NOW_MS, Setting, Way, start, until};
use muster_ledger::PauseReason;
use muster_ledger::trail::Span;
use std::time::Duration;

const PEOPLE: [&str; 8] = ["1", "2", "3", "4", "5", "6", "7", "8"];

#[tokio::test(flavor = "multi_thread")]
async fn after_every_fault_each_punch_is_there_once() {
    let (server, setting) = (Server::start().await, Setting::new().await);
    server.account().script = [
        Fault::Status(500),
        Fault::TakenAndCut,
        Fault::Status(429),
        Fault::TakenAndSilent,
        Fault::Code(-1),
        Fault::TakenAndGarbled,
        Fault::Status(502),
        Fault::Code(40014),
        Fault::Code(90018),
    ]
    .into();
    setting.punch(&PEOPLE).await;
    let worker = start(&setting, &server, Way::default());
    until("all settled", || setting.destination().settled == 8).await;
    worker.stop().await;
    let account = server.account();
    assert_eq!(account.stored().into_values().collect::<Vec<_>>(), [1; 8]);
    assert_eq!(account.wrong, Vec::<String>::new());
    assert!(!account.lists.is_empty(), "what may have arrived was looked for");
    assert_eq!(setting.destination().rejected, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_the_call_sends_nothing_again() {
    let (server, setting) = (Server::start().await, Setting::new().await);
    server.account().script = [Fault::TakenAndSilent].into();
    setting.punch(&["1"]).await;
    let worker = start(&setting, &server, Way::default());
    until("taken", || server.account().rows.len() == 1).await;
    worker.stop().await;
    let setting = setting.restart().await;
    let worker = start(&setting, &server, Way::default());
    until("found there", || setting.destination().settled == 1).await;
    worker.stop().await;
    assert_eq!(server.account().uploads.len(), 1);
    assert!(setting.journal().contains("read back: 1"), "the row is the receipt");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_refused_does_not_hold_up_the_others() {
    let (server, setting) = (Server::start().await, Setting::new().await);
    server.account().script = [Fault::Code(60121)].into();
    setting.punch(&["1", "2"]).await;
    let worker = start(&setting, &server, Way::default());
    until("both answered", || {
        let status = setting.destination();
        (status.settled, status.rejected) == (1, 1)
    })
    .await;
    worker.stop().await;
    let journal = setting.journal();
    assert!(journal.contains("errcode 60121") && !journal.contains("said in words"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quota_error_pauses_and_loses_nothing() {
    let (server, setting) = (Server::start().await, Setting::new().await);
    server.account().script = [Fault::None, Fault::Code(90020)].into();
    setting.punch(&["1", "2", "3"]).await;
    let worker = start(&setting, &server, Way::default());
    let paused = || matches!(setting.destination().paused, Some(PauseReason::Quota(_)));
    until("paused", paused).await;
    assert_eq!((setting.destination().settled, setting.destination().backlog), (1, 2));
    worker.stop().await;
    let worker = start(&setting, &server, Way::default());
    until("raised, it goes on", || setting.destination().settled == 3).await;
    worker.stop().await;
    assert_eq!(server.account().stored().into_values().collect::<Vec<_>>(), [1; 3]);
}

/// DingTalk takes nothing older than 180 days. What passes that horizon while the line or the power
/// is down is never sent; it stays here with its reason, and the others go.
#[tokio::test(flavor = "multi_thread")]
async fn what_grows_older_than_the_horizon_while_it_waits_is_held() {
    const HORIZON: i64 = 180 * 86_400;
    let (server, setting) = (Server::start().await, Setting::new().await);
    let hour = Duration::from_secs(3_600);
    setting.punch_from(NOW_MS / 1000 - HORIZON, &["1"]).await;
    setting.punch_from(NOW_MS / 1000 - HORIZON + 3 * 3_600, &["2"]).await;
    assert_eq!(setting.destination().backlog, 2, "both are young enough yet");
    setting.punch_from(NOW_MS / 1000 - HORIZON - 3_600, &["3"]).await;
    let held = |setting: &Setting| setting.ledger.status().held.get("D-180").copied();
    assert_eq!(held(&setting), Some(1), "too old on arrival");
    let setting = setting.restart().await;
    setting.pass(hour);
    let worker = start(&setting, &server, Way::default());
    until("the younger is there", || setting.destination().settled == 1).await;
    until("the elder is held", || held(&setting) == Some(2)).await;
    worker.stop().await;
    assert_eq!(setting.destination().backlog, 0);
    {
        let account = server.account();
        assert_eq!(account.uploads.len(), 1);
        assert_eq!(account.uploads[0]["userid"], "user-2");
    }
    let trail = setting.ledger.trail();
    let span = Span { from_ms: NOW_MS - 86_400_000, to_ms: NOW_MS + 86_400_000 };
    let figures = tokio::task::spawn_blocking(move || trail.figures(span).unwrap()).await.unwrap();
    let one = &figures.destinations[0];
    assert_eq!((one.permitted, one.settled, one.expired, one.outstanding), (2, 1, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_another_company_stop_it() {
    let (server, setting) = (Server::start().await, Setting::new().await);
    {
        let mut account = server.account();
        account.script = [Fault::TakenAndCut].into();
        account.row_corp = Some("ding-theirs".into());
    }
    setting.punch(&["1"]).await;
    let worker = start(&setting, &server, Way::default());
    let paused = || matches!(setting.destination().paused, Some(PauseReason::WrongTenant(_)));
    until("paused", paused).await;
    assert_eq!(setting.destination().backlog, 1);
    worker.stop().await;
}
