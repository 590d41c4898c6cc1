//! What holds for every sheet, whatever the input.

mod generate;

use generate::vector;
use muster_attendance::replay::{SCHEMA, replay};
use muster_attendance::sheet::Sheet;
use muster_attendance::{Code, State};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The lists of a vector in which order says nothing.
const UNORDERED: [&str; 6] = ["punches", "corrections", "holidays", "storms", "leave", "overtime"];

fn document(vector: &Value) -> String {
    json!({"schema": SCHEMA, "vectors": [vector]}).to_string()
}

fn sheet(vector: &Value) -> Sheet {
    let mut results = replay(&document(vector)).unwrap();
    results.pop().unwrap().sheet.unwrap_or_else(|error| panic!("{error}"))
}

/// Turns every unordered list by as many places as `turns` says, and over.
fn shuffled(vector: &Value, turns: [usize; 6]) -> Value {
    let mut vector = vector.clone();
    for (key, turn) in UNORDERED.iter().zip(turns) {
        if let Some(list) = vector[key].as_array_mut().filter(|list| !list.is_empty()) {
            let places = turn % list.len();
            list.rotate_left(places);
            if turn % 2 == 0 {
                list.reverse();
            }
        }
    }
    vector
}

/// Minutes after 00:00 of `HH:MM`.
fn minutes(time: &Value) -> i64 {
    let (hours, minutes) = time.as_str().unwrap().split_once(':').unwrap();
    hours.parse::<i64>().unwrap() * 60 + minutes.parse::<i64>().unwrap()
}

/// When the window of a date in Hong Kong ends, in minutes since 1970, read from the vector.
fn window_end(vector: &Value, date: &str, shift: &str) -> i64 {
    let midnight: jiff::Timestamp = format!("{date}T00:00:00+08:00").parse().unwrap();
    let shift = &vector["shifts"][shift];
    let last = shift["parts"].as_array().unwrap().last().unwrap();
    let after = shift["after"].as_i64().or(vector["params"]["after"].as_i64()).unwrap_or(480);
    let eve = if shift["eve"] == true { 24 * 60 } else { 0 };
    midnight.as_second() / 60 + minutes(&last[1]) - eve + after
}

fn is_complete(vector: &Value, end: i64) -> bool {
    let instant = |text: &Value| text.as_str().map(|text| text.parse::<jiff::Timestamp>().unwrap());
    let reaches = |text: &Value| instant(text).is_some_and(|at| at.as_second() >= end * 60);
    let terminals = vector["terminals"].as_object().unwrap();
    let all = terminals.values().all(|terminal| reaches(&terminal["complete_until"]));
    !terminals.is_empty() && all && reaches(&vector["now"])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn order_of_arrival_does_not_matter(vector in vector(), turns: [usize; 6]) {
        prop_assert_eq!(sheet(&vector), sheet(&shuffled(&vector, turns)));
    }

    #[test]
    fn replay_twice_gives_the_same(vector in vector()) {
        prop_assert_eq!(sheet(&vector), sheet(&vector));
    }

    #[test]
    fn arriving_twice_changes_nothing(vector in vector()) {
        let mut twice = vector.clone();
        for key in ["punches", "corrections"] {
            let list = twice[key].as_array_mut().unwrap();
            list.extend(list.clone());
        }
        prop_assert_eq!(sheet(&vector), sheet(&twice));
    }

    #[test]
    fn minutes_make_the_span(vector in vector()) {
        for (date, day) in sheet(&vector).days {
            let m = day.minutes;
            let parts = [m.worked, m.overtime, m.extra, m.gap, m.breaks, m.away];
            prop_assert!(parts.iter().all(|part| *part >= 0), "{} {:?}", date, m);
            prop_assert_eq!(parts.iter().sum::<i64>(), m.span, "{} {:?}", date, m);
        }
    }

    #[test]
    fn absence_waits_for_the_data(mut vector in vector()) {
        vector["sites"] = json!({"a": {"zone": "Asia/Hong_Kong"}, "b": {"zone": "Asia/Hong_Kong"}});
        vector["site"] = json!("a");
        for entry in vector["roster"].as_array_mut().unwrap() {
            entry["site"] = json!("b");
        }
        for (date, day) in sheet(&vector).days {
            let claims = [State::Absent, State::Missing, State::HalfDay].contains(&day.state);
            let marks = [Code::NoPunch, Code::BelowAbsent, Code::BelowHalf];
            if claims || marks.iter().any(|code| day.marks.contains(*code)) {
                prop_assert!(day.is_final);
                let end = window_end(&vector, &date.to_string(), &day.shift.unwrap());
                prop_assert!(is_complete(&vector, end), "{}", date);
            }
        }
    }

    #[test]
    fn nothing_is_absent_before_anything_is_complete(mut vector in vector()) {
        vector["terminals"]["t1"] = json!({"site": "a"});
        let sheet = sheet(&vector);
        let is_fine = |state: &State| *state != State::Absent && *state != State::Missing;
        prop_assert!(sheet.month.days.keys().all(is_fine));
    }

    #[test]
    fn every_punch_of_a_range_is_on_one_day(vector in vector()) {
        let sheet = sheet(&vector);
        let mut ids: Vec<_> = sheet.days.values().flat_map(|day| &day.punches).collect();
        ids.sort_by_key(|punch| punch.id.clone());
        prop_assert!(ids.windows(2).all(|pair| pair[0].id != pair[1].id));
    }

    #[test]
    fn the_month_is_the_sum_of_its_parts(vector in vector()) {
        let whole = serde_json::to_value(sheet(&vector)).unwrap();
        let days = whole["days"].as_object().unwrap();
        for key in ["planned_minutes", "worked_minutes", "late_minutes", "storm_minutes"] {
            let sum: i64 = days.values().map(|day| day[key].as_i64().unwrap()).sum();
            prop_assert_eq!(&whole["month"][key], sum);
        }
        let counted = whole["month"]["days"].as_object().unwrap().values();
        prop_assert_eq!(counted.map(|n| n.as_u64().unwrap()).sum::<u64>(), days.len() as u64);
    }

    #[test]
    fn any_date_of_a_range_is_the_same_alone(vector in vector()) {
        let whole = sheet(&vector);
        let Some((date, day)) = whole.days.iter().nth(whole.days.len() / 2) else {
            return Ok(());
        };
        let mut alone = vector;
        alone["range"] = json!([date.to_string(), date.to_string()]);
        prop_assert_eq!(&sheet(&alone).days[date], day);
    }

    #[test]
    fn no_value_anywhere_makes_it_panic(
        vector in vector(),
        place in any::<prop::sample::Index>(),
        odd in prop::sample::select(odd_values()),
    ) {
        let mut vector = vector;
        let mut places = Vec::new();
        walk(&vector, String::new(), &mut places);
        let pointer = &places[place.index(places.len())];
        if let Some(value) = vector.pointer_mut(pointer) {
            *value = odd;
        }
        let results = replay(&document(&vector)).unwrap();
        prop_assert!(serde_json::to_string(&results).is_ok());
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        prop_assert!(replay(&text).is_err());
    }
}

/// JSON pointers of all values inside.
fn walk(value: &Value, path: String, places: &mut Vec<String>) {
    let entries: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in entries {
        places.push(format!("{path}/{key}"));
        walk(value, format!("{path}/{key}"), places);
    }
}

fn odd_values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(-1),
        json!(u64::MAX),
        json!(u32::MAX),
        json!(1e300),
        json!(""),
        json!("\u{202e}"),
        json!([]),
        json!({}),
        json!([[[]]]),
        json!(true),
        json!("48:00"),
        json!("-9999-01-01"),
        json!("9999-12-31"),
        json!("0001-01-01"),
        json!("9999-12-30T22:00:00Z"),
        json!("-009999-01-02T01:59:59Z"),
        json!(["9990-12-31", "9990-12-31"]),
        json!(["0001-01-01", "0001-01-01"]),
    ]
}
