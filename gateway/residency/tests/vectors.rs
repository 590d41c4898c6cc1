//! The model's vectors: every field that a case's `expect` names agrees.

use muster_residency::replay::{Outcome, replay};
use serde_json::Value;

const VECTORS: &str = include_str!("vectors.json");
const LAW_PACK: &str = include_str!("lawpack.toml");

fn policy(id: &str) -> Option<String> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/policies");
    std::fs::read_to_string(format!("{dir}/{id}.toml")).ok()
}

fn run(vectors: &str) -> Vec<Outcome> {
    replay(vectors, &policy, LAW_PACK).expect("the vectors can be replayed")
}

#[test]
fn all_twenty_agree() {
    let cases: Value = serde_json::from_str(VECTORS).expect("JSON");
    let cases = cases["vectors"].as_array().expect("a list").clone();
    let outcomes = run(VECTORS);
    assert_eq!((cases.len(), outcomes.len()), (20, 20));
    for (case, outcome) in cases.iter().zip(&outcomes) {
        let outcome = serde_json::to_value(outcome).expect("JSON");
        for (field, wanted) in case["expect"].as_object().expect("an object") {
            assert_eq!(&outcome[field], wanted, "{}: {field} of {outcome}", case["id"]);
        }
    }
}

#[test]
fn expect_is_never_read() {
    let mut cases: Value = serde_json::from_str(VECTORS).expect("JSON");
    for case in cases["vectors"].as_array_mut().expect("a list") {
        case["expect"] = serde_json::json!({"decision": "DROP", "reasons": ["WRONG"]});
    }
    assert_eq!(run(&cases.to_string()), run(VECTORS));
}
