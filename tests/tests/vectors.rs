//! `muster sheet replay` from outside: what it prints and how it ends, also for what is no vector.

use anyhow::{Context as _, Result};
use muster_tests::binary::{Build, gateway};
use serde_json::{Value, json};
use std::process::Command;

/// Runs it on a document: the exit code, standard output, standard error.
fn replay(document: &[u8]) -> Result<(i32, String, String)> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("vectors.json");
    std::fs::write(&file, document)?;
    let mut command = Command::new(gateway(Build::Real)?);
    let output = command.args(["sheet", "replay", "--json"]).arg(&file).output()?;
    let text = |bytes| String::from_utf8(bytes).context("not text");
    Ok((output.status.code().unwrap_or(-1), text(output.stdout)?, text(output.stderr)?))
}

fn vector(id: &str, more: Value) -> Value {
    let mut vector = json!({
        "id": id,
        "sites": { "hk": { "zone": "Asia/Hong_Kong" } },
        "site": "hk",
        "shifts": { "day": { "parts": [["09:00", "18:00"]] } },
        "terminals": { "T": { "complete_until": "2026-12-01T00:00:00Z" } },
        "now": "2026-12-01T00:00:00Z",
        "range": ["2026-03-02", "2026-03-02"],
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        vector[key] = value.clone();
    }
    vector
}

#[test]
fn a_vector_that_is_none_takes_no_other_with_it_and_ends_with_65() -> Result<()> {
    let odd = [
        json!({ "range": ["2026-03-02"] }),
        json!({ "range": ["1926-01-01", "2026-01-01"] }),
        json!({ "range": ["9999-01-01", "9999-12-31"] }),
        json!({ "now": "yesterday" }),
        json!({ "now": null }),
        json!({ "punches": {} }),
        json!({ "punches": [7] }),
        json!({ "punches": [{ "id": "p" }] }),
        json!({ "punches": [{ "id": "p", "at": "2026-03-02T09:00:00" }] }),
        json!({ "sites": { "hk": { "zone": "Asia/Nowhere" } } }),
        json!({ "params": { "round_step": 7 } }),
        json!({ "params": { "before": -1 } }),
        json!({ "params": { "workdays": [0] } }),
        json!({ "roster": [{ "cycle": "day" }] }),
        json!({ "corrections": [{ "id": "c", "op": "undo" }] }),
        json!({ "leave": [{ "date": "2026-02-30", "kind": "full" }] }),
        json!({ "overtime": [{ "date": "2026-03-02", "minutes": 1e300 }] }),
        json!({ "base": "nowhere" }),
    ];
    for more in odd {
        let vectors = [vector("good", json!({})), vector("odd", more.clone())];
        let document = json!({ "schema": "muster.attendance/1", "vectors": vectors });
        let (code, out, errors) = replay(document.to_string().as_bytes())?;
        assert_eq!(code, 65, "{more}: {errors}");
        let results: Value = serde_json::from_str(&out)?;
        assert_eq!(results[0]["days"]["2026-03-02"]["state"], "absent", "{more}");
        let told = results[1]["error"].as_str().unwrap_or_default();
        assert!(!told.is_empty() && errors.contains("odd: "), "{more}: {out} {errors}");
        assert!(!told.contains("struct") && !told.contains("variant of"), "{more}: {told}");
    }
    let good = json!({ "schema": "muster.attendance/1", "vectors": [vector("a", json!({}))] });
    assert_eq!(replay(good.to_string().as_bytes())?.0, 0);
    Ok(())
}

#[test]
fn a_document_that_is_none_ends_with_65_and_prints_nothing() -> Result<()> {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for document in [
        "",
        "{",
        "[]",
        "null",
        "\u{feff}",
        r#"{"schema":"muster.attendance/2","vectors":[]}"#,
        r#"{"schema":"muster.attendance/1"}"#,
        r#"{"schema":"muster.attendance/1","vectors":{}}"#,
        r#"{"schema":"muster.attendance/1","vectors":[],"bases":[]}"#,
        &deep,
    ] {
        let (code, out, errors) = replay(document.as_bytes())?;
        let begun: String = document.chars().take(60).collect();
        assert_eq!((code, out.as_str()), (65, ""), "{begun}: {errors}");
        assert!(errors.starts_with("muster: ") && errors.lines().count() == 1, "{errors}");
    }
    let (code, out, _) = replay(&[0xFF, 0xFE, 0x00])?;
    assert_eq!((code, out.as_str()), (65, ""), "not UTF-8");
    Ok(())
}
