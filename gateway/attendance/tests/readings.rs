//! The rules' edges, one case each: a base, the keys that replace its own, what must come out.

mod compare;

use compare::difference;
use muster_attendance::replay::{SCHEMA, replay};
use serde_json::{Value, json};

/// A person in Hong Kong with one shift, 09:00 to 18:00; Monday 2 March 2026; all data is here.
fn base() -> Value {
    json!({
        "site": "hk",
        "sites": {"hk": {"zone": "Asia/Hong_Kong"}, "li": {"zone": "Europe/Lisbon"}},
        "shifts": {"day": {"parts": [["09:00", "18:00"]]}},
        "terminals": {"T": {"site": "hk", "complete_until": "2026-12-01T00:00:00Z"}},
        "now": "2026-12-01T00:00:00Z",
        "range": ["2026-03-02", "2026-03-02"],
    })
}

/// An object with other keys put in.
fn with(mut object: Value, keys: Value) -> Value {
    for (key, value) in keys.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
    object
}

/// A punch of 2 March at `HH:MM` or `HH:MM:SS`, with other keys.
fn punch(id: &str, time: &str, keys: Value) -> Value {
    let seconds = if time.len() == 5 { ":00" } else { "" };
    let at = format!("2026-03-02T{time}{seconds}+08:00");
    with(json!({"id": id, "at": at, "terminal": "T"}), keys)
}

/// A punch as a day lists it.
fn listed(id: &str, used: &str, why: &str) -> Value {
    json!({"id": id, "use": used, "why": why})
}

fn given(id: &str, time: &str) -> Value {
    let direction = if id.starts_with('i') { "in" } else { "out" };
    punch(id, time, json!({"direction": direction}))
}

/// What the whole sheet must have.
fn check(vector: Value, expect: Value) {
    let vector = with(vector, json!({"base": "base"}));
    let document = json!({"schema": SCHEMA, "bases": {"base": base()}, "vectors": [vector]});
    let results = serde_json::to_value(replay(&document.to_string()).unwrap()).unwrap();
    assert_eq!(difference("", &expect, &results[0]), None, "{}", document["vectors"][0]);
}

/// What 2 March must have.
fn check_day(vector: Value, expect: Value) {
    check(vector, json!({"days": {"2026-03-02": expect}}));
}

/// What 2 March must have with these shifts and the punches of a plain day.
fn check_shift(shift: Value, expect: Value) {
    let punches = json!([given("i", "09:00"), given("o", "18:00")]);
    check_day(json!({"shifts": {"day": shift}, "punches": punches}), expect);
}

#[test]
fn who_has_which_shift() {
    let unrostered = |code: &str| json!({"state": "unrostered", "shift": null, "marks": [code]});
    let off = json!({"state": "off", "shift": null, "marks": ["OFF"]});
    let two = json!({"a": {"parts": [["09:00", "18:00"]]}, "b": {"parts": [["09:00", "18:00"]]}});
    check_day(json!({"shifts": two}), unrostered("NO-ROSTER"));
    check_day(json!({"shifts": {}}), unrostered("NO-ROSTER"));
    check_day(json!({"shifts": {}, "params": {"workdays": [7]}}), unrostered("NO-ROSTER"));
    check_day(json!({"params": {"workdays": [7]}}), off.clone());
    check_day(json!({"params": {"default_shift": "none"}}), unrostered("SHIFT-BAD"));
    check_day(json!({"shifts": two, "params": {"default_shift": "b"}}), json!({"shift": "b"}));
    check_day(json!({"roster": []}), json!({"shift": "day"}));
    check_day(json!({"roster": [{"cycle": []}]}), unrostered("NO-ROSTER"));
    check_day(
        json!({"roster": [{"from": "2026-03-03", "cycle": ["day"]}]}),
        unrostered("NO-ROSTER"),
    );
    check_day(json!({"roster": [{"cycle": ["day"]}, {"cycle": [null]}]}), off.clone());
    check_day(
        json!({"roster": [{"cycle": ["day"]}, {"cycle": ["none"]}]}),
        unrostered("SHIFT-BAD"),
    );
    // 2 March 2026 is day 20514 since 1970-01-01; 20514 mod 4 is 2.
    check_day(json!({"roster": [{"cycle": [null, null, "day", null]}]}), json!({"shift": "day"}));
    check_day(json!({"employed": {"to": "2026-03-01"}}), json!({"state": "not_employed"}));
}

#[test]
fn shifts_that_make_no_sense() {
    for shift in [
        json!({}),
        json!({"parts": []}),
        json!({"parts": [["9:00", "18:00"]]}),
        json!({"parts": [["18:00", "09:00"]]}),
        json!({"parts": [["09:00", "49:00"]]}),
        json!({"parts": [["09:00", "12:00"], ["11:00", "18:00"]]}),
        json!({"parts": [["13:00", "18:00"], ["09:00", "12:00"]]}),
        json!({"parts": [["09:00", "18:00"]], "breaks": [{"from": "13:00", "to": "13:00"}]}),
        json!({"parts": [["09:00", "18:00"]], "half_at": "noon"}),
        json!(7),
    ] {
        check_shift(
            shift,
            json!({
                "state": "unrostered", "shift": null, "extra_minutes": 540,
                "marks": ["OT-UNAPPROVED", "SHIFT-BAD"],
            }),
        );
    }
    let touching = json!({"parts": [["09:00", "13:00"], ["13:00", "18:00"]]});
    check_shift(touching, json!({"state": "present", "worked_minutes": 540}));
}

#[test]
fn plans_that_are_empty() {
    let all_break =
        json!({"parts": [["09:00", "18:00"]], "breaks": [{"from": "09:00", "to": "18:00"}]});
    check_shift(
        all_break,
        json!({"state": "off", "break_minutes": 540, "marks": ["OFF", "REST-WORK"]}),
    );
    let holiday = json!([{"date": "2026-03-02"}]);
    let leave = json!([{"date": "2026-03-02", "kind": "full"}]);
    let nothing = json!({"state": "holiday", "leave_minutes": 0, "marks": ["HOLIDAY"]});
    check_day(json!({"holidays": holiday, "leave": leave}), nothing);
    check_day(
        json!({"holidays": [{"date": "2026-03-02", "site": "li"}]}),
        json!({"state": "absent", "marks": ["NO-PUNCH"]}),
    );
    let work = json!({"day": {"parts": [["09:00", "18:00"]], "holidays": "work"}});
    let expect = json!({"state": "absent", "marks": ["HOLIDAY", "NO-PUNCH"]});
    check_day(json!({"holidays": holiday, "shifts": work}), expect);
    let pending = json!([{"date": "2026-03-02", "kind": "full", "status": "pending"}]);
    check_day(json!({"leave": pending}), json!({"state": "absent"}));
}

#[test]
fn leave_and_storms_take_minutes() {
    let hours = json!([{"date": "2026-03-02", "kind": "hours", "from": "08:00", "to": "10:00"}]);
    let storm = json!([{"date": "2026-03-02", "from": "09:30", "to": "11:00"}]);
    let expect = json!({"leave_minutes": 60, "storm_minutes": 60, "planned_minutes": 420});
    check_day(json!({"leave": hours, "storms": storm}), expect);
    let flex =
        json!({"parts": [["09:00", "18:00"]], "kind": "flex", "minutes": 480, "half_at": "12:00"});
    let leave = json!([{"date": "2026-03-02", "kind": "pm"}]);
    let expect = json!({"planned_minutes": 160, "leave_minutes": 360});
    check_day(json!({"shifts": {"day": flex}, "leave": leave}), expect);
    // A storm after midnight takes hours of the night shift that began the day before.
    let night = json!({"day": {"parts": [["22:00", "30:00"]]}});
    let storm = json!([{"date": "2026-03-03", "to": "02:00"}]);
    check_day(json!({"shifts": night, "storms": storm}), json!({"storm_minutes": 120}));
    let eve = json!({"day": {"parts": [["22:00", "30:00"]], "eve": true}});
    let hours = json!([{"date": "2026-03-02", "kind": "hours", "from": "22:00", "to": "24:00"}]);
    check_day(json!({"shifts": eve, "leave": hours}), json!({"leave_minutes": 120}));
}

#[test]
fn clocks_and_other_reasons_not_to_count() {
    let check = |keys: Value, why: &str, marks: Value| {
        let punches = json!([punch("i", "09:00", keys)]);
        let used = if why == "UNPAIRED" { "in" } else { "none" };
        let expect = json!({"punches": [listed("i", used, why)], "marks": marks});
        check_day(json!({"punches": punches}), expect);
    };
    let stored =
        json!({"clock": "unsure", "live": false, "received_at": "2026-03-02T09:00:00+08:00"});
    check(stored, "CLOCK-WAIT", json!(["CLOCK-WAIT", "DATA-WAIT"]));
    check(json!({"clock": "unsure"}), "CLOCK-WAIT", json!(["CLOCK-WAIT", "DATA-WAIT"]));
    let denied = json!({"clock": "unsure", "outcome": "timeout"});
    check(denied, "DENIED", json!(["DENIED", "NO-PUNCH"]));
    let redated =
        json!({"clock": "unsure", "redated_at": "2026-03-02T09:00:00+08:00", "direction": "in"});
    check(redated, "UNPAIRED", json!(["CLOCK-REDATED", "MISSING-OUT"]));
    check(json!({"direction": 255}), "UNPAIRED", json!(["DERIVED", "MISSING-OUT"]));
}

#[test]
fn the_day_a_punch_belongs_to() {
    // The window opens at 05:00, included, and closes at 02:00 the next day, not included.
    let alone = |time: &str, expect: Value| {
        let punches = json!([{"id": "p", "at": format!("{time}+08:00"), "terminal": "T"}]);
        check(
            json!({"punches": punches, "range": ["2026-03-01", "2026-03-03"]}),
            json!({"days": expect}),
        );
    };
    let none = |why: &str| json!({"punches": [{"id": "p", "use": "none", "why": why}]});
    let used = |how: &str| json!({"punches": [{"id": "p", "use": how, "why": "UNPAIRED"}]});
    alone("2026-03-02T04:59:59", json!({"2026-03-02": none("OUTSIDE-WINDOW")}));
    alone("2026-03-02T05:00:00", json!({"2026-03-02": used("in")}));
    alone("2026-03-03T01:59:59", json!({"2026-03-02": used("out"), "2026-03-03": {"punches": []}}));
    alone("2026-03-03T02:00:00", json!({"2026-03-03": none("OUTSIDE-WINDOW")}));
    alone("2026-03-01T09:00:00", json!({"2026-03-01": used("in")}));

    // Between a night's end at 06:00 and the next start at 22:00 the cut is 14:00.
    let night = json!({"day": {"parts": [["22:00", "30:00"]], "before": 960, "after": 960}});
    let between = |time: &str, direction: &str, days: [usize; 2]| {
        let at = format!("2026-03-03T{time}+08:00");
        let punch = json!({"id": "p", "at": at, "direction": direction});
        // On the first of the two nights it is an out, on the second an in.
        let used = if days == [1, 0] { "out" } else { "in" };
        let row = listed("p", used, "UNPAIRED");
        let listed = |count: usize| json!({"punches": vec![row.clone(); count]});
        check(
            json!({"shifts": night, "punches": [punch], "range": ["2026-03-02", "2026-03-03"]}),
            json!({"days": {"2026-03-02": listed(days[0]), "2026-03-03": listed(days[1])}}),
        );
    };
    between("14:00:00", "", [1, 0]);
    between("14:00:01", "", [0, 1]);
    between("14:00:01", "out", [1, 0]);
    between("14:00:00", "in", [0, 1]);
}

#[test]
fn repeats() {
    let check = |punches: [Value; 2], why: Option<&str>| {
        let pair = match why {
            Some(why) => json!([listed("a", "in", "UNPAIRED"), listed("z", "none", why)]),
            None => json!([
                {"id": "a", "use": "in", "why": null}, {"id": "z", "use": "out", "why": null},
            ]),
        };
        check_day(json!({"punches": punches}), json!({"punches": pair}));
    };
    let none = |id: &str, time: &str| punch(id, time, json!({}));
    check([none("a", "09:00:00"), none("z", "09:01:00")], Some("DOUBLE"));
    check([none("a", "09:00:00"), none("z", "09:01:01")], None);
    let out = punch("z", "09:00:10", json!({"direction": "out"}));
    check([punch("a", "09:00:00", json!({"direction": "in"})), out.clone()], None);
    check([none("a", "09:00:00"), out], Some("DOUBLE"));
}

#[test]
fn pairs_of_all_punches() {
    let check = |punches: Value, expect: Value| {
        check_day(json!({"params": {"pairing": "pairs"}, "punches": punches}), expect);
    };
    // In one second the out closes what is open before the in opens anew.
    let list = json!([
        given("i1", "09:00"),
        given("i2", "13:00"),
        given("o1", "13:00"),
        given("o2", "18:00")
    ]);
    check(list, json!({"worked_minutes": 540, "gap_minutes": 0, "marks": []}));
    let list = json!([given("i1", "09:00"), given("i2", "13:00"), given("o2", "18:00")]);
    let expect = json!({
        "state": "missing", "worked_minutes": 300, "first_in": "2026-03-02T09:00:00+08:00",
        "marks": ["MISSING-OUT"],
        "punches": [
            {"id": "i1", "use": "in", "why": "UNPAIRED"},
            {"id": "i2", "use": "in", "why": null},
            {"id": "o2", "use": "out", "why": null},
        ],
    });
    check(list, expect);
    let expect =
        json!({"first_in": null, "last_out": null, "marks": ["MISSING-IN", "MISSING-OUT"]});
    check(json!([given("o1", "09:00"), given("i1", "18:00")]), expect.clone());
    check_day(json!({"punches": [given("o1", "09:00"), given("i1", "18:00")]}), expect);
}

#[test]
fn corrections_on_punches() {
    let fix = |keys: Value| {
        let decided = json!({"by": "x", "approver": "y", "decided_at": "2026-03-10T00:00:00Z"});
        let fix = json!({"id": "c", "op": "set", "punch": "i", "status": "approved"});
        with(with(with(fix, json!({"date": "2026-03-02"})), decided), keys)
    };
    let check = |keys: Value, expect: Value| {
        let punches = json!([given("i", "09:30"), given("o", "18:00")]);
        check_day(json!({"punches": punches, "corrections": [fix(keys)]}), expect);
    };
    let at = "2026-03-02T09:00:00+08:00";
    check(json!({"at": at}), json!({"late_minutes": 0, "first_in": at, "marks": ["CORRECTED"]}));
    check(
        json!({"at": at, "approver": "x"}),
        json!({"late_minutes": 30, "marks": ["CORR-PENDING", "LATE"]}),
    );
    check(json!({"at": at, "status": "rejected"}), json!({"marks": ["LATE"]}));
    check(json!({"at": at, "punch": "unknown"}), json!({"marks": ["LATE"]}));
    check(json!({"op": "add", "id": "o", "at": at}), json!({"marks": ["LATE"]}));
    check(json!({"op": "add"}), json!({"marks": ["LATE"]}));
    let voided = json!([listed("i", "none", "VOIDED"), listed("o", "out", "UNPAIRED")]);
    check(json!({"op": "void"}), json!({"punches": voided, "marks": ["CORRECTED", "MISSING-IN"]}));
    check(json!({"date": "2026-03-01"}), json!({"marks": ["MISSING-IN"]}));
}

#[test]
fn completeness() {
    let check = |until: Value, expect: Value| {
        let terminals = json!({"T": {"site": "hk", "complete_until": until}});
        let punches = json!([given("i", "09:30"), given("o", "17:00")]);
        check_day(json!({"punches": punches, "terminals": terminals}), expect);
    };
    let open = |late: u32, marks: Value| {
        let state = json!({"state": "present", "final": false, "early_minutes": 0});
        with(with(state, json!({"marks": marks})), json!({"late_minutes": late}))
    };
    check(json!("2026-03-02T09:29:59+08:00"), open(0, json!(["DATA-WAIT"])));
    check(json!("2026-03-02T09:30:00+08:00"), open(30, json!(["DATA-WAIT", "LATE"])));
    check(json!("2026-03-03T01:59:59+08:00"), open(30, json!(["DATA-WAIT", "LATE"])));
    check(json!(null), open(0, json!(["DATA-WAIT"])));
    let closed =
        json!({"final": true, "late_minutes": 30, "early_minutes": 60, "marks": ["EARLY", "LATE"]});
    check(json!("2026-03-03T02:00:00+08:00"), closed);
    check_day(json!({"terminals": {}}), json!({"state": "unknown", "final": false}));
    check_day(
        json!({"now": "2026-03-03T01:59:59+08:00"}),
        json!({"state": "unknown", "final": false, "marks": ["DAY-OPEN"]}),
    );
    // A day off is one at once, but final only when the next begins.
    let off = json!({"params": {"workdays": [7]}, "now": "2026-03-02T23:59:59+08:00"});
    check_day(off, json!({"state": "off", "final": false, "marks": ["OFF"]}));
}

#[test]
fn minutes_of_breaks_and_overtime() {
    let day = |keys: Value| {
        let shift = json!({"parts": [["09:00", "18:00"]], "pairing": "pairs"});
        let list = [("i1", "08:00"), ("o1", "12:00"), ("i2", "14:00"), ("o2", "19:00")];
        let punches = list.map(|(id, time)| given(id, time));
        json!({"shifts": {"day": with(shift, keys)}, "punches": punches})
    };
    let expect = |worked: u32, breaks: u32, gap: u32, extra: u32| {
        let minutes = json!({"worked_minutes": worked, "break_minutes": breaks});
        with(minutes, json!({"gap_minutes": gap, "extra_minutes": extra}))
    };
    check_day(day(json!({})), expect(420, 0, 120, 120));
    let lunch = |paid: bool| json!({"breaks": [{"from": "12:00", "to": "13:00", "paid": paid}]});
    check_day(day(lunch(false)), expect(420, 60, 60, 120));
    check_day(day(lunch(true)), expect(480, 0, 60, 120));
    check_day(day(json!({"break_allow": 45, "break_paid": true})), expect(465, 0, 75, 120));
    check_day(day(json!({"kind": "flex", "minutes": 400})), expect(400, 0, 120, 140));
    let mut approved = day(json!({}));
    approved["overtime"] = json!([
        {"date": "2026-03-02", "minutes": 50},
        {"date": "2026-03-02", "minutes": 500, "status": "pending"},
        {"date": "2026-03-02", "minutes": 60}, {"date": "2026-03-03", "minutes": 60},
    ]);
    let marks = json!(["GAP", "OT"]);
    check_day(approved, json!({"overtime_minutes": 110, "extra_minutes": 10, "marks": marks}));
}

#[test]
fn clocks_that_change() {
    // Lisbon skips 01:00 to 02:00 on 29 March 2026 and repeats it on 25 October.
    let check = |date: &str, parts: Value, planned: u32, marks: Value| {
        let vector = json!({
            "site": "li", "range": [date, date], "shifts": {"day": {"parts": [parts]}},
            "params": {"workdays": [1, 2, 3, 4, 5, 6, 7]},
        });
        check(vector, json!({"days": {date: {"planned_minutes": planned, "marks": marks}}}));
    };
    let changed = json!(["DST", "NO-PUNCH"]);
    check("2026-03-28", json!(["22:00", "30:00"]), 420, changed.clone());
    check("2026-10-24", json!(["22:00", "30:00"]), 540, changed.clone());
    check("2026-03-29", json!(["01:30", "10:00"]), 450, json!(["NO-PUNCH"]));
    check("2026-10-25", json!(["01:30", "10:00"]), 570, changed);
}

#[test]
fn what_changed_since_the_close() {
    let check_close = |at: &str, days: Value, corrections: Value, expect: Value| {
        let received = json!({"received_at": "2026-04-03T00:00:00Z", "outcome": "denied"});
        let punches = json!([punch("p", "09:00", received)]);
        let closed = json!({"at": at, "days": days});
        let vector = json!({"punches": punches, "corrections": corrections, "closed": closed});
        check(vector, json!({"adjustments": expect}));
    };
    let before = "2026-04-02T00:00:00Z";
    let changed = |why: Value| {
        let changes = json!({"state": ["present", "absent"]});
        json!([{"date": "2026-03-02", "changes": changes, "why": why}])
    };
    let present = json!({"2026-03-02": {"state": "present", "final": true}});
    check_close(before, present.clone(), json!([]), changed(json!(["BACKFILL"])));
    check_close("2026-04-03T00:00:00Z", present.clone(), json!([]), changed(json!(["OTHER"])));
    let fix = json!([{
        "id": "c", "op": "void", "date": "2026-03-02", "punch": "unknown", "status": "approved",
        "by": "x", "approver": "y", "decided_at": "2026-04-02T00:00:01Z",
    }]);
    check_close(before, present.clone(), fix, changed(json!(["BACKFILL", "CORRECTION"])));
    check_close(
        before,
        json!({"2026-03-02": {"state": "absent", "gone": null}}),
        json!([]),
        json!([]),
    );
    check_close(before, json!({"2026-03-03": {"state": "present"}}), json!([]), json!([]));
    let gone = json!([{"date": "2026-03-02", "changes": {"gone": [1, null]}, "why": ["BACKFILL"]}]);
    check_close(before, json!({"2026-03-02": {"gone": 1}}), json!([]), gone);
}

#[test]
fn a_range_of_a_century_is_refused_with_what_to_do() {
    use jiff::civil::date;
    use muster_attendance::input::Range;
    let check = |first, last, expect: &str| {
        let error = Range::new(first, last).expect_err("no such range");
        assert!(error.to_string().contains(expect), "{error}");
    };
    check(date(1926, 3, 1), date(2026, 3, 1), "ask for it in pieces");
    check(date(2026, 3, 2), date(2026, 3, 1), "");
    assert!(Range::new(date(2017, 1, 1), date(2026, 1, 1)).is_ok());
}
