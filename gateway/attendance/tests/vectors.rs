//! The shared vectors: what they assert must be what the rules compute, from the inputs alone.

mod compare;

use compare::difference;
use muster_attendance::replay::replay;
use serde_json::{Map, Value};

const VECTORS: &str = include_str!("vectors.json");
/// Odd days, with what a program says of them that was written apart from this one, in another
/// language, from the rules' text alone. Every state and reason occurs, and every mark but `GAP`.
const APART: &str = include_str!("apart.json");
/// The same of a third program, of days around changes of the clock, ends of months and of years in
/// thirteen zones: every state, reason and mark, many of them together.
const FURTHER: &str = include_str!("further.json");

#[test]
fn every_vector_agrees() {
    agrees(VECTORS, 27);
}

#[test]
fn programs_written_apart_agree() {
    agrees(APART, 40);
    agrees(FURTHER, 60);
}

fn agrees(text: &str, count: usize) {
    let document: Value = serde_json::from_str(text).unwrap();
    let results = serde_json::to_value(replay(text).unwrap()).unwrap();
    let vectors = document["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), count);
    let pairs = vectors.iter().zip(results.as_array().unwrap());
    let differences: Vec<_> = pairs
        .filter_map(|(vector, result)| {
            assert_eq!(vector["id"], result["id"]);
            difference(vector["id"].as_str().unwrap(), &vector["expect"], result)
        })
        .collect();
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn expectations_are_never_read() {
    let mut document: Value = serde_json::from_str(VECTORS).unwrap();
    for vector in document["vectors"].as_array_mut().unwrap() {
        vector["expect"] = Value::from("nothing");
    }
    assert_eq!(replay(&document.to_string()).unwrap(), replay(VECTORS).unwrap());
}

#[test]
fn days_have_exactly_the_formats_keys() {
    let results = serde_json::to_value(replay(VECTORS).unwrap()).unwrap();
    let keys = |object: &Value| object.as_object().map(Map::len);
    for result in results.as_array().unwrap() {
        assert_eq!(keys(result), Some(4), "{result}");
        assert_eq!(keys(&result["month"]), Some(14), "{result}");
        for (_, day) in result["days"].as_object().unwrap() {
            assert_eq!(keys(day), Some(17), "{day}");
            for name in ["state", "final", "shift", "first_in", "last_out", "marks", "punches"] {
                assert!(day.get(name).is_some(), "{name}");
            }
        }
    }
}
