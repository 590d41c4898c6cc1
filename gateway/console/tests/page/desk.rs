//! The request desk, where data goes, and an M1's card.

use crate::governance::{POLICY, govern_with, send};
use crate::site::Site;
use muster_ledger::{DeviceKind, DeviceState, Role};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_asks_for_is_noted_answered_once_and_handed_over() {
    let site = Site::open().await;
    let mut dpo = site.member("ho.mei", &[Role::Dpo], &[]).await;
    let mut auditor = site.member("an.auditor", &[Role::Auditor], &[]).await;
    govern_with(&site, POLICY).await;
    let person = site.person("00017", "Chan Tai Man", "Kitchen").await;
    let (number, page) = (person.0.to_string(), format!("/people/{}/rights", person.0));
    let about = ("person", number.as_str());
    assert!(dpo.get(&page).await.body.contains("<option value=\"MO\" selected>"), "the law here");
    let ask = [about, ("right", "export"), ("law", "MO")];
    let noted = send(&mut dpo, &page, "/governance/rights", &ask).await;
    assert!(noted.status == 200 && noted.body.contains("a copy to take away"), "{}", noted.body);
    assert!(noted.body.contains("answer owed"));
    for (right, law, expect) in [("export", "XX", 400), ("nonsense", "MO", 422)] {
        let bad = [about, ("right", right), ("law", law)];
        assert_eq!(send(&mut dpo, &page, "/governance/rights", &bad).await.status, expect);
    }

    for (form, ending, expect) in [("json", "json", "Json"), ("csv", "csv", "Csv")] {
        let take = [about, ("form", form)];
        let file = send(&mut dpo, &page, "/governance/take", &take).await;
        assert_eq!((file.status, file.body.as_str()), (200, &*format!("ho.mei 00017 {expect}")));
        let name = format!("attachment; filename=\"person-{number}.{ending}\"");
        assert_eq!(file.header("content-disposition"), name);
    }
    assert_eq!(site.journal().matches("took a copy of what is held on one person").count(), 2);

    let answer = [about, ("number", "1"), ("answer", "handed over on paper")];
    let told = send(&mut dpo, &page, "/governance/rights/answer", &answer).await;
    assert!(told.status == 200 && told.body.contains(">answered<"), "{}", told.body);
    let second = send(&mut dpo, &page, "/governance/rights/answer", &answer).await;
    assert!(second.status == 409 && second.body.contains("Somebody else noted an answer"));
    let other = [("person", "12345"), ("number", "1"), ("answer", "x")];
    assert_eq!(send(&mut dpo, &page, "/governance/rights/answer", &other).await.status, 404);

    // Auditors read, and take nothing away.
    let seen = auditor.get(&page).await;
    assert!(seen.body.contains("Chan Tai Man") && !seen.body.contains("/governance/take"));
    let take = [("csrf", seen.csrf()), ("person", number.clone()), ("form", "json".to_owned())];
    let take: Vec<_> = take.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert_eq!(auditor.post("/governance/take", &take).await.status, 404);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_put_right_with_a_trail_in_one_batch_and_nothing_else_is() {
    let site = Site::open().await;
    let mut dpo = site.member("ho.mei", &[Role::Dpo], &[]).await;
    let person = site.person("00017", "Chan Tai Man", "Kitchen").await;
    let (number, page) = (person.0.to_string(), format!("/people/{}/rights", person.0));
    let form = |name: &'static str, was: &'static str, reason: &'static str| {
        [("name", name), ("was", was), ("reason", reason), ("department", "Office")]
    };
    let about = [("person", number.as_str())];
    for (fields, status) in [
        (form("  ", "Chan Tai Man", "as they say"), 422),
        (form("Chan Tai-man", "Chan Tai Man", " "), 422),
        (form("陳大文", "Chan Tai Man", "as on the identity card"), 200),
    ] {
        let fields = [&about[..], &fields].concat();
        let answer = send(&mut dpo, &page, "/governance/correct", &fields).await;
        assert_eq!(answer.status, status, "{fields:?}");
    }
    let profile = site.ledger.directory().profile(person).expect("a person");
    assert_eq!(profile.name.as_deref(), Some("陳大文"));
    assert_eq!(profile.department.as_deref(), Some("Kitchen"), "what frees stays");
    let told = site.journal();
    let corrected = told.lines().filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok());
    let acts: Vec<_> = corrected.filter(|line| line["act"] == "person-corrected").collect();
    let [act] = acts.as_slice() else { panic!("one act: {acts:?}") };
    let batch = format!("\"batch\":{}", act["batch"]);
    let written = told.lines().filter(|l| l.contains(&batch) && l.contains("person-written"));
    assert_eq!(written.count(), 1, "in one batch with what it changed");
    // Another's page is of before: nothing is overwritten, and what was typed is still there.
    let stale = [&about[..], &form("Chan", "Chan Tai Man", "typed by mistake")].concat();
    let met = send(&mut dpo, &page, "/governance/correct", &stale).await;
    assert_eq!(met.status, 409);
    for expect in ["it is 陳大文 now", "value=\"Chan\"", "value=\"typed by mistake\""] {
        assert!(met.body.contains(expect), "{expect}: {}", met.body);
    }
    assert_eq!(site.ledger.directory().profile(person).expect("one").name.unwrap(), "陳大文");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_begins_where_its_question_is_answered() {
    let site = Site::open().await;
    for (name, roles, first) in [
        ("a", &[Role::Hr][..], "/today"),
        ("b", &[Role::Facilities], "/terminals"),
        ("c", &[Role::Dpo], "/flows"),
        ("d", &[Role::ItAdmin], "/flows"),
        ("e", &[Role::Auditor], "/flows"),
        ("f", &[Role::Dpo, Role::Hr], "/today"),
        ("g", &[Role::Security], "/onsite"),
        ("h", &[Role::Employee], "/own"),
    ] {
        let mut browser = site.member(name, roles, &[]).await;
        let home = browser.get("/").await;
        assert_eq!((home.status, home.header("location")), (303, first), "{roles:?}");
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_data_goes_is_drawn_with_a_table_and_what_nobody_declared_is_red() {
    let site = Site::open().await;
    let mut dpo = site.member("ho.mei", &[Role::Dpo], &[]).await;
    govern_with(&site, POLICY).await;
    let person = site.person("00017", "Chan Tai Man", "Kitchen").await;
    site.punch(1, Some(person)).await;
    let bridge = site.ledger.devices().intern("bridge-<1>").expect("a terminal");
    let fact = muster_attendance::Attendance {
        device: bridge,
        boot: 1,
        seq: 1,
        person: Some(person),
        at: muster_attendance::DeviceTime {
            seconds: crate::site::now_ms() / 1000,
            offset_minutes: 480,
        },
        received_ms: crate::site::now_ms(),
        method: muster_attendance::Method::Card,
        outcome: muster_attendance::Outcome::Granted,
        direction: None,
        live: true,
        clock: muster_attendance::DeviceClock::Ok,
    };
    site.ledger.committer().commit(vec![fact]).await.expect("a commit");
    let shown = dpo.get("/flows").await;
    for expect in [
        "Where data goes",
        "<svg",
        "bridge-&#60;1&#62;",
        "badge bad",
        "1 thing was seen that nobody declared",
        "What would free it",
    ] {
        assert!(shown.body.contains(expect), "{expect}: {}", shown.body);
    }
    assert!(!shown.body.contains("bridge-<1>"), "names are escaped in the picture too");
    assert_eq!(shown.header("refresh"), "", "nothing to wait for");
    let mut hr = site.member("mei", &[Role::Hr], &[]).await;
    assert_eq!(hr.get("/flows").await.status, 404);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_m1_comes_in_by_its_card_and_is_replaced_in_one_step() {
    let site = Site::open().await;
    let mut fong = site.member("fong", &[Role::Facilities], &[]).await;
    let page = "/terminals/pair";
    let card = [("name", "gate-09"), ("address", "3")];
    let made = send(&mut fong, page, "/terminals/card", &card).await;
    assert_eq!((made.status, made.body.as_str()), (200, "card of gate-09 at 3"));
    assert_eq!(made.header("content-disposition"), "attachment; filename=\"m1-card.img\"");
    assert_eq!(made.header("cache-control"), "no-store");
    for (name, address) in [("", "1"), ("gate-10", "0"), ("gate-10", "248")] {
        let bad = [("name", name), ("address", address)];
        let refused = send(&mut fong, page, "/terminals/card", &bad).await;
        assert_eq!(refused.status, 422, "{name} {address}");
        assert!(refused.body.contains("Nothing was paired"));
    }
    let shown = fong.get(page).await;
    assert!(shown.body.contains("Replace by a new card"), "{}", shown.body);
    let replace = [("name", "gate-01"), ("address", "1"), ("replaces", "true")];
    let made = send(&mut fong, page, "/terminals/card", &replace).await;
    assert_eq!((made.status, made.body.as_str()), (200, "card of gate-01 at 1"));
    let gate = site.ledger.devices().find("gate-01").expect("a terminal");
    assert_eq!(gate.state, DeviceState::Revoked, "the old one is shut out in the same step");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_far_a_terminal_is_shows_without_loading_anew() {
    let site = Site::open().await;
    let mut fong = site.member("fong", &[Role::Facilities], &[]).await;
    let form = [("name", "hall 2"), ("kind", "m2"), ("carrier", ""), ("host", "")];
    let made = send(&mut fong, "/terminals/pair", "/terminals/pair", &form).await;
    let ask = "hx-get=\"/terminals/pair/hall%202/live\"";
    assert!(made.body.contains(ask) && made.body.contains("Waiting for the terminal"));
    let devices = site.ledger.devices();
    devices.pair("hall 2", DeviceKind::M2, None, None, None).await.expect("a terminal");
    let came = fong.get("/terminals/pair/hall%202/live").await.body;
    assert!(came.contains(ask) && came.contains("make a test punch"), "{came}");
    let works = fong.get("/terminals/pair/gate-01/live").await.body;
    assert!(works.contains("hx-get"), "no punch yet: {works}");
    let person = site.person("00017", "Chan Tai Man", "Kitchen").await;
    site.punch(1, Some(person)).await;
    let works = fong.get("/terminals/pair/gate-01/live").await.body;
    assert!(works.contains("badge good") && !works.contains("hx-get"), "{works}");
    let mut hr = site.member("mei", &[Role::Hr], &[]).await;
    assert_eq!(hr.get("/terminals/pair/gate-01/live").await.status, 404);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replacing_a_terminal_shuts_the_old_one_out_and_gives_the_new_one_its_code() {
    let site = Site::open().await;
    let devices = site.ledger.devices();
    devices.pair("gate-07", DeviceKind::M2, None, None, None).await.expect("a terminal");
    let mut fong = site.member("fong", &[Role::Facilities], &[]).await;
    let form = [("name", "gate-07"), ("kind", "m2"), ("carrier", ""), ("replaces", "true")];
    let made = send(&mut fong, "/terminals/pair", "/terminals/pair", &form).await;
    assert!(made.status == 200 && made.body.contains("a1b2-c3d4-e5f6"), "{}", made.body);
    assert_eq!(devices.find("gate-07").expect("one").state, DeviceState::Revoked);
    let unknown = [("name", "nowhere"), ("kind", "m2"), ("carrier", ""), ("replaces", "true")];
    let refused = send(&mut fong, "/terminals/pair", "/terminals/pair", &unknown).await;
    assert_eq!(refused.status, 404, "only what is there is replaced");
    site.close().await;
}
