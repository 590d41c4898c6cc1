//! The model's rules one by one: each case is a vector with a few inputs changed.

use muster_residency::replay::{Outcome, replay};
use serde_json::{Value, json};

const VECTORS: &str = include_str!("vectors.json");
const LAW_PACK: &str = include_str!("lawpack.toml");

fn policy(id: &str) -> Option<String> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/policies");
    std::fs::read_to_string(format!("{dir}/{id}.toml")).ok()
}

fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}

/// Vector `id` with `patch` laid over it; null takes a key's value away.
fn run(id: &str, patch: &Value) -> Outcome {
    let mut file: Value = serde_json::from_str(VECTORS).expect("JSON");
    let cases = file["vectors"].as_array().expect("a list");
    let mut case = cases.iter().find(|c| c["id"] == id).expect("a vector").clone();
    merge(&mut case, patch);
    file["vectors"] = json!([case]);
    let outcomes = replay(&file.to_string(), &policy, LAW_PACK).expect("a replay");
    outcomes.into_iter().next().expect("an outcome")
}

#[track_caller]
fn check(id: &str, patch: Value, decision: &str, reasons: &[&str]) {
    let outcome = run(id, &patch);
    assert_eq!((outcome.decision.as_str(), outcome.reasons), (decision, texts(reasons)), "{patch}");
}

#[track_caller]
fn checks_bucket(id: &str, patch: Value, bucket: Option<&str>, reasons: &[&str]) {
    let outcome = run(id, &patch);
    let found = (outcome.bucket.map(|b| b.as_str()), outcome.reasons);
    assert_eq!(found, (bucket, texts(reasons)), "{patch}");
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn policy_fit() {
    let signers = |list: Value| json!({ "signers_override": list });
    check("V01", signers(json!([])), "HOLD", &["I-05-SIGN"]);
    check("V01", signers(json!([{"person": "a", "role": "dpo"}])), "HOLD", &["I-05-SIGN"]);
    let one_person = json!([{"person": "a", "role": "dpo"}, {"person": "a", "role": "it"}]);
    check("V01", signers(one_person), "HOLD", &["I-05-SIGN"]);
    let one_role = json!([{"person": "a", "role": "dpo"}, {"person": "b", "role": "dpo"}]);
    check("V01", signers(one_role), "HOLD", &["I-05-SIGN"]);
    let no_dpo = json!([{"person": "a", "role": "x"}, {"person": "b", "role": "y"}]);
    check("V01", signers(no_dpo), "HOLD", &["I-05-SIGN"]);
    let good = json!([{"person": "a", "role": "x"}, {"person": "b", "role": "dpo"}]);
    check("V01", signers(good), "FORWARD", &[]);
    check(
        "V01",
        json!({"now": "2026-04-01T00:00:00+08:00", "record": {"check_time": "2026-04-01T00:00:00+08:00"}}),
        "FORWARD",
        &[],
    );
    check("V01", json!({"now": "2026-03-31T23:59:59+08:00"}), "HOLD", &["I-05-DATE"]);
    check("V01", json!({"now": "2026-09-30T23:59:59+08:00"}), "FORWARD", &[]);
    check("V01", json!({"now": "2026-10-01T00:00:00+08:00"}), "HOLD", &["I-05-DATE"]);
    check("V01", json!({"clock_trusted": false}), "HOLD", &["I-07"]);
}

#[test]
fn what_ends_the_evaluation() {
    check("V01", json!({"record": {"class": "file.upload"}}), "HOLD", &["I-06-CLASS"]);
    check("V01", json!({"record": {"class": null}, "site": "nowhere"}), "HOLD", &["I-06-CLASS"]);
    check("V03", json!({"site": "nowhere", "clock_trusted": false}), "DROP", &["I-01", "I-07"]);
    check("V01", json!({"site": "nowhere", "basis": null}), "HOLD", &["I-06-SITE"]);
    check("V01", json!({"site": null}), "HOLD", &["I-06-SITE"]);
    let other = json!([{"id": "P-2", "when": {"record.class": ["attendance.event"]}, "to": "hk-node", "profile": "dingtalk-min"}]);
    let vip =
        json!({"extra_permits": other, "subject": {"department": "compliance", "category": null}});
    check("V01", json!({"extra_permits": other}), "HOLD", &["E-AMBIG"]);
    check("V01", vip, "HOLD", &["I-06-CATEGORY", "I-11"]);
}

#[test]
fn required_facts_and_consent() {
    check("V01", json!({"subject": {"category": null}}), "HOLD", &["I-02", "I-06-CATEGORY"]);
    check("V01", json!({"subject": {"category": "unknown"}}), "HOLD", &["I-02", "I-06-CATEGORY"]);
    check("V01", json!({"subject": {"age_band": "unknown"}}), "HOLD", &["I-06-AGE_BAND"]);
    check("V01", json!({"subject": {"age_band": null}}), "HOLD", &["I-06-AGE_BAND"]);
    check("V01", json!({"basis": null}), "HOLD", &["I-06-BASIS"]);
    check("V01", json!({"basis": "none"}), "HOLD", &["I-06-BASIS"]);
    check("V01", json!({"basis": "consent"}), "HOLD", &["C-01-ABSENT"]);
    check("V01", json!({"basis": "consent", "consent": "withdrawn"}), "HOLD", &["C-01-WITHDRAWN"]);
    check("V01", json!({"basis": "contract", "consent": "withdrawn"}), "FORWARD", &[]);
    check("V01", json!({"basis": "consent", "consent": "given"}), "FORWARD", &[]);
    let child = |guardian: bool| {
        json!({"basis": "consent", "consent": "given", "guardian_consent": guardian,
               "subject": {"age_band": "under14"}})
    };
    check("V01", child(false), "HOLD", &["C-02-GUARDIAN"]);
    check("V01", child(true), "FORWARD", &[]);
    check("V10", json!({"basis": null}), "HOLD", &["I-06-BASIS"]);
}

#[test]
fn several_permits_to_one_destination() {
    let permit = |more: Value| {
        let mut permit = json!({"id": "P-2", "when": {"record.class": ["attendance.event"]},
                                "to": "sg-tenant", "profile": "dingtalk-min"});
        merge(&mut permit, &more);
        json!({ "extra_permits": [permit] })
    };
    check("V01", permit(json!({})), "FORWARD", &[]);
    check("V01", permit(json!({"approval": true})), "APPROVE", &["A-01"]);
    check("V01", permit(json!({"require": ["works-agreement"]})), "HOLD", &["R-WORKS-AGREEMENT"]);
    check("V01", permit(json!({"profile": "nowhere"})), "HOLD", &["I-11"]);
    let hr = json!({"extra_permits": [{"id": "P-2", "when": {}, "to": "sg-parent", "profile": "payroll-month"}]});
    checks_bucket("V16", hr, None, &["L-CN-YEAR", "T-CN-100K"]);
}

#[test]
fn forbids() {
    check("V01", json!({"subject": {"department": "compliance"}}), "HOLD", &["F-VIP"]);
    check("V01", json!({"subject": {"department": null}}), "HOLD", &["I-06-DEPARTMENT"]);
    check(
        "V01",
        json!({"destination_override": {"region": "cn-hangzhou"}, "health": {"sg-tenant": {"attests": "cn-hangzhou"}}}),
        "HOLD",
        &["F-MAINLAND", "G-MO-20"],
    );
    let bio = |patch: Value| {
        let mut case = json!({"record": {"method": "face"}});
        merge(&mut case, &patch);
        json!({"destination_override": {"remote_access_from": []}, "record": case["record"], "evidence_patch": case["evidence_patch"]})
    };
    check("V20", bio(json!({})), "HOLD", &["F-BIO-METHOD"]);
    check("V20", bio(json!({"record": {"method": null}})), "HOLD", &["I-06-METHOD"]);
    let papers = |lane: &str| {
        let paper = |kind: &str| json!({"type": kind, "lane": lane, "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"});
        json!({"evidence_patch": {"add": [paper("eu-dpia"), paper("works-agreement"), paper("art9-ground")]}})
    };
    check("V20", bio(papers("*")), "FORWARD", &[]);
    check("V20", bio(papers("EU->*")), "FORWARD", &[]);
    check("V20", bio(papers("EU->EU")), "HOLD", &["F-BIO-METHOD"]);
    check("V20", bio(papers("MO->*")), "HOLD", &["F-BIO-METHOD"]);
}

#[test]
fn region_account_and_horizon() {
    check("V01", json!({"health": {"sg-tenant": null}}), "HOLD", &["I-03", "I-04"]);
    check(
        "V01",
        json!({"health": {"sg-tenant": {"state": "down", "attests": "cn-hongkong"}}}),
        "HOLD",
        &["I-03", "I-04"],
    );
    check("V01", json!({"health": {"sg-tenant": {"attests": null}}}), "HOLD", &["I-04"]);
    check("V01", json!({"subject": {"account_class": null}}), "HOLD", &["I-06-ACCOUNT"]);
    check("V01", json!({"subject": {"account_class": "unknown"}}), "HOLD", &["I-06-ACCOUNT"]);
    check("V01", json!({"subject": {"account_class": "none"}}), "HOLD", &["F-ACCT"]);
    check("V12", json!({"subject": {"account_class": null}}), "FORWARD", &[]);
    check("V01", json!({"record": {"check_time": null}}), "HOLD", &["I-06-CHECK_TIME"]);
    check("V01", json!({"record": {"check_time": "2025-11-12T09:00:00+08:00"}}), "FORWARD", &[]);
    check(
        "V01",
        json!({"record": {"check_time": "2025-11-12T08:59:59+08:00"}}),
        "HOLD",
        &["D-180"],
    );
    check("V12", json!({"record": {"check_time": null}}), "FORWARD", &[]);
    check("V01", json!({"destination_override": {"region": "mars-1"}}), "HOLD", &["I-11"]);
}

#[test]
fn aggregates() {
    check("V10", json!({"record": {"cell_size": null}}), "HOLD", &["K-01"]);
    check("V10", json!({"record": {"cell_size": 10}}), "FORWARD", &[]);
    check("V10", json!({"record": {"cell_size": 9}}), "HOLD", &["K-01"]);
    check("V10", json!({"evidence_patch": {"remove": ["dpa"]}}), "HOLD", &["R-DPA"]);
    check("V10", json!({"destination_override": {"remote_access_from": ["US"]}}), "FORWARD", &[]);
}

#[test]
fn lanes_and_papers() {
    check(
        "V05",
        json!({"evidence_patch": {"add": [{"type": "mo-authorisation", "lane": "*->SG", "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}]}}),
        "FORWARD",
        &[],
    );
    check(
        "V05",
        json!({"evidence_patch": {"add": [{"type": "mo-authorisation", "lane": "MO->HK", "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}]}}),
        "HOLD",
        &["G-MO-20"],
    );
    check(
        "V05",
        json!({"evidence_patch": {"add": [{"type": "mo-authorisation", "lane": "nonsense", "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}]}}),
        "HOLD",
        &["G-MO-20"],
    );
    check(
        "V06",
        json!({"evidence_patch": {"set_to": {"dpa": "2026-05-11T09:00:00+08:00"}}}),
        "HOLD",
        &["R-DPA"],
    );
    check(
        "V06",
        json!({"evidence_patch": {"set_to": {"dpa": "2026-05-11T09:00:01+08:00"}}}),
        "FORWARD",
        &[],
    );
    check(
        "V06",
        json!({"evidence_patch": {"set_to": null, "set_from": {"dpa": "2026-05-11T09:00:00+08:00"}}}),
        "FORWARD",
        &[],
    );
    check(
        "V01",
        json!({"evidence_patch": {"set_from": {"dpa": "2026-05-11T09:00:01+08:00"}}}),
        "HOLD",
        &["R-DPA"],
    );
    check(
        "V01",
        json!({"destination_override": {"remote_access_from": ["US"]}}),
        "HOLD",
        &["G-MO-20"],
    );
    check(
        "V01",
        json!({"subject": {"employment_law": ["CN"]}, "counters": {"cn_export_persons": 5}}),
        "HOLD",
        &["G-CN-39"],
    );
    check("V01", json!({"subject": {"employment_law": ["TH"]}}), "HOLD", &["I-06-LAW"]);
    check("V01", json!({"subject": {"employment_law": ["SG"]}}), "FORWARD", &[]);
    check("V01", json!({"site_override": {"controller": "HK"}}), "HOLD", &["G-HK-DPP"]);
    check("V12", json!({"destination_override": {"operator_gba": false}}), "HOLD", &["G-MO-20"]);
    check(
        "V19",
        json!({"evidence_patch": {"set_from": {"my-tia": "2023-05-12T09:00:00+08:00"}}}),
        "FORWARD",
        &[],
    );
    check(
        "V19",
        json!({"evidence_patch": {"set_from": {"my-tia": "2023-05-12T08:59:59+08:00"}}}),
        "HOLD",
        &["G-MY-129"],
    );
}

#[test]
fn advice_warns() {
    let hk = json!({"site": "hk-sales", "evidence_patch": {"set_from": {}, "remove": ["hk-rmc"]}});
    let outcome = run("V19", &hk);
    assert_eq!((outcome.decision.as_str(), outcome.warn), ("FORWARD", texts(&["A-HK-33"])));
}

#[test]
fn the_mainlands_mechanism() {
    let plain = |more: Value| {
        let mut patch = json!({"evidence_patch": {"remove": ["cn-labour-rules"]}, "counters": {"cn_export_persons": 10}});
        merge(&mut patch, &more);
        patch
    };
    let paper = |kind: &str| json!({"type": kind, "lane": "CN->SG", "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"});
    let with = |kind: &str, more: Value| {
        let mut patch = plain(more);
        patch["evidence_patch"]["add"] = json!([paper(kind)]);
        patch
    };
    checks_bucket("V16", plain(json!({})), Some("lt-100k"), &[]);
    checks_bucket("V16", with("cn-assessment", json!({})), Some("assessment"), &[]);
    let many = json!({"counters": {"cn_export_persons": 99_999}, "approval": true});
    checks_bucket("V16", plain(many.clone()), None, &["T-CN-100K"]);
    checks_bucket("V16", with("cn-scc", many.clone()), Some("scc"), &[]);
    checks_bucket("V16", with("cn-cert", many), Some("scc"), &[]);
    let million = json!({"counters": {"cn_export_persons": 999_999}, "approval": true});
    checks_bucket("V16", with("cn-scc", million), None, &["T-CN-1M"]);
    let sensitive = |count: u64| json!({"record": {"sensitive": true}, "counters": {"cn_export_sensitive": count}});
    checks_bucket("V16", plain(sensitive(5)), None, &["G-CN-38-SENS"]);
    checks_bucket("V16", with("cn-scc", sensitive(9_998)), Some("scc"), &[]);
    checks_bucket("V16", with("cn-scc", sensitive(9_999)), None, &["T-CN-10K-SENS"]);
    checks_bucket("V16", plain(sensitive(9_999)), None, &["T-CN-10K-SENS"]);
    let child = json!({"subject": {"age_band": "under14"}});
    checks_bucket("V16", plain(child), None, &["G-CN-38-SENS"]);
    checks_bucket("V16", json!({"subject": {"category": "contractor"}}), None, &["I-02"]);
    checks_bucket(
        "V16",
        json!({"evidence_patch": {"remove": ["pipia"]}}),
        None,
        &["G-CN-39", "L-CN-YEAR"],
    );
    checks_bucket("V15", json!({"site_override": {"gba": false}}), None, &["T-CN-100K"]);
}

#[test]
fn limits() {
    let at = |count: u64, approval: bool| json!({"evidence_patch": {"remove": ["cn-labour-rules"]}, "counters": {"cn_export_persons": count}, "approval": approval});
    let outcome = run("V16", &at(79_998, false));
    assert_eq!((outcome.decision.as_str(), outcome.warn.len()), ("FORWARD", 0));
    let outcome = run("V16", &at(79_999, false));
    assert_eq!((outcome.decision.as_str(), outcome.warn), ("FORWARD", texts(&["L-CN-YEAR"])));
    check("V16", at(94_999, false), "APPROVE", &["L-CN-YEAR"]);
    let outcome = run("V16", &at(94_999, true));
    assert_eq!((outcome.decision.as_str(), outcome.warn), ("FORWARD", texts(&["L-CN-YEAR"])));
}

#[test]
fn fields() {
    let over = json!({"profile_override": {"dingtalk-min": {"fields": ["check_time", "photo_url", "id_number", "email", "event_id", "shift"]}},
                      "record": {"fields": ["event_id", "check_time", "photo_url", "email", "id_number"]}});
    let outcome = run("V01", &over);
    assert_eq!(outcome.fields, texts(&["check_time", "event_id"]));
    assert_eq!(outcome.stripped, texts(&["id_number", "photo_url"]));
}

#[test]
fn errors_hold() {
    check("V01", json!({"now": "yesterday"}), "HOLD", &["I-11"]);
    check("V01", json!({"evidence": "no-such-set"}), "HOLD", &["I-11"]);
    check("V01", json!({"destination_override": {"connector": "pigeon"}}), "HOLD", &["I-11"]);
    check("V01", json!({"extra_permits": [{"id": "P-2"}]}), "HOLD", &["I-11"]);
}

#[test]
fn a_lane_is_spelt_as_the_model_spells_it() {
    let add = |lane: &str| {
        json!({"evidence_patch": {"add": [{
            "type": "mo-notification", "lane": lane,
            "from": "2026-01-01T00:00:00+08:00", "to": "2027-01-01T00:00:00+08:00",
        }], "remove": ["mo-notification"]}})
    };
    for lane in ["*", "MO->SG", "MO->*", "*->SG"] {
        check("V01", add(lane), "FORWARD", &[]);
    }
    for lane in ["*->*", "", "->", "*->", "mo->sg", "MO -> SG", "MO->SG->SG", "SG->MO"] {
        check("V01", add(lane), "HOLD", &["G-MO-20"]);
    }
}

#[test]
fn null_is_as_good_as_absent_and_more_may_be_said() {
    check("V01", json!({"record": null}), "HOLD", &["I-06-CLASS"]);
    let nobody = &["I-02", "I-06-AGE_BAND", "I-06-CATEGORY", "I-06-DEPARTMENT"];
    check("V01", json!({"subject": null}), "HOLD", nobody);
    let patch = json!({"remove": null, "set_to": null, "set_from": null, "add": null});
    check("V01", json!({ "evidence_patch": patch }), "FORWARD", &[]);
    let signers = json!([{"person": "a", "role": "dpo", "at": 1}, {"person": "b", "role": "x"}]);
    check("V01", json!({"signers_override": signers, "else": {}}), "FORWARD", &[]);
    assert_eq!(run("V01", &json!({"id": 7})).id, "7");
}

#[test]
fn what_cannot_be_read_holds_and_says_why() {
    for (patch, why) in [
        (json!({"now": "yesterday"}), "year"),
        (json!({"evidence": "nowhere"}), "`nowhere`"),
        (json!({"evidence": "bad"}), "missing field `lane`"),
        (json!({"counters": {"cn_export_persons": -1}}), "-1"),
        (json!({"destination_override": {"region": 3}}), "expected a string"),
        (json!({"extra_permits": [{"id": "x"}]}), "missing field"),
        (json!({"extra_permits": [null]}), "does not fit"),
    ] {
        let mut file: Value = serde_json::from_str(VECTORS).expect("JSON");
        let mut case = file["vectors"][0].clone();
        merge(&mut case, &patch);
        file["vectors"] = json!([case, file["vectors"][0].clone()]);
        file["evidence_sets"]["bad"] = json!([{"type": "dpa"}]);
        let outcomes = replay(&file.to_string(), &policy, LAW_PACK).expect("a replay");
        let (bad, good) = (&outcomes[0], &outcomes[1]);
        assert_eq!((bad.decision.as_str(), &bad.reasons), ("HOLD", &texts(&["I-11"])), "{patch}");
        assert!(bad.fault.as_ref().is_some_and(|f| f.contains(why)), "{:?} {patch}", bad.fault);
        assert_eq!((good.decision.as_str(), &good.fault), ("FORWARD", &None), "{patch}");
    }
}

#[test]
fn what_is_no_file_of_vectors_is_refused_once() {
    for (file, why) in [
        ("", "EOF while parsing"),
        ("{}", "missing field `vectors`"),
        (r#"{"vectors": null}"#, "invalid type: null"),
        (r#"{"schema": "x", "vectors": []}"#, "schema `x`"),
        (r#"{"law_pack": "x", "vectors": []}"#, "law pack `x`"),
        (r#"{"vectors": [5]}"#, "case #1 wants policy ``"),
    ] {
        let error = replay(file, &policy, LAW_PACK).expect_err("no file of vectors");
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let told = format!("{error}: {}", source.unwrap_or_default());
        assert_eq!(told.matches(why).count(), 1, "{told}");
    }
    assert_eq!(replay("\u{feff}{\"vectors\": []}", &policy, LAW_PACK).expect("a replay"), []);
}
