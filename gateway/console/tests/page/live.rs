//! The live board: soon, bounded, and over when the session is.

use crate::browser::Browser;
use crate::office::enter;
use crate::site::{Site, now_ms, today};
use muster_attendance::PersonId;
use muster_ledger::{Change, Role};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt};

/// From punch to screen, at most.
const SOON: Duration = Duration::from_secs(2);

/// Reads until `wanted` is there.
async fn read_until(stream: &mut (impl AsyncRead + Unpin), wanted: &str) -> String {
    let (mut text, mut buffer) = (String::new(), vec![0; 16 * 1024]);
    let reading = async {
        while !text.contains(wanted) {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(n) => text += &String::from_utf8_lossy(&buffer[..n]),
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(10), reading).await;
    assert!(text.contains(wanted), "no {wanted:?} in {text:?}");
    text
}

/// The address of the events that a page of the board asks for.
async fn events(browser: &mut Browser) -> String {
    stream_of(&browser.get("/today").await.body)
}

fn stream_of(page: &str) -> String {
    let address = page.split("data-stream=\"").nth(1).and_then(|rest| rest.split('"').next());
    address.expect("a stream").replace("&#38;", "&").replace("&amp;", "&")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_punch_is_on_the_board_within_two_seconds() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana <b>Lei", "kitchen").await;
    let mut browser = site.member("mei", &[Role::Hr], &[]).await;
    let address = events(&mut browser).await;
    let mut stream = browser.open(&format!("GET {address} HTTP/1.1"), "").await;
    read_until(&mut stream, "text/event-stream").await;
    for seq in 1..=3 {
        let began = Instant::now();
        site.punch(seq, Some(ana)).await;
        // The last field of the event.
        let told = read_until(&mut stream, "\"gone\":").await;
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        assert!(told.contains("Ana &#60;b&#62;Lei") && !told.contains("Ana <b>"), "{told}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    site.close().await;
}

/// Whether a shift from midnight on has begun so long ago that who is not there is late.
pub(crate) fn due_by_now() -> bool {
    let now = jiff::Zoned::now().in_tz("Asia/Macau").expect("a zone");
    (now.hour(), now.minute()) >= (0, 6)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_late_or_not_in_yet_is_on_the_board_as_planned() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana Lei", "kitchen").await;
    let rui = site.person("00018", "Rui Costa", "office").await;
    let mut all = site.member("mei", &[Role::Hr], &[]).await;
    let mut kitchen = site.member("lei", &[Role::Hr], &["kitchen"]).await;
    let unplanned = all.get("/today").await.body;
    assert!(!unplanned.contains("Not in yet"), "without a plan nobody is missing");
    assert_eq!(enter(&mut all, "shifts", "shift,parts\nday,00:00-24:00").await.0, 303);
    assert_eq!(enter(&mut all, "usual", "shift,workdays\nday,1 2 3 4 5 6 7").await.0, 303);
    tokio::time::sleep(Duration::from_millis(300)).await;

    let due = due_by_now();
    let missing = all.get("/today?show=missing").await.body;
    let listed = |page: &str, person: PersonId| page.contains(&format!("id=\"p{}\"", person.0));
    assert_eq!((listed(&missing, ana), listed(&missing, rui)), (due, due), "{missing}");
    let own = kitchen.get("/today?show=missing").await.body;
    assert_eq!((listed(&own, ana), listed(&own, rui)), (due, false), "{own}");

    let address = stream_of(&missing);
    let mut stream = all.open(&format!("GET {address} HTTP/1.1"), "").await;
    read_until(&mut stream, "text/event-stream").await;
    let began = Instant::now();
    site.punch(1, Some(ana)).await;
    read_until(&mut stream, &format!("\"gone\":[\"p{}\"", ana.0)).await;
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());

    let missing = kitchen.get("/today?show=missing").await.body;
    assert!(!listed(&missing, ana), "{missing}");
    let late = kitchen.get("/today?show=late").await.body;
    assert_eq!((listed(&late, ana), late.contains("Late: due 00:00")), (due, due), "{late}");

    // A coming by a correction is one, and without the plan nobody is late.
    let plans = site.ledger.plans();
    let (date, add) = (today().parse().expect("a date"), |at| Change::Add { at, direction: None });
    let number = plans.ask("mei", rui, date, add(now_ms() / 1000), "forgot").await.expect("asked");
    assert_eq!(listed(&all.get("/today?show=missing").await.body, rui), due, "asked is not yet");
    plans.decide("lei", number, true).await.expect("decided");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!listed(&all.get("/today?show=missing").await.body, rui));
    for (number, _) in plans.entries(None) {
        plans.remove("mei", number).await.expect("removed");
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!all.get("/today").await.body.contains("Not in yet"));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_board_of_before_is_told_to_load_afresh() {
    let site = Site::open().await;
    let mut browser = site.member("mei", &[Role::Hr], &[]).await;
    events(&mut browser).await;
    let head = "GET /today/live?show=all&since=1.1 HTTP/1.1";
    read_until(&mut browser.open(head, "").await, "event: stale").await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_on_ends_with_the_session() {
    let site = Site::open().await;
    let mut browser = site.member("mei", &[Role::Hr], &[]).await;
    let address = events(&mut browser).await;
    let mut stream = browser.open(&format!("GET {address} HTTP/1.1"), "").await;
    read_until(&mut stream, "text/event-stream").await;
    let csrf = browser.get("/today").await.csrf();
    browser.post("/logout", &[("csrf", &csrf)]).await;
    let ana = site.person("00017", "Ana", "kitchen").await;
    site.punch(1, Some(ana)).await;
    let told = read_until(&mut stream, "event: bye").await;
    assert!(!told.contains("Ana"));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_never_read_hold_nobody_up() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana", "kitchen").await;
    let mut browser = site.member("mei", &[Role::Hr], &[]).await;
    let address = events(&mut browser).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(browser.open(&format!("GET {address} HTTP/1.1"), "").await);
    }
    for seq in 1..=50 {
        site.punch(seq, Some(ana)).await;
    }
    let mut stream = browser.open(&format!("GET {address} HTTP/1.1"), "").await;
    let began = Instant::now();
    read_until(&mut stream, "event: board").await;
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert_eq!(browser.get("/today").await.status, 200);
    site.close().await;
}

/// What is rendered once is rendered once for all who see the same, and for nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_told_of_their_own_departments_in_their_own_language() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana Lei", "kitchen").await;
    let rui = site.person("00018", "Rui Costa", "office").await;
    let mut all = site.member("all", &[Role::Hr], &[]).await;
    let mut kitchen = site.member("kit", &[Role::Hr], &["kitchen"]).await;
    let mut foreign = site.member("zh", &[Role::Hr], &["kitchen"]).await;
    foreign.cookies.insert("__Host-language".to_owned(), "zh-Hant".to_owned());
    let mut streams = Vec::new();
    for browser in [&mut all, &mut kitchen, &mut foreign] {
        let address = events(browser).await;
        let mut stream = browser.open(&format!("GET {address} HTTP/1.1"), "").await;
        read_until(&mut stream, "text/event-stream").await;
        streams.push(stream);
    }
    for (seq, person) in [(1, rui), (2, ana)] {
        site.punch(seq, Some(person)).await;
    }
    let mut told = Vec::new();
    for stream in &mut streams {
        told.push(read_until(stream, "Ana Lei").await);
    }
    assert!(told[0].contains("Rui Costa"), "{}", told[0]);
    assert!(!told[1].contains("Rui Costa") && !told[2].contains("Rui Costa"), "{told:?}");
    assert!(told[1].contains("In now") && !told[2].contains("In now"), "{told:?}");
    site.close().await;
}
