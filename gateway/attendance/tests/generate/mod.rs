//! Vectors of the shared format, generated: plain days, and most of what can make a day odd.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A value of a list, as JSON.
fn one_of(values: &[Value]) -> impl Strategy<Value = Value> + use<> {
    prop::sample::select(values.to_vec())
}

/// Words, as JSON strings; an empty word is null.
fn word(words: &str) -> impl Strategy<Value = Value> + use<> {
    let word = |word: &str| if word == "-" { Value::Null } else { json!(word) };
    one_of(&words.split(' ').map(word).collect::<Vec<_>>())
}

fn date() -> impl Strategy<Value = String> {
    let march = (20u8..=31).prop_map(|day| format!("2026-03-{day:02}"));
    let october = (20u8..=31).prop_map(|day| format!("2026-10-{day:02}"));
    prop_oneof![12 => march, 1 => october]
}

fn time() -> impl Strategy<Value = String> {
    (0u16..=48 * 6).prop_map(|tens| format!("{:02}:{:02}", tens / 6, tens % 6 * 10))
}

/// Second after second around the range, often the same ones again.
fn instant() -> impl Strategy<Value = String> {
    let second = prop_oneof![3 => Just(0u8), 1 => 0u8..60];
    let minute = prop_oneof![3 => (0u8..6).prop_map(|tens| tens * 10), 1 => 0u8..60];
    let offset = prop::sample::select(vec!["Z", "+08:00", "-03:30"]);
    (date(), 0u8..24, minute, second, offset).prop_map(|(date, hour, minute, second, offset)| {
        format!("{date}T{hour:02}:{minute:02}:{second:02}{offset}")
    })
}

fn maybe<T: Into<Value> + Clone + std::fmt::Debug>(
    strategy: impl Strategy<Value = T>,
) -> impl Strategy<Value = Value> {
    option::of(strategy).prop_map(|value| value.map_or(Value::Null, Into::into))
}

fn parameters() -> impl Strategy<Value = Value> {
    let windows = (maybe(0u32..3000), maybe(0u32..3000), maybe(0u32..30), maybe(0u32..30));
    let shares = (maybe(0u32..120), maybe(0u32..120), word("- first_last pairs pairs"));
    let rest = (maybe(0u32..4000), maybe(0u32..90), maybe(any::<bool>()), maybe(0u32..60));
    let step = one_of(&[Value::Null, json!(1), json!(5), json!(15), json!(60)]);
    let round = (step, word("- nearest employee company"));
    (windows, shares, rest, round).prop_map(|(windows, shares, rest, round)| {
        json!({
            "before": windows.0, "after": windows.1,
            "grace_in": windows.2, "grace_out": windows.3,
            "half_percent": shares.0, "absent_percent": shares.1, "pairing": shares.2,
            "double_seconds": rest.0, "break_allow": rest.1, "break_paid": rest.2,
            "extra_mark": rest.3, "round_step": round.0, "round_mode": round.1,
        })
    })
}

fn params() -> impl Strategy<Value = Value> {
    let house = (word("- given derive"), maybe(time()), word("- - day night"));
    (parameters(), house, maybe(vec(1u8..=7, 0..7))).prop_map(|(mut params, house, workdays)| {
        params["directions"] = house.0;
        params["day_cut"] = house.1;
        params["default_shift"] = house.2;
        params["workdays"] = workdays;
        params
    })
}

fn parts() -> impl Strategy<Value = Value> {
    let split = vec(time(), 4).prop_map(|mut times| {
        times.sort();
        json!([[times[0], times[1]], [times[2], times[3]]])
    });
    let usual = ["09:00 18:00", "22:00 30:00", "00:00 08:00", "08:00 32:00", "01:30 10:00"];
    let usual = usual.map(|times| json!([times.split(' ').collect::<Vec<_>>()]));
    let any = (time(), time()).prop_map(|(from, to)| json!([[from, to]]));
    prop_oneof![3 => one_of(&usual), 1 => split, 1 => any]
}

fn shift() -> impl Strategy<Value = Value> {
    let pause = (time(), time(), maybe(any::<bool>()));
    let pause = pause.prop_map(|(from, to, paid)| json!({"from": from, "to": to, "paid": paid}));
    let flex = (word("- fixed flex"), maybe(0u32..700), option::of((time(), time())));
    let rest = (maybe(time()), word("- off work"), maybe(any::<bool>()));
    (parts(), vec(pause, 0..2), flex, rest, parameters()).prop_map(
        |(parts, breaks, flex, rest, mut shift)| {
            shift["parts"] = parts;
            shift["breaks"] = json!(breaks);
            shift["kind"] = flex.0;
            shift["minutes"] = flex.1;
            shift["core"] = json!(flex.2);
            shift["half_at"] = rest.0;
            shift["holidays"] = rest.1;
            shift["eve"] = rest.2;
            shift
        },
    )
}

fn roster() -> impl Strategy<Value = Value> {
    let cycle = vec(word("day day night other -"), 0..5);
    let entry = (maybe(date()), maybe(date()), cycle, word("- - a b nowhere"));
    entry.prop_map(
        |(from, to, cycle, site)| json!({"from": from, "to": to, "cycle": cycle, "site": site}),
    )
}

fn punch() -> impl Strategy<Value = Value> {
    let what = (word("p0 p1 p2 p3 p4 p5 p6 p7 p8 p9"), instant(), word("t1 t2 t9 -"));
    let how = (one_of(&[json!("in"), json!("out"), json!(255), Value::Null]), outcome());
    let clock = (word("- - ok unsure"), maybe(any::<bool>()), maybe(instant()), maybe(instant()));
    (what, how, clock, 0u8..6).prop_map(|(what, how, clock, redated)| {
        json!({
            "id": what.0, "at": what.1, "terminal": what.2, "direction": how.0, "outcome": how.1,
            "clock": clock.0, "live": clock.1, "received_at": clock.2,
            "redated_at": if redated == 0 { clock.3 } else { Value::Null },
        })
    })
}

fn outcome() -> impl Strategy<Value = Value> {
    word("- - - granted denied duress timeout")
}

fn correction() -> impl Strategy<Value = Value> {
    let what = (word("c0 c1 c2 c3 p0"), word("add set void"), maybe(date()));
    let punch = (word("- p0 p1 p2 p3 p4 c0 c1"), maybe(instant()), word("- in out"));
    let who = (word("- approved approved approved rejected"), word("- x y"), word("- y y z"));
    (what, punch, who, maybe(instant())).prop_map(|(what, punch, who, decided_at)| {
        json!({
            "id": what.0, "op": what.1, "date": what.2,
            "punch": punch.0, "at": punch.1, "direction": punch.2,
            "status": who.0, "by": who.1, "approver": who.2, "decided_at": decided_at,
        })
    })
}

fn leave() -> impl Strategy<Value = Value> {
    let entry = (date(), word("full am pm hours"), time(), time(), word("- approved pending"));
    entry.prop_map(|(date, kind, from, to, status)| {
        json!({"date": date, "kind": kind, "from": from, "to": to, "status": status})
    })
}

fn calendar() -> impl Strategy<Value = Value> {
    let holiday =
        (date(), word("- a b")).prop_map(|(date, site)| json!({"date": date, "site": site}));
    let storm = (date(), word("- a b"), maybe(time()), maybe(time())).prop_map(
        |(date, site, from, to)| json!({"date": date, "site": site, "from": from, "to": to}),
    );
    let overtime = (date(), 0u32..300, word("- approved pending")).prop_map(
        |(date, minutes, status)| json!({"date": date, "minutes": minutes, "status": status}),
    );
    (vec(holiday, 0..3), vec(storm, 0..3), vec(leave(), 0..3), vec(overtime, 0..3)).prop_map(
        |(holidays, storms, leave, overtime)| {
            json!({"holidays": holidays, "storms": storms, "leave": leave, "overtime": overtime})
        },
    )
}

fn sites() -> impl Strategy<Value = Value> {
    let zone = || word("Asia/Hong_Kong Europe/Lisbon UTC Asia/Kathmandu Pacific/Auckland");
    let moves = (date(), zone(), zone());
    let changing = moves.prop_map(|(from, a, b)| {
        json!({"zones": [{"from": from, "zone": a}, {"from": "2020-01-01", "zone": b}]})
    });
    let fixed = zone().prop_map(|zone| json!({"zone": zone}));
    (prop_oneof![3 => fixed, 1 => changing], zone())
        .prop_map(|(a, zone)| json!({"a": a, "b": {"zone": zone}}))
}

fn terminals() -> impl Strategy<Value = Value> {
    let until = || prop_oneof![3 => Just(json!("2027-01-01T00:00:00Z")), 1 => maybe(instant())];
    (until(), until(), 0u8..8).prop_map(|(first, second, without)| match without {
        0 => json!({}),
        1..4 => json!({"t1": {"site": "a", "complete_until": first}}),
        _ => json!({
            "t1": {"site": "a", "complete_until": first},
            "t2": {"site": "b", "complete_until": second},
        }),
    })
}

fn closed() -> impl Strategy<Value = Value> {
    let day = (word("absent present"), 0u32..600)
        .prop_map(|(state, minutes)| json!({"state": state, "worked_minutes": minutes}));
    let days = prop::collection::btree_map(date(), day, 0..4);
    (instant(), days).prop_map(|(at, days)| json!({"at": at, "days": days}))
}

/// A vector that can be read. Its shifts, `day` and `night`, may make no sense.
pub(crate) fn vector() -> impl Strategy<Value = Value> {
    let rules = (sites(), shift(), shift(), params(), terminals(), calendar());
    let own = (word("a a a b -"), vec(roster(), 0..3), maybe(date()), maybe(date()));
    let acts = (vec(punch(), 0..12), vec(correction(), 0..5), maybe(closed()));
    let now = prop_oneof![3 => Just("2026-12-01T00:00:00Z".to_owned()), 1 => instant()];
    (rules, own, acts, now, date(), date()).prop_map(|(rules, own, acts, now, first, last)| {
        let (sites, day, night, params, terminals, calendar) = rules;
        let (first, last) = (first.clone().min(last.clone()), first.max(last));
        let mut vector = json!({
            "id": "generated", "site": own.0, "sites": sites,
            "shifts": {"day": day, "night": night}, "params": params, "terminals": terminals,
            "roster": own.1, "employed": {"from": own.2, "to": own.3},
            "punches": acts.0, "corrections": acts.1, "closed": acts.2,
            "now": now, "range": [first, last],
        });
        for (key, list) in calendar.as_object().into_iter().flatten() {
            vector[key] = list.clone();
        }
        vector
    })
}
